/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people: a header, cells to the left, no lines drawn. On a terminal the widest columns are cut, with a `~`, so that a row fits;
 * into a pipe everything goes whole.
 */
#ifndef LENSCAP_LISTING_H
#define LENSCAP_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct listing;

struct listing_style {
	bool header;
	bool bytes_exact; /* for listing_size() callers: 1234567 instead of 1.2M */
	size_t width;	  /* columns of the terminal; 0: no limit */
	bool colour;	  /* the header in bold */
};

enum {
	LISTING_COLUMNS = 16,
	LISTING_SIZE = 24,
	LISTING_TIME = 32,
};

/* What stdout asks for: width 0 unless it is a terminal (its size, or COLUMNS). */
struct listing_style listing_style(bool colour, bool header);

/*
 * header: ends with NULL, at most LISTING_COLUMNS; copied. A name that begins with '=' is of a column that others give way to, with '~' of one
 * that is left out, last first, where a row does not fit. NULL when memory is short, and then all the others do nothing.
 */
struct listing *listing_new(const char *const *header, const struct listing_style *style);
/* As many cells as the header has; NULL is an empty one. Copied; control bytes become '?'. */
void listing_row(struct listing *l, const char *const *cells);
size_t listing_rows(const struct listing *l);
/* False: memory was short on the way and rows are missing, or the stream took no more. */
bool listing_print(struct listing *l, FILE *out);
void listing_free(struct listing *l);

/* "1.2M" or all digits. Returns out. */
char *listing_size(uint64_t bytes, bool exact, char out[LISTING_SIZE]);
/* "2026-11-23 05:40:00", local time unless utc. Returns out, "" for 0. */
char *listing_time(int64_t us, bool utc, char out[LISTING_TIME]);
/*
 * A time in the past, in seconds since 1970: "90s", "15m", "2h", "7d" ago; "05:40" today or "2026-11-23" or "2026-11-23 05:40", local time; or
 * "@1795401000". False: it is none of these.
 */
bool listing_since(const char *text, int64_t now_s, int64_t *ret_s);
/* Copies text for a terminal: control bytes become '?', nothing else changes. Returns out. */
char *listing_text(const char *text, char *out, size_t cap);

#endif
