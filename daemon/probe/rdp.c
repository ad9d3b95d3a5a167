/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RDP by its connection request (MS-RDPBCGR, section 2.2.1.1):
 *   TPKT 3 0 length 2 | X.224 length 1, e0, 0000, source 2, class 0 | cookie or token, CR LF | negotiation 01 flags 0800 protocols 4
 * Other users of TPKT and X.224 send parameters where RDP has these.
 */
#include <netinet/in.h>
#include <string.h>

#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"

enum { REQUEST_MAX = 512, X224_CONNECT = 0xe0, NEGOTIATION_LEN = 8, NEGOTIATION = 1, CORRELATION = 6 };

static enum probe_result
read_tpkt(struct cursor *c, struct cursor *ret_body)
{
	enum probe_result r = side_bytes(c, "\x03\0", 2);
	if (r != PROBE_DONE)
		return r;
	if (cursor_left(c) < 2)
		return PROBE_MORE;
	uint16_t length = cursor_u16(c);
	if (length < 11 || length > REQUEST_MAX)
		return PROBE_NO;
	*ret_body = cursor_take(c, length - 4u);
	return ret_body->bad ? PROBE_MORE : PROBE_DONE;
}

/* Cookie: mstshash=user, or a load balancer's token. */
static bool
read_cookie(struct cursor *c, struct span *ret)
{
	if (cursor_peek(c, 0) != 'C')
		return true;
	return cursor_line(c, REQUEST_MAX, ret) && span_starts(*ret, "Cookie: ") && text_clean(*ret);
}

/* A negotiation request, maybe with a correlation request behind it. */
static bool
read_negotiation(struct cursor *c)
{
	if (cursor_left(c) == 0)
		return true;
	uint8_t type = cursor_u8(c), flags = cursor_u8(c);
	uint16_t length = cursor_le16(c);
	uint32_t protocols = cursor_le32(c);
	if (c->bad || type != NEGOTIATION || length != NEGOTIATION_LEN || flags & ~0x0b || protocols & ~0x1fu)
		return false;
	return cursor_left(c) == 0 || (cursor_left(c) == 36 && cursor_peek(c, 0) == CORRELATION);
}

static enum probe_result
rdp_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor c = side_stream(in, PROBE_TO_SERVER), body = c;
	struct span cookie = {0};

	enum probe_result r = read_tpkt(&c, &body);
	if (r != PROBE_DONE)
		return r;
	size_t left = cursor_left(&body);
	uint8_t indicator = cursor_u8(&body), code = cursor_u8(&body);
	uint16_t destination = cursor_u16(&body);
	cursor_skip(&body, 2);
	uint8_t class = cursor_u8(&body);
	size_t variable = cursor_left(&body);
	if (indicator + 1u != left || code != X224_CONNECT || destination || class || variable == 0 ||
	    !read_cookie(&body, &cookie) || !read_negotiation(&body) || cursor_left(&c))
		return PROBE_NO;
	app->protocol = "rdp";
	learn_text(app, "cookie", text_from(cookie, strlen("Cookie: ")));
	return PROBE_DONE;
}

const struct probe probe_rdp = {
	"rdp", IPPROTO_TCP, PROVES_CLIENT, rdp_inspect, "RDP by its connection request: cookie",
};
