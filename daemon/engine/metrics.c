/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting for Prometheus; see metrics.h. What is read of it is in daemon/control/metrics_table.c. */
#include "metrics.h"

#include <stdlib.h>

const uint32_t metrics_bounds_us[METRICS_BUCKETS - 1] = {50,   100,   250,   500,    1000,   2500,  5000,
							 10000, 25000, 50000, 100000, 250000, 1000000};

struct metrics *
metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof *m);

	if (m)
		usage_open(&m->usage);
	return m;
}

void
metrics_free(struct metrics *m)
{
	if (!m)
		return;
	usage_close(&m->usage);
	free(m);
}

void
metrics_verdicts(struct metrics *m, uint64_t packets, uint64_t ns)
{
	size_t i = 0;

	if (!m || !packets)
		return;
	while (i < METRICS_BUCKETS - 1 && ns > metrics_bounds_us[i] * UINT64_C(1000))
		i++;
	m->verdict_bucket[i] += packets;
	m->verdict_sum_ns += packets * ns;
}

static bool
is_letter(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* A database may say anything: what is no code counts as unknown. */
static size_t
code_of(const struct place *p)
{
	if (p->special != SPECIAL_NONE)
		return METRICS_NOWHERE;
	if (!is_letter(p->country[0]) || !is_letter(p->country[1]))
		return METRICS_UNKNOWN;
	return (size_t)(p->country[0] - 'A') * 26 + (size_t)(p->country[1] - 'A');
}

/* A series that has begun goes on; a new one begins only where there is room. */
static uint64_t *
series(struct metrics *m, size_t code, size_t answer)
{
	uint64_t *n = &m->going[code][answer];

	if (*n)
		return n;
	if (m->series == METRICS_SERIES - METRICS_ANSWERS)
		return &m->other[answer];
	m->series++;
	return n;
}

void
metrics_decided(struct metrics *m, enum decision decision, enum mode mode, const struct place *far)
{
	if (!m || decision == DECISION_PENDING)
		return;
	m->flows[decision][mode]++;
	++*series(m, code_of(far), decision - DECISION_ALLOW);
}

void
metrics_bytes(struct metrics *m, bool from_camera, uint64_t bytes)
{
	if (m)
		m->bytes[from_camera] += bytes;
}

void
metrics_reload(struct metrics *m, bool refused)
{
	if (m)
		m->refused = refused;
}
