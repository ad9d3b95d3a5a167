/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads NFQNL_MSG_PACKET messages; see nfq.h. The kernel wrote them, and still every length is checked. */
#include "nfq.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "netlink_walk.h"

enum { NFQ_VLAN_SIGN = 0x4c43 };

static void
read_attribute(uint16_t type, struct cursor c, struct queued *q)
{
	switch (type) {
	case NFQA_PACKET_HDR:
		q->id = cursor_u32(&c);
		break;
	case NFQA_MARK:
		q->mark = cursor_u32(&c);
		break;
	case NFQA_TIMESTAMP: {
		uint64_t s = cursor_u64(&c), us = cursor_u64(&c);
		q->stamp_us = c.bad || s > INT64_MAX / 2000000 || us > 999999 ? 0 : (int64_t)(s * 1000000 + us);
		break;
	}
	case NFQA_IFINDEX_INDEV:
		q->in = cursor_u32(&c);
		break;
	case NFQA_IFINDEX_OUTDEV:
		q->out = cursor_u32(&c);
		break;
	case NFQA_IFINDEX_PHYSINDEV:
		q->in_port = cursor_u32(&c);
		break;
	case NFQA_IFINDEX_PHYSOUTDEV:
		q->out_port = cursor_u32(&c);
		break;
	case NFQA_PRIORITY: {
		/* The rules of a guarded bridge write it there (daemon/gate/bridge.c); what else is there is others'. */
		uint32_t p = cursor_u32(&c);
		q->vlan = p >> 16 == NFQ_VLAN_SIGN ? p & 0xfff : 0;
		break;
	}
	case NFQA_HWADDR: {
		uint16_t len = cursor_u16(&c);
		cursor_skip(&c, 2);
		cursor_copy(&c, q->mac.b, sizeof q->mac.b);
		q->has_mac = !c.bad && len == sizeof q->mac.b;
		break;
	}
	case NFQA_PAYLOAD:
		q->ip = cursor_rest(&c);
		break;
	case NFQA_CAP_LEN:
		q->wire_len = cursor_u32(&c);
		break;
	}
}

static enum nfq_kind
read_packet(struct cursor *body, struct queued *q)
{
	bool has_header = false;
	struct cursor value;
	enum walk walk;
	uint16_t type;

	*q = (struct queued){0};
	cursor_skip(body, 2); /* family, version */
	q->queue = cursor_u16(body);
	while ((walk = walk_attribute(body, &type, &value)) == WALK_ONE) {
		read_attribute(type, value, q);
		has_header |= type == NFQA_PACKET_HDR;
	}
	if (walk == WALK_BAD)
		return NFQ_BAD;
	if (q->wire_len < q->ip.len)
		q->wire_len = q->ip.len; /* NFQA_CAP_LEN comes only where the copy was cut short */
	return has_header && !body->bad ? NFQ_PACKET : NFQ_BAD;
}

/* struct nlmsgerr: the code, then the header of the message that it is about. The gate sends other messages on this socket too. */
static enum nfq_kind
read_error(struct cursor *body, int *ret_error)
{
	*ret_error = (int)(0u - cursor_le32(body)); /* unsigned: the smallest int has no opposite */
	cursor_skip(body, 4);
	bool verdict = cursor_le16(body) == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT);
	return verdict && *ret_error == ENOENT ? NFQ_STALE : NFQ_ERROR;
}

enum nfq_kind
nfq_next(struct cursor *datagram, struct queued *ret_packet, int *ret_error)
{
	struct cursor body;
	uint16_t type;
	enum walk walk = walk_message(datagram, &type, &body);

	if (walk != WALK_ONE)
		return walk == WALK_END ? NFQ_END : NFQ_BAD;
	if (type == NLMSG_ERROR)
		return read_error(&body, ret_error);
	if (type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return NFQ_BAD;
	return read_packet(&body, ret_packet);
}
