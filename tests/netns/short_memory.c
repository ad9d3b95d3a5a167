/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the programs by test_fault_memory.py: the n-th allocation from now on fails, once. The file LENSCAP_SHORT_MEMORY is shared
 * by all of them and has one row a program; the test writes n there. A row is mapped before the program has a sandbox, so no call of
 * the system is needed later.
 */
#include <errno.h>
#ifdef TRACE /* where it failed, for who looks for a crash: cc -DTRACE */
#include <execinfo.h>
#endif
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

struct row {
	_Atomic int64_t left;	/* 1: the next one fails; 0: none does */
	_Atomic int64_t next;	/* becomes `left` of the next process of this name */
	_Atomic int64_t calls;	/* of all processes of this name */
	_Atomic int64_t failed;
};

enum { GATE, ENGINE, COMMAND, STORE, PLANNER, ROWS };
static struct row *row;

/* One program is three: the store and the reader of policies are the engine's with other arguments. */
static int
which(int argc, char **argv)
{
	if (strcmp(program_invocation_short_name, "lenscapd") == 0)
		return GATE;
	if (strcmp(program_invocation_short_name, "lenscap") == 0)
		return COMMAND;
	if (strcmp(program_invocation_short_name, "lenscap-engine") != 0)
		return ROWS;
	if (argc > 1 && strcmp(argv[1], "--store") == 0)
		return STORE;
	return argc > 1 && strncmp(argv[1], "--plan", 6) == 0 ? PLANNER : ENGINE;
}

/* The C library hands these over to each shared object's constructors. */
static void __attribute__((constructor))
map_row(int argc, char **argv)
{
	int who = which(argc, argv);
	const char *path = getenv("LENSCAP_SHORT_MEMORY");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	struct row *rows = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *rows * ROWS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (rows == MAP_FAILED)
		abort(); /* a test whose memory never ends would prove nothing */
	row = who < ROWS ? &rows[who] : NULL;
#ifdef TRACE
	void *at[1];
	(void)backtrace(at, 1); /* it loads a library at its first call */
#endif
	if (row && row->next)
		row->left = atomic_exchange(&row->next, 0);
}

static int
fails(void)
{
	if (!row)
		return 0;
	row->calls++;
	if (row->left <= 0 || atomic_fetch_sub(&row->left, 1) != 1)
		return 0;
	row->failed++;
#ifdef TRACE
	void *at[24];
	backtrace_symbols_fd(at, backtrace(at, 24), 2);
#endif
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
