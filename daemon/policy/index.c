/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See index.h. A file's label is a hash of a kind of value and the value. Two values with one label only make more candidates, so labels
 * are never compared further. Networks are filed by length and names by their suffix, so a flow is looked up once for each length and
 * each number of labels that stand in the policy.
 */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "index_cover.h"

enum {
	KEYS_MAX = 1 << 21, /* of all rules */
	KEYS_ALWAYS = 16,   /* of one condition, however many rules there are */
};

struct drawer {
	uint64_t key; /* 0: free */
	uint32_t wanted; /* conditions that could be filed here */
	uint32_t first, n;
};

/* What a rule asks of the packet itself, where that is said in one word: tells most candidates apart without asking them. */
struct head {
	uint64_t zones;
	uint16_t low, high, device;
	uint8_t proto, ways;
	bool zoned, ported;
};

struct rule_index {
	struct drawer *drawers;
	size_t mask, n_drawers;
	uint32_t *places; /* those of the drawers, then the rules that are filed nowhere */
	size_t n_places, always, n_always;
	struct head *heads;
	struct cover_shape shape; /* which lookups are of use */
	size_t first_by_place, first_by_name;
};

static struct drawer *
drawer_of(const struct rule_index *x, uint64_t key)
{
	for (size_t i = (size_t)key & x->mask;; i = (i + 1) & x->mask)
		if (x->drawers[i].key == key || !x->drawers[i].key)
			return &x->drawers[i];
}

static bool
grow(struct rule_index *x)
{
	size_t old = x->drawers ? x->mask + 1 : 0, slots = old ? old * 2 : 1024;
	struct drawer *before = x->drawers, *more = calloc(slots, sizeof(*more));
	if (!more)
		return false;
	x->drawers = more;
	x->mask = slots - 1;
	for (size_t i = 0; i < old; i++)
		if (before[i].key)
			*drawer_of(x, before[i].key) = before[i];
	free(before);
	return true;
}

static bool
want(struct rule_index *x, const struct cover *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if ((x->n_drawers + 1) * 2 > x->mask && !grow(x))
			return false;
		struct drawer *d = drawer_of(x, c->keys[i]);
		x->n_drawers += !d->key;
		d->key = c->keys[i];
		d->wanted++;
	}
	return true;
}

/* Filing it so would leave as many candidates as stand in the fullest drawer. */
static uint32_t
cost(const struct rule_index *x, const struct cover *c)
{
	uint32_t most = 0;
	for (size_t i = 0; i < c->n; i++) {
		uint32_t wanted = drawer_of(x, c->keys[i])->wanted;
		most = wanted > most ? wanted : most;
	}
	return most;
}

/* Counts every condition of the clause, and of the sets that it names. */
static bool
count_clause(struct rule_index *x, const struct clause *clause, struct cover *c)
{
	bool ok = true;
	for (size_t i = 0; ok && i < clause->n; i++) {
		const struct condition *cond = &clause->conditions[i];
		const struct ref *refs = cond->row == &condition_ref ? cond->items : NULL;
		for (size_t k = 0; ok && refs && k < cond->n; k++)
			ok = refs[k].negate || count_clause(x, refs[k].clause, c);
		cover_reset(c);
		if (!refs && cover_condition(c, cond))
			ok = want(x, c);
	}
	return ok;
}

static bool best_of(const struct rule_index *x, const struct clause *clause, struct cover *ret, struct cover *spare, uint32_t *ret_cost);

/* to: [a, b] is filed under both; a negated name cannot be. */
static bool
cover_refs(const struct rule_index *x, const struct condition *cond, struct cover *ret, uint32_t *ret_cost)
{
	const struct ref *refs = cond->items;
	struct cover one = {.limit = ret->limit}, spare = {.limit = ret->limit};
	bool ok = true;
	*ret_cost = 0;
	for (size_t i = 0; ok && i < cond->n; i++) {
		uint32_t each;
		cover_reset(&one);
		ok = !refs[i].negate && best_of(x, refs[i].clause, &one, &spare, &each) && cover_join(ret, &one);
		*ret_cost = ok && each > *ret_cost ? each : *ret_cost;
	}
	free(one.keys);
	free(spare.keys);
	return ok;
}

