/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop's inner side, for those who start and stop the gate. */
#ifndef LENSCAP_GATE_TURN_H
#define LENSCAP_GATE_TURN_H

struct gate;

/* Reads the clock and sets all chores due. 0, or -1. */
int turn_init(struct gate *g);
/* Waits for something to do, at most a second, and does it. */
void gate_turn(struct gate *g);

#endif
