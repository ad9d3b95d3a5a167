/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenVPN over UDP and TCP by the client's first packet, a hard reset (openvpn-rfc, section 5), in its four forms:
 *   plain:     opcode, key 0 | session 8 | no acknowledgements 0 | packet id 0
 *   tls-auth:  opcode | session 8 | digest 16-64 | replay id 4 | time 4 | 0 | packet id 0
 *   tls-crypt: opcode | session 8 | replay id 4 | time 4 | tag 32 | 5 sealed bytes; its second version adds a wrapped key at the end
 * Over TCP a length of 2 stands before it.
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"

enum {
	RESET_CLIENT_V2 = 7 << 3,
	RESET_CLIENT_V3 = 10 << 3, /* tls-crypt-v2 */
	PLAIN_LEN = 1 + 8 + 1 + 4,
	CRYPT_LEN = 1 + 8 + 8 + 32 + 5,
	AUTH_EXTRA = 8, /* replay id and time */
	REPLAY_FIRST = 0x0f000001, /* tls-crypt-v2 clients that resend the key with the third packet begin here */
	REPLAY_SPAN = 8,
	WRAPPED_MAX = 1024 + 2,
	PACKET_MAX = 1300,
	TIME_MIN = 0x386d4380, /* 2000-01-01; a camera without a clock stays near 1970 and is let through below */
};

/* A first packet and some retries. A clock that was never set counts from 1970. */
static bool
replay_fits(struct cursor *c)
{
	uint32_t id = cursor_u32(c), time = cursor_u32(c);
	bool id_ok = (id >= 1 && id <= REPLAY_SPAN) || (id >= REPLAY_FIRST && id < REPLAY_FIRST + REPLAY_SPAN);
	return id_ok && (time >= TIME_MIN || time < 365 * 86400);
}

static bool
is_plain(struct cursor c)
{
	return cursor_left(&c) == PLAIN_LEN - 9 && cursor_u8(&c) == 0 && cursor_u32(&c) == 0;
}

static bool
is_auth(struct cursor c)
{
	static const size_t digests[] = {16, 20, 28, 32, 48, 64};
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
		struct cursor body = c;
		if (cursor_left(&c) != digests[i] + AUTH_EXTRA + PLAIN_LEN - 9)
			continue;
		cursor_skip(&body, digests[i]);
		return replay_fits(&body) && is_plain(body);
	}
	return false;
}

static bool
is_crypt(struct cursor c, uint8_t opcode)
{
	size_t left = cursor_left(&c), wrapped = 0;
	if (left < CRYPT_LEN - 9 || !replay_fits(&c))
		return false;
	left -= CRYPT_LEN - 9;
	if (opcode == RESET_CLIENT_V2)
		return left == 0;
	/* The wrapped key ends with its own length. */
	size_t end = cursor_left(&c);
	wrapped = (size_t)cursor_peek(&c, end - 2) << 8 | cursor_peek(&c, end - 1);
	return left > 2 && left <= WRAPPED_MAX && wrapped == left;
}

static bool
is_reset(struct cursor c)
{
	uint8_t opcode = cursor_u8(&c);
	cursor_skip(&c, 8);
	if (opcode == RESET_CLIENT_V3)
		return is_crypt(c, opcode);
	return opcode == RESET_CLIENT_V2 && (is_plain(c) || is_auth(c) || is_crypt(c, opcode));
}

/* Opcodes 1 to 11; key ids are 3 bits. */
static bool
is_packet(struct cursor c)
{
	size_t n = cursor_left(&c);
	uint8_t opcode = cursor_u8(&c) >> 3;
	return n >= 9 && opcode >= 1 && opcode <= 11;
}

static enum probe_result
stream(struct cursor c)
{
	if (cursor_left(&c) > 1 && cursor_peek(&c, 0) > PACKET_MAX >> 8)
		return PROBE_NO;
	if (cursor_left(&c) > 2 && cursor_peek(&c, 2) != RESET_CLIENT_V2 && cursor_peek(&c, 2) != RESET_CLIENT_V3)
		return PROBE_NO;
	uint16_t length = cursor_u16(&c);
	if (!c.bad && (length < PLAIN_LEN || length > PACKET_MAX))
		return PROBE_NO;
	struct cursor packet = cursor_take(&c, length);
	if (packet.bad)
		return PROBE_MORE;
	return is_reset(packet) ? PROBE_DONE : PROBE_NO;
}

static enum probe_result
datagrams(const struct probe_side *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (i == 0 ? !is_reset(side_unit(s, 0)) : !is_packet(side_unit(s, i)))
			return PROBE_NO;
	return s->n ? PROBE_DONE : PROBE_MORE;
}

static enum probe_result
openvpn_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = PROBE_NO;
	if (in->l4 == IPPROTO_UDP)
		r = datagrams(&in->side[PROBE_TO_SERVER]);
	else if (in->l4 == IPPROTO_TCP)
		r = stream(side_stream(in, PROBE_TO_SERVER));
	if (r == PROBE_DONE) {
		app->protocol = "openvpn";
		app->encrypted = true;
	}
	return r;
}

const struct probe probe_openvpn = {
	"openvpn", 0, PROVES_CLIENT, openvpn_inspect, "OpenVPN by the client's hard reset, with and without tls-auth and tls-crypt",
};
