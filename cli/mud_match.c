/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one entry matches: RFC 8519 section 4 (networks, protocols, ports), RFC 8520 sections 6 and 8 (names, places, who opened it). Whatever stands
 * there and is not in these tables is refused: to ignore a condition is to allow more than was written.
 */
#include "mud.h"

#include <ctype.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <string.h>

#include "addr.h"

enum { NAME_LABEL_MAX = 63, NAME_MAX = 253, URI_MAX = 255 };

struct leaf {
	const char *key;
	/* NULL: refused, because of `why`. */
	bool (*take)(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *leaf);
	size_t where; /* offset in struct mud_entry */
	const char *why;
};

static bool
take_leaves(struct mud *m, struct mud_entry *e, struct json_object *o, const char *at, const struct leaf *leaves)
{
	if (!json_object_is_type(o, json_type_object))
		return mud_fault(m, at, NULL, "this has to be an object");
	json_object_object_foreach(o, raw, value) {
		const char *key = mud_bare(raw);
		const struct leaf *l = leaves;
		char path[MUD_PATH];
		while (l->key && strcmp(l->key, key) != 0)
			l++;
		snprintf(path, sizeof path, "%s/%s", at, raw);
		if (!l->key)
			return mud_fault(m, path, NULL, "this condition is not known, and without it more would be allowed than was meant");
		if (!l->take)
			return mud_fault(m, path, NULL, "%s", l->why);
		if (!l->take(m, e, value, path, l))
			return false;
	}
	return true;
}

static const char *
text_of(struct json_object *v, size_t max)
{
	size_t len = json_object_is_type(v, json_type_string) ? (size_t)json_object_get_string_len(v) : 0;
	const char *s = len && len <= max ? json_object_get_string(v) : NULL;

	for (size_t i = 0; s && i < len; i++)
		if (s[i] < 0x21 || s[i] > 0x7e)
			return NULL;
	return s;
}

static bool
number_of(struct json_object *v, int64_t max, int64_t *ret)
{
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : -1;

	if (n < 0 || n > max)
		return false;
	*ret = n;
	return true;
}

/* ---- names and networks ---- */

static bool
is_host(const char *s)
{
	size_t label = 0;

	if (strlen(s) > NAME_MAX)
		return false;
	for (;; s++) {
		if (isalnum((unsigned char)*s) || *s == '-' || *s == '_') {
			label++;
			continue;
		}
		if ((*s && *s != '.') || label == 0 || label > NAME_LABEL_MAX)
			return false;
		if (!*s)
			return true;
		label = 0;
	}
}

static bool
take_name(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	const char *text = text_of(v, NAME_MAX);
	struct addr a;

	if (!text || !is_host(text) || addr_parse(text, &a))
		return mud_fault(m, at, NULL, "this is not the name of a host");
	memcpy((char *)e + l->where, &text, sizeof text);
	return true;
}

static bool
take_network(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	const char *text = text_of(v, PREFIX_TEXT);
	const struct addr v4 = {.b = {[10] = 0xff, [11] = 0xff}};
	struct prefix p;
	char clean[PREFIX_TEXT];

	if (!text || prefix_parse(text, &p) < 0 || addr_is_v4(&p.addr) != e->v4)
		return mud_fault(m, at, NULL, "this is not an IPv%d network", e->v4 ? 4 : 6);
	if (prefix_parse(text, &p) > 0)
		return mud_fault(m, at, NULL, "it has bits set behind its length; the network is %s", prefix_print(&p, clean));
	if (p.len == (e->v4 ? 96 : 0))
		return true; /* all of its family: no condition */
	if (e->v6 && p.len < 96 && prefix_covers(&p, &v4))
		return mud_fault(m, at, NULL, "this network holds the IPv6 form of IPv4 addresses");
	memcpy((char *)e + l->where, &text, sizeof text);
	return true;
}

static bool
take_protocol(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	int64_t n;

	(void)l;
	if (!number_of(v, UINT8_MAX, &n))
		return mud_fault(m, at, NULL, "a protocol is a number from 0 to 255");
	if (!proto_name((uint8_t)n))
		return mud_fault(m, at, NULL, "a policy has no name for protocol %d", (int)n);
	e->proto = (int)n;
	return true;
}

