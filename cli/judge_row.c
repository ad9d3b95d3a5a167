/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of history as facts, and judged; see judge_row.h. The engine's flow_facts() is what this does over. */
#include "judge_row.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "identity.h"

struct row_judge {
	const struct policy *policy, *in_force;
	struct history *history;
	struct geo *overrides, *overrides_in_force; /* without any database */
	struct geo *databases;			    /* opened when first needed */
	bool other_databases;
};

static bool
same_list(const char *const *a, size_t n, const char *const *b, size_t m)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool
same_databases(const struct policy *a, const struct policy *b)
{
	struct geo_config x, y;

	policy_geo(a, &x);
	policy_geo(b, &y);
	return same_list(x.country, x.n_country, y.country, y.n_country) && same_list(x.asn, x.n_asn, y.asn, y.n_asn);
}

static struct geo *
open_overrides(const struct policy *p)
{
	struct geo_config c;

	policy_geo(p, &c);
	c.quiet = true;
	c.n_country = c.n_asn = 0;
	return geo_open(&c, 0);
}

struct row_judge *
row_judge_new(const struct policy *p, const struct policy *in_force, struct history *h)
{
	struct row_judge *j = calloc(1, sizeof *j);

	if (!j)
		return NULL;
	*j = (struct row_judge){.policy = p, .in_force = in_force, .history = h};
	j->other_databases = !same_databases(p, in_force);
	j->overrides = open_overrides(p);
	j->overrides_in_force = open_overrides(in_force);
	if (j->overrides && j->overrides_in_force)
		return j;
	row_judge_free(j);
	return NULL;
}

void
row_judge_free(struct row_judge *j)
{
	if (!j)
		return;
	struct geo *const all[] = {j->overrides, j->overrides_in_force, j->databases};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i])
			geo_close(all[i]);
	free(j);
}

/* ---- who ---- */

static uint8_t
zone_named(const struct policy *p, const char *name, bool guarded)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(p, &n);

	for (size_t i = 0; *name && i < n; i++)
		if (strcmp(zones[i].name, name) == 0 && (!guarded || zones[i].n_interfaces))
			return (uint8_t)i;
	return ZONE_NONE;
}

/* The zone that has taken over an interface of the one that the record names; else the one that is called so now. */
static uint8_t
guarded_zone(const struct row_judge *j, const char *name)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(j->in_force, &n);
	uint8_t old = zone_named(j->in_force, name, true), found = ZONE_NONE;

	for (size_t i = 0; old != ZONE_NONE && found == ZONE_NONE && i < zones[old].n_interfaces; i++)
		found = policy_zone_by_interface(j->policy, zones[old].interfaces[i]);
	return found != ZONE_NONE ? found : zone_named(j->policy, name, true);
}

static void
facts_of_device(const struct row_judge *j, const struct history_flow *f, struct facts *ret)
{
	size_t n_zones, n_devices;
	const struct policy_zone *zones = policy_zones(j->policy, &n_zones);
	const struct policy_device *list = policy_devices(j->policy, &n_devices);
	const struct catalogue *c = policy_catalogue(j->policy);
	const struct history_device *d = history_device_of(j->history, f);
	struct mac mac;

	ret->zone = guarded_zone(j, f->zone);
	if (ret->zone == ZONE_NONE)
		ret->zone = policy_zone_by_addr(j->policy, &f->local_addr);
	ret->device = DEVICE_UNKNOWN;
	if (*f->mac && mac_parse(f->mac, &mac) && !(ret->zone < n_zones && zones[ret->zone].by_address))
		ret->device = policy_device_by_mac(j->policy, &mac);
	else
		ret->device = policy_device_by_addr(j->policy, &f->local_addr);
	ret->maker = d && *d->maker ? catalogue_maker(c, d->maker) : MAKER_UNKNOWN;
	ret->covered = d && d->covered;
	const char *label = ret->device < n_devices && *list[ret->device].brand ? list[ret->device].brand : d ? d->brand : "";
	ret->unmasked = ret->maker != MAKER_UNKNOWN && *label && !label_names(c, ret->maker, label);
}

