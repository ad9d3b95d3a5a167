/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CoAP (RFC 7252, section 3): version 1, type, token length | code | message id 2 | token | options | ff, payload.
 * A request must name a resource with registered options; an empty message alone proves nothing.
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
	TOKEN_MAX = 8,
	REQUEST_LAST = 7,
	OPTION_MAX = 65000,
};

static const uint16_t registered[] = {1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 19, 20, 21, 23, 27, 28, 31, 35, 39, 60, 252, 258, 292};

struct coap {
	uint8_t type, code;
	bool names; /* a resource */
	char host[APP_NAME], path[APP_NAME];
};

static bool
is_registered(uint32_t option)
{
	for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
		if (registered[i] == option)
			return true;
	return false;
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
	if (!is_registered(option))
		return false;
	if ((option == URI_PATH || option == URI_QUERY) && !text_clean(value))
		return false;
	m->names = m->names || option == URI_HOST || option == URI_PATH || option == URI_QUERY;
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
			return cursor_left(c) > 0;
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
		if (read_message(side_unit(client, i), &m) && m.code && m.code <= REQUEST_LAST && m.names) {
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
