/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policies that were in force: their bytes as they were checked, in STATE_DIR/policies, one file each,
 * named by its number. A file is written as a whole or not at all, and one that is damaged is told and left
 * out. What is read here goes to the process that checks policies like any other policy.
 */
#ifndef LENSCAP_GATE_VERSIONS_H
#define LENSCAP_GATE_VERSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VERSIONS_BACK = 5,		   /* that `lenscap undo` can go */
	VERSIONS_MAX = VERSIONS_BACK + 1,  /* and the one in force */
	VERSION_ID = 16,
};

struct version {
	uint32_t seq; /* never used twice while the directory lives; from 1 */
	char id[VERSION_ID];
	int64_t time_s; /* when it came into force first, by the wall's clock */
	uint32_t uid;	/* who asked for it, as the engine said */
};

/* Oldest first. v[at] is in force; those above it were undone, those below are what undo goes back to. */
struct history {
	struct version v[VERSIONS_MAX];
	size_t n, at;
};

/* n > 0 and every number and id in range, in ascending order. An empty one is fine too. */
bool history_valid(const struct history *h);
/* A new policy is in force: what was undone before is forgotten, and the oldest when there is no place. */
void history_push(struct history *h, const struct version *v);
/* Forgets one that is not in force. */
void history_drop(struct history *h, size_t i);
/* Forgets what was undone. */
void history_settle(struct history *h);
/* This id is that of a policy that was undone, and not that of the one in force. */
bool history_undone(const struct history *h, const char *id);
uint32_t history_next(const struct history *h);

/* Opens the directory, and makes it. -1: logged. */
int versions_open(int state_fd, const char *state_dir);
/* Writes the bundle's bytes under v->seq. 0, or -1: logged. */
int versions_save(int dir, const struct version *v, int bundle_fd);
/* A memory file with the bundle's bytes. -1: logged. */
int versions_load(int dir, const struct version *v);
/* What the file of this number says of itself. False: logged, unless there is none. */
bool versions_describe(int dir, uint32_t seq, struct version *ret);
/* The newest files that are sound, none of them in force more than another: at is the last. */
void versions_scan(int dir, struct history *ret);
/* Removes all files but these. */
void versions_keep(int dir, const struct history *h);

/* A memory file with the same bytes and a position of its own. -1 with errno. */
int versions_copy(int fd);

#endif
