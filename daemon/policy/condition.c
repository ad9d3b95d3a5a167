/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every condition: how one of its values is read, and when it matches. A condition matches when any of its
 * items does; items are sorted where a row has an order, so that long lists are searched and not walked.
 */
#include "condition.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "catalogued.h"
#include "countries.h"
#include "limit.h"
#include "loader.h"
#include "spoken.h"
#include "schedule.h"

static int
order_u8(const void *a, const void *b)
{
	return *(const uint8_t *)a - *(const uint8_t *)b;
}

static int
order_u16(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int
order_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* A prefix sorts before what lies inside it. */
static int
order_prefix(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	int order = addr_cmp(&x->addr, &y->addr);
	return order ? order : x->len - y->len;
}

static void
push_u8(struct loader *l, struct vec *items, uint8_t v)
{
	uint8_t *item = vec_push(&l->p->region, items, sizeof(*item));
	if (item)
		*item = v;
}

static void
push_u16(struct loader *l, struct vec *items, uint16_t v)
{
	uint16_t *item = vec_push(&l->p->region, items, sizeof(*item));
	if (item)
		*item = v;
}

static bool
has_u16(const struct condition *c, uint16_t v)
{
	return bsearch(&v, c->items, c->n, sizeof(v), order_u16);
}

static void
parse_bool(struct loader *l, const struct node *value, struct vec *items)
{
	bool v;
	if (read_bool(l, value, &v))
		push_u8(l, items, v);
}

static bool
wants(const struct condition *c, bool is)
{
	return *(const uint8_t *)c->items == is;
}

static void
parse_zone(struct loader *l, const struct node *value, struct vec *items)
{
	const char *text;
	if (!read_text(l, value, &text))
		return;
	int zone = zone_find(l->p, text);
	if (zone >= 0)
		push_u8(l, items, (uint8_t)zone);
	else
		unknown_zone(l, value);
}

static bool
match_zone(const struct condition *c, const struct facts *f)
{
	uint8_t zone = c->local ? f->zone : f->remote_zone;
	return bsearch(&zone, c->items, c->n, 1, order_u8);
}

/* Names, groups and brands all stand for devices. */
static void
parse_label(struct loader *l, const struct node *value, struct vec *items, const struct labels *labels,
	    const char *what)
{
	const char *text;
	size_t n;
	if (!read_text(l, value, &text))
		return;
	const struct label *hit = labels_find(labels, text, &n);
	if (!hit)
		unknown_label(l, value, labels, what);
	for (size_t i = 0; hit && i < n; i++)
		push_u16(l, items, hit[i].device);
}

static void
parse_device(struct loader *l, const struct node *value, struct vec *items)
{
	parse_label(l, value, items, &l->p->names, "is called");
}

static void
parse_group(struct loader *l, const struct node *value, struct vec *items)
{
	parse_label(l, value, items, &l->p->groups, "is in a group");
}

static void
parse_brand(struct loader *l, const struct node *value, struct vec *items)
{
	parse_label(l, value, items, &l->p->brands, "has the brand");
}

static bool
match_device(const struct condition *c, const struct facts *f)
{
	return f->device != DEVICE_UNKNOWN && has_u16(c, f->device);
}

static bool
match_known(const struct condition *c, const struct facts *f)
{
	return wants(c, f->device != DEVICE_UNKNOWN);
}

static void
parse_prefix(struct loader *l, const struct node *value, struct vec *items)
{
	struct prefix p;
	if (!read_prefix(l, value, &p))
		return;
	struct prefix *item = vec_push(&l->p->region, items, sizeof(*item));
	if (item)
		*item = p;
}

/* Sorted, a prefix stands right before those inside it. */
static size_t
drop_nested(void *items, size_t n)
{
	struct prefix *list = items;
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || list[i].len < list[kept - 1].len ||
		    !prefix_covers(&list[kept - 1], &list[i].addr))
			list[kept++] = list[i];
	return kept;
}

/* The list holds no prefix inside another, so the last that starts at or before the address decides. */
static bool
match_address(const struct condition *c, const struct facts *f)
{
	const struct addr *a = c->local ? &f->local : &f->remote;
	const struct prefix *list = c->items;
	size_t from = 0, to = c->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (addr_cmp(&list[mid].addr, a) <= 0)
			from = mid + 1;
		else
			to = mid;
	}
	bool hit = from > 0 && prefix_covers(&list[from - 1], a);
	for (size_t i = 0; !hit && i < c->n_lists; i++)
		hit = list_has_addr(c->lists[i], a, NULL);
	return hit;
}

