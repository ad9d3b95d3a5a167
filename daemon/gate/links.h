/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and indices of this network namespace's interfaces, and when they change. */
#ifndef LENSCAP_GATE_LINKS_H
#define LENSCAP_GATE_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "channel.h"

struct links;
struct plan;

struct links *links_open(void);
void links_close(struct links *l);
int links_fd(const struct links *l);
/* Reads events; true when something changed. */
bool links_changed(struct links *l);
/*
 * The whole table, guarded interfaces first, so that they are in it whatever else exists. Returns how many,
 * at most CHANNEL_LINKS.
 */
size_t links_read(struct links *l, const struct plan *plan, struct channel_link ret_link[CHANNEL_LINKS]);

#endif
