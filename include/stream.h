/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first bytes of a flow's two directions, in order, from memory of a fixed pool: what the probes look at.
 *
 * The first copy of a byte is the one that counts: a retransmission with other content is a conflict, counted, and tells the caller that
 * the peer's stack may see other bytes than we did. Reordered, overlapping, one-byte segments and data in the SYN are ordinary.
 *
 * A verdict may rest on these bytes only while neither STREAM_CONFLICT, STREAM_URGENT nor STREAM_OUTSIDE was ever returned for that
 * direction: each means that the peer's stack can read something else. STREAM_LOOSE needs care as well: without a SYN the first segment
 * that comes is taken for the beginning, and a sender can choose to show a later one first. The earlier one is then STREAM_OUTSIDE, but
 * only if it still comes through here: a flow that is left to the kernel on a loose start can send its true first bytes unseen.
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
	STREAM_CONFLICT = 1 << 1, /* bytes that were seen before came again with other content, or bytes behind a FIN, or a second FIN elsewhere */
	STREAM_URGENT = 1 << 2,	  /* urgent data: stacks disagree where it goes */
	STREAM_GAP = 1 << 3,	  /* bytes are missing before these */
	STREAM_FULL = 1 << 4,	  /* a limit was reached: this direction has ended for the probes. Again for each packet that is not remembered */
	STREAM_FIN = 1 << 5,	  /* the direction became complete */
	STREAM_OUTSIDE = 1 << 6,  /* before the first byte, a SYN with another number, or further ahead than any window: ignored */
	STREAM_LOOSE = 1 << 7,	  /* with payload: the SYN was not seen, so where this direction begins is a guess from its first segment */
};

/*
 * flows: how many may be watched at once; bytes: of all of them together. All memory is set aside here; NULL when it is short.
 *
 * A direction takes memory in steps of 640 bytes as they are first written and PROBE_STREAM at most: what an attacker spends is what he
 * takes, but nothing here shares the pool out between devices. The caller limits the flows of one device.
 */
struct stream_pool *stream_pool_new(size_t flows, size_t bytes);
void stream_pool_free(struct stream_pool *p);

/* NULL when the pool is used up: counted in stream_pool_refused(). */
struct stream *stream_new(struct stream_pool *p, uint8_t l4);
void stream_free(struct stream_pool *p, struct stream *s);

/*
 * One packet of this flow; side: PROBE_TO_SERVER or PROBE_TO_CLIENT. Returns enum stream_note bits. Bytes that a short copy lacks never
 * fill in: a stream is STREAM_FULL where they begin, and a datagram that was cut is the last unit. Datagrams without payload are no units.
 */
unsigned stream_packet(struct stream_pool *p, struct stream *s, unsigned side, const struct packet *packet);

/* A view for the probes; all streams of a pool share its memory: valid until the pool's next stream_view(), stream_packet() or stream_free(). */
void stream_view(const struct stream *s, struct probe_input *ret_input);

/*
 * TCP: this is a direction's first byte, whatever segment came first; what is here already moves behind it. False: a SYN said otherwise, or it
 * lies behind bytes that are here.
 */
bool stream_begin(struct stream_pool *p, struct stream *s, unsigned side, uint32_t seq);

/* TCP: the sequence number of a direction's first byte; 0 while that is not known. */
uint32_t stream_seq(const struct stream *s, unsigned side);

size_t stream_pool_flows(const struct stream_pool *p); /* watched now */
size_t stream_pool_bytes(const struct stream_pool *p); /* taken from the pool now */
uint64_t stream_pool_refused(const struct stream_pool *p); /* flows not watched and directions cut short because the pool was empty */

#endif
