/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's life: the process that keeps inventory and history. It speaks with the engine alone; the gate starts it, tells the engine which
 * socket is its, and starts another one when it has died. Nothing that is judged ever waits for it.
 */
#ifndef LENSCAP_GATE_HISTORIAN_H
#define LENSCAP_GATE_HISTORIAN_H

#include <stdint.h>

#include "child.h"

struct gate;

struct historian {
	struct child child;
	uint32_t engine;      /* number of the engine that it belongs to */
	uint64_t started_ns, start_at_ns;
	uint64_t deadline_ns; /* by which it must have ended, because its engine is gone; 0: it is not */
	unsigned quick_deaths;
	uint64_t deaths;
};

/* Every 50 ms: starts one for the engine that is ready, and ends one whose engine is gone and that does not end by itself. */
void historian_tick(struct gate *g);
/* Readable once it has died; -1: none. */
int historian_fd(const struct gate *g);
void historian_died(struct gate *g);
/* The engine has ended: waits until the store has written what it said last, at most five seconds. */
void historian_stop(struct gate *g);

#endif
