/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables for people: widths, what is cut and what never is, sizes and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/listing.c"

static const char *const header[] = {"NAME", "WHAT", NULL};

static char *
print(const struct listing_style *style, const char *const rows[][2], size_t n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct listing *l = listing_new(header, style);

	for (size_t i = 0; i < n; i++)
		listing_row(l, rows[i]);
	assert_int_equal(listing_rows(l), n);
	assert_true(listing_print(l, f));
	listing_free(l);
	fclose(f);
	return text;
}

static void
tables(void **state)
{
	static const char *const rows[][2] = {{"a", "x"}, {"a long name of a thing", NULL}, {"\xc3\xa5\x1b[31m", "\xc2\x9b" "1mbold"}};
	struct listing_style style = {.header = true};
	char *text = print(&style, rows, 3);
	(void)state;

	assert_string_equal(text, "NAME                    WHAT\na                       x\na long name of a thing  \n\xc3\xa5?[31m                  ?1mbold\n");
	free(text);
	style = (struct listing_style){.width = 16};
	text = print(&style, rows, 2);
	assert_string_equal(text, "a              x\na long name ~  \n");
	free(text);
	style = (struct listing_style){.header = true, .colour = true};
	text = print(&style, rows, 0);
	assert_string_equal(text, "\033[1mNAME  WHAT\033[0m\n");
	free(text);
}

static void
sizes(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} rows[] = {{0, "0"}, {999, "999"}, {1000, "1.0k"}, {1234567, "1.2M"}, {9949999, "9.9M"}, {10500000, "10M"}, {999999, "1.0M"},
		    {UINT64_MAX, "18E"}};
	char out[LISTING_SIZE];
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(listing_size(rows[i].n, false, out), rows[i].text);
	assert_string_equal(listing_size(1234567, true, out), "1234567");
	assert_string_equal(listing_size(UINT64_MAX, true, out), "18446744073709551615");
}

static void
times(void **state)
{
	const int64_t now = 1795401000; /* 2026-11-23 02:30:00 UTC */
	char out[LISTING_TIME];
	int64_t s = 0;
	(void)state;

	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(listing_time(now * 1000000, true, out), "2026-11-23 02:30:00");
	assert_string_equal(listing_time(0, true, out), "");
	assert_true(listing_since("90s", now, &s) && s == now - 90);
	assert_true(listing_since("2h", now, &s) && s == now - 7200);
	assert_true(listing_since("7d", now, &s) && s == now - 7 * 86400);
	assert_true(listing_since("@17", now, &s) && s == 17);
	assert_true(listing_since("2026-11-23 02:30", now, &s) && s == now);
	assert_true(listing_since("2026-11-23T02:30:01", now, &s) && s == now + 1);
	assert_true(listing_since("02:30", now, &s) && s == now);
	assert_true(listing_since("2026-11-23", now, &s) && s == now - 9000);
	static const char *const bad[] = {"", "x", "5", "5y", "-5m", "5m ago", "@", "@x", "25:00", "2026-13-01", "2026-11-23 02:30 x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(listing_since(bad[i], now, &s));
}

/* An empty column without a header has no width; a column that is left out takes its gap with it; what is kept gives way last. */
static void
marked_columns(void **state)
{
	static const char *const head[] = {"NAME", "=MAC", "~MODEL", "FLOWS", "~SEEN", NULL}, *const row[] = {"a long name of it", "00:11:22:33:44:55", "M1", "1", "now"};
	static const struct {
		size_t width;
		const char *text;
	} cases[] = {
		{0, "NAME               MAC                MODEL  FLOWS  SEEN\na long name of it  00:11:22:33:44:55  M1     1      now\n"},
		{56, "NAME               MAC                MODEL  FLOWS  SEEN\na long name of it  00:11:22:33:44:55  M1     1      now\n"},
		{55, "NAME               MAC                MODEL  FLOWS\na long name of it  00:11:22:33:44:55  M1     1\n"},
		{44, "NAME               MAC                FLOWS\na long name of it  00:11:22:33:44:55  1\n"},
		{35, "NAME       MAC                FLOWS\na long n~  00:11:22:33:44:55  1\n"},
		{30, "NAME    MAC              FLOWS\na lon~  00:11:22:33:44~  1\n"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct listing_style style = {.header = true, .width = cases[i].width};
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);
		struct listing *l = listing_new(head, &style);
		listing_row(l, row);
		assert_true(listing_print(l, f));
		listing_free(l);
		fclose(f);
		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tables), cmocka_unit_test(marked_columns), cmocka_unit_test(sizes), cmocka_unit_test(times)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
