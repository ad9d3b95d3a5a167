/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What survives a restart: the policies that were in force, on what terms, and for how long still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/gate/planner.h"
#include "../../daemon/gate/standing.h"
#include "channel.h"

/* ---- a directory of its own ---- */

struct lab {
	char path[64];
	int state, dir;
};

static struct lab
lab_new(void)
{
	struct lab l = {.path = "/tmp/lenscap-versions-XXXXXX"};

	assert_non_null(mkdtemp(l.path));
	l.state = open(l.path, O_RDONLY | O_DIRECTORY);
	assert_true(l.state >= 0);
	l.dir = versions_open(l.state, l.path);
	assert_true(l.dir >= 0);
	return l;
}

static void
lab_free(struct lab *l)
{
	char command[96];

	close(l->dir);
	close(l->state);
	snprintf(command, sizeof command, "rm -r %s", l->path);
	assert_int_equal(system(command), 0);
}

static struct version
a_version(uint32_t seq)
{
	struct version v = {.seq = seq, .time_s = 1700000000 + seq, .uid = 1000};
	snprintf(v.id, sizeof v.id, "%012x", seq);
	return v;
}

static void
keep(struct lab *l, uint32_t seq, const char *text)
{
	struct version v = a_version(seq);
	int fd = planner_text(text);

	assert_true(fd >= 0);
	assert_int_equal(versions_save(l->dir, &v, fd), 0);
	close(fd);
}

static void
overwrite(int dir, const char *name, const char *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

/* ---- history ---- */

static void
pushing_forgets_what_was_undone(void **state)
{
	struct history h = {0};
	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		struct version v = a_version(i);
		history_push(&h, &v);
	}
	h.at = 1;
	assert_true(history_undone(&h, h.v[2].id));
	assert_false(history_undone(&h, h.v[1].id));
	assert_int_equal(history_next(&h), 4);
	struct version v = a_version(history_next(&h));
	history_push(&h, &v);
	assert_int_equal(h.n, 3);
	assert_int_equal(h.at, 2);
	assert_int_equal(h.v[1].seq, 2);
	assert_int_equal(h.v[2].seq, 4);
	assert_true(history_valid(&h));
}

static void
the_oldest_goes(void **state)
{
	struct history h = {0};
	(void)state;
	for (uint32_t i = 1; i <= 20; i++) {
		struct version v = a_version(i);
		history_push(&h, &v);
		assert_true(history_valid(&h));
	}
	assert_int_equal(h.n, VERSIONS_MAX);
	assert_int_equal(h.v[0].seq, 15);
	assert_int_equal(h.at, VERSIONS_BACK);
	history_drop(&h, 0);
	assert_int_equal(h.v[h.at].seq, 20);
	h.at = 0;
	history_drop(&h, 2);
	assert_int_equal(h.at, 0);
	history_settle(&h);
	assert_int_equal(h.n, 1);
}

/* ---- files ---- */

static void
bytes_come_back(void **state)
{
	struct lab l = lab_new();
	struct version v = a_version(7), got;
	char buf[64] = "";
	(void)state;
	keep(&l, 7, "lenscap-bundle 1\n1 3\naxyz");
	assert_true(versions_describe(l.dir, 7, &got));
	assert_string_equal(got.id, v.id);
	assert_int_equal(got.time_s, v.time_s);
	assert_int_equal(got.uid, 1000);
	int fd = versions_load(l.dir, &v);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, buf, sizeof buf, 0), 25);
	assert_string_equal(buf, "lenscap-bundle 1\n1 3\naxyz");
	int copy = versions_copy(fd);
	assert_int_equal(lseek(fd, 0, SEEK_END), 25);
	assert_int_equal(lseek(copy, 0, SEEK_CUR), 25); /* where writing has ended: its own position */
	close(copy);
	close(fd);
	lab_free(&l);
}

/* Each byte of the file, changed; each length, cut: never taken for sound, never a crash. */
static void
damage_is_left_out(void **state)
{
	struct lab l = lab_new();
	struct version got;
	char whole[512];
	(void)state;
	keep(&l, 3, "lenscap-bundle 1\n1 3\naxyz");
	int fd = openat(l.dir, "3", O_RDONLY);
	ssize_t len = read(fd, whole, sizeof whole);
	close(fd);
	assert_true(len > 60);
	for (ssize_t i = 0; i < len; i++) {
		char hurt[512];
		memcpy(hurt, whole, (size_t)len);
		hurt[i] ^= 0x15;
		overwrite(l.dir, "3", hurt, (size_t)len);
		struct version sound = a_version(3);
		/* Who asked, when, and what it is called are told and not proved; the bytes are. */
		if (versions_describe(l.dir, 3, &got))
			assert_true(i < 70 && (strcmp(got.id, sound.id) != 0 || got.uid != 1000 || got.time_s != sound.time_s));
		overwrite(l.dir, "3", whole, (size_t)i);
		assert_false(versions_describe(l.dir, 3, &got));
	}
	overwrite(l.dir, "3", whole, (size_t)len);
	assert_true(versions_describe(l.dir, 3, &got));
	lab_free(&l);
}