/* The cheapest condition to file this clause by. References do not nest. */
static bool
best_of(const struct rule_index *x, const struct clause *clause, struct cover *ret, struct cover *spare, uint32_t *ret_cost)
{
	bool found = false;
	for (size_t i = 0; i < clause->n; i++) {
		const struct condition *cond = &clause->conditions[i];
		uint32_t each = 0;
		cover_reset(spare);
		bool ok = cond->row == &condition_ref ? cover_refs(x, cond, spare, &each) : cover_condition(spare, cond);
		if (ok && cond->row != &condition_ref)
			each = cost(x, spare);
		if (!ok || (found && each >= *ret_cost))
			continue;
		struct cover swap = *ret;
		*ret = *spare;
		*spare = swap;
		*ret_cost = each;
		found = true;
	}
	return found;
}

struct filed {
	uint64_t key;
	uint32_t place;
};

struct filing {
	struct filed *list;
	size_t n, cap;
};

static bool
file_rule(struct rule_index *x, struct filing *f, const struct cover *c, size_t place)
{
	if (f->cap - f->n < c->n) {
		size_t cap = f->cap * 2 > f->n + c->n ? f->cap * 2 : f->n + c->n;
		struct filed *more = reallocarray(f->list, cap, sizeof(*more));
		if (!more)
			return false;
		f->list = more;
		f->cap = cap;
	}
	for (size_t i = 0; i < c->n; i++)
		f->list[f->n++] = (struct filed){c->keys[i], (uint32_t)place};
	cover_shape_add(&x->shape, &c->shape);
	if (c->shape.facts & FACT_PLACE && place < x->first_by_place)
		x->first_by_place = place;
	if (c->shape.facts & FACT_NAME && place < x->first_by_name)
		x->first_by_name = place;
	return true;
}

/* Which places are in which drawer. Drawers that no rule has chosen stay empty. */
static bool
fill(struct rule_index *x, const struct filing *f, size_t n_rules, const bool *always)
{
	uint32_t at = 0;
	x->places = malloc((f->n + n_rules + 1) * sizeof(*x->places));
	if (!x->places)
		return false;
	for (size_t i = 0; i < f->n; i++)
		drawer_of(x, f->list[i].key)->n++;
	for (size_t i = 0; i <= x->mask; i++) {
		x->drawers[i].first = at;
		at += x->drawers[i].n;
		x->drawers[i].n = 0;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct drawer *d = drawer_of(x, f->list[i].key);
		if (!d->n || x->places[d->first + d->n - 1] != f->list[i].place) /* once, though two of its values meet here */
			x->places[d->first + d->n++] = f->list[i].place;
	}
	x->always = at;
	for (size_t i = 0; i < n_rules; i++)
		if (always[i])
			x->places[x->always + x->n_always++] = (uint32_t)i;
	x->n_places = at + x->n_always;
	return true;
}

static struct head
head_of(const struct clause *c)
{
	struct head h = {.high = UINT16_MAX, .device = DEVICE_UNKNOWN, .ways = 3};
	for (size_t i = 0; i < c->n; i++) {
		const struct condition *cond = &c->conditions[i];
		const uint8_t *bytes = cond->items;
		if (strcmp(cond->row->key, "direction") == 0) {
			h.ways = 0;
			for (size_t k = 0; k < cond->n; k++)
				h.ways |= bytes[k] ? 2 : 1;
		} else if (strcmp(cond->row->key, "zone") == 0 && cond->local) {
			h.zoned = true;
			for (size_t k = 0; k < cond->n; k++)
				h.zones |= UINT64_C(1) << bytes[k];
		} else if (strcmp(cond->row->key, "port") == 0) {
			h.proto = port_transport(cond);
			h.ported = port_range(cond, &h.low, &h.high);
		} else if (cover_is_device(cond) && cond->n == 1) {
			h.device = *(const uint16_t *)cond->items;
		}
	}
	return h;
}

