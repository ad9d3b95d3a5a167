/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an engine behaves: how many messages of a kind it sends a second, how many of its messages made no sense of late, and whether it answers
 * packets that never came. Nothing here touches the kernel or the engine.
 */
#ifndef LENSCAP_GATE_CONDUCT_H
#define LENSCAP_GATE_CONDUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONDUCT_KINDS = 16,
	CONDUCT_REFUSED = 32,  /* messages that are refused in */
	CONDUCT_REFUSED_S = 60, /* this time cost an engine its life */
	CONDUCT_SLACK = 65536, /* verdicts beyond what is known to have been queued: counters are read once a second */
};

struct conduct {
	uint64_t second; /* that said counts */
	uint32_t said[CONDUCT_KINDS];
	uint64_t refused_ns; /* since when refused counts */
	unsigned refused;
	uint64_t verdicts_before, queued_before; /* when this engine began */
};

/* A new engine. */
void conduct_begin(struct conduct *c, uint64_t verdicts, uint64_t queued);
/* One more message of this kind. False: more than so many in this second. */
bool conduct_pace(struct conduct *c, size_t kind, uint32_t per_second, uint64_t now_ns);
/* A message was refused. True: that was one too many. */
bool conduct_refuse(struct conduct *c, uint64_t now_ns);
/* The totals as they are now; waiting: packets that may have waited when this engine began. True: it invents packets. */
bool conduct_invents(const struct conduct *c, uint64_t verdicts, uint64_t queued, uint64_t waiting);

#endif
