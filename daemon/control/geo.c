/* SPDX-License-Identifier: GPL-2.0-or-later */
/* geo: which databases there are and how old; with an address, what each of them says of it, and what is made of that. */
#include <string.h>

#include "control_private.h"

static const char *const state_names[] = {"ok", "missing", "broken", "stale"};

static void
write_said(struct json *j, const struct geo_said *s)
{
	json_object(j, "says");
	json_str(j, "country", s->country);
	json_str(j, "registered_country", s->registered);
	json_str(j, "continent", s->continent);
	json_uint(j, "asn", s->asn);
	json_bool(j, "anycast", s->anycast);
	json_object_end(j);
}

static void
write_database(struct json *j, const struct engine *e, const struct geo_database *db)
{
	json_str(j, "path", db->path);
	json_str(j, "state", state_names[db->state]);
	json_str(j, "kind", db->kind);
	json_str(j, "type", db->type);
	json_str(j, "mapping", db->mapping);
	json_str(j, "problem", db->problem);
	json_bool(j, "has_country", db->has_country);
	json_bool(j, "has_asn", db->has_asn);
	json_uint(j, "errors", db->errors);
	if (db->built_s) {
		json_int(j, "built", db->built_s);
		json_int(j, "age_s", e->now.wall_us / 1000000 - db->built_s);
	}
}

static void
write_databases(struct json *j, const struct engine *e, const struct addr *a)
{
	struct geo_said said;
	size_t n;
	const struct geo_database *db = geo_databases(e->is.geo, &n);

	json_array(j, "databases");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		write_database(j, e, &db[i]);
		if (a) {
			geo_ask(e->is.geo, i, a, &said);
			write_said(j, &said);
		}
		json_object_end(j);
	}
	json_array_end(j);
}

static void
write_answer(struct json *j, const struct engine *e, const struct addr *a)
{
	char as_name[RECORD_NAME + 1], text[ADDR_TEXT];
	struct place p;
	size_t n_zones;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n_zones);
	uint8_t zone = policy_zone_by_addr(e->is.policy, a);

	geo_lookup(e->is.geo, a, &p);
	geo_as_name(e->is.geo, a, &p, as_name, sizeof as_name);
	json_object(j, "answer");
	json_str(j, "address", addr_print(a, text));
	json_str(j, "special", special_name(p.special));
	json_str(j, "zone", zone < n_zones ? zones[zone].name : "");
	json_str(j, "country", p.country);
	json_str(j, "registered_country", p.registered);
	json_str(j, "continent", p.continent);
	json_uint(j, "asn", p.asn);
	json_strn(j, "as_name", as_name, strlen(as_name), RECORD_NAME);
	json_bool(j, "anycast", p.anycast);
	json_uint(j, "prefix_len", p.prefix_len);
	json_str(j, "country_source", geo_source_name(e->is.geo, p.country_source));
	json_str(j, "asn_source", geo_source_name(e->is.geo, p.asn_source));
	json_object_end(j);
}

static void
write_stats(struct json *j, const struct engine *e)
{
	struct geo_stats s;

	geo_stats(e->is.geo, &s);
	json_uint(j, "lookups", s.lookups);
	json_uint(j, "cached", s.cached);
	json_uint(j, "unknown", s.unknown);
}

static enum control_result
run(struct control_call *call)
{
	const char *address = request_text(call->request, "address");
	struct addr a;

	if (address && !addr_parse(address, &a)) {
		call->error = "address: not an IPv4 or IPv6 address";
		return CONTROL_ERROR;
	}
	json_object(call->reply, "data");
	if (address)
		write_answer(call->reply, call->engine, &a);
	write_databases(call->reply, call->engine, address ? &a : NULL);
	write_stats(call->reply, call->engine);
	json_object_end(call->reply);
	return CONTROL_OK;
}

const struct control_command control_geo = {"geo", false, run};
