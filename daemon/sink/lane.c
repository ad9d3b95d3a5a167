/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line lies in one piece, so that it can be shown without a copy: what is left at the end of the ring when a line does not fit
 * there is skipped. An empty ring starts over at its beginning, so that a quiet output does not touch all of it; in its second half only,
 * because what is skipped is no room until the other side has passed it.
 */
#include "lane.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

enum {
	CACHE_LINE = 64,
	ALIGN = 8,
	LEAST = 64 << 10,
};

#define SKIP UINT32_MAX /* the length that says: go on at the beginning */

struct slot {
	uint32_t len;
	struct line_info info;
};

/* Positions only rise; the mask makes offsets of them. Counters are written by one side each. */
struct side {
	_Alignas(CACHE_LINE) _Atomic size_t at;
	_Atomic uint64_t bytes, lines;
};

struct lane {
	struct side put, took;
	_Alignas(CACHE_LINE) char *ring;
	size_t mask;
	size_t sent; /* who takes: bytes of the next line that are out */
};

struct lane *
lane_new(size_t bytes)
{
	struct lane *l = aligned_alloc(CACHE_LINE, sizeof *l);

	assert(bytes >= LEAST && (bytes & (bytes - 1)) == 0);
	if (!l)
		return NULL;
	memset(l, 0, sizeof *l);
	l->mask = bytes - 1;
	l->ring = malloc(bytes);
	if (!l->ring) {
		free(l);
		return NULL;
	}
	return l;
}

void
lane_free(struct lane *l)
{
	if (!l)
		return;
	free(l->ring);
	free(l);
}

/* Only its own side adds, so that this needs no locked instruction. */
static void
add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static size_t
room_for(size_t len)
{
	return (sizeof(struct slot) + len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static struct slot *
slot_at(const struct lane *l, size_t at)
{
	return (struct slot *)(l->ring + (at & l->mask));
}

static void
fill(struct slot *slot, const struct line_info *info, const struct iovec *pieces, size_t n)
{
	char *to = (char *)(slot + 1);

	slot->info = *info;
	for (size_t i = 0; i < n; i++) {
		memcpy(to, pieces[i].iov_base, pieces[i].iov_len);
		to += pieces[i].iov_len;
	}
	slot->len = (uint32_t)(to - (char *)(slot + 1));
}

bool
lane_put(struct lane *l, const struct line_info *info, const struct iovec *pieces, size_t n)
{
	size_t at = atomic_load_explicit(&l->put.at, memory_order_relaxed), len = 0;
	size_t used = at - atomic_load_explicit(&l->took.at, memory_order_acquire);
	size_t offset = at & l->mask, skip = 0;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].iov_len;
	assert(len > 0 && len <= RECORD_BYTES);
	size_t need = room_for(len);
	if (offset + need > l->mask + 1 || (used == 0 && offset > l->mask / 2))
		skip = l->mask + 1 - offset;
	if (used + skip + need > l->mask + 1)
		return false;
	if (skip)
		slot_at(l, at)->len = SKIP;
	fill(slot_at(l, at + skip), info, pieces, n);
	add(&l->put.bytes, len);
	add(&l->put.lines, 1);
	atomic_store_explicit(&l->put.at, at + skip + need, memory_order_release);
	return true;
}

/* The line at *at or behind what is skipped there; NULL at the end. */
static struct slot *
find(const struct lane *l, size_t *at, size_t end)
{
	if (*at == end)
		return NULL;
	struct slot *slot = slot_at(l, *at);
	if (slot->len != SKIP)
		return slot;
	*at += l->mask + 1 - (*at & l->mask); /* a skip never comes alone */
	return slot_at(l, *at);
}

static size_t
position(const struct lane *l)
{
	return atomic_load_explicit(&l->took.at, memory_order_relaxed);
}

static size_t
end_of(const struct lane *l)
{
	return atomic_load_explicit(&l->put.at, memory_order_acquire);
}

const struct line_info *
lane_next(struct lane *l, size_t *ret_len)
{
	size_t at = position(l);
	const struct slot *slot = find(l, &at, end_of(l));

	if (!slot)
		return NULL;
	*ret_len = slot->len;
	return &slot->info;
}

size_t
lane_view(struct lane *l, struct iovec *iov, size_t n)
{
	size_t at = position(l), end = end_of(l), used = 0, skip = l->sent;
	struct slot *slot;

	while (used < n && (slot = find(l, &at, end)) != NULL) {
		iov[used++] = (struct iovec){(char *)(slot + 1) + skip, slot->len - skip};
		skip = 0;
		at += room_for(slot->len);
	}
	return used;
}

/* The room of the next line is free again. */
static void
leave(struct lane *l, const struct slot *slot, size_t at)
{
	size_t len = slot->len;

	l->sent = 0;
	add(&l->took.bytes, len);
	add(&l->took.lines, 1);
	atomic_store_explicit(&l->took.at, at + room_for(len), memory_order_release);
}

static unsigned
bit_of(const struct slot *slot)
{
	unsigned bit = (unsigned)__builtin_ctz(slot->info.type);

	assert(bit < RECORD_TYPES);
	return bit;
}

void
lane_took(struct lane *l, size_t bytes, _Atomic uint64_t written[RECORD_TYPES])
{
	while (bytes > 0) {
		size_t at = position(l);
		struct slot *slot = find(l, &at, end_of(l));
		assert(slot); /* more bytes were taken than shown */
		size_t rest = slot->len - l->sent;
		if (bytes < rest) {
			l->sent += bytes;
			return;
		}
		bytes -= rest;
		add(&written[bit_of(slot)], 1);
		leave(l, slot, at);
	}
}

void
lane_drop_next(struct lane *l, _Atomic uint64_t dropped[RECORD_TYPES])
{
	size_t at = position(l);
	struct slot *slot = find(l, &at, end_of(l));

	assert(slot);
	add(&dropped[bit_of(slot)], 1);
	leave(l, slot, at);
}

bool
lane_started(const struct lane *l)
{
	return l->sent > 0;
}

void
lane_restart(struct lane *l)
{
	l->sent = 0;
}

/* Of two counters that both rise, the lower one is read first: the difference is never below zero. */
static uint64_t
difference(const _Atomic uint64_t *put, const _Atomic uint64_t *took)
{
	uint64_t t = atomic_load_explicit(took, memory_order_acquire);
	uint64_t p = atomic_load_explicit(put, memory_order_acquire);

	return p > t ? p - t : 0;
}

size_t
lane_waiting(const struct lane *l)
{
	return difference(&l->put.bytes, &l->took.bytes);
}

uint64_t
lane_lines(const struct lane *l)
{
	return difference(&l->put.lines, &l->took.lines);
}

uint64_t
lane_taken(const struct lane *l)
{
	return atomic_load_explicit(&l->took.lines, memory_order_relaxed);
}
