/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A handshake message put together from pieces that came in any order, with their offsets: QUIC's CRYPTO frames, DTLS's fragments. A
 * byte that comes twice must be the same.
 */
#ifndef LENSCAP_PROBE_GATHER_H
#define LENSCAP_PROBE_GATHER_H

#include "cursor.h"

enum { GATHER_MAX = 16384 };

struct gather {
	size_t end; /* behind the last byte that came */
	uint64_t present[GATHER_MAX / 64];
	uint8_t bytes[GATHER_MAX];
};

void gather_init(struct gather *g);

/* False: beyond GATHER_MAX, or other bytes than before at the same place. */
bool gather_put(struct gather *g, uint64_t offset, struct span piece);

/* Bytes that are there without a gap from the first on. */
size_t gather_whole(const struct gather *g);

#endif
