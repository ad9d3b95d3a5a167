/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was asked becomes facts, and the answer becomes JSON; see explain.h. */
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "explain.h"
#include "geo.h"
#include "json.h"
#include "policy.h"

enum {
	ROOM_FOR_RULE = 20480, /* more than the longest rule takes when every byte of it is escaped */
	RULES_PER_ANSWER = 256, /* bounds the work of one answer: packets wait for it */
	PORT_USUAL = 443,
};

bool
explain_name(const char *text, char out[DNS_NAME])
{
	size_t len = strlen(text);
	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= DNS_NAME || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (!isalnum(c) && c != '-' && c != '_' && c != '.')
			return false;
		out[i] = (char)tolower(c);
	}
	out[len] = 0;
	return true;
}

const char *
explain_take_port(struct explain_case *c, const struct explain_args *a)
{
	struct facts *f = &c->facts;
	int proto = a->transport ? proto_number(a->transport) : IPPROTO_TCP;
	if (proto < 0)
		return "no transport is called so: tcp, udp, icmp …";
	f->proto = (uint8_t)proto;
	f->has_port = proto_has_ports(f->proto);
	if (a->port > UINT16_MAX || a->port < -1)
		return "a port is 0 to 65535";
	if (!f->has_port && a->port >= 0)
		return "this transport has no ports";
	f->port = f->has_port ? (uint16_t)(a->port >= 0 ? a->port : PORT_USUAL) : 0;
	f->inbound = a->inbound;
	return NULL;
}

/* A client of these may name its server in clear. */
static bool
may_name(const char *protocol)
{
	static const char *const list[] = {"tls", "quic", "http", "rtsp", "sip", "coap", "socks", "doh", "websocket", "dtls"};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(list[i], protocol) == 0)
			return true;
	return false;
}

/* What a protocol settles besides itself. */
static void
take_protocol(struct facts *f, const char *protocol)
{
	f->protocol = protocol;
	f->known |= FACT_PROTOCOL | FACT_ECH;
	if (strcmp(protocol, "dns") != 0)
		f->known |= FACT_QUERY;
	if (!may_name(protocol))
		f->known |= FACT_NAME;
}

const char *
explain_take_words(struct explain_case *c, const struct explain_args *a)
{
	struct facts *f = &c->facts;
	const char *protocol = a->protocol ? policy_protocol(a->protocol) : NULL;
	if (a->protocol && !protocol)
		return "no protocol is called so; lenscap.yaml(5) lists them";
	if (a->query && (!explain_name(a->query, c->query)))
		return "the query is no DNS name";
	if (a->name && *a->name && !explain_name(a->name, c->name))
		return "the name is no host name";
	if (protocol)
		take_protocol(f, protocol);
	if (a->query) {
		take_protocol(f, protocol ? protocol : policy_protocol("dns"));
		f->query = c->query;
		f->known |= FACT_QUERY | FACT_NAME;
	}
	if (a->name) {
		f->name = c->name[0] ? c->name : NULL;
		f->known |= FACT_NAME | FACT_ECH;
	}
	f->ech = a->ech;
	f->known |= a->ech ? FACT_ECH : 0;
	if (a->at_s >= 0)
		f->wall_s = a->at_s;
	return NULL;
}

static void
write_address(struct json *j, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT];
	json_str(j, key, addr_print(a, text));
}

static void
write_zone(struct json *j, const char *key, const struct policy *p, uint8_t zone)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(p, &n);
	json_str(j, key, zone < n ? zones[zone].name : "");
}

