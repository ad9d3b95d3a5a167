/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process may still do once it has begun its work. Four kinds of process, each with its own list: the gate (power, no hostile bytes),
 * the engine (hostile bytes, no power), the store (writes what the engine tells) and the planner (reads the owner's policy).
 *
 *	sandbox_drop()	no capability is left in any set, no new one can come, and the resource limits
 *	sandbox_files()	Landlock: which files may be opened, no TCP, no signals and no abstract sockets to others
 *	sandbox_calls()	seccomp: which system calls may be made
 *
 * In this order, because the last one takes away the calls that the others need. None can be taken back, all are inherited. The list of calls
 * with their reasons is daemon/base/calls.c; lenscap-sandbox(7) shows it.
 */
#ifndef LENSCAP_SANDBOX_H
#define LENSCAP_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_who {
	SANDBOX_GATE = 1 << 0, /* its list is inherited: it holds the others', without their checks */
	SANDBOX_ENGINE = 1 << 1,
	SANDBOX_STORE = 1 << 2,
	SANDBOX_PLANNER = 1 << 3,
};

/* What may be done with files below a directory, or with one file. */
enum sandbox_access {
	SANDBOX_READ = 1 << 0,	 /* open for reading */
	SANDBOX_APPEND = 1 << 1, /* create, and open for writing, but never cut, remove or rename */
	SANDBOX_OWN = 1 << 2,	 /* everything that files have; no directories, sockets, devices or links */
	SANDBOX_LIST = 1 << 3,	 /* open directories */
};

struct sandbox_path {
	const char *path; /* one that is not there is left out */
	unsigned access;  /* enum sandbox_access */
};

/* How far it came, for status. */
struct sandbox {
	bool on;      /* false: --no-sandbox, or a build for debugging, whose own runtime needs what is forbidden here */
	int landlock; /* version of the kernel's interface that is used; 0: it has none, files are not restricted */
	bool calls;   /* they are filtered */
};

/*
 * Empties all capability sets and forbids new ones; no core, at most so many descriptors, and, unless it starts threads, nothing that runs
 * beside it. 0, or -1: logged, and the process must not go on.
 */
int sandbox_drop(bool threads, unsigned descriptors);
/* No more memory of its own than this; files that it reads in place do not count. The same return. */
int sandbox_memory(uint64_t bytes);
/* The gate: no_new_privs; its capability stays. The same return. */
int sandbox_keep_power(void);

/* Only for this thread and those that it starts. 0; *ret_version 0 where the kernel has no Landlock. -1: logged. */
int sandbox_files(const struct sandbox_path *paths, size_t n, int *ret_version);
/* Neither abstract sockets nor signals of others, and no TCP; for processes that open files anywhere. The same return. */
int sandbox_scope(int *ret_version);

/* For all threads of this process. -1: logged; the kernel has no seccomp, or a rule does not fit it. */
int sandbox_calls(enum sandbox_who who);

/*
 * False in builds with AddressSanitizer, whose leak check attaches to the process as a debugger does, with ThreadSanitizer, which reads and
 * maps what it likes, and with gcov, which writes files at the end.
 */
bool sandbox_built(void);

/* The list: one row a call. */
struct sandbox_call {
	int number;
	const char *name, *why;
	unsigned who; /* enum sandbox_who */
	unsigned check; /* enum sandbox_check */
};

/* What of its arguments is looked at. */
enum sandbox_check {
	CHECK_NONE,
	CHECK_NOT_EXECUTABLE, /* memory: no PROT_EXEC */
	CHECK_THREAD,	      /* clone: of this process, not a new one */
	CHECK_NO_NAMESPACE,   /* clone: no namespace of its own, where it would have every power */
	CHECK_OWN_PROCESS,    /* the first argument is our own pid */
	CHECK_NO_NEW_VALUE,   /* prlimit64: reads, does not set */
	CHECK_THREAD_NAME,    /* prctl: PR_SET_NAME, and memory regions' names */
	CHECK_DESCRIPTOR,     /* fcntl: flags, seals, duplicates; no signals, leases or notifications */
	CHECK_HOW_MUCH,	      /* ioctl: FIONREAD */
	CHECK_FAMILY,	      /* socket: those that the gate needs */
};

struct sandbox_group {
	const char *name;
	const struct sandbox_call *calls;
	size_t n;
};

extern const struct sandbox_group sandbox_groups[];
extern const size_t sandbox_n_groups;
/* Calls that no process of ours makes, and for which it is killed. */
extern const struct sandbox_call sandbox_deadly[];
extern const size_t sandbox_n_deadly;

#endif
