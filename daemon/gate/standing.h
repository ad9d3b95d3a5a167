/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On what terms the policy is in force: which version it is, whether it must be confirmed, and whether its mode
 * is overridden. Kept in STATE_DIR/standing, so that neither a crash nor a restart makes an unconfirmed policy
 * a confirmed one.
 */
#ifndef LENSCAP_GATE_STANDING_H
#define LENSCAP_GATE_STANDING_H

#include "lease.h"
#include "versions.h"

struct standing {
	struct history history;
	struct lease confirm; /* seconds 0: nothing waits; else history.at > 0, and v[at - 1] comes back */
	uint8_t mode;	      /* 0: the policy's own, else CHANNEL_MODE_* */
	struct lease mode_for; /* seconds 0: until it is taken back */
};

/* Replaced as a whole or not at all. 0, or -1 with errno. */
int standing_save(int state_fd, const struct standing *s);
/*
 * What was saved. Where the file is missing or damaged (logged) the policies that are there are the history
 * and nothing waits.
 */
void standing_load(int state_fd, int versions_dir, struct standing *ret);

#endif
