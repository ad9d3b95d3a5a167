/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS first: what a camera was just told the addresses of it will open next. Before its answer is let go, the gate hears which first packets to
 * these addresses need no trip (CH_KINDS), judged as those packets would be. Of what policy refuses, and of what it would have to see, nothing is
 * said.
 */
#ifndef LENSCAP_AHEAD_H
#define LENSCAP_AHEAD_H

#include "flow.h"

struct ahead;
struct dns_message;
struct engine;

/* NULL when memory is short. */
struct ahead *ahead_new(void);
void ahead_free(struct ahead *a);

/* An answer has taught addresses to the device of this flow. Bounded work, and a bounded pace of it for each device and for all. */
void ahead_answer(struct engine *e, const struct flow *f, const struct dns_message *answer);

/* The kernel is told of this flow's kind: its device uses this port. */
void ahead_port(struct engine *e, const struct flow *f);

/* Tells the gate what has piled up, at once and without waiting: before the verdicts of the answers. */
void ahead_send(struct engine *e);

#endif
