/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRT (draft-sharabayko-srt, section 3.2.1) by its induction handshake, the one packet that opens every call:
 *   control, type handshake, subtype 0 | 0 | time 4 | destination 0 | version 4 | 0 | 2 | sequence 4 | packet size 4 | window 4 |
 *   type induction 1 | socket 4 | cookie 0 | address 16
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"

enum { CONTROL_HANDSHAKE = 0x8000, HANDSHAKE_LEN = 64, INDUCTION = 1, VERSION_4 = 4, DATAGRAM = 2, SEQUENCE_MASK = 0x7fffffff };

static bool
is_induction(struct cursor c)
{
	size_t n = cursor_left(&c);
	uint16_t control = cursor_u16(&c), subtype = cursor_u16(&c);
	uint32_t info = cursor_u32(&c);
	cursor_skip(&c, 4);
	uint32_t destination = cursor_u32(&c), version = cursor_u32(&c), kind = cursor_u32(&c), sequence = cursor_u32(&c);
	uint32_t size = cursor_u32(&c), window = cursor_u32(&c), type = cursor_u32(&c), socket = cursor_u32(&c);
	uint32_t cookie = cursor_u32(&c);
	return n == HANDSHAKE_LEN && control == CONTROL_HANDSHAKE && subtype == 0 && info == 0 && destination == 0 &&
	       version == VERSION_4 && kind == DATAGRAM && !(sequence & ~(uint32_t)SEQUENCE_MASK) && size >= 76 && size <= 65535 &&
	       window > 0 && type == INDUCTION && socket && cookie == 0;
}

/* After the first packet anything with SRT's 16-byte header. */
static enum probe_result
srt_inspect(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];

	if (client->n == 0)
		return PROBE_MORE;
	if (!is_induction(side_unit(client, 0)))
		return PROBE_NO;
	for (size_t i = 1; i < client->n; i++)
		if (client->units[i].len < 16)
			return PROBE_NO;
	app->protocol = "srt";
	return PROBE_DONE;
}

const struct probe probe_srt = {
	"srt", IPPROTO_UDP, PROVES_CLIENT, srt_inspect, "SRT by its induction handshake",
};
