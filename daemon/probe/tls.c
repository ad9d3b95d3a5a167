/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS over TCP (RFC 8446, 5246). A record is
 *   type 1 | version 2 | length 2 | fragment
 * and the ClientHello may lie in any number of them. What follows it in the same flight must be records again.
 */
#include <netinet/in.h>
#include <string.h>

#include "certificate.h"
#include "hello.h"
#include "probes.h"
#include "side.h"
#include "tls.h"

enum {
	RECORD_CHANGE_CIPHER = 20,
	RECORD_HANDSHAKE = 22,
	RECORD_LAST = 24, /* heartbeat */
	RECORD_PLAIN_MAX = 16384,
	RECORD_SEALED_MAX = 16384 + 2048,
};

/* A handshake message put together from records. A message in one record is not copied. */
struct message {
	struct cursor body;
	uint8_t copy[PROBE_STREAM];
	size_t have;
};

static bool
version_ok(uint16_t v)
{
	return v >= 0x0300 && v <= 0x0304;
}

/* The next handshake record. NO when these bytes cannot be one. */
static enum probe_result
next_fragment(struct cursor *c, struct cursor *ret)
{
	size_t have = cursor_left(c);
	if (have >= 1 && cursor_peek(c, 0) != RECORD_HANDSHAKE)
		return PROBE_NO;
	if (have >= 2 && cursor_peek(c, 1) != 3)
		return PROBE_NO;
	if (have >= 3 && cursor_peek(c, 2) > 4)
		return PROBE_NO;
	if (have < 5)
		return PROBE_MORE;
	size_t len = (size_t)cursor_peek(c, 3) << 8 | cursor_peek(c, 4);
	if (len == 0 || len > RECORD_PLAIN_MAX)
		return PROBE_NO;
	cursor_skip(c, 5);
	*ret = cursor_take(c, len < cursor_left(c) ? len : cursor_left(c));
	return cursor_left(ret) == len ? PROBE_DONE : PROBE_MORE;
}

/* What is there of the message must begin like this type, and must be able to end within what is remembered. */
static bool
header_fits(struct cursor c, uint8_t type)
{
	size_t have = cursor_left(&c);
	if (have && cursor_peek(&c, 0) != type)
		return false;
	cursor_skip(&c, 1);
	return have < HELLO_HEADER || cursor_u24(&c) <= PROBE_STREAM - HELLO_HEADER - 5;
}

static size_t
message_len(struct cursor c)
{
	cursor_skip(&c, 1);
	return HELLO_HEADER + cursor_u24(&c);
}

/* The first handshake message; moves c behind its last record. alone: nothing else may share that record. */
static enum probe_result
message_read(struct cursor *c, uint8_t type, bool alone, struct message *m)
{
	m->have = 0;
	for (;;) {
		struct cursor fragment = cursor_of("", 0);
		enum probe_result r = next_fragment(c, &fragment);
		struct cursor all = fragment;
		size_t n = cursor_left(&fragment);
		if (r == PROBE_NO || m->have + n > sizeof m->copy)
			return PROBE_NO;
		if (m->have || r == PROBE_MORE || n < HELLO_HEADER || message_len(fragment) > n) {
			cursor_copy(&fragment, m->copy + m->have, n);
			m->have += n;
			all = cursor_of(m->copy, m->have);
		}
		if (!header_fits(all, type))
			return PROBE_NO;
		size_t want = cursor_left(&all) >= HELLO_HEADER ? message_len(all) : SIZE_MAX;
		if (alone && want < cursor_left(&all))
			return PROBE_NO;
		if (r == PROBE_MORE)
			return PROBE_MORE;
		if (want > cursor_left(&all))
			continue;
		m->body = cursor_take(&all, want);
		cursor_skip(&m->body, HELLO_HEADER);
		return PROBE_DONE;
	}
}

/* Early data and its change of cipher, or a second flight: records to the last byte that is there. */
static bool
records_follow(struct cursor c)
{
	while (cursor_left(&c)) {
		uint8_t head[5];
		size_t n = cursor_left(&c) < sizeof head ? cursor_left(&c) : sizeof head;
		memset(head, 0, sizeof head);
		cursor_copy(&c, head, n);
		size_t len = (size_t)head[3] << 8 | head[4];
		if (head[0] < RECORD_CHANGE_CIPHER || head[0] > RECORD_LAST || (n > 1 && head[1] != 3) || head[2] > 4 ||
		    len > RECORD_SEALED_MAX)
			return false;
		cursor_skip(&c, len < cursor_left(&c) ? len : cursor_left(&c));
	}
	return true;
}

static uint16_t
server_version(const struct probe_input *in)
{
	struct message m;
	struct cursor c = side_stream(in, PROBE_TO_CLIENT);
	return message_read(&c, HELLO_SERVER, false, &m) == PROBE_DONE ? hello_server_version(m.body) : 0;
}

enum probe_result
tls_stream(const struct probe_input *in, struct cursor c, struct app *app)
{
	struct message m;
	struct hello h;

	enum probe_result r = message_read(&c, HELLO_CLIENT, true, &m);
	if (r != PROBE_DONE)
		return r;
	if (!hello_read(m.body, HELLO_TLS, &h) || !records_follow(c))
		return PROBE_NO;
	hello_facts(&h, in, "tls", app);
	return PROBE_DONE;
}

static enum probe_result
tls_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = tls_stream(in, side_stream(in, PROBE_TO_SERVER), app);
	if (r == PROBE_DONE && in->side[PROBE_TO_CLIENT].n) {
		uint16_t chosen = server_version(in);
		if (version_ok(chosen))
			app->tls_version = chosen;
		if (chosen && chosen < TLS_1_3)
			certificate_read(side_stream(in, PROBE_TO_CLIENT), app);
	}
	return r;
}

const struct probe probe_tls = {
	"tls", IPPROTO_TCP, PROVES_CLIENT, tls_inspect, "TLS by its ClientHello: server name, ALPN, versions, ECH, JA4",
};

const struct probe probe_dot = {
	"dot", IPPROTO_TCP, PROVES_CLIENT, probe_alias, "DNS over TLS: TLS with ALPN dot, or on port 853 without ALPN",
};

const struct probe probe_doh = {
	"doh", 0, PROVES_CLIENT, probe_alias, "DNS over HTTPS: TLS or QUIC that offers HTTP to a public resolver's name",
};
