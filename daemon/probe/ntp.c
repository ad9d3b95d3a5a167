/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NTP (RFC 5905, section 7.3), the time service only; control and private modes (6, 7) are no ordinary traffic and stay unnamed.
 *   leap 2 bits, version 3, mode 3 | stratum 1 | poll 1 | precision 1 | root delay 4 | root dispersion 4 | reference 4 | four times of 8
 * then nothing, a key id and digest, or extension fields (RFC 7822) with or without one.
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"

enum {
	MODE_ACTIVE = 1,
	MODE_CLIENT = 3,
	MODE_SERVER = 4,
	MODE_BROADCAST = 5,
	STRATUM_LAST = 16,
	POLL_MIN = -8,
	POLL_MAX = 17,
	PRECISION_MIN = -40,
	ROOT_SECONDS_MAX = 16, /* farther from the root nothing is used */
	EXTENSION_MIN = 16,
};

/* A key id with an MD5 or SHA-1 digest, or a crypto-NAK; before it fields with type and length. */
static bool
tail_fits(struct cursor c)
{
	while (cursor_left(&c)) {
		size_t left = cursor_left(&c);
		if (left == 4 || left == 20 || left == 24)
			return true;
		cursor_skip(&c, 2);
		uint16_t length = cursor_u16(&c);
		if (length < EXTENSION_MIN || length % 4)
			return false;
		cursor_skip(&c, length - 4u);
	}
	return !c.bad;
}

static bool
header_fits(struct cursor c, bool from_client)
{
	uint8_t first = cursor_u8(&c), stratum = cursor_u8(&c);
	int8_t poll = (int8_t)cursor_u8(&c), precision = (int8_t)cursor_u8(&c);
	uint32_t delay = cursor_u32(&c), dispersion = cursor_u32(&c);
	uint8_t version = first >> 3 & 7, mode = first & 7;
	cursor_skip(&c, 36);

	if (c.bad || version < 1 || version > 4 || stratum > STRATUM_LAST || poll < POLL_MIN || poll > POLL_MAX ||
	    delay >> 16 >= ROOT_SECONDS_MAX || dispersion >> 16 > ROOT_SECONDS_MAX)
		return false;
	/* 32 stands where a client hides what its clock can do. */
	if (precision < PRECISION_MIN || (precision > 0 && precision != 32))
		return false;
	bool mode_ok = from_client ? mode == MODE_CLIENT || mode == MODE_ACTIVE || mode == MODE_BROADCAST
				   : mode == MODE_SERVER || mode == MODE_ACTIVE || mode == MODE_ACTIVE + 1;
	return mode_ok && tail_fits(c);
}

static bool
client_fits(struct cursor c)
{
	return header_fits(c, true);
}

static bool
server_fits(struct cursor c)
{
	return header_fits(c, false);
}

static enum probe_result
ntp_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = side_datagrams(in, client_fits, server_fits);
	if (r == PROBE_DONE)
		app->protocol = "ntp";
	return r;
}

const struct probe probe_ntp = {
	"ntp", IPPROTO_UDP, PROVES_EITHER, ntp_inspect, "NTP and SNTP, time service only",
};
