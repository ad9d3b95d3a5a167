/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ubiquiti discovery, UDP 10001, multicast 233.89.188.1, big endian.
 *
 *	0 version 1 or 2   1 command   2 length of the rest   4 elements {type (1), length (2), value}
 *
 * Elements: 01 MAC, 02 MAC and IPv4, 03 and 16 firmware, 0b name, 0c and 15 model. The search is 01
 * 00 00 00, four bytes that others may say too, so on another port it must be asked twice.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	PORT = 10001,
	HEADER = 4,
	SEARCH = 0x01000000,
	TYPE_MAC = 0x01,
	TYPE_MAC_AND_ADDRESS = 0x02,
	TYPE_FIRMWARE = 0x03,
	TYPE_NAME = 0x0b,
	TYPE_MODEL = 0x0c,
	TYPE_MODEL_LONG = 0x15,
	TYPE_FIRMWARE_SHORT = 0x16,
};

static void
learn_element(struct app *app, uint8_t type, struct span value)
{
	switch (type) {
	case TYPE_MAC:
	case TYPE_MAC_AND_ADDRESS:
		learn_mac(app, value, 0);
		break;
	case TYPE_NAME:
		learn_text(app, "name", value);
		break;
	case TYPE_MODEL:
	case TYPE_MODEL_LONG:
		learn_text(app, "model", value);
		break;
	case TYPE_FIRMWARE:
	case TYPE_FIRMWARE_SHORT:
		learn_banner(app, value);
		break;
	}
}

/* The elements fill the datagram, and one of them is a MAC of the right size. */
static bool
elements_hold(struct cursor c, struct app *app)
{
	bool mac = false;

	while (cursor_left(&c)) {
		uint8_t type = cursor_u8(&c);
		struct span value = cursor_bytes(&c, cursor_u16(&c));
		if (type == 0)
			return false;
		mac = mac || (type == TYPE_MAC_AND_ADDRESS && value.len == 10) ||
		      (type == TYPE_MAC && value.len == 6);
		learn_element(app, type, value);
	}
	return mac && !c.bad;
}

static enum sign
ubnt_check(struct span d, int side, struct app *app)
{
	struct cursor c = cursor_span(d);
	uint8_t version = cursor_u8(&c);

	(void)side;
	if (field_u32(d, 0) == SEARCH && d.len == HEADER)
		return SIGN_FITS;
	if ((version != 1 && version != 2) || d.len <= HEADER || field_u16(d, 2) != d.len - HEADER)
		return SIGN_NONE;
	cursor_skip(&c, HEADER - 1);
	return elements_hold(c, app) ? SIGN_PROOF : SIGN_NONE;
}

static enum probe_result
ubnt_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "ubnt-discovery", in->port == PORT ? 1 : 2, ubnt_check);
}

const struct probe probe_ubnt_discovery = {
	.name = "ubnt-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = ubnt_inspect,
	.help = "Ubiquiti discovery: model, MAC, name, firmware",
};