#define IP_REFUSED(name) {name, NULL, 0, "a policy judges connections, and does not look at this field of a packet"}

static bool
take_ip(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	static const struct leaf v4[] = {
		{"protocol", take_protocol, 0, NULL},
		{"src-dnsname", take_name, offsetof(struct mud_entry, src_name), NULL},
		{"dst-dnsname", take_name, offsetof(struct mud_entry, dst_name), NULL},
		{"source-ipv4-network", take_network, offsetof(struct mud_entry, src_network), NULL},
		{"destination-ipv4-network", take_network, offsetof(struct mud_entry, dst_network), NULL},
		IP_REFUSED("dscp"), IP_REFUSED("ecn"), IP_REFUSED("length"), IP_REFUSED("ttl"), IP_REFUSED("ihl"), IP_REFUSED("flags"),
		IP_REFUSED("offset"), IP_REFUSED("identification"), {NULL, NULL, 0, NULL}};
	static const struct leaf v6[] = {
		{"protocol", take_protocol, 0, NULL},
		{"src-dnsname", take_name, offsetof(struct mud_entry, src_name), NULL},
		{"dst-dnsname", take_name, offsetof(struct mud_entry, dst_name), NULL},
		{"source-ipv6-network", take_network, offsetof(struct mud_entry, src_network), NULL},
		{"destination-ipv6-network", take_network, offsetof(struct mud_entry, dst_network), NULL},
		IP_REFUSED("dscp"), IP_REFUSED("ecn"), IP_REFUSED("length"), IP_REFUSED("ttl"), IP_REFUSED("flow-label"), {NULL, NULL, 0, NULL}};

	if (e->v4 != (l->where == 4))
		return mud_fault(m, at, NULL, "this stands in a list for IPv%d", e->v4 ? 4 : 6);
	return take_leaves(m, e, v, at, e->v4 ? v4 : v6);
}

/* ---- ports ---- */

static bool
take_operator(struct mud *m, struct mud_ports *p, const char *word, uint16_t port, const char *at)
{
	const struct {
		const char *word;
		int32_t from, to, from2, to2; /* to below from: none */
	} operators[] = {{"eq", port, port, 1, 0},
			 {"lte", 0, port, 1, 0},
			 {"gte", port, UINT16_MAX, 1, 0},
			 {"neq", 0, port - 1, port + 1, UINT16_MAX}};

	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		if (strcmp(operators[i].word, word) != 0)
			continue;
		p->n = 0;
		if (operators[i].from <= operators[i].to)
			p->list[p->n++] = (struct mud_range){(uint16_t)operators[i].from, (uint16_t)operators[i].to};
		if (operators[i].from2 <= operators[i].to2)
			p->list[p->n++] = (struct mud_range){(uint16_t)operators[i].from2, (uint16_t)operators[i].to2};
		return true;
	}
	return mud_fault(m, at, "operator", "this is none of eq, neq, lte and gte");
}

