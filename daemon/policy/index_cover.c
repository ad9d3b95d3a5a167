/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See index_cover.h. */
#include "index_cover.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "hash.h"
#include "spoken.h"

enum kind {
	BY_DEVICE,
	BY_MAKER,
	BY_ZONE,
	BY_REMOTE_ZONE,
	BY_PORT,
	BY_PROTO,
	BY_LOCAL,
	BY_REMOTE,
	BY_COUNTRY,
	BY_REGISTERED,
	BY_CONTINENT,
	BY_NOWHERE, /* no country is known */
	BY_ASN,
	BY_NAME,
	BY_SUFFIX,
};

enum {
	PORTS_EACH = 16, /* a range of no more is filed port by port; a wider one by its transport */
	LABELS_MAX = 128,
};

/* Murmur3's finaliser (Appleby): labels are compared with nothing, so any good spread will do. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (x ^ x >> 33) | 1; /* 0 is a free drawer */
}

static uint64_t
key_of(enum kind kind, uint64_t value)
{
	return mix((uint64_t)(kind + 1) << 56 ^ value);
}

static uint64_t
key_of_net(enum kind kind, const struct addr *a, unsigned len)
{
	uint64_t half[2];
	memcpy(half, a->b, sizeof(half));
	for (int i = 0; i < 2; i++) {
		unsigned bits = len > 64u * (unsigned)i ? len - 64u * (unsigned)i : 0;
		uint64_t keep = bits >= 64 ? UINT64_MAX : bits ? UINT64_MAX << (64 - bits) : 0;
		half[i] &= __builtin_bswap64(keep);
	}
	return mix(mix(half[0] ^ (uint64_t)(kind + 1) << 40 ^ len) + half[1]);
}

static uint64_t
key_of_name(enum kind kind, const char *name, size_t len)
{
	static const struct hash_key key = {0x6e616d6573u, 0x6f6672756c6573u};
	return mix(hash_bytes(&key, name, len) + kind);
}

static unsigned
labels(const char *name)
{
	unsigned n = 1;
	for (; *name; name++)
		n += *name == '.';
	return n;
}

void
cover_reset(struct cover *c)
{
	c->n = 0;
	memset(&c->shape, 0, sizeof(c->shape));
}

static bool
push(struct cover *c, enum kind kind, uint64_t key)
{
	if (c->n == c->limit)
		return false;
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 16;
		uint64_t *more = reallocarray(c->keys, cap, sizeof(*more));
		if (!more)
			return false;
		c->keys = more;
		c->cap = cap;
	}
	c->keys[c->n++] = key;
	c->shape.kinds |= 1u << kind;
	return true;
}

void
cover_shape_add(struct cover_shape *s, const struct cover_shape *more)
{
	s->kinds |= more->kinds;
	s->facts |= more->facts;
	for (int i = 0; i < 3; i++) {
		s->local[i] |= more->local[i];
		s->remote[i] |= more->remote[i];
	}
	for (int i = 0; i < 2; i++)
		s->depths[i] |= more->depths[i];
}

bool
cover_join(struct cover *c, const struct cover *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!push(c, BY_DEVICE, more->keys[i])) /* its kind comes with the shape */
			return false;
	cover_shape_add(&c->shape, &more->shape);
	return true;
}

static bool
cover_u8(struct cover *c, const struct condition *cond, enum kind kind)
{
	const uint8_t *list = cond->items;
	for (size_t i = 0; i < cond->n; i++)
		if (!push(c, kind, key_of(kind, list[i])))
			return false;
	return true;
}

static bool
cover_u16(struct cover *c, const struct condition *cond, enum kind kind)
{
	const uint16_t *list = cond->items;
	for (size_t i = 0; i < cond->n; i++)
		if (!push(c, kind, key_of(kind, list[i])))
			return false;
	return true;
}

static bool
cover_device(struct cover *c, const struct condition *cond)
{
	return cover_u16(c, cond, BY_DEVICE);
}

