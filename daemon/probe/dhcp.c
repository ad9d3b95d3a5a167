/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP (RFC 2131, 2132): BOOTP's fixed 236 bytes, the magic number, options, one of which says what message it is. Shows the
 * device's host name and the vendor class of its client; of a relayed request, whose frames are the relay's, also its MAC and its address.
 *   op 1 | htype 1 | hlen 1 | hops 1 | xid 4 | secs 2 | flags 2 | ciaddr 4 | yiaddr 4 | siaddr 4 | giaddr 4 | chaddr 16 | ...
 */
#include <netinet/in.h>
#include <stdio.h>

#include "learn.h"
#include "probes.h"
#include "side.h"

enum {
	MAGIC = 0x63825363,
	OPTION_PAD = 0,
	OPTION_HOST_NAME = 12,
	OPTION_REQUESTED_ADDRESS = 50,
	OPTION_MESSAGE_TYPE = 53,
	OPTION_CLASS_ID = 60,
	OPTION_END = 255,
	MESSAGE_REQUEST = 3,
	MESSAGE_LAST = 18,
};

struct dhcp {
	uint8_t op, type;
	uint32_t client, relay; /* addresses; 0: none */
	uint8_t mac[6];
	bool has_type;
	struct span host, class, requested;
};

static bool
only_padding(struct cursor *c)
{
	while (cursor_left(c))
		if (cursor_u8(c) != OPTION_PAD)
			return false;
	return true;
}

static bool
read_options(struct cursor *c, struct dhcp *d)
{
	while (cursor_left(c)) {
		uint8_t option = cursor_u8(c);
		if (option == OPTION_PAD)
			continue;
		if (option == OPTION_END)
			return d->has_type && only_padding(c);
		struct span value = cursor_bytes(c, cursor_u8(c));
		if (c->bad)
			return false;
		if (option == OPTION_MESSAGE_TYPE) {
			if (d->has_type || value.len != 1 || value.p[0] < 1 || value.p[0] > MESSAGE_LAST)
				return false;
			d->has_type = true;
			d->type = value.p[0];
		} else if (option == OPTION_HOST_NAME) {
			d->host = value;
		} else if (option == OPTION_CLASS_ID) {
			d->class = value;
		} else if (option == OPTION_REQUESTED_ADDRESS && value.len == 4) {
			d->requested = value;
		}
	}
	return false;
}

static bool
read_message(struct cursor c, struct dhcp *d)
{
	*d = (struct dhcp){.op = cursor_u8(&c)};
	uint8_t htype = cursor_u8(&c), hlen = cursor_u8(&c), hops = cursor_u8(&c);
	cursor_skip(&c, 6);
	uint16_t flags = cursor_u16(&c);
	d->client = cursor_u32(&c);
	cursor_skip(&c, 8);
	d->relay = cursor_u32(&c);
	cursor_copy(&c, d->mac, sizeof d->mac);
	cursor_skip(&c, 236 - 34);
	uint32_t magic = cursor_u32(&c);
	return !c.bad && (d->op == 1 || d->op == 2) && htype == 1 && hlen == 6 && hops <= 16 && !(flags & 0x7fff) &&
	       magic == MAGIC && read_options(&c, d);
}

static bool
fits(struct cursor c)
{
	struct dhcp d;
	return read_message(c, &d);
}

static void
learn_address(struct app *app, const char *key, struct span a)
{
	char text[16];
	struct cursor c = cursor_span(a);
	uint8_t b[4];

	cursor_copy(&c, b, sizeof b);
	int n = snprintf(text, sizeof text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	learn_text(app, key, (struct span){(const uint8_t *)text, (size_t)n});
}

/* Which host it is that a relay speaks for. An address that it merely would like to have is not its own. */
static void
learn_relayed(struct app *app, const struct dhcp *d)
{
	const uint8_t client[4] = {(uint8_t)(d->client >> 24), (uint8_t)(d->client >> 16), (uint8_t)(d->client >> 8), (uint8_t)d->client},
		      relay[4] = {(uint8_t)(d->relay >> 24), (uint8_t)(d->relay >> 16), (uint8_t)(d->relay >> 8), (uint8_t)d->relay};

	if (!d->relay)
		return;
	learn_address(app, "relay", (struct span){relay, sizeof relay});
	learn_mac(app, (struct span){d->mac, sizeof d->mac}, 0);
	if (d->client)
		learn_address(app, "address", (struct span){client, sizeof client});
	else if (d->type == MESSAGE_REQUEST && d->requested.len)
		learn_address(app, "address", d->requested);
}

static enum probe_result
dhcp_inspect(const struct probe_input *in, struct app *app)
{
	struct dhcp d;
	enum probe_result r = side_datagrams(in, fits, fits);

	if (r != PROBE_DONE)
		return r;
	app->protocol = "dhcp";
	for (size_t i = 0; i < in->side[PROBE_TO_SERVER].n; i++) {
		if (!read_message(side_unit(&in->side[PROBE_TO_SERVER], i), &d) || d.op != 1)
			continue;
		learn_relayed(app, &d);
		learn_text(app, "name", d.host);
		learn_banner(app, d.class);
	}
	return r;
}

const struct probe probe_dhcp = {
	"dhcp", IPPROTO_UDP, PROVES_EITHER, dhcp_inspect, "DHCP: host name, and vendor class as banner; of a relayed request MAC and address",
};
