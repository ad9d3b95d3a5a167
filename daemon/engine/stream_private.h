/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the stream*.c files: stream_pool.c owns the memory and knows no protocol, stream_tcp.c puts
 * segments in order and knows no memory, stream.c takes packets and shows the view.
 *
 * A side's bytes are numbered from 0 and live in chunks of one size, so the pool cannot fragment. A chunk
 * is taken when its first byte is written.
 */
#ifndef LENSCAP_STREAM_PRIVATE_H
#define LENSCAP_STREAM_PRIVATE_H

#include "cursor.h"
#include "stream.h"

enum {
	STREAM_CHUNK = 640, /* a ClientHello without post-quantum keys, 517 bytes as a rule, takes one */
	STREAM_CHUNKS = PROBE_STREAM / STREAM_CHUNK,
	STREAM_RANGES = 32, /* islands of a direction: 20 KiB in full segments have 8 at the very most */
};

_Static_assert(PROBE_STREAM % STREAM_CHUNK == 0 && PROBE_STREAM <= UINT16_MAX, "offsets are 16 bits");

struct stream_range {
	uint16_t from, to; /* [from, to) is here */
};

struct stream_side {
	uint32_t base;	/* TCP: sequence number of byte 0 */
	uint32_t limit; /* bytes from here on will never be remembered */
	uint32_t fin;	/* bytes before the FIN; UINT32_MAX: none was seen */
	bool based;	/* base is set */
	bool proven;	/* by a SYN */
	bool ended;
	uint16_t n; /* ranges or ends in use */
	union {
		struct stream_range ranges[STREAM_RANGES]; /* TCP: in order, never touching */
		uint16_t ends[PROBE_UNITS];		   /* others: where each datagram ends */
	};
	uint32_t chunks[STREAM_CHUNKS]; /* 0: not taken */
};

struct stream {
	struct stream_pool *pool;
	struct stream *next_unused;
	uint8_t l4;
	uint16_t port;
	struct stream_side side[2];
};

struct stream_pool {
	struct stream *slots, *unused;
	uint8_t *memory; /* chunk i is at (i - 1) * STREAM_CHUNK */
	size_t slots_total, slots_touched, flows;
	uint32_t chunks_total, chunks_touched, chunks_used;
	uint32_t unused_chunk; /* the next one's number is in its first bytes; 0: none */
	uint64_t refused;
	struct span units[2][PROBE_UNITS]; /* of the view */
	uint8_t flat[2][PROBE_STREAM];	   /* and its bytes, where they lie in more than one chunk */
};

/*
 * Writes bytes from `offset` on, which is below PROBE_STREAM together with their length. Returns how many:
 * fewer when the pool is empty.
 */
size_t stream_write(struct stream_pool *p, struct stream_side *side, size_t offset, struct span bytes);
/* True when these bytes, all written before, are the same. */
bool stream_same(const struct stream_pool *p, const struct stream_side *side, size_t offset,
		 struct span bytes);
/* The first len bytes in one piece: where they are if that is one chunk, else copied to out. */
const uint8_t *stream_flat(const struct stream_pool *p, const struct stream_side *side, size_t len,
			   uint8_t *out);

/* Bytes of a TCP direction without a gap, from the first on. */
size_t stream_tcp_ready(const struct stream_side *side);
unsigned stream_tcp(struct stream_pool *p, struct stream *s, unsigned which, const struct packet *packet);

#endif
