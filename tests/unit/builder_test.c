/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy that is built beside the packets: one at a time, whole or with the reasons why not, and dropped without a trace. */
#include <dirent.h>
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

#include "builder.h"
#include "bundle.h"
#include "policy.h"

#define POLICY "version: 1\nmode: monitor\nzones: {c: {interfaces: [cam0]}}\ndefault: block\n"

static int
bundle_of(const char *text)
{
	struct bundle *b = bundle_from_text("t.yaml", text, strlen(text));
	int fd = memfd_create("bundle", MFD_CLOEXEC);

	assert_true(b && fd >= 0);
	assert_int_equal(bundle_save(b, fd), 0);
	bundle_free(b);
	return fd;
}

static unsigned
descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void
wait_bell(struct builder *b)
{
	struct pollfd p = {.fd = builder_fd(b), .events = POLLIN};

	assert_int_equal(poll(&p, 1, 30000), 1);
}

static void
built_beside(void **state)
{
	unsigned before = descriptors();
	struct builder *b = builder_new();
	struct built first, second;
	(void)state;

	assert_non_null(b);
	assert_false(builder_take(b, &first)); /* nothing was begun */
	int fd = bundle_of(POLICY);
	assert_true(builder_start(b, fd, NULL, 7));
	assert_false(builder_start(b, fd, NULL, 8)); /* one at a time */
	close(fd); /* its own copy is enough */
	wait_bell(b);
	assert_true(builder_take(b, &first));
	assert_int_equal(first.ticket, 7);
	assert_non_null(first.wording);
	assert_non_null(first.policy);
	struct pollfd quiet = {.fd = builder_fd(b), .events = POLLIN};
	assert_int_equal(poll(&quiet, 1, 0), 0); /* the bell has rung once */
	/* The next one may share what the first one has. */
	fd = bundle_of(POLICY "rules: []\n");
	assert_true(builder_start(b, fd, first.policy, 9));
	assert_true(builder_take(b, &second)); /* waits for its end */
	assert_int_equal(second.ticket, 9);
	assert_non_null(second.policy);
	close(fd);
	built_free(&first);
	built_free(&second);
	assert_true(!first.wording && !first.policy);
	builder_free(b);
	builder_free(NULL);
	assert_int_equal(descriptors(), before);
}

static void
what_cannot_be_built(void **state)
{
	static const char *const nonsense[] = {"", "lenscap-bundle 2\np 99999 1\n", "something else\n"};
	struct builder *b = builder_new();
	struct built built;
	(void)state;

	assert_non_null(b);
	for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
		int fd = memfd_create("bundle", MFD_CLOEXEC);
		assert_int_equal(write(fd, nonsense[i], strlen(nonsense[i])), strlen(nonsense[i]));
		assert_true(builder_start(b, fd, NULL, 1));
		assert_true(builder_take(b, &built));
		assert_true(!built.wording && !built.policy);
		built_free(&built);
		close(fd);
	}
	int fd = bundle_of("version: 1\nmode: sometimes\n");
	assert_true(builder_start(b, fd, NULL, 2));
	assert_true(builder_take(b, &built));
	assert_true(!built.wording && !built.policy && built.diags.n > 0);
	built_free(&built);
	close(fd);
	assert_false(builder_start(b, fd, NULL, 3)); /* no such descriptor */
	builder_free(b);
}

/* The engine ends while one is being built. */
static void
dropped_half_way(void **state)
{
	unsigned before = descriptors();
	(void)state;

	for (int i = 0; i < 20; i++) {
		struct builder *b = builder_new();
		int fd = bundle_of(POLICY);
		assert_non_null(b);
		assert_true(builder_start(b, fd, NULL, 1));
		close(fd);
		builder_free(b);
	}
	assert_int_equal(descriptors(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_beside),
		cmocka_unit_test(what_cannot_be_built),
		cmocka_unit_test(dropped_half_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
