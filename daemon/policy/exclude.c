/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules and sets that contradict themselves: two of their conditions can never hold together. One row for each two kinds of conditions.
 *
 * Only what is certain: a country and a continent may disagree between databases, and an address may be made a public one by geo: overrides.
 */
#include <stdio.h>
#include <string.h>

#include "exclude.h"
#include "loader.h"
#include "spoken.h"

static bool
is_true(const struct condition *c)
{
	return *(const uint8_t *)c->items;
}

/* "true", or country keys: what an address in no country cannot have. */
static bool
needs_public(const struct condition *here, const struct condition *place)
{
	bool flag = place->row->where & COND_ONE;
	return is_true(here) && (!flag || is_true(place));
}

static bool
needs_inventory(const struct condition *known, const struct condition *devices)
{
	(void)devices;
	return !is_true(known);
}

/* Both are sorted lists of devices. */
static bool
no_device_is_both(const struct condition *a, const struct condition *b)
{
	const uint16_t *x = a->items, *y = b->items;
	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		if (x[i] == y[j])
			return false;
		if (x[i] < y[j])
			i++;
		else
			j++;
	}
	return true;
}

static bool
other_transport(const struct condition *port, const struct condition *protocol)
{
	const struct protocol_item *list = protocol->items;
	uint8_t transport = port_transport(port);
	for (size_t i = 0; i < protocol->n; i++) {
		uint8_t only = protocol_transport(list[i].name);
		if (!transport || !only || only == transport)
			return false;
	}
	return true;
}

static bool
asks_nothing(const struct condition *protocol, const struct condition *query)
{
	const struct protocol_item *list = protocol->items;
	(void)query;
	for (size_t i = 0; i < protocol->n; i++)
		if (strcmp(list[i].name, "dns") == 0)
			return false;
	return true;
}

/* clang-format off */
static const struct exclusion {
	const char *a, *b;
	bool (*exclude)(const struct condition *a, const struct condition *b);
	const char *hint;
} exclusions[] = {
	{"port", "protocol", other_transport, "this protocol is never spoken over this transport"},
	{"protocol", "query", asks_nothing, "DNS questions are seen in protocol: dns alone"},
	{"known", "device", needs_inventory, "who is not in the inventory has no name"},
	{"known", "group", needs_inventory, "who is not in the inventory is in no group"},
	{"known", "brand", needs_inventory, "who is not in the inventory has no declared brand"},
	{"device", "group", no_device_is_both, "none of these devices is in the group"},
	{"device", "brand", no_device_is_both, "none of these devices has this brand"},
	{"group", "brand", no_device_is_both, "no device of the group has this brand"},
	{"private", "country", needs_public, "addresses that are not globally reachable are in no country"},
	{"private", "continent", needs_public, "addresses that are not globally reachable are on no continent"},
	{"private", "registered-country", needs_public, "addresses that are not globally reachable are registered in no country"},
	{"private", "unknown-country", needs_public, "unknown-country is about globally reachable addresses alone"},
	{"private", "asn", needs_public, "addresses that are not globally reachable belong to no autonomous system"},
	{"private", "anycast", needs_public, "addresses that are not globally reachable are never anycast"},
};
/* clang-format on */

static const struct condition *
find(const struct clause *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->conditions[i].row->key, key) == 0)
			return &c->conditions[i];
	return NULL;
}

static void
warn_clause(struct loader *l, const struct clause *c, const struct spot *spot, const char *kind, const char *name)
{
	for (size_t i = 0; i < sizeof(exclusions) / sizeof(exclusions[0]); i++) {
		const struct exclusion *x = &exclusions[i];
		const struct condition *a = find(c, x->a), *b = find(c, x->b);
		if (!a || !b || !x->exclude(a, b))
			continue;
		diag_hint(load_warning(l, spot, "W317", "%s \"%s\" can never match: %s: %s excludes %s: %s", kind, name, a->row->key,
				       a->written, b->row->key, b->written),
			  "%s", x->hint);
		return;
	}
}

/* from: is the side that is watched, whoever calls: a zone without interfaces is always the other one. */
static void
warn_unwatched(struct loader *l, const struct rule *r)
{
	const struct condition *zone = find(&r->clause, "zone");
	const uint8_t *list = zone && zone->local ? zone->items : NULL;
	if (!list)
		return;
	for (size_t i = 0; i < zone->n; i++)
		if (l->p->zones[list[i]].n_interfaces)
			return;
	diag_hint(load_warning(l, &r->spot, "W318", "rule \"%s\" can never match: no interface is watched in zone \"%s\"", r->info.name,
			       l->p->zones[list[0]].name),
		  "for what it opens itself: from: the cameras, to: %s, direction: inbound", l->p->zones[list[0]].name);
}

void
warn_exclusions(struct loader *l)
{
	const struct policy *p = l->p;
	for (size_t i = 0; i < p->n_sets; i++)
		warn_clause(l, &p->sets[i]->clause, &p->sets[i]->spot, "set", p->sets[i]->name);
	for (size_t i = 0; i < p->n_rules; i++) {
		warn_clause(l, &p->rules[i]->clause, &p->rules[i]->spot, "rule", p->rules[i]->info.name);
		warn_unwatched(l, p->rules[i]);
	}
}
