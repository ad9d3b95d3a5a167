/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STUN and TURN over UDP and TCP (RFC 8489, 8656):
 *   type 2 | length 2, a multiple of 4 | 21 12 a4 42 | transaction 12 | attributes of type 2, length 2, value padded to 4
 * The old form without the cookie (RFC 3489) has 16 bytes of transaction there and must show a known attribute.
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"
#include "text.h"

enum {
	COOKIE = 0x2112a442,
	HEADER = 20,
	METHOD_BINDING = 1,
	METHOD_ALLOCATE = 3,
	METHOD_LAST = 12,
	ATTRIBUTE_SOFTWARE = 0x8022,
	CLASSIC_LAST = 11, /* REFLECTED-FROM */
	MESSAGE_MAX = 2048,
};

struct stun {
	uint16_t method;
	bool classic;
	struct span software;
};

/* The method's 12 bits lie around the class's two (RFC 8489, figure 3). */
static uint16_t
method_of(uint16_t type)
{
	return (uint16_t)((type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2);
}

static bool
attributes_fit(struct cursor c, struct stun *s)
{
	unsigned n = 0;
	while (cursor_left(&c)) {
		uint16_t type = cursor_u16(&c), length = cursor_u16(&c);
		struct span value = cursor_bytes(&c, length);
		/* A few senders count the padding of the last one in no length; the message's own length rules. */
		cursor_skip(&c, (4 - length % 4) % 4);
		if (c.bad || (s->classic && (type == 0 || type > CLASSIC_LAST)))
			return false;
		if (type == ATTRIBUTE_SOFTWARE)
			s->software = value;
		n++;
	}
	return !c.bad && (!s->classic || n > 0);
}

static bool
header_ok(uint16_t type, uint16_t length, struct stun *ret)
{
	ret->method = method_of(type);
	ret->software = (struct span){0};
	return !(type & 0xc000) && length % 4 == 0 && length <= MESSAGE_MAX && ret->method >= METHOD_BINDING &&
	       ret->method <= METHOD_LAST;
}

/* A message that fills c. */
static bool
read_message(struct cursor c, struct stun *ret)
{
	uint16_t type = cursor_u16(&c), length = cursor_u16(&c);
	ret->classic = cursor_u32(&c) != COOKIE;
	cursor_skip(&c, 12);
	if (c.bad || !header_ok(type, length, ret) || cursor_left(&c) != length)
		return false;
	return (!ret->classic || ret->method <= 2) && attributes_fit(c, ret);
}

/* RFC 8656, section 12.4: data over a channel. */
static bool
is_channel_data(struct cursor c)
{
	uint16_t channel = cursor_u16(&c), length = cursor_u16(&c);
	size_t left = cursor_left(&c);
	return !c.bad && channel >= 0x4000 && channel <= 0x4fff && left >= length && left - length < 4;
}

/* The first datagram is a message; later ones may carry a channel's data. TURN as soon as a message asks for a relay. */
static enum probe_result
datagrams(const struct probe_side *side, struct stun *ret)
{
	for (size_t i = 0; i < side->n; i++) {
		struct stun s;
		if (read_message(side_unit(side, i), &s)) {
			if (i == 0 || s.method >= METHOD_ALLOCATE)
				*ret = s;
		} else if (i == 0 || !is_channel_data(side_unit(side, i))) {
			return PROBE_NO;
		}
	}
	return side->n ? PROBE_DONE : PROBE_MORE;
}

/* Over TCP the cookie is required. */
static enum probe_result
stream(struct cursor c, struct stun *ret)
{
	static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};
	struct cursor head = c;
	size_t have = cursor_left(&c);

	if (have && (cursor_peek(&c, 0) & 0xc0))
		return PROBE_NO;
	uint16_t type = cursor_u16(&head), length = cursor_u16(&head);
	if (have >= 4 && (!header_ok(type, length, ret) || side_bytes(&head, cookie, sizeof cookie) == PROBE_NO))
		return PROBE_NO;
	if (have < HEADER || have < HEADER + (size_t)length)
		return PROBE_MORE;
	return read_message(cursor_take(&c, HEADER + (size_t)length), ret) ? PROBE_DONE : PROBE_NO;
}

static enum probe_result
stun_inspect(const struct probe_input *in, struct app *app)
{
	struct stun client, server;
	enum probe_result r;

	if (in->l4 == IPPROTO_TCP)
		r = stream(side_stream(in, PROBE_TO_SERVER), &client);
	else
		r = in->l4 == IPPROTO_UDP ? datagrams(&in->side[PROBE_TO_SERVER], &client) : PROBE_NO;
	if (r == PROBE_DONE && in->l4 == IPPROTO_UDP && datagrams(&in->side[PROBE_TO_CLIENT], &server) == PROBE_NO)
		return PROBE_NO;
	if (r != PROBE_DONE)
		return r;
	app->protocol = client.method >= METHOD_ALLOCATE ? "turn" : "stun";
	if (text_clean(client.software))
		span_text(client.software, app->banner, sizeof app->banner);
	return r;
}

const struct probe probe_stun = {
	"stun", 0, PROVES_CLIENT, stun_inspect, "STUN by a whole message: software",
};

const struct probe probe_turn = {
	"turn", 0, PROVES_CLIENT, probe_alias, "TURN: STUN that asks for a relay",
};