static bool
take_port(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	struct mud_ports *p = (struct mud_ports *)((char *)e + l->where);
	int64_t low, high, port;
	struct json_object *x;
	size_t known = 0;

	if (!json_object_is_type(v, json_type_object))
		return mud_fault(m, at, NULL, "this has to be an object");
	static const char *const keys[] = {"operator", "port", "lower-port", "upper-port"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		known += json_object_object_get_ex(v, keys[i], NULL);
	if (known != (size_t)json_object_object_length(v))
		return mud_fault(m, at, NULL, "it has more than operator and port, or lower-port and upper-port");
	if (json_object_object_get_ex(v, "port", &x)) {
		if (json_object_object_get_ex(v, "lower-port", NULL) || json_object_object_get_ex(v, "upper-port", NULL) ||
		    !number_of(x, UINT16_MAX, &port))
			return mud_fault(m, at, "port", "a port is a number from 0 to 65535, and no range beside it");
		const char *word = json_object_object_get_ex(v, "operator", &x) ? text_of(x, 16) : "eq";
		return take_operator(m, p, word ? word : "", (uint16_t)port, at);
	}
	/* Drafts called a range an operator; the RFC has none beside it. */
	const char *word = json_object_object_get_ex(v, "operator", &x) ? text_of(x, 16) : "range";
	if (!word || strcmp(word, "range") != 0 || !json_object_object_get_ex(v, "lower-port", &x) || !number_of(x, UINT16_MAX, &low))
		return mud_fault(m, at, NULL, "it needs operator and port, or lower-port and upper-port");
	high = low;
	if (json_object_object_get_ex(v, "upper-port", &x) && (!number_of(x, UINT16_MAX, &high) || high < low))
		return mud_fault(m, at, "upper-port", "this is no port, or below lower-port");
	*p = (struct mud_ports){.list = {{(uint16_t)low, (uint16_t)high}}, .n = 1};
	return true;
}

static bool
take_initiated(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	const char *word = text_of(v, 16);

	(void)l;
	if (!word || (strcmp(word, "from-device") != 0 && strcmp(word, "to-device") != 0))
		return mud_fault(m, at, NULL, "this is neither from-device nor to-device");
	e->has_initiated = true;
	e->initiated_to_device = word[0] == 't';
	return true;
}

#define TCP_REFUSED(name) {name, NULL, 0, "a policy judges connections, and does not look at this field of a segment"}

static const struct leaf tcp_leaves[] = {{"source-port", take_port, offsetof(struct mud_entry, src_ports), NULL},
					 {"destination-port", take_port, offsetof(struct mud_entry, dst_ports), NULL},
					 {"direction-initiated", take_initiated, 0, NULL},
					 TCP_REFUSED("sequence-number"), TCP_REFUSED("acknowledgement-number"), TCP_REFUSED("data-offset"),
					 TCP_REFUSED("reserved"), TCP_REFUSED("flags"), TCP_REFUSED("window-size"), TCP_REFUSED("urgent-pointer"),
					 TCP_REFUSED("options"), {NULL, NULL, 0, NULL}};
static const struct leaf udp_leaves[] = {{"source-port", take_port, offsetof(struct mud_entry, src_ports), NULL},
					 {"destination-port", take_port, offsetof(struct mud_entry, dst_ports), NULL},
					 {"length", NULL, 0, "a policy does not look at the length of datagrams"}, {NULL, NULL, 0, NULL}};
#define ICMP_REFUSED(name) {name, NULL, 0, "a policy knows ICMP only as a whole"}
static const struct leaf icmp_leaves[] = {ICMP_REFUSED("type"), ICMP_REFUSED("code"), ICMP_REFUSED("rest-of-header"), {NULL, NULL, 0, NULL}};

static bool
take_l4(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	const struct leaf *leaves = l->where == IPPROTO_TCP ? tcp_leaves : l->where == IPPROTO_UDP ? udp_leaves : icmp_leaves;

	if (e->l4 >= 0)
		return mud_fault(m, at, NULL, "this is the second transport of one entry");
	e->l4 = l->where == IPPROTO_ICMP && e->v6 ? IPPROTO_ICMPV6 : (int)l->where;
	return take_leaves(m, e, v, at, leaves);
}

/* ---- places ---- */

static bool
take_place(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	bool valued = l->where == MUD_CONTROLLER || l->where == MUD_MANUFACTURER || l->where == MUD_MODEL;

	if (e->place != MUD_ANYWHERE)
		return mud_fault(m, at, NULL, "an entry can have one place only");
	/* No quotes: the word comes back in an advice that may be pasted into a shell. */
	if (valued && (!(e->place_value = text_of(v, URI_MAX)) || strpbrk(e->place_value, "'\"`\\<>")))
		return mud_fault(m, at, NULL, "this is not a %s", l->where == MUD_MANUFACTURER ? "name of a host" : "URI");
	/* An empty leaf is [null] in JSON (RFC 7951 section 6.9). */
	if (!valued && !(json_object_is_type(v, json_type_array) && json_object_array_length(v) == 1 && !json_object_array_get_idx(v, 0)))
		return mud_fault(m, at, NULL, "this has to be [null]");
	e->place = (enum mud_place)l->where;
	return true;
}

static bool
take_mud(struct mud *m, struct mud_entry *e, struct json_object *v, const char *at, const struct leaf *l)
{
	static const struct leaf leaves[] = {{"local-networks", take_place, MUD_LOCAL, NULL},
					     {"controller", take_place, MUD_CONTROLLER, NULL},
					     {"my-controller", take_place, MUD_MY_CONTROLLER, NULL},
					     {"same-manufacturer", take_place, MUD_SAME_MANUFACTURER, NULL},
					     {"manufacturer", take_place, MUD_MANUFACTURER, NULL},
					     {"model", take_place, MUD_MODEL, NULL},
					     {"direction-initiated", take_initiated, 0, NULL},
					     {NULL, NULL, 0, NULL}};

	(void)l;
	return take_leaves(m, e, v, at, leaves);
}

/* ---- from packets to connections ---- */

static bool
same_ports(const struct mud_ports *a, const struct mud_ports *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].from != b->list[i].from || a->list[i].to != b->list[i].to)
			return false;
	return a->n == b->n;
}

