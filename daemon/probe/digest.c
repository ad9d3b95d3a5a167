/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-256, HMAC, AES-128 and its GCM on libcrypto; see digest.h. The algorithm handles are fetched once and never change: a
 * fetch takes longer than the work itself, and it may read files, which the sandbox forbids later.
 */
#include "digest.h"

#include <string.h>

#include <openssl/evp.h>

enum { HMAC_BLOCK = 64 };

static struct {
	bool tried, ok;
	EVP_MD *sha256;
	EVP_CIPHER *ecb, *gcm;
} algorithms;

bool
digest_start(void)
{
	if (algorithms.tried)
		return algorithms.ok;
	algorithms.tried = true;
	algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	algorithms.ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	algorithms.gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	algorithms.ok = algorithms.sha256 && algorithms.ecb && algorithms.gcm;
	return algorithms.ok;
}

/* The digest of three parts in a row. */
static bool
sha256_parts(EVP_MD_CTX *ctx, struct span a, struct span b, struct span c, uint8_t out[SHA256_LEN])
{
	return EVP_DigestInit_ex2(ctx, algorithms.sha256, NULL) && EVP_DigestUpdate(ctx, a.p, a.len) &&
	       EVP_DigestUpdate(ctx, b.p, b.len) && EVP_DigestUpdate(ctx, c.p, c.len) &&
	       EVP_DigestFinal_ex(ctx, out, NULL);
}

bool
digest_sha256(struct span in, uint8_t out[SHA256_LEN])
{
	const struct span none = {(const uint8_t *)"", 0};
	EVP_MD_CTX *ctx = digest_start() ? EVP_MD_CTX_new() : NULL;
	bool ok = ctx && sha256_parts(ctx, in, none, none, out);

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
digest_hmac(struct span key, struct span first, struct span second, uint8_t out[SHA256_LEN])
{
	uint8_t inner[HMAC_BLOCK] = {0}, outer[HMAC_BLOCK], hash[SHA256_LEN];
	const struct span none = {(const uint8_t *)"", 0};
	EVP_MD_CTX *ctx = key.len <= HMAC_BLOCK && digest_start() ? EVP_MD_CTX_new() : NULL;

	if (!ctx)
		return false;
	if (key.len)
		memcpy(inner, key.p, key.len);
	for (size_t i = 0; i < HMAC_BLOCK; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	bool ok = sha256_parts(ctx, (struct span){inner, HMAC_BLOCK}, first, second, hash) &&
		  sha256_parts(ctx, (struct span){outer, HMAC_BLOCK}, (struct span){hash, SHA256_LEN}, none, out);
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
digest_aes128(const uint8_t key[AES128_LEN], const uint8_t in[AES128_LEN], uint8_t out[AES128_LEN])
{
	uint8_t block[2 * AES128_LEN];
	int n = 0;
	EVP_CIPHER_CTX *ctx = digest_start() ? EVP_CIPHER_CTX_new() : NULL;
	bool ok = ctx && EVP_EncryptInit_ex2(ctx, algorithms.ecb, key, NULL, NULL) &&
		  EVP_EncryptUpdate(ctx, block, &n, in, AES128_LEN) && n == AES128_LEN;

	if (ok)
		memcpy(out, block, AES128_LEN);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

bool
digest_gcm_open(const uint8_t key[AES128_LEN], const uint8_t nonce[GCM_NONCE_LEN], struct span extra,
		struct span sealed, uint8_t *out)
{
	uint8_t tag[GCM_TAG_LEN];
	int n = 0;

	if (sealed.len < GCM_TAG_LEN || sealed.len > 65535 || extra.len > 65535)
		return false;
	struct cursor c = cursor_span(sealed);
	struct span text = cursor_bytes(&c, sealed.len - GCM_TAG_LEN);
	cursor_copy(&c, tag, sizeof tag);
	EVP_CIPHER_CTX *ctx = digest_start() ? EVP_CIPHER_CTX_new() : NULL;
	bool ok = ctx && EVP_DecryptInit_ex2(ctx, algorithms.gcm, key, nonce, NULL) &&
		  EVP_DecryptUpdate(ctx, NULL, &n, extra.p, (int)extra.len) &&
		  EVP_DecryptUpdate(ctx, out, &n, text.p, (int)text.len) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) &&
		  EVP_DecryptFinal_ex(ctx, out + text.len, &n) > 0;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}
