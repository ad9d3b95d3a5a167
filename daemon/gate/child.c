/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork and execveat; see child.h. Nothing between the two may fail silently: a child with power must not
 * run.
 */
#include "child.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

enum { EXIT_NOT_STARTED = 126, DEATH_MS = 1000 };

int
child_program(void)
{
	/* In the build tree beside this program; installed where the file system hierarchy has helpers. */
	static const char *const places[] = {"lenscap-engine", "../libexec/lenscap/lenscap-engine"};
	char self[PATH_MAX], path[PATH_MAX + 40];

	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
		snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, places[i]);
		int fd = open(path, O_PATH | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	log_warn("cannot find the engine: neither beside %s nor in ../libexec/lenscap", self);
	return -1;
}

/*
 * Another user than root loses every capability by the exec itself, once the ambient set is empty; and a
 * service manager's filter may refuse capset. Root would get its capabilities back from the bounding set,
 * so there they go first.
 */
static void
drop_capabilities(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		_exit(EXIT_NOT_STARTED);
	if (geteuid() == 0) {
		capng_clear(CAPNG_SELECT_CAPS);
		if (capng_apply(CAPNG_SELECT_CAPS) < 0)
			_exit(EXIT_NOT_STARTED);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(EXIT_NOT_STARTED);
}

/* First out of each other's way, then each to its number. */
static void
place_descriptors(const int *fds, size_t n)
{
	int high[CHILD_FDS_MAX];

	for (size_t i = 0; i < n; i++)
		if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, CHILD_FD + CHILD_FDS_MAX)) < 0)
			_exit(EXIT_NOT_STARTED);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		_exit(EXIT_NOT_STARTED);
	if (close_range(CHILD_FD, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(EXIT_NOT_STARTED);
	for (size_t i = 0; i < n; i++)
		if (dup2(high[i], CHILD_FD + (int)i) < 0)
			_exit(EXIT_NOT_STARTED);
}

/*
 * No core. That there are no children, which could go on holding the queue socket so that nothing bypasses, the sandbox sees to: a limit would
 * count threads as well.
 */
static void
limit_resources(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		_exit(EXIT_NOT_STARTED);
}

static void become(int program, char *const argv[], const int *fds, size_t n, pid_t parent)
	__attribute__((noreturn));
static void
become(int program, char *const argv[], const int *fds, size_t n, pid_t parent)
{
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EXIT_NOT_STARTED);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The program's own descriptor may have one of the numbers that are about to be taken. */
	program = fcntl(program, F_DUPFD_CLOEXEC, CHILD_FD + CHILD_FDS_MAX);
	place_descriptors(fds, n);
	drop_capabilities();
	limit_resources();
	execveat(program, "", argv, environ, AT_EMPTY_PATH);
	log_warn("cannot execute the engine");
	_exit(EXIT_NOT_STARTED);
}

/* What a child would hold on to: the queue's socket must be gone when we are. */
static bool
close_others(const int *keep, size_t n)
{
	unsigned from = CHILD_FD;

	for (;;) {
		unsigned next = ~0u;
		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > from && close_range(from, next == ~0u ? next : next - 1, 0) < 0)
			return false;
		if (next == ~0u)
			return true;
		from = next + 1;
	}
}

static int
watch_child(pid_t pid, struct child *ret_child)
{
	struct child c = {.pid = pid, .watch = pidfd_open(pid, 0)};

	if (c.watch < 0) {
		int saved = errno;
		(void)child_end(&c);
		errno = saved;
		return -1;
	}
	*ret_child = c;
	return 0;
}

enum child_branch
child_branch(const int *keep, size_t n, struct child *ret_child)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return CHILD_FAILED;
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || !close_others(keep, n))
			_exit(EXIT_NOT_STARTED);
		return CHILD_HERE;
	}
	return watch_child(pid, ret_child) < 0 ? CHILD_FAILED : CHILD_THERE;
}

void
child_options(char *argv[2], bool verbose, bool no_sandbox)
{
	size_t n = 0;

	if (verbose)
		argv[n++] = "-v";
	if (no_sandbox)
		argv[n] = "--no-sandbox";
}

int
child_start(int program, char *const argv[], const int *fds, size_t n_fds, struct child *ret_child)
{
	if (n_fds > CHILD_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0)
		become(program, argv, fds, n_fds, parent);
	return watch_child(pid, ret_child);
}

bool
child_wait(struct child *c, int timeout_ms, int *ret_status)
{
	struct pollfd p = {.fd = c->watch, .events = POLLIN};

	if (c->pid == 0)
		return false;
	if (poll(&p, 1, timeout_ms) <= 0 || waitpid(c->pid, ret_status, WNOHANG) != c->pid)
		return false;
	close(c->watch);
	*c = (struct child){.watch = -1};
	return true;
}

bool
child_end_status(struct child *c, int *ret_status)
{
	if (c->pid == 0)
		return true;
	kill(c->pid, SIGKILL);
	if (c->watch >= 0)
		return child_wait(c, DEATH_MS, ret_status);
	waitpid(c->pid, ret_status, 0);
	*c = (struct child){.watch = -1};
	return true;
}

bool
child_end(struct child *c)
{
	int status;
	return child_end_status(c, &status);
}
