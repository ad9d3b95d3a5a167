/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xiongmai (XM, "Sofia"): TCP 34567 control, UDP 34569 discovery, 34568.
 *
 *	0 ff   1 version 0 or 1   2 zero   4 session   8 sequence   12 total, current   14 message id
 *	16 length   20 JSON, then 0a 00
 *
 * Numbers are little endian. The search is a header without a body.
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum {
	HEADER = 20,
	JSON_MAX = 16384,
	ID_FIRST = 1000, /* login */
	ID_LAST = 3000,
	ID_SEARCH = 1530,
};

static const struct learn_row facts[] = {{"SN", "serial"}, {"MAC", "mac"}, {"HostName", "name"}, {0}};

/* As far as the header is there. */
static bool
header_fits(struct span b)
{
	static const uint8_t first = 0xff, zero[2];
	if (!field_fits(b, 0, &first, 1))
		return false;
	uint16_t id = field_le16(b, 14);
	return field_u8(b, 1) <= 1 && field_fits(b, 2, zero, sizeof zero) &&
	       (b.len < 16 || (id >= ID_FIRST && id <= ID_LAST)) && field_le32(b, 16) <= JSON_MAX;
}

static enum sign
frame_check(struct span b, struct app *app)
{
	struct span json = field_rest(b, HEADER);

	if (!markup_json(json))
		return SIGN_NONE;
	markup_learn_keys(app, json, facts);
	return SIGN_PROOF;
}

static enum sign
xm_stream(struct span b, int side, struct app *app)
{
	size_t length = field_le32(b, 16);

	(void)side;
	if (!header_fits(b) || (b.len >= HEADER && length == 0))
		return SIGN_NONE;
	return b.len < HEADER || b.len < HEADER + length
		       ? SIGN_MORE
		       : frame_check(field_bytes(b, 0, HEADER + length), app);
}

static enum sign
xm_datagram(struct span d, int side, struct app *app)
{
	(void)side;
	if (d.len < HEADER || !header_fits(d) || d.len - HEADER != field_le32(d, 16))
		return SIGN_NONE;
	if (d.len == HEADER)
		return field_le16(d, 14) == ID_SEARCH && field_filled(d, 1, 13, 0) ? SIGN_PROOF : SIGN_NONE;
	return frame_check(d, app);
}

static enum probe_result
xm_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "xm-sofia", 0, xm_stream, xm_datagram);
}

const struct probe probe_xm_sofia = {
	.name = "xm-sofia",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = xm_inspect,
	.help = "Xiongmai control and discovery: serial number, MAC, name",
};
