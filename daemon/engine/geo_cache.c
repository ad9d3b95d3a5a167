/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers by prefix, in a table that never grows.
 *
 * An address goes to one set by its routing prefix (IPv4 /24, IPv6 /48) and is compared with the few answers there, each
 * under the prefix for which it holds. A wider answer is learnt once a set, a narrower one shares its set with its siblings;
 * any entry that covers the address is right, so it does not matter which is found. The hash is keyed: cameras choose addresses.
 */
#include "geo_private.h"

#include <stdlib.h>

enum { SETS = 1024, WAYS = 4 };

struct entry {
	struct addr addr;
	struct place place; /* place.prefix_len bits of addr count */
	bool used;
};

struct geo_cache {
	struct hash_key key;
	uint8_t oldest[SETS]; /* the way to replace next */
	struct entry sets[SETS][WAYS];
};

struct geo_cache *
geo_cache_new(void)
{
	struct geo_cache *c = calloc(1, sizeof *c);

	if (c)
		hash_key_random(&c->key);
	return c;
}

void
geo_cache_free(struct geo_cache *c)
{
	free(c);
}

static size_t
set_of(const struct geo_cache *c, const struct addr *a)
{
	return hash_bytes(&c->key, a->b, addr_is_v4(a) ? 15 : 6) % SETS;
}

bool
geo_cache_get(const struct geo_cache *c, const struct addr *a, struct place *ret_place)
{
	const struct entry *set = c->sets[set_of(c, a)];

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].used && common_bits(&set[i].addr, a) >= set[i].place.prefix_len) {
			*ret_place = set[i].place;
			return true;
		}
	return false;
}

void
geo_cache_put(struct geo_cache *c, const struct addr *a, const struct place *p)
{
	size_t set = set_of(c, a);

	c->sets[set][c->oldest[set]] = (struct entry){*a, *p, true};
	c->oldest[set] = (uint8_t)((c->oldest[set] + 1) % WAYS);
}
