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
/*
 * Begins one that leaves the field where it is, in a process of its own: the kernel walks its whole table within one call, which takes 12 ms
 * where that is empty, and no verdict waits for it. One that is under way is ended. 0, or -1 with errno.
 */
int sweep_start(struct sweep *s, unsigned shift, unsigned generation);
/* Readable once that has ended; -1: none is under way. */
int sweep_fd(const struct sweep *s);
/* How far it is; asking never waits. */
enum netlink_progress sweep_progress(struct sweep *s);
void sweep_stop(struct sweep *s);
/*
 * All of it, now and here. to_shift: the stale mark goes to this place and the old field is emptied, for the policy has moved the field; or the
 * same as shift. 0, or -1 with errno.
 */
int sweep_run(struct sweep *s, unsigned shift, unsigned to_shift, unsigned generation);
/* Entries that the last sweep_run() has rewritten. */
uint64_t sweep_rewritten(const struct sweep *s);

#endif
