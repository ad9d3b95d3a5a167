/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's program as a child: without any capability, with the descriptors it was given and no other.
 */
#ifndef LENSCAP_GATE_CHILD_H
#define LENSCAP_GATE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	CHILD_FDS_MAX = 5,
	CHILD_FD = 3, /* the first inherited descriptor arrives under this number, the others follow */
};

struct child {
	pid_t pid; /* 0: none */
	int watch; /* readable once it has died; -1: none */
};

/*
 * Opens the engine: the file beside our own, or the installed one. The descriptor can be executed also
 * after the user has changed to one who cannot reach the path. -1: logged.
 */
int child_program(void);

/* Fills two places that are NULL with what every program of ours understands. */
void child_options(char *argv[2], bool verbose, bool no_sandbox);
/* Starts it. argv ends with NULL. It dies when we die. 0, or -1 with errno. */
int child_start(int program, char *const argv[], const int *fds, size_t n_fds, struct child *ret_child);
enum child_branch { CHILD_FAILED, CHILD_HERE, CHILD_THERE };

/*
 * A child that goes on in our own code, with its standard descriptors and those of keep (-1: none) under their numbers. CHILD_HERE in the
 * child, which must end with _exit(2); CHILD_THERE in us; CHILD_FAILED with errno. It dies when we die.
 */
enum child_branch child_branch(const int *keep, size_t n, struct child *ret_child);

/*
 * Waits at most timeout_ms for its end and collects it. True: *ret_status is waitpid(2)'s and the child is
 * none.
 */
bool child_wait(struct child *c, int timeout_ms, int *ret_status);
/*
 * Kills without mercy and collects. False: it cannot die yet (a system call that cannot be interrupted);
 * ask again.
 */
bool child_end(struct child *c);
/* The same; *ret_status says how it ended, and stays as it was where there was none. What had died before by itself has not been killed by us. */
bool child_end_status(struct child *c, int *ret_status);

#endif
