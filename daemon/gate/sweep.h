/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a generation number safe to use again: every conntrack entry that still carries it gets the stale
 * one, in our field only. The bits of others stay, also when they change meanwhile: the kernel does the
 * masking.
 */
#ifndef LENSCAP_GATE_SWEEP_H
#define LENSCAP_GATE_SWEEP_H

#include <stdint.h>

#include "netlink.h"

struct sweep;

enum { SWEEP_ALL = 0 }; /* every entry whose field is not empty */

struct sweep *sweep_new(void);
void sweep_free(struct sweep *s);
int sweep_fd(const struct sweep *s);
/* Leaves the field where it is, unless sweep_move() follows. 0, or -1 with errno. */
int sweep_start(struct sweep *s, unsigned shift, unsigned generation);
/*
 * The stale mark goes to another place from now on, and the old field is emptied: the policy has moved the
 * field.
 */
void sweep_move(struct sweep *s, unsigned to_shift);
/* A bounded part of the work. */
enum netlink_progress sweep_step(struct sweep *s);
/* All of it, now. to_shift: as in sweep_move(), or the same as shift. 0, or -1 with errno. */
int sweep_run(struct sweep *s, unsigned shift, unsigned to_shift, unsigned generation);
/* Entries that the last sweep has rewritten. */
uint64_t sweep_rewritten(const struct sweep *s);

#endif
