/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTMP by its handshake (Adobe's RTMP 1.0, section 5.2): C0 is the version, 3; C1 is 1536 bytes: time 4, zero 4, random.
 * Flash's successors put their version into the zero and hide a digest in C1, which is checked:
 *   HMAC-SHA256 of C1 without the digest, under the player's public key; its place follows from four bytes of C1.
 */
#include <netinet/in.h>
#include <string.h>

#include "digest.h"
#include "probes.h"
#include "side.h"

enum { RTMP_VERSION = 3, HANDSHAKE = 1536, DIGEST_RANGE = 728, BLOCK = 764 };

static const char player_key[] = "Genuine Adobe Flash Player 001";

/* Where four bytes at `at` put the digest that may begin behind them. */
static size_t
digest_place(const struct cursor *c1, size_t at)
{
	size_t sum = 0;
	for (size_t i = 0; i < 4; i++)
		sum += cursor_peek(c1, at + i);
	return at + 4 + sum % DIGEST_RANGE;
}

static bool
digest_fits(struct cursor c1, size_t place)
{
	uint8_t found[SHA256_LEN], right[SHA256_LEN];
	struct span before = cursor_bytes(&c1, place);
	cursor_copy(&c1, found, sizeof found);
	struct span after = cursor_rest(&c1);
	struct span key = {(const uint8_t *)player_key, strlen(player_key)};

	return digest_hmac(key, before, after, right) && memcmp(found, right, sizeof right) == 0;
}

static bool
c1_fits(struct cursor c1)
{
	struct cursor c = c1;
	cursor_skip(&c, 4);
	if (cursor_u32(&c) == 0)
		return true;
	return digest_fits(c1, digest_place(&c1, 8)) || digest_fits(c1, digest_place(&c1, 8 + BLOCK));
}

/* S0 and what is there of S1. */
static bool
server_fits(struct cursor c)
{
	return cursor_left(&c) == 0 || cursor_peek(&c, 0) == RTMP_VERSION;
}

static enum probe_result
rtmp_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor c = side_stream(in, PROBE_TO_SERVER), server = side_stream(in, PROBE_TO_CLIENT);

	if ((cursor_left(&c) && cursor_u8(&c) != RTMP_VERSION) || !server_fits(server))
		return PROBE_NO;
	struct cursor c1 = cursor_take(&c, HANDSHAKE);
	if (c1.bad)
		return PROBE_MORE;
	if (!c1_fits(c1))
		return PROBE_NO;
	/* The client waits for S1 before it goes on. */
	if (cursor_left(&c) && cursor_left(&server) <= HANDSHAKE)
		return PROBE_MORE;
	app->protocol = "rtmp";
	return PROBE_DONE;
}

const struct probe probe_rtmp = {
	"rtmp", IPPROTO_TCP, PROVES_CLIENT, rtmp_inspect, "RTMP by its handshake, with or without digest",
};