static bool
match_private(const struct condition *c, const struct facts *f)
{
	return wants(c, f->place.special != SPECIAL_NONE);
}

static uint16_t
code_number(const char code[3])
{
	return (uint16_t)(code[0] << 8 | (unsigned char)code[1]);
}

static void
parse_country(struct loader *l, const struct node *value, struct vec *items)
{
	char code[3];
	if (read_country(l, value, code))
		push_u16(l, items, code_number(code));
}

static bool
is_unknown(const struct facts *f)
{
	return f->place.special == SPECIAL_NONE && !f->place.country[0];
}

static bool
match_code(const struct condition *c, const struct facts *f, const char code[3])
{
	return (code[0] && has_u16(c, code_number(code))) || (c->widen && is_unknown(f));
}

static bool
match_country(const struct condition *c, const struct facts *f)
{
	return match_code(c, f, f->place.country);
}

static bool
match_registered(const struct condition *c, const struct facts *f)
{
	return match_code(c, f, f->place.registered);
}

static void
parse_continent(struct loader *l, const struct node *value, struct vec *items)
{
	const char *text;
	if (!read_text(l, value, &text))
		return;
	for (int i = 0; i < CONTINENTS; i++) {
		if (strcmp(text, continent_codes[i]) == 0) {
			push_u16(l, items, code_number(continent_codes[i]));
			return;
		}
	}
	struct diag *g = load_error(l, value, "E122", "\"%.64s\" is not a continent", text);
	diag_hint(g, "AF AN AS EU NA OC SA");
}

static bool
match_continent(const struct condition *c, const struct facts *f)
{
	return match_code(c, f, f->place.continent);
}

static bool
match_unknown_country(const struct condition *c, const struct facts *f)
{
	return wants(c, is_unknown(f));
}

static bool
match_anycast(const struct condition *c, const struct facts *f)
{
	return wants(c, f->place.anycast);
}

static void
parse_asn(struct loader *l, const struct node *value, struct vec *items)
{
	uint32_t asn;
	if (!read_asn(l, value, &asn))
		return;
	uint32_t *item = vec_push(&l->p->region, items, sizeof(*item));
	if (item)
		*item = asn;
}

static bool
match_asn(const struct condition *c, const struct facts *f)
{
	return bsearch(&f->place.asn, c->items, c->n, sizeof(f->place.asn), order_u32);
}

/* "443" or "10000-20000". */
static bool
parse_range(const char *text, struct port_item *ret)
{
	char first[8];
	uint64_t from, to;
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : strlen(text);
	if (len >= sizeof(first))
		return false;
	memcpy(first, text, len);
	first[len] = 0;
	if (!parse_number(first, UINT16_MAX, &from) ||
	    !parse_number(dash ? dash + 1 : first, UINT16_MAX, &to) || from > to)
		return false;
	ret->from = (uint16_t)from;
	ret->to = (uint16_t)to;
	return true;
}

/* "tcp/443", "443", "icmp". NULL, or what is wrong with it. */
static const char *
parse_port_text(const char *text, struct port_item *ret)
{
	char name[16];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	if (!slash && text[0] >= '0' && text[0] <= '9')
		return parse_range(text, ret) ? NULL : "a port is 0 to 65535, a range is LOW-HIGH";
	if (len == 0 || len >= sizeof(name) || (text[0] >= '0' && text[0] <= '9'))
		return "as in tcp/443, udp/10000-20000, 443 (both) or icmp";
	memcpy(name, text, len);
	name[len] = 0;
	int proto = proto_number(name);
	if (proto <= 0)
		return "as in tcp/443, udp/10000-20000, 443 (both) or icmp";
	ret->proto = (uint8_t)proto;
	ret->any = !slash;
	if (slash && !proto_has_ports(ret->proto))
		return "this protocol has no ports: its name stands alone";
	return !slash || parse_range(slash + 1, ret) ? NULL : "a port is 0 to 65535, a range is LOW-HIGH";
}

static void
parse_port(struct loader *l, const struct node *value, struct vec *items)
{
	const char *text;
	struct port_item parsed = {0};
	if (!read_text(l, value, &text))
		return;
	const char *wrong = parse_port_text(text, &parsed);
	if (wrong) {
		diag_hint(load_error(l, value, "E126", "\"%.64s\" is not a port", text), "%s", wrong);
		return;
	}
	struct port_item *item = vec_push(&l->p->region, items, sizeof(*item));
	if (item)
		*item = parsed;
}

