/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One record, one line: the fields that every EVE reader knows, the object of its type, and ours under `lenscap`.
 * The timestamp comes first; names are Suricata's, so that existing dashboards and parsers work.
 */
#include "record.h"

#include <netinet/in.h>
#include <string.h>

#include "printer.h"
#include "text.h"

void
print_name(struct printer *p, const char *key, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	p->cut |= len > p->limits->name;
	json_strn(&p->j, key, text ? text : "", len, p->limits->name);
}

void
print_line(struct printer *p, const char *key, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	p->cut |= len > p->limits->line;
	json_strn(&p->j, key, text ? text : "", len, p->limits->line);
}

void
print_known(struct printer *p, const char *key, const char *text)
{
	if (text && *text)
		print_name(p, key, text);
}

void
print_names(struct printer *p, const char *key, const char *texts, size_t n, size_t size)
{
	json_array(&p->j, key);
	for (size_t i = 0; i < n && i < p->limits->list; i++)
		print_name(p, NULL, texts + i * size);
	json_array_end(&p->j);
	p->cut |= n > p->limits->list;
}

/* Dotted quads by hand: three addresses a record are worth it. */
void
print_addr(struct printer *p, const char *key, const struct addr *a)
{
	char out[ADDR_TEXT];
	size_t n = 0;

	if (!addr_is_v4(a)) {
		json_str(&p->j, key, addr_print(a, out));
		return;
	}
	for (size_t i = 12; i < 16; i++) {
		char digits[DECIMAL_MAX];
		size_t len = decimal(digits, a->b[i]);
		memcpy(out + n, digits, len);
		n += len;
		out[n++] = '.';
	}
	json_strn(&p->j, key, out, n - 1, n);
}

bool
decision_stops(const struct record_decision *d)
{
	return d && (d->decision == DECISION_BLOCK || d->decision == DECISION_REJECT);
}

/* Upper case as EVE has it; NULL: EVE prints the number. */
static const char *
eve_proto(uint8_t proto)
{
	static const char *const names[256] = {
		[IPPROTO_ICMP] = "ICMP", [IPPROTO_IGMP] = "IGMP",	 [IPPROTO_IPIP] = "IPv4",
		[IPPROTO_TCP] = "TCP",	 [IPPROTO_UDP] = "UDP",		 [IPPROTO_IPV6] = "IPv6",
		[IPPROTO_RSVP] = "RSVP", [IPPROTO_GRE] = "GRE",		 [IPPROTO_ESP] = "ESP",
		[IPPROTO_AH] = "AH",	 [IPPROTO_ICMPV6] = "IPv6-ICMP", [IPPROTO_PIM] = "PIM",
		[IPPROTO_SCTP] = "SCTP", [IPPROTO_UDPLITE] = "UDPLite",	 [IPPROTO_DCCP] = "DCCP",
	};

	return names[proto];
}

static void
print_proto(struct printer *p, uint8_t proto)
{
	char digits[DECIMAL_MAX];
	const char *name = eve_proto(proto);

	if (name)
		json_str(&p->j, "proto", name);
	else
		json_strn(&p->j, "proto", digits, decimal(digits, proto), sizeof digits);
}

/* src is who opened the flow, whichever way the packet went. */
static void
print_tuple(struct printer *p, const struct tuple *t, bool ports)
{
	bool icmp = t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6;

	print_addr(p, "src_ip", &t->src);
	if (ports)
		json_uint(&p->j, "src_port", t->sport);
	print_addr(p, "dest_ip", &t->dst);
	if (ports)
		json_uint(&p->j, "dest_port", t->dport);
	print_proto(p, t->proto);
	if (icmp) {
		json_uint(&p->j, "icmp_type", t->dport >> 8);
		json_uint(&p->j, "icmp_code", t->dport & 0xff);
	}
	json_uint(&p->j, "ip_v", addr_is_v4(&t->src) ? 4 : 6);
}

static void
print_community(struct printer *p, const struct tuple *t)
{
	char id[COMMUNITY_ID_TEXT];

	if (*community_id(t, id))
		json_str(&p->j, "community_id", id);
}

static void
mac_text(const struct mac *m, char out[MAC_TEXT])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof m->b; i++) {
		out[i * 3] = hex[m->b[i] >> 4];
		out[i * 3 + 1] = hex[m->b[i] & 15];
		out[i * 3 + 2] = i + 1 < sizeof m->b ? ':' : '\0';
	}
}

/* The device is the source unless the far side opened the flow. Flow records have lists, as EVE's do. */
static void
print_ether(struct printer *p, const struct record *r)
{
	bool list = r->type == RECORD_FLOW;
	char mac[MAC_TEXT];

	if (!r->device || mac_is_zero(&r->device->mac))
		return;
	mac_text(&r->device->mac, mac);
	json_object(&p->j, "ether");
	if (list)
		json_array(&p->j, r->inbound ? "dest_macs" : "src_macs");
	json_str(&p->j, list ? NULL : r->inbound ? "dest_mac" : "src_mac", mac);
	if (list)
		json_array_end(&p->j);
	json_object_end(&p->j);
}

/* What could be read of a packet that was dropped: maybe no addresses, maybe no ports. */
static void
print_packet(struct printer *p, const struct tuple *t)
{
	static const struct addr none;

	if (addr_cmp(&t->src, &none) != 0 || addr_cmp(&t->dst, &none) != 0)
		print_tuple(p, t, proto_has_ports(t->proto) && (t->sport != 0 || t->dport != 0));
}

