/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JA4, the fingerprint of a TLS client, as FoxIO's public description has it (BSD 3-Clause):
 *   carrier version sni-or-ip ciphers extensions alpn _ hash of sorted ciphers _ hash of sorted extensions and signature algorithms
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "hello.h"

enum { HEX_MAX = 5 * (HELLO_EXTENSIONS + HELLO_SCHEMES > HELLO_CIPHERS ? HELLO_EXTENSIONS + HELLO_SCHEMES : HELLO_CIPHERS) + 1 };

struct hex_list {
	char text[HEX_MAX];
	size_t len;
};

enum { SHORT_LIST = 64 };

static const struct {
	uint16_t version;
	const char *text;
} versions[] = {
	{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"},
	{0x0002, "s2"}, {0xfeff, "d1"}, {0xfefd, "d2"}, {0xfefc, "d3"},
};

static const char digit[] = "0123456789abcdef";

static const char *
version_text(uint16_t v)
{
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (versions[i].version == v)
			return versions[i].text;
	return "00";
}

static void
hex_append(struct hex_list *l, const uint16_t *v, size_t n, char before)
{
	for (size_t i = 0; i < n; i++) {
		char sign = i ? ',' : before;
		if (sign)
			l->text[l->len++] = sign;
		for (int shift = 12; shift >= 0; shift -= 4)
			l->text[l->len++] = digit[v[i] >> shift & 15];
	}
}

static int
by_value(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Lists are short and often nearly in order; a hostile one is neither. */
static void
sort(uint16_t *v, size_t n)
{
	if (n > SHORT_LIST) {
		qsort(v, n, sizeof *v, by_value);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint16_t x = v[i];
		size_t at = i;
		for (; at > 0 && v[at - 1] > x; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
}

/* The first 12 hex digits of the list's hash; zeros for an empty list. */
static bool
hash_text(const struct hex_list *l, char out[13])
{
	uint8_t hash[SHA256_LEN];
	if (l->len == 0) {
		memcpy(out, "000000000000", 13);
		return true;
	}
	if (!digest_sha256((struct span){(const uint8_t *)l->text, l->len}, hash))
		return false;
	for (size_t i = 0; i < 12; i++)
		out[i] = digit[hash[i / 2] >> (i % 2 ? 0 : 4) & 15];
	out[12] = 0;
	return true;
}

static bool
ciphers_hash(const struct hello *h, char out[13])
{
	uint16_t sorted[HELLO_CIPHERS];
	struct hex_list l = {.len = 0};

	memcpy(sorted, h->ciphers, h->n_ciphers * sizeof *sorted);
	sort(sorted, h->n_ciphers);
	hex_append(&l, sorted, h->n_ciphers, 0);
	return hash_text(&l, out);
}

/* Server name and ALPN have their own places in front, so that one program keeps one hash wherever it goes. */
static bool
extensions_hash(const struct hello *h, char out[13])
{
	uint16_t sorted[HELLO_EXTENSIONS] = {0};
	size_t n = 0;
	struct hex_list l = {.len = 0};

	for (size_t i = 0; i < h->n_extensions; i++)
		if (h->extensions[i] != 0 && h->extensions[i] != 16)
			sorted[n++] = h->extensions[i];
	sort(sorted, n);
	hex_append(&l, sorted, n, 0);
	if (n)
		hex_append(&l, h->schemes, h->n_schemes, '_');
	return hash_text(&l, out);
}

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* First and last character of the first protocol, or of its hex form when one of them is no letter or digit. */
static void
alpn_text(const struct hello *h, char out[3])
{
	struct cursor list = h->alpn.len ? cursor_span(h->alpn) : cursor_of("", 0);
	struct span first = cursor_bytes(&list, cursor_u8(&list));
	uint8_t a, b;

	memcpy(out, "00", 3);
	if (first.len == 0)
		return;
	a = first.p[0];
	b = first.p[first.len - 1];
	if (is_alnum(a) && is_alnum(b)) {
		out[0] = (char)a;
		out[1] = (char)b;
	} else {
		out[0] = digit[a >> 4];
		out[1] = digit[b & 15];
	}
}

static unsigned
two_digits(size_t n)
{
	return n > 99 ? 99 : (unsigned)n;
}

void
hello_ja4(const struct hello *h, char out[APP_JA4])
{
	char alpn[3], b[13], c[13];

	out[0] = 0;
	if (!ciphers_hash(h, b) || !extensions_hash(h, c))
		return;
	alpn_text(h, alpn);
	snprintf(out, APP_JA4, "%c%s%c%02u%02u%s_%s_%s", (char)h->carrier, version_text(h->version), h->has_sni ? 'd' : 'i',
		 two_digits(h->n_ciphers), two_digits(h->n_extensions), alpn, b, c);
}