static bool
cover_maker(struct cover *c, const struct condition *cond)
{
	return cover_u16(c, cond, BY_MAKER);
}

static bool
cover_zone(struct cover *c, const struct condition *cond)
{
	return cover_u8(c, cond, cond->local ? BY_ZONE : BY_REMOTE_ZONE);
}

static bool
cover_range(struct cover *c, uint8_t proto, const struct port_item *item)
{
	if (item->any || item->to - item->from >= PORTS_EACH)
		return push(c, BY_PROTO, key_of(BY_PROTO, proto));
	for (unsigned port = item->from; port <= item->to; port++)
		if (!push(c, BY_PORT, key_of(BY_PORT, (uint64_t)proto << 16 | port)))
			return false;
	return true;
}

static bool
cover_port(struct cover *c, const struct condition *cond)
{
	const struct port_item *list = cond->items;
	bool ok = true;
	for (size_t i = 0; ok && i < cond->n; i++) {
		ok = cover_range(c, list[i].proto ? list[i].proto : IPPROTO_TCP, &list[i]);
		ok = ok && (list[i].proto || cover_range(c, IPPROTO_UDP, &list[i]));
	}
	return ok;
}

static bool
cover_address(struct cover *c, const struct condition *cond)
{
	const struct prefix *list = cond->items;
	enum kind kind = cond->local ? BY_LOCAL : BY_REMOTE;
	uint64_t *lengths = cond->local ? c->shape.local : c->shape.remote;
	for (size_t i = 0; i < cond->n; i++) {
		if (!push(c, kind, key_of_net(kind, &list[i].addr, list[i].len)))
			return false;
		lengths[list[i].len / 64] |= UINT64_C(1) << list[i].len % 64;
	}
	return cond->n_lists == 0;
}

static bool
cover_codes(struct cover *c, const struct condition *cond, enum kind kind)
{
	c->shape.facts |= FACT_PLACE;
	return cover_u16(c, cond, kind) && (!cond->widen || push(c, BY_NOWHERE, key_of(BY_NOWHERE, 0)));
}

static bool
cover_country(struct cover *c, const struct condition *cond)
{
	return cover_codes(c, cond, BY_COUNTRY);
}

static bool
cover_registered(struct cover *c, const struct condition *cond)
{
	return cover_codes(c, cond, BY_REGISTERED);
}

static bool
cover_continent(struct cover *c, const struct condition *cond)
{
	return cover_codes(c, cond, BY_CONTINENT);
}

static bool
cover_nowhere(struct cover *c, const struct condition *cond)
{
	c->shape.facts |= FACT_PLACE;
	return *(const uint8_t *)cond->items && push(c, BY_NOWHERE, key_of(BY_NOWHERE, 0));
}

static bool
cover_asn(struct cover *c, const struct condition *cond)
{
	const uint32_t *list = cond->items;
	c->shape.facts |= FACT_PLACE;
	for (size_t i = 0; i < cond->n; i++)
		if (!push(c, BY_ASN, key_of(BY_ASN, list[i])))
			return false;
	return true;
}

/* A name that DNS did not bind to the address can never be proved, so such a flow is a no whatever it says: see never_name(). */
static bool
cover_name(struct cover *c, const struct condition *cond)
{
	const struct name_pattern *list = cond->items;
	c->shape.facts |= FACT_NAME;
	for (size_t i = 0; i < cond->n; i++) {
		enum kind kind = list[i].under ? BY_SUFFIX : BY_NAME;
		unsigned depth = labels(list[i].text);
		if (list[i].any || !push(c, kind, key_of_name(kind, list[i].text, strlen(list[i].text))))
			return false;
		if (list[i].under)
			c->shape.depths[depth / 64] |= UINT64_C(1) << depth % 64;
	}
	return !cond->trusts && cond->n_lists == 0;
}

