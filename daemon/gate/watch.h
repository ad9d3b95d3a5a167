/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hears the kernel announce commits that touch our table, by whomever. Whether something is amiss is
 * table_verify()'s to say.
 */
#ifndef LENSCAP_GATE_WATCH_H
#define LENSCAP_GATE_WATCH_H

#include <stdbool.h>

struct watch;

struct watch *watch_open(void);
void watch_close(struct watch *w);
int watch_fd(const struct watch *w);
/* Reads announcements; true when our table was in one, or when some were lost. */
bool watch_touched(struct watch *w);

#endif
