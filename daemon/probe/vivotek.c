/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vivotek discovery, UDP 10000: 0 session   1 4a 5d 8f 1c
 *	5 elements {type, length, value}; type 04 has one byte of value
 * and no length. 01 is the long name, 02 the MAC, 03 the address, 09 the model. The search is the
 * first five bytes.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	PORT = 10000,
	HEADER = 5,
	MAGIC = 0x4a5d8f1c,
	TYPE_NAME = 0x01,
	TYPE_MAC = 0x02,
	TYPE_BYTE = 0x04,
	TYPE_MODEL = 0x09,
	TYPE_LAST = 0x1f,
};

static void
learn_element(struct app *app, uint8_t type, struct span value)
{
	if (type == TYPE_MAC)
		learn_mac(app, value, 0);
	else if (type == TYPE_MODEL)
		learn_text(app, "model", value);
	else if (type == TYPE_NAME)
		learn_text(app, "name", value);
}

static bool
elements_hold(struct cursor c, struct app *app)
{
	bool mac = false;

	while (cursor_left(&c)) {
		uint8_t type = cursor_u8(&c);
		struct span value = cursor_bytes(&c, type == TYPE_BYTE ? 1 : cursor_u8(&c));
		if (type == 0 || type > TYPE_LAST)
			return false;
		mac = mac || (type == TYPE_MAC && value.len == 6);
		learn_element(app, type, value);
	}
	return mac && !c.bad;
}

static enum sign
vivotek_check(struct span d, int side, struct app *app)
{
	struct cursor c = cursor_span(d);

	(void)side;
	if (field_u32(d, 1) != MAGIC)
		return SIGN_NONE;
	if (d.len == HEADER)
		return SIGN_FITS;
	cursor_skip(&c, HEADER);
	return elements_hold(c, app) ? SIGN_PROOF : SIGN_NONE;
}

static enum probe_result
vivotek_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "vivotek-discovery", in->port == PORT ? 1 : 2, vivotek_check);
}

const struct probe probe_vivotek = {
	.name = "vivotek-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = vivotek_inspect,
	.help = "Vivotek camera discovery: model, MAC, name",
};
