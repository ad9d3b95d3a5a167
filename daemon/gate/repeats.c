/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See repeats.h. Nothing is remembered of a connection: what is left of its time says when it closed, as the whole of that time is the most that
 * any connection has left. Where somebody shortens it, connections are left out until the longer ones are gone; their ends are told all the same.
 */
#include "repeats.h"

#include <string.h>

enum { ROUNDING_S = 2 };

static const uint64_t SECOND_NS = 1000000000;

void
repeats_begin(struct repeats *r, uint64_t now_ns)
{
	uint64_t *oldest = &r->began_ns[r->looks % REPEATS], since_s = (now_ns - *oldest) / SECOND_NS;

	r->window_s = r->looks < REPEATS ? 0 : since_s < UINT32_MAX / 2 ? (uint32_t)since_s + ROUNDING_S : UINT32_MAX / 2;
	*oldest = now_ns;
	r->looks++;
	r->longest_s = 0;
}

void
repeats_end(struct repeats *r)
{
	r->whole_s = r->longest_s;
}

void
repeats_forget(struct repeats *r)
{
	memset(r, 0, sizeof *r);
}

bool
repeats_enough(struct repeats *r, uint32_t left_s)
{
	if (left_s > r->longest_s)
		r->longest_s = left_s;
	return r->window_s && left_s && left_s < r->whole_s && r->whole_s - left_s > r->window_s;
}
