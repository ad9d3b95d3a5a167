/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * W310: a rule that an earlier one covers. Ten thousand rules cannot each be compared with all before them: a rule is kept under the items
 * of its rarest condition, and whom it covers has such a condition whose first item is one of these.
 */
#include "covered.h"

#include <string.h>

#include "hash.h"
#include "list.h"
#include "loader.h"

enum {
	NESTED_MAX = 64, /* longer lists of items are compared as a whole */
};

/* Every file that b names, a names. A file is one list, whoever names it. */
static bool
lists_within(const struct condition *a, const struct condition *b)
{
	for (size_t i = 0; i < b->n_lists; i++) {
		bool found = false;
		for (size_t j = 0; j < a->n_lists && !found; j++)
			found = a->lists[j] == b->lists[i];
		if (!found)
			return false;
	}
	return true;
}

/* Every item of b is an item of a. Items that are equal have equal bytes. */
static bool
items_within(const struct condition *a, const struct condition *b)
{
	size_t bytes = a->row->item_bytes;
	if (!lists_within(a, b) || (a->n == 0 && b->n > 0))
		return false;
	if (b->n == 0)
		return true;
	if (a->n == b->n && memcmp(a->items, b->items, a->n * bytes) == 0)
		return true;
	if (a->n > NESTED_MAX || b->n > NESTED_MAX)
		return false;
	for (size_t i = 0; i < b->n; i++) {
		bool found = false;
		for (size_t j = 0; j < a->n && !found; j++)
			found = memcmp((const char *)a->items + j * bytes, (const char *)b->items + i * bytes,
				       bytes) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* Whatever b matches, a matches: a's condition is among b's, or wider. */
static bool
condition_covers(const struct condition *a, const struct clause *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct condition *c = &b->conditions[i];
		if (c->row == a->row && c->local == a->local && (a->widen || !c->widen) && (a->trusts || !c->trusts) && a->claims == c->claims && items_within(a, c))
			return true;
	}
	return false;
}

static bool
clause_covers(const struct clause *a, const struct clause *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!condition_covers(&a->conditions[i], b))
			return false;
	return true;
}

struct kept {
	const struct rule *rule;
	struct kept *next;
};

struct coverage {
	struct loader *l;
	struct kept **buckets;
	uint32_t *counts; /* items that fall into each bucket, of all rules */
	size_t mask;
};

static size_t
bucket_of(const struct coverage *c, const struct condition *cond, const void *item, size_t bytes)
{
	const struct hash_key key = {(uint64_t)(uintptr_t)cond->row, cond->local};
	return (size_t)hash_bytes(&key, item, bytes) & c->mask;
}

/* How many buckets a condition is found in. A long list is compared as a whole, and a file is one item. */
static size_t
n_buckets(const struct condition *cond)
{
	return (cond->n > NESTED_MAX ? 1 : cond->n) + cond->n_lists;
}

static size_t
bucket(const struct coverage *c, const struct condition *cond, size_t i)
{
	size_t own = n_buckets(cond) - cond->n_lists;
	if (i >= own)
		return bucket_of(c, cond, &cond->lists[i - own], sizeof(cond->lists[0]));
	return bucket_of(c, cond, (const char *)cond->items + i * cond->row->item_bytes, cond->row->item_bytes);
}

static size_t
n_items(const struct policy *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n_rules; i++)
		for (size_t k = 0; k < p->rules[i]->clause.n; k++)
			n += n_buckets(&p->rules[i]->clause.conditions[k]);
	return n;
}

struct coverage *
coverage_new(struct loader *l)
{
	const struct policy *p = l->p;
	size_t slots = 64, n = n_items(p);
	struct coverage *c = region_alloc(&l->scratch, sizeof(*c));
	while (slots < n)
		slots *= 2;
	if (!c)
		return NULL;
	*c = (struct coverage){.l = l, .mask = slots - 1};
	c->buckets = region_alloc(&l->scratch, slots * sizeof(*c->buckets));
	c->counts = region_alloc(&l->scratch, slots * sizeof(*c->counts));
	if (!c->buckets || !c->counts)
		return NULL;
	for (size_t i = 0; i < p->n_rules; i++) {
		for (size_t k = 0; k < p->rules[i]->clause.n; k++) {
			const struct condition *cond = &p->rules[i]->clause.conditions[k];
			for (size_t b = 0; b < n_buckets(cond); b++)
				c->counts[bucket(c, cond, b)]++;
		}
	}
	return c;
}

static uint32_t
fullest(const struct coverage *c, const struct condition *cond)
{
	uint32_t most = 0;
	for (size_t b = 0; b < n_buckets(cond); b++) {
		uint32_t here = c->counts[bucket(c, cond, b)];
		most = here > most ? here : most;
	}
	return most;
}

static void
keep(struct coverage *c, const struct rule *r)
{
	const struct condition *best = NULL;
	for (size_t i = 0; i < r->clause.n; i++)
		if (!best || fullest(c, &r->clause.conditions[i]) < fullest(c, best))
			best = &r->clause.conditions[i];
	for (size_t b = 0; best && b < n_buckets(best); b++) {
		struct kept *k = region_alloc(&c->l->scratch, sizeof(*k)), **to = &c->buckets[bucket(c, best, b)];
		if (k) {
			*k = (struct kept){r, *to};
			*to = k;
		}
	}
}

/* The first in order of those before it that cover this rule. */
static const struct rule *
covering(const struct coverage *c, const struct rule *later)
{
	const struct rule *first = NULL;
	for (size_t i = 0; i < later->clause.n; i++)
		for (const struct kept *k = c->buckets[bucket(c, &later->clause.conditions[i], 0)]; k; k = k->next)
			if ((!first || k->rule->info.index < first->info.index) && clause_covers(&k->rule->clause, &later->clause))
				first = k->rule;
	return first;
}

void
warn_covered(struct coverage *c, const struct rule *later)
{
	const struct rule *earlier = covering(c, later);
	keep(c, later);
	if (!earlier)
		return;
	struct place_in_file before = spot_place(&earlier->spot);
	struct diag *g = load_warning(c->l, &later->spot, "W310", "rule \"%s\" can never match: rule \"%s\" (%s) covers it",
				      later->info.name, earlier->info.name, spot_text(c->l, &earlier->spot));
	diag_related(g, &before);
}
