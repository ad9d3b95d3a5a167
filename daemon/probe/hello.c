/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHello, read to its last byte: every length must agree, no extension may stand twice, one server name at most.
 * A hello that a strict server would refuse is none, because servers disagree what it says.
 */
#include "hello.h"

#include <string.h>

#include "text.h"

enum {
	EXT_SERVER_NAME = 0,
	EXT_SIGNATURE_ALGORITHMS = 13,
	EXT_ALPN = 16,
	EXT_SUPPORTED_VERSIONS = 43,
	EXT_QUIC_PARAMETERS = 57,
	EXT_ECH = 0xfe0d,
};

bool
hello_is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* Numbers without GREASE; false when they do not fill c or are too many. */
static bool
read_numbers(struct cursor *c, uint16_t *out, size_t cap, size_t *ret_n)
{
	struct span all = cursor_rest(c);
	size_t n = 0;

	if (all.len % 2)
		return false;
	for (size_t i = 0; i < all.len; i += 2) {
		uint16_t v = (uint16_t)(all.p[i] << 8 | all.p[i + 1]);
		if (n == cap) {
			if (!hello_is_grease(v))
				return false;
			continue;
		}
		out[n] = v; /* and the next one over it where that was GREASE: nobody can guess where it comes */
		n += !hello_is_grease(v);
	}
	*ret_n = n;
	return true;
}

/* RFC 6066, section 3: a list that may hold one name of a type; the one type there is, is a host name. */
static bool
read_server_name(struct cursor c, struct hello *h)
{
	struct cursor list = cursor_take(&c, cursor_u16(&c));
	uint8_t type = cursor_u8(&list);
	h->name = cursor_bytes(&list, cursor_u16(&list));
	h->has_sni = true;
	return !list.bad && type == 0 && cursor_left(&list) == 0 && cursor_left(&c) == 0 &&
	       text_host(h->name, h->host) != HOST_BAD;
}

static bool
read_schemes(struct cursor c, struct hello *h)
{
	struct cursor list = cursor_take(&c, cursor_u16(&c));
	return !c.bad && cursor_left(&c) == 0 && cursor_left(&list) &&
	       read_numbers(&list, h->schemes, HELLO_SCHEMES, &h->n_schemes);
}

/* RFC 7301, section 3.1: no empty list and no empty name. */
static bool
read_alpn(struct cursor c, struct hello *h)
{
	struct cursor list = cursor_take(&c, cursor_u16(&c));
	if (list.bad || cursor_left(&c) || cursor_left(&list) == 0)
		return false;
	struct cursor whole = list;
	while (cursor_left(&list))
		if (cursor_bytes(&list, cursor_u8(&list)).len == 0)
			return false;
	h->alpn = cursor_rest(&whole);
	return true;
}

/* DTLS counts its versions downwards from 0xfeff. */
static bool
is_higher(enum hello_carrier carrier, uint16_t a, uint16_t b)
{
	if (b == 0)
		return true;
	return carrier == HELLO_DTLS ? a < b : a > b;
}

static bool
read_versions(struct cursor c, struct hello *h)
{
	struct cursor list = cursor_take(&c, cursor_u8(&c));
	uint16_t best = 0;
	if (list.bad || cursor_left(&c) || cursor_left(&list) == 0)
		return false;
	while (cursor_left(&list)) {
		uint16_t v = cursor_u16(&list);
		if (!hello_is_grease(v) && is_higher(h->carrier, v, best))
			best = v;
	}
	h->version = best;
	return !list.bad;
}

static bool
read_ech(struct cursor c, struct hello *h)
{
	h->ech = cursor_left(&c) > 0;
	return h->ech;
}

static bool
read_quic_parameters(struct cursor c, struct hello *h)
{
	(void)c;
	h->quic_parameters = true;
	return true;
}

enum { EXT_LOW = 64 }; /* below it are all that are common, and their readers are found without a search */

typedef bool read_body(struct cursor c, struct hello *h);

