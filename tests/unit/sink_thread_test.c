/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sinks whose writer is a thread: whatever the target does, offering a record takes no time, and what is written has whole lines, in
 * order, none twice, and every one that is missing is counted. A disk that hangs is a filter on the thread's writev(2), which the
 * kernel lets wait until this program says go.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "../../daemon/sink/lane.h"
#include "sink_lab.h"

#define MS UINT64_C(1000000)

static uint64_t
clock_ns(void)
{
	struct now n;

	clock_read(&n);
	return n.mono_ns;
}

static struct sinks *
open_background(enum output_kind kind, const char *path, int fd, unsigned *firsts)
{
	struct policy_output o = {.kind = kind, .path = path, .facility = 21, .types = ALL_TYPES};
	struct sinks *s = sinks_new(&o, 1, fd, true, firsts ? first_record : NULL, firsts, &now);

	assert_non_null(s);
	return s;
}

/* Flushes until everything has left our memory; false after this many ms. */
static bool
drained(struct sinks *s, unsigned ms)
{
	uint64_t end = clock_ns() + ms * MS;

	do {
		sinks_flush(s, &now);
		if (status(s).waiting == 0)
			return true;
		poll(NULL, 0, 1);
	} while (clock_ns() < end);
	return false;
}

/* Ticks, so that what failed is tried again. */
static bool
recovered(struct sinks *s, unsigned ms)
{
	uint64_t end = clock_ns() + ms * MS;

	do {
		tick(s);
		if (drained(s, 50))
			return true;
	} while (clock_ns() < end);
	return false;
}

static uint64_t
sum(const uint64_t counts[RECORD_TYPES])
{
	uint64_t n = 0;

	for (size_t i = 0; i < RECORD_TYPES; i++)
		n += counts[i];
	return n;
}

/* ---- the lane itself ---- */

struct lane_job {
	struct lane *lane;
	unsigned n;
};

static size_t
job_len(unsigned i)
{
	static const size_t lengths[] = {1, 7, 8, 100, 777, 1500, 8192};

	return lengths[i % (sizeof lengths / sizeof lengths[0])];
}

static void *
put_all(void *arg)
{
	struct lane_job *job = arg;
	static char text[RECORD_BYTES];

	for (unsigned i = 0; i < job->n; i++) {
		size_t len = job_len(i), half = len / 2;
		struct line_info info = {.type = RECORD_FLOW, .wall_us = i};
		memset(text, (int)('a' + i % 26), len);
		struct iovec pieces[2] = {{text, half}, {text + half, len - half}};
		while (!lane_put(job->lane, &info, half ? pieces : pieces + 1, half ? 2 : 1))
			sched_yield();
	}
	return NULL;
}

/* Two threads, a small ring: every line comes once, whole, in order, however little is taken at a time. */
static void
test_lane(void **state)
{
	_Atomic uint64_t written[RECORD_TYPES] = {0};
	struct lane_job job = {lane_new(64 << 10), 60000};
	struct iovec iov[5];
	pthread_t t;
	unsigned seen = 0;
	size_t sent = 0;

	(void)state;
	assert_non_null(job.lane);
	assert_int_equal(pthread_create(&t, NULL, put_all, &job), 0);
	while (seen < job.n) {
		size_t n = lane_view(job.lane, iov, 5), take = 0;
		unsigned line = seen;
		for (size_t i = 0; i < n; i++, line++) {
			size_t len = job_len(line) - (i == 0 ? sent : 0);
			assert_int_equal(iov[i].iov_len, len);
			assert_true(((char *)iov[i].iov_base)[0] == (char)('a' + line % 26));
			assert_true(((char *)iov[i].iov_base)[len - 1] == (char)('a' + line % 26));
			if (i + 1 < n || seen % 3) {
				take += len;
				seen++;
				sent = 0;
			} else {
				take += len / 2;
				sent += len / 2;
			}
		}
		lane_took(job.lane, take, written);
		assert_int_equal(lane_started(job.lane), sent > 0);
		if (n == 1 && sent > 0 && job_len(seen) - sent <= 1) { /* the rest of a last line that came in halves */
			lane_took(job.lane, job_len(seen++) - sent, written);
			sent = 0;
		}
	}
	pthread_join(t, NULL);
	assert_int_equal(written[FLOW_BIT], job.n);
	assert_int_equal(lane_lines(job.lane), 0);
	assert_int_equal(lane_waiting(job.lane), 0);
	assert_int_equal(lane_taken(job.lane), job.n);
	lane_free(job.lane);
}

