/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCPv6 (RFC 8415): type 1 | transaction 3 | options of code 2, length 2, value, to the last byte; a client or server id is there.
 * Of what clients send the host name, the vendor class and the MAC in the DUID are learnt, also from inside what a relay forwards:
 *   type 1 | hops 1 | link address 16 | peer address 16 | options, one of which is the message
 */
#include <netinet/in.h>

#include "learn.h"
#include "probes.h"
#include "side.h"

enum {
	TYPE_SOLICIT = 1,
	TYPE_ADVERTISE = 2,
	TYPE_REPLY = 7,
	TYPE_RECONFIGURE = 10,
	TYPE_INFORMATION_REQUEST = 11,
	TYPE_RELAY_FORWARD = 12,
	TYPE_RELAY_REPLY = 13,
	OPTION_CLIENT_ID = 1,
	OPTION_SERVER_ID = 2,
	OPTION_ELAPSED = 8,
	OPTION_RELAY_MESSAGE = 9,
	OPTION_VENDOR_CLASS = 16,
	OPTION_CLIENT_FQDN = 39, /* RFC 4704 */
	OPTION_LAST = 150, /* IANA, with some room */
	DUID_MIN = 4,
	DUID_MAX = 130,
	DUID_LAST_TYPE = 4,
	DUID_LLT = 1,
	DUID_LL = 3,
	HARDWARE_ETHERNET = 1,
	RELAYS_MAX = 8, /* one in another; RFC 8415 has no more hops */
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

/* type 2 | hardware 2 | (LLT: time 4) | address; others hold none. */
static void
learn_duid(struct app *app, struct cursor c)
{
	uint16_t type = cursor_u16(&c);

	if ((type != DUID_LLT && type != DUID_LL) || cursor_u16(&c) != HARDWARE_ETHERNET)
		return;
	if (type == DUID_LLT)
		cursor_skip(&c, 4);
	struct span address = cursor_rest(&c);
	if (address.len == 6)
		learn_mac(app, address, 0);
}

/* flags 1 | labels; the first one is the host. */
static void
learn_fqdn(struct app *app, struct cursor c)
{
	cursor_skip(&c, 1);
	struct span label = cursor_bytes(&c, cursor_u8(&c));

	if (label.len <= 63)
		learn_text(app, "name", label);
}

/* enterprise 4 | {length 2, data}: the first one. */
static void
learn_class(struct app *app, struct cursor c)
{
	cursor_skip(&c, 4);
	learn_banner(app, cursor_bytes(&c, cursor_u16(&c)));
}

static const struct {
	uint16_t code;
	void (*learn)(struct app *app, struct cursor body);
} learners[] = {
	{OPTION_CLIENT_ID, learn_duid},
	{OPTION_CLIENT_FQDN, learn_fqdn},
	{OPTION_VENDOR_CLASS, learn_class},
};

/* c: a message that fits. Returns what a relay wraps; empty when there is nothing more. */
static struct cursor
learn_message(struct app *app, struct cursor c)
{
	uint8_t type = cursor_u8(&c);
	bool relay = type == TYPE_RELAY_FORWARD;
	struct cursor inner = cursor_of(NULL, 0);

	if (type == TYPE_RELAY_REPLY || type == TYPE_ADVERTISE || type == TYPE_REPLY || type == TYPE_RECONFIGURE)
		return inner; /* a server's words about somebody */
	cursor_skip(&c, relay ? 1 + 16 + 16 : 3);
	while (cursor_left(&c)) {
		uint16_t code = cursor_u16(&c);
		struct cursor body = cursor_take(&c, cursor_u16(&c));
		if (relay && code == OPTION_RELAY_MESSAGE)
			inner = body;
		for (size_t i = 0; !relay && i < sizeof learners / sizeof *learners; i++)
			if (learners[i].code == code)
				learners[i].learn(app, body);
	}
	return inner;
}

static enum probe_result
dhcpv6_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = side_datagrams(in, fits, fits);
	if (r != PROBE_DONE)
		return r;
	app->protocol = "dhcpv6";
	for (size_t i = 0; i < in->side[PROBE_TO_SERVER].n; i++) {
		struct cursor c = side_unit(&in->side[PROBE_TO_SERVER], i);
		for (unsigned depth = 0; depth < RELAYS_MAX && cursor_left(&c); depth++)
			c = learn_message(app, c);
	}
	return r;
}

const struct probe probe_dhcpv6 = {
	"dhcpv6", IPPROTO_UDP, PROVES_EITHER, dhcpv6_inspect, "DHCPv6: host name, MAC in the DUID, and vendor class as banner",
};
