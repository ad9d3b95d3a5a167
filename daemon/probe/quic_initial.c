/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QUIC's long header and the protection of Initial packets. RFC 9000, section 17.2:
 *   1 1 type number-length | version 4 | dcid length, dcid | scid length, scid | [token length, token] | length | number | sealed
 * RFC 9001, section 5: the number's length and the number hide behind a mask that is made of a sample of the sealed bytes.
 */
#include "quic_initial.h"

#include <string.h>

enum { LONG_FORM = 0x80, FIXED_BIT = 0x40, SAMPLE_AT = 4, NUMBER_MAX = 4, HEADER_MAX = 1500 };

static const struct quic_version {
	uint32_t version;
	uint8_t salt[20];
	enum quic_type types[4]; /* by the two type bits */
	const char *key, *iv, *hp;
} versions[] = {
	{QUIC_V1,
	 {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	 {QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE, QUIC_RETRY},
	 "tls13 quic key", "tls13 quic iv", "tls13 quic hp"},
	{QUIC_V2,
	 {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
	 {QUIC_RETRY, QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE},
	 "tls13 quicv2 key", "tls13 quicv2 iv", "tls13 quicv2 hp"},
};

static const struct quic_version *
version_find(uint32_t version)
{
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (versions[i].version == version)
			return &versions[i];
	return NULL;
}

bool
quic_header_read(struct cursor *c, struct quic_header *ret)
{
	struct cursor start = *c;
	uint8_t first = cursor_u8(c);

	ret->version = cursor_u32(c);
	const struct quic_version *v = version_find(ret->version);
	if (c->bad || !v || (first & (LONG_FORM | FIXED_BIT)) != (LONG_FORM | FIXED_BIT))
		return false;
	ret->type = v->types[first >> 4 & 3];
	ret->dcid = cursor_bytes(c, cursor_u8(c));
	ret->scid = cursor_bytes(c, cursor_u8(c));
	ret->token = (struct span){0};
	if (ret->dcid.len > QUIC_CID_MAX || ret->scid.len > QUIC_CID_MAX || ret->type == QUIC_RETRY)
		return false; /* only servers send Retry */
	if (ret->type == QUIC_INITIAL) {
		uint64_t n = cursor_varint(c);
		ret->token = cursor_bytes(c, n > SIZE_MAX ? SIZE_MAX : (size_t)n);
	}
	uint64_t length = cursor_varint(c);
	ret->number_at = cursor_left(&start) - cursor_left(c);
	cursor_skip(c, length > QUIC_DATAGRAM_MAX ? SIZE_MAX : (size_t)length);
	if (c->bad || length < NUMBER_MAX + GCM_TAG_LEN)
		return false;
	ret->packet = cursor_bytes(&start, cursor_left(&start) - cursor_left(c));
	return true;
}

/* HKDF-Expand-Label with an empty context and at most one block of output (RFC 8446, section 7.1; RFC 5869). */
static bool
expand(const struct digest_key *secret, const char *label, uint8_t *out, size_t len)
{
	uint8_t info[64], block[SHA256_LEN];
	size_t n = strlen(label), used = 0;

	info[used++] = 0;
	info[used++] = (uint8_t)len;
	info[used++] = (uint8_t)n;
	memcpy(info + used, label, n);
	used += n;
	info[used++] = 0;
	info[used++] = 1; /* the first and only block */
	if (!digest_hmac_by(secret, (struct span){info, used}, block))
		return false;
	memcpy(out, block, len);
	return true;
}

static bool
key_of(const uint8_t secret[SHA256_LEN], struct digest_key *ret)
{
	return digest_hmac_key((struct span){secret, SHA256_LEN}, ret);
}

bool
quic_client_keys(uint32_t version, struct span dcid, struct quic_keys *ret)
{
	const struct quic_version *v = version_find(version);
	uint8_t initial[SHA256_LEN], client[SHA256_LEN];
	struct digest_key salt, secret;

	return v && digest_hmac_key((struct span){v->salt, sizeof v->salt}, &salt) && digest_hmac_by(&salt, dcid, initial) &&
	       key_of(initial, &secret) && expand(&secret, "tls13 client in", client, SHA256_LEN) && key_of(client, &secret) &&
	       expand(&secret, v->key, ret->key, sizeof ret->key) && expand(&secret, v->iv, ret->iv, sizeof ret->iv) &&
	       expand(&secret, v->hp, ret->mask, sizeof ret->mask);
}

/* The header in the clear: out has room for HEADER_MAX bytes. Returns its length; 0: it cannot be. */
static size_t
unmask(const struct quic_keys *k, const struct quic_header *h, uint8_t *out, uint8_t number[NUMBER_MAX])
{
	uint8_t sample[AES128_LEN], mask[AES128_LEN];
	struct cursor c = cursor_span(h->packet), head = c;

	if (h->number_at + NUMBER_MAX > HEADER_MAX)
		return 0;
	cursor_skip(&c, h->number_at + SAMPLE_AT);
	cursor_copy(&c, sample, sizeof sample);
	if (c.bad || !digest_aes128(k->mask, sample, mask))
		return 0;
	cursor_copy(&head, out, h->number_at + NUMBER_MAX);
	out[0] ^= mask[0] & 0x0f; /* in a long header the low four bits hide */
	size_t n = (size_t)(out[0] & 3) + 1;
	memset(number, 0, NUMBER_MAX);
	for (size_t i = 0; i < n; i++) {
		out[h->number_at + i] ^= mask[1 + i];
		number[NUMBER_MAX - n + i] = out[h->number_at + i];
	}
	return h->number_at + n;
}

bool
quic_open(const struct quic_keys *k, const struct quic_header *h, uint8_t *out, struct span *ret_frames)
{
	uint8_t header[HEADER_MAX], number[NUMBER_MAX], nonce[GCM_NONCE_LEN];
	size_t n = unmask(k, h, header, number);

	if (n == 0 || (header[0] & 0x0c)) /* reserved bits are zero under the mask */
		return false;
	/* A client's first Initials have small numbers, so that the number as sent is the number. */
	memcpy(nonce, k->iv, sizeof nonce);
	for (size_t i = 0; i < NUMBER_MAX; i++)
		nonce[GCM_NONCE_LEN - NUMBER_MAX + i] ^= number[i];
	struct cursor c = cursor_span(h->packet);
	cursor_skip(&c, n);
	struct span sealed = cursor_rest(&c);
	if (sealed.len <= GCM_TAG_LEN || !digest_gcm_open(k->key, nonce, (struct span){header, n}, sealed, out))
		return false;
	*ret_frames = (struct span){out, sealed.len - GCM_TAG_LEN};
	return true;
}
