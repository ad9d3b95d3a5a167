/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zones: – where the devices are, and which networks are not the outside. */
#include <string.h>

#include "loader.h"
#include "plan.h"

/* While a zone is read. */
struct zone_draft {
	struct vec interfaces; /* const char *: its interfaces, or the ports of its bridge */
	const char *bridge;
	struct vec networks;   /* struct prefix */
	bool by_address;
};

int
zone_find(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_zones; i++)
		if (strcmp(p->zones[i].name, name) == 0)
			return (int)i;
	return -1;
}

void
unknown_zone(struct loader *l, const struct node *at)
{
	const char *names[ZONES_MAX];
	for (size_t i = 0; i < l->p->n_zones; i++)
		names[i] = l->p->zones[i].name;
	struct diag *g = load_error(l, at, "E104", "unknown zone \"%.64s\"", at->text);
	const char *close = diag_closest(at->text, names, l->p->n_zones);
	int zone = close ? zone_find(l->p, close) : -1;
	if (zone >= 0)
		diag_hint(g, "did you mean \"%s\"? (zone defined at %s)", close,
			  spot_text(l, &l->zone_spots[zone]));
	else if (set_find(l->p, at->text))
		diag_hint(g, "this is a set: sets stand in to:");
}

/* "x is already in zone y" and the like. */
static void
taken(struct loader *l, const struct node *at, const char *what, const char *by)
{
	load_error(l, at, "E133", "%s \"%.64s\" is already used by \"%s\"", what, at->text ? at->text : "",
		   by);
}

static const struct policy_zone *
interface_owner(const struct policy *p, const char *name)
{
	uint8_t z = policy_zone_by_interface(p, name);
	return z == ZONE_NONE ? NULL : &p->zones[z];
}

static size_t
interface_count(const struct policy *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n_zones; i++)
		n += p->zones[i].n_interfaces;
	return n;
}

static void
load_interface(struct loader *l, const struct node *value, void *into)
{
	struct zone_draft *d = into;
	const char *name;
	if (!read_ifname(l, value, &name))
		return;
	const struct policy_zone *owner = interface_owner(l->p, name);
	uint8_t bridged = policy_zone_by_bridge(l->p, name);
	if (!owner && bridged != ZONE_NONE)
		owner = &l->p->zones[bridged];
	if (owner) {
		taken(l, value, "interface", owner->name);
	} else if (interface_count(l->p) + d->interfaces.n >= PLAN_INTERFACES) {
		load_error(l, value, "E115", "more than %d interfaces", PLAN_INTERFACES);
	} else {
		const char **slot = vec_push(&l->p->region, &d->interfaces, sizeof(*slot));
		if (slot)
			*slot = name;
	}
}

static const struct network *
network_owner(const struct policy *p, const struct prefix *prefix)
{
	for (size_t i = 0; i < p->n_networks; i++)
		if (p->networks[i].prefix.len == prefix->len &&
		    addr_cmp(&p->networks[i].prefix.addr, &prefix->addr) == 0)
			return &p->networks[i];
	return NULL;
}

static void
load_network(struct loader *l, const struct node *value, void *into)
{
	struct zone_draft *d = into;
	struct prefix prefix;
	if (!read_prefix(l, value, &prefix))
		return;
	const struct network *owner = network_owner(l->p, &prefix);
	if (owner) {
		taken(l, value, "network", l->p->zones[owner->zone].name);
	} else if (l->p->n_networks + d->networks.n >= NETWORKS_MAX) {
		load_error(l, value, "E115", "more than %d networks in zones", NETWORKS_MAX);
	} else {
		struct prefix *slot = vec_push(&l->p->region, &d->networks, sizeof(*slot));
		if (slot)
			*slot = prefix;
	}
}

static void
load_interfaces(struct loader *l, const struct node *value, void *into)
{
	load_each(l, value, load_interface, into);
}

/* One bridge may have ports in several zones; its own name is in none of their lists. */
static void
load_bridge(struct loader *l, const struct node *value, void *into)
{
	struct zone_draft *d = into;
	const char *name;
	if (!read_ifname(l, value, &name))
		return;
	const struct policy_zone *owner = interface_owner(l->p, name);
	if (owner)
		taken(l, value, "interface", owner->name);
	else
		d->bridge = name;
}

static void
load_networks(struct loader *l, const struct node *value, void *into)
{
	load_each(l, value, load_network, into);
}

static void
load_identify_by(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {{"mac", false}, {"address", true}};
	struct zone_draft *d = into;
	unsigned v;
	if (read_choice(l, value, choices, 2, &v))
		d->by_address = v;
}

/* Kept sorted by length, so that the first hit is the longest. */
static void
add_network(struct policy *p, const struct prefix *prefix, uint8_t zone)
{
	size_t i = p->n_networks++;
	for (; i > 0 && p->networks[i - 1].prefix.len < prefix->len; i--)
		p->networks[i] = p->networks[i - 1];
	p->networks[i] = (struct network){*prefix, zone};
}

