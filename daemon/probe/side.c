/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two directions of a flow, as the rows see them; see side.h. */
#include "side.h"

#include <string.h>

struct cursor
side_unit(const struct probe_side *s, size_t i)
{
	return i < s->n && s->units[i].len ? cursor_span(s->units[i]) : cursor_of("", 0);
}

struct cursor
side_stream(const struct probe_input *in, unsigned side)
{
	return side_unit(&in->side[side], 0);
}

enum probe_result
side_each(const struct probe_side *s, bool (*fits)(struct cursor c))
{
	for (size_t i = 0; i < s->n; i++)
		if (!fits(side_unit(s, i)))
			return PROBE_NO;
	return s->n ? PROBE_DONE : PROBE_MORE;
}

enum probe_result
side_join(enum probe_result a, enum probe_result b)
{
	if (a == PROBE_NO || b == PROBE_NO)
		return PROBE_NO;
	return a == PROBE_DONE || b == PROBE_DONE ? PROBE_DONE : PROBE_MORE;
}

enum probe_result
side_datagrams(const struct probe_input *in, bool (*client)(struct cursor c), bool (*server)(struct cursor c))
{
	return side_join(side_each(&in->side[PROBE_TO_SERVER], client), side_each(&in->side[PROBE_TO_CLIENT], server));
}

enum probe_result
side_bytes(struct cursor *c, const void *want, size_t n)
{
	size_t left = cursor_left(c), have = left < n ? left : n;
	if (!cursor_starts(c, want, have))
		return PROBE_NO;
	if (have < n)
		return PROBE_MORE;
	cursor_skip(c, n);
	return PROBE_DONE;
}
