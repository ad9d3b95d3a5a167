/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each code that the loader can print has its words and, where a file can show it, what is wrong and what is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "diag.h"

static void
every_code(void **state)
{
	size_t n, with = 0;
	const struct diag_code *codes = diag_codes(&n);
	(void)state;

	assert_true(n > 50);
	for (size_t i = 0; i < n; i++) {
		const struct diag_example *e = diag_example_find(codes[i].code);
		assert_ptr_equal(diag_code_find(codes[i].code), &codes[i]);
		assert_true(codes[i].title[0] && codes[i].text[0]);
		if (!e)
			continue;
		with++;
		assert_string_equal(e->code, codes[i].code);
		if (!*e->wrong && !*e->right) /* it is about no file */
			continue;
		if (strcmp(e->wrong, e->right) == 0)
			fail_msg("%s: what is wrong is right as well", e->code);
	}
	assert_true(with > n / 2);
}

static void
no_code(void **state)
{
	static const char *const none[] = {"", "E", "E000", "e109", "E1099", "W999"};
	(void)state;

	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		assert_null(diag_example_find(none[i]));
		assert_null(diag_code_find(none[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code),
		cmocka_unit_test(no_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
