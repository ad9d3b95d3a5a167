/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two walks over what the kernel sends on a netlink socket: messages of a datagram, attributes of a message. Padding may be missing
 * after the last one. Inline like the cursor: the packet path takes some ten attributes a packet.
 */
#ifndef LENSCAP_NETLINK_WALK_H
#define LENSCAP_NETLINK_WALK_H

#include <linux/netlink.h>

#include "cursor.h"

enum walk {
	WALK_ONE,
	WALK_END,
	WALK_BAD, /* a length that cannot be: nothing behind it can be trusted */
};

static inline void
walk_padding(struct cursor *c, uint32_t len)
{
	size_t pad = (0u - len) & (NLMSG_ALIGNTO - 1);

	cursor_skip(c, pad < cursor_left(c) ? pad : cursor_left(c));
}

/* Netlink is in host order; cursor_le* is that on the machines we build for (hash.c asserts it). WALK_BAD also empties the datagram. */
static inline enum walk
walk_message(struct cursor *datagram, uint16_t *ret_type, struct cursor *ret_body)
{
	const size_t header = sizeof(struct nlmsghdr);

	if (cursor_left(datagram) < header)
		return WALK_END;
	uint32_t len = cursor_le32(datagram);
	uint16_t type = cursor_le16(datagram);
	cursor_skip(datagram, header - 6);
	if (len < header || len - header > cursor_left(datagram)) {
		cursor_skip(datagram, cursor_left(datagram));
		return WALK_BAD;
	}
	*ret_type = type;
	*ret_body = cursor_take(datagram, len - header);
	walk_padding(datagram, len);
	return WALK_ONE;
}

static inline enum walk
walk_attribute(struct cursor *body, uint16_t *ret_type, struct cursor *ret_value)
{
	if (cursor_left(body) < NLA_HDRLEN)
		return WALK_END;
	uint16_t len = cursor_le16(body), type = cursor_le16(body) & NLA_TYPE_MASK;
	if (len < NLA_HDRLEN || (size_t)(len - NLA_HDRLEN) > cursor_left(body))
		return WALK_BAD;
	*ret_type = type;
	*ret_value = cursor_take(body, (size_t)(len - NLA_HDRLEN));
	walk_padding(body, len);
	return WALK_ONE;
}

#endif