static const struct {
	const char *key;
	bool (*cover)(struct cover *c, const struct condition *cond);
} rows[] = {
	{"device", cover_device},
	{"group", cover_device},
	{"brand", cover_device},
	{"maker", cover_maker},
	{"zone", cover_zone},
	{"port", cover_port},
	{"address", cover_address},
	{"country", cover_country},
	{"registered-country", cover_registered},
	{"continent", cover_continent},
	{"unknown-country", cover_nowhere},
	{"asn", cover_asn},
	{"name", cover_name},
};

bool
cover_condition(struct cover *c, const struct condition *cond)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].key, cond->row->key) == 0)
			return rows[i].cover(c, cond);
	return false;
}

bool
cover_is_device(const struct condition *cond)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].cover == cover_device && strcmp(rows[i].key, cond->row->key) == 0)
			return true;
	return false;
}

/* While a flow is looked up. */
struct lookup {
	const struct cover_shape *shape;
	void (*look)(void *arg, uint64_t key);
	void *arg;
};

static void
look(const struct lookup *l, enum kind kind, uint64_t value)
{
	if (l->shape->kinds >> kind & 1)
		l->look(l->arg, key_of(kind, value));
}

static void
look_nets(const struct lookup *l, enum kind kind, const uint64_t lengths[3], const struct addr *a)
{
	for (unsigned i = 0; i < 3; i++)
		for (uint64_t left = lengths[i]; left; left &= left - 1)
			l->look(l->arg, key_of_net(kind, a, i * 64 + (unsigned)__builtin_ctzll(left)));
}

static void
look_code(const struct lookup *l, enum kind kind, const char code[3])
{
	if (code[0])
		look(l, kind, (uint16_t)(code[0] << 8 | (unsigned char)code[1]));
}

static void
look_place(const struct lookup *l, const struct place *p)
{
	look_code(l, BY_COUNTRY, p->country);
	look_code(l, BY_REGISTERED, p->registered);
	look_code(l, BY_CONTINENT, p->continent);
	look(l, BY_ASN, p->asn);
	if (p->special == SPECIAL_NONE && !p->country[0])
		look(l, BY_NOWHERE, 0);
}

static void
look_name(const struct lookup *l, const char *name)
{
	size_t len = strlen(name);
	unsigned depth = 0;
	if (l->shape->kinds >> BY_NAME & 1)
		l->look(l->arg, key_of_name(BY_NAME, name, len));
	if (!(l->shape->kinds >> BY_SUFFIX & 1))
		return;
	for (size_t i = len; i-- > 1 && depth < LABELS_MAX - 1;) {
		depth += name[i] == '.';
		if (name[i] == '.' && l->shape->depths[depth / 64] >> depth % 64 & 1)
			l->look(l->arg, key_of_name(BY_SUFFIX, name + i + 1, len - i - 1));
	}
}

void
cover_facts(const struct cover_shape *s, const struct facts *f, void (*found)(void *arg, uint64_t key), void *arg)
{
	const struct lookup l = {s, found, arg};
	if (f->device != DEVICE_UNKNOWN)
		look(&l, BY_DEVICE, f->device);
	if (f->maker != MAKER_UNKNOWN)
		look(&l, BY_MAKER, f->maker);
	look(&l, BY_ZONE, f->zone);
	look(&l, BY_REMOTE_ZONE, f->remote_zone);
	look(&l, BY_PROTO, f->proto);
	if (f->has_port)
		look(&l, BY_PORT, (uint64_t)f->proto << 16 | f->port);
	look_nets(&l, BY_LOCAL, s->local, &f->local);
	look_nets(&l, BY_REMOTE, s->remote, &f->remote);
	if (s->facts & FACT_PLACE)
		look_place(&l, &f->place);
	for (size_t i = 0; s->facts & FACT_NAME && i < f->n_bound; i++)
		look_name(&l, f->bound[i]);
}
