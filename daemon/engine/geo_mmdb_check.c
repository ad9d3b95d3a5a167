/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libmaxminddb (1.7) takes on trust, and a file from outside may not have:
 * - it skips nested values by recursion without a limit: a record of some hundred thousand arrays in arrays ends the stack;
 * - it expands the metadata's pointers: ten arrays of ten pointers to the next array are 10^10 values in memory;
 * - it reads past a metadata section of fewer than three bytes.
 * So every value is walked here first, with a budget. What the library then visits is a part of what was visited here.
 *
 *	value   = control [size] payload
 *	control = type (3 bits, 0: 7 + the next byte) | size (5 bits; 29, 30, 31: in the next one, two, three bytes)
 *	pointer = type 1: length - 1 (2 bits), upper bits of the offset (3 bits), then 1..4 bytes
 */
#include "geo_private.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	TYPE_EXTENDED = 0,
	TYPE_POINTER = 1,
	TYPE_STRING = 2,
	TYPE_MAP = 7,
	TYPE_ARRAY = 11,
	TYPE_BOOLEAN = 14,

	WALK_VALUES = 4096, /* the richest records on sale have about 300 */
	WALK_DEPTH = 24,    /* they nest 4 deep; a pointer counts as one */
	METADATA_MAX = 128 * 1024, /* the file's last bytes, in which the format wants the metadata */
};

static const char marker[] = "\xab\xcd\xefMaxMind.com";
static const size_t marker_len = sizeof marker - 1;

struct walk {
	struct span section;
	unsigned left;	  /* values that may still be visited */
	bool flat_arrays; /* metadata: arrays hold strings only; libmaxminddb leaks on others */
};

struct head {
	unsigned type;
	uint32_t size; /* of a pointer: where it points */
};

static uint32_t
read_pointer(struct cursor *in, uint8_t control)
{
	uint32_t upper = control & 7;

	switch (control >> 3 & 3) {
	case 0:
		return upper << 8 | cursor_u8(in);
	case 1:
		return (upper << 16 | cursor_u16(in)) + 2048;
	case 2:
		return (upper << 24 | cursor_u24(in)) + 526336; /* 2048 + 2^19 */
	}
	return cursor_u32(in);
}

static struct head
read_head(struct cursor *in)
{
	uint8_t control = cursor_u8(in);
	struct head h = {control >> 5, control & 31};

	if (h.type == TYPE_POINTER) {
		h.size = read_pointer(in, control);
		return h;
	}
	if (h.type == TYPE_EXTENDED)
		h.type = 7u + cursor_u8(in);
	if (h.size == 29)
		h.size += cursor_u8(in);
	else if (h.size == 30)
		h.size = 285u + cursor_u16(in);
	else if (h.size == 31)
		h.size = 65821u + cursor_u24(in);
	return h;
}

static bool walk_value(struct walk *w, struct cursor *in, unsigned depth, unsigned *ret_type);

/* Pointers to pointers are illegal, and so refused. */
static bool
walk_pointer(struct walk *w, uint32_t offset, unsigned depth, unsigned *ret_type)
{
	struct cursor at = cursor_span(w->section);

	cursor_skip(&at, offset);
	return walk_value(w, &at, depth + 1, ret_type) && *ret_type != TYPE_POINTER;
}

static bool
walk_map(struct walk *w, struct cursor *in, uint32_t pairs, unsigned depth)
{
	unsigned type;

	while (pairs--) {
		if (!walk_value(w, in, depth + 1, &type) || type != TYPE_STRING)
			return false;
		if (!walk_value(w, in, depth + 1, &type))
			return false;
	}
	return true;
}

static bool
walk_array(struct walk *w, struct cursor *in, uint32_t n, unsigned depth)
{
	unsigned type;

	while (n--)
		if (!walk_value(w, in, depth + 1, &type) || (w->flat_arrays && type != TYPE_STRING))
			return false;
	return true;
}

/* Moves past the value. *ret_type: its type, that of what it points to when it is a pointer. Recursion ends at WALK_DEPTH. */
static bool
walk_value(struct walk *w, struct cursor *in, unsigned depth, unsigned *ret_type)
{
	if (depth > WALK_DEPTH || w->left == 0)
		return false;
	w->left--;
	struct head h = read_head(in);
	if (in->bad)
		return false;
	*ret_type = h.type;
	switch (h.type) {
	case TYPE_POINTER:
		return walk_pointer(w, h.size, depth, ret_type);
	case TYPE_MAP:
		return walk_map(w, in, h.size, depth);
	case TYPE_ARRAY:
		return walk_array(w, in, h.size, depth);
	case TYPE_BOOLEAN: /* its size is its value */
		return true;
	}
	cursor_skip(in, h.size);
	return !in->bad;
}

bool
mmdb_check_value(struct span section, uint32_t offset)
{
	struct walk w = {section, WALK_VALUES, false};
	struct cursor in = cursor_span(section);
	unsigned type;

	cursor_skip(&in, offset);
	return walk_value(&w, &in, 0, &type);
}

/* The file's tail in memory that the caller frees. {NULL, 0}: it cannot be read. */
static struct span
read_tail(int fd, uint64_t size)
{
	size_t n = size < METADATA_MAX ? (size_t)size : METADATA_MAX, got = 0;
	uint8_t *p = malloc(n ? n : 1);

	while (p && got < n) {
		ssize_t r = pread(fd, p + got, n - got, (off_t)(size - n + got));
		if (r <= 0) {
			free(p);
			return (struct span){NULL, 0};
		}
		got += (size_t)r;
	}
	return (struct span){p, p ? n : 0};
}

/* What follows the last marker, as libmaxminddb looks for it. */
static struct span
find_metadata(struct span tail)
{
	struct cursor in = cursor_span(tail);
	struct span found = {NULL, 0};

	while (cursor_left(&in) >= marker_len) {
		const uint8_t *at = memmem(in.p, cursor_left(&in), marker, marker_len);
		if (!at)
			break;
		cursor_skip(&in, (size_t)(at - in.p) + marker_len);
		found = (struct span){in.p, cursor_left(&in)};
	}
	return found;
}

bool
mmdb_has_marker(int fd, uint64_t size)
{
	struct span tail = read_tail(fd, size);
	bool found = find_metadata(tail).p != NULL;

	free((void *)tail.p);
	return found;
}

int
mmdb_check_metadata(int fd, uint64_t size, const char **ret_problem)
{
	struct span tail = read_tail(fd, size), section = find_metadata(tail);
	struct walk w = {section, WALK_VALUES, true};
	struct cursor in = cursor_span(section);
	unsigned type;
	int r = -1;

	if (!section.p)
		*ret_problem = "has no metadata; it may be truncated";
	else if (section.len < 3 || !walk_value(&w, &in, 0, &type) || type != TYPE_MAP)
		*ret_problem = "has damaged metadata";
	else
		r = 0;
	free((void *)tail.p);
	return r;
}
