/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nft table in the kernel: installs, rewrites and removes it, each as one transaction, and notices when
 * it is not ours any more.
 */
#ifndef LENSCAP_GATE_TABLE_H
#define LENSCAP_GATE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct plan;
struct ruleset;
struct quarantine;
struct table;

/* Also loads conntrack. NULL: logged. */
struct table *table_open(void);
/* Finds out what this kernel can do, once: whoever has something else to wait for asks for it meanwhile. table_install() does it otherwise. */
void table_probe(struct table *t);
void table_close(struct table *t);

/*
 * Puts the table in place without a window: the queue rule stands before the first packet can reach it. A
 * table of an earlier instance is taken over; one that cannot be is replaced. 0, or -1: logged.
 */
int table_install(struct table *t, const struct ruleset *r);
/* Swaps the queue rule for this plan's queue and fail mode, atomically. 0, or -1: logged. */
int table_requeue(struct table *t, const struct plan *plan);
/* All rules but the queue rule, in one transaction. 0, or -1: logged, and the old ones stand. */
int table_rewrite(struct table *t, const struct ruleset *r);
/* Who is in quarantine. 0, or -1: logged, and the sets are as they were. */
int table_jail(struct table *t, const struct quarantine *q, int64_t now_s);
/* This kernel can copy announcements. */
bool table_hears(const struct table *t);
/* Deletes it. 0 also when there is none. */
int table_remove(struct table *t);

enum table_state { TABLE_INTACT, TABLE_CHANGED, TABLE_GONE, TABLE_UNKNOWN };
/* Compares the kernel's table with what the last of the calls above left there. */
enum table_state table_verify(struct table *t);
/* Puts it back after it was changed or removed by somebody else. 0, or -1: logged. */
int table_restore(struct table *t, const struct ruleset *r);

#endif
