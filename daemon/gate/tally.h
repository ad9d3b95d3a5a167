/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table's named counters as running totals since the gate started, over every re-creation of the table,
 * and the count of packets that nobody has judged.
 */
#ifndef LENSCAP_GATE_TALLY_H
#define LENSCAP_GATE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "ruleset.h"

struct netlink;

enum { TALLY_READINGS = 16 };

struct tally_counter {
	uint64_t packets, bytes;	   /* totals */
	uint64_t seen_packets, seen_bytes; /* what the kernel said last */
};

struct tally {
	struct tally_counter c[RULESET_COUNTERS];
	struct tally_counter unseen; /* of the bridge's table: packets that came round the judgement */
	uint64_t unseen_told;
	uint64_t verdicts;    /* relayed */
	uint64_t stale;	      /* of them refused: the packet had its answer already; all engines */
	uint64_t answered;    /* by the fail mode: at least so many were not judged */
	uint64_t uninspected; /* never goes down */
	int64_t offset;	      /* what re-creations of the table took from the counter */
	uint64_t readings[TALLY_READINGS]; /* unjudged packets by the last readings, a ring */
	unsigned n_readings;
};

/*
 * Reads the counters. first: takes them as the start, so that earlier packets do not count. 0, or -1 with
 * errno.
 */
int tally_read(struct tally *t, struct netlink *n, bool first);
/*
 * The table has been made anew: its counters start from zero, and what they counted since the last reading
 * is unknown.
 */
void tally_reset(struct tally *t, uint64_t waiting);
/*
 * After tally_read(), at an engine's end: verdicts of its that met no packet (and it had no time to say so,
 * or lied) must not make up for packets that were not judged.
 */
void tally_settle(struct tally *t, uint64_t waiting);
/* One kernel value into one total; a value below the last means that the counter has started again. */
void tally_add(struct tally_counter *c, uint64_t packets, uint64_t bytes);
/*
 * After tally_read(): packets that were handed to the queue rule, are not waiting, and got no verdict of an
 * engine. A packet can be between two counters for an instant, so only what the last `agree` readings
 * (1..TALLY_READINGS) agree on counts. Returns how many are new.
 */
uint64_t tally_uninspected(struct tally *t, uint64_t waiting, unsigned agree);
/* After tally_read(): how many more of `unseen` there are than at the last call. */
uint64_t tally_unseen(struct tally *t);

#endif
