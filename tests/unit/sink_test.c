/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sinks into files: rotation, torn ends, full disks. Whatever happens: whole lines, in order, alerts last to go, and
 * everything counted.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "sink_lab.h"

static void
test_file(void **state)
{
	char path[128];
	unsigned firsts = 0;
	struct stat st;

	(void)state;
	mode_t mask = umask(0077);
	struct sinks *s = open_one(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	umask(mask);
	put(s, RECORD_ALERT, "one\n");
	put(s, RECORD_FLOW, "two\n");
	assert_int_equal(status(s).waiting, 8);
	sinks_flush(s, &now);
	assert_string_equal(read_file(path), "first 1\none\ntwo\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	struct sink_status row = status(s);
	assert_string_equal(row.kind, "eve");
	assert_string_equal(row.path, path);
	assert_true(row.open && row.last_errno == 0 && row.waiting == 0);
	assert_int_equal(row.written[ALERT_BIT], 1);
	assert_int_equal(row.written[FLOW_BIT], 1);
	assert_int_equal(row.written[STATS_BIT], 1);
	assert_int_equal(row.bytes, 16);
	sinks_free(s, &now);
	/* A file that has something keeps it and gets no first record. */
	s = open_one(OUTPUT_EVE, path, -1, &firsts);
	put(s, RECORD_FLOW, "three\n");
	sinks_free(s, &now);
	assert_string_equal(read_file(path), "first 1\none\ntwo\nthree\n");
	assert_int_equal(firsts, 1);
}

/* An owner's mode stays. */
static void
test_mode_is_kept(void **state)
{
	char path[128];
	struct stat st;

	(void)state;
	write_file(fresh_path(path), "");
	sinks_free(open_one(OUTPUT_EVE, path, -1, NULL), &now);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_types(void **state)
{
	struct policy_output o[2] = {{.kind = OUTPUT_EVE, .types = RECORD_ALERT},
				     {.kind = OUTPUT_EVE, .types = RECORD_FLOW | RECORD_STATS}};
	char a[128], b[128], big[RECORD_BYTES + 2];
	size_t n;

	(void)state;
	o[0].path = fresh_path(a);
	o[1].path = fresh_path(b);
	struct sinks *s = sinks_new(o, 2, -1, false, NULL, NULL, &now);
	assert_non_null(s);
	put(s, RECORD_ALERT, "alert\n");
	put(s, RECORD_FLOW, "flow\n");
	put(s, RECORD_STATS, "stats\n");
	put(s, RECORD_DROP, "drop\n");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	put(s, RECORD_ALERT, big); /* larger than a record may be */
	sinks_flush(s, &now);
	assert_string_equal(read_file(a), "alert\n");
	assert_string_equal(read_file(b), "flow\nstats\n");
	const struct sink_status *rows = sinks_status(s, &n);
	assert_int_equal(rows[0].dropped[ALERT_BIT], 1);
	assert_int_equal(rows[1].dropped[ALERT_BIT], 0);
	sinks_free(s, &now);
}

static void
test_rotation(void **state)
{
	char path[128], old[140];
	unsigned firsts = 0;

	(void)state;
	struct sinks *s = open_one(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	put(s, RECORD_FLOW, "one\n");
	sinks_flush(s, &now);
	snprintf(old, sizeof old, "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	put(s, RECORD_FLOW, "two\n");
	sinks_flush(s, &now); /* nobody has noticed yet */
	sinks_reopen(s, &now);
	put(s, RECORD_FLOW, "three\n");
	sinks_flush(s, &now);
	assert_string_equal(read_file(old), "first 1\none\ntwo\n");
	assert_string_equal(read_file(path), "first 2\nthree\n");
	/* Nobody tells: the tick finds out, whether the path is gone or another file. */
	assert_int_equal(unlink(path), 0);
	tick(s);
	put(s, RECORD_FLOW, "four\n");
	sinks_flush(s, &now);
	assert_string_equal(read_file(path), "first 3\nfour\n");
	assert_int_equal(rename(path, old), 0);
	write_file(path, "foreign\n");
	tick(s);
	put(s, RECORD_FLOW, "five\n");
	sinks_flush(s, &now);
	assert_string_equal(read_file(path), "foreign\nfive\n");
	assert_int_equal(firsts, 3);
	sinks_free(s, &now);
	unlink(old);
}

/* What somebody left torn does not spoil the next line. */
static void
test_torn_end(void **state)
{
	char path[128];
	unsigned firsts = 0;

	(void)state;
	write_file(fresh_path(path), "{\"torn\":");
	struct sinks *s = open_one(OUTPUT_EVE, path, -1, &firsts);
	put(s, RECORD_FLOW, "whole\n");
	sinks_flush(s, &now);
	assert_string_equal(read_file(path), "{\"torn\":\nwhole\n");
	assert_int_equal(status(s).written[STATS_BIT], 0);
	sinks_free(s, &now);
}

static void
test_missing_directory(void **state)
{
	char sub[128], path[140];

	(void)state;
	snprintf(path, sizeof path, "%s/eve.json", fresh_path(sub));
	struct sinks *s = open_one(OUTPUT_EVE, path, -1, NULL);
	put(s, RECORD_ALERT, "kept\n");
	sinks_flush(s, &now);
	tick(s);
	struct sink_status row = status(s);
	assert_false(row.open);
	assert_int_equal(row.last_errno, ENOENT);
	assert_int_equal(row.waiting, 5);
	assert_int_equal(mkdir(sub, 0700), 0);
	tick(s);
	assert_string_equal(read_file(path), "kept\n");
	assert_int_equal(status(s).last_errno, 0);
	/* The directory goes away while we run. */
	unlink(path);
	rmdir(sub);
	tick(s);
	assert_false(status(s).open);
	put(s, RECORD_ALERT, "again\n");
	assert_int_equal(mkdir(sub, 0700), 0);
	tick(s);
	assert_string_equal(read_file(path), "again\n");
	sinks_free(s, &now);
	unlink(path);
	rmdir(sub);
}

/* A full disk: flows make room for alerts, the oldest first, and each loss has a count. */
static void
test_full_device(void **state)
{
	enum { OFFERED = 12000 };

	(void)state;
	struct sinks *s = open_one(OUTPUT_EVE, "/dev/full", -1, NULL);
	for (unsigned i = 0; i < OFFERED; i++) {
		put_numbered(s, i);
		if (i % 16 == 0)
			sinks_flush(s, &now);
	}
	struct sink_status row = status(s);
	assert_int_equal(row.last_errno, ENOSPC);
	assert_int_equal(row.written[FLOW_BIT] + row.written[ALERT_BIT], 0);
	assert_int_equal(row.dropped[ALERT_BIT], 0);
	assert_true(row.dropped[FLOW_BIT] > 0);
	assert_int_equal(row.dropped[FLOW_BIT] + row.waiting / LINE, OFFERED);
	assert_in_range(row.waiting, (4 << 20) * 3 / 4, 4 << 20);
	/* Only alerts are left when there are enough of them; then the oldest of them go. */
	for (unsigned i = 0; i < OFFERED; i++)
		put_numbered(s, i * 10);
	row = status(s);
	assert_int_equal(row.dropped[FLOW_BIT], OFFERED - OFFERED / 10);
	assert_true(row.dropped[ALERT_BIT] > 0);
	put_numbered(s, 1); /* a flow finds no room among alerts */
	assert_int_equal(status(s).dropped[FLOW_BIT], OFFERED - OFFERED / 10 + 1);
	assert_int_equal(status(s).dropped[ALERT_BIT], row.dropped[ALERT_BIT]);
	sinks_free(s, &now);
}

/* Files may have this many bytes; a write that would exceed it is cut short, as on a disk that is just about full. */
static void
limit_files(rlim_t bytes)
{
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, RLIM_INFINITY}), 0);
}

/* A line that is partly out when the file is moved away gets its end there, not in the new file. */
static void
test_moved_within_line(void **state)
{
	char path[128], old[140];
	unsigned firsts = 0;

	(void)state;
	struct sinks *s = open_one(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	for (unsigned i = 0; i < 3; i++)
		put_numbered(s, i);
	limit_files(8 + LINE + 100);
	sinks_flush(s, &now);
	limit_files(RLIM_INFINITY);
	assert_int_equal(strlen(read_file(path)), 8 + LINE + 100);
	snprintf(old, sizeof old, "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	sinks_reopen(s, &now);
	assert_int_equal(check_numbered(read_file(old) + 8).last, 1);
	assert_memory_equal(read_file(path), "first 2\n", 8);
	assert_int_equal(check_numbered(content + 8).flows, 1);
	sinks_free(s, &now);
	unlink(old);
}

/* The first record too is finished before anything else. */
static void
test_first_record_in_pieces(void **state)
{
	char path[128], old[140];
	unsigned firsts = 0;

	(void)state;
	struct sinks *s = open_one(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	put(s, RECORD_FLOW, "line\n");
	limit_files(3);
	sinks_flush(s, &now);
	limit_files(5);
	tick(s);
	assert_string_equal(read_file(path), "first");
	limit_files(RLIM_INFINITY);
	snprintf(old, sizeof old, "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	tick(s);
	assert_string_equal(read_file(old), "first 1\n");
	assert_string_equal(read_file(path), "first 2\nline\n");
	assert_int_equal(status(s).written[STATS_BIT], 2);
	sinks_free(s, &now);
	unlink(old);
}

/* A small disk of our own, in a mount namespace that ends with this process. */
static bool
mount_small_disk(const char *at, const char *size)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", at, "tmpfs", 0, size) < 0) {
		print_message("skipped: cannot mount a tmpfs: %s\n", strerror(errno));
		return false;
	}
	return true;
}

static void
test_full_disk(void **state)
{
	enum { OFFERED = 1500 };
	char disk[128], path[160], filler[160];
	unsigned firsts = 0;

	(void)state;
	assert_int_equal(mkdir(fresh_path(disk), 0700), 0);
	if (!mount_small_disk(disk, "size=512k")) {
		rmdir(disk);
		skip();
	}
	snprintf(path, sizeof path, "%s/eve.json", disk);
	snprintf(filler, sizeof filler, "%s/filler", disk);
	memset(content, 'f', 384 << 10);
	content[384 << 10] = '\0';
	write_file(filler, content);
	struct sinks *s = open_one(OUTPUT_EVE, path, -1, &firsts);
	for (unsigned i = 0; i < OFFERED; i++) {
		put_numbered(s, i);
		sinks_flush(s, &now);
	}
	struct sink_status row = status(s);
	assert_int_equal(row.last_errno, ENOSPC);
	assert_true(row.written[FLOW_BIT] > 0 && row.waiting > 0);
	/* The file ends within a line now, and that line is finished before anything else. */
	const char *text = read_file(path);
	assert_true(text[strlen(text) - 1] != '\n');
	assert_int_equal(unlink(filler), 0);
	for (int i = 0; i < 3; i++)
		tick(s);
	text = read_file(path);
	assert_memory_equal(text, "first 1\n", 8);
	text += 8;
	/* What did not fit is still waiting: the disk is too small for all. */
	row = status(s);
	char *end = strrchr(text, '\n');
	end[1] = '\0';
	struct seen seen = check_numbered(text);
	assert_int_equal(seen.alerts, row.written[ALERT_BIT]);
	assert_int_equal(seen.flows, row.written[FLOW_BIT]);
	assert_int_equal(row.dropped[ALERT_BIT], 0);
	/* Moved away: the torn line ends in the old file if it can, else it is whole in the new one. */
	char old[180];
	snprintf(old, sizeof old, "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	tick(s);
	assert_int_equal(unlink(old), 0);
	for (int i = 0; i < 3; i++)
		tick(s);
	row = status(s);
	assert_int_equal(row.waiting, 0);
	assert_int_equal(row.written[ALERT_BIT], OFFERED / 10);
	assert_int_equal(row.written[FLOW_BIT] + row.dropped[FLOW_BIT], OFFERED - OFFERED / 10);
	sinks_free(s, &now);
	umount2(disk, MNT_DETACH);
	rmdir(disk);
}

static void
test_none(void **state)
{
	size_t n = 9;

	(void)state;
	struct sinks *s = sinks_new(NULL, 0, -1, false, NULL, NULL, &now);
	assert_non_null(s);
	put(s, RECORD_ALERT, "nobody\n");
	tick(s);
	sinks_reopen(s, &now);
	sinks_status(s, &n);
	assert_int_equal(n, 0);
	sinks_free(s, &now);
	sinks_free(NULL, &now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_mode_is_kept),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_torn_end),
		cmocka_unit_test(test_missing_directory),
		cmocka_unit_test(test_full_device),
		cmocka_unit_test(test_moved_within_line),
		cmocka_unit_test(test_first_record_in_pieces),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("sink", tests, setup, teardown);
}
