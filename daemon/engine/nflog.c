/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads NFULNL_MSG_PACKET messages; see announce.h. The kernel wrote them, a camera what is in them, and every length is checked. */
#include "announce.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "netlink_walk.h"

static void
read_attribute(uint16_t type, struct cursor c, struct announced *a)
{
	switch (type) {
	case NFULA_IFINDEX_INDEV:
		a->in = cursor_u32(&c);
		break;
	case NFULA_IFINDEX_PHYSINDEV:
		a->in_port = cursor_u32(&c);
		break;
	case NFULA_HWADDR: {
		uint16_t len = cursor_u16(&c);
		cursor_skip(&c, 2);
		cursor_copy(&c, a->mac.b, sizeof a->mac.b);
		a->has_mac = !c.bad && len == sizeof a->mac.b;
		break;
	}
	case NFULA_SEQ:
		a->seq = cursor_u32(&c);
		a->has_seq = !c.bad;
		break;
	case NFULA_PAYLOAD:
		a->ip = cursor_rest(&c);
		break;
	}
}

/* The log does not say how long a packet was of which it copied a part; its header does. */
static size_t
wire_length(struct span ip)
{
	struct cursor c = cursor_span(ip);
	uint8_t version = cursor_u8(&c) >> 4;
	size_t len;

	cursor_skip(&c, version == 6 ? 3 : 1);
	len = cursor_u16(&c) + (version == 6 ? 40u : 0u);
	return c.bad || len < ip.len ? ip.len : len;
}

static enum announce_kind
read_packet(struct cursor *body, struct announced *a)
{
	struct cursor value;
	enum walk walk;
	uint16_t type;

	cursor_skip(body, sizeof(struct nfgenmsg));
	while ((walk = walk_attribute(body, &type, &value)) == WALK_ONE)
		read_attribute(type, value, a);
	if (walk == WALK_BAD)
		return ANNOUNCE_BAD;
	a->wire_len = wire_length(a->ip);
	return a->ip.len && a->in && !body->bad ? ANNOUNCE_PACKET : ANNOUNCE_BAD;
}

enum announce_kind
announce_next(struct cursor *datagram, struct announced *ret)
{
	struct cursor body;
	uint16_t type;
	enum walk walk = walk_message(datagram, &type, &body);

	*ret = (struct announced){0};
	if (walk != WALK_ONE)
		return walk == WALK_END ? ANNOUNCE_END : ANNOUNCE_BAD;
	if (type == NLMSG_ERROR || type == NLMSG_DONE || type == NLMSG_NOOP)
		return ANNOUNCE_NONE;
	if (type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
		return ANNOUNCE_BAD;
	return read_packet(&body, ret);
}