bool
port_single(const char *text, uint8_t *ret_proto, bool *ret_has_port, uint16_t *ret_port)
{
	struct port_item parsed = {0};
	if (parse_port_text(text, &parsed) || !parsed.proto || parsed.from != parsed.to ||
	    (parsed.any && proto_has_ports(parsed.proto)))
		return false;
	*ret_proto = parsed.proto;
	*ret_has_port = !parsed.any;
	*ret_port = parsed.from;
	return true;
}

uint8_t
port_transport(const struct condition *c)
{
	const struct port_item *list = c->items;
	for (size_t i = 1; i < c->n; i++)
		if (list[i].proto != list[0].proto)
			return 0;
	return list[0].proto;
}

bool
port_range(const struct condition *c, uint16_t *ret_low, uint16_t *ret_high)
{
	const struct port_item *list = c->items;
	uint16_t low = UINT16_MAX, high = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (list[i].any)
			return false;
		low = list[i].from < low ? list[i].from : low;
		high = list[i].to > high ? list[i].to : high;
	}
	*ret_low = low;
	*ret_high = high;
	return true;
}

static bool
match_port(const struct condition *c, const struct facts *f)
{
	const struct port_item *list = c->items;
	for (size_t i = 0; i < c->n; i++) {
		bool proto = list[i].proto ? list[i].proto == f->proto
					   : f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP;
		bool port = list[i].any || (f->has_port && f->port >= list[i].from && f->port <= list[i].to);
		if (proto && port)
			return true;
	}
	return false;
}

static void
parse_direction(struct loader *l, const struct node *value, struct vec *items)
{
	enum { OUTBOUND, INBOUND, ANY };
	static const struct choice choices[] = {{"outbound", OUTBOUND}, {"inbound", INBOUND}, {"any", ANY}};
	unsigned v;
	if (!read_choice(l, value, choices, 3, &v))
		return;
	if (v == OUTBOUND || v == ANY)
		push_u8(l, items, false);
	if (v == INBOUND || v == ANY)
		push_u8(l, items, true);
}

static bool
match_direction(const struct condition *c, const struct facts *f)
{
	uint8_t inbound = f->inbound;
	return bsearch(&inbound, c->items, c->n, 1, order_u8);
}

static bool
match_when(const struct condition *c, const struct facts *f)
{
	const struct schedule *list = c->items;
	for (size_t i = 0; i < c->n; i++)
		if (schedule_holds(&list[i], f->wall_s))
			return true;
	return false;
}

/* What it says has been taken over by the conditions beside it. */
static bool
match_always(const struct condition *c, const struct facts *f)
{
	(void)c;
	(void)f;
	return true;
}

