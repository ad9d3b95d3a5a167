/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record ring; see ring.h. Entries lie one behind the other in one buffer; one that would not fit before its end begins at 0 again. The
 * places of the entries stand in an index that is a ring itself, so that a record is found by its number at once.
 */
#include "ring.h"

#include <stdlib.h>
#include <string.h>

enum {
	ENTRY_BYTES = 256, /* the index has a place for each so many bytes: no record with its header is smaller */
	ALIGN = 8,
};

struct entry {
	struct ring_info info;
	uint32_t len;
	char line[];
};

struct ring {
	uint8_t *buf;
	uint32_t *places; /* of number n: places[n % slots] */
	size_t bytes, slots, head;
	uint64_t first, next;
};

struct ring *
ring_new(size_t bytes)
{
	struct ring *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->bytes = bytes;
	r->slots = bytes / ENTRY_BYTES;
	r->buf = malloc(bytes);
	r->places = calloc(r->slots, sizeof *r->places);
	r->first = r->next = 1;
	if (r->buf && r->places)
		return r;
	ring_free(r);
	return NULL;
}

void
ring_free(struct ring *r)
{
	if (!r)
		return;
	free(r->buf);
	free(r->places);
	free(r);
}

static struct entry *
entry_of(const struct ring *r, uint64_t number)
{
	return (struct entry *)(void *)(r->buf + r->places[number % r->slots]);
}

static size_t
size_of(size_t len)
{
	return (sizeof(struct entry) + len + ALIGN - 1) / ALIGN * ALIGN;
}

/* Drops the oldest for as long as they lie in [from, to). */
static void
make_room(struct ring *r, size_t from, size_t to)
{
	while (r->first < r->next) {
		size_t at = r->places[r->first % r->slots];
		if (at >= to || at + size_of(entry_of(r, r->first)->len) <= from)
			return;
		r->first++;
	}
}

void
ring_put(struct ring *r, const struct ring_info *info, const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\n')
		len--;
	size_t size = size_of(len);
	if (size > r->bytes / 4)
		return;
	if (r->head + size > r->bytes) {
		make_room(r, r->head, r->bytes);
		r->head = 0;
	}
	make_room(r, r->head, r->head + size);
	if (r->next - r->first == r->slots)
		r->first++;
	r->places[r->next % r->slots] = (uint32_t)r->head;
	struct entry *e = entry_of(r, r->next++);
	e->info = *info;
	e->len = (uint32_t)len;
	memcpy(e->line, line, len);
	r->head += size;
}

uint64_t
ring_first(const struct ring *r)
{
	return r->first;
}

uint64_t
ring_next(const struct ring *r)
{
	return r->next;
}

const char *
ring_get(const struct ring *r, uint64_t number, const struct ring_info **ret_info, size_t *ret_len)
{
	if (number < r->first || number >= r->next)
		return NULL;
	const struct entry *e = entry_of(r, number);
	*ret_info = &e->info;
	*ret_len = e->len;
	return e->line;
}

uint64_t
ring_since(const struct ring *r, int64_t wall_us)
{
	uint64_t low = r->first, high = r->next;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (entry_of(r, middle)->info.wall_us < wall_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