static bool
head_fits(const struct head *h, const struct facts *f)
{
	if (!(h->ways & (f->inbound ? 2 : 1)) || (h->proto && h->proto != f->proto))
		return false;
	if (h->ported && (!f->has_port || f->port < h->low || f->port > h->high))
		return false;
	if (h->device != DEVICE_UNKNOWN && h->device != f->device)
		return false;
	return !h->zoned || (f->zone < ZONES_MAX && h->zones >> f->zone & 1);
}

static bool
file_all(struct rule_index *x, const struct policy *p, struct filing *f, bool *always, struct cover *c, struct cover *spare)
{
	bool ok = true;
	for (size_t i = 0; ok && i < p->n_rules; i++)
		ok = count_clause(x, &p->rules[i]->clause, c);
	for (size_t i = 0; ok && i < p->n_rules; i++) {
		uint32_t ignored;
		x->heads[i] = head_of(&p->rules[i]->clause);
		cover_reset(c);
		always[i] = !best_of(x, &p->rules[i]->clause, c, spare, &ignored);
		ok = always[i] || file_rule(x, f, c, i);
	}
	return ok && fill(x, f, p->n_rules, always);
}

struct rule_index *
index_new(const struct policy *p)
{
	struct rule_index *x = p->n_rules < INDEX_RULES_MIN ? NULL : calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	size_t limit = KEYS_MAX / p->n_rules > KEYS_ALWAYS ? KEYS_MAX / p->n_rules : KEYS_ALWAYS;
	struct cover c = {.limit = limit}, spare = {.limit = limit};
	struct filing f = {0};
	bool *always = calloc(p->n_rules, sizeof(*always));
	x->heads = calloc(p->n_rules, sizeof(*x->heads));
	x->first_by_place = x->first_by_name = SIZE_MAX;
	bool ok = always && x->heads && grow(x) && file_all(x, p, &f, always, &c, &spare);
	free(always);
	free(f.list);
	free(c.keys);
	free(spare.keys);
	if (ok)
		return x;
	index_free(x);
	return NULL;
}

void
index_free(struct rule_index *x)
{
	if (!x)
		return;
	free(x->drawers);
	free(x->places);
	free(x->heads);
	free(x);
}

/* While a flow is looked up. */
struct lookup {
	struct candidates *c;
	bool full;
};

static void
add(struct lookup *l, const uint32_t *at, size_t n)
{
	if (n == 0)
		return;
	if (l->c->n == INDEX_LISTS_MAX)
		l->full = true;
	else
		l->c->lists[l->c->n++] = (struct candidate_list){at, at + n};
}

static void
look(void *arg, uint64_t key)
{
	struct lookup *l = arg;
	const struct rule_index *x = l->c->index;
	const struct drawer *d = drawer_of(x, key);
	add(l, x->places + d->first, d->n);
}

bool
index_begin(const struct rule_index *x, const struct facts *f, struct candidates *ret)
{
	struct lookup l = {.c = ret};
	ret->index = x;
	ret->facts = f;
	ret->n = 0;
	if (x->shape.facts & FACT_PLACE && !(f->known & FACT_PLACE))
		return false;
	add(&l, x->places + x->always, x->n_always);
	cover_facts(&x->shape, f, look, &l);
	return !l.full;
}

uint32_t
index_next(struct candidates *c)
{
	for (;;) {
		uint32_t least = UINT32_MAX;
		for (size_t i = 0; i < c->n; i++)
			if (*c->lists[i].at < least)
				least = *c->lists[i].at;
		for (size_t i = 0; i < c->n;) {
			if (*c->lists[i].at == least && ++c->lists[i].at == c->lists[i].end)
				c->lists[i] = c->lists[--c->n];
			else
				i++;
		}
		if (least == UINT32_MAX || head_fits(&c->index->heads[least], c->facts))
			return least;
	}
}

uint32_t
index_used(const struct rule_index *x, size_t place)
{
	return (place > x->first_by_place ? FACT_PLACE : 0) | (place > x->first_by_name ? FACT_NAME | FACT_ECH : 0);
}
