/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-2-4 (Aumasson, Bernstein 2012): tables over hostile keys use it with a random key. */
#ifndef LENSCAP_HASH_H
#define LENSCAP_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* From getrandom(2); falls back to the clock and the address space only where that call fails. */
void hash_key_random(struct hash_key *ret_key);
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

#endif
