/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hanwha (Samsung Techwin) discovery, UDP 7701 to the device and 7711 back.
 *
 * Answer, 262 bytes, texts padded with NULs: 0 0b   1 session (18)   19 MAC (18)
 *	37 address, 53 mask, 69 gateway (16 each)
 *	109 model (10)   133 URL (39)
 *
 * The search has the same size, begins with 01, and is otherwise noise of its sender: no sign, so
 * it is not asked for.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { SIZE = 262, ANSWER = 0x0b };

static enum sign
hanwha_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (d.len != SIZE || field_u8(d, 0) != ANSWER)
		return SIGN_NONE;
	struct span model = field_text(d, 109, 10);
	if (!field_mac_text(field_text(d, 19, 18)) || !field_ipv4_text(field_text(d, 37, 16)) ||
	    !field_ipv4_text(field_text(d, 53, 16)) || !field_printable(model))
		return SIGN_NONE;
	learn_text(app, "model", model);
	learn_text(app, "mac", field_text(d, 19, 18));
	return SIGN_PROOF;
}

static enum probe_result
hanwha_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "hanwha-discovery", 0, hanwha_check);
}

const struct probe probe_hanwha = {
	.name = "hanwha-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = hanwha_inspect,
	.help = "Hanwha camera discovery: model, MAC",
};