static void
add_zone(struct loader *l, const char *name, const struct zone_draft *d, const struct node *at)
{
	struct policy *p = l->p;
	struct vec conditions = {0};
	uint8_t index = (uint8_t)p->n_zones;
	p->zones[index] = (struct policy_zone){
		.name = name,
		.interfaces = d->interfaces.items,
		.n_interfaces = d->interfaces.n,
		.bridge = d->bridge,
		.networks = d->networks.items,
		.n_networks = d->networks.n,
		.by_address = d->by_address,
	};
	l->zone_spots[index] = node_spot(at);
	p->n_zones++;
	for (size_t i = 0; i < d->networks.n; i++)
		add_network(p, &p->zones[index].networks[i], index);
	condition_push(l, &conditions, condition_find("zone", COND_TO), &index, name);
	p->zone_clauses[index] = clause_of(&conditions);
}

static bool
zone_name_fits(struct loader *l, const struct node *key, const char **ret_name)
{
	if (key->kind != NODE_TEXT || !read_name(l, key, "a zone", ret_name))
		return false;
	if (strcmp(*ret_name, "any") == 0) {
		load_error(l, key, "E139", "\"any\" stands for every zone and cannot be the name of one");
		return false;
	}
	if (l->p->n_zones == ZONES_MAX) {
		load_error(l, key, "E115", "more than %d zones", ZONES_MAX);
		return false;
	}
	return zone_find(l->p, *ret_name) < 0; /* twice is told as a key that stands twice */
}

/* Interfaces from which packets are routed, or ports of a bridge: one or the other, and ports need their bridge's name. */
static void
check_bridge(struct loader *l, const struct node *zone, const struct zone_draft *d)
{
	const struct node *bridge = node_get(zone, "bridge"), *ports = node_get(zone, "ports"), *routed = node_get(zone, "interfaces");
	if (bridge && routed)
		diag_hint(load_error(l, routed, "E148", "a zone has interfaces: or the ports: of a bridge, not both"),
			  "what is bridged and what is routed are two zones");
	else if (bridge && !ports)
		diag_hint(load_error(l, bridge, "E148", "of the bridge \"%.64s\" no ports: are named", bridge->text ? bridge->text : ""),
			  "ports: [eth1] – those behind which the devices are");
	else if (ports && !bridge)
		load_error(l, ports, "E148", "ports: are those of a bridge:, which is not named");
	const char *const *names = d->interfaces.items;
	for (size_t i = 0; d->bridge && i < d->interfaces.n; i++)
		if (strcmp(names[i], d->bridge) == 0)
			load_error(l, ports ? ports : bridge, "E148", "the bridge \"%s\" cannot be a port of its own", d->bridge);
}

static void
load_zone(struct loader *l, const struct node *key)
{
	static const struct field fields[] = {{"interfaces", load_interfaces, 0},
					      {"bridge", load_bridge, 0},
					      {"ports", load_interfaces, 0},
					      {"networks", load_networks, 0},
					      {"identify-by", load_identify_by, 0}};
	static const struct schema schema = {"a zone", fields, 5, 0};
	struct zone_draft d = {0};
	const char *name;
	if (!zone_name_fits(l, key, &name))
		return;
	load_map(l, key->value, &schema, &d);
	if (key->value->kind == NODE_MAP)
		check_bridge(l, key->value, &d);
	if (key->value->kind == NODE_MAP && !node_get(key->value, "interfaces") && !node_get(key->value, "networks") &&
	    !node_get(key->value, "bridge") && !node_get(key->value, "ports"))
		load_error(l, key, "E140", "zone \"%s\" has neither interfaces nor networks", name);
	add_zone(l, name, &d, key);
}

void
load_zones(struct loader *l, const struct node *value, void *into)
{
	struct policy *p = l->p;
	(void)into;
	if (!expect_map(l, value, "zones"))
		return;
	p->zones = region_alloc(&p->region, ZONES_MAX * sizeof(*p->zones));
	p->zone_clauses = region_alloc(&p->region, ZONES_MAX * sizeof(*p->zone_clauses));
	p->networks = region_alloc(&p->region, NETWORKS_MAX * sizeof(*p->networks));
	if (!p->zones || !p->zone_clauses || !p->networks)
		return;
	unsigned before = l->diags->errors;
	for (const struct node *k = value->first; k; k = k->next)
		if (k->value)
			load_zone(l, k);
	if (interface_count(p) == 0 && l->diags->errors == before) {
		struct diag *g = load_error(l, value, "E135", "no zone has interfaces: nothing is watched");
		diag_hint(g, "name the interface behind which the cameras are");
	}
}
