/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zone files that no distribution ships: their last line has every form of RFC 8536 section 3.3, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/policy/zoneinfo.h"

enum { HEADER = 44, TYPE = 6 };

/* A file of version 2 with one type, no change, and this last line; what would be the 32-bit block is the same. */
static size_t
file_of(const char *footer, uint8_t out[1024])
{
	size_t n = 0;

	for (int block = 0; block < 2; block++) {
		memset(out + n, 0, HEADER + TYPE + 4);
		memcpy(out + n, "TZif2", 5);
		out[n + 39] = 1; /* types */
		out[n + 43] = 4; /* bytes of names */
		memcpy(out + n + HEADER + TYPE, "STD", 4);
		n += HEADER + TYPE + 4;
	}
	return n + (size_t)snprintf((char *)out + n, 1024 - n, "\n%s\n", footer);
}

/* From memory of that size exactly, for the sanitizers. */
static struct zoneinfo *
parse(struct region *region, const char *footer)
{
	uint8_t whole[1024];
	size_t len = file_of(footer, whole);
	uint8_t *exact = malloc(len);

	memcpy(exact, whole, len);
	struct zoneinfo *z = zoneinfo_parse(region, "Made/Up", (struct span){exact, len});
	free(exact);
	return z;
}

static int64_t
at(int64_t year, unsigned month, unsigned day, int64_t hour)
{
	return civil_days(year, month, day) * 86400 + hour * 3600;
}

/* J60 is 1 March in every year; 59 is 29 February in a leap year and 1 March else. */
static void
days_of_the_year(void **state)
{
	static const struct {
		const char *footer;
		int64_t year;
		unsigned month, day; /* summer begins at 02:00 of standard time */
	} rows[] = {
		{"STD0DST,J60,J300", 2027, 3, 1}, {"STD0DST,J60,J300", 2028, 3, 1}, {"STD0DST,J59,J300", 2028, 2, 28},
		{"STD0DST,59,299", 2027, 3, 1},	  {"STD0DST,59,299", 2028, 2, 29},  {"STD0DST,J365,J300", 2028, 12, 31},
		{"STD0DST,J1,J300", 2028, 1, 1},  {"STD0DST,0,J300", 2028, 1, 1},   {"STD0DST,M2.5.2,J300", 2028, 2, 29},
		{"STD0DST,M2.5.0,J300", 2028, 2, 27},
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct region region = {0};
		struct zoneinfo *z = parse(&region, rows[i].footer);
		int64_t begins = at(rows[i].year, rows[i].month, rows[i].day, 2);
		assert_non_null(z);
		if (zoneinfo_next(z, begins - 1) != begins || zoneinfo_offset(z, begins) != 3600 || zoneinfo_offset(z, begins - 1) != 0)
			fail_msg("%s in %lld: next change %lld, not %lld", rows[i].footer, (long long)rows[i].year,
				 (long long)zoneinfo_next(z, begins - 1), (long long)begins);
		region_free(&region);
	}
}

static void
offsets_and_hours(void **state)
{
	static const struct {
		const char *footer;
		int32_t before, after; /* seconds east of Greenwich */
	} rows[] = {
		{"<-03>3<-02>,M3.2.0/0:30,M11.1.0", -10800, -7200},
		{"AAA-5:45:30BBB-6:45,J100/-1,J200/26:30", 20730, 24300},
		{"AAA+1BBB2,J100/24,J200", -3600, -7200},
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct region region = {0};
		struct zoneinfo *z = parse(&region, rows[i].footer);
		assert_non_null(z);
		int64_t spring = zoneinfo_next(z, at(2028, 2, 1, 0));
		assert_int_equal(zoneinfo_offset(z, spring - 1), rows[i].before);
		assert_int_equal(zoneinfo_offset(z, spring), rows[i].after);
		region_free(&region);
	}
	struct region region = {0};
	/* J100 is 10 April; an hour before that day begins at 5:45:30 east of Greenwich. */
	assert_int_equal(zoneinfo_next(parse(&region, rows[1].footer), at(2028, 2, 1, 0)), at(2028, 4, 10, -1) - 20730);
	/* … and J200, 19 July, at 26:30 of a summer that is 6:45 ahead. */
	assert_int_equal(zoneinfo_next(parse(&region, rows[1].footer), at(2028, 5, 1, 0)), at(2028, 7, 19, 26) + 1800 - 24300);
	/* 24:00 of one day is 0:00 of the next. */
	assert_int_equal(zoneinfo_next(parse(&region, rows[2].footer), at(2028, 2, 1, 0)), at(2028, 4, 11, 1));
	region_free(&region);
}

static void
no_rule(void **state)
{
	struct region region = {0};
	struct zoneinfo *z = parse(&region, "AAA-3:30");
	(void)state;

	assert_non_null(z);
	assert_int_equal(zoneinfo_offset(z, 0), 12600);
	assert_true(zoneinfo_next(z, 0) == INT64_MAX);
	z = parse(&region, ""); /* only what the block says */
	assert_non_null(z);
	assert_int_equal(zoneinfo_offset(z, 0), 0);
	region_free(&region);
}

static void
refused(void **state)
{
	static const char *const rows[] = {
		"AA0",			   /* three letters at least */
		"STD",			   /* no offset */
		"STD25",		   /* hours */
		"STD0:60",		   /* minutes */
		"STD0DST",		   /* when? */
		"STD0DST,J60",		   /* until when? */
		"STD0DST,J0,J300",	   /* they begin at 1 */
		"STD0DST,J366,J300",
		"STD0DST,366,J300",
		"STD0DST,M0.1.0,J300",
		"STD0DST,M13.1.0,J300",
		"STD0DST,M3.0.0,J300",
		"STD0DST,M3.6.0,J300",
		"STD0DST,M3.1.7,J300",
		"STD0DST,M3.1,J300",
		"STD0DST,M3,J300",
		"STD0DST,J60/168,J300",	   /* a week either way */
		"STD0DST,J60,J300,J301",
		"STD0DST,J99999999999999999999,J300",
		"<+03",
		"STD0D1,J60,J300",
	};
	struct region region = {0};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (parse(&region, rows[i]))
			fail_msg("taken: %s", rows[i]);
	region_free(&region);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_of_the_year), cmocka_unit_test(offsets_and_hours), cmocka_unit_test(no_rule), cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
