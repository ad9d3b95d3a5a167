/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sinks with a reader behind them: FIFOs, the log daemon, standard output. Readers stop, go away and come back; nothing
 * blocks, no line is torn, and what is lost is counted.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "sink_lab.h"

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

/* Reads and flushes until nothing comes any more. */
static void
drain_all(struct sinks *s, int fd)
{
	size_t n = 0, got;

	do {
		got = drain(fd, content + n, sizeof content - n);
		n += got;
		sinks_flush(s, &now);
	} while (got > 0);
}

/* A reader that is there and does not read. */
static void
test_fifo_stopped(void **state)
{
	enum { OFFERED = 12000 };
	char path[128];
	unsigned firsts = 0;

	(void)state;
	assert_int_equal(mkfifo(fresh_path(path), 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	struct sinks *s = open_one(OUTPUT_EVE, path, -1, &firsts);
	for (unsigned i = 0; i < OFFERED; i++) {
		put_numbered(s, i);
		sinks_flush(s, &now);
	}
	assert_int_equal(firsts, 0); /* a FIFO is no file */
	struct sink_status row = status(s);
	assert_int_equal(row.last_errno, 0);
	assert_true(row.dropped[FLOW_BIT] > 0);
	drain_all(s, reader);
	struct seen seen = check_numbered(content);
	row = status(s);
	assert_int_equal(row.waiting, 0);
	assert_int_equal(seen.alerts, OFFERED / 10);
	assert_int_equal(seen.flows + row.dropped[FLOW_BIT], OFFERED - OFFERED / 10);
	assert_int_equal(seen.flows, row.written[FLOW_BIT]);
	sinks_free(s, &now);
	close(reader);
	unlink(path);
}

/* No reader, then one, then it goes away within a line, then another. */
static void
test_fifo_reader_changes(void **state)
{
	char path[128];

	(void)state;
	assert_int_equal(mkfifo(fresh_path(path), 0600), 0);
	struct sinks *s = open_one(OUTPUT_EVE, path, -1, NULL);
	assert_int_equal(status(s).last_errno, ENXIO);
	put_numbered(s, 0);
	tick(s);
	assert_int_equal(status(s).waiting, LINE);
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	tick(s);
	assert_int_equal(drain(reader, content, sizeof content), LINE);
	for (unsigned i = 1; i < 400; i++)
		put_numbered(s, i);
	sinks_flush(s, &now); /* the pipe is full, within a line */
	close(reader);
	sinks_flush(s, &now); /* EPIPE, and no signal that kills */
	assert_false(status(s).open);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	tick(s);
	drain_all(s, reader);
	struct seen seen = check_numbered(content); /* begins with a whole line */
	assert_int_equal(seen.last, 399);
	assert_int_equal(status(s).waiting, 0);
	sinks_free(s, &now);
	close(reader);
	unlink(path);
}

static int
log_socket(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(a.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void
expect_datagram(int fd, const char *want)
{
	char got[512];
	ssize_t n = recv(fd, got, sizeof got - 1, 0);

	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void
test_syslog(void **state)
{
	static const struct {
		uint32_t type;
		enum alert_level level;
		const char *want;
	} rows[] = {
		{RECORD_ALERT, ALERT_HIGH, "<170>Nov 23 05:40:00 lenscapd: @cee: {\"a\":1}"},
		{RECORD_ALERT, ALERT_MEDIUM, "<172>Nov 23 05:40:00 lenscapd: @cee: {\"a\":1}"},
		{RECORD_ALERT, ALERT_LOW, "<173>Nov 23 05:40:00 lenscapd: @cee: {\"a\":1}"},
		{RECORD_FLOW, ALERT_NONE, "<174>Nov 23 05:40:00 lenscapd: @cee: {\"a\":1}"},
	};
	char path[128];
	struct now at = {.mono_ns = now.mono_ns, .wall_us = WALL};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	int server = log_socket(fresh_path(path)), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sinks *s = open_one(OUTPUT_SYSLOG, path, client, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		sinks_write(s, rows[i].type, rows[i].level, &at, "{\"a\":1}\n", 8);
		sinks_flush(s, &at);
		expect_datagram(server, rows[i].want);
	}
	/* A day of one digit has a space before it; the time is that of the event. */
	at.wall_us = INT64_C(1772960461000000); /* 2026-03-08 09:01:01 */
	sinks_write(s, RECORD_FLOW, ALERT_NONE, &at, "{}\n", 3);
	at.wall_us = WALL;
	sinks_flush(s, &at);
	expect_datagram(server, "<174>Mar  8 09:01:01 lenscapd: @cee: {}");
	assert_int_equal(status(s).written[FLOW_BIT], 2);
	sinks_free(s, &now);
	assert_int_equal(fcntl(client, F_GETFD), 0); /* borrowed: still open */
	close(client);
	close(server);
	unlink(path);
}

/* The log daemon is not there, is slow, goes away and comes back. Nothing blocks, nothing is lost that fits. */
static void
test_syslog_daemon_changes(void **state)
{
	enum { OFFERED = 1000 };
	char path[128], line[16];
	unsigned got = 0;

	(void)state;
	fresh_path(path);
	int client = socket(AF_UNIX, SOCK_DGRAM, 0); /* blocking on purpose */
	struct sinks *s = open_one(OUTPUT_SYSLOG, path, client, NULL);
	put(s, RECORD_ALERT, "{}\n");
	sinks_flush(s, &now);
	assert_int_equal(status(s).last_errno, ENOENT);
	int server = log_socket(path);
	tick(s);
	assert_true(recv(server, content, 512, 0) > 0);
	for (unsigned i = 0; i < OFFERED; i++) {
		snprintf(line, sizeof line, "{\"n\":%u}\n", i);
		put(s, RECORD_FLOW, line);
		sinks_flush(s, &now);
	}
	assert_true(status(s).waiting > 0); /* its queue is full */
	for (ssize_t n; (n = recv(server, content, 512, 0)) > 0; sinks_flush(s, &now)) {
		content[n] = '\0';
		snprintf(line, sizeof line, "{\"n\":%u}", got++);
		assert_string_equal(strstr(content, "@cee: ") + 6, line);
	}
	assert_int_equal(got, OFFERED);
	close(server);
	unlink(path);
	put(s, RECORD_ALERT, "{}\n");
	sinks_flush(s, &now);
	assert_true(status(s).last_errno != 0 && status(s).waiting == 3);
	server = log_socket(path);
	tick(s);
	assert_true(recv(server, content, 512, 0) > 0);
	assert_int_equal(status(s).last_errno, 0);
	sinks_free(s, &now);
	close(client);
	close(server);
	unlink(path);
}

static void
test_syslog_without_socket(void **state)
{
	char path[200];

	(void)state;
	struct sinks *s = open_one(OUTPUT_SYSLOG, NULL, -1, NULL);
	assert_string_equal(status(s).path, "/dev/log");
	assert_int_equal(status(s).last_errno, ENOTCONN);
	put(s, RECORD_ALERT, "{}\n");
	tick(s);
	assert_int_equal(status(s).waiting, 3);
	sinks_free(s, &now);
	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	int client = socket(AF_UNIX, SOCK_DGRAM, 0);
	s = open_one(OUTPUT_SYSLOG, path, client, NULL);
	assert_int_equal(status(s).last_errno, ENAMETOOLONG);
	sinks_free(s, &now);
	close(client);
}

/* Too large for the socket's buffer: given up and counted, and the next one goes. */
static void
test_syslog_too_large(void **state)
{
	char path[128], big[RECORD_BYTES];
	int small = 1;

	(void)state;
	int server = log_socket(fresh_path(path)), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	struct sinks *s = open_one(OUTPUT_SYSLOG, path, client, NULL);
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	put(s, RECORD_FLOW, big);
	put(s, RECORD_ALERT, "{}\n");
	sinks_flush(s, &now);
	assert_int_equal(status(s).dropped[FLOW_BIT], 1);
	assert_int_equal(status(s).written[ALERT_BIT], 1);
	assert_true(recv(server, content, 512, 0) > 0);
	/* The largest record that there may be, through a socket of the usual size. */
	int usual = socket(AF_UNIX, SOCK_DGRAM, 0);
	sinks_free(s, &now);
	s = open_one(OUTPUT_SYSLOG, path, usual, NULL);
	big[sizeof big - 2] = '\n';
	put(s, RECORD_FLOW, big);
	sinks_flush(s, &now);
	ssize_t n = recv(server, content, sizeof content, 0);
	assert_int_equal(n, (ssize_t)(sizeof big - 2 + strlen("<174>Nov 23 05:40:00 lenscapd: @cee: ")));
	assert_int_equal(content[n - 1], 'x');
	sinks_free(s, &now);
	close(usual);
	close(client);
	close(server);
	unlink(path);
}

/* Puts fd in the place of standard output; returns what was there. */
static int
swap_stdout(int fd)
{
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);

	assert_true(saved >= 0);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	return saved;
}

static void
restore_stdout(int saved)
{
	dup2(saved, STDOUT_FILENO);
	close(saved);
}

/* A blocking pipe whose reader is slow, and the same for a socket. */
static void
run_stdout(int write_end, int read_end)
{
	enum { OFFERED = 12000 };

	fcntl(read_end, F_SETFL, O_NONBLOCK);
	int saved = swap_stdout(write_end);
	struct sinks *s = open_one(OUTPUT_STDOUT, NULL, -1, NULL);
	for (unsigned i = 0; i < OFFERED; i++) {
		put_numbered(s, i);
		if (i % 8 == 0)
			sinks_flush(s, &now);
	}
	struct sink_status stuck = status(s);
	drain_all(s, read_end);
	struct sink_status row = status(s);
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	sinks_free(s, &now);
	restore_stdout(saved);
	assert_true(stuck.waiting > 0);
	assert_int_equal(flags & O_NONBLOCK, 0); /* it is not ours alone */
	struct seen seen = check_numbered(content);
	assert_int_equal(row.waiting, 0);
	assert_int_equal(seen.alerts, OFFERED / 10);
	assert_int_equal(seen.flows + row.dropped[FLOW_BIT], OFFERED - OFFERED / 10);
}

static void
test_stdout_pipe(void **state)
{
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	run_stdout(p[1], p[0]);
	close(p[0]);
	close(p[1]);
}

static void
test_stdout_socket(void **state)
{
	int p[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	run_stdout(p[1], p[0]);
	close(p[0]);
	close(p[1]);
}

static void
test_stdout_file_and_broken_pipe(void **state)
{
	char path[128];
	int p[2];

	(void)state;
	int fd = open(fresh_path(path), O_WRONLY | O_CREAT, 0600), saved = swap_stdout(fd);
	struct sinks *s = open_one(OUTPUT_STDOUT, NULL, -1, NULL);
	put(s, RECORD_FLOW, "line\n");
	sinks_free(s, &now);
	restore_stdout(saved);
	close(fd);
	assert_string_equal(read_file(path), "line\n");
	assert_int_equal(pipe(p), 0);
	close(p[0]);
	saved = swap_stdout(p[1]);
	s = open_one(OUTPUT_STDOUT, NULL, -1, NULL);
	put(s, RECORD_FLOW, "line\n");
	sinks_flush(s, &now);
	struct sink_status row = status(s);
	sinks_free(s, &now);
	restore_stdout(saved);
	close(p[1]);
	assert_int_equal(row.last_errno, EPIPE);
	assert_int_equal(row.waiting, 5);
}

/* A failure is not tried again within a second, so that a full disk does not cost a system call a packet. */
static void
test_backs_off(void **state)
{
	char path[128];

	(void)state;
	int client = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sinks *s = open_one(OUTPUT_SYSLOG, fresh_path(path), client, NULL);
	put(s, RECORD_ALERT, "{}\n");
	sinks_flush(s, &now);
	int server = log_socket(path);
	struct now soon = {.mono_ns = now.mono_ns + S - 1, .wall_us = now.wall_us};
	sinks_flush(s, &soon);
	assert_int_equal(status(s).waiting, 3);
	soon.mono_ns++;
	sinks_flush(s, &soon);
	assert_int_equal(status(s).waiting, 0);
	sinks_free(s, &now);
	close(client);
	close(server);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fifo_stopped),
		cmocka_unit_test(test_fifo_reader_changes),
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_syslog_daemon_changes),
		cmocka_unit_test(test_syslog_without_socket),
		cmocka_unit_test(test_syslog_too_large),
		cmocka_unit_test(test_stdout_pipe),
		cmocka_unit_test(test_stdout_socket),
		cmocka_unit_test(test_stdout_file_and_broken_pipe),
		cmocka_unit_test(test_backs_off),
	};

	return cmocka_run_group_tests_name("sink_reader", tests, setup, teardown);
}
