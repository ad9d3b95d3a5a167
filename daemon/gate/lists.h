/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of items that the policy in force names: have they changed since they were read? They are looked at, never opened: inode,
 * size and times tell, for a file that is replaced as for one that is written over.
 */
#ifndef LENSCAP_GATE_LISTS_H
#define LENSCAP_GATE_LISTS_H

#include <stdbool.h>
#include <stdint.h>

struct lists;

enum { LISTS_LOOK_MS = 1000 };

/* NULL when memory is short. */
struct lists *lists_new(void);
void lists_free(struct lists *l);
/* The policy's files are about to be read: what changes from here on is new. wall_ns: the time of day. */
void lists_begin(struct lists *l, int64_t wall_ns);
/* A policy came into force: takes the names out of its bundle. policy_id: nothing is done for the one that is known. */
void lists_adopt(struct lists *l, const char *policy_id, int bundle_fd);
/* Looks, once in LISTS_LOOK_MS. True, once for each change: one has changed and all have stood still for settle_s (0: never). */
bool lists_changed(struct lists *l, uint64_t now_ns, uint32_t settle_s);
unsigned lists_count(const struct lists *l);

#endif
