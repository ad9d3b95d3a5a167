/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-2-4, from the paper's description: two rounds a word, four at the end. */
#include "hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

void
hash_key_random(struct hash_key *ret_key)
{
	if (getrandom(ret_key, sizeof *ret_key, 0) == (ssize_t)sizeof *ret_key)
		return;
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ret_key->k0 = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&ts;
	ret_key->k1 = (uint64_t)ts.tv_sec ^ (uint64_t)(uintptr_t)ret_key << 17;
}

static inline uint64_t
rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

uint64_t
hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	struct sip s = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
			key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
	const uint8_t *p = data;
	size_t n = len;
	uint64_t m;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&m, p, 8); /* little endian machines only: the build checks */
		sip_word(&s, m);
	}
	m = 0;
	memcpy(&m, p, n);
	sip_word(&s, m | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hash_bytes loads words as they are");
