/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prometheus' text format, whatever stands in a label, and counting that stays within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exposition.h"
#include "metrics.h"

static void
is(const struct exposition *x, const char *want)
{
	assert_int_equal(x->len, strlen(want));
	assert_memory_equal(x->buf, want, x->len);
	assert_false(x->full);
}

static void
families(void **state)
{
	char buf[512];
	struct exposition x;
	(void)state;

	exposition_init(&x, buf, sizeof buf);
	exposition_family(&x, "a_total", EXPOSITION_COUNTER, "No sample.");
	exposition_family(&x, "b_seconds", EXPOSITION_HISTOGRAM, "Time.");
	exposition_begin(&x, "_bucket");
	exposition_label(&x, "le", "0.5");
	exposition_uint(&x, 7);
	exposition_begin(&x, "_sum");
	exposition_decimal(&x, 1500000, 6);
	exposition_family(&x, "c", EXPOSITION_GAUGE, "Two labels.");
	exposition_begin(&x, "");
	exposition_label(&x, "one", "1");
	exposition_label(&x, "two", "");
	exposition_uint(&x, UINT64_MAX);
	is(&x, "# HELP b_seconds Time.\n# TYPE b_seconds histogram\nb_seconds_bucket{le=\"0.5\"} 7\nb_seconds_sum 1.500000\n"
	       "# HELP c Two labels.\n# TYPE c gauge\nc{one=\"1\",two=\"\"} 18446744073709551615\n");
}

static void
decimals(void **state)
{
	static const struct {
		int64_t value;
		unsigned decimals;
		const char *text;
	} rows[] = {{0, 0, "x 0\n"},	     {-5, 0, "x -5\n"},	     {1, 9, "x 0.000000001\n"},
		    {-1500, 3, "x -1.500\n"}, {-1, 3, "x -0.001\n"}, {INT64_MIN, 6, "x -9223372036854.775808\n"}};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char buf[128];
		struct exposition x;
		exposition_init(&x, buf, sizeof buf);
		exposition_family(&x, "x", EXPOSITION_GAUGE, "h");
		x.headed = true;
		exposition_begin(&x, "");
		exposition_decimal(&x, rows[i].value, rows[i].decimals);
		is(&x, rows[i].text);
	}
}

