/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SOCKS. Version 5 (RFC 1928): 05, n, n methods, and the client waits. Version 4 and 4a: 04, command, port 2, address 4, user, NUL,
 * and a name, NUL, where the address is 0.0.0.x.
 */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"
#include "text.h"

enum { METHODS_MAX = 10, METHOD_LAST = 9, METHOD_PRIVATE = 0x80, TEXT_MAX = 255 };

/* Methods of the registry, each once; no authentication or a password among them, because servers speak nothing else. */
static bool
methods_ok(struct span methods)
{
	uint32_t seen = 0;
	for (size_t i = 0; i < methods.len; i++) {
		uint8_t m = methods.p[i];
		if (m > METHOD_LAST && m < METHOD_PRIVATE)
			return false;
		if (m <= METHOD_LAST && (seen & 1u << m))
			return false;
		if (m <= METHOD_LAST)
			seen |= 1u << m;
	}
	return seen & (1u << 0 | 1u << 2);
}

static enum probe_result
version5(struct cursor c, struct cursor server)
{
	cursor_skip(&c, 1);
	if (cursor_left(&c) == 0)
		return PROBE_MORE;
	uint8_t n = cursor_u8(&c);
	if (n == 0 || n > METHODS_MAX)
		return PROBE_NO;
	struct span methods = cursor_bytes(&c, n);
	if (c.bad)
		return PROBE_MORE;
	if (!methods_ok(methods) || (cursor_left(&server) && cursor_peek(&server, 0) != 5))
		return PROBE_NO;
	/* More than a greeting before the server has chosen: not what a SOCKS client does. */
	return cursor_left(&c) && cursor_left(&server) < 2 ? PROBE_MORE : PROBE_DONE;
}

/* Text to a NUL. */
static enum probe_result
text_field(struct cursor *c, struct span *ret)
{
	struct span rest = cursor_rest(&(struct cursor){c->p, c->end, c->bad});
	size_t left = rest.len;
	*ret = text_until(&rest, 0);
	if (ret->len > TEXT_MAX || !text_clean(*ret))
		return PROBE_NO;
	if (ret->len == left)
		return PROBE_MORE;
	cursor_skip(c, ret->len + 1);
	return PROBE_DONE;
}

static enum probe_result
version4(struct cursor c, char name[APP_NAME])
{
	struct span text;
	cursor_skip(&c, 1);
	if (cursor_left(&c) && (cursor_peek(&c, 0) < 1 || cursor_peek(&c, 0) > 2))
		return PROBE_NO;
	cursor_skip(&c, 1);
	uint16_t port = cursor_u16(&c);
	uint32_t address = cursor_u32(&c);
	if (c.bad)
		return PROBE_MORE;
	if (port == 0 || address == 0)
		return PROBE_NO;
	enum probe_result r = text_field(&c, &text);
	if (r == PROBE_DONE && address < 256) {
		r = text_field(&c, &text);
		if (r == PROBE_DONE && text_host(text, name) == HOST_BAD)
			r = PROBE_NO;
	}
	return r == PROBE_DONE && cursor_left(&c) ? PROBE_NO : r;
}

static enum probe_result
socks_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor c = side_stream(in, PROBE_TO_SERVER);
	char name[APP_NAME] = "";
	enum probe_result r;

	if (cursor_left(&c) == 0)
		return PROBE_MORE;
	if (cursor_peek(&c, 0) == 5)
		r = version5(c, side_stream(in, PROBE_TO_CLIENT));
	else
		r = cursor_peek(&c, 0) == 4 ? version4(c, name) : PROBE_NO;
	if (r == PROBE_DONE) {
		app->protocol = "socks";
		app->has_name = name[0] != 0;
		memcpy(app->name, name, sizeof name);
	}
	return r;
}

const struct probe probe_socks = {
	"socks", IPPROTO_TCP, PROVES_CLIENT, socks_inspect, "SOCKS 4, 4a and 5 by the client's greeting: name asked for (4a)",
};
