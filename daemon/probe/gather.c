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

bool
gather_put(struct gather *g, uint64_t offset, struct span piece)
{
	if (offset > GATHER_MAX || piece.len > GATHER_MAX - offset)
		return false;
	for (size_t i = 0; i < piece.len; i++) {
		size_t at = (size_t)offset + i;
		uint64_t bit = UINT64_C(1) << at % 64;
		if ((g->present[at / 64] & bit) && g->bytes[at] != piece.p[i])
			return false;
		g->present[at / 64] |= bit;
		g->bytes[at] = piece.p[i];
	}
	if (offset + piece.len > g->end)
		g->end = (size_t)offset + piece.len;
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
