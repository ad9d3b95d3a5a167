/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of three flows in a pool that is too small for them. What a view has shown once stays as it was, an end is an end, and
 * all memory comes back. Each packet is: flow and side, flags, offset from the first byte (2, signed), length (2), copy missing, content.
 */
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "stream.h"

enum {
	FLOWS = 3,
	CHUNK = 640,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct stream *stream;
	uint8_t seen[2][PROBE_STREAM];
	size_t units[2], len[2];
	bool ended[2];
} flows[FLOWS];

static void
check_side(unsigned f, unsigned side, const struct probe_side *view)
{
	size_t at = 0;

	assert(view->n <= PROBE_UNITS && view->n >= flows[f].units[side] && view->ended >= flows[f].ended[side]);
	for (size_t i = 0; i < view->n; i++) {
		size_t len = view->units[i].len, old = at < flows[f].len[side] ? flows[f].len[side] - at : 0;
		assert(len > 0 && at + len <= PROBE_STREAM);
		assert(memcmp(view->units[i].p, flows[f].seen[side] + at, old < len ? old : len) == 0);
		memcpy(flows[f].seen[side] + at, view->units[i].p, len);
		at += len;
	}
	assert(at >= flows[f].len[side] && !(flows[f].ended[side] && at > flows[f].len[side]));
	flows[f].len[side] = at;
	flows[f].units[side] = view->n;
	flows[f].ended[side] = view->ended;
}

static void
one_packet(struct stream_pool *pool, struct cursor *c)
{
	static uint8_t bytes[65536];
	uint8_t who = cursor_u8(c);
	struct packet p = {.tcp_flags = cursor_u8(c)};
	int16_t at = (int16_t)cursor_u16(c);
	size_t len = cursor_u16(c), cut = cursor_u8(c);
	unsigned f = who / 2 % FLOWS, side = who & 1;

	memset(bytes, cursor_u8(c), len);
	bytes[len / 2] ^= (uint8_t)at;
	/* The first SYN is at 2^32 - 100, so numbers wrap soon. */
	p.tcp_seq = 0u - 100 + (uint32_t)(int32_t)at * (who & 0x40 ? 70000u : 1u);
	p.tcp_ack = p.tcp_seq + 1;
	p.payload = (struct span){bytes, cut > len ? 0 : len - cut};
	p.payload_len = (uint32_t)len;
	if (!flows[f].stream)
		return;
	unsigned notes = stream_packet(pool, flows[f].stream, side, &p);
	struct probe_input in;
	stream_view(flows[f].stream, &in);
	size_t before = flows[f].len[side];
	check_side(f, side, &in.side[side]);
	assert(!(notes & STREAM_NEW) == (flows[f].len[side] == before));
	check_side(f, !side, &in.side[!side]);
	assert(stream_pool_bytes(pool) <= 50 * CHUNK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t l4[FLOWS] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP};
	static struct stream_pool *pool;
	struct cursor c = cursor_of(data, size);

	pool = pool ? pool : stream_pool_new(FLOWS, 50 * CHUNK);
	memset(flows, 0, sizeof flows);
	for (unsigned f = 0; f < FLOWS; f++)
		flows[f].stream = stream_new(pool, l4[f]);
	for (unsigned i = 0; cursor_left(&c) && i < 500; i++)
		one_packet(pool, &c);
	for (unsigned f = 0; f < FLOWS; f++)
		stream_free(pool, flows[f].stream);
	assert(stream_pool_bytes(pool) == 0 && stream_pool_flows(pool) == 0);
	return 0;
}
