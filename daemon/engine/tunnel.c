/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data hidden in DNS questions: many different names below one parent, long, and of characters that no language has. Counted a minute
 * at a time per device and parent; a table of fixed size, in which the newest pushes out whoever stood in its place.
 *
 * A name that was asked for a moment ago is not counted again: a camera that cannot reach its cloud asks for the same long name all
 * the time, while a tunnel never repeats one, because a cache would answer it.
 */
#include "tunnel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

enum {
	SLOTS = 1024,
	LATEST = 8, /* names of a parent that are not counted again */
	WINDOW_S = 60,
	/* What a tunnel exceeds in seconds and a camera never. */
	MIN_QUESTIONS = 20,
	MIN_BYTES = 1200, /* of what stands before the parent */
	NAME_BYTES = 256,
};

static const double min_entropy = 3.2; /* bits a character, mean over the questions; reverse names of IPv6 have 3.0, base32 above 4 */

struct slot {
	uint64_t key;
	uint64_t since_ns;
	uint64_t latest[LATEST];
	uint32_t questions, bytes;
	double entropy;
	bool told;
};

struct tunnels {
	struct hash_key key;
	struct slot slots[SLOTS];
};

struct tunnels *
tunnels_new(void)
{
	struct tunnels *t = calloc(1, sizeof *t);
	if (t)
		hash_key_random(&t->key);
	return t;
}

void
tunnels_free(struct tunnels *t)
{
	free(t);
}

/* The last two labels: where somebody's own name server can stand. */
static const char *
parent_of(const char *name)
{
	const char *p = name + strlen(name);
	unsigned dots = 0;

	while (p > name && dots < 2)
		dots += *--p == '.';
	return dots == 2 ? p + 1 : name;
}

/* The bytes of a name's text, whose \DDD stand for one each: tunnels like all 256. */
static size_t
bytes_of(const char *text, size_t len, unsigned char out[NAME_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < NAME_BYTES; i++) {
		bool odd = text[i] == '\\' && len - i > 3;
		out[n++] = (unsigned char)(odd ? (text[i + 1] - '0') * 100 + (text[i + 2] - '0') * 10 + text[i + 3] - '0' : text[i]);
		i += odd ? 3 : 0;
	}
	return n;
}

/* Bits a character of Shannon's measure. */
static double
entropy(const unsigned char *s, size_t n)
{
	unsigned count[256] = {0};
	double h = 0;

	for (size_t i = 0; i < n; i++)
		count[s[i]]++;
	for (size_t i = 0; n && i < 256; i++)
		if (count[i]) {
			double p = (double)count[i] / (double)n;
			h -= p * log2(p);
		}
	return h;
}

static bool
asked_lately(struct slot *s, uint64_t name)
{
	for (size_t i = 0; i < LATEST; i++)
		if (s->latest[i] == name)
			return true;
	s->latest[s->questions % LATEST] = name;
	return false;
}

bool
tunnel_note(struct tunnels *t, uint32_t device, const char *query, const struct now *now)
{
	const char *parent = parent_of(query);
	unsigned char bytes[NAME_BYTES];
	size_t n = bytes_of(query, (size_t)(parent - query), bytes);
	uint64_t key = hash_bytes(&t->key, parent, strlen(parent)) ^ (uint64_t)device * 0x9e3779b97f4a7c15u;
	struct slot *s = &t->slots[key % SLOTS];

	if (n == 0)
		return false;
	if (s->key != key || now->mono_ns - s->since_ns > WINDOW_S * 1000000000ull)
		*s = (struct slot){.key = key, .since_ns = now->mono_ns};
	if (asked_lately(s, hash_bytes(&t->key, query, strlen(query)) | 1))
		return false;
	s->questions++;
	s->bytes += (uint32_t)n;
	s->entropy += entropy(bytes, n);
	if (s->told || s->questions < MIN_QUESTIONS || s->bytes < MIN_BYTES || s->entropy < min_entropy * s->questions)
		return false;
	s->told = true;
	return true;
}
