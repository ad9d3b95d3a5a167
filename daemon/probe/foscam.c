/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Foscam and its clones, UDP 10000, little endian:
 *
 *	0 'MO_I'   4 operation (0 search, 1 answer, 2 set address, 3 its answer)   6 nine zeroes
 *	15 length of the rest   19 again
 *	23 answer: serial, which is the MAC (13)   36 name (21)   57 addresses
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { MAGIC = 0x4d4f5f49 /* MO_I */, HEADER = 23, ANSWER = 1, SET = 2, LAST = 3, SERIAL = 13, NAME = 21 };

static enum sign
foscam_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (field_u32(d, 0) != MAGIC || d.len < HEADER)
		return SIGN_NONE;
	uint16_t operation = field_le16(d, 4);
	if (operation > LAST || !field_filled(d, 6, 9, 0) || field_le32(d, 15) != d.len - HEADER)
		return SIGN_NONE;
	if (operation == ANSWER) {
		learn_text(app, "serial", field_text(d, HEADER, SERIAL));
		learn_text(app, "name", field_text(d, HEADER + SERIAL, NAME));
	}
	if (operation == SET)
		learn_text(app, "request", (struct span){(const uint8_t *)"set-address", 11});
	return SIGN_PROOF;
}

static enum probe_result
foscam_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "foscam", 0, foscam_check);
}

const struct probe probe_foscam = {
	.name = "foscam",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = foscam_inspect,
	.help = "Foscam discovery: serial number, name",
};
