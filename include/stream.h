/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first bytes of a flow's two directions, in order, from memory of a fixed pool: what the probes look at.
 *
 * The first copy of a byte is the one that counts: a retransmission with other content is a conflict, counted, and tells the caller that
 * the peer's stack may see other bytes than we did. Reordered, overlapping, one-byte segments and data in the SYN are ordinary.
 */
#ifndef LENSCAP_STREAM_H
#define LENSCAP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "probe.h"

struct stream_pool;
struct stream; /* one flow's both directions */

enum stream_note {
	STREAM_NEW = 1 << 0,	  /* bytes became contiguous: worth asking the probes again */
	STREAM_CONFLICT = 1 << 1, /* bytes that were seen before came again with other content */
	STREAM_URGENT = 1 << 2,	  /* urgent data: stacks disagree where it goes */
	STREAM_GAP = 1 << 3,	  /* bytes are missing before these */
	STREAM_FULL = 1 << 4,	  /* a limit was reached: this direction has ended for the probes */
	STREAM_FIN = 1 << 5,	  /* the direction is complete */
	STREAM_OUTSIDE = 1 << 6,  /* outside any window that makes sense: ignored */
};

/* flows: how many may be watched at once; bytes: of all of them together. NULL when memory is short. */
struct stream_pool *stream_pool_new(size_t flows, size_t bytes);
void stream_pool_free(struct stream_pool *p);

/* NULL when the pool is used up: counted in stream_pool_refused(). */
struct stream *stream_new(struct stream_pool *p, uint8_t l4);
void stream_free(struct stream_pool *p, struct stream *s);

/* One packet of this flow; side: PROBE_TO_SERVER or PROBE_TO_CLIENT. Returns enum stream_note bits. */
unsigned stream_packet(struct stream_pool *p, struct stream *s, unsigned side, const struct packet *packet);

/* A view for the probes; valid until the next stream_packet(). */
void stream_view(const struct stream *s, struct probe_input *ret_input);

size_t stream_pool_flows(const struct stream_pool *p);
size_t stream_pool_bytes(const struct stream_pool *p);
uint64_t stream_pool_refused(const struct stream_pool *p);

#endif