/* Sides: source and destination become the device and the far side. */
static bool
take_sides(struct mud *m, struct mud_entry *e, const char *at)
{
	const char *near_name = e->to_device ? e->dst_name : e->src_name;

	e->far_name = e->to_device ? e->src_name : e->dst_name;
	e->far_network = e->to_device ? e->src_network : e->dst_network;
	e->near_network = e->to_device ? e->dst_network : e->src_network;
	if (near_name)
		return mud_fault(m, at, e->v4 ? "ipv4" : "ipv6", "the %s is the device itself here, which a policy does not know by a DNS name",
				 e->to_device ? "destination" : "source");
	return true;
}

/* Who opened it, and at which port: that of the opener's far end. The opener's own port is nothing that a policy looks at. */
static bool
take_opening(struct mud *m, struct mud_entry *e, const char *at)
{
	const char *l4 = e->proto == IPPROTO_UDP ? "udp" : "tcp";

	e->answers = e->has_initiated ? e->initiated_to_device != e->to_device : e->src_ports.n && !e->dst_ports.n;
	const struct mud_ports *own = e->answers ? &e->dst_ports : &e->src_ports;
	e->ports = e->answers ? e->src_ports : e->dst_ports;
	if (own->n && !same_ports(own, &(struct mud_ports){.list = {{0, UINT16_MAX}}, .n = 1}))
		return mud_fault(m, at, l4, "the port of the side that opens the connection is nothing that a policy looks at");
	if (e->answers && e->action != MUD_ACCEPT)
		return mud_fault(m, at, l4, "only answers are refused here; a policy refuses the connection, in the other direction's list");
	return true;
}

bool
mud_match(struct mud *m, struct mud_entry *e, struct json_object *matches, const char *at)
{
	static const struct leaf leaves[] = {
		{"ipv4", take_ip, 4, NULL},
		{"ipv6", take_ip, 6, NULL},
		{"tcp", take_l4, IPPROTO_TCP, NULL},
		{"udp", take_l4, IPPROTO_UDP, NULL},
		{"icmp", take_l4, IPPROTO_ICMP, NULL},
		{"mud", take_mud, 0, NULL},
		{"eth", NULL, 0, "frames that are no IP are not judged: they do not cross a router"},
		{"ingress-interface", NULL, 0, "interfaces belong to zones of the policy"},
		{"egress-interface", NULL, 0, "interfaces belong to zones of the policy"},
		{NULL, NULL, 0, NULL}};

	e->l4 = e->proto = -1;
	if (!take_leaves(m, e, matches, at, leaves))
		return false;
	if (e->l4 >= 0 && e->proto >= 0 && e->l4 != e->proto)
		return mud_fault(m, at, NULL, "the protocol is %d, and the fields are those of protocol %d", e->proto, e->l4);
	if (e->l4 >= 0)
		e->proto = e->l4;
	if (e->has_initiated && e->proto != IPPROTO_TCP)
		return mud_fault(m, at, NULL, "direction-initiated belongs to TCP");
	return take_sides(m, e, at) && take_opening(m, e, at);
}
