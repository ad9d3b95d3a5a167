/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Panasonic and i-PRO discovery, UDP 10670 to the device and 10669 back, big endian.
 *
 * Search, 52 bytes: 0 00 01 00 00   4 00 0d 00 00   8 zero   12 MAC of the asker   18 its IPv4
 *	22 what is asked for   46 00 00 ff ff
 * Answer: 0 00 01   6 MAC   53 elements {type (2), length (2), value}
 *	then ff ff and a checksum of two bytes
 * Elements: 0020 IPv4, 0021 mask, 0022 gateway, 00a7 and 00a8 the model in long and in short.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	SEARCH = 52,
	ELEMENTS = 53,
	TYPE_IPV4 = 0x0020,
	TYPE_MODEL_LONG = 0x00a7,
	TYPE_MODEL = 0x00a8,
	TYPE_END = 0xffff,
	CHECKSUM = 2,
};

static bool
is_search(struct span d)
{
	static const uint8_t begin[] = {0, 1, 0, 0, 0, 0x0d, 0, 0, 0, 0, 0, 0}, end[] = {0, 0, 0xff, 0xff};
	return d.len == SEARCH && field_is(d, 0, begin, sizeof begin) && field_is(d, 46, end, sizeof end);
}

static bool
elements_hold(struct cursor c, struct app *app)
{
	bool address = false, model = false;

	for (;;) {
		uint16_t type = cursor_u16(&c);
		if (c.bad)
			return false;
		if (type == TYPE_END)
			return address && model && cursor_left(&c) == CHECKSUM;
		struct span value = cursor_bytes(&c, cursor_u16(&c));
		bool name = type == TYPE_MODEL || type == TYPE_MODEL_LONG;
		address = address || (type == TYPE_IPV4 && value.len == 4);
		model = model || name;
		if (name)
			learn_text(app, "model", value);
	}
}

static enum sign
panasonic_check(struct span d, int side, struct app *app)
{
	struct cursor c = cursor_span(d);

	(void)side;
	if (is_search(d))
		return SIGN_PROOF;
	cursor_skip(&c, ELEMENTS);
	if (field_u16(d, 0) != 1 || !field_unicast_mac(d, 6) || !elements_hold(c, app))
		return SIGN_NONE;
	learn_mac(app, d, 6);
	return SIGN_PROOF;
}

static enum probe_result
panasonic_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "panasonic-discovery", 0, panasonic_check);
}

const struct probe probe_panasonic = {
	.name = "panasonic-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = panasonic_inspect,
	.help = "Panasonic and i-PRO camera discovery: model, MAC",
};
