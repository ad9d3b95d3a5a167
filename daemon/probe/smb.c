/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMB by its first negotiation (MS-SMB2, MS-SMB): 00, length 3, then fe SMB or ff SMB. On NetBIOS's port a session request
 * (RFC 1002, section 4.3.2) comes before it.
 */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"

enum {
	SESSION_REQUEST = 0x81,
	SESSION_LEN = 68, /* two encoded names */
	MESSAGE_MAX = 16384,
	SMB1_NEGOTIATE = 0x72,
	SMB2_HEADER = 64,
	NEGOTIATE_LEN = 36,
};

/* NO: the header says something else already. */
static enum probe_result
smb2_negotiate(struct cursor c)
{
	cursor_skip(&c, 4);
	uint16_t header = cursor_le16(&c);
	cursor_skip(&c, 6);
	uint16_t command = cursor_le16(&c);
	cursor_skip(&c, SMB2_HEADER - 14);
	uint16_t size = cursor_le16(&c), dialects = cursor_le16(&c);
	bool fits = header == SMB2_HEADER && command == 0 && size == NEGOTIATE_LEN && dialects >= 1 && dialects <= 16;
	cursor_skip(&c, NEGOTIATE_LEN - 4 + 2u * dialects);
	return fits && !c.bad ? PROBE_DONE : PROBE_NO;
}

/* Dialects: 02, text, NUL. */
static enum probe_result
smb1_negotiate(struct cursor c)
{
	cursor_skip(&c, 4);
	uint8_t command = cursor_u8(&c);
	cursor_skip(&c, 27);
	uint8_t words = cursor_u8(&c);
	uint16_t bytes = cursor_le16(&c);
	bool fits = command == SMB1_NEGOTIATE && words == 0 && bytes == cursor_left(&c) && bytes > 0;
	struct span dialects = cursor_rest(&c);
	return fits && dialects.p[0] == 2 && dialects.p[dialects.len - 1] == 0 ? PROBE_DONE : PROBE_NO;
}

/* A whole message, without its four bytes of length. */
static enum probe_result
read_message(struct cursor *c, uint8_t type, struct cursor *ret)
{
	if (cursor_left(c) && cursor_peek(c, 0) != type)
		return PROBE_NO;
	if (cursor_left(c) < 4)
		return cursor_left(c) > 1 && cursor_peek(c, 1) ? PROBE_NO : PROBE_MORE;
	cursor_skip(c, 1);
	uint32_t length = cursor_u24(c);
	if (length < 35 || length > MESSAGE_MAX)
		return PROBE_NO;
	size_t have = cursor_left(c);
	*ret = cursor_take(c, have < length ? have : length);
	return have < length ? PROBE_MORE : PROBE_DONE;
}

static enum probe_result
skip_session(struct cursor *c)
{
	struct cursor body = cursor_of("", 0);
	if (cursor_peek(c, 0) != SESSION_REQUEST)
		return PROBE_DONE;
	enum probe_result r = read_message(c, SESSION_REQUEST, &body);
	/* Its length is fixed, and a name is 32 bytes with its length before it. */
	if (r == PROBE_NO || (r == PROBE_DONE && cursor_left(&body) != SESSION_LEN))
		return PROBE_NO;
	return cursor_left(&body) && cursor_peek(&body, 0) != 0x20 ? PROBE_NO : r;
}

static enum probe_result
smb_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor c = side_stream(in, PROBE_TO_SERVER), message = cursor_of("", 0);

	enum probe_result r = skip_session(&c);
	if (r != PROBE_DONE)
		return r;
	r = read_message(&c, 0, &message);
	if (r == PROBE_NO)
		return r;
	struct cursor two = message, one = message;
	enum probe_result new = side_bytes(&two, "\xfeSMB", 4), old = side_bytes(&one, "\xffSMB", 4);
	if (new == PROBE_NO && old == PROBE_NO)
		return PROBE_NO;
	if (r == PROBE_MORE)
		return r;
	r = new == PROBE_DONE ? smb2_negotiate(message) : smb1_negotiate(message);
	if (r == PROBE_DONE)
		app->protocol = "smb";
	return r;
}

const struct probe probe_smb = {
	"smb", IPPROTO_TCP, PROVES_CLIENT, smb_inspect, "SMB 1 to 3 by its negotiation",
};
