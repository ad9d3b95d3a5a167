/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP connection that is over stays in conntrack for two minutes, and each look would tell of it again, to no use: its counters stand still, and
 * its real end is an event. So a few looks tell it, which is what the engine needs to believe it, and the others leave it out.
 */
#ifndef LENSCAP_GATE_REPEATS_H
#define LENSCAP_GATE_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

enum { REPEATS = 4 }; /* looks that tell a connection which is over, at least */

/* All zero: nothing is known, and everything is told. */
struct repeats {
	uint64_t began_ns[REPEATS]; /* the last looks, CLOCK_MONOTONIC, in a ring */
	unsigned looks;		    /* since everything was told */
	uint32_t window_s;  /* so long after it has closed a connection is told; 0: for ever */
	uint32_t whole_s;   /* how long the kernel keeps such a connection, as the look before saw it; 0: not known */
	uint32_t longest_s; /* seen in this look */
};

/* A look begins. */
void repeats_begin(struct repeats *r, uint64_t now_ns);
/* It has ended, whole: what it saw is what the next one goes by. */
void repeats_end(struct repeats *r);
/* Some were not heard, or by nobody who lives: the next look tells everything. */
void repeats_forget(struct repeats *r);
/* A connection in TIME_WAIT that the kernel forgets in left_s; 0: it does not say. */
bool repeats_enough(struct repeats *r, uint32_t left_s);

#endif
