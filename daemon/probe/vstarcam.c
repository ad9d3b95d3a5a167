/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VStarcam discovery, UDP 8600 broadcast.
 *
 * Search: 'DH' 01 01 and nothing else, so on another port it must be asked twice.
 * Answer: 0 'DH' 01 08   4 address, 20 mask, 36 gateway, 52 and 68 name servers: text, 16 each   84 MAC
 *	90 port
 *	92 id (32)   124 name (32)   204 firmware (16)
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { PORT = 8600, SEARCH = 0x44480101, ANSWER = 0x44480108, ANSWER_MIN = 256 };

static enum sign
vstarcam_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (field_u32(d, 0) == SEARCH)
		return d.len == 4 ? SIGN_FITS : SIGN_NONE;
	if (field_u32(d, 0) != ANSWER || d.len < ANSWER_MIN || !field_ipv4_text(field_text(d, 4, 16)) ||
	    !field_ipv4_text(field_text(d, 20, 16)))
		return SIGN_NONE;
	learn_text(app, "uid", field_text(d, 92, 32));
	learn_mac(app, d, 84);
	learn_text(app, "name", field_text(d, 124, 32));
	learn_banner(app, field_text(d, 204, 16));
	return SIGN_PROOF;
}

static enum probe_result
vstarcam_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "vstarcam", in->port == PORT ? 1 : 2, vstarcam_check);
}

const struct probe probe_vstarcam = {
	.name = "vstarcam",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = vstarcam_inspect,
	.help = "VStarcam discovery: peer-to-peer id, MAC, name, firmware",
};