/* Cheap ones first: a rule is left at its first condition that says no. */
/* clang-format off */
static const struct condition_row rows[] = {
	{.key = "direction", .where = COND_RULE | COND_ONE, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint8_t), .parse = parse_direction, .order = order_u8, .match = match_direction,
	 .help = "outbound (opened by the camera side; the default), inbound or any"},
	{.key = "zone", .where = COND_FROM | COND_TO, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint8_t), .parse = parse_zone, .order = order_u8, .match = match_zone,
	 .help = "a zone's name"},
	{.key = "port", .where = COND_RULE, .needs = FACT_PACKET,
	 .item_bytes = sizeof(struct port_item), .parse = parse_port, .match = match_port,
	 .help = "what was opened: tcp/443, udp/10000-20000, 443 for both, or a protocol without ports (icmp)"},
	{.key = "device", .where = COND_FROM, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint16_t), .parse = parse_device, .order = order_u16, .match = match_device,
	 .help = "a device's name"},
	{.key = "group", .where = COND_FROM, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint16_t), .parse = parse_group, .order = order_u16, .match = match_device,
	 .help = "a group of devices"},
	{.key = "brand", .where = COND_FROM, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint16_t), .parse = parse_brand, .order = order_u16, .match = match_device,
	 .help = "what the device's label says; case does not matter"},
	{.key = "maker", .where = COND_FROM, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint16_t), .parse = parse_maker, .order = order_u16, .match = match_maker,
	 .help = "who built the device, whatever its label says; a group's makers with it"},
	{.key = "covered", .where = COND_FROM | COND_ONE, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_covered,
	 .help = "whether its maker is covered by section 889 of P.L. 115-232"},
	{.key = "unmasked", .where = COND_FROM | COND_ONE, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_unmasked,
	 .help = "whether it was built by somebody else than its brand says"},
	{.key = "known", .where = COND_FROM | COND_ONE, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_known,
	 .help = "whether the device is in the inventory"},
	{.key = "address", .where = COND_FROM | COND_TO, .needs = FACT_PACKET,
	 .item_bytes = sizeof(struct prefix), .parse = parse_prefix, .order = order_prefix, .match = match_address,
	 .tidy = drop_nested, .list = LIST_NETS,
	 .help = "an address or a network, or {file: PATH} with one a line"},
	{.key = "private", .where = COND_TO | COND_ONE, .needs = FACT_PLACE,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_private,
	 .help = "not globally reachable"},
	{.key = "country", .where = COND_TO | COND_COUNTRY, .needs = FACT_PLACE,
	 .item_bytes = sizeof(uint16_t), .parse = parse_country, .order = order_u16, .match = match_country,
	 .help = "ISO 3166-1 code of the address's country"},
	{.key = "continent", .where = COND_TO | COND_COUNTRY, .needs = FACT_PLACE,
	 .item_bytes = sizeof(uint16_t), .parse = parse_continent, .order = order_u16, .match = match_continent,
	 .help = "AF AN AS EU NA OC SA"},
	{.key = "registered-country", .where = COND_TO | COND_COUNTRY, .needs = FACT_PLACE,
	 .item_bytes = sizeof(uint16_t), .parse = parse_country, .order = order_u16, .match = match_registered,
	 .help = "ISO 3166-1 code of the country where the network is registered"},
	{.key = "unknown-country", .where = COND_TO | COND_ONE | COND_WIDENS, .needs = FACT_PLACE,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_unknown_country,
	 .help = "no database knows; beside country keys it widens them"},
	{.key = "anycast", .where = COND_TO | COND_ONE, .needs = FACT_PLACE,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_anycast,
	 .help = "announced from many places"},
	{.key = "asn", .where = COND_TO, .needs = FACT_PLACE,
	 .item_bytes = sizeof(uint32_t), .parse = parse_asn, .order = order_u32, .match = match_asn,
	 .help = "number of the autonomous system"},
	{.key = "name", .where = COND_TO | COND_NAMED, .needs = FACT_NAME | FACT_ECH,
	 .item_bytes = sizeof(struct name_pattern), .parse = parse_pattern, .order = order_pattern, .match = match_name,
	 .never = never_name, .list = LIST_NAMES,
	 .help = "the address's name, proved by a DNS answer to this device; *.example.com is all under it; or {file: PATH} with one a line"},
	{.key = "cloud", .where = COND_TO, .needs = FACT_NAME | FACT_ECH | FACT_PROTOCOL,
	 .item_bytes = sizeof(struct cloud_item), .parse = parse_cloud, .order = order_cloud, .answer = answer_cloud,
	 .help = "whose cloud: by name, by protocol or by address"},
	{.key = "trust-sni", .where = COND_TO | COND_ONE | COND_TRUSTS, .needs = FACT_PACKET,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_always,
	 .help = "beside name: what the client says of itself needs no proof"},
	{.key = "protocol", .where = COND_RULE, .needs = FACT_PROTOCOL,
	 .item_bytes = sizeof(struct protocol_item), .parse = parse_protocol, .order = order_protocol, .match = match_protocol,
	 .help = "what it speaks, by its bytes; unknown is a value"},
	{.key = "query", .where = COND_RULE, .needs = FACT_QUERY,
	 .item_bytes = sizeof(struct name_pattern), .parse = parse_pattern, .order = order_pattern, .match = match_query,
	 .list = LIST_NAMES,
	 .help = "the DNS name that is asked for, or {file: PATH} with one a line"},
	{.key = "ech", .where = COND_RULE | COND_ONE, .needs = FACT_ECH,
	 .item_bytes = sizeof(uint8_t), .parse = parse_bool, .match = match_ech,
	 .help = "whether the client hides its server's name (Encrypted ClientHello)"},
	{.key = "when", .where = COND_RULE | COND_TIME, .needs = FACT_PACKET,
	 .item_bytes = sizeof(struct schedule), .parse = parse_when, .match = match_when,
	 .help = "days, time and time zone"},
	{.key = "limit", .where = COND_RULE | COND_ONE, .needs = FACT_PACKET,
	 .item_bytes = sizeof(struct limit *), .parse = parse_limit, .match = match_limit,
	 .help = "how many bytes or flows the rule allows each device a minute, hour, day, week or month"},
};
/* clang-format on */

enum {
	N_ROWS = sizeof(rows) / sizeof(rows[0]),
};

const struct condition_row condition_ref = {
	.key = "", .where = COND_FROM | COND_TO, .item_bytes = sizeof(struct ref)};

const struct condition_row *
condition_rows(size_t *ret_n)
{
	*ret_n = N_ROWS;
	return rows;
}

const struct condition_row *
condition_find(const char *key, unsigned where)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].where & where & (COND_FROM | COND_TO | COND_RULE) &&
		    strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}
