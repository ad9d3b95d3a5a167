/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-256, HMAC, AES-128 and its GCM on libcrypto; see digest.h. The ciphers are fetched once, and their contexts are used again with
 * another key: a fetch takes longer than the work itself, and it may read files, which the sandbox forbids later; a new context is memory.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the plain SHA-256 works on the stack; EVP's allocates twice for each digest */

#include "digest.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

enum { HMAC_BLOCK = 64 };

static struct {
	bool tried, ok;
	EVP_CIPHER_CTX *ecb, *gcm;
} algorithms;

static EVP_CIPHER_CTX *
context_of(const char *name, int encrypts)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;

	if (ctx && !EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypts, NULL)) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_CIPHER_free(cipher); /* the context has its own reference */
	return ctx;
}

bool
digest_start(void)
{
	if (algorithms.tried)
		return algorithms.ok;
	algorithms.tried = true;
	/* Where its own start has failed for want of memory, libcrypto 3.0 would fetch from nowhere and crash. */
	if (!OSSL_LIB_CTX_get0_global_default())
		return false;
	algorithms.ecb = context_of("AES-128-ECB", 1);
	algorithms.gcm = context_of("AES-128-GCM", 0);
	algorithms.ok = algorithms.ecb && algorithms.gcm;
	return algorithms.ok;
}

bool
digest_sha256(struct span in, uint8_t out[SHA256_LEN])
{
	SHA256_CTX ctx;

	return SHA256_Init(&ctx) && SHA256_Update(&ctx, in.p, in.len) && SHA256_Final(out, &ctx);
}

_Static_assert(sizeof(SHA256_CTX) == sizeof((struct digest_key *)0)->inner, "struct digest_key holds another state");

static bool
key_state(const uint8_t key[HMAC_BLOCK], uint8_t pad, uint8_t *ret)
{
	uint8_t block[HMAC_BLOCK];
	SHA256_CTX ctx;

	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] = key[i] ^ pad;
	bool ok = SHA256_Init(&ctx) && SHA256_Update(&ctx, block, sizeof block);
	memcpy(ret, &ctx, sizeof ctx);
	return ok;
}

bool
digest_hmac_key(struct span key, struct digest_key *ret)
{
	uint8_t block[HMAC_BLOCK] = {0};

	if (key.len > HMAC_BLOCK)
		return false;
	if (key.len)
		memcpy(block, key.p, key.len);
	return key_state(block, 0x36, ret->inner) && key_state(block, 0x5c, ret->outer);
}

/* What is left of a digest that has begun: two more parts. */
static bool
sha256_rest(const uint8_t *state, struct span a, struct span b, uint8_t out[SHA256_LEN])
{
	SHA256_CTX ctx;

	memcpy(&ctx, state, sizeof ctx);
	return (a.len == 0 || SHA256_Update(&ctx, a.p, a.len)) && (b.len == 0 || SHA256_Update(&ctx, b.p, b.len)) && SHA256_Final(out, &ctx);
}

static bool
hmac_parts(const struct digest_key *key, struct span first, struct span second, uint8_t out[SHA256_LEN])
{
	const struct span none = {NULL, 0};
	uint8_t hash[SHA256_LEN];

	return sha256_rest(key->inner, first, second, hash) && sha256_rest(key->outer, (struct span){hash, SHA256_LEN}, none, out);
}

bool
digest_hmac_by(const struct digest_key *key, struct span message, uint8_t out[SHA256_LEN])
{
	return hmac_parts(key, message, (struct span){NULL, 0}, out);
}

bool
digest_hmac(struct span key, struct span first, struct span second, uint8_t out[SHA256_LEN])
{
	struct digest_key k;

	return digest_hmac_key(key, &k) && hmac_parts(&k, first, second, out);
}

bool
digest_aes128(const uint8_t key[AES128_LEN], const uint8_t in[AES128_LEN], uint8_t out[AES128_LEN])
{
	uint8_t block[2 * AES128_LEN];
	int n = 0;
	bool ok = digest_start() && EVP_EncryptInit_ex2(algorithms.ecb, NULL, key, NULL, NULL) &&
		  EVP_EncryptUpdate(algorithms.ecb, block, &n, in, AES128_LEN) && n == AES128_LEN;

	if (ok)
		memcpy(out, block, AES128_LEN);
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
	EVP_CIPHER_CTX *ctx = digest_start() ? algorithms.gcm : NULL;
	bool ok = ctx && EVP_DecryptInit_ex2(ctx, NULL, key, nonce, NULL) &&
		  EVP_DecryptUpdate(ctx, NULL, &n, extra.p, (int)extra.len) &&
		  EVP_DecryptUpdate(ctx, out, &n, text.p, (int)text.len) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) &&
		  EVP_DecryptFinal_ex(ctx, out + text.len, &n) > 0;

	return ok;
}