static void
print_ends(struct printer *p, const struct record *r)
{
	if (!r->flow)
		return;
	if (r->type == RECORD_DROP)
		print_packet(p, &r->flow->tuple);
	else
		print_tuple(p, &r->flow->tuple, proto_has_ports(r->flow->tuple.proto));
}

static void
print_head(struct printer *p, const struct record *r, const char *type)
{
	bool flow = r->flow && r->type != RECORD_DROP;

	json_time(&p->j, "timestamp", r->wall_us);
	if (flow && r->flow->id != 0)
		json_uint(&p->j, "flow_id", r->flow->id & FLOW_ID_MASK);
	if (r->in_iface && *r->in_iface)
		print_name(p, "in_iface", r->in_iface);
	json_str(&p->j, "event_type", type);
	if (r->vlan) {
		json_array(&p->j, "vlan");
		json_uint(&p->j, NULL, r->vlan);
		json_array_end(&p->j);
	}
	print_ends(p, r);
	if (r->app_proto)
		print_name(p, "app_proto", r->app_proto);
	if (flow) {
		json_str(&p->j, "direction", "to_server");
		print_community(p, &r->flow->tuple);
	}
	print_name(p, "host", r->host);
	print_ether(p, r);
}

static void
print_reject(struct printer *p, const struct record *r)
{
	bool tcp = r->flow && r->flow->tuple.proto == IPPROTO_TCP;

	json_array(&p->j, "reject");
	json_str(&p->j, NULL, tcp ? "tcp-reset" : "icmp-prohib");
	json_array_end(&p->j);
}

/* passed: EVE's word for a packet that this record let through. */
static void
print_verdict(struct printer *p, const struct record *r, const char *passed)
{
	if (!r->decision)
		return;
	json_object(&p->j, "verdict");
	json_str(&p->j, "action", decision_stops(r->decision) ? "drop" : passed);
	if (r->decision->decision == DECISION_REJECT)
		print_reject(p, r);
	json_object_end(&p->j);
}

static void
alert_body(struct printer *p, const struct record *r)
{
	print_alert(p, r);
	print_verdict(p, r, "alert");
	if (r->flow)
		print_flow(p, r, false);
}

static void
flow_body(struct printer *p, const struct record *r)
{
	if (r->flow)
		print_flow(p, r, true);
}

/* EVE's reasons; ours, which is finer, is lenscap.drop. */
static const struct {
	const char *name, *eve;
} drop_reasons[DROP_REASONS] = {
	[DROP_NONE] = {"none", "rules"},
	[DROP_FRAGMENT] = {"fragment", "defrag error"},
	[DROP_TRUNCATED] = {"truncated", "decode error"},
	[DROP_BAD_HEADER] = {"bad_header", "decode error"},
	[DROP_EXT_LIMIT] = {"ext_limit", "decode error"},
	[DROP_NOT_IP] = {"not_ip", "decode error"},
	[DROP_TABLE_FULL] = {"table_full", "flow memcap"},
};

const char *
drop_reason_name(enum drop_reason d)
{
	return d < DROP_REASONS ? drop_reasons[d].name : "unknown";
}

static void
drop_body(struct printer *p, const struct record *r)
{
	json_object(&p->j, "drop");
	json_uint(&p->j, "len", r->packet_len);
	json_str(&p->j, "reason", r->drop < DROP_REASONS ? drop_reasons[r->drop].eve : "unknown");
	json_object_end(&p->j);
	print_verdict(p, r, "pass");
}

/* By bit number of RECORD_*. */
static const struct record_type {
	const char *name;
	void (*body)(struct printer *p, const struct record *r);
} record_types[RECORD_TYPES] = {
	{"alert", alert_body},	{"flow", flow_body},	    {"drop", drop_body},
	{"stats", print_stats}, {"anomaly", print_anomaly}, {"dns", print_dns},
	{"tls", print_tls},	{"http", print_http},	    {"quic", print_quic},
};

const char *
record_type_name(size_t bit)
{
	return bit < RECORD_TYPES ? record_types[bit].name : NULL;
}

static const struct record_type *
record_type_find(uint32_t type)
{
	for (size_t i = 0; i < RECORD_TYPES; i++)
		if (type == UINT32_C(1) << i)
			return &record_types[i];
	return NULL;
}

/*
 * The first is what readers normally see. Lists go before names do: a name that is cut is another name. Under the last one a record
 * fits even when each byte of each text needs six: about thirty names and two sentences.
 */
static const struct limits limits[] = {
	{.name = RECORD_NAME, .line = 768, .list = 64, .answers = 32},
	{.name = RECORD_NAME, .line = 768, .list = 64, .answers = 16},
	{.name = RECORD_NAME, .line = 768, .list = 64, .answers = 8},
	{.name = 96, .line = 256, .list = 8, .answers = 6},
	{.name = 24, .line = 64, .list = 2, .answers = 4},
	{.name = 12, .line = 32, .list = 1, .answers = 2},
};

static size_t
print_once(const struct record *r, const struct record_type *type, const struct limits *l, bool cut,
	   char *out, size_t cap)
{
	struct printer p = {.limits = l, .cut = cut};

	json_init(&p.j, out, cap);
	json_object(&p.j, NULL);
	print_head(&p, r, type->name);
	type->body(&p, r);
	print_lenscap(&p, r);
	json_object_end(&p.j);
	return json_line(&p.j) ? p.j.len : 0;
}

size_t
record_print(const struct record *r, char *out, size_t cap)
{
	const struct record_type *type = record_type_find(r->type);
	size_t len = 0;

	for (size_t i = 0; type && len == 0 && i < sizeof limits / sizeof limits[0]; i++)
		len = print_once(r, type, &limits[i], i > 0, out, cap);
	return len;
}
