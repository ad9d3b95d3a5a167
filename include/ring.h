/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last records as they were printed, in memory of fixed size that is set aside at the start: what the control socket's `events` streams,
 * and what a subscriber that was away for a moment takes up again. Records are numbered from 1; the oldest make room.
 */
#ifndef LENSCAP_RING_H
#define LENSCAP_RING_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

enum {
	RING_BYTES = 4 << 20,
	RING_DEVICE = 64,
};

/* What streams are filtered by. */
struct ring_info {
	uint32_t type; /* one RECORD_* bit */
	uint8_t decision, would; /* enum decision; DECISION_PENDING: there is none */
	char country[3];	 /* of the far side as records spell it: "??" unknown, "" none */
	int64_t wall_us;
	struct mac mac;	   /* of the device; zero: none */
	struct addr local; /* its address; zero: none */
	char device[RING_DEVICE];
};

struct ring;

/* bytes: at least 64 KiB. NULL when memory is short. */
struct ring *ring_new(size_t bytes);
void ring_free(struct ring *r);

/* Copies a line; a trailing '\n' is left out. One that does not fit a quarter of the ring gets no number and is not kept. */
void ring_put(struct ring *r, const struct ring_info *info, const char *line, size_t len);

/* The oldest that is still there, and the number that the next one will get; equal when there is none. */
uint64_t ring_first(const struct ring *r);
uint64_t ring_next(const struct ring *r);

/* The record of this number, not ended by a NUL; NULL: it is gone, or to come. Valid until the next ring_put(). */
const char *ring_get(const struct ring *r, uint64_t number, const struct ring_info **ret_info, size_t *ret_len);

/* The first record that is not older than this, ring_next() when all are. Where the wall clock went back it may be off by the jump. */
uint64_t ring_since(const struct ring *r, int64_t wall_us);

#endif