/* However often it has been emptied: at least half of it is there for what comes. */
static void
test_lane_room(void **state)
{
	enum { BYTES = 256 << 10, LEN = 1000 };
	_Atomic uint64_t written[RECORD_TYPES] = {0};
	struct line_info info = {.type = RECORD_FLOW};
	struct lane *l = lane_new(BYTES);
	char text[LEN] = {0};
	struct iovec piece = {text, LEN};

	(void)state;
	for (unsigned before = 1; before < 400; before++) {
		unsigned n = 0;
		while (lane_put(l, &info, &piece, 1))
			n++;
		assert_true(n >= BYTES / 2 / (LEN + 64));
		lane_took(l, n * LEN, written);
		for (unsigned i = 0; i < before; i++) {
			assert_true(lane_put(l, &info, &piece, 1));
			lane_took(l, LEN, written);
		}
	}
	lane_free(l);
}

/* ---- files ---- */

static void
test_file(void **state)
{
	enum { OFFERED = 20000 };
	char path[128];
	unsigned firsts = 0;

	(void)state;
	struct sinks *s = open_background(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	assert_int_equal(access(path, F_OK), -1); /* nothing is opened before the first flush */
	for (unsigned i = 0; i < OFFERED; i++) {
		put_numbered(s, i);
		if (i % 100 == 0 && !drained(s, 5000))
			fail();
	}
	assert_true(drained(s, 5000));
	struct sink_status row = status(s);
	assert_int_equal(sum(row.dropped), 0);
	assert_int_equal(row.written[FLOW_BIT] + row.written[ALERT_BIT], OFFERED);
	assert_int_equal(row.written[STATS_BIT], 1);
	sinks_free(s, &now);
	assert_memory_equal(read_file(path), "first 1\n", 8);
	struct seen seen = check_numbered(content + 8);
	assert_int_equal(seen.alerts + seen.flows, OFFERED);
	assert_int_equal(firsts, 1);
}

/* The end writes what waits without being flushed, the first record included. */
static void
test_end_writes(void **state)
{
	char path[128];
	unsigned firsts = 0;

	(void)state;
	struct sinks *s = open_background(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	for (unsigned i = 0; i < 5000; i++) /* more than the lane holds */
		put_numbered(s, i);
	sinks_free(s, &now);
	assert_memory_equal(read_file(path), "first 1\n", 8);
	assert_int_equal(check_numbered(content + 8).last, 4999);
	/* Nothing was offered: no thread, no file. */
	s = open_background(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	sinks_free(s, &now);
	assert_int_equal(access(path, F_OK), -1);
}

/* Renamed and reopened again and again while lines come: all of them are in some file, once, in order. */
static void
test_rotation_under_load(void **state)
{
	enum { ROUNDS = 40, EACH = 400 };
	char path[128], old[160];
	unsigned firsts = 0, number = 0, files_seen = 0;
	struct seen all = {.last = -1};

	(void)state;
	struct sinks *s = open_background(OUTPUT_EVE, fresh_path(path), -1, &firsts);
	for (unsigned r = 0; r < ROUNDS; r++) {
		for (unsigned i = 0; i < EACH; i++) {
			put_numbered(s, number++);
			if (i % 20 == 0)
				sinks_flush(s, &now);
			if (i % 100 == 0)
				poll(NULL, 0, 1);
		}
		snprintf(old, sizeof old, "%s.%u", path, r);
		if (rename(path, old) == 0)
			sinks_reopen(s, &now);
	}
	assert_true(drained(s, 5000));
	assert_int_equal(sum(status(s).dropped), 0);
	sinks_free(s, &now);
	for (unsigned r = 0; r <= ROUNDS; r++) {
		snprintf(old, sizeof old, r < ROUNDS ? "%s.%u" : "%s", path, r);
		if (access(old, F_OK) < 0)
			continue;
		const char *text = read_file(old);
		unlink(old);
		if (*text == '\0')
			continue;
		assert_memory_equal(text, "first ", 6);
		struct seen seen = check_numbered(strchr(text, '\n') + 1);
		assert_true(seen.last == -1 || seen.last > all.last);
		all.last = seen.last > all.last ? seen.last : all.last;
		all.alerts += seen.alerts;
		all.flows += seen.flows;
		files_seen++;
	}
	assert_int_equal(all.alerts + all.flows, ROUNDS * EACH);
	assert_true(files_seen > ROUNDS / 2);
}

/* Removed under it, its directory too, and the directory comes back. */
static void
test_removed(void **state)
{
	char sub[128], path[160];
	unsigned firsts = 0;

	(void)state;
	assert_int_equal(mkdir(fresh_path(sub), 0700), 0);
	snprintf(path, sizeof path, "%s/eve.json", sub);
	struct sinks *s = open_background(OUTPUT_EVE, path, -1, &firsts);
	put(s, RECORD_ALERT, "one\n");
	assert_true(drained(s, 5000));
	assert_int_equal(unlink(path), 0);
	tick(s);
	put(s, RECORD_ALERT, "two\n");
	for (unsigned i = 0; access(path, F_OK) < 0 && i < 5000; i++) {
		sinks_flush(s, &now);
		poll(NULL, 0, 1);
	}
	assert_true(drained(s, 5000));
	assert_string_equal(read_file(path), "first 2\ntwo\n");
	unlink(path);
	assert_int_equal(rmdir(sub), 0);
	tick(s);
	for (unsigned i = 0; status(s).last_errno != ENOENT && i < 5000; i++)
		poll(NULL, 0, 1);
	assert_int_equal(status(s).last_errno, ENOENT);
	put(s, RECORD_ALERT, "three\n");
	sinks_flush(s, &now);
	assert_int_equal(status(s).waiting, 6);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_true(recovered(s, 5000));
	assert_string_equal(read_file(path), "first 3\nthree\n");
	sinks_free(s, &now);
	unlink(path);
	rmdir(sub);
}

/* ---- a reader that stops ---- */

static size_t
drain(int fd, char *out, size_t cap)
{
	size_t n = 0;
	ssize_t m;

	while ((m = read(fd, out + n, cap - 1 - n)) > 0)
		n += (size_t)m;
	out[n] = '\0';
	return n;
}

static size_t
drain_all(struct sinks *s, int fd)
{
	uint64_t end = clock_ns() + 10000 * MS;
	size_t n = 0;

	do {
		sinks_flush(s, &now);
		n += drain(fd, content + n, sizeof content - n);
		poll(NULL, 0, 1);
	} while (status(s).waiting > 0 && clock_ns() < end);
	return n + drain(fd, content + n, sizeof content - n);
}

static void
test_fifo_stopped(void **state)
{
	enum { OFFERED = 20000 };
	char path[128];

	(void)state;
	assert_int_equal(mkfifo(fresh_path(path), 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	struct sinks *s = open_background(OUTPUT_EVE, path, -1, NULL);
	for (unsigned i = 0; i < OFFERED; i++) {
		put_numbered(s, i);
		sinks_flush(s, &now);
	}
	struct sink_status row = status(s);
	assert_int_equal(row.dropped[ALERT_BIT], 0);
	assert_true(row.dropped[FLOW_BIT] > 0);
	for (unsigned i = 0; i < 6; i++)
		tick(s);
	assert_true(status(s).stalled);
	drain_all(s, reader);
	struct seen seen = check_numbered(content);
	tick(s);
	row = status(s);
	assert_false(row.stalled);
	assert_int_equal(row.waiting, 0);
	assert_int_equal(seen.alerts, OFFERED / 10);
	assert_int_equal(seen.flows + row.dropped[FLOW_BIT], OFFERED - OFFERED / 10);
	assert_int_equal(seen.flows, row.written[FLOW_BIT]);
	/* It stops again, and we end: after half a second, not later. */
	for (unsigned i = OFFERED; i < 2 * OFFERED; i++)
		put_numbered(s, i);
	uint64_t start = clock_ns();
	sinks_free(s, &now);
	assert_in_range(clock_ns() - start, 300 * MS, 3000 * MS);
	close(reader);
	unlink(path);
}

/* A log daemon that reads nothing, and then does. */
static void
test_syslog_stopped(void **state)
{
	enum { OFFERED = 3000 };
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[128], got[9000];
	unsigned n = 0;

	(void)state;
	int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	fresh_path(path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(server, (struct sockaddr *)&a, sizeof a), 0);
	struct sinks *s = open_background(OUTPUT_SYSLOG, path, client, NULL);
	for (unsigned i = 0; i < OFFERED; i++) {
		put_numbered(s, i);
		sinks_flush(s, &now);
	}
	assert_true(status(s).waiting > 0);
	uint64_t end = clock_ns() + 20000 * MS;
	while (n < OFFERED && clock_ns() < end) {
		if (recv(server, got, sizeof got, 0) > 0)
			n++;
		else
			poll(&(struct pollfd){.fd = server, .events = POLLIN}, 1, 20);
	}
	assert_int_equal(n, OFFERED);
	assert_int_equal(sum(status(s).dropped), 0);
	sinks_free(s, &now);
	close(server);
	close(client);
	unlink(path);
}

/* ---- another policy ---- */

/* The same target goes on with its open file, its counters and what waits; the other one ends by itself. */
static void
test_inherit(void **state)
{
	struct policy_output o[2] = {{.kind = OUTPUT_EVE, .types = RECORD_ALERT}, {.kind = OUTPUT_EVE, .types = ALL_TYPES}};
	char a[128], b[128], c[128];
	unsigned firsts = 0;
	size_t n;

	(void)state;
	o[0].path = fresh_path(a);
	o[1].path = fresh_path(b);
	struct sinks *s = sinks_new(o, 2, -1, true, first_record, &firsts, &now);
	put(s, RECORD_ALERT, "one\n");
	sinks_flush(s, &now);
	put(s, RECORD_ALERT, "two\n");
	o[0].path = b; /* the other one first, and a new one */
	o[0].types = RECORD_FLOW;
	o[1].path = fresh_path(c);
	struct sinks *next = sinks_new(o, 2, -1, true, first_record, &firsts, &now);
	sinks_inherit(next, s);
	sinks_retire(s, next, &now);
	put(next, RECORD_FLOW, "three\n");
	put(next, RECORD_ALERT, "four\n");
	uint64_t end = clock_ns() + 5000 * MS;
	do {
		sinks_flush(next, &now);
		poll(NULL, 0, 1);
		const struct sink_status *rows = sinks_status(next, &n);
		n = rows[0].waiting + rows[1].waiting;
	} while (n > 0 && clock_ns() < end);
	const struct sink_status *rows = sinks_status(next, &n);
	assert_int_equal(rows[0].written[ALERT_BIT], 2);
	assert_int_equal(rows[0].written[FLOW_BIT], 1);
	assert_int_equal(rows[1].written[ALERT_BIT], 1);
	sinks_free(next, &now);
	const char *text = read_file(b);
	assert_memory_equal(text, "first ", 6);
	assert_string_equal(strchr(text, '\n') + 1, "one\ntwo\nthree\n");
	text = read_file(c);
	assert_string_equal(strchr(text, '\n') + 1, "three\nfour\n");
	/* Nobody waits for the one that was left; it is through within its five seconds. */
	while (clock_ns() < end && !strstr(read_file(a), "two\n"))
		poll(NULL, 0, 1);
	text = read_file(a);
	assert_string_equal(strncmp(text, "first ", 6) == 0 ? strchr(text, '\n') + 1 : text, "one\ntwo\n");
}

static struct sinks *rotated;
static char rotated_path[128];

/* While it is printed, somebody puts another file in its place, and the writer hears of it. */
static size_t
first_record_rotated(void *arg, const struct now *at, char *out, size_t cap)
{
	char other[160];

	(void)at;
	if (++*(unsigned *)arg == 1) {
		snprintf(other, sizeof other, "%s.other", rotated_path);
		write_file(other, "whole\n");
		assert_int_equal(rename(other, rotated_path), 0);
		sinks_reopen(rotated, &now);
		poll(NULL, 0, 50); /* time to do it wrong */
	}
	return (size_t)snprintf(out, cap, "first\n");
}

/* The record that was printed for one file is not written into the middle of another one. */
static void
test_moved_while_printing(void **state)
{
	struct policy_output o = {.kind = OUTPUT_EVE, .path = fresh_path(rotated_path), .types = ALL_TYPES};
	unsigned firsts = 0;

	(void)state;
	rotated = sinks_new(&o, 1, -1, true, first_record_rotated, &firsts, &now);
	assert_non_null(rotated);
	put(rotated, RECORD_FLOW, "one\n");
	assert_true(drained(rotated, 5000));
	assert_int_equal(firsts, 1);
	assert_int_equal(sum(status(rotated).written), 1);
	sinks_free(rotated, &now);
	assert_string_equal(read_file(rotated_path), "whole\none\n");
}

/* An output that the policy does not have any more and that could not write: what it held is lost, and who comes after it counts it. */
static void
test_lost_in_the_end(void **state)
{
	struct policy_output bad = {.kind = OUTPUT_EVE, .path = "/nonexistent/eve.json", .types = ALL_TYPES}, good = bad;
	char path[128];
	(void)state;

	good.path = fresh_path(path);
	struct sinks *s = sinks_new(&bad, 1, -1, true, NULL, NULL, &now), *next = sinks_new(&good, 1, -1, true, NULL, NULL, &now);
	for (unsigned i = 0; i < 7; i++)
		put(s, i < 2 ? RECORD_ALERT : RECORD_FLOW, "gone\n");
	sinks_flush(s, &now);
	sinks_inherit(next, s);
	sinks_retire(s, next, &now);
	struct sinks *third = sinks_new(&good, 1, -1, true, NULL, NULL, &now);
	sinks_inherit(third, next);
	sinks_retire(next, third, &now); /* who counts may go as well */
	put(third, RECORD_FLOW, "stays\n");
	uint64_t end = clock_ns() + 10000 * MS;
	do {
		tick(third);
		poll(NULL, 0, 5);
	} while (sum(sinks_lost(third)) < 7 && clock_ns() < end);
	assert_int_equal(sinks_lost(third)[ALERT_BIT], 2);
	assert_int_equal(sinks_lost(third)[FLOW_BIT], 5);
	assert_true(drained(third, 5000));
	sinks_free(third, &now);
	assert_string_equal(read_file(path), "stays\n");
}

/* ---- a disk that hangs ---- */

/* Every writev of this process waits from now on until disk_answer() says go. */
static int
hang_disk(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_writev, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof code / sizeof *code, code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

/* One write that waits, or the next one within ms, goes on. */
static bool
disk_answer(int listener, int ms)
{
	struct seccomp_notif ask;
	struct seccomp_notif_resp go = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	memset(&ask, 0, sizeof ask);
	if (poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, ms) <= 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0)
		return false;
	go.id = ask.id;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &go) == 0;
}

static void
test_disk_hangs(void **state)
{
	enum { OFFERED = 20000 };
	char path[128];
	uint64_t slowest = 0;

	(void)state;
	int listener = hang_disk();
	if (listener < 0 && (errno == ENOSYS || errno == EINVAL)) {
		print_message("skipped: the kernel cannot hold system calls back: %s\n", strerror(errno));
		skip();
	}
	assert_true(listener >= 0);
	struct sinks *s = open_background(OUTPUT_EVE, fresh_path(path), -1, NULL);
	for (unsigned i = 0; i < OFFERED; i++) {
		uint64_t start = clock_ns();
		put_numbered(s, i);
		sinks_flush(s, &now);
		uint64_t took = clock_ns() - start;
		slowest = took > slowest ? took : slowest;
	}
	print_message("a record takes %.3f ms at most while the disk hangs\n", (double)slowest / 1e6);
	assert_true(slowest < 500 * MS); /* a write that never ends would have taken the alarm's two minutes */
	struct sink_status row = status(s);
	assert_int_equal(row.written[FLOW_BIT] + row.written[ALERT_BIT], 0);
	assert_int_equal(row.dropped[ALERT_BIT], 0);
	assert_true(row.dropped[FLOW_BIT] > 0);
	uint64_t start = clock_ns();
	for (unsigned i = 0; i < 6; i++)
		tick(s);
	sinks_reopen(s, &now);
	assert_true(clock_ns() - start < 1000 * MS);
	assert_true(status(s).stalled);
	/* The disk takes writes again, one after the other. */
	uint64_t end = clock_ns() + 20000 * MS;
	while (status(s).waiting > 0 && clock_ns() < end) {
		disk_answer(listener, 10);
		sinks_flush(s, &now);
	}
	row = status(s);
	assert_int_equal(row.waiting, 0);
	struct seen seen = check_numbered(read_file(path));
	assert_int_equal(seen.alerts, OFFERED / 10);
	assert_int_equal(seen.flows + row.dropped[FLOW_BIT], OFFERED - OFFERED / 10);
	/* It hangs at the end too: we leave after a bound, and the thread ends when the disk is back. */
	put_numbered(s, OFFERED);
	start = clock_ns();
	sinks_free(s, &now);
	assert_in_range(clock_ns() - start, 300 * MS, 5000 * MS);
	assert_true(disk_answer(listener, 5000));
	end = clock_ns() + 5000 * MS;
	while (clock_ns() < end && check_numbered(read_file(path)).last != OFFERED)
		poll(NULL, 0, 5);
	assert_int_equal(check_numbered(content).last, OFFERED);
	close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lane),
		cmocka_unit_test(test_lane_room),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_end_writes),
		cmocka_unit_test(test_rotation_under_load),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_fifo_stopped),
		cmocka_unit_test(test_syslog_stopped),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_moved_while_printing),
		cmocka_unit_test(test_lost_in_the_end),
		cmocka_unit_test(test_disk_hangs), /* last: its filter stays */
	};

	return cmocka_run_group_tests_name("sink_thread", tests, setup, teardown);
}
