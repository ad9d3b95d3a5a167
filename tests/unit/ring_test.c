/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record ring: numbers, order, what makes room for what, and finding by time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring.h"

enum { BYTES = 65536 };

static void
put(struct ring *r, uint64_t n, size_t fill)
{
	char line[BYTES];
	struct ring_info info = {.type = 1, .wall_us = (int64_t)n * 1000};

	int head = snprintf(line, sizeof line, "record %llu ", (unsigned long long)n);
	memset(line + head, 'x', fill);
	line[(size_t)head + fill] = '\n';
	ring_put(r, &info, line, (size_t)head + fill + 1);
}

/* Every record that is there is the one that was put under its number, whole. */
static void
intact(const struct ring *r)
{
	for (uint64_t n = ring_first(r); n < ring_next(r); n++) {
		const struct ring_info *info;
		size_t len;
		char want[32];
		const char *line = ring_get(r, n, &info, &len);
		int head = snprintf(want, sizeof want, "record %llu ", (unsigned long long)n);
		assert_non_null(line);
		assert_int_equal(info->wall_us, n * 1000);
		assert_true(len >= (size_t)head && memcmp(line, want, (size_t)head) == 0);
		for (size_t i = (size_t)head; i < len; i++)
			assert_int_equal(line[i], 'x');
	}
}

static void
order(void **state)
{
	struct ring *r = ring_new(BYTES);
	const struct ring_info *info;
	size_t len;
	(void)state;

	assert_int_equal(ring_first(r), ring_next(r));
	assert_null(ring_get(r, 1, &info, &len));
	put(r, 1, 0);
	assert_int_equal(ring_first(r), 1);
	assert_int_equal(ring_next(r), 2);
	assert_non_null(ring_get(r, 1, &info, &len));
	assert_int_equal(len, strlen("record 1 ")); /* without the end of the line */
	assert_null(ring_get(r, 0, &info, &len));
	assert_null(ring_get(r, 2, &info, &len));
	ring_free(r);
}

static void
wraps(void **state)
{
	struct ring *r = ring_new(BYTES);
	uint64_t seed = 1;
	(void)state;

	for (uint64_t n = 1; n <= 20000; n++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		put(r, n, (size_t)(seed >> 33) % 4000);
		assert_int_equal(ring_next(r), n + 1);
		assert_true(ring_first(r) <= n && n - ring_first(r) < BYTES / 100);
		if (n % 97 == 0)
			intact(r);
	}
	ring_free(r);
}

static void
small_ones(void **state)
{
	struct ring *r = ring_new(BYTES);
	(void)state;

	for (uint64_t n = 1; n <= 5000; n++)
		put(r, n, 0);
	intact(r);
	assert_true(ring_next(r) - ring_first(r) > 100);
	put(r, 5001, BYTES / 2); /* more than a quarter: not kept, and nothing goes for it */
	assert_int_equal(ring_next(r), 5001);
	intact(r);
	ring_free(r);
}

static void
by_time(void **state)
{
	struct ring *r = ring_new(BYTES);
	(void)state;

	assert_int_equal(ring_since(r, 5), ring_next(r));
	for (uint64_t n = 1; n <= 1000; n++)
		put(r, n, 100);
	uint64_t first = ring_first(r);
	assert_true(first > 1);
	assert_int_equal(ring_since(r, 0), first);
	assert_int_equal(ring_since(r, 900 * 1000), 900);
	assert_int_equal(ring_since(r, 900 * 1000 + 1), 901);
	assert_int_equal(ring_since(r, INT64_MAX), 1001);
	ring_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(wraps),
		cmocka_unit_test(small_ones),
		cmocka_unit_test(by_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
