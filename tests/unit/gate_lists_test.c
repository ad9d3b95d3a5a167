/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of items that a policy names: which of them have changed, told once, and only when they stand still. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/gate/lists.h"
#include "bundle.h"

#define SECOND UINT64_C(1000000000)

enum { FILES = 3, SETTLE_S = 2 };

struct place {
	char dir[64], file[FILES][96];
};

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
begin(struct place *p)
{
	strcpy(p->dir, "/tmp/lenscap-lists-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	for (int i = 0; i < FILES; i++) {
		snprintf(p->file[i], sizeof p->file[i], "%s/%d.txt", p->dir, i);
		write_file(p->file[i], "192.0.2.1\n");
	}
}

static void
end(struct place *p)
{
	for (int i = 0; i < FILES; i++)
		(void)unlink(p->file[i]);
	assert_int_equal(rmdir(p->dir), 0);
}

/* A bundle that names the first n of the files. */
static int
bundle_of(const struct place *p, int n)
{
	static const char text[] = "version: 1\n";
	struct bundle *b = bundle_from_text("lenscap.yaml", text, sizeof text - 1);
	int fd = memfd_create("bundle", MFD_CLOEXEC);

	assert_true(b && fd >= 0);
	for (int i = 0; i < n; i++)
		assert_true(bundle_add_list(b, p->file[i]));
	assert_int_equal(bundle_save(b, fd), 0);
	bundle_free(b);
	return fd;
}

static void
adopt(struct lists *l, const char *id, int fd)
{
	lists_adopt(l, id, fd);
	close(fd);
}

/* The time of day: files that were written before are old. */
static int64_t
wall_ns(void)
{
	struct timespec t;

	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL); /* the kernel's file times are those of its last tick */
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct lists *
watch(const struct place *p, int n)
{
	struct lists *l = lists_new();

	assert_non_null(l);
	lists_begin(l, wall_ns());
	adopt(l, "000000000001", bundle_of(p, n));
	assert_int_equal(lists_count(l), n);
	return l;
}

static void
told_once_and_when_still(void **state)
{
	struct place p;
	uint64_t now = 100 * SECOND;
	(void)state;

	begin(&p);
	struct lists *l = watch(&p, FILES);
	assert_false(lists_changed(l, now, SETTLE_S));
	assert_false(lists_changed(l, now += 10 * SECOND, SETTLE_S));
	write_file(p.file[1], "192.0.2.1\n192.0.2.2\n");
	assert_false(lists_changed(l, now + SECOND / 2, SETTLE_S)); /* it looks once a second */
	assert_false(lists_changed(l, now += SECOND, SETTLE_S));
	write_file(p.file[1], "192.0.2.1\n192.0.2.2\n192.0.2.3\n");
	assert_false(lists_changed(l, now += SECOND, SETTLE_S)); /* it is still being written */
	assert_false(lists_changed(l, now += SECOND, SETTLE_S));
	assert_true(lists_changed(l, now += SECOND, SETTLE_S));
	assert_false(lists_changed(l, now += 10 * SECOND, SETTLE_S));
	assert_false(lists_changed(l, now += 10 * SECOND, 0)); /* never, if the owner wants it so */
	lists_free(l);
	lists_free(NULL);
	end(&p);
}

/* Replaced, taken away, back again: each is a change. */
static void
replaced_and_gone(void **state)
{
	struct place p;
	uint64_t now = 100 * SECOND;
	char other[128];
	(void)state;

	begin(&p);
	struct lists *l = watch(&p, FILES);
	snprintf(other, sizeof other, "%s/new", p.dir);
	for (int step = 0; step < 3; step++) {
		if (step == 0) {
			write_file(other, "192.0.2.1\n"); /* same size: the inode tells */
			assert_int_equal(rename(other, p.file[0]), 0);
		} else if (step == 1) {
			assert_int_equal(unlink(p.file[0]), 0);
		} else {
			write_file(p.file[0], "192.0.2.1\n");
		}
		assert_false(lists_changed(l, now += SECOND, SETTLE_S));
		assert_true(lists_changed(l, now += SETTLE_S * SECOND, SETTLE_S));
		assert_false(lists_changed(l, now += SETTLE_S * SECOND, SETTLE_S));
	}
	lists_free(l);
	end(&p);
}

