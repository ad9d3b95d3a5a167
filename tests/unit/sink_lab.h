/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of sinks share: a directory, a clock, numbered lines that show what is torn, lost or out of order. */
#ifndef LENSCAP_TEST_SINK_LAB_H
#define LENSCAP_TEST_SINK_LAB_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "sink.h"

#define S    UINT64_C(1000000000)
#define WALL INT64_C(1795412400123456)

enum {
	FILE_BYTES = 16 << 20,
	ALERT_BIT = 0,
	FLOW_BIT = 1,
	STATS_BIT = 3,
	ALL_TYPES = RECORD_ALERT | RECORD_FLOW | RECORD_DROP | RECORD_STATS,
};

static char dir[] = "/tmp/lenscap-sink-XXXXXX";
static unsigned files;
static struct now now = {.mono_ns = 1000 * S, .wall_us = WALL};
static char content[FILE_BYTES];

static inline const char *
fresh_path(char out[128])
{
	snprintf(out, 128, "%s/f%u", dir, files++);
	return out;
}

/* The first record of a file; arg counts how many were asked for. */
static inline size_t
first_record(void *arg, const struct now *at, char *out, size_t cap)
{
	assert_int_equal(at->wall_us, now.wall_us);
	return (size_t)snprintf(out, cap, "first %u\n", ++*(unsigned *)arg);
}

static inline struct sinks *
open_one(enum output_kind kind, const char *path, int fd, unsigned *firsts)
{
	struct policy_output o = {.kind = kind, .path = path, .facility = 21, .types = ALL_TYPES};
	struct sinks *s = sinks_new(&o, 1, fd, false, firsts ? first_record : NULL, firsts, &now);

	assert_non_null(s);
	return s;
}

static inline void
put(struct sinks *s, uint32_t type, const char *text)
{
	sinks_write(s, type, type == RECORD_ALERT ? ALERT_HIGH : ALERT_NONE, &now, text, strlen(text));
}

static inline void
tick(struct sinks *s)
{
	now.mono_ns += S;
	now.wall_us += 1000000;
	sinks_tick(s, &now);
}

static inline struct sink_status
status(struct sinks *s)
{
	size_t n;
	const struct sink_status *rows = sinks_status(s, &n);

	assert_int_equal(n, 1);
	return rows[0];
}

static inline const char *
read_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	ssize_t n = read(fd, content, sizeof content - 1);
	assert_true(n >= 0);
	content[n] = '\0';
	close(fd);
	return content;
}

static inline void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Numbered lines of a kind: "alert 000017 xxxx…\n". */
enum { LINE = 600 };

static inline void
put_numbered(struct sinks *s, unsigned number)
{
	bool alert = number % 10 == 0;
	char text[LINE + 1];
	int n = snprintf(text, sizeof text, "%s %06u ", alert ? "alert" : "flow", number);

	memset(text + n, 'x', (size_t)(LINE - n));
	text[LINE - 1] = '\n';
	text[LINE] = '\0';
	put(s, alert ? RECORD_ALERT : RECORD_FLOW, text);
}

struct seen {
	unsigned alerts, flows;
	int last;
};

/* Each line is whole, of the right length, and numbers only rise. */
static inline struct seen
check_numbered(const char *text)
{
	struct seen seen = {.last = -1};

	while (*text) {
		char kind[8];
		unsigned number;
		assert_int_equal(sscanf(text, "%7s %6u ", kind, &number), 2);
		assert_int_equal(strcspn(text, "\n"), LINE - 1);
		assert_true((int)number > seen.last);
		seen.last = (int)number;
		assert_string_equal(kind, number % 10 == 0 ? "alert" : "flow");
		*(number % 10 == 0 ? &seen.alerts : &seen.flows) += 1;
		text += LINE;
	}
	return seen;
}

static inline int
setup(void **state)
{
	(void)state;
	alarm(120); /* whoever blocks is found */
	log_init("sink_test", false);
	return mkdtemp(dir) ? 0 : -1;
}

static inline int
teardown(void **state)
{
	char path[128];

	(void)state;
	for (unsigned i = 0; i < files; i++) {
		snprintf(path, sizeof path, "%s/f%u", dir, i);
		unlink(path);
	}
	return rmdir(dir);
}

#endif
