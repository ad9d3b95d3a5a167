/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose cloud is that? Every row comes down to a proof and a key: a name, a protocol, an address, an AS or a port, all as text and in
 * one sorted array; a flow is looked up under each of its keys.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_private.h"

enum { CLOUD_ID, CLOUD_KIND, CLOUD_VALUE, CLOUD_WEAK, CLOUD_SOURCE };
enum { KEY_TEXT = 64, NAME_BYTES_MAX = 253 };

static const char *read_place(const struct row *r, struct cloud_row *c);
static const char *read_port(const struct row *r, struct cloud_row *c);
static const char *read_asn(const struct row *r, struct cloud_row *c);
static const char *read_protocol(const struct row *r, struct cloud_row *c);
static const char *read_title(const struct row *r, struct cloud_row *c);

/* What a row of this kind holds. aside: what the maker's devices use as well and everybody else does, too; proves nothing. */
static const struct cloud_kind {
	const char *name;
	const char *(*read)(const struct row *r, struct cloud_row *c); /* NULL, or what is wrong with the value */
	bool aside, public_only;
} cloud_kinds[] = {
	{"cloud", read_place, false, false}, {"api", read_place, false, false},	 {"p2p", read_place, false, false},
	{"ddns", read_place, false, false},  {"mqtt", read_place, false, false}, {"push", read_place, false, false},
	{"stun", read_place, false, false},  {"update", read_place, false, false}, {"oem-cloud", read_place, false, false},
	{"site", read_place, true, false},   {"ntp", read_place, true, false},	 {"dns", read_place, true, false},
	{"port", read_port, false, false},   {"asn", read_asn, false, false},	 {"protocol", read_protocol, false, false},
	{"protocol-public", read_protocol, false, true}, {"name", read_title, true, false},
};

enum { N_CLOUD_KINDS = sizeof(cloud_kinds) / sizeof(cloud_kinds[0]) };

static const char *const proof_names[] = {
	[PROOF_NAME] = "name", [PROOF_PROTOCOL] = "protocol", [PROOF_ADDRESS] = "address", [PROOF_ASN] = "AS", [PROOF_PORT] = "port",
	[PROOF_NONE] = "",
};

