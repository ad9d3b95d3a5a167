/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dahua DVRIP, TCP 37777 and UDP 37778: a header of 32 bytes, then a payload of the little-endian
 * length at 4. (Xiongmai's protocol is called DVRIP in some places too; that one is xm-sofia here.)
 *
 *	a0 01		realm request, no payload; the header ends 05 02 01 01 00 00 a1 aa
 *	a0 00, a0 05	login; byte 3 is 60 in the old form; ends 05 02 or 04 02, two bytes, 00 00 a1 aa
 *	b0 01		answer, "Realm:Login to …"
 *	b0 00		login's answer
 *	f6 00 00 00	JSON; the length again at 16, zeroes at 12, 20 and 28
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum { HEADER = 32, PAYLOAD_MAX = 16384, TEXT_MAX = 1024 };

static enum sign
request_check(struct span b, size_t length)
{
	static const uint8_t realm[] = {0x05, 0x02, 0x01, 0x01, 0x00, 0x00, 0xa1, 0xaa},
			     tail[] = {0x00, 0x00, 0xa1, 0xaa};
	uint8_t how = field_u8(b, 1), form = field_u8(b, 24);

	if (how == 1)
		return length == 0 && field_filled(b, 2, 22, 0) && field_is(b, 24, realm, 8) ? SIGN_PROOF
											     : SIGN_NONE;
	if (!field_is(b, 28, tail, 4) || (form != 5 && form != 4) || field_u8(b, 25) != 2 ||
	    length > TEXT_MAX)
		return SIGN_NONE;
	return SIGN_PROOF;
}

/* "Realm:Login to SERIAL" */
static void
learn_realm(struct app *app, struct span text)
{
	struct cursor c = field_cursor(field_after(text, "Login to "));
	struct span serial;

	if (cursor_line(&c, text.len, &serial))
		learn_text(app, "serial", serial);
}

static enum sign
answer_check(struct span b, size_t length, struct app *app)
{
	struct span text = field_bytes(b, HEADER, length);

	if (field_u8(b, 1) == 0 || length == 0)
		return length <= TEXT_MAX ? SIGN_FITS : SIGN_NONE;
	if (!span_starts(text, "Realm:") || span_find(text, "\r\nRandom:") < 0)
		return SIGN_NONE;
	learn_realm(app, text);
	return SIGN_PROOF;
}

static enum sign
json_check(struct span b, size_t length, struct app *app)
{
	static const struct learn_row facts[] = {
		{"SerialNo", "serial"}, {"DeviceType", "model"}, {"mac", "mac"}, {0}};
	struct span json = field_bytes(b, HEADER, length);

	if (field_le32(b, 16) != length || field_u32(b, 12) || field_u32(b, 20) || field_u32(b, 28) ||
	    !markup_json(json))
		return SIGN_NONE;
	markup_learn_keys(app, json, facts);
	return SIGN_PROOF;
}

static const struct kind {
	uint8_t code[2], third;
	bool any_fourth;
} kinds[] = {
	{{0xa0, 0x00}, 0, true}, {{0xa0, 0x01}, 0, false}, {{0xa0, 0x05}, 0, true},
	{{0xb0, 0x00}, 0, true}, {{0xb0, 0x01}, 0, true},  {{0xf6, 0x00}, 0, false},
};

/* The codes as far as they are there; byte 3 of a login is 0 or 60, an answer's is a status. */
static bool
code_fits(struct span b)
{
	uint8_t first = field_u8(b, 0);

	if (first != 0xa0 && first != 0xb0 && first != 0xf6)
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *k = &kinds[i];
		if (!field_fits(b, 0, k->code, 2) || !field_fits(b, 2, &k->third, 1))
			continue;
		uint8_t fourth = field_u8(b, 3);
		if (fourth == 0 || (k->any_fourth && (fourth == 0x60 || k->code[0] == 0xb0)))
			return true;
	}
	return false;
}

static enum sign
frame_check(struct span b, size_t length, struct app *app)
{
	switch (field_u8(b, 0)) {
	case 0xa0:
		return request_check(b, length);
	case 0xb0:
		return answer_check(b, length, app);
	}
	return json_check(b, length, app);
}

static enum sign
dvrip_stream(struct span b, int side, struct app *app)
{
	uint8_t not_its_own = side == PROBE_TO_SERVER ? 0xb0 : 0xa0;
	size_t length = field_le32(b, 4);

	if (!code_fits(b) || field_u8(b, 0) == not_its_own || length > PAYLOAD_MAX)
		return SIGN_NONE;
	return b.len < HEADER || b.len < HEADER + length ? SIGN_MORE : frame_check(b, length, app);
}

static enum sign
dvrip_datagram(struct span d, int side, struct app *app)
{
	(void)side;
	if (!code_fits(d) || d.len < HEADER || d.len - HEADER != field_le32(d, 4))
		return SIGN_NONE;
	return frame_check(d, d.len - HEADER, app);
}

static enum probe_result
dvrip_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "dvrip", 0, dvrip_stream, dvrip_datagram);
}

const struct probe probe_dvrip = {
	.name = "dvrip",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = dvrip_inspect,
	.help = "Dahua DVRIP login and control: serial number from the realm",
};