static void
write_device(struct json *j, const struct explain_case *c)
{
	size_t n;
	const struct facts *f = &c->facts;
	const struct policy_device *list = policy_devices(c->policy, &n);
	json_object(j, "device");
	json_str(j, "name", c->device);
	json_bool(j, "known", f->device < n);
	json_bool(j, "seen", c->seen);
	json_str(j, "brand", f->device < n ? list[f->device].brand : "");
	const struct maker *makers;
	size_t n_makers = catalogue_makers(policy_catalogue(c->policy), &makers);
	json_str(j, "maker", f->maker < n_makers ? makers[f->maker].id : "");
	json_uint(j, "maker_score", f->maker < n_makers ? c->score : 0);
	json_bool(j, "quarantined", c->jailed);
	json_bool(j, "covered", f->covered);
	json_bool(j, "unmasked", f->unmasked);
	write_zone(j, "zone", c->policy, f->zone);
	write_address(j, "ip", &f->local);
	json_object_end(j);
}

static void
write_dest(struct json *j, const struct explain_case *c)
{
	static const struct addr none;
	const struct facts *f = &c->facts;
	const char *proto = proto_name(f->proto);
	char number[8];
	snprintf(number, sizeof number, "%u", f->proto);
	json_object(j, "dest");
	if (addr_cmp(&f->remote, &none) != 0)
		write_address(j, "ip", &f->remote);
	json_str(j, "name", c->dest_name);
	json_str(j, "proto", proto ? proto : number);
	if (f->has_port)
		json_uint(j, "port", f->port);
	write_zone(j, "zone", c->policy, f->remote_zone);
	json_str(j, "country", f->place.country);
	json_str(j, "country_source", geo_source_name(c->geo, f->place.country_source));
	json_str(j, "registered", f->place.registered);
	json_str(j, "continent", f->place.continent);
	json_uint(j, "asn", f->place.asn);
	json_bool(j, "anycast", f->place.anycast);
	json_str(j, "special", special_name((enum special)f->place.special));
	json_array(j, "addresses");
	for (size_t i = 0; i < c->n_addresses; i++)
		write_address(j, NULL, &c->addresses[i]);
	json_array_end(j);
	json_object_end(j);
}

