/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IKE 1 and 2 (RFC 2408, 7296): initiator 8 | responder 8 | next payload 1 | version 1 | exchange 1 | flags 1 | message 4 | length 4 | payloads.
 * On port 4500 four zero bytes come first, and what has none there is ESP (RFC 3948): SPI 4 | sequence 4 | sealed.
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"

enum {
	HEADER = 28,
	VERSION_1 = 0x10,
	VERSION_2 = 0x20,
	FLAG_1_ENCRYPTED = 1,
	PAYLOADS_MAX = 64,
	PORT_NAT_T = 4500,
	SPI_MIN = 256, /* below is reserved */
	SEQUENCE_JUMP = 64,
	ESP_MIN = 8 + 8 + 12,
	ESP_PROOF = 3,
};

static const struct {
	uint8_t version, first, last;
} exchanges[] = {{VERSION_1, 1, 5}, {VERSION_1, 32, 34}, {VERSION_2, 34, 44}};

static bool
exchange_ok(uint8_t version, uint8_t exchange)
{
	for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++)
		if (exchanges[i].version == version && exchange >= exchanges[i].first && exchange <= exchanges[i].last)
			return true;
	return false;
}

/* next payload 1 | critical and zero 1 | length 2 | body; the chain fills the message. */
static bool
payloads_fit(struct cursor c, uint8_t next)
{
	for (unsigned n = 0; next && n < PAYLOADS_MAX; n++) {
		uint8_t type = next;
		next = cursor_u8(&c);
		uint8_t flags = cursor_u8(&c);
		uint16_t length = cursor_u16(&c);
		if (c.bad || (flags & 0x7f) || length < 4)
			return false;
		cursor_skip(&c, length - 4u);
		/* Encrypted payloads (46, 53) name the first payload inside them. */
		if (type == 46 || type == 53)
			break;
	}
	return !c.bad && cursor_left(&c) == 0;
}

static bool
is_ike(struct cursor c)
{
	size_t n = cursor_left(&c);
	uint64_t initiator = cursor_u64(&c);
	cursor_skip(&c, 8);
	uint8_t next = cursor_u8(&c), version = cursor_u8(&c), exchange = cursor_u8(&c), flags = cursor_u8(&c);
	cursor_skip(&c, 4);
	uint32_t length = cursor_u32(&c);
	if (c.bad || initiator == 0 || length != n || !exchange_ok(version, exchange))
		return false;
	if (version == VERSION_1)
		return next && !(flags & 0xf8) && ((flags & FLAG_1_ENCRYPTED) || payloads_fit(c, next));
	return !(flags & 0xc7) && payloads_fit(c, next);
}

static bool
is_first_ike(struct cursor c)
{
	struct cursor responder = c;
	cursor_skip(&responder, 8);
	return is_ike(c) && cursor_u64(&responder) == 0;
}

/* NAT traversal: IKE behind its marker, one ff to keep the translation, or ESP. */
static bool
nat_t_fits(struct cursor c)
{
	struct cursor marker = c;
	if (cursor_left(&c) == 1)
		return cursor_u8(&c) == 0xff;
	if (cursor_u32(&marker) == 0)
		return is_ike(marker);
	return cursor_left(&c) >= ESP_MIN && cursor_u32(&c) >= SPI_MIN;
}

/* The first datagram without marker opens IKE on any port; later ones only have to be IKE. */
static enum probe_result
plain(const struct probe_input *in)
{
	enum probe_result r = side_datagrams(in, is_ike, is_ike);
	if (r != PROBE_DONE)
		return r;
	return is_first_ike(side_unit(&in->side[PROBE_TO_SERVER], 0)) ? PROBE_DONE : PROBE_NO;
}

static bool
is_marked(struct cursor c)
{
	return cursor_left(&c) > HEADER && cursor_u32(&c) == 0;
}

static enum probe_result
marked(const struct probe_input *in)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];
	if (side_datagrams(in, nat_t_fits, nat_t_fits) == PROBE_NO)
		return PROBE_NO;
	for (size_t i = 0; i < client->n; i++)
		if (is_marked(side_unit(client, i)))
			return PROBE_DONE;
	return PROBE_MORE;
}

static enum probe_result
ike_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor first = side_unit(&in->side[PROBE_TO_SERVER], 0);

	if (in->side[PROBE_TO_SERVER].n == 0)
		return PROBE_MORE;
	bool has_marker = in->port == PORT_NAT_T || is_marked(first);

	enum probe_result r = has_marker ? marked(in) : plain(in);
	if (r == PROBE_DONE) {
		app->protocol = "ike";
		app->encrypted = true;
	}
	return r;
}

/* ESP that was not introduced: the same SPI and numbers that go up, and the port as a second reason. */
static enum probe_result
esp_inspect(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];
	uint32_t spi = 0, sequence = 0;
	unsigned n = 0;

	if (in->port != PORT_NAT_T)
		return PROBE_NO;
	for (size_t i = 0; i < client->n; i++) {
		struct cursor c = side_unit(client, i);
		if (cursor_left(&c) == 1 && cursor_peek(&c, 0) == 0xff)
			continue;
		size_t len = cursor_left(&c);
		uint32_t this = cursor_u32(&c), number = cursor_u32(&c);
		if (len < ESP_MIN || len % 4 || this < SPI_MIN || number == 0)
			return PROBE_NO;
		if (n && (this != spi || number - sequence == 0 || number - sequence > SEQUENCE_JUMP))
			return PROBE_NO;
		spi = this;
		sequence = number;
		n++;
	}
	if (n < ESP_PROOF)
		return PROBE_MORE;
	app->protocol = "ipsec-nat-t";
	app->encrypted = true;
	return PROBE_DONE;
}

const struct probe probe_ike = {
	"ike", IPPROTO_UDP, PROVES_CLIENT, ike_inspect, "IKE 1 and 2, also behind NAT",
};

const struct probe probe_esp = {
	"ipsec-nat-t", IPPROTO_UDP, PROVES_CLIENT, esp_inspect, "ESP in UDP by three packets in a row on port 4500",
};
