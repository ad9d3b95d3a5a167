/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An output for whose writer there is no thread: it is told of once, the loop writes itself, and no line is lost. */
#include <sys/resource.h>

#include "sink_lab.h"

static void
the_loop_writes(void **state)
{
	char path[128], text[1024] = "";
	struct rlimit before, none;
	int ends[2], err = dup(STDERR_FILENO);
	(void)state;

	struct policy_output o = {.kind = OUTPUT_EVE, .path = fresh_path(path), .facility = 21, .types = ALL_TYPES};
	struct sinks *s = sinks_new(&o, 1, -1, true, NULL, NULL, &now);
	assert_non_null(s);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	put(s, RECORD_ALERT, "one\n");
	/* Descriptors are short in the moment in which it would begin. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){3, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	sinks_flush(s, &now);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	put(s, RECORD_FLOW, "two\n");
	for (int i = 0; i < 10 && status(s).waiting; i++)
		tick(s);
	dup2(err, STDERR_FILENO);
	close(err);
	close(ends[1]);
	assert_true(read(ends[0], text, sizeof text - 1) > 0);
	close(ends[0]);
	const char *told = strstr(text, "no thread to write with");
	assert_non_null(told);
	assert_null(strstr(told + 1, "no thread to write with"));
	assert_string_equal(read_file(path), "one\ntwo\n");
	assert_int_equal(status(s).waiting, 0);
	sinks_free(s, &now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_loop_writes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
