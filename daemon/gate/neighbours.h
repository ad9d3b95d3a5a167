/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose MAC an address behind a guarded interface is, as the kernel's neighbour table has it. An engine that
 * has just started hears it before the first packet: that packet may come from the far side.
 */
#ifndef LENSCAP_GATE_NEIGHBOURS_H
#define LENSCAP_GATE_NEIGHBOURS_H

#include <stdbool.h>
#include <stddef.h>

#include "channel.h"

struct neighbours;
struct nlmsghdr;
struct plan;

/* Called with 1..CHANNEL_NEIGHBOURS of them. */
typedef void neighbours_sink(const struct channel_neighbour *row, size_t n, void *arg);

struct neighbours *neighbours_open(void);
void neighbours_close(struct neighbours *n);
int neighbours_fd(const struct neighbours *n);
/* The guarded ones among these interfaces count from now on. */
void neighbours_guard(struct neighbours *n, const struct plan *plan, const struct channel_link *link,
		      size_t n_links);
/* The whole table, up to a limit. */
void neighbours_read(struct neighbours *n, neighbours_sink *sink, void *arg);
/* What has changed: a bounded number of events, or the whole table when the kernel had to leave some out. */
void neighbours_events(struct neighbours *n, neighbours_sink *sink, void *arg);

/*
 * One message of the kernel, for tests too. False: not of an address that a forwarded packet can have, or it
 * has no MAC (any more).
 */
bool neighbours_row(const struct nlmsghdr *m, struct channel_neighbour *ret_row);

#endif
