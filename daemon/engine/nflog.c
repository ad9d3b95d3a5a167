/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads NFULNL_MSG_PACKET messages; see announce.h. The kernel wrote them, a camera what is in them, and every length is checked. */
#include "announce.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

enum { HEADER = sizeof(struct nlmsghdr) };

static void
skip_padding(struct cursor *c, uint32_t len)
{
	size_t pad = (NLMSG_ALIGNTO - len % NLMSG_ALIGNTO) % NLMSG_ALIGNTO;

	cursor_skip(c, pad < cursor_left(c) ? pad : cursor_left(c));
}

static void
read_attribute(uint16_t type, struct cursor c, struct announced *a)
{
	switch (type) {
	case NFULA_IFINDEX_INDEV:
		a->in = cursor_u32(&c);
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
	cursor_skip(body, sizeof(struct nfgenmsg));
	while (cursor_left(body) >= NLA_HDRLEN) {
		uint16_t len = cursor_le16(body), type = cursor_le16(body) & NLA_TYPE_MASK;
		if (len < NLA_HDRLEN)
			return ANNOUNCE_BAD;
		struct cursor value = cursor_take(body, len - NLA_HDRLEN);
		if (value.bad)
			return ANNOUNCE_BAD;
		read_attribute(type, value, a);
		skip_padding(body, len);
	}
	a->wire_len = wire_length(a->ip);
	return a->ip.len && a->in && !body->bad ? ANNOUNCE_PACKET : ANNOUNCE_BAD;
}

enum announce_kind
announce_next(struct cursor *datagram, struct announced *ret)
{
	*ret = (struct announced){0};
	if (cursor_left(datagram) < HEADER)
		return ANNOUNCE_END;
	uint32_t len = cursor_le32(datagram);
	uint16_t type = cursor_le16(datagram);
	cursor_skip(datagram, HEADER - 6);
	if (len < HEADER || len - HEADER > cursor_left(datagram)) {
		cursor_skip(datagram, cursor_left(datagram));
		return ANNOUNCE_BAD;
	}
	struct cursor body = cursor_take(datagram, len - HEADER);
	skip_padding(datagram, len);
	if (type == NLMSG_ERROR || type == NLMSG_DONE || type == NLMSG_NOOP)
		return ANNOUNCE_NONE;
	if (type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
		return ANNOUNCE_BAD;
	return read_packet(&body, ret);
}
