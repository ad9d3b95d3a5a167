/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of one TCP direction put in order. Sequence numbers become offsets from the first byte, which
 * the SYN names; what is here is a short list of ranges. The first copy of a byte stays, and any other is
 * compared with it.
 */
#include <string.h>

#include "stream_private.h"

enum {
	WINDOW_MAX = 1 << 30, /* RFC 7323, 2.3: the largest window there is */
};

size_t
stream_tcp_ready(const struct stream_side *side)
{
	return side->n && side->ranges[0].from == 0 ? side->ranges[0].to : 0;
}

static int64_t
lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Joins [from, to) with the ranges that it touches. False when it touches none and the list is full. */
static bool
range_add(struct stream_side *side, uint16_t from, uint16_t to)
{
	struct stream_range *r = side->ranges;
	size_t first = 0, behind;

	while (first < side->n && r[first].to < from)
		first++;
	for (behind = first; behind < side->n && r[behind].from <= to;)
		behind++;
	if (behind == first && side->n == STREAM_RANGES)
		return false;
	if (behind > first) {
		from = (uint16_t)lesser(from, r[first].from);
		to = (uint16_t)greater(to, r[behind - 1].to);
	}
	memmove(&r[first + 1], &r[behind], (side->n - behind) * sizeof *r);
	side->n = (uint16_t)(side->n + 1 - (behind - first));
	r[first] = (struct stream_range){from, to};
	return true;
}

/*
 * Compares what is here and writes what is not, unless the direction has ended. It ends, too, when the pool
 * is empty or the ranges are used up: a byte that is let through and not remembered could come again with
 * other content.
 */
static unsigned
segment_store(struct stream_pool *p, struct stream_side *side, uint32_t from, struct span bytes)
{
	struct cursor c = cursor_span(bytes);
	uint32_t at = from, to = from + (uint32_t)bytes.len;
	bool ended = side->ended;
	unsigned notes = 0;

	for (size_t i = 0; at < to;) {
		while (i < side->n && side->ranges[i].to <= at)
			i++;
		const struct stream_range *r = i < side->n ? &side->ranges[i] : NULL;
		bool here = r && r->from <= at;
		uint32_t stop = r ? (uint32_t)lesser(to, here ? r->to : r->from) : to;
		struct span part = cursor_bytes(&c, stop - at);
		if (here && !stream_same(p, side, at, part))
			notes |= STREAM_CONFLICT;
		if (!here && !ended) {
			size_t written = stream_write(p, side, at, part);
			if (written < part.len) {
				side->ended = true;
				at += (uint32_t)written;
				break;
			}
		}
		at = stop;
	}
	if (!ended && at > from && !range_add(side, (uint16_t)from, (uint16_t)at))
		side->ended = true;
	return notes;
}

/*
 * Where the direction ends. The first FIN counts; data behind it, or another FIN elsewhere, is a story with
 * two versions.
 */
static unsigned
segment_fin(struct stream_side *side, uint32_t at)
{
	if (side->fin != UINT32_MAX)
		return side->fin == at ? 0 : STREAM_CONFLICT;
	side->fin = at;
	return side->n && side->ranges[side->n - 1].to > at ? STREAM_CONFLICT : 0;
}

/* What is now known of the direction: `ready` bytes came before this segment, which lies at [from, end). */
static unsigned
segment_notes(struct stream_side *side, bool had_ended, size_t before, int64_t from, int64_t end)
{
	int64_t ready = (int64_t)stream_tcp_ready(side);
	unsigned notes = (size_t)ready > before ? STREAM_NEW : 0;
	bool complete = ready >= (int64_t)side->fin;

	side->ended |= complete || ready >= (int64_t)side->limit;
	if (!side->ended)
		return from > ready ? notes | STREAM_GAP : notes;
	if (complete)
		return had_ended ? notes : notes | STREAM_FIN;
	return !had_ended || end > ready ? notes | STREAM_FULL : notes;
}

