/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard (its protocol page and white paper): four messages, each type 1 and three zeros, three of them of one length. An initiation ends
 * with a second MAC that is zero unless a cookie was handed out before.
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"

enum {
	INITIATION = 1,
	RESPONSE = 2,
	COOKIE = 3,
	TRANSPORT = 4,
	INITIATION_LEN = 148,
	RESPONSE_LEN = 92,
	COOKIE_LEN = 64,
	TRANSPORT_MIN = 32,
	MAC_LEN = 16,
};

/* The message's type; 0: none. */
static uint8_t
message_type(struct cursor c)
{
	size_t n = cursor_left(&c);
	uint32_t type = cursor_le32(&c);
	bool fits = (type == INITIATION && n == INITIATION_LEN) || (type == RESPONSE && n == RESPONSE_LEN) ||
		    (type == COOKIE && n == COOKIE_LEN) || (type == TRANSPORT && n >= TRANSPORT_MIN && n % 16 == 0);
	return fits ? (uint8_t)type : 0;
}

static bool
fits(struct cursor c)
{
	return message_type(c) != 0;
}

static bool
second_mac_is_zero(struct cursor c)
{
	static const uint8_t zero[MAC_LEN];
	cursor_skip(&c, INITIATION_LEN - MAC_LEN);
	return cursor_starts(&c, zero, MAC_LEN);
}

/* A first message; or a response or cookie to it, on the other side. */
static enum probe_result
wireguard_inspect(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER], *server = &in->side[PROBE_TO_CLIENT];
	bool proved = false, initiated = false;

	if (side_datagrams(in, fits, fits) == PROBE_NO)
		return PROBE_NO;
	for (size_t i = 0; i < client->n; i++)
		if (message_type(side_unit(client, i)) == INITIATION) {
			initiated = true;
			proved = proved || second_mac_is_zero(side_unit(client, i));
		}
	for (size_t i = 0; initiated && i < server->n; i++) {
		uint8_t type = message_type(side_unit(server, i));
		proved = proved || type == RESPONSE || type == COOKIE;
	}
	if (!proved)
		return PROBE_MORE;
	app->protocol = "wireguard";
	app->encrypted = true;
	return PROBE_DONE;
}

const struct probe probe_wireguard = {
	"wireguard", IPPROTO_UDP, PROVES_EITHER, wireguard_inspect, "WireGuard by its initiation",
};
