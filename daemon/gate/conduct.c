/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See conduct.h. */
#include "conduct.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

void
conduct_begin(struct conduct *c, uint64_t verdicts, uint64_t queued)
{
	*c = (struct conduct){.verdicts_before = verdicts, .queued_before = queued};
}

bool
conduct_pace(struct conduct *c, size_t kind, uint32_t per_second, uint64_t now_ns)
{
	if (c->second != now_ns / SECOND) {
		c->second = now_ns / SECOND;
		memset(c->said, 0, sizeof c->said);
	}
	return kind < CONDUCT_KINDS && ++c->said[kind] <= per_second;
}

bool
conduct_refuse(struct conduct *c, uint64_t now_ns)
{
	if (c->refused == 0 || now_ns - c->refused_ns >= CONDUCT_REFUSED_S * SECOND) {
		c->refused = 0;
		c->refused_ns = now_ns;
	}
	return ++c->refused >= CONDUCT_REFUSED;
}

/* An honest engine answers each packet once, and those that waited for the engine before it. Twice as much is far from any doubt. */
bool
conduct_invents(const struct conduct *c, uint64_t verdicts, uint64_t queued, uint64_t waiting)
{
	uint64_t answered = verdicts - c->verdicts_before, came = queued > c->queued_before ? queued - c->queued_before : 0;

	return answered > 2 * (came + waiting) + CONDUCT_SLACK;
}