/* ---- where ---- */

/* A zone with interfaces is never known by an address alone: there the record's word counts. */
static uint8_t
remote_zone(const struct row_judge *j, const struct history_flow *f)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(j->policy, &n);
	uint8_t z = policy_zone_by_addr(j->policy, &f->remote), guarded = guarded_zone(j, f->remote_zone);

	if (guarded != ZONE_NONE)
		return guarded;
	return z < n && zones[z].n_interfaces ? ZONE_NONE : z;
}

static enum special
special_named(const char *name)
{
	for (int s = SPECIAL_NONE + 1; *name && s < SPECIAL_COUNT; s++)
		if (strcmp(special_name((enum special)s), name) == 0)
			return (enum special)s;
	return SPECIAL_NONE;
}

static void
recorded_place(const struct history_flow *f, struct place *ret)
{
	*ret = (struct place){.special = (uint8_t)special_named(f->special), .anycast = f->anycast, .asn = f->asn};
	if (strlen(f->country) == 2)
		memcpy(ret->country, f->country, 3);
	if (strlen(f->registered) == 2)
		memcpy(ret->registered, f->registered, 3);
	if (strlen(f->continent) == 2)
		memcpy(ret->continent, f->continent, 3);
}

/* False: nobody can say any more where it was. */
static bool
ask_databases(struct row_judge *j, const struct addr *a, struct place *ret)
{
	if (!j->databases) {
		struct geo_config c;
		policy_geo(j->policy, &c);
		c.quiet = true;
		j->databases = geo_open(&c, 0);
	}
	size_t n = 0, ok = 0;
	const struct geo_database *db = j->databases ? geo_databases(j->databases, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		ok += db[i].state == GEO_OK || db[i].state == GEO_STALE;
	if (!j->databases || ok < n)
		return false;
	geo_lookup(j->databases, a, ret);
	return true;
}

static bool
is_override(const struct place *p)
{
	return p->country_source == GEO_SOURCE_OVERRIDE || p->asn_source == GEO_SOURCE_OVERRIDE;
}

static void
facts_of_place(struct row_judge *j, const struct history_flow *f, struct facts *ret)
{
	struct place ours, before;

	geo_lookup(j->overrides, &f->remote, &ours);
	geo_lookup(j->overrides_in_force, &f->remote, &before);
	recorded_place(f, &ret->place);
	ret->known |= FACT_PLACE;
	if (ours.special != SPECIAL_NONE) {
		ret->place = ours;
		return;
	}
	/* What was special then, or was recorded with an override, says nothing of what the databases would have said. */
	bool country = is_override(&before) && ours.country_source != GEO_SOURCE_OVERRIDE,
	     asn = is_override(&before) && ours.asn_source != GEO_SOURCE_OVERRIDE;
	bool same = memcmp(before.country, ours.country, sizeof ours.country) == 0 && before.asn == ours.asn &&
		    before.country_source == ours.country_source && before.asn_source == ours.asn_source;
	if (j->other_databases || ret->place.special != SPECIAL_NONE || ((country || asn) && !same)) {
		if (!ask_databases(j, &f->remote, &ret->place))
			ret->known &= ~(uint32_t)FACT_PLACE;
		return;
	}
	if (ours.country_source == GEO_SOURCE_OVERRIDE) {
		memcpy(ret->place.country, ours.country, sizeof ours.country);
		memcpy(ret->place.registered, ours.registered, sizeof ours.registered);
		memcpy(ret->place.continent, ours.continent, sizeof ours.continent);
	}
	if (ours.asn_source == GEO_SOURCE_OVERRIDE)
		ret->place.asn = ours.asn;
}

/* ---- what ---- */

static void
add_bound(struct facts *ret, const char *name)
{
	for (size_t i = 0; i < ret->n_bound; i++)
		if (strcmp(ret->bound[i], name) == 0)
			return;
	if (*name && ret->n_bound < FACTS_BOUND)
		ret->bound[ret->n_bound++] = name;
}

/* What a connection says of itself is known all at once, or nothing of it is. */
static void
facts_of_speech(const struct history_flow *f, struct facts *ret)
{
	bool said = strcmp(f->name_from, "sni") == 0 || strcmp(f->name_from, "http") == 0;
	bool watched = f->ip_proto == IPPROTO_TCP || f->ip_proto == IPPROTO_UDP || f->ip_proto == IPPROTO_ICMP || f->ip_proto == IPPROTO_ICMPV6;

	for (size_t i = 0; i < f->n_bound; i++)
		add_bound(ret, f->bound[i]);
	if (strcmp(f->name_from, "dns") == 0 || (said && f->proved))
		add_bound(ret, f->name);
	if (*f->query) {
		ret->known = (ret->known & FACT_PLACE) | (FACT_ALL & ~(uint32_t)FACT_PLACE);
		ret->protocol = "dns";
		ret->query = f->query;
		return;
	}
	if (!*f->app_proto && watched)
		return;
	const char *protocol = policy_protocol(f->app_proto);
	ret->protocol = protocol ? protocol : "unknown";
	ret->known |= FACT_PROTOCOL | FACT_NAME | FACT_ECH;
	/* Of a resolver's connection it is its questions that are judged: they are rows of their own. */
	if (strcmp(ret->protocol, "dns") != 0)
		ret->known |= FACT_QUERY;
	ret->ech = f->ech;
	ret->name = said ? f->name : NULL;
}

void
row_facts(struct row_judge *j, const struct history_flow *f, struct facts *ret)
{
	*ret = (struct facts){.known = FACT_PACKET, .inbound = f->inbound, .proto = f->ip_proto, .port = f->dest_port};
	ret->has_port = proto_has_ports(f->ip_proto);
	ret->local = f->local_addr;
	ret->remote = f->remote;
	ret->wall_s = f->first_us / 1000000;
	ret->remote_zone = remote_zone(j, f);
	facts_of_device(j, f, ret);
	facts_of_place(j, f, ret);
	facts_of_speech(f, ret);
}

static enum row_deed
deed_of(const struct judgement *v)
{
	switch (v->decision) {
	case DECISION_PENDING:
		return ROW_OPEN;
	case DECISION_ALLOW:
		return ROW_ALLOW;
	case DECISION_REJECT:
		return ROW_REJECT;
	case DECISION_BLOCK:
		break;
	}
	return v->certain && v->rule->action == ACTION_QUARANTINE ? ROW_QUARANTINE : ROW_BLOCK;
}

void
row_judge(struct row_judge *j, const struct history_flow *f, struct row_answer *ret)
{
	struct facts facts;
	struct judgement v, later;

	row_facts(j, f, &facts);
	policy_judge(j->policy, &facts, &v);
	*ret = (struct row_answer){.would = deed_of(&v), .rule = "", .file = "", .missing = v.missing};
	ret->deed = v.mode == MODE_MONITOR && ret->would != ROW_OPEN ? ROW_ALLOW : ret->would;
	if (v.rule) {
		ret->rule = v.rule->name;
		ret->file = v.rule->file;
		ret->line = v.rule->line;
		ret->alert = v.rule->alert;
	}
	/* The row is an hour's sum. */
	if (v.scheduled && f->last_us > f->first_us) {
		facts.wall_s = f->last_us / 1000000;
		policy_judge(j->policy, &facts, &later);
		if (later.decision != v.decision || later.mode != v.mode)
			*ret = (struct row_answer){.deed = ROW_OPEN, .would = ROW_OPEN, .rule = "", .file = ""};
	}
}

const char *
row_deed_name(enum row_deed d)
{
	static const char *const names[] = {
		[ROW_ALLOW] = "allow", [ROW_BLOCK] = "block", [ROW_REJECT] = "reject", [ROW_QUARANTINE] = "quarantine", [ROW_OPEN] = "cannot tell"};
	return names[d];
}
