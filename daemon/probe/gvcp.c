/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GigE Vision control, UDP 3956, big endian.
 *
 * Command: 0 42   1 flags   2 command   4 length of the rest   6 number
 * Acknowledgement: 0 status   2 command + 1   4 length of the rest   6 number
 * Of a discovery it has 248 bytes: 8 version   18 MAC   80 manufacturer (32)   112 model (32)
 *	144 firmware (32)   224 serial (16)
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	HEADER = 8,
	KEY = 0x42,
	FLAGS = 0x11, /* acknowledgement wanted; by broadcast */
	DISCOVERY_ACK = 0x0003,
	DISCOVERY_LENGTH = 248,
	STATUS_ERROR = 0x8000,
	STATUS_LAST = 0x80ff,
};

static const struct command {
	uint16_t code;
	uint16_t least, multiple; /* of the body; multiple 0: nothing more than `least` */
} commands[] = {
	{0x0002, 0, 0},	 /* discovery */
	{0x0004, 56, 0}, /* force address */
	{0x0080, 4, 4},	 /* read registers */
	{0x0082, 8, 8},	 /* write registers */
	{0x0084, 8, 0},	 /* read memory */
	{0x0086, 8, 4},	 /* write memory */
};

static const struct command *
command_of(uint16_t code)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].code == code)
			return &commands[i];
	return NULL;
}

static enum sign
command_check(struct span d, size_t length)
{
	const struct command *k = command_of(field_u16(d, 2));

	if (!k || (field_u8(d, 1) & ~FLAGS) || field_u16(d, 6) == 0 || length < k->least)
		return SIGN_NONE;
	return (k->multiple ? (length - k->least) % k->multiple == 0 : length == k->least) ? SIGN_PROOF
											   : SIGN_NONE;
}

static enum sign
acknowledgement_check(struct span d, size_t length, struct app *app)
{
	uint16_t status = field_u16(d, 0), code = field_u16(d, 2);

	if (!command_of(code - 1) || (status && (status < STATUS_ERROR || status > STATUS_LAST)) ||
	    field_u16(d, 6) == 0)
		return SIGN_NONE;
	if (code != DISCOVERY_ACK || length != DISCOVERY_LENGTH || field_u16(d, 8) == 0 ||
	    field_u16(d, 8) > 2)
		return code == DISCOVERY_ACK ? SIGN_NONE : SIGN_FITS;
	learn_text(app, "serial", field_text(d, 224, 16));
	learn_text(app, "model", field_text(d, 112, 32));
	learn_text(app, "vendor", field_text(d, 80, 32));
	learn_mac(app, d, 18);
	learn_banner(app, field_text(d, 144, 32));
	return SIGN_PROOF;
}

static enum sign
gvcp_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (d.len < HEADER || field_u16(d, 4) != d.len - HEADER)
		return SIGN_NONE;
	if (field_u8(d, 0) == KEY)
		return command_check(d, d.len - HEADER);
	return acknowledgement_check(d, d.len - HEADER, app);
}

static enum probe_result
gvcp_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "gvcp", 0, gvcp_check);
}

const struct probe probe_gvcp = {
	.name = "gvcp",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = gvcp_inspect,
	.help = "GigE Vision camera control and discovery: serial number, model, MAC, vendor",
};
