/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's places in the file system: directories, the lock, the listening sockets, the saved plan. */
#ifndef LENSCAP_GATE_PLACE_H
#define LENSCAP_GATE_PLACE_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

struct plan;

struct place {
	int run_fd, state_fd; /* directories, so that they can be reached later by whoever we are then */
	int lock_fd;
	int control_fd, view_fd; /* listening */
	char engine_dir[PATH_MAX], history_dir[PATH_MAX]; /* below the state directory, one for each process that writes there */
};

/*
 * Makes what is missing and takes the lock. log_dir may be NULL; a directory that was made belongs to uid
 * and gid afterwards. 0, or -1: logged.
 */
int place_open(struct place *p, const char *run_dir, const char *state_dir, const char *log_dir, uid_t uid,
	       gid_t gid);
/*
 * Makes the directories of the engine and the store, for the user that we are now, and moves there what earlier versions kept beside our own
 * files. What fails is logged; those processes then say what they cannot keep.
 */
void place_divide(struct place *p, const char *state_dir);
/* Removes the sockets and closes everything. */
void place_close(struct place *p);

struct place_part {
	const void *data;
	size_t len;
};

/* Writes a file of the directory, replaced as a whole or not at all, and on the disk when this returns. 0, or -1 with errno. */
int place_write(int dir_fd, const char *name, const struct place_part *parts, size_t n);

/*
 * Keeps the plan for a start with a broken policy. Replaced as a whole or not at all. 0, or -1 with errno.
 */
int place_save_plan(const struct place *p, const struct plan *plan);
/* 0, or -1 when there is none that is valid. */
int place_load_plan(const struct place *p, struct plan *ret_plan);

#endif