static bool
read_u16(const char *text, size_t len, uint16_t *ret)
{
	unsigned v = 0;
	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	*ret = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

/* "443/tcp" */
static bool
read_service(const char *text, uint8_t *ret_proto, uint16_t *ret_port)
{
	const char *slash = strchr(text, '/');
	if (!slash || !read_u16(text, (size_t)(slash - text), ret_port))
		return false;
	*ret_proto = strcmp(slash, "/tcp") == 0 ? IPPROTO_TCP : strcmp(slash, "/udp") == 0 ? IPPROTO_UDP : 0;
	return *ret_proto;
}

static bool
is_name(const char *s)
{
	size_t label = 0, dots = 0;
	if (strlen(s) > NAME_BYTES_MAX)
		return false;
	for (;; s++) {
		if (*s == '.' || !*s) {
			if (label == 0 || label > 63)
				return false;
			if (!*s)
				return dots > 0;
			dots++;
			label = 0;
		} else if ((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '_') {
			label++;
		} else {
			return false;
		}
	}
}

/* "name", "*-x.name" or an address, with or without ":443/tcp". A name is a proof at every port, an address at this one only. */
static const char *
read_place(const struct row *r, struct cloud_row *c)
{
	static const char wanted[] = "NAME, *-x.NAME or an address, with or without :PORT/tcp; names in small letters";
	struct region *region = &r->b->c->region;
	char *text = region_text(region, c->value), canonical[ADDR_TEXT];
	struct addr a;
	if (!text)
		return NULL;
	char *slash = strchr(text, '/'), *colon = strrchr(text, ':');
	if (slash && (!colon || !read_service(colon + 1, &c->proto, &c->port)))
		return wanted;
	if (slash)
		*colon = 0;
	if (addr_parse(text, &a)) {
		c->proof = PROOF_ADDRESS;
		c->key = region_text(region, addr_print(&a, canonical));
		return NULL;
	}
	c->proof = PROOF_NAME;
	c->key = text;
	char *star = strchr(text, '*'), *dot = strchr(text, '.');
	if (star && dot && star < dot && !strchr(star + 1, '*')) {
		*dot = 0;
		c->glob = text;
		c->key = dot + 1;
	}
	return is_name(c->key) ? NULL : wanted;
}

static const char *
read_asn(const struct row *r, struct cloud_row *c)
{
	char *end, text[16];
	unsigned long v = c->value[0] >= '1' && c->value[0] <= '9' ? strtoul(c->value, &end, 10) : 0;
	if (!v || *end || v > UINT32_MAX)
		return "the number of an autonomous system";
	snprintf(text, sizeof(text), "%lu", v);
	c->proof = PROOF_ASN;
	c->key = region_text(&r->b->c->region, text);
	return NULL;
}

static const char *
read_protocol(const struct row *r, struct cloud_row *c)
{
	if (!row_protocol(r, CLOUD_VALUE)) {
		c->cloud = CLOUD_NONE; /* told */
		return NULL;
	}
	c->proof = PROOF_PROTOCOL;
	c->key = c->value;
	return NULL;
}

static const char *
read_title(const struct row *r, struct cloud_row *c)
{
	(void)r;
	c->key = "";
	return NULL;
}

static const char *
port_key(uint8_t proto, uint16_t port, char out[KEY_TEXT])
{
	snprintf(out, KEY_TEXT, "%s/%u", proto == IPPROTO_TCP ? "tcp" : "udp", port);
	return out;
}

static void
push(const struct row *r, const struct cloud_row *c)
{
	char by[CELL_BYTES_MAX + 16];
	struct cloud_row *row = build_push(r->b, sizeof(*row));
	if (!row)
		return;
	*row = *c;
	if (c->proof == PROOF_NONE)
		row->key = "";
	snprintf(by, sizeof(by), "%s %s", proof_names[c->proof], c->proof == PROOF_PORT ? c->key : c->value);
	row->by = c->proof == PROOF_NONE ? "" : region_text(&r->b->c->region, by);
}

/* "32100/udp" or "30001-30016/udp": a row for each. */
static const char *
read_port(const struct row *r, struct cloud_row *c)
{
	enum { RANGE_MAX = 64 };
	static const char wanted[] = "PORT/udp or FROM-TO/udp with at most 64 ports; tcp as well";
	char key[KEY_TEXT];
	const char *dash = strchr(c->value, '-');
	uint16_t from, to;
	uint8_t proto;
	if (!read_service(dash ? dash + 1 : c->value, &proto, &to))
		return wanted;
	if (dash && !read_u16(c->value, (size_t)(dash - c->value), &from))
		return wanted;
	if (!dash)
		from = to;
	if (from > to || to - from >= RANGE_MAX)
		return wanted;
	c->proof = PROOF_PORT;
	c->weak = true;
	for (unsigned port = from; port <= to; port++) {
		c->key = region_text(&r->b->c->region, port_key(proto, (uint16_t)port, key));
		if (port < to && c->key)
			push(r, c);
	}
	return NULL;
}

void
clouds_read(struct row *r)
{
	const char *words[N_CLOUD_KINDS], *id = r->cells[CLOUD_ID].text;
	struct cloud_row c = {.id = id, .value = r->cells[CLOUD_VALUE].text, .proof = PROOF_NONE, .spot = r->spot};
	for (size_t i = 0; i < N_CLOUD_KINDS; i++)
		words[i] = cloud_kinds[i].name;
	int kind = row_word(r, CLOUD_KIND, "kind", words, N_CLOUD_KINDS);
	bool marked = row_weak(r, CLOUD_WEAK, &c.weak);
	size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (id[len] || len > 63)
		row_error(r, CLOUD_ID, "E164", "\"%.64s\" is not an id: small letters, digits and -", id);
	if (kind < 0 || !marked || id[len] || len > 63)
		return;
	c.kind = cloud_kinds[kind].name;
	c.public_only = cloud_kinds[kind].public_only;
	const char *wrong = cloud_kinds[kind].read(r, &c);
	if (wrong)
		diag_hint(row_error(r, CLOUD_VALUE, "E163", "\"%.64s\" does not fit the kind %s", c.value, c.kind), "%s", wrong);
	if (wrong || c.cloud == CLOUD_NONE || (!c.key && c.proof != PROOF_NONE))
		return;
	if (cloud_kinds[kind].aside)
		c.proof = PROOF_NONE;
	push(r, &c);
}

static int
by_proof_and_key(const void *a, const void *b)
{
	const struct cloud_row *x = a, *y = b;
	int order = (int)x->proof - (int)y->proof;
	return order ? order : strcmp(x->key, y->key);
}

static int
by_meaning(const void *a, const void *b)
{
	const struct cloud_row *x = a, *y = b;
	int order = by_proof_and_key(a, b);
	order = order ? order : strcmp(x->id, y->id);
	order = order ? order : strcmp(x->kind, y->kind);
	return order ? order : strcmp(x->value, y->value);
}

static int
by_cloud_id(const void *a, const void *b)
{
	return strcmp(((const struct cloud *)a)->id, ((const struct cloud *)b)->id);
}

/* One cloud for each id that some row can recognise. */
static void
list_clouds(struct catalogue *c)
{
	struct cloud *all = region_alloc(&c->region, (c->n_cloud_rows + 1) * sizeof(*all));
	size_t n = 0, kept = 0;
	for (size_t i = 0; all && i < c->n_cloud_rows; i++)
		if (c->cloud_rows[i].proof != PROOF_NONE)
			all[n++] = (struct cloud){.id = c->cloud_rows[i].id, .maker = catalogue_maker(c, c->cloud_rows[i].id)};
	if (n)
		qsort(all, n, sizeof(*all), by_cloud_id);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(all[kept - 1].id, all[i].id) != 0)
			all[kept++] = all[i];
	c->clouds = all;
	c->n_clouds = kept;
}

static void
take_row(struct catalogue *c, struct cloud_row *row)
{
	row->cloud = catalogue_cloud(c, row->id);
	if (row->cloud == CLOUD_NONE)
		return;
	struct cloud *cloud = &c->clouds[row->cloud];
	if (strcmp(row->kind, "name") == 0)
		cloud->name = row->value;
	cloud->by_name |= row->proof == PROOF_NAME;
	cloud->by_protocol |= row->proof == PROOF_PROTOCOL;
	cloud->by_address |= row->proof == PROOF_ADDRESS;
	cloud->by_asn |= row->proof == PROOF_ASN;
	cloud->by_port |= row->proof == PROOF_PORT;
}

/* Ids are makers' ids, so that a slip of the pen makes no cloud of its own. */
static void
check_names(struct build *b)
{
	struct catalogue *c = b->c;
	for (size_t i = 0; i < c->n_cloud_rows; i++) {
		const struct cloud_row *row = &c->cloud_rows[i];
		struct cloud *cloud = row->cloud == CLOUD_NONE ? NULL : &c->clouds[row->cloud];
		if (!cloud || cloud->name)
			continue;
		cloud->name = cloud->maker == MAKER_UNKNOWN ? cloud->id : c->makers[cloud->maker].name;
		if (cloud->maker != MAKER_UNKNOWN)
			continue;
		struct row at = {.b = b, .cells = {{.col = 1, .chars = (unsigned)strlen(row->id)}}, .spot = row->spot};
		diag_hint(row_error(&at, 0, "E162", "no maker has the id \"%.64s\"", row->id),
			  "a cloud that is no maker's has a row of the kind name");
	}
}

/*
 * A camera's name, all names above it and its address are looked up at each connection, and few of them are in any row: a bit that is not set
 * says so without a search among strings that lie far apart. The hash needs no key: who finds others with the same bit gains a search.
 */
static size_t
filter_bit(enum proof proof, const char *key)
{
	uint32_t h = 2166136261u ^ (uint32_t)proof; /* FNV-1a */

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 16777619u;
	return (h ^ h >> 16) % CLOUD_FILTER_BITS;
}

static bool
may_have(const struct catalogue *c, enum proof proof, const char *key)
{
	size_t bit = filter_bit(proof, key);

	return c->cloud_filter[bit / 64] >> bit % 64 & 1;
}

static void
fill_filter(struct catalogue *c)
{
	for (size_t i = 0; i < c->n_cloud_rows; i++) {
		const struct cloud_row *row = &c->cloud_rows[i];
		if (row->proof == PROOF_NONE) /* it only says what a cloud is */
			continue;
		size_t bit = filter_bit(row->proof, row->key);
		c->cloud_filter[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

void
clouds_finish(struct build *b)
{
	struct catalogue *c = b->c;
	c->cloud_rows = b->rows.items;
	c->n_cloud_rows = build_tidy(b, c->cloud_rows, b->rows.n, sizeof(*c->cloud_rows), by_meaning, offsetof(struct cloud_row, spot));
	fill_filter(c);
	list_clouds(c);
	if (!c->clouds)
		return;
	for (size_t i = 0; i < c->n_cloud_rows; i++)
		take_row(c, &c->cloud_rows[i]);
	check_names(b);
}

size_t
catalogue_cloud_list(const struct catalogue *c, const struct cloud **ret)
{
	*ret = c->clouds;
	return c->n_clouds;
}

uint16_t
catalogue_cloud(const struct catalogue *c, const char *id)
{
	struct cloud key = {.id = id};
	const struct cloud *hit = c->n_clouds ? bsearch(&key, c->clouds, c->n_clouds, sizeof(key), by_cloud_id) : NULL;
	return hit ? (uint16_t)(hit - c->clouds) : CLOUD_NONE;
}

/* While a question is answered. */
struct asking {
	const struct catalogue *c;
	const struct cloud_question *q;
	struct cloud_answer *ret;
	size_t n, max;
};

static void
answer(struct asking *a, const struct cloud_row *row)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->ret[i].cloud != row->cloud)
			continue;
		if (a->ret[i].weak && !row->weak)
			a->ret[i] = (struct cloud_answer){row->cloud, row->by, row->weak};
		return;
	}
	if (a->n < a->max)
		a->ret[a->n++] = (struct cloud_answer){row->cloud, row->by, row->weak};
}

/* "*-st" against the label that ends where rest begins. */
static bool
glob_fits(const char *glob, const char *name, const char *rest)
{
	const char *star = strchr(glob, '*'), *label = rest > name ? rest - 1 : name, *end = label;
	size_t head = (size_t)(star - glob), tail = strlen(star + 1);
	while (label > name && label[-1] != '.')
		label--;
	size_t len = (size_t)(end - label);
	return len >= head + tail && len > 0 && memcmp(label, glob, head) == 0 && memcmp(end - tail, star + 1, tail) == 0;
}

static bool
row_fits(const struct asking *a, const struct cloud_row *row, const char *name, const char *rest)
{
	if (row->glob)
		return glob_fits(row->glob, name, rest);
	if (row->public_only)
		return !a->q->special;
	return row->proof != PROOF_ADDRESS || !row->proto || (row->proto == a->q->proto && row->port == a->q->port);
}

/* name: the whole of which key is the end. */
static void
look(struct asking *a, enum proof proof, const char *key, const char *name)
{
	const struct cloud_row wanted = {.proof = proof, .key = key}, *rows = a->c->cloud_rows;
	size_t from = 0, to = a->c->n_cloud_rows;

	if (!may_have(a->c, proof, key))
		return;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (by_proof_and_key(&rows[mid], &wanted) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	for (; from < a->c->n_cloud_rows && by_proof_and_key(&rows[from], &wanted) == 0; from++)
		if (row_fits(a, &rows[from], name, key))
			answer(a, &rows[from]);
}

/* The name itself, then all above it. */
static void
look_name(struct asking *a, const char *name)
{
	if (strlen(name) > NAME_BYTES_MAX)
		return;
	for (const char *p = name; p; p = strchr(p, '.')) {
		p += *p == '.';
		look(a, PROOF_NAME, p, name);
	}
}

size_t
catalogue_clouds_of(const struct catalogue *c, const struct cloud_question *q, struct cloud_answer *ret, size_t max)
{
	static const struct addr none;
	struct asking a = {c, q, ret, 0, max};
	char key[KEY_TEXT];
	for (size_t i = 0; i < q->n_names; i++)
		look_name(&a, q->names[i]);
	if (q->protocol)
		look(&a, PROOF_PROTOCOL, q->protocol, q->protocol);
	if (addr_cmp(&q->remote, &none) != 0)
		look(&a, PROOF_ADDRESS, addr_print(&q->remote, key), key);
	if (q->asn) {
		snprintf(key, sizeof(key), "%u", q->asn);
		look(&a, PROOF_ASN, key, key);
	}
	if (q->n_names == 0 && q->protocol && strcmp(q->protocol, "unknown") == 0 &&
	    (q->proto == IPPROTO_TCP || q->proto == IPPROTO_UDP))
		look(&a, PROOF_PORT, port_key(q->proto, q->port, key), key);
	return a.n;
}
