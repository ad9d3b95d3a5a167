/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EZVIZ and Hik-Connect, three framings of one cloud. Big endian.
 *
 * Broker and LAN SDK, TCP:
 *	0 9e ba ac e9   4 version   8 sequence   12 reserved   16 command   20 status
 *	24 body length   28 trailer length   32 body: XML, or ciphered
 * Media relay (VTM), TCP:
 *	0 '$'   1 kind   2 length   4 sequence   6 code   8 body
 *	The stream request comes first and names its ysproto:// URL: interleaved RTSP begins likewise.
 * Peer to peer (V3), UDP:
 *	0 e2   1 flags   2 opcode   4 sequence   8 bits   10 header length   11 CRC-8
 *	12 body: elements {tag, length, value}, or ciphered in blocks of 16
 *
 * The CRC's polynomial is not known here, so two peer-to-peer datagrams must agree.
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum {
	BROKER_HEADER = 32,
	BODY_MAX = 8192,
	VTM_HEADER = 8,
	VTM_STREAM_REQUEST = 0x013b,
	V3_HEADER = 12,
	V3_CIPHERED = 0x80,
	V3_EXPANDED = 0x04,
	V3_WIDE_LENGTH = 0x02, /* of the element with tag 7 */
	V3_WIDE_TAG = 7,
};

static const uint8_t broker_magic[] = {0x9e, 0xba, 0xac, 0xe9};

static bool
broker_command_known(uint32_t command)
{
	static const uint16_t known[] = {0x2001, 0x2002, 0x2005, 0x2006, 0x2011, 0x2012, 0x2013,
					 0x2014, 0x300f, 0x3105, 0x3106, 0x5003, 0x5004, 0x5010};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (command == known[i])
			return true;
	return false;
}

static enum sign
broker_check(struct span b, struct app *app)
{
	static const struct learn_row facts[] = {{"DevSerial", "serial"}, {0}};

	if (b.len < BROKER_HEADER)
		return SIGN_MORE;
	uint32_t version = field_u32(b, 4), length = field_u32(b, 24);
	if ((version != 1 && version != 0x01000000) || field_u32(b, 12) ||
	    !broker_command_known(field_u32(b, 16)) || length > BODY_MAX || field_u32(b, 28) > BODY_MAX)
		return SIGN_NONE;
	if (b.len < BROKER_HEADER + length)
		return SIGN_MORE;
	markup_learn_tags(app, field_bytes(b, BROKER_HEADER, length), facts);
	return SIGN_PROOF;
}

/* ysproto://host:port/live?dev=SERIAL&… */
static void
vtm_learn(struct app *app, struct span body)
{
	struct span value = field_after(body, "dev=");
	size_t n = 0;
	while (n < value.len && field_alnum(field_bytes(value, n, 1), 1, 1))
		n++;
	learn_text(app, "serial", field_bytes(value, 0, n));
}

static enum sign
vtm_check(struct span b, struct app *app)
{
	static const uint8_t code[] = {VTM_STREAM_REQUEST >> 8, VTM_STREAM_REQUEST & 0xff};
	size_t length = field_u16(b, 2);

	if (!field_fits(b, 1, "", 1) || !field_fits(b, 6, code, sizeof code) || length > BODY_MAX)
		return SIGN_NONE;
	if (b.len < VTM_HEADER || b.len < VTM_HEADER + length)
		return SIGN_MORE;
	struct span body = field_bytes(b, VTM_HEADER, length);
	if (span_find(body, "ysproto://") < 0)
		return SIGN_NONE;
	vtm_learn(app, body);
	return SIGN_PROOF;
}

static enum sign
ezviz_stream(struct span b, int side, struct app *app)
{
	if (field_fits(b, 0, broker_magic, sizeof broker_magic))
		return broker_check(b, app);
	if (side == PROBE_TO_CLIENT) /* a relay's answers are known by the request only */
		return field_u8(b, 0) == '$' ? SIGN_MORE : SIGN_NONE;
	return field_u8(b, 0) == '$' ? vtm_check(b, app) : SIGN_NONE;
}

static bool
v3_opcode_known(uint16_t op)
{
	return (op >= 0x0b00 && op <= 0x0b05) || (op >= 0x0c00 && op <= 0x0c18) || op == 0x0d00 ||
	       op == 0x0d02;
}

static bool
v3_elements_fill(struct cursor c, bool wide)
{
	while (cursor_left(&c)) {
		bool two = cursor_u8(&c) == V3_WIDE_TAG && wide;
		cursor_skip(&c, two ? cursor_u16(&c) : cursor_u8(&c));
	}
	return !c.bad;
}

static enum sign
ezviz_datagram(struct span d, int side, struct app *app)
{
	uint8_t flags = field_u8(d, 1), header = field_u8(d, 10);

	(void)side;
	(void)app;
	if (d.len <= V3_HEADER || field_u8(d, 0) != 0xe2 || (flags & 1) ||
	    !v3_opcode_known(field_u16(d, 2)) || header < V3_HEADER || header > d.len ||
	    (header > V3_HEADER) != !!(flags & V3_EXPANDED))
		return SIGN_NONE;
	struct span body = field_rest(d, header);
	bool whole = flags & V3_CIPHERED ? body.len % 16 == 0
					 : v3_elements_fill(field_cursor(body), flags & V3_WIDE_LENGTH);
	return body.len && whole ? SIGN_FITS : SIGN_NONE;
}

static enum probe_result
ezviz_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "ezviz", 2, ezviz_stream, ezviz_datagram);
}

const struct probe probe_ezviz = {
	.name = "ezviz",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = ezviz_inspect,
	.help = "EZVIZ and Hik-Connect cloud: broker, media relay and peer-to-peer; serial number",
};
