/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our ten bits in the packet mark and the ct mark, at a configurable place; all other bits belong to others.
 *
 *	bit  9 8   7 … 0
 *	    +----+-------+
 *	    | d  | gen   |   d: enum decision (1 allow, 2 block, 3 reject); gen: generation of the policy, 1..254
 *	    +----+-------+
 *
 * gen 0 is no verdict: on the way to the queue d then carries hints from the kernel, and the verdict overwrites them. gen 255 never comes into
 * force: the sweep writes it into ct marks whose generation number is about to be used again, so that such flows are judged anew.
 */
#ifndef LENSCAP_MARK_H
#define LENSCAP_MARK_H

#include <stdint.h>

enum {
	MARK_BITS = 10,
	MARK_GENERATION_MAX = 254,
	MARK_GENERATION_STALE = 255,
	MARK_HINT_REPLY = 1, /* the packet travels in the reply direction of its connection */
	MARK_HINT_NEW = 2,   /* it is the first packet of a connection: what had the same ports before is over */
	MARK_SHIFT_MAX = 32 - MARK_BITS,
};

static inline uint32_t
mark_mask(unsigned shift)
{
	return 0x3ffu << shift;
}

static inline uint32_t
mark_of(unsigned shift, unsigned decision, unsigned generation)
{
	return ((decision & 3u) << 8 | (generation & 0xffu)) << shift;
}

static inline unsigned
mark_generation(unsigned shift, uint32_t mark)
{
	return mark >> shift & 0xffu;
}

static inline unsigned
mark_decision(unsigned shift, uint32_t mark)
{
	return mark >> shift >> 8 & 3u;
}

#endif
