/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who opens too many connections, as the kernel's flood sets have it. Read when their counter moves, told to the engine, kept nowhere. */
#ifndef LENSCAP_GATE_FLOOD_H
#define LENSCAP_GATE_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

enum { FLOOD_MAX = 256 };

struct netlink;

struct flood {
	size_t n;
	struct channel_quarantined_row rows[FLOOD_MAX];
	uint64_t seen; /* counter c_flood at the last reading */
};

/*
 * Reads the sets. True: somebody began, or ended (its row stays until flood_told()). False also when they cannot be read: the table is being
 * put back.
 */
bool flood_read(struct flood *f, struct netlink *n);
/* The engine has heard the rows. */
void flood_told(struct flood *f);

#endif
