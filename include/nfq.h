/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the kernel's packet queue (linux/netfilter/nfnetlink_queue.h), read from an inherited socket. Receiving
 * needs no capability; verdicts are the gate's.
 */
#ifndef LENSCAP_NFQ_H
#define LENSCAP_NFQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"

struct queued {
	uint32_t id;
	uint16_t queue;
	uint32_t mark;	  /* as the packet came, with the kernel's hint in our field */
	uint32_t in, out; /* interface indices; 0: none */
	uint32_t in_port, out_port; /* where those are a bridge, the ports of it; 0: not known, or it is none */
	uint16_t vlan;	  /* 1..4094 of the tag that it came with across a guarded bridge; 0: none */
	bool has_mac;
	struct mac mac; /* source of the frame */
	struct span ip; /* the copied bytes from the IP header on */
	size_t wire_len;
	int64_t stamp_us; /* when the kernel saw it; 0: not told */
};

enum nfq_kind {
	NFQ_PACKET,
	NFQ_STALE, /* the kernel refused a verdict: that packet had been answered already */
	NFQ_ERROR, /* another error of the socket's shared sender; *ret_error */
	NFQ_BAD,   /* not a message that we know */
	NFQ_END,
};

/* Takes the next message out of one datagram. Views in *ret_packet point into the datagram. */
enum nfq_kind nfq_next(struct cursor *datagram, struct queued *ret_packet, int *ret_error);

#endif
