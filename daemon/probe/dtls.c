/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DTLS 1.0 to 1.3 (RFC 6347, 9147) by its ClientHello, which may come in fragments, and a second time with a cookie.
 *   record:   type 1 | version 2 | epoch 2 | sequence 6 | length 2 | fragment
 *   fragment: type 1 | length 3 | message sequence 2 | offset 3 | fragment length 3 | bytes
 */
#include <netinet/in.h>
#include <string.h>

#include "gather.h"
#include "hello.h"
#include "probes.h"
#include "side.h"

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_FIRST = 20,
	RECORD_LAST = 26, /* ACK of DTLS 1.3 */
	RECORD_MAX = 16384 + 2048,
	UNIFIED = 0x20, /* first three bits 001: DTLS 1.3's short record header */
};

/* The newest ClientHello: a message with a higher sequence starts anew. */
struct dtls {
	bool any;
	uint16_t message;
	uint32_t length;
	struct gather hello;
};

static enum probe_result
hello_of(const struct dtls *d, struct hello *ret)
{
	if (gather_whole(&d->hello) < d->length)
		return PROBE_MORE;
	return hello_read(cursor_of(d->hello.bytes, d->length), HELLO_DTLS, ret) ? PROBE_DONE : PROBE_NO;
}

static bool
take_fragment(struct dtls *d, struct cursor *c)
{
	uint8_t type = cursor_u8(c);
	uint32_t length = cursor_u24(c);
	uint16_t message = cursor_u16(c);
	uint32_t offset = cursor_u24(c), n = cursor_u24(c);
	struct span bytes = cursor_bytes(c, n);
	struct hello old;

	if (c->bad || length > GATHER_MAX || offset > length || n > length - offset)
		return false;
	if (type != HELLO_CLIENT)
		return d->any; /* later flights */
	if (message > 1)
		return false;
	if (d->any && message > d->message && hello_of(d, &old) == PROBE_NO)
		return false;
	if (!d->any || message > d->message) {
		gather_init(&d->hello);
		d->any = true;
		d->message = message;
		d->length = length;
	}
	return message < d->message || (length == d->length && gather_put(&d->hello, offset, bytes));
}

/* Records fill a datagram to its last byte. */
static bool
take_datagram(struct dtls *d, struct cursor c)
{
	if (cursor_left(&c) == 0)
		return false;
	while (cursor_left(&c)) {
		uint8_t type = cursor_u8(&c);
		if ((type & 0xe0) == UNIFIED)
			return d->any;
		uint16_t version = cursor_u16(&c), epoch = cursor_u16(&c);
		cursor_skip(&c, 6);
		uint16_t length = cursor_u16(&c);
		struct cursor body = cursor_take(&c, length);
		if (body.bad || type < RECORD_FIRST || type > RECORD_LAST || (version != 0xfeff && version != 0xfefd) ||
		    length == 0 || length > RECORD_MAX)
			return false;
		if (type != RECORD_HANDSHAKE || epoch) {
			if (!d->any)
				return false;
			continue;
		}
		while (cursor_left(&body))
			if (!take_fragment(d, &body))
				return false;
	}
	return !c.bad;
}

static enum probe_result
dtls_inspect(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];
	struct dtls d;
	struct hello h;

	d.any = false; /* the rest is set by the first fragment */
	for (size_t i = 0; i < client->n; i++)
		if (!take_datagram(&d, side_unit(client, i)))
			return PROBE_NO;
	enum probe_result r = d.any ? hello_of(&d, &h) : PROBE_MORE;
	if (r == PROBE_DONE)
		hello_facts(&h, in, "dtls", app);
	return r;
}

const struct probe probe_dtls = {
	"dtls", IPPROTO_UDP, PROVES_CLIENT, dtls_inspect, "DTLS by its ClientHello: server name, ALPN, versions, JA4",
};
