/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The waiting lines of a sink, against a plain list that follows the same rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/sink/backlog.h"

enum {
	BLOCK = 252, /* payload of one block of 256 bytes */
	MODEL_MAX = 4096,
};

/* One line is its number, repeated up to its length, so that a mixed-up byte shows. */
struct model_line {
	unsigned number;
	size_t len;
	bool alert;
};

struct model {
	struct model_line lines[MODEL_MAX];
	size_t n, blocks, blocks_max, sent;
	uint64_t dropped[RECORD_TYPES], written[RECORD_TYPES];
};

static void
line_text(const struct model_line *l, char *out)
{
	char number[16];
	size_t n = (size_t)snprintf(number, sizeof number, "%u.", l->number);

	for (size_t i = 0; i < l->len; i++)
		out[i] = number[i % n];
}

static size_t
blocks(size_t len)
{
	return (len + BLOCK - 1) / BLOCK;
}

static void
model_remove(struct model *m, size_t i)
{
	m->blocks -= blocks(m->lines[i].len);
	memmove(&m->lines[i], &m->lines[i + 1], (m->n - i - 1) * sizeof m->lines[0]);
	m->n--;
}

static bool
model_evict(struct model *m, bool for_alert)
{
	size_t first = m->sent > 0 ? 1 : 0; /* a line that is partly out stays */

	for (size_t i = first; i < m->n; i++)
		if (!m->lines[i].alert) {
			m->dropped[1]++;
			model_remove(m, i);
			return true;
		}
	if (!for_alert || m->n <= first)
		return false;
	m->dropped[0]++;
	model_remove(m, first);
	return true;
}

static void
model_put(struct model *m, struct model_line l)
{
	while (m->blocks_max - m->blocks < blocks(l.len))
		if (blocks(l.len) > m->blocks_max || !model_evict(m, l.alert)) {
			m->dropped[l.alert ? 0 : 1]++;
			return;
		}
	m->blocks += blocks(l.len);
	m->lines[m->n++] = l;
}

static void
model_took(struct model *m, size_t bytes)
{
	while (bytes > 0) {
		size_t rest = m->lines[0].len - m->sent;
		if (bytes < rest) {
			m->sent += bytes;
			return;
		}
		bytes -= rest;
		m->written[m->lines[0].alert ? 0 : 1]++;
		m->sent = 0;
		model_remove(m, 0);
	}
}

/* What the backlog shows must be the beginning of what the model holds. */
static size_t
compare_view(const struct backlog *b, const struct model *m, size_t max_lines)
{
	static char want[MODEL_MAX * 64];
	struct iovec iov[24];
	size_t at = 0, seen = 0;

	for (size_t i = 0; i < m->n && i < max_lines && at < sizeof want - 9000; i++) {
		line_text(&m->lines[i], want + at);
		at += m->lines[i].len;
	}
	size_t n = backlog_view(b, iov, 24, max_lines);
	for (size_t i = 0; i < n; i++) {
		assert_true(m->sent + seen + iov[i].iov_len <= at);
		assert_memory_equal(iov[i].iov_base, want + m->sent + seen, iov[i].iov_len);
		seen += iov[i].iov_len;
	}
	if (n < 24)
		assert_int_equal(m->sent + seen, at);
	return seen;
}

static void
compare(const struct backlog *b, const struct model *m, const uint64_t dropped[RECORD_TYPES], const uint64_t written[RECORD_TYPES])
{
	size_t bytes = 0, len = 0;

	for (size_t i = 0; i < m->n; i++)
		bytes += m->lines[i].len;
	assert_int_equal(backlog_waiting(b), bytes);
	assert_int_equal(backlog_lines(b), m->n);
	assert_int_equal(backlog_started(b), m->sent > 0);
	assert_int_equal(backlog_half_full(b), m->blocks_max - m->blocks < m->blocks_max / 2);
	assert_memory_equal(dropped, m->dropped, sizeof m->dropped);
	assert_memory_equal(written, m->written, sizeof m->written);
	assert_int_equal(backlog_next(b, &len) != NULL, m->n > 0);
	if (m->n > 0)
		assert_int_equal(len, m->lines[0].len);
}

static void
put_one(struct backlog *b, struct model *m, unsigned number, uint64_t dropped[RECORD_TYPES])
{
	static const size_t lengths[] = {1, 100, 251, 252, 253, 504, 505, 1200, 3000};
	struct model_line l = {.number = number, .alert = random() % 4 == 0};
	struct line_info info = {.type = l.alert ? RECORD_ALERT : RECORD_FLOW, .wall_us = number};
	char text[3000];

	l.len = lengths[(size_t)random() % (sizeof lengths / sizeof lengths[0])];
	line_text(&l, text);
	backlog_put(b, &info, text, l.len, dropped);
	model_put(m, l);
}

static void
take_some(struct backlog *b, struct model *m, uint64_t written[RECORD_TYPES])
{
	size_t seen = compare_view(b, m, random() % 2 ? SIZE_MAX : 1);
	size_t n = seen > 0 ? (size_t)random() % (seen + 1) : 0;

	backlog_took(b, n, written);
	model_took(m, n);
}

static void
run_random(size_t n_blocks, unsigned steps)
{
	static struct model m;
	uint64_t dropped[RECORD_TYPES] = {0}, written[RECORD_TYPES] = {0};
	struct backlog *b = backlog_new(n_blocks * 256);

	assert_non_null(b);
	memset(&m, 0, sizeof m);
	m.blocks_max = n_blocks;
	for (unsigned i = 0; i < steps; i++) {
		long what = random() % 20;
		if (what < 11) {
			put_one(b, &m, i, dropped);
		} else if (what < 18) {
			take_some(b, &m, written);
		} else if (what == 18 && m.n > 0) {
			backlog_drop_next(b, dropped);
			m.dropped[m.lines[0].alert ? 0 : 1]++;
			m.sent = 0;
			model_remove(&m, 0);
		}
		compare(b, &m, dropped, written);
	}
	backlog_free(b);
}

static void
test_against_model(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 12, 13, 40, 200};

	(void)state;
	srandom(3);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		run_random(sizes[i], 6000);
}

/* Started over: the whole line is shown again. */
static void
test_restart(void **state)
{
	uint64_t counts[RECORD_TYPES] = {0};
	struct line_info info = {.type = RECORD_FLOW};
	struct backlog *b = backlog_new(4096);
	struct iovec iov[4];

	(void)state;
	backlog_put(b, &info, "first\n", 6, counts);
	backlog_put(b, &info, "second\n", 7, counts);
	backlog_took(b, 2, counts);
	assert_int_equal(backlog_view(b, iov, 4, 1), 1);
	assert_memory_equal(iov[0].iov_base, "rst\n", 4);
	backlog_restart(b);
	assert_int_equal(backlog_view(b, iov, 4, SIZE_MAX), 2);
	assert_int_equal(iov[0].iov_len, 6);
	assert_memory_equal(iov[0].iov_base, "first\n", 6);
	backlog_took(b, 13, counts);
	assert_int_equal(counts[1], 2);
	assert_int_equal(backlog_view(b, iov, 4, SIZE_MAX), 0);
	backlog_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
