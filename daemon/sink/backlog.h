/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that wait to be written, in memory of fixed size. Private to this folder.
 *
 * Lines come out in the order in which they went in. When a new line finds no room, the oldest lines that are not alerts go
 * first; an alert only makes room for an alert. A line whose first bytes are out already is never dropped, so that
 * what is written has no torn lines.
 */
#ifndef LENSCAP_SINK_BACKLOG_H
#define LENSCAP_SINK_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "policy.h"

enum { BACKLOG_BYTES = 4 << 20 };

struct line_info {
	uint32_t type; /* one RECORD_* bit */
	enum alert_level level;
	int64_t wall_us;
};

struct backlog;

/* bytes: what all lines together may take, block ends included. NULL when memory is short. */
struct backlog *backlog_new(size_t bytes);
void backlog_free(struct backlog *b);

/* Copies the line in. dropped counts, by bit number of the type, what had to go, which may be the new line itself. */
void backlog_put(struct backlog *b, const struct line_info *info, const char *line, size_t len,
		 uint64_t dropped[RECORD_TYPES]);

/* The line that is next; NULL when there is none. Valid until the next call that changes something. */
const struct line_info *backlog_next(const struct backlog *b, size_t *ret_len);

/* Views of the bytes that are next, over at most max_lines lines: at most n, may end within a line. Returns how many. */
size_t backlog_view(const struct backlog *b, struct iovec *iov, size_t n, size_t max_lines);

/* This many of those bytes are out; written counts the lines that are complete. */
void backlog_took(struct backlog *b, size_t bytes, uint64_t written[RECORD_TYPES]);

/* Gives the next line up. */
void backlog_drop_next(struct backlog *b, uint64_t dropped[RECORD_TYPES]);

/* True when the next line is partly out. */
bool backlog_started(const struct backlog *b);
/* The next line is to be written from its first byte again: what took its beginning is gone. */
void backlog_restart(struct backlog *b);

/* Bytes of the lines that wait, and whether there are none. */
size_t backlog_waiting(const struct backlog *b);
size_t backlog_lines(const struct backlog *b);
/* True when less than half of the memory is free. */
bool backlog_half_full(const struct backlog *b);

#endif
