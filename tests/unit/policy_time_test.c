/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local time against the C library's, schedules against looking at every minute, and damaged zone files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../daemon/policy/zoneinfo.h"
#include "bundle.h"
#include "policy.h"

/* Half hours, negative summer time, southern summers, Ramadan tables, rules that changed, no rule at all. */
static const char *const zones[] = {
	"UTC",
	"Europe/Oslo",
	"Europe/Dublin",
	"America/New_York",
	"America/Sao_Paulo",
	"Australia/Lord_Howe",
	"Africa/Casablanca",
	"Asia/Kathmandu",
	"Antarctica/Troll",
	"Pacific/Apia",
	"America/Santiago",
	"Asia/Tehran",
	"Africa/Cairo",
	"America/Nuuk",
	"Asia/Gaza",
	"Pacific/Chatham",
	"Etc/GMT+12",
};

enum {
	N_ZONES = sizeof(zones) / sizeof(zones[0]),
};

static void
test_against_libc(void **state)
{
	(void)state;
	const int64_t from = 946684800, to = 2840140800, step = 5 * 3600 + 37 * 60 + 11; /* 2000 to 2060 */
	for (size_t i = 0; i < N_ZONES; i++) {
		struct region region = {0};
		struct zoneinfo *z = zoneinfo_read(&region, zones[i]);
		assert_non_null(z);
		assert_string_equal(zoneinfo_name(z), zones[i]);
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		for (int64_t t = from; t < to; t += step) {
			struct tm tm;
			time_t now = t;
			localtime_r(&now, &tm);
			if (tm.tm_gmtoff != zoneinfo_offset(z, t))
				fail_msg("%s at %lld: %d, the C library says %ld", zones[i], (long long)t,
					 zoneinfo_offset(z, t), tm.tm_gmtoff);
		}
		region_free(&region);
	}
	unsetenv("TZ");
	tzset();
}

static void
test_changes(void **state)
{
	(void)state;
	struct region region = {0};
	struct zoneinfo *z = zoneinfo_read(&region, "Europe/Oslo");
	assert_int_equal(zoneinfo_next(z, 1795401000),
			 1806195600); /* from November 2026 to 28 March 2027, 01:00 UTC */
	assert_int_equal(zoneinfo_offset(z, 1806195599), 3600);
	assert_int_equal(zoneinfo_offset(z, 1806195600), 7200);
	assert_true(zoneinfo_next(zoneinfo_read(&region, "UTC"), 0) == INT64_MAX);
	region_free(&region);
}

static void
test_bad_names(void **state)
{
	(void)state;
	static const char *const names[] = {"",		"/etc/passwd",	"../../../etc/passwd",
					    "Europe",	"Europe/",	"Europe/Nowhere",
					    "zone.tab", "Europe//Oslo", "posixrules\n"};
	struct region region = {0};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_null(zoneinfo_read(&region, names[i]));
	region_free(&region);
}

/* Every byte changed, and every length: an answer or a refusal, never a crash (the sanitizers watch). */
static void
test_damaged_file(void **state)
{
	(void)state;
	uint8_t good[4096], bad[4096];
	FILE *f = fopen("/usr/share/zoneinfo/Europe/Oslo", "rb");
	assert_non_null(f);
	size_t len = fread(good, 1, sizeof(good), f);
	fclose(f);
	unsigned refused = 0;
	for (size_t i = 0; i < len; i++) {
		struct region region = {0};
		memcpy(bad, good, len);
		bad[i] ^= 0xff;
		struct zoneinfo *z = zoneinfo_parse(&region, "x", (struct span){bad, len});
		refused += !z;
		if (z)
			(void)zoneinfo_next(z, 1795401000);
		if (i < len - 1) /* without its last line end a file is cut off */
			assert_null(zoneinfo_parse(&region, "x", (struct span){good, i}));
		region_free(&region);
	}
	assert_true(refused > 10);
}

