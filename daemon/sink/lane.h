/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on their way from the loop to the writer: a ring of bytes with one side that puts and one that takes, which may be two
 * threads. Neither waits for the other, and neither takes a lock. Private to this folder.
 *
 * What is in a lane is on its way and is not taken back; what may still have to give room to an alert stays in the backlog.
 */
#ifndef LENSCAP_SINK_LANE_H
#define LENSCAP_SINK_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backlog.h"

enum { LANE_BYTES = 2 << 20 };

struct lane;

/* bytes: a power of two, at least 64 KiB. NULL when memory is short. */
struct lane *lane_new(size_t bytes);
void lane_free(struct lane *l);

/* ---- who puts ---- */

/* Copies a line of n pieces in; false when there is no room now. At most RECORD_BYTES. */
bool lane_put(struct lane *l, const struct line_info *info, const struct iovec *pieces, size_t n);

/* ---- who takes ---- */

/* The line that is next; NULL when there is none. Valid until it is taken. */
const struct line_info *lane_next(struct lane *l, size_t *ret_len);
/* Views of the bytes that are next, one a line, over at most n lines. Returns how many. */
size_t lane_view(struct lane *l, struct iovec *iov, size_t n);
/* This many of those bytes are out; written counts the lines that are complete. Only its own side writes to it. */
void lane_took(struct lane *l, size_t bytes, _Atomic uint64_t written[RECORD_TYPES]);
/* Gives the next line up. */
void lane_drop_next(struct lane *l, _Atomic uint64_t dropped[RECORD_TYPES]);
/* True when the next line is partly out. */
bool lane_started(const struct lane *l);
/* The next line is to be written from its first byte again: what took its beginning is gone. */
void lane_restart(struct lane *l);

/* ---- either side; what the other one does meanwhile may be missing ---- */

/* Bytes and number of the lines that wait, and how many lines were ever taken. */
size_t lane_waiting(const struct lane *l);
uint64_t lane_lines(const struct lane *l);
uint64_t lane_taken(const struct lane *l);

#endif
