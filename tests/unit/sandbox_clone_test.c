/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's filter: new processes, but none in a namespace of its own. In a child each, for a filter stays. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox.h"

enum { STARTED = 10, REFUSED, UNFIT };

/* What a filtered process sees of clone() with these flags. */
static int
clone_filtered(unsigned long flags)
{
	int status;
	pid_t outer = fork();

	if (outer == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_calls(SANDBOX_GATE) < 0)
			_exit(UNFIT);
		long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
		if (pid == 0)
			_exit(0);
		_exit(pid > 0 && waitpid((pid_t)pid, NULL, 0) == (pid_t)pid ? STARTED : REFUSED);
	}
	assert_int_equal(waitpid(outer, &status, 0), outer);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
test_processes(void **state)
{
	(void)state;
	if (!sandbox_built())
		skip();
	assert_int_equal(clone_filtered(0), STARTED);
}

static void
test_namespaces(void **state)
{
	static const unsigned long one[] = {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};

	(void)state;
	if (!sandbox_built())
		skip();
	for (size_t i = 0; i < sizeof one / sizeof *one; i++) {
		int with = clone_filtered(one[i]), user = clone_filtered(one[i] | CLONE_NEWUSER);
		assert_true(with != STARTED && with != UNFIT);
		assert_true(user != STARTED && user != UNFIT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_processes), cmocka_unit_test(test_namespaces)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
