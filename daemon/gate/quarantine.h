/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is cut off from everything across the gateway. The list is the gate's: it outlives engines, reloads, the table and the gate itself, in
 * a file of the state directory. The kernel holds it as sets; their elements live a little longer than the list's, so that a gate that is
 * gone does not leave a device cut off for ever.
 */
#ifndef LENSCAP_GATE_QUARANTINE_H
#define LENSCAP_GATE_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "channel.h"

enum {
	QUARANTINE_MAX = 4096,
	QUARANTINE_ADDRESSES = 6, /* of one device, at a time */
	QUARANTINE_ELEMENTS = QUARANTINE_MAX * QUARANTINE_ADDRESSES,
	QUARANTINE_GRACE_S = 60, /* by which the kernel's elements outlive ours */
};

struct quarantine;

struct quarantine *quarantine_new(void);
void quarantine_free(struct quarantine *q);

/* True when every field of a message is one that our engine could have sent. */
bool quarantine_sane(const struct channel_quarantine *m);
/* There is no room for this one. */
bool quarantine_is_full(struct quarantine *q, const struct channel_quarantine *m);
/* Takes a device in (again: for the new time), or lets it go. The kernel does not know yet: quarantine_changed(). */
void quarantine_take(struct quarantine *q, const struct channel_quarantine *m, int64_t now_s);
/* The wall clock was set by this much: what has an end keeps what was left of it. */
void quarantine_shift(struct quarantine *q, int64_t seconds);
/* Ends what is over by now_s (wall clock). */
void quarantine_expire(struct quarantine *q, int64_t now_s);
/* The kernel's neighbour table: what a device in quarantine is reached by, and what it is not any more. */
void quarantine_neighbours(struct quarantine *q, const struct channel_neighbour *row, size_t n);

/* The kernel's sets differ from the list since the last quarantine_settled(). */
bool quarantine_changed(const struct quarantine *q);
/* The file differs from the list since the last quarantine_save(). */
bool quarantine_unsaved(const struct quarantine *q);
/* The kernel has taken the list over. false: it refused, and whoever was new is not in quarantine. */
void quarantine_settled(struct quarantine *q, bool ok);
/* The sets' elements as nft text, anew. q NULL: none. */
void quarantine_put(FILE *f, const struct quarantine *q, int64_t now_s);

size_t quarantine_count(const struct quarantine *q);
/*
 * The rows for CH_QUARANTINED from *cursor on (start with 0), at most max; returns how many, 0 at the end. What has ended is among them until
 * quarantine_told().
 */
size_t quarantine_rows(const struct quarantine *q, int64_t now_s, size_t *cursor, struct channel_quarantined_row *ret, size_t max);
/* The engine has heard all rows: news are none any more. */
void quarantine_told(struct quarantine *q);

/* One line each, for people and for us. save: replaced as a whole or not at all; 0, or -1 with errno. */
int quarantine_save(struct quarantine *q, int state_fd);
/* Returns lines that made no sense, or -1 with errno (ENOENT: there never was a list). What is over by now_s is left out. */
int quarantine_load(struct quarantine *q, int state_fd, int64_t now_s);

#endif
