/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first bytes of flows; see stream.h. TCP goes through stream_tcp.c, everything else is a list of
 * datagrams in order of arrival; both end in the same view.
 */
#include "stream.h"

#include <assert.h>
#include <netinet/in.h>

#include "stream_private.h"

/* A datagram that does not fit is cut, and is the last one. */
static unsigned
datagram(struct stream_pool *p, struct stream_side *side, const struct packet *packet)
{
	size_t at = side->n ? side->ends[side->n - 1] : 0, room = PROBE_STREAM - at;
	struct span bytes = packet->payload;

	if (packet->payload_len == 0)
		return 0;
	if (side->ended)
		return STREAM_FULL;
	if (bytes.len > room)
		bytes.len = room;
	size_t written = stream_write(p, side, at, bytes);
	if (written)
		side->ends[side->n++] = (uint16_t)(at + written);
	side->ended = written < packet->payload_len || side->n == PROBE_UNITS || written == room;
	return (written ? STREAM_NEW : 0) | (side->ended ? STREAM_FULL : 0);
}

unsigned
stream_packet(struct stream_pool *p, struct stream *s, unsigned side, const struct packet *packet)
{
	assert(side == PROBE_TO_SERVER || side == PROBE_TO_CLIENT);
	if (proto_has_ports(s->l4))
		s->port = side == PROBE_TO_SERVER ? packet->tuple.dport : packet->tuple.sport;
	if (s->l4 == IPPROTO_TCP)
		return stream_tcp(p, s, side, packet);
	return datagram(p, &s->side[side], packet);
}

static struct probe_side
view_side(const struct stream *s, unsigned which)
{
	const struct stream_side *side = &s->side[which];
	struct stream_pool *p = s->pool;
	struct span *units = p->units[which];
	bool tcp = s->l4 == IPPROTO_TCP;
	size_t ready = tcp ? stream_tcp_ready(side) : 0, n = tcp ? ready > 0 : side->n;
	size_t total = tcp || !n ? ready : side->ends[n - 1];
	struct cursor c = cursor_of(stream_flat(p, side, total, p->flat[which]), total);

	for (size_t i = 0, from = 0; i < n; i++) {
		size_t to = tcp ? ready : side->ends[i];
		units[i] = cursor_bytes(&c, to - from);
		from = to;
	}
	return (struct probe_side){.units = units, .n = n, .ended = side->ended};
}

void
stream_view(const struct stream *s, struct probe_input *ret_input)
{
	*ret_input = (struct probe_input){.l4 = s->l4, .port = s->port};
	for (unsigned i = 0; i < 2; i++)
		ret_input->side[i] = view_side(s, i);
}

uint32_t
stream_seq(const struct stream *s, unsigned side)
{
	return s->side[side].base;
}
