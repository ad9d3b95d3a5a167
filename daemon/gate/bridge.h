/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guarding ports of a bridge: what the rules need beside those for routed interfaces, as text, and the switches that hand a bridge's
 * packets to them. See bridge.c for the way of a frame.
 */
#ifndef LENSCAP_GATE_BRIDGE_H
#define LENSCAP_GATE_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "plan.h"

#define BRIDGE_SET   "bridges" /* names of the bridges that have a guarded port */
#define BRIDGE_NEAR  "near"   /* IPv6 neighbours that were heard beyond the cameras' ports */
#define BRIDGE_TABLE "bridge lenscap"
#define BRIDGE_UNSEEN "c_unseen" /* its counter of packets that came round the judgement */

/* For rules behind `inspect`: the packet came in by a guarded port of a bridge; it did not, whatever else it is. */
#define BRIDGE_FROM	"iifname @" BRIDGE_SET " meta priority & 0xfffff000 == 0x4c431000"
#define BRIDGE_NOT_FROM "meta priority & 0xfffff000 != 0x4c431000"

struct ruleset;

/* The plan guards a port of a bridge. */
bool bridge_wanted(const struct plan *p);

/* Into the table's text: its sets, its chains (verb: add, flush), its base chain. */
void bridge_put_sets(FILE *f);
void bridge_put_chains(FILE *f, const char *verb);
void bridge_put_hooks(FILE *f, const struct ruleset *r);
void bridge_put_members(FILE *f, const struct plan *p);
/* The chains' rules, and the dispatch in inspect, apply and their local twins. */
void bridge_put_rules(FILE *f, const struct ruleset *r);
/* The table of the bridge family, or its end where nothing is guarded there. Nothing at all where the kernel has no such family. */
void bridge_put_table(FILE *f, const struct ruleset *r);
/* Its end alone. */
void bridge_put_end(FILE *f);

/* What the kernel must be told once for each network namespace: sysctls below net.bridge. */
enum { BRIDGE_SWITCHES = 3 };
struct bridge_switches {
	char before[BRIDGE_SWITCHES]; /* the value that was found and changed; 0: not ours to put back */
	uint64_t tried_ns;	      /* when packets were last found to come round the judgement */
};

/* Sets them where the plan wants it; logs those that cannot be set, once for each call. */
void bridge_switch_on(struct bridge_switches *s, const struct plan *p);
/* Packets have come round the judgement: somebody may have set them otherwise. At most every ten seconds. */
void bridge_switch_again(struct bridge_switches *s, const struct plan *p, uint64_t now_ns);
/* As they were. */
void bridge_switch_back(struct bridge_switches *s);

#endif
