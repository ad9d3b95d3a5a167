/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MQTT CONNECT (OASIS MQTT 3.1.1 and 5.0, section 3.1; MQTT 3.1):
 *   10 | remaining length 1-4 | name | level | flags | keep-alive 2 | [properties] | client id | [will] | [user] | [password]
 */
#include <netinet/in.h>
#include <string.h>

#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"

enum {
	CONNECT = 0x10,
	FLAG_WILL = 0x04,
	FLAG_WILL_QOS = 0x18,
	FLAG_WILL_RETAIN = 0x20,
	FLAG_PASSWORD = 0x40,
	FLAG_USER = 0x80,
	CONNECT_MAX = 16384,
	TYPE_LAST = 15,
};

/* 7 bits a byte, lowest first. SIZE_MAX: not whole; more than four bytes set bad. */
static size_t
variable_int(struct cursor *c)
{
	size_t v = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t b = cursor_u8(c);
		v |= (size_t)(b & 0x7f) << 7 * i;
		if (c->bad || !(b & 0x80))
			return c->bad ? SIZE_MAX : v;
	}
	c->bad = true;
	return SIZE_MAX;
}

static struct span
field(struct cursor *c)
{
	return cursor_bytes(c, cursor_u16(c));
}

static bool
name_ok(struct span name, uint8_t level)
{
	return (span_equals(name, "MQTT") && (level == 4 || level == 5)) || (span_equals(name, "MQIsdp") && level == 3);
}

static bool
flags_ok(uint8_t f)
{
	bool will = f & FLAG_WILL;
	if ((f & 1) || (f & FLAG_WILL_QOS) == FLAG_WILL_QOS)
		return false;
	return will || !(f & (FLAG_WILL_QOS | FLAG_WILL_RETAIN));
}

static void
skip_properties(struct cursor *c, uint8_t level)
{
	if (level == 5)
		cursor_skip(c, variable_int(c));
}

static bool
read_connect(struct cursor c, struct span *ret_client, struct span *ret_user)
{
	struct span name = field(&c);
	uint8_t level = cursor_u8(&c), flags = cursor_u8(&c);
	cursor_skip(&c, 2);
	if (c.bad || !name_ok(name, level) || !flags_ok(flags))
		return false;
	skip_properties(&c, level);
	*ret_client = field(&c);
	if (flags & FLAG_WILL) {
		skip_properties(&c, level);
		(void)field(&c);
		(void)field(&c);
	}
	*ret_user = flags & FLAG_USER ? field(&c) : (struct span){0};
	if (flags & FLAG_PASSWORD)
		(void)field(&c);
	return !c.bad && cursor_left(&c) == 0 && text_clean(*ret_client) && text_clean(*ret_user);
}

/* Clients may go on without waiting for the answer: any packet but another CONNECT or a broker's own. */
static bool
next_fits(const struct cursor *c)
{
	uint8_t type = cursor_peek(c, 0) >> 4;
	return cursor_left(c) == 0 || (type > 2 && type <= TYPE_LAST && type != 9 && type != 11 && type != 13);
}

static enum probe_result
mqtt_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor c = side_stream(in, PROBE_TO_SERVER);
	struct span client, user;

	if (cursor_left(&c) && cursor_u8(&c) != CONNECT)
		return PROBE_NO;
	size_t have = cursor_left(&c), length = variable_int(&c);
	if (length == SIZE_MAX)
		return have < 4 ? PROBE_MORE : PROBE_NO;
	struct cursor start = c;
	cursor_skip(&start, 1); /* the name's length: 4 or 6 */
	uint8_t name_len = cursor_u8(&start);
	const char *name = name_len == 4 ? "MQTT" : "MQIsdp";
	if (length > CONNECT_MAX || (cursor_left(&c) && cursor_peek(&c, 0)) ||
	    (!start.bad && ((name_len != 4 && name_len != 6) || side_bytes(&start, name, name_len) == PROBE_NO)))
		return PROBE_NO;
	struct cursor body = cursor_take(&c, length);
	if (body.bad)
		return PROBE_MORE;
	if (!read_connect(body, &client, &user) || !next_fits(&c))
		return PROBE_NO;
	app->protocol = "mqtt";
	span_text(client, app->banner, sizeof app->banner);
	learn_text(app, "user", user);
	return PROBE_DONE;
}

const struct probe probe_mqtt = {
	"mqtt", IPPROTO_TCP, PROVES_CLIENT, mqtt_inspect, "MQTT 3.1 to 5 by CONNECT: client id, user name",
};
