/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces in any order into one message; see gather.h. */
#include "gather.h"

#include <string.h>

void
gather_init(struct gather *g)
{
	g->end = 0;
	memset(g->present, 0, sizeof g->present);
}

/* The bits of one word of `present` that stand for bytes from `from` to before `end`. */
static uint64_t
bits_of(size_t word, size_t from, size_t end)
{
	size_t base = word * 64, first = from > base ? from - base : 0, last = end - 1 - base < 63 ? end - 1 - base : 63;

	return UINT64_MAX << first & UINT64_MAX >> (63 - last);
}

/* True: these were there before with other content. */
static bool
contradicts(const struct gather *g, size_t from, struct span piece)
{
	for (size_t i = 0; i < piece.len; i++) {
		size_t at = from + i;
		if ((g->present[at / 64] >> at % 64 & 1) && g->bytes[at] != piece.p[i])
			return true;
	}
	return false;
}

bool
gather_put(struct gather *g, uint64_t offset, struct span piece)
{
	uint64_t seen = 0;

	if (offset > GATHER_MAX || piece.len > GATHER_MAX - offset)
		return false;
	size_t from = (size_t)offset, end = from + piece.len;
	if (piece.len) {
		for (size_t w = from / 64; w <= (end - 1) / 64; w++)
			seen |= g->present[w] & bits_of(w, from, end);
		if (seen && contradicts(g, from, piece))
			return false;
		for (size_t w = from / 64; w <= (end - 1) / 64; w++)
			g->present[w] |= bits_of(w, from, end);
		memcpy(g->bytes + from, piece.p, piece.len);
	}
	if (end > g->end)
		g->end = end;
	return true;
}

size_t
gather_whole(const struct gather *g)
{
	for (size_t i = 0; i < GATHER_MAX / 64; i++)
		if (g->present[i] != UINT64_MAX)
			return i * 64 + (size_t)__builtin_ctzll(~g->present[i]);
	return GATHER_MAX;
}
