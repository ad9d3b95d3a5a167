/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cameras say to their own link, and no router forwards: copies from the kernel's packet log (linux/netfilter/nfnetlink_log.h), beside
 * the queue. Nothing waits for us here, and nothing is decided: a copy tells who is there and what it says of itself.
 */
#ifndef LENSCAP_ANNOUNCE_H
#define LENSCAP_ANNOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"

struct engine;

enum { ANNOUNCE_BYTES = 32768 }; /* of one datagram of the log's socket: what the gate has set, and to spare */

struct announced {
	uint32_t in; /* interface index */
	uint32_t in_port; /* where that is a bridge, the port of it */
	bool has_mac, has_seq;
	struct mac mac; /* source of the frame */
	uint32_t seq;	/* of the copies of this group; a gap is what was lost */
	struct span ip;
	size_t wire_len; /* as the IP header says, where the copy was cut short */
};

enum announce_kind {
	ANNOUNCE_PACKET,
	ANNOUNCE_NONE, /* an answer or the end of a batch */
	ANNOUNCE_BAD,
	ANNOUNCE_END,
};

/* Takes the next message out of one datagram. Views in *ret point into the datagram. */
enum announce_kind announce_next(struct cursor *datagram, struct announced *ret);

/* One copy, wherever it comes from. */
void announce_packet(struct engine *e, const struct announced *a);
/* One datagram of the log's socket: any number of messages. */
void announce_datagram(struct engine *e, const void *data, size_t len);

#endif
