/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JA4, the fingerprint of a TLS client, as FoxIO's public description has it (BSD 3-Clause):
 *   carrier version sni-or-ip ciphers extensions alpn _ hash of sorted ciphers _ hash of sorted extensions and signature algorithms
 */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "hello.h"

enum { HEX_MAX = 5 * (HELLO_EXTENSIONS + HELLO_SCHEMES > HELLO_CIPHERS ? HELLO_EXTENSIONS + HELLO_SCHEMES : HELLO_CIPHERS) + 1 };

struct hex_list {
	char text[HEX_MAX];
	size_t len;
};

enum {
	SHORT_LIST = 64,
	HASH_TEXT = 13, /* 12 hex digits of a hash and a NUL */
	MEMO_SETS = 32,
	MEMO_WAYS = 4,
	MEMO_NUMBERS = 128, /* longer lists are hashed each time */
};

/*
 * Hashes of lists that were seen lately, each in one of the few places that its numbers lead to. A program offers the same in each hello, and a
 * gateway meets few programs: sorting, writing in hex and hashing would be most of the work on a hello. What stands here depends on the lists
 * alone, which are compared in whole; who fills the places with others only takes away what they save.
 */
struct memo {
	uint16_t n_sorted, n; /* n 0: empty */
	uint16_t numbers[MEMO_NUMBERS];
	char text[HASH_TEXT];
};
static struct memo_set {
	struct memo ways[MEMO_WAYS];
	unsigned oldest;
} memo[MEMO_SETS];

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

/* The first 12 hex digits of the list's hash. */
static bool
hash_text(const struct hex_list *l, char out[HASH_TEXT])
{
	uint8_t hash[SHA256_LEN];
	if (!digest_sha256((struct span){(const uint8_t *)l->text, l->len}, hash))
		return false;
	for (size_t i = 0; i < HASH_TEXT - 1; i++)
		out[i] = digit[hash[i / 2] >> (i % 2 ? 0 : 4) & 15];
	out[HASH_TEXT - 1] = 0;
	return true;
}

/* Two lists in a row: the first n_sorted numbers count in any order. */
struct lists {
	uint16_t numbers[HELLO_EXTENSIONS + HELLO_SCHEMES > HELLO_CIPHERS ? HELLO_EXTENSIONS + HELLO_SCHEMES : HELLO_CIPHERS];
	size_t n_sorted, n;
};

static struct memo_set *
memo_set(const struct lists *l)
{
	uint64_t h = l->n_sorted, four;
	size_t i = 0;

	for (; l->n - i >= 4; i += 4) {
		memcpy(&four, l->numbers + i, sizeof four);
		h = (h ^ four) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	for (; i < l->n; i++)
		h = (h ^ l->numbers[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return &memo[h >> 59];
}

_Static_assert(MEMO_SETS == 1 << (64 - 59), "memo_set() leads elsewhere");

static bool
hash_lists(struct lists *l, char out[HASH_TEXT])
{
	struct hex_list hex = {.len = 0};

	sort(l->numbers, l->n_sorted);
	hex_append(&hex, l->numbers, l->n_sorted, 0);
	hex_append(&hex, l->numbers + l->n_sorted, l->n - l->n_sorted, '_');
	return hash_text(&hex, out);
}

static bool
memo_is(const struct memo *m, const struct lists *l)
{
	return m->n == l->n && m->n_sorted == l->n_sorted && memcmp(m->numbers, l->numbers, l->n * sizeof *l->numbers) == 0;
}

static bool
memo_fill(struct memo *m, struct lists *l)
{
	m->n = 0;
	memcpy(m->numbers, l->numbers, l->n * sizeof *l->numbers);
	if (!hash_lists(l, m->text))
		return false;
	m->n = (uint16_t)l->n;
	m->n_sorted = (uint16_t)l->n_sorted;
	return true;
}

/* Zeros for an empty list. */
static bool
lists_text(struct lists *l, char out[HASH_TEXT])
{
	if (l->n_sorted == 0) {
		memcpy(out, "000000000000", HASH_TEXT);
		return true;
	}
	if (l->n > MEMO_NUMBERS)
		return hash_lists(l, out);
	struct memo_set *set = memo_set(l);
	struct memo *m = set->ways;
	while (m < set->ways + MEMO_WAYS && !memo_is(m, l))
		m++;
	if (m == set->ways + MEMO_WAYS) {
		m = &set->ways[set->oldest++ % MEMO_WAYS];
		if (!memo_fill(m, l))
			return false;
	}
	memcpy(out, m->text, HASH_TEXT);
	return true;
}

static bool
ciphers_hash(const struct hello *h, char out[HASH_TEXT])
{
	struct lists l;

	l.n = l.n_sorted = h->n_ciphers;
	memcpy(l.numbers, h->ciphers, h->n_ciphers * sizeof *l.numbers);
	return lists_text(&l, out);
}

/* Server name and ALPN have their own places in front, so that one program keeps one hash wherever it goes. */
static bool
extensions_hash(const struct hello *h, char out[HASH_TEXT])
{
	struct lists l;
	size_t n = 0;

	for (size_t i = 0; i < h->n_extensions; i++) {
		l.numbers[n] = h->extensions[i];
		n += h->extensions[i] != 0 && h->extensions[i] != 16;
	}
	l.n_sorted = n;
	memcpy(l.numbers + n, h->schemes, h->n_schemes * sizeof *l.numbers);
	l.n = n + h->n_schemes;
	return lists_text(&l, out);
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

static char *
put_count(char *p, size_t n)
{
	n = n > 99 ? 99 : n;
	*p++ = digit[n / 10];
	*p++ = digit[n % 10];
	return p;
}

static char *
put_text(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return p + n;
}

void
hello_ja4(const struct hello *h, char out[APP_JA4])
{
	char alpn[3], b[HASH_TEXT], c[HASH_TEXT], *p = out;

	out[0] = 0;
	if (!ciphers_hash(h, b) || !extensions_hash(h, c))
		return;
	alpn_text(h, alpn);
	*p++ = (char)h->carrier;
	p = put_text(p, version_text(h->version), 2);
	*p++ = h->has_sni ? 'd' : 'i';
	p = put_count(put_count(p, h->n_ciphers), h->n_extensions);
	p = put_text(p, alpn, 2);
	*p++ = '_';
	p = put_text(p, b, HASH_TEXT - 1);
	*p++ = '_';
	put_text(p, c, HASH_TEXT); /* with its NUL */
}
