/* SPDX-License-Identifier: GPL-2.0-or-later */
/* W3xx: a policy that loads and probably does not say what was meant. Few, and only where it is certain. */
#include <string.h>

#include "loader.h"

enum {
	NESTED_MAX = 64, /* longer lists of items are compared as a whole */
};

/* Every item of b is an item of a. Items that are equal have equal bytes. */
static bool
items_within(const struct condition *a, const struct condition *b)
{
	size_t bytes = a->row->item_bytes;
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

static void
warn_covered(struct loader *l, const struct rule *later)
{
	for (size_t i = 0; l->p->rules[i] != later; i++) {
		const struct rule *earlier = l->p->rules[i];
		if (!clause_covers(&earlier->clause, &later->clause))
			continue;
		struct place_in_file before = spot_place(&earlier->spot);
		struct diag *g = load_warning(
			l, &later->spot, "W310", "rule \"%s\" can never match: rule \"%s\" (%s) covers it",
			later->info.name, earlier->info.name, spot_text(l, &earlier->spot));
		diag_related(g, &before);
		return;
	}
}

static bool
allows(const struct rule *r)
{
	return r->info.action == ACTION_ALLOW || r->info.action == ACTION_ALERT;
}

/* An allow rule that asks nothing of the far side and of the port. */
static void
warn_wide(struct loader *l, const struct rule *r)
{
	for (size_t i = 0; i < r->clause.n; i++) {
		const struct condition *c = &r->clause.conditions[i];
		bool far_side = c->row->where & (COND_TO | COND_FROM) && !c->local;
		if (far_side || strcmp(c->row->key, "port") == 0)
			return;
	}
	if (allows(r))
		load_warning(l, &r->spot, "W312", "rule \"%s\" allows every address and every port",
			     r->info.name);
}

/* to: "!never" where never lists countries: an address of no known country is not in it either. */
static void
warn_negated(struct loader *l, const struct rule *r)
{
	for (size_t i = 0; allows(r) && i < r->clause.n; i++) {
		const struct condition *c = &r->clause.conditions[i];
		const struct ref *refs = c->row == &condition_ref ? c->items : NULL;
		for (size_t j = 0; refs && j < c->n; j++) {
			if (!refs[j].negate || !refs[j].set || !refs[j].set->leaves_unknown)
				continue;
			struct diag *g = load_warning(l, &r->spot, "W313",
						      "rule \"%s\" allows addresses of no known country",
						      r->info.name);
			diag_hint(g, "add unknown-country: true to the set \"%s\"", refs[j].set->name);
		}
	}
}

static void
warn_sets(struct loader *l)
{
	for (size_t i = 0; i < l->p->n_sets; i++)
		if (!l->p->sets[i]->used)
			load_warning(l, &l->p->sets[i]->spot, "W311", "no rule uses the set \"%s\"",
				     l->p->sets[i]->name);
}

static void
warn_unknown_devices(struct loader *l)
{
	const struct policy *p = l->p;
	const struct node *said = node_get(l->root, "unknown-devices"), *mode = node_get(l->root, "mode");
	struct spot at = node_spot(said ? said : mode ? mode : l->root);
	if (p->mode == MODE_ENFORCE && p->unknown_devices == ACTION_ALLOW && p->n_devices > 0)
		diag_hint(
			load_warning(
				l, &at, "W314",
				"there is an inventory, and devices that are not in it go by the same rules"),
			"say unknown-devices: alert or block");
	if ((p->unknown_devices == ACTION_BLOCK || p->unknown_devices == ACTION_QUARANTINE) && p->n_devices == 0)
		diag_hint(load_warning(l, &at, "W315",
				       "no device is declared, so every device is unknown and is blocked"),
			  "declare devices, or say unknown-devices: alert");
}

void
warn_all(struct loader *l)
{
	for (size_t i = 0; i < l->p->n_rules; i++) {
		warn_covered(l, l->p->rules[i]);
		warn_wide(l, l->p->rules[i]);
		warn_negated(l, l->p->rules[i]);
	}
	warn_sets(l);
	warn_unknown_devices(l);
}
