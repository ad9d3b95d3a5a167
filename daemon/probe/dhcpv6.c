/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCPv6 (RFC 8415): type 1 | transaction 3 | options of code 2, length 2, value, to the last byte; a client or server id is there. */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"

enum {
	TYPE_SOLICIT = 1,
	TYPE_INFORMATION_REQUEST = 11,
	TYPE_RELAY_FORWARD = 12,
	TYPE_RELAY_REPLY = 13,
	OPTION_CLIENT_ID = 1,
	OPTION_SERVER_ID = 2,
	OPTION_ELAPSED = 8,
	OPTION_RELAY_MESSAGE = 9,
	OPTION_LAST = 150, /* IANA, with some room */
	DUID_MIN = 4,
	DUID_MAX = 130,
	DUID_LAST_TYPE = 4,
};

/* Type 2, then at least as many bytes as its shortest form has. */
static bool
duid_fits(struct cursor c)
{
	size_t n = cursor_left(&c);
	uint16_t type = cursor_u16(&c);
	return n >= DUID_MIN && n <= DUID_MAX && type >= 1 && type <= DUID_LAST_TYPE;
}

static bool
option_fits(uint16_t code, struct cursor body)
{
	if (code == OPTION_CLIENT_ID || code == OPTION_SERVER_ID)
		return duid_fits(body);
	return code != OPTION_ELAPSED || cursor_left(&body) == 2;
}

static bool
fits(struct cursor c)
{
	uint8_t type = cursor_u8(&c);
	bool relay = type == TYPE_RELAY_FORWARD || type == TYPE_RELAY_REPLY, proof = false;

	cursor_skip(&c, relay ? 1 + 16 + 16 : 3);
	while (cursor_left(&c)) {
		uint16_t code = cursor_u16(&c);
		struct cursor body = cursor_take(&c, cursor_u16(&c));
		if (body.bad || code == 0 || code > OPTION_LAST || !option_fits(code, body))
			return false;
		/* Only an information request may leave its id out; it shows how long it has been asking instead. */
		proof = proof || (relay ? code == OPTION_RELAY_MESSAGE
					: code <= OPTION_SERVER_ID || (type == TYPE_INFORMATION_REQUEST && code == OPTION_ELAPSED));
	}
	return !c.bad && type >= TYPE_SOLICIT && type <= TYPE_RELAY_REPLY && proof;
}

static enum probe_result
dhcpv6_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = side_datagrams(in, fits, fits);
	if (r == PROBE_DONE)
		app->protocol = "dhcpv6";
	return r;
}

const struct probe probe_dhcpv6 = {
	"dhcpv6", IPPROTO_UDP, PROVES_EITHER, dhcpv6_inspect, "DHCPv6",
};
