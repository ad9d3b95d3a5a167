/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bundle is there, sealed and announced, before its check is over, and whatever that says; where it cannot be sealed nobody is told. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bundle.h"
#include "planner.h"

static const char good[] = "version: 1\nmode: monitor\nzones: {cameras: {interfaces: [cam0]}}\ndefault: {action: allow}\n";
static const char refused[] = "version: 1\nmode: sometimes\n";

static int
memory_of(const char *policy)
{
	struct bundle *b = bundle_from_text("t.yaml", policy, strlen(policy));
	int fd = memfd_create("source", MFD_CLOEXEC);

	assert_true(b && fd >= 0);
	assert_int_equal(bundle_save(b, fd), 0);
	bundle_free(b);
	return fd;
}

static bool
has_rung(int bell)
{
	struct pollfd p = {.fd = bell, .events = POLLIN};

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

/* Runs a check of this policy into this bundle; *ret_rung: somebody was told. Returns what planner_run() does. */
static int
plan(const char *policy, int bundle_fd, bool *ret_rung)
{
	int source = memory_of(policy), plan_fd = memfd_create("plan", MFD_CLOEXEC), bell[2];
	FILE *text = tmpfile();

	assert_true(text && plan_fd >= 0);
	assert_int_equal(pipe(bell), 0);
	const struct planner_input in = {.bundle_fd = source, .bell_fd = bell[1]};
	int result = planner_run(&in, plan_fd, bundle_fd, text);
	*ret_rung = has_rung(bell[0]);
	close(bell[0]);
	close(bell[1]);
	close(plan_fd);
	close(source);
	fclose(text);
	return result;
}

static void
told_whatever_the_check_says(void **state)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	const struct {
		const char *policy;
		bool good;
	} cases[] = {{good, true}, {refused, false}};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fd = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		bool rung;
		int result = plan(cases[i].policy, fd, &rung);
		assert_int_equal(result == PLAN_GOOD, cases[i].good);
		assert_true(rung);
		assert_int_equal(fcntl(fd, F_GET_SEALS) & seals, seals);
		assert_int_equal(pwrite(fd, "x", 1, 0), -1);
		struct bundle *b = bundle_load(fd);
		assert_non_null(b);
		assert_string_equal(b->files[0].text, cases[i].policy);
		bundle_free(b);
		close(fd);
	}
}

static void
not_told_of_what_can_change(void **state)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC); /* without MFD_ALLOW_SEALING */
	bool rung;
	(void)state;

	assert_int_equal(plan(good, fd, &rung), PLAN_GOOD);
	assert_false(rung);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_whatever_the_check_says),
		cmocka_unit_test(not_told_of_what_can_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
