/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hikvision device SDK, TCP 8000. Both sides send frames with a header of four big-endian words:
 *
 *	0 length, header included   4 family   8 checksum or status   12 command
 *
 * A client opens with a login (family 5a000000, command 00010000) or, on the further connections of
 * a session, with a control frame (63000000). What the device answers has family word 1, or is one
 * of two fixed short forms; it agrees but proves nothing.
 */
#include <netinet/in.h>

#include "field.h"
#include "probes.h"
#include "walk.h"

enum {
	HEADER = 16,
	FRAME_MAX = 4096, /* of a first frame; a login is 224 bytes */
	LOGIN = 0x5a000000,
	CONTROL = 0x63000000,
	LOGIN_COMMAND = 0x00010000,
	LOGIN_LENGTH = 0xe0,
	LOGIN_KEY = 84,		    /* where the client's RSA key begins */
	COMMAND_LIMIT = 0x01000000, /* commands seen have at most 22 bits */
	ANSWER = 1,
};

static const uint8_t rsa_1024_der[] = {0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00};
static const uint8_t refused[] = {0, 0, 0, 16, 0, 0, 0, 0x1e, 0, 0, 0, 0x1e, 0, 0, 0, 0};
static const uint8_t acknowledged[] = {0, 0, 0, 8, 0, 0, 0, 0x19, 0, 0, 0, 8, 0, 0, 0, 0x1a};

static enum sign
login_check(struct span b, uint32_t length)
{
	if (field_u32(b, 8) != 0 || field_u32(b, 12) != LOGIN_COMMAND || length < 0x50)
		return SIGN_NONE;
	if (length == LOGIN_LENGTH && !field_fits(b, LOGIN_KEY, rsa_1024_der, sizeof rsa_1024_der))
		return SIGN_NONE;
	return b.len < length ? SIGN_MORE : SIGN_PROOF;
}

static enum sign
control_check(struct span b, uint32_t length)
{
	uint32_t command = field_u32(b, 12);
	if (command == 0 || command >= COMMAND_LIMIT)
		return SIGN_NONE;
	return b.len < length ? SIGN_MORE : SIGN_PROOF;
}

static enum sign
client_check(struct span b)
{
	static const uint8_t login[] = {0x5a, 0, 0, 0}, control[] = {0x63, 0, 0, 0}, small[] = {0, 0};

	if (!field_fits(b, 0, small, sizeof small) ||
	    (!field_fits(b, 4, login, sizeof login) && !field_fits(b, 4, control, sizeof control)))
		return SIGN_NONE;
	uint32_t length = field_u32(b, 0);
	if (b.len >= 4 && (length < HEADER || length > FRAME_MAX))
		return SIGN_NONE;
	if (b.len < HEADER)
		return SIGN_MORE;
	return field_u32(b, 4) == LOGIN ? login_check(b, length) : control_check(b, length);
}

static enum sign
server_check(struct span b)
{
	static const uint8_t answer[] = {0, 0, 0, ANSWER}, small[] = {0};

	if (field_fits(b, 0, refused, sizeof refused) || field_fits(b, 0, acknowledged, sizeof acknowledged))
		return b.len < sizeof refused ? SIGN_MORE : SIGN_FITS;
	if (!field_fits(b, 0, small, sizeof small) || !field_fits(b, 4, answer, sizeof answer))
		return SIGN_NONE;
	if (b.len < HEADER)
		return SIGN_MORE;
	return field_u32(b, 0) >= HEADER ? SIGN_FITS : SIGN_NONE;
}

static enum sign
hik_sdk_check(struct span b, int side, struct app *app)
{
	(void)app;
	return side == PROBE_TO_SERVER ? client_check(b) : server_check(b);
}

static enum probe_result
hik_sdk_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "hik-sdk", 0, hik_sdk_check);
}

const struct probe probe_hik_sdk = {
	.name = "hik-sdk",
	.l4 = IPPROTO_TCP,
	.proves = 1u << PROBE_TO_SERVER,
	.inspect = hik_sdk_inspect,
	.help = "Hikvision device SDK (HCNetSDK) login or control connection",
};