static unsigned
segment(struct stream_pool *p, struct stream_side *side, uint32_t seq, bool fin, const struct packet *packet)
{
	int64_t from = (int32_t)(seq - side->base), end = from + packet->payload_len;
	int64_t copied = from + (int64_t)packet->payload.len;
	size_t before = stream_tcp_ready(side);
	bool had_ended = side->ended;
	unsigned notes = 0;

	if (from == -1 && end <= 0 && !fin)
		return 0; /* a keep-alive, maybe with its octet of garbage: RFC 9293, 3.8.4 */
	if (from > WINDOW_MAX || (from < 0 && end <= 0))
		return STREAM_OUTSIDE;
	/* A receiver cuts off what lies before the window and takes the rest. */
	if (from < 0)
		notes |= STREAM_OUTSIDE;
	if (fin)
		notes |= segment_fin(side, (uint32_t)end);
	if (end > (int64_t)side->fin)
		notes |= STREAM_CONFLICT;
	if (copied < end)
		side->limit = (uint32_t)lesser(side->limit, greater(copied, 0));
	int64_t start = greater(from, 0), stop = lesser(lesser(copied, side->limit), side->fin);
	if (start < stop) {
		struct cursor c = cursor_span(packet->payload);
		cursor_skip(&c, (size_t)(start - from));
		notes |= segment_store(p, side, (uint32_t)start, cursor_bytes(&c, (size_t)(stop - start)));
	}
	return notes | segment_notes(side, had_ended, before, start, end);
}

/*
 * A SYN says where its direction begins, and a server's SYN with ACK where the other one did. A second SYN
 * with another number changes nothing: a stack that has a connection does not believe it (RFC 5961, 4).
 */
static unsigned
syn(struct stream *s, unsigned which, const struct packet *packet)
{
	struct stream_side *side = &s->side[which], *other = &s->side[!which];
	uint32_t first = packet->tcp_seq + 1;

	if (side->based && side->base != first)
		return STREAM_OUTSIDE;
	side->base = first;
	side->based = side->proven = true;
	if (which != PROBE_TO_CLIENT || !(packet->tcp_flags & TCP_ACK))
		return 0;
	if (!other->based || other->base == packet->tcp_ack) {
		other->base = packet->tcp_ack;
		other->based = other->proven = true;
	}
	return 0;
}

unsigned
stream_tcp(struct stream_pool *p, struct stream *s, unsigned which, const struct packet *packet)
{
	struct stream_side *side = &s->side[which];
	unsigned notes = packet->tcp_flags & TCP_URG ? STREAM_URGENT : 0;
	bool is_syn = packet->tcp_flags & TCP_SYN, fin = packet->tcp_flags & TCP_FIN;
	uint32_t seq = packet->tcp_seq + is_syn; /* the SYN takes one number, its data follows: RFC 7413 */

	if (is_syn)
		notes |= syn(s, which, packet);
	if ((notes & STREAM_OUTSIDE) || (packet->payload_len == 0 && !fin))
		return notes;
	if (!side->based) {
		side->base = seq;
		side->based = true;
	}
	if (!side->proven && packet->payload_len > 0)
		notes |= STREAM_LOOSE;
	return notes | segment(p, side, seq, fin, packet);
}

/* Everything that is here lies `by` bytes farther from the beginning than it seemed. What no longer fits is forgotten, and the direction is full. */
static void
move_back(struct stream_pool *p, struct stream_side *side, uint32_t by)
{
	uint8_t bytes[PROBE_STREAM];
	struct stream_range ranges[STREAM_RANGES];
	size_t n = side->n, len = n ? side->ranges[n - 1].to : 0;

	if (len)
		memcpy(bytes, stream_flat(p, side, len, p->flat[0]), len);
	memcpy(ranges, side->ranges, sizeof ranges);
	side->n = 0;
	if (side->fin != UINT32_MAX)
		side->fin += by;
	if (side->limit < PROBE_STREAM)
		side->limit = (uint32_t)lesser((int64_t)side->limit + by, PROBE_STREAM);
	for (size_t i = 0; i < n; i++) {
		struct cursor c = cursor_of(bytes, len);
		cursor_skip(&c, ranges[i].from);
		int64_t from = (int64_t)ranges[i].from + by, to = lesser((int64_t)ranges[i].to + by, side->limit);
		if (from < to)
			(void)segment_store(p, side, (uint32_t)from, cursor_bytes(&c, (size_t)(to - from)));
	}
}

bool
stream_begin(struct stream_pool *p, struct stream *s, unsigned which, uint32_t seq)
{
	struct stream_side *side = &s->side[which];
	int64_t by = side->based ? (int32_t)(side->base - seq) : 0;

	if (by < 0 || by > PROBE_STREAM || (by > 0 && side->proven))
		return false;
	if (by > 0)
		move_back(p, side, (uint32_t)by);
	side->base = seq;
	side->based = side->proven = true;
	return true;
}
