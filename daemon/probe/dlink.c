/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D-Link discovery, UDP 62976 broadcast.
 *
 * Announcement of a camera: 0 ff ff 04 00 a0 00   6 MAC   12 IPv4
 * Search: 0 fd fd   2 number   4 a1 00 or 00 a1   6 ff x 6   12 six zeroes   18 00 02 or 02 00
 *	20 zeroes
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { ANNOUNCE_MIN = 16, SEARCH = 24 };

static bool
is_search(struct span d)
{
	uint16_t what = field_u16(d, 4), end = field_u16(d, 18);

	return d.len == SEARCH && field_u16(d, 0) == 0xfdfd && (what == 0xa1 || what == 0xa100) &&
	       field_filled(d, 6, 6, 0xff) && field_filled(d, 12, 6, 0) && (end == 2 || end == 0x0200) &&
	       field_filled(d, 20, 4, 0);
}

static enum sign
dlink_check(struct span d, int side, struct app *app)
{
	static const uint8_t announce[] = {0xff, 0xff, 0x04, 0x00, 0xa0, 0x00};

	(void)side;
	if (is_search(d))
		return SIGN_PROOF;
	if (d.len < ANNOUNCE_MIN || !field_is(d, 0, announce, sizeof announce) || !field_unicast_mac(d, 6) ||
	    !field_u32(d, 12))
		return SIGN_NONE;
	learn_mac(app, d, 6);
	return SIGN_PROOF;
}

static enum probe_result
dlink_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "dlink", 0, dlink_check);
}

const struct probe probe_dlink = {
	.name = "dlink",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = dlink_inspect,
	.help = "D-Link camera discovery: MAC",
};