static void
odd_files_do_no_harm(void **state)
{
	static const char *const names[] = {"0", "01", "x", "4294967295", "99999999999999999999", "-1", "5.new", "12 "};
	struct lab l = lab_new();
	struct history h;
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		overwrite(l.dir, names[i], "junk", 4);
	assert_int_equal(mkfifoat(l.dir, "8", 0600), 0);
	assert_int_equal(mkdirat(l.dir, "9", 0700), 0);
	assert_int_equal(symlinkat("/etc/passwd", l.dir, "10"), 0);
	overwrite(l.dir, "11", "", 0);
	int fd = openat(l.dir, "13", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	keep(&l, 6, "six");
	keep(&l, 7, "seven");
	versions_scan(l.dir, &h);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.v[0].seq, 6);
	assert_int_equal(h.v[h.at].seq, 7);
	h.n = 1;
	h.at = 0;
	versions_keep(l.dir, &h);
	assert_int_equal(faccessat(l.dir, "6", F_OK, 0), 0);
	assert_int_equal(faccessat(l.dir, "7", F_OK, 0), -1);
	assert_int_equal(faccessat(l.dir, "x", F_OK, 0), 0); /* not ours */
	lab_free(&l);
}

static void
a_renamed_file_is_another(void **state)
{
	struct lab l = lab_new();
	struct version v = a_version(2), got;
	(void)state;
	keep(&l, 2, "two");
	assert_int_equal(renameat(l.dir, "2", l.dir, "3"), 0);
	assert_false(versions_describe(l.dir, 3, &got));
	assert_int_equal(versions_load(l.dir, &v), -1);
	keep(&l, 2, "two");
	v.id[0] = 'f';
	assert_int_equal(versions_load(l.dir, &v), -1);
	lab_free(&l);
}

/* ---- standing ---- */

static const struct lease_clock noon = {.boot_ms = 5000000, .wall_s = 1700000000, .boot = "=6f6e-0001"};

static void
standing_comes_back(void **state)
{
	struct lab l = lab_new();
	struct standing s = {.mode = CHANNEL_MODE_MONITOR}, got;
	(void)state;
	standing_load(l.state, l.dir, &got);
	assert_int_equal(got.history.n, 0);
	assert_int_equal(got.confirm.seconds, 0);
	for (uint32_t i = 4; i <= 6; i++) {
		struct version v = a_version(i);
		keep(&l, i, "text");
		history_push(&s.history, &v);
	}
	s.history.at = 1;
	s.confirm = lease_grant(60, &noon);
	s.mode_for = lease_grant(3600, &noon);
	assert_int_equal(standing_save(l.state, &s), 0);
	standing_load(l.state, l.dir, &got);
	assert_int_equal(got.history.n, 3);
	assert_int_equal(got.history.at, 1);
	assert_int_equal(got.history.v[2].seq, 6);
	assert_int_equal(got.confirm.seconds, 60);
	assert_string_equal(got.confirm.began.boot, noon.boot);
	assert_int_equal(got.confirm.began.boot_ms, noon.boot_ms);
	assert_int_equal(got.mode, CHANNEL_MODE_MONITOR);
	assert_int_equal(got.mode_for.seconds, 3600);
	/* One that is not in force is gone: the others keep their places. */
	assert_int_equal(unlinkat(l.dir, "4", 0), 0);
	standing_load(l.state, l.dir, &got);
	assert_int_equal(got.history.n, 2);
	assert_int_equal(got.history.v[got.history.at].seq, 5);
	assert_int_equal(got.confirm.seconds, 0); /* there is nothing to go back to */
	assert_int_equal(got.mode, CHANNEL_MODE_MONITOR);
	lab_free(&l);
}

