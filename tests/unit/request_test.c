/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request lines of the control socket: what is read, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/control/request.h"

static void
good(void **state)
{
	struct request r;
	(void)state;

	assert_null(request_parse("{\"id\":7,\"cmd\":\"status\",\"args\":{\"a\":\"x\",\"n\":3,\"f\":true}}", &r));
	assert_string_equal(r.cmd, "status");
	assert_int_equal(r.id.kind, ID_NUMBER);
	assert_int_equal(r.id.number, 7);
	assert_string_equal(request_text(&r, "a"), "x");
	assert_null(request_text(&r, "n"));
	assert_int_equal(request_number(&r, "n", -1), 3);
	assert_int_equal(request_number(&r, "a", -1), -1);
	assert_true(request_flag(&r, "f"));
	assert_false(request_flag(&r, "none"));
	request_free(&r);
	assert_null(request_parse("{\"cmd\":\"reload\",\"id\":\"mine\"}", &r));
	assert_string_equal(r.id.text, "mine");
	assert_null(request_text(&r, "a"));
	request_free(&r);
}

static void
nested_and_lists(void **state)
{
	struct request r;
	(void)state;

	assert_null(request_parse("{\"cmd\":\"events\",\"args\":{\"after\":{\"boot\":\"b\",\"seq\":9},\"types\":[\"alert\",3],\"t\":\"x\"}}", &r));
	assert_string_equal(request_text(&r, "after.boot"), "b");
	assert_int_equal(request_number(&r, "after.seq", -1), 9);
	assert_null(request_text(&r, "after"));
	assert_null(request_text(&r, "after.none"));
	assert_null(request_text(&r, "t.boot"));
	assert_null(request_text(&r, "none.boot"));
	assert_int_equal(request_list(&r, "types"), 2);
	assert_string_equal(request_listed(&r, "types", 0), "alert");
	assert_null(request_listed(&r, "types", 1));
	assert_null(request_listed(&r, "types", 2));
	assert_int_equal(request_list(&r, "t"), 0);
	assert_null(request_listed(&r, "t", 0));
	request_free(&r);
}

static void
bad(void **state)
{
	static const char *const lines[] = {
		"",    "x",   "[]",   "{}",    "null", "{\"cmd\":1}", "{\"cmd\":\"a\"",	"{\"cmd\":\"a\"} x", "{\"cmd\":\"a\",\"args\":[]}",
		"{\"cmd\":\"a\",\"args\":{\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]}}",
	};
	struct request r;
	char *deep = malloc(100001);
	(void)state;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_non_null(request_parse(lines[i], &r));
	memset(deep, '[', 100000);
	deep[100000] = 0;
	assert_non_null(request_parse(deep, &r));
	free(deep);
	/* an id longer than we give back is none */
	char line[256];
	snprintf(line, sizeof line, "{\"id\":\"%0100d\",\"cmd\":\"a\"}", 1);
	assert_null(request_parse(line, &r));
	assert_int_equal(r.id.kind, ID_NONE);
	request_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(good),
		cmocka_unit_test(nested_and_lists), cmocka_unit_test(bad)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
