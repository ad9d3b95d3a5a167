/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a policy with all that it names: more lists than there may be, and files whose size is a promise that they do not keep. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bundle.h"
#include "policy.h"

/* A policy that names n lists. */
static void
write_policy(const char *path, const char *dir, unsigned n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("version: 1\nmode: monitor\nzones: {c: {interfaces: [cam0]}}\nsets:\n", f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "  s%u: {address: {file: %s/%u.txt}}\n", i, dir, i);
	fputs("default: block\n", f);
	assert_int_equal(fclose(f), 0);
}

static void
lists_are_bounded(void **state)
{
	char dir[] = "/tmp/lenscap-read-XXXXXX", path[64], *failed = NULL;
	(void)state;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/lenscap.yaml", dir);
	write_policy(path, dir, BUNDLE_LISTS_MAX);
	struct bundle *b = policy_read(path, &failed);
	assert_non_null(b);
	assert_int_equal(b->n_lists, BUNDLE_LISTS_MAX);
	assert_int_equal(b->lists[0].error, ENOENT); /* told where the policy is checked */
	bundle_free(b);
	write_policy(path, dir, BUNDLE_LISTS_MAX + 1);
	errno = 0;
	assert_null(policy_read(path, &failed));
	assert_int_equal(errno, EFBIG);
	assert_string_equal(failed, path);
	free(failed);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* A file of /proc is a regular one of no bytes, until it is read. */
static void
size_is_no_promise(void **state)
{
	static const char text[] = "version: 1\n", smaps[] = "/proc/self/smaps";
	struct bundle *b = bundle_from_text("t.yaml", text, sizeof text - 1);
	(void)state;

	assert_non_null(b);
	assert_true(bundle_add_list(b, smaps));
	const struct bundle_list *list = bundle_list_find(b, smaps);
	assert_non_null(list);
	assert_int_equal(list->error, 0);
	assert_in_range(list->len, 16385, 1 << 24);
	assert_int_equal(list->text[list->len], 0);
	assert_non_null(memmem(list->text + 16384, list->len - 16384, "VmFlags", 7));
	bundle_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(size_is_no_promise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