static void
labels(void **state)
{
	static const struct {
		const char *value, *text;
	} rows[] = {
		{"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
		{"\x01\x7f\t", "???"},
		{"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
		{"\xc2\x85", "?"},		 /* U+0085 */
		{"x\xff\xc3", "x??"},		 /* no UTF-8, and cut off */
		{"} 1\nlenscap_up 0\n", "} 1\\nlenscap_up 0\\n"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char buf[256], want[256];
		struct exposition x;
		exposition_init(&x, buf, sizeof buf);
		exposition_family(&x, "x", EXPOSITION_GAUGE, "h");
		x.headed = true;
		exposition_begin(&x, "");
		exposition_label(&x, "l", rows[i].value);
		exposition_uint(&x, 1);
		snprintf(want, sizeof want, "x{l=\"%s\"} 1\n", rows[i].text);
		is(&x, want);
	}
}

/* Its end is kept, from the beginning of a character. */
static void
long_label(void **state)
{
	char value[2 * EXPOSITION_LABEL + 4], buf[1024];
	struct exposition x;
	(void)state;

	for (size_t i = 0; i < sizeof value - 2; i += 2)
		memcpy(value + i, "\xc3\xa9", 2);
	strcpy(value + sizeof value - 4, "end");
	exposition_init(&x, buf, sizeof buf);
	exposition_family(&x, "x", EXPOSITION_GAUGE, "h");
	x.headed = true;
	exposition_begin(&x, "");
	exposition_label(&x, "l", value);
	exposition_uint(&x, 1);
	buf[x.len] = 0;
	assert_null(strchr(buf, '?'));
	assert_non_null(strstr(buf, "end\"} 1\n"));
	assert_true(x.len <= EXPOSITION_LABEL + strlen("x{l=\"\"} 1\n"));
	assert_true(x.len >= EXPOSITION_LABEL - 4);
}

static void
full(void **state)
{
	char buf[64];
	(void)state;

	for (size_t cap = 0; cap < sizeof buf; cap++) {
		struct exposition x;
		memset(buf, '#', sizeof buf);
		exposition_init(&x, buf, cap);
		exposition_family(&x, "name", EXPOSITION_GAUGE, "some help that takes room");
		exposition_begin(&x, "");
		exposition_label(&x, "l", "v");
		exposition_uint(&x, 1);
		assert_true(x.full);
		assert_true(x.len <= cap);
		for (size_t i = cap; i < sizeof buf; i++)
			assert_int_equal(buf[i], '#');
	}
}

/* Every pair of letters and every answer: no more series than allowed, and no flow is missing. */
static void
destinations(void **state)
{
	struct metrics *m = metrics_new();
	uint64_t total = 0, series = 0, offered = 0;
	(void)state;

	assert_non_null(m);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 26 * 26; i++)
			for (int d = DECISION_PENDING; d <= DECISION_REJECT; d++) {
				struct place p = {.country = {(char)('A' + i / 26), (char)('A' + i % 26), 0}};
				metrics_decided(m, d, MODE_ENFORCE, &p);
				offered += d != DECISION_PENDING;
			}
	for (size_t c = 0; c < METRICS_CODES; c++)
		for (size_t a = 0; a < METRICS_ANSWERS; a++) {
			total += m->going[c][a];
			series += m->going[c][a] != 0;
			assert_true(m->going[c][a] == 0 || m->going[c][a] == 2);
		}
	for (size_t a = 0; a < METRICS_ANSWERS; a++) {
		total += m->other[a];
		series += m->other[a] != 0;
		assert_true(m->other[a] > 0);
	}
	assert_int_equal(series, METRICS_SERIES);
	assert_int_equal(total, offered);
	metrics_free(m);
}

/* What databases say is not always a code. */
static void
no_country(void **state)
{
	static const char odd[][3] = {"", "n", "no", "\xff\xff", "A", "A1", "@[", "[A"};
	struct metrics *m = metrics_new();
	(void)state;

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct place p = {.special = SPECIAL_NONE};
		memcpy(p.country, odd[i], sizeof p.country);
		metrics_decided(m, DECISION_BLOCK, MODE_MONITOR, &p);
	}
	metrics_decided(m, DECISION_ALLOW, MODE_MONITOR, &(struct place){.special = SPECIAL_PRIVATE, .country = "NO"});
	assert_int_equal(m->going[METRICS_UNKNOWN][DECISION_BLOCK - DECISION_ALLOW], sizeof odd / sizeof *odd);
	assert_int_equal(m->going[METRICS_NOWHERE][0], 1);
	assert_int_equal(m->series, 2);
	assert_int_equal(m->flows[DECISION_BLOCK][MODE_MONITOR], sizeof odd / sizeof *odd);
	metrics_free(m);
}

static void
buckets(void **state)
{
	struct metrics *m = metrics_new();
	(void)state;

	for (size_t i = 0; i + 1 < METRICS_BUCKETS; i++) {
		assert_true(i == 0 || metrics_bounds_us[i] > metrics_bounds_us[i - 1]);
		metrics_verdicts(m, 1, metrics_bounds_us[i] * UINT64_C(1000));	     /* le: at most */
		metrics_verdicts(m, 10, metrics_bounds_us[i] * UINT64_C(1000) + 1); /* the next one's */
	}
	metrics_verdicts(m, 0, 1);
	assert_int_equal(m->verdict_bucket[0], 1);
	for (size_t i = 1; i + 1 < METRICS_BUCKETS; i++)
		assert_int_equal(m->verdict_bucket[i], 11);
	assert_int_equal(m->verdict_bucket[METRICS_BUCKETS - 1], 10);
	metrics_free(m);
}

static void
nothing_to_count_in(void **state)
{
	(void)state;
	metrics_decided(NULL, DECISION_BLOCK, MODE_ENFORCE, &(struct place){0});
	metrics_verdicts(NULL, 1, 1);
	metrics_bytes(NULL, true, 1);
	metrics_reload(NULL, true);
	metrics_free(NULL);
}

static void
usage(void **state)
{
	struct usage u;
	(void)state;

	usage_open(&u);
	uint32_t fds = usage_fds(&u);
	uint64_t cpu_us = usage_cpu_us();
	int fd = dup(0);
	assert_true(fd >= 0);
	for (volatile unsigned i = 0; i < 50000000; i++)
		;
	assert_int_equal(usage_fds(&u), fds + 1);
	assert_true(usage_cpu_us() > cpu_us);
	assert_true(usage_rss_bytes(&u) > 100000);
	close(fd);
	usage_close(&u);
	assert_int_equal(usage_fds(&u), 0);
	assert_int_equal(usage_rss_bytes(&u), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families),  cmocka_unit_test(decimals),     cmocka_unit_test(labels),
		cmocka_unit_test(long_label), cmocka_unit_test(full),	     cmocka_unit_test(destinations),
		cmocka_unit_test(no_country), cmocka_unit_test(buckets),	     cmocka_unit_test(nothing_to_count_in),
		cmocka_unit_test(usage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