static struct policy *
load_when(const char *when)
{
	char text[1024];
	struct diags diags = {0};
	snprintf(text, sizeof(text),
		 "version: 1\nmode: monitor\nzones: {c: {interfaces: [cam0]}}\ndefault: block\n"
		 "rules: [{name: r, from: any, to: any, port: tcp/1, action: allow, when: %s}]\n",
		 when);
	struct bundle *b = bundle_from_text("t.yaml", text, strlen(text));
	struct policy *p = policy_load(b, &diags);
	if (!p)
		diags_print(&diags, stderr, false);
	assert_non_null(p);
	bundle_free(b);
	diags_free(&diags);
	return p;
}

static bool
holds(const struct policy *p, int64_t wall_s)
{
	struct facts f = {.known = FACT_ALL,
			  .proto = IPPROTO_TCP,
			  .has_port = true,
			  .port = 1,
			  .remote_zone = ZONE_NONE,
			  .wall_s = wall_s};
	struct judgement j;
	policy_judge(p, &f, &j);
	return j.decision == DECISION_ALLOW;
}

/* Changes happen on whole minutes here, so looking at each of them finds the first. */
static int64_t
edge_by_looking(const struct policy *p, int64_t now)
{
	bool was = holds(p, now);
	for (int64_t t = now / 60 * 60 + 60; t <= now + 15 * 86400; t += 60)
		if (holds(p, t) != was)
			return t;
	return 0;
}

static void
test_edges(void **state)
{
	(void)state;
	static const char *const whens[] = {
		"{days: mon-fri, time: \"02:00-04:00\", zone: Europe/Oslo}",
		"{days: sun, time: \"02:10-02:50\", zone: Europe/Oslo}", /* skipped in spring, twice in autumn
									  */
		"{days: sat, time: \"22:00-06:00\", zone: Australia/Lord_Howe}",
		"{time: \"23:30-00:15\", zone: America/New_York}",
		"{days: [mon, wed]}",
		"{days: sun-sat}",
		"[{days: tue, time: [\"08:00-09:00\", \"09:00-10:00\"]}, {days: wed, zone: Asia/Kathmandu}]",
	};
	static const int64_t starts[] = {1774746000 - 86400, 1792890000 - 86400, 1774746000,
					 1792890000,	     1795401000,	 0};
	for (size_t i = 0; i < sizeof(whens) / sizeof(whens[0]); i++) {
		struct policy *p = load_when(whens[i]);
		for (size_t k = 0; starts[k]; k++) {
			int64_t now = starts[k];
			for (int n = 0; n < 6; n++, now += 7 * 3600 + 1) {
				int64_t want = edge_by_looking(p, now), got = policy_next_edge(p, now);
				bool adjoining = i == 6 && got &&
						 got < want; /* one window's end is another one's start */
				if (got != want && !adjoining)
					fail_msg("%s after %lld: %lld, expected %lld", whens[i],
						 (long long)now, (long long)got, (long long)want);
			}
		}
		policy_free(p);
	}
}

static void
test_no_edges(void **state)
{
	(void)state;
	struct policy *p = load_when("{days: mon-sun, time: \"00:00-24:00\"}");
	assert_int_equal(policy_next_edge(p, 1795401000), 0);
	assert_true(holds(p, 1795401000));
	policy_free(p);
}

static void
test_dst_window(void **state)
{
	(void)state;
	struct policy *p = load_when("{time: \"02:00-04:00\", zone: Europe/Oslo}");
	const int64_t spring = 1774746000, autumn = 1792890000; /* 2026-03-29 and 2026-10-25, 01:00 UTC */
	assert_false(holds(p, spring - 1));
	assert_true(holds(p, spring)); /* 03:00: the hour from two does not exist */
	assert_true(holds(p, spring + 3599));
	assert_false(holds(p, spring + 3600));
	assert_false(holds(p, autumn - 3601));
	assert_true(holds(p, autumn - 3600)); /* two o'clock, for the first time */
	assert_true(holds(p, autumn + 7199));
	assert_false(holds(p, autumn + 7200));
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_libc), cmocka_unit_test(test_changes),
		cmocka_unit_test(test_bad_names),    cmocka_unit_test(test_damaged_file),
		cmocka_unit_test(test_edges),	     cmocka_unit_test(test_no_edges),
		cmocka_unit_test(test_dst_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
