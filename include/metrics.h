/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted for Prometheus alone, beside struct stats: where flows go, how long packets wait for their verdict. Fixed memory; counting
 * allocates nothing. Every function takes NULL and then does nothing. Names and help: the table in daemon/control/metrics_table.c.
 */
#ifndef LENSCAP_METRICS_H
#define LENSCAP_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "geo.h"
#include "policy.h"
#include "usage.h"

struct engine;
struct exposition;

enum {
	METRICS_BUCKETS = 14,		   /* of verdict times; the last is +Inf */
	METRICS_CODES = 26 * 26 + 2,	   /* AA to ZZ, then unknown, then none */
	METRICS_UNKNOWN = 26 * 26,	   /* "??" */
	METRICS_NOWHERE = 26 * 26 + 1,	   /* "none": special-purpose addresses are in no country */
	METRICS_ANSWERS = DECISION_REJECT, /* allow, block, reject */
	METRICS_SERIES = 250,		   /* of country and decision; METRICS_ANSWERS of them for "other" */
	METRICS_RULES = 1000,		   /* rules with a series of their own */
};

struct metrics {
	uint64_t verdict_bucket[METRICS_BUCKETS], verdict_sum_ns; /* packets, each bucket for itself */
	uint64_t flows[DECISION_REJECT + 1][MODE_ENFORCE + 1];
	uint64_t going[METRICS_CODES][METRICS_ANSWERS]; /* flows */
	uint64_t other[METRICS_ANSWERS];		/* when there are series enough */
	size_t series;
	uint64_t bytes[2]; /* as the kernel counted them: towards cameras, from cameras */
	bool refused;	   /* the last reload was */
	struct usage usage;
};

/* NULL: no memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* So many packets waited so long, from the moment that the engine had read them. */
void metrics_verdicts(struct metrics *m, uint64_t packets, uint64_t ns);
/* A flow has an answer that it did not have before. */
void metrics_decided(struct metrics *m, enum decision decision, enum mode mode, const struct place *far);
void metrics_bytes(struct metrics *m, bool from_camera, uint64_t bytes);
void metrics_reload(struct metrics *m, bool refused);

/* Upper ends of the buckets but the last, in microseconds. */
extern const uint32_t metrics_bounds_us[METRICS_BUCKETS - 1];

/* Every family of the table, as they are now. False: it did not fit. */
bool metrics_write(struct exposition *x, const struct engine *e);

#endif
