/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows that the kernel decides by their kind (daemon/gate/ruleset_kinds.c): which kinds it may remember, and what becomes of flows that user
 * space hears of from conntrack alone. They are judged and told like any other; conntrack's counters are exact.
 */
#ifndef LENSCAP_KINDS_H
#define LENSCAP_KINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "channel.h"
#include "flow.h"

struct engine;
struct kinds;
struct orientation;
struct packet;
struct queued;

/* NULL when memory is short. */
struct kinds *kinds_new(void);
void kinds_free(struct kinds *k);

/*
 * The flow has just been judged at its first packet: whether another of the same device, destination, transport and port would be answered
 * alike, for as long as the kernel remembers, and conntrack's news are enough to tell of it.
 */
enum flow_kind kinds_of(struct engine *e, const struct flow *f, const struct orientation *o, const struct queued *q, const struct packet *p);

/*
 * The same of a first packet that has not come: `seed` has its device, zones, tuple and place, and gets its answer. Nothing is counted or noted; what
 * a limit or a schedule could change soon is FLOW_KIND_NONE.
 */
enum flow_kind kinds_expected(struct engine *e, struct flow *seed);

/* News of a flow that is not in the table. NULL: it is none that begins here. */
struct flow *kinds_begin(struct engine *e, const struct channel_flow_news *n);

/* The flow has left the table: later news of its connection, which conntrack keeps for some minutes, begin no other. */
void kinds_ended(struct engine *e, const struct flow *f);
/* Conntrack has ended this connection, and has no more than stray news of it. */
void kinds_gone(struct engine *e, const struct channel_flow_news *n);

#endif
