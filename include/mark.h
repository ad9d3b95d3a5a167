/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our twelve bits in the packet mark and the ct mark, at a configurable place; all other bits belong to others.
 *
 *	bit 11   8   7 … 0
 *	    +-----+-------+
 *	    |  d  |  gen  |   gen: generation of the policy, 1..254
 *	    +-----+-------+
 *
 * gen 0 is no verdict: on the way to the queue d then carries hints from the kernel, and the verdict overwrites them. gen 255 never comes into
 * force: the sweep writes it into ct marks whose generation number is about to be used again, so that such flows are judged anew.
 *
 * With a generation d is a row of this table. MARK_KIND beside it says in a verdict: remember this kind of flow (its device, destination, transport
 * and port); in a ct mark: the kernel answered from that memory, and user space has not seen the flow.
 *
 *	0  watched	both directions come to the queue		2  block
 *	1  allow	the kernel carries it (enum decision)		3  reject
 *	4  open		what has no payload passes, payload comes	6  confirm  as open, until the server has answered a ClientHello
 */
#ifndef LENSCAP_MARK_H
#define LENSCAP_MARK_H

#include <stdint.h>

enum {
	MARK_BITS = 12,
	MARK_GENERATION_MAX = 254,
	MARK_GENERATION_STALE = 255,
	MARK_OPEN = 4,
	MARK_CONFIRM = 6,
	MARK_KIND = 8,
	MARK_HINT_REPLY = 1, /* the packet travels in the reply direction of its connection */
	MARK_HINT_NEW = 2,   /* it is the first packet of a connection: what had the same ports before is over */
	MARK_HINT_ANSWERED = 4, /* TCP: the server has answered */
	MARK_HINT_BEGINS = 6,	/* both, which cannot be: this segment begins with the very byte that the server's SYN named as the first it will read */
	MARK_HINT_ASKED = 8, /* the kernel let this connection's SYN pass by its kind; no payload has passed since */
	MARK_SHIFT_MAX = 32 - MARK_BITS,
};

static inline uint32_t
mark_mask(unsigned shift)
{
	return 0xfffu << shift;
}

static inline uint32_t
mark_of(unsigned shift, unsigned decision, unsigned generation)
{
	return ((decision & 0xfu) << 8 | (generation & 0xffu)) << shift;
}

static inline unsigned
mark_generation(unsigned shift, uint32_t mark)
{
	return mark >> shift & 0xffu;
}

static inline unsigned
mark_decision(unsigned shift, uint32_t mark)
{
	return mark >> shift >> 8 & 0xfu;
}

#endif
