/* SPDX-License-Identifier: GPL-2.0-or-later */
/* W3xx: a policy that loads and probably does not say what was meant. Few, and only where it is certain. */
#include <string.h>

#include "catalogue.h"
#include "covered.h"
#include "exclude.h"
#include "loader.h"

static bool
allows(const struct rule *r)
{
	return r->info.action == ACTION_ALLOW || r->info.action == ACTION_ALERT;
}

static bool
is_key(const struct condition *c, const char *key)
{
	return strcmp(c->row->key, key) == 0;
}

/* to: [home, "!home"] */
static bool
is_everywhere(const struct condition *c)
{
	const struct ref *refs = c->row == &condition_ref ? c->items : NULL;
	for (size_t i = 0; refs && i < c->n; i++)
		for (size_t j = i + 1; j < c->n; j++)
			if (refs[i].clause == refs[j].clause && refs[i].negate != refs[j].negate)
				return true;
	return false;
}

/* An allow rule that asks nothing of the far side and of the port. */
static void
warn_everything(struct loader *l, const struct rule *r)
{
	for (size_t i = 0; i < r->clause.n; i++) {
		const struct condition *c = &r->clause.conditions[i];
		bool far_side = c->row->where & (COND_TO | COND_FROM) && !c->local;
		if ((far_side && !is_everywhere(c)) || is_key(c, "port"))
			return;
	}
	if (allows(r))
		load_warning(l, &r->spot, "W312", "rule \"%s\" allows every address and every port",
			     r->info.name);
}

static bool clause_is_wide(const struct clause *c);

/* The other half of the internet, or at least countries, whatever list stands there. References do not nest. */
static bool
is_wide(const struct condition *c)
{
	const struct ref *refs = c->items;
	if (c->row != &condition_ref)
		return c->row->where & (COND_COUNTRY | COND_WIDENS) || is_key(c, "anycast") ||
		       (is_key(c, "private") && !*(const uint8_t *)c->items);
	for (size_t i = 0; i < c->n; i++)
		if (refs[i].negate || clause_is_wide(refs[i].clause))
			return true;
	return false;
}

static bool
clause_is_wide(const struct clause *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!is_wide(&c->conditions[i]))
			return false;
	return true;
}

/* Enforced, and geography is all that it asks of the far side: every port of every host there. */
static void
warn_wide(struct loader *l, const struct rule *r)
{
	bool wide = false;
	for (size_t i = 0; i < r->clause.n; i++) {
		const struct condition *c = &r->clause.conditions[i];
		if (c->local || is_key(c, "direction") || is_key(c, "limit") || c->row->where & COND_TIME)
			continue;
		if (!is_wide(c))
			return;
		wide = !is_everywhere(c);
	}
	if (wide && allows(r) && r->info.mode == MODE_ENFORCE)
		diag_hint(load_warning(l, &r->spot, "W320", "rule \"%s\" allows every port of every host there", r->info.name),
			  "say which port:, protocol: or name:");
}

/* Makers of from:, all of which are covered; or covered: true. */
static bool
is_covered(const struct loader *l, const struct condition *c)
{
	const struct maker *makers;
	const uint16_t *list = c->items;
	size_t n = catalogue_makers(l->p->catalogue, &makers);
	if (is_key(c, "covered"))
		return *(const uint8_t *)c->items;
	if (!is_key(c, "maker"))
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (list[i] >= n || !makers[list[i]].covered)
			return false;
	return c->n > 0;
}

static bool clause_stays_inside(const struct clause *c);

/* Places of the owner: zones, what is private, addresses that are written out. */
static bool
stays_inside(const struct condition *c)
{
	const struct ref *refs = c->row == &condition_ref ? c->items : NULL;
	if (c->local)
		return false;
	if (!refs)
		return is_key(c, "zone") || is_key(c, "address") || (is_key(c, "private") && c->items && *(const uint8_t *)c->items);
	for (size_t i = 0; i < c->n; i++)
		if (refs[i].negate || !clause_stays_inside(refs[i].clause))
			return false;
	return true;
}

static bool
clause_stays_inside(const struct clause *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (stays_inside(&c->conditions[i]))
			return true;
	return false;
}

static void
warn_of_covered(struct loader *l, const struct rule *r)
{
	bool covered = false;
	for (size_t i = 0; i < r->clause.n; i++)
		covered |= is_covered(l, &r->clause.conditions[i]);
	if (covered && allows(r) && !clause_stays_inside(&r->clause))
		diag_hint(load_warning(l, &r->spot, "W321", "rule \"%s\" lets cameras of covered makers out", r->info.name),
			  "allow them zones, private: true or single addresses");
}

enum { BOTH_WAYS = 3 };

/* Of outbound (1) and inbound (2) flows, those that the rule leaves nothing of. */
static unsigned
takes_all(const struct policy *p, const struct rule *r)
{
	unsigned ways = 0;
	for (size_t i = 0; i < r->clause.n; i++) {
		const struct condition *c = &r->clause.conditions[i];
		const uint8_t *list = c->items;
		bool zones = c->local && is_key(c, "zone");
		for (size_t z = 0; zones && z < p->n_zones; z++)
			if (p->zones[z].n_interfaces && !memchr(list, (int)z, c->n))
				return 0;
		if (is_key(c, "direction"))
			for (size_t k = 0; k < c->n; k++)
				ways |= list[k] ? 2 : 1;
		else if (!zones && !is_everywhere(c))
			return 0;
	}
	return ways;
}

/* default: says one thing, and rules that leave it nothing say the other. */
static void
warn_default(struct loader *l)
{
	const struct policy *p = l->p;
	unsigned ways = 0;
	bool differs = false;
	for (size_t i = 0; i < p->n_rules && p->rule_default.info.name; i++) {
		unsigned takes = takes_all(p, p->rules[i]) & ~ways;
		ways |= takes;
		differs |= takes && allows(p->rules[i]) != allows(&p->rule_default);
		if (ways != BOTH_WAYS)
			continue;
		struct place_in_file before = spot_place(&p->rules[i]->spot);
		if (differs)
			diag_related(load_warning(l, &p->rule_default.spot, "W319", "default: never decides: rule \"%s\" (%s) matches all that is left",
						  p->rules[i]->info.name, spot_text(l, &p->rules[i]->spot)),
				     &before);
		return;
	}
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
	struct coverage *coverage = coverage_new(l);
	for (size_t i = 0; coverage && i < l->p->n_rules; i++) {
		warn_covered(coverage, l->p->rules[i]);
		warn_everything(l, l->p->rules[i]);
		warn_wide(l, l->p->rules[i]);
		warn_of_covered(l, l->p->rules[i]);
		warn_negated(l, l->p->rules[i]);
	}
	warn_default(l);
	warn_exclusions(l);
	warn_sets(l);
	warn_unknown_devices(l);
}