/* Each database's own answer, whichever won. */
static void
write_geo(struct json *j, struct explain_case *c)
{
	size_t n;
	struct geo_said said;
	const struct geo_database *db = geo_databases(c->geo, &n);
	json_array(j, "geo");
	for (size_t i = 0; i < n; i++) {
		geo_ask(c->geo, i, &c->facts.remote, &said);
		json_object(j, NULL);
		json_str(j, "path", db[i].path);
		json_str(j, "type", db[i].type);
		json_str(j, "problem", db[i].problem);
		json_str(j, "country", said.country);
		json_str(j, "registered", said.registered);
		json_str(j, "continent", said.continent);
		json_uint(j, "asn", said.asn);
		json_bool(j, "anycast", said.anycast);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
write_spoken(struct json *j, const struct explain_case *c)
{
	const struct facts *f = &c->facts;
	if (f->known & FACT_PROTOCOL)
		json_str(j, "protocol", f->protocol ? f->protocol : "");
	if (f->known & FACT_NAME)
		json_str(j, "name", f->name ? f->name : "");
	if (f->query)
		json_str(j, "query", f->query);
	json_bool(j, "ech", f->ech);
	json_bool(j, "inbound", f->inbound);
	json_time(j, "at", f->wall_s * 1000000);
	json_array(j, "bindings");
	for (size_t i = 0; i < f->n_bound; i++)
		json_str(j, NULL, f->bound[i]);
	json_array_end(j);
}

static void
write_missing(struct json *j, const char *key, uint32_t missing)
{
	json_array(j, key);
	for (unsigned bit = 1; bit < FACT_ALL; bit <<= 1)
		if (missing & bit)
			json_str(j, NULL, fact_name((enum fact)bit));
	json_array_end(j);
}

static void
write_rule(struct json *j, const char *key, const struct rule_info *r)
{
	json_object(j, key);
	json_str(j, "name", r->name);
	json_str(j, "file", r->file);
	json_uint(j, "line", r->line);
	json_str(j, "action", action_name(r->action));
	json_str(j, "mode", mode_name(r->mode));
	json_str(j, "alert", alert_level_name(r->alert));
	json_bool(j, "built_in", r->kind != RULE_WRITTEN);
	json_object_end(j);
}

static void
write_judgement(struct json *j, const struct explain_case *c, const struct judgement *judged)
{
	json_str(j, "decision", decision_name(judged->decision));
	json_str(j, "mode", mode_name(judged->mode));
	if (judged->rule)
		write_rule(j, "rule", judged->rule);
	else
		json_null(j, "rule");
	write_missing(j, "unknown", judged->missing);
	json_bool(j, "scheduled", judged->scheduled);
	json_str(j, "policy_id", policy_id(c->policy));
}

/* How much of it this device has used, in the period that runs. */
static void
write_limit(struct json *j, const struct explain_case *c, const struct rule_info *r)
{
	char text[96];
	size_t n;
	const struct policy_limit *const *all = policy_limits(c->policy, &n);
	const struct policy_limit *l = r->limit && r->limit <= n ? all[r->limit - 1u] : NULL;
	if (!l)
		return;
	uint64_t used = l->index < c->facts.n_used ? c->facts.used[l->index] : 0;
	policy_limit_used(l, used, text, sizeof text);
	json_object(j, "limit");
	json_str(j, "counts", l->kind == LIMIT_BYTES ? "bytes" : "flows");
	json_uint(j, "used", used);
	json_uint(j, "amount", l->amount);
	json_str(j, "text", text);
	json_object_end(j);
}

struct listing_of_rules {
	struct json *j;
	const struct explain_case *c;
	size_t next, written;
	bool full;
};

/* Of a rule that fails the first condition that does, of an open one all that are open, of the one that decides everything. */
static bool
worth_telling(const struct explained_rule *r, const struct explained_condition *c)
{
	return c->state == r->state && (r->state != EXPLAINED_YES || r->decides);
}

static bool
list_rule(void *arg, const struct explained_rule *r)
{
	static const char *const states[] = {"no", "open", "yes"};
	struct listing_of_rules *l = arg;
	struct json *j = l->j;
	if (j->cap - j->len < ROOM_FOR_RULE || l->written == RULES_PER_ANSWER) {
		l->full = true;
		return false;
	}
	json_object(j, NULL);
	write_rule(j, "rule", r->info);
	json_str(j, "state", states[r->state]);
	json_bool(j, "decides", r->decides);
	json_bool(j, "behind", r->behind);
	write_limit(j, l->c, r->info);
	json_array(j, "conditions");
	for (size_t i = 0; i < r->n; i++) {
		const struct explained_condition *c = &r->conditions[i];
		if (!worth_telling(r, c))
			continue;
		json_object(j, NULL);
		json_str(j, "key", c->key);
		json_bool(j, "device", c->local);
		json_str(j, "wanted", c->wanted);
		if (c->list) {
			json_str(j, "list", c->list);
			json_uint(j, "list_line", c->list_line);
		}
		json_str(j, "found", c->found);
		write_missing(j, "missing", c->missing);
		json_object_end(j);
		if (r->state == EXPLAINED_NO)
			break;
	}
	json_array_end(j);
	json_object_end(j);
	l->next++;
	l->written++;
	return true;
}

static void
tell_change(void *arg, const char *text)
{
	json_str(arg, NULL, text);
}

void
explain_write(struct json *j, struct explain_case *c, size_t from)
{
	struct judgement judged;
	struct listing_of_rules l = {.j = j, .c = c, .next = from};
	policy_judge(c->policy, &c->facts, &judged);
	write_judgement(j, c, &judged);
	if (from == 0) {
		write_device(j, c);
		write_dest(j, c);
		write_spoken(j, c);
		write_geo(j, c);
		json_array(j, "change");
		policy_explain_change(c->policy, &c->facts, tell_change, j);
		json_array_end(j);
	}
	json_array(j, "rules");
	policy_explain(c->policy, &c->facts, from, &judged, list_rule, &l);
	json_array_end(j);
	if (l.full)
		json_uint(j, "next", l.next);
}