static void
a_damaged_standing_promises_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"lenscap-standing 1\n",
		"lenscap-standing 2\nhistory 0 1\nconfirm 0 0 0 -\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 7 1\nconfirm 0 0 0 -\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 0 2 1\nconfirm 0 0 0 -\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 0 1 1\nconfirm 0 0 0 -\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 0 99999999999999999999\nconfirm 0 0 0 -\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 0 1 2 3 4 5 6 7 8 9\nconfirm 0 0 0 -\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 0 1x\nconfirm 0 0 0 -\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 1 1 2\nconfirm 4000000000 5 5 =a\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 1 1 2\nconfirm 60 5 -5 =a\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 1 1 2\nconfirm 60 5 5 =%s%n\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 1 1 2\nconfirm 60 5 5 =0123456789012345678901234567890123456789012345\nmode 0 0 0 0 -\n",
		"lenscap-standing 1\nhistory 1 1 2\nconfirm 0 0 0 -\nmode 3 0 0 0 -\n",
		"lenscap-standing 1\nhistory 1 1 2\nconfirm 0 0 0 -\nmode 1 60 1 1 -\n",
	};
	struct lab l = lab_new();
	struct standing got;
	(void)state;
	keep(&l, 1, "one");
	keep(&l, 2, "two");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		overwrite(l.state, "standing", texts[i], strlen(texts[i]));
		standing_load(l.state, l.dir, &got);
		assert_int_equal(got.confirm.seconds, 0);
		assert_int_equal(got.mode, 0);
		assert_int_equal(got.mode_for.seconds, 0);
		assert_int_equal(got.history.n, 2); /* as the files say */
		assert_int_equal(got.history.at, 1);
	}
	lab_free(&l);
}

/* ---- leases ---- */

static const struct {
	const char *what;
	int64_t boot_ms, wall_s; /* since noon */
	const char *boot;	 /* NULL: the same */
	uint64_t left_ms;	 /* of 60 s */
} moments[] = {
	{"at once", 0, 0, NULL, 60000},
	{"a while later", 20500, 20, NULL, 39500},
	{"its last millisecond", 59999, 60, NULL, 1},
	{"its end", 60000, 60, NULL, 0},
	{"the clock was set back an hour", 20000, -3580, NULL, 40000},
	{"the clock was set forward an hour", 20000, 3620, NULL, 40000},
	{"the machine was started again", -4990000, 20, "=6f6e-0002", 40000},
	{"it was off for long", -4990000, 7200, "=6f6e-0002", 0},
	{"started again without a clock", -4990000, -1700000000, "=6f6e-0002", 0},
	{"the kernel does not say which start this is", 20000, 20, "~01", 40000},
	{"nor that, and the clock was set back", 20000, -3600, "~01", 40000},
	{"nor that, and the clock was set forward", 20000, 3600, "~01", 0},
	{"nor that, and it was another start", -4990000, 20, "~01", 40000},
};

static void
a_lease_never_grows(void **state)
{
	struct lease l = lease_grant(60, &noon), none = {0};
	(void)state;
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		struct lease_clock now = noon;
		now.boot_ms += (uint64_t)moments[i].boot_ms;
		now.wall_s += moments[i].wall_s;
		if (moments[i].boot)
			snprintf(now.boot, sizeof now.boot, "%s", moments[i].boot);
		if (lease_left_ms(&l, &now) != moments[i].left_ms)
			fail_msg("%s: %llu ms", moments[i].what, (unsigned long long)lease_left_ms(&l, &now));
		assert_int_equal(lease_left_ms(&none, &now), 0);
	}
	assert_true(lease_valid(&l));
	assert_int_equal(lease_left_s(&l, &noon), 60);
	l.seconds = LEASE_MAX_S + 1;
	assert_false(lease_valid(&l));
}

static void
the_clock_has_a_name(void **state)
{
	struct lease_clock a = {0}, b;
	(void)state;
	lease_clock_read(&a);
	assert_true(a.boot[0] == '=' || a.boot[0] == '~');
	struct lease l = lease_grant(5, &a);
	assert_true(lease_valid(&l));
	b = a;
	lease_clock_read(&b);
	assert_string_equal(a.boot, b.boot);
	assert_true(lease_left_ms(&l, &b) > 3000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushing_forgets_what_was_undone),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(bytes_come_back),
		cmocka_unit_test(damage_is_left_out),
		cmocka_unit_test(odd_files_do_no_harm),
		cmocka_unit_test(a_renamed_file_is_another),
		cmocka_unit_test(standing_comes_back),
		cmocka_unit_test(a_damaged_standing_promises_nothing),
		cmocka_unit_test(a_lease_never_grows),
		cmocka_unit_test(the_clock_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
