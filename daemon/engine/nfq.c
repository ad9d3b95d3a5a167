/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads NFQNL_MSG_PACKET messages; see nfq.h. The kernel wrote them, and still every length is checked. */
#include "nfq.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

/* Netlink is in host order; cursor_le* is that on the machines we build for (hash.c asserts it). */
enum { HEADER = sizeof(struct nlmsghdr) };

static size_t
aligned(size_t n)
{
	return (n + NLMSG_ALIGNTO - 1) & ~(size_t)(NLMSG_ALIGNTO - 1);
}

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

	*q = (struct queued){0};
	cursor_skip(body, 2); /* family, version */
	q->queue = cursor_u16(body);
	while (cursor_left(body) >= NLA_HDRLEN) {
		uint16_t len = cursor_le16(body), type = cursor_le16(body) & NLA_TYPE_MASK;
		if (len < NLA_HDRLEN)
			return NFQ_BAD;
		struct cursor value = cursor_take(body, len - NLA_HDRLEN);
		if (value.bad)
			return NFQ_BAD;
		read_attribute(type, value, q);
		has_header |= type == NFQA_PACKET_HDR;
		size_t pad = aligned(len) - len;
		cursor_skip(body, pad < cursor_left(body) ? pad : cursor_left(body));
	}
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
	if (cursor_left(datagram) < HEADER)
		return NFQ_END;
	uint32_t len = cursor_le32(datagram);
	uint16_t type = cursor_le16(datagram);
	cursor_skip(datagram, HEADER - 6);
	if (len < HEADER || len - HEADER > cursor_left(datagram)) {
		cursor_skip(datagram, cursor_left(datagram));
		return NFQ_BAD;
	}
	struct cursor body = cursor_take(datagram, len - HEADER);
	size_t pad = aligned(len) - len;
	cursor_skip(datagram, pad < cursor_left(datagram) ? pad : cursor_left(datagram));
	if (type == NLMSG_ERROR)
		return read_error(&body, ret_error);
	if (type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return NFQ_BAD;
	return read_packet(&body, ret_packet);
}
