/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rows need of cryptography, on libcrypto. Nothing here is secret: QUIC's first keys are made from bytes in the clear. */
#ifndef LENSCAP_PROBE_DIGEST_H
#define LENSCAP_PROBE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

enum { SHA256_LEN = 32, AES128_LEN = 16, GCM_NONCE_LEN = 12, GCM_TAG_LEN = 16 };

/* All return false when libcrypto cannot, and *out is then undefined. */
bool digest_start(void);
bool digest_sha256(struct span in, uint8_t out[SHA256_LEN]);
/* An HMAC's key with its share of the work done, for who needs it more than once. */
struct digest_key {
	_Alignas(8) uint8_t inner[112], outer[112]; /* of libcrypto */
};
/* key: at most 64 bytes. */
bool digest_hmac_key(struct span key, struct digest_key *ret);
bool digest_hmac_by(const struct digest_key *key, struct span message, uint8_t out[SHA256_LEN]);
/* key: at most 64 bytes. The message is both parts in a row. */
bool digest_hmac(struct span key, struct span first, struct span second, uint8_t out[SHA256_LEN]);
bool digest_aes128(const uint8_t key[AES128_LEN], const uint8_t in[AES128_LEN], uint8_t out[AES128_LEN]);
/* sealed ends with its tag; out has room for sealed.len. False also when the tag is wrong. */
bool digest_gcm_open(const uint8_t key[AES128_LEN], const uint8_t nonce[GCM_NONCE_LEN], struct span extra,
		     struct span sealed, uint8_t *out);

#endif