static read_body *const readers[EXT_LOW] = {
	[EXT_SERVER_NAME] = read_server_name,	     [EXT_SIGNATURE_ALGORITHMS] = read_schemes,
	[EXT_ALPN] = read_alpn,			     [EXT_SUPPORTED_VERSIONS] = read_versions,
	[EXT_QUIC_PARAMETERS] = read_quic_parameters,
};

static bool
read_extension(struct hello *h, uint16_t type, struct cursor body)
{
	h->extensions[h->n_extensions] = type;
	h->n_extensions += !hello_is_grease(type);
	read_body *read = type < EXT_LOW ? readers[type] : type == EXT_ECH ? read_ech : NULL;
	return !read || read(body, h);
}

static bool
stands_in(const uint16_t *v, size_t n, uint16_t what)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == what)
			return true;
	return false;
}

static bool
read_extensions(struct cursor *c, struct hello *h)
{
	uint16_t seen[HELLO_EXTENSIONS]; /* those that have no bit in `low` */
	uint64_t low = 0;
	size_t n_seen = 0;

	if (cursor_left(c) == 0)
		return true; /* before TLS 1.2 they may be left out, length and all */
	struct cursor list = cursor_take(c, cursor_u16(c));
	for (size_t n = 0; cursor_left(&list); n++) {
		uint16_t type = cursor_u16(&list);
		struct cursor body = cursor_take(&list, cursor_u16(&list));
		bool again = type < EXT_LOW ? low >> type & 1 : stands_in(seen, n_seen, type);
		if (body.bad || n == HELLO_EXTENSIONS || again || !read_extension(h, type, body))
			return false;
		if (type < EXT_LOW)
			low |= UINT64_C(1) << type;
		else
			seen[n_seen++] = type;
	}
	return !list.bad && cursor_left(c) == 0;
}

static bool
version_fits(enum hello_carrier carrier, uint16_t v)
{
	return carrier == HELLO_DTLS ? v == 0xfeff || v == 0xfefd || v == 0xfefc : v >= 0x0300 && v <= TLS_1_3;
}

bool
hello_read(struct cursor c, enum hello_carrier carrier, struct hello *ret)
{
	ret->carrier = carrier;
	ret->n_ciphers = ret->n_extensions = ret->n_schemes = 0;
	ret->has_sni = ret->ech = ret->quic_parameters = false;
	ret->name = ret->alpn = (struct span){0};
	ret->host[0] = 0;
	ret->legacy_version = ret->version = cursor_u16(&c);
	cursor_skip(&c, 32);
	uint8_t session = cursor_u8(&c);
	cursor_skip(&c, session);
	if (carrier == HELLO_DTLS)
		cursor_skip(&c, cursor_u8(&c));
	struct cursor ciphers = cursor_take(&c, cursor_u16(&c));
	struct span compression = cursor_bytes(&c, cursor_u8(&c));
	if (c.bad || session > 32 || !version_fits(carrier, ret->legacy_version) || cursor_left(&ciphers) == 0 ||
	    compression.len == 0 || !memchr(compression.p, 0, compression.len))
		return false;
	return read_numbers(&ciphers, ret->ciphers, HELLO_CIPHERS, &ret->n_ciphers) && read_extensions(&c, ret);
}

uint16_t
hello_server_version(struct cursor c)
{
	uint16_t version = cursor_u16(&c);
	cursor_skip(&c, 32);
	cursor_skip(&c, cursor_u8(&c));
	cursor_skip(&c, 3);
	if (c.bad || cursor_left(&c) == 0)
		return c.bad ? 0 : version;
	struct cursor list = cursor_take(&c, cursor_u16(&c));
	while (cursor_left(&list)) {
		uint16_t type = cursor_u16(&list);
		struct cursor body = cursor_take(&list, cursor_u16(&list));
		if (type == EXT_SUPPORTED_VERSIONS && cursor_left(&body) == 2)
			version = cursor_u16(&body);
	}
	return list.bad || cursor_left(&c) ? 0 : version;
}