/* What is written while the policy is being read counts, also for a file that no policy has named before. */
static void
changed_while_reading(void **state)
{
	struct place p;
	uint64_t now = 100 * SECOND;
	(void)state;

	begin(&p);
	struct lists *l = watch(&p, 1);
	lists_begin(l, wall_ns());
	int fd = bundle_of(&p, 2);
	write_file(p.file[0], "192.0.2.9\n192.0.2.9\n");
	adopt(l, "000000000002", fd);
	assert_false(lists_changed(l, now += SECOND, SETTLE_S));
	assert_true(lists_changed(l, now += SETTLE_S * SECOND, SETTLE_S));

	lists_begin(l, wall_ns());
	fd = bundle_of(&p, 3);
	write_file(p.file[2], "192.0.2.9\n");
	adopt(l, "000000000003", fd);
	assert_int_equal(lists_count(l), 3);
	assert_true(lists_changed(l, now += SETTLE_S * SECOND, SETTLE_S));

	adopt(l, "000000000003", bundle_of(&p, 1)); /* that one is known */
	assert_int_equal(lists_count(l), 3);
	adopt(l, "000000000004", bundle_of(&p, 0));
	assert_int_equal(lists_count(l), 0);
	assert_false(lists_changed(l, now += 10 * SECOND, SETTLE_S));
	lists_free(l);
	end(&p);
}

/* Bundles that nobody saved: as many names as can be believed, and no byte beyond. */
static void
broken_bundles(void **state)
{
	static const struct {
		const char *bytes;
		unsigned names;
	} rows[] = {
		{"", 0},
		{"lenscap-bundle 2", 0},
		{"lenscap-bundle 2\n", 0},
		{"lenscap-bundle 2\nmode enforce\nl 2 1\n/ax", 1},
		{"lenscap-bundle 2\nmode enforce", 0},
		{"lenscap-bundle 2\nl 2 1\n/axl 2 1\n/bx", 2},
		{"lenscap-bundle 2\np 2 1\n/axl 2 1\n/bx", 1},
		{"lenscap-bundle 2\nl 2 1\n/", 0},			    /* cut off in its name */
		{"lenscap-bundle 2\nl 5000 1\n/a", 0},			    /* longer than a name may be */
		{"lenscap-bundle 2\nl 2 100663297\n/axl 2 1\n/bx", 0},	    /* larger than lists may be */
		{"lenscap-bundle 2\nl 2 9999999999\n/ax", 0},
		{"lenscap-bundle 2\nl -2 1\n/ax", 0},
		{"lenscap-bundle 2\nl 2 -1\n/axl 2 1\n/bx", 0},
		{"lenscap-bundle 2\nl 2 1 /ax", 0},
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lists *l = lists_new();
		int fd = memfd_create("bundle", MFD_CLOEXEC);
		assert_true(l && fd >= 0);
		assert_int_equal(write(fd, rows[i].bytes, strlen(rows[i].bytes)), strlen(rows[i].bytes));
		lists_begin(l, 0);
		lists_adopt(l, "000000000001", fd);
		if (lists_count(l) != rows[i].names)
			fail_msg("row %zu: %u names", i, lists_count(l));
		close(fd);
		lists_free(l);
	}
	/* A NUL in a name: the file that would be looked at is another one. */
	static const char nul[] = "lenscap-bundle 2\nl 4 1\n/a\0bxl 2 1\n/bx";
	struct lists *l = lists_new();
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	assert_int_equal(write(fd, nul, sizeof nul - 1), sizeof nul - 1);
	adopt(l, "000000000001", fd);
	assert_int_equal(lists_count(l), 1);
	lists_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_once_and_when_still), cmocka_unit_test(replaced_and_gone), cmocka_unit_test(changed_while_reading),
		cmocka_unit_test(broken_bundles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
