/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NICE (NiceVision) discovery, UDP 2007 broadcast.
 *
 * Search: 0 'NICE'   4 number   6 01 08 00 00   10 or 12 port for the answer
 * Answer, 90 bytes: 0 'NICE'   4 number   10 MAC   16 IPv4   20 mask   24 gateway
 *	30 version, four numbers of 2 bytes   74 name (16)
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { MAGIC = 0x4e494345 /* NICE */, SEARCH_MIN = 12, SEARCH_MAX = 14, ANSWER = 90, QUESTION = 0x01080000 };

static enum sign
nice_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (field_u32(d, 0) != MAGIC)
		return SIGN_NONE;
	uint32_t mask = field_u32(d, 20);
	struct span name = field_text(d, 74, 16);
	if (d.len >= SEARCH_MIN && d.len <= SEARCH_MAX)
		return field_u32(d, 6) == QUESTION ? SIGN_PROOF : SIGN_NONE;
	if (d.len != ANSWER || !field_unicast_mac(d, 10) || (mask && !field_netmask(mask)) ||
	    !field_printable(name))
		return SIGN_NONE;
	learn_mac(app, d, 10);
	learn_text(app, "name", name);
	return SIGN_PROOF;
}

static enum probe_result
nice_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "nice-discovery", 0, nice_check);
}

const struct probe probe_nice = {
	.name = "nice-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = nice_inspect,
	.help = "NICE recorder and camera discovery: MAC, name",
};
