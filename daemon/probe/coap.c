/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CoAP (RFC 7252, section 3): version 1, type, token length | code | message id 2 | token | options | ff, payload.
 * A request must name a resource with registered options; an empty message alone proves nothing. The port is a second reason
 * where the name is short.
 */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"
#include "text.h"

enum {
	URI_HOST = 3,
	URI_PATH = 11,
	URI_QUERY = 15,
	PAYLOAD = 0xff,
	GET = 1,
	DELETE = 4,
	PORT = 5683,
	NAMED_ELSEWHERE = 4, /* bytes of name that a request on another port must show: three are found in noise now and then */
	TOKEN_MAX = 8,
	REQUEST_LAST = 7,
	OPTION_MAX = 65000,
};

/* IANA's options with the lengths that they may have. */
static const struct coap_option {
	uint16_t number, least, most;
} registered[] = {
	{1, 0, 8},   {URI_HOST, 1, 253}, {4, 1, 8},  {5, 0, 0},  {6, 0, 3},   {7, 0, 2},   {8, 0, 255},     {9, 0, 255},  {URI_PATH, 0, 255},
	{12, 0, 2},  {14, 0, 4},	 {URI_QUERY, 0, 255}, {16, 1, 1}, {17, 0, 2}, {19, 0, 3}, {20, 0, 255}, {21, 0, 0}, {23, 0, 3},
	{27, 0, 3},  {28, 0, 4},	 {31, 0, 3}, {35, 1, 1034}, {39, 1, 255}, {60, 0, 4}, {252, 1, 40}, {258, 0, 1}, {292, 0, 8},
};

struct coap {
	uint8_t type, code;
	size_t named; /* bytes of text that name a resource */
	char host[APP_NAME], path[APP_NAME];
};

static bool
is_registered(uint32_t option, size_t len)
{
	for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
		if (registered[i].number == option)
			return len >= registered[i].least && len <= registered[i].most;
	return false;
}

/* Devices name their resources in ASCII. */
static bool
is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* Nibbles 13 and 14 say that one or two bytes more follow. */
static uint32_t
extended(struct cursor *c, uint8_t nibble)
{
	if (nibble == 13)
		return cursor_u8(c) + 13u;
	if (nibble == 14)
		return cursor_u16(c) + 269u;
	if (nibble == 15)
		c->bad = true;
	return nibble;
}

static bool
take_option(struct coap *m, uint32_t option, struct span value)
{
	bool text = option == URI_HOST || option == URI_PATH || option == URI_QUERY;
	if (!is_registered(option, value.len) || (text && !is_ascii(value)))
		return false;
	m->named += text ? value.len : 0;
	if (option == URI_HOST)
		return text_host(value, m->host) != HOST_BAD;
	if (option == URI_PATH) {
		size_t n = strlen(m->path);
		if (n + 2 < sizeof m->path) {
			m->path[n] = '/';
			span_text(value, m->path + n + 1, sizeof m->path - n - 1);
		}
	}
	return true;
}

static bool
read_options(struct cursor *c, struct coap *m)
{
	uint32_t option = 0;
	while (cursor_left(c)) {
		uint8_t b = cursor_u8(c);
		if (b == PAYLOAD)
			return cursor_left(c) > 0 && m->code != GET && m->code != DELETE;
		option += extended(c, b >> 4);
		struct span value = cursor_bytes(c, extended(c, b & 15));
		if (c->bad || option > OPTION_MAX || !take_option(m, option, value))
			return false;
	}
	return true;
}

static bool
code_ok(uint8_t code)
{
	uint8_t class = code >> 5;
	return class == 0 ? code <= REQUEST_LAST : class == 2 || class == 4 || class == 5;
}

static bool
read_message(struct cursor c, struct coap *m)
{
	uint8_t first = cursor_u8(&c), token = first & 15;
	memset(m, 0, sizeof *m);
	m->type = first >> 4 & 3;
	m->code = cursor_u8(&c);
	cursor_skip(&c, 2u + token);
	if (c.bad || first >> 6 != 1 || token > TOKEN_MAX || !code_ok(m->code))
		return false;
	if (m->code == 0) /* empty: acknowledgement, reset, ping */
		return token == 0 && cursor_left(&c) == 0 && m->type != 1;
	if (!read_options(&c, m))
		return false;
	bool request = m->code <= REQUEST_LAST;
	return !request || m->type < 2; /* requests are confirmable or not */
}

static bool
fits(struct cursor c)
{
	struct coap m;
	return read_message(c, &m);
}

static enum probe_result
coap_inspect(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];
	enum probe_result r = side_datagrams(in, fits, fits);
	struct coap m;

	if (r != PROBE_DONE)
		return r;
	for (size_t i = 0; i < client->n; i++)
		if (read_message(side_unit(client, i), &m) && m.code && m.code <= REQUEST_LAST &&
		    m.named >= (in->port == PORT ? 1 : NAMED_ELSEWHERE)) {
			app->protocol = "coap";
			app->has_name = m.host[0] != 0;
			memcpy(app->name, m.host, sizeof app->name);
			memcpy(app->http_path, m.path, sizeof app->http_path);
			return PROBE_DONE;
		}
	return PROBE_MORE;
}

const struct probe probe_coap = {
	"coap", IPPROTO_UDP, PROVES_CLIENT, coap_inspect, "CoAP by a request that names a resource: host, path",
};
