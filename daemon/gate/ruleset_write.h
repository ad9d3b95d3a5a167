/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the table's text: ruleset.c puts them together. */
#ifndef LENSCAP_GATE_RULESET_WRITE_H
#define LENSCAP_GATE_RULESET_WRITE_H

#include <stdint.h>
#include <stdio.h>

#include "ruleset.h"

#define TABLE	   "inet " RULESET_TABLE
#define WITH_PORTS "meta l4proto { tcp, udp, udplite, sctp, dccp }"
/*
 * The flow's first packet, which conntrack forgets when it is dropped: the ct mark cannot remember that
 * refusal.
 */
#define UNREMEMBERED "ct state new ct status ! confirmed"

/* One line, one rule of a chain. */
void put_line(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void put_rule(FILE *f, const char *chain, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ruleset_memory.c: what was refused at its first packet is refused again without a trip. */
void memory_put_sets(FILE *f);
void memory_put_chains(FILE *f, const char *verb);
void memory_put_flushes(FILE *f, const struct ruleset *r);
/* Settled by its ct mark. */
void memory_put_cuts(FILE *f, const struct ruleset *r, const char *chain);
/* Verdicts that refuse, in the chain `save`. */
void memory_put_saves(FILE *f, const struct ruleset *r);
void memory_put_rules(FILE *f, const struct ruleset *r);

/* ruleset_kinds.c: TCP without payload, and what is remembered of kinds of flows. */
void kinds_put_sets(FILE *f);
void kinds_put_chains(FILE *f, const char *verb);
void kinds_put_flushes(FILE *f);
/* Undecided flows of this generation leave this chain here; what needs user space arrives in `ask`. */
void kinds_put_look(FILE *f, const struct ruleset *r, const char *chain);
/* What the kernel says of a packet that goes to the queue, beside the direction. */
void kinds_put_hints(FILE *f, const struct ruleset *r, const char *chain);
/* Verdicts that leave a flow open, in the chain `save`. */
void kinds_put_saves(FILE *f, const struct ruleset *r);
void kinds_put_rules(FILE *f, const struct ruleset *r);

#endif
