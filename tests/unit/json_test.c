/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON writer: what it writes for hostile text and odd numbers, and that it stays inside its buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* json-c has types of these two names. */
#define json_object json_c_object
#define json_bool   json_c_bool
#include <json-c/json.h>
#undef json_object
#undef json_bool

#include "json.h"

struct text_case {
	const char *in;
	size_t len;
	const char *out;
};

#define T(in, out)                                                                                           \
	{                                                                                                    \
		in, sizeof in - 1, out                                                                       \
	}

static const struct text_case texts[] = {
	T("", "\"\""),
	T("plain", "\"plain\""),
	T("q\"b\\s/", "\"q\\\"b\\\\s/\""),
	T("a\nb\tc\r\x1b[31m\x7f", "\"a\\u000ab\\u0009c\\u000d\\u001b[31m\\u007f\""),
	T("nul\0in", "\"nul\\u0000in\""),
	T("\xc3\xa5 \xe4\xb8\xad \xf0\x9f\x93\xb7", "\"\xc3\xa5 \xe4\xb8\xad \xf0\x9f\x93\xb7\""),
	T("\xe2\x80\xa8\xe2\x80\xa9", "\"\xe2\x80\xa8\xe2\x80\xa9\""), /* U+2028, U+2029 */
	T("\xff\xfe", "\"\\u00ff\\u00fe\""),
	T("\x80", "\"\\u0080\""), /* lone continuation */
	T("\xc3", "\"\\u00c3\""), /* cut off */
	T("\xe4\xb8", "\"\\u00e4\\u00b8\""),
	T("\xf0\x9f\x93", "\"\\u00f0\\u009f\\u0093\""),
	T("\xc0\xaf", "\"\\u00c0\\u00af\""), /* overlong */
	T("\xe0\x80\xaf", "\"\\u00e0\\u0080\\u00af\""),
	T("\xf0\x80\x80\xaf", "\"\\u00f0\\u0080\\u0080\\u00af\""),
	T("\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\""),		   /* surrogate */
	T("\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\""), /* above U+10FFFF */
	T("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""),		   /* U+10FFFF */
	T("\xc2\x9b"
	  "31m",
	  "\"\\u009b31m\""), /* CSI in one character */
	T("\xc2\xa0", "\"\xc2\xa0\""),
	T("\xc3(", "\"\\u00c3(\""),
};

static void
test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char buf[256];
		struct json j;
		json_init(&j, buf, sizeof buf);
		json_strn(&j, NULL, texts[i].in, texts[i].len, texts[i].len);
		assert_true(json_line(&j));
		buf[j.len - 1] = '\0';
		assert_string_equal(buf, texts[i].out);
	}
}

/* Each pair of bytes comes out as something that another parser reads without complaint. */
static void
test_all_pairs_parse(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 0x10000; v++) {
		char in[4] = {(char)(v >> 8), (char)v, (char)(v >> 3), 'x'}, buf[64];
		struct json j;
		json_init(&j, buf, sizeof buf);
		json_strn(&j, NULL, in, sizeof in, sizeof in);
		assert_true(json_line(&j));
		struct json_tokener *t = json_tokener_new();
		json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		struct json_c_object *o = json_tokener_parse_ex(t, buf, (int)j.len + 1);
		assert_non_null(o);
		int n = json_object_get_string_len(o);
		assert_int_equal(json_object_get_string(o)[n - 1], 'x');
		json_object_put(o);
		json_tokener_free(t);
	}
}

static void
expect_cut(const char *in, size_t max, const char *out)
{
	char buf[64];
	struct json j;

	json_init(&j, buf, sizeof buf);
	json_strn(&j, NULL, in, strlen(in), max);
	assert_true(json_line(&j));
	buf[j.len - 1] = '\0';
	assert_string_equal(buf, out);
}

static void
test_cut(void **state)
{
	(void)state;
	expect_cut("abcdef", 3, "\"abc\"");
	expect_cut("abcdef", 0, "\"\"");
	expect_cut("ab\xe4\xb8\xad", 3, "\"ab\"");
	expect_cut("ab\xe4\xb8\xad", 4, "\"ab\"");
	expect_cut("ab\xe4\xb8\xad", 5, "\"ab\xe4\xb8\xad\"");
	expect_cut("\xf0\x9f\x93\xb7z", 3, "\"\"");
	expect_cut("\xf0\x9f\x93\xb7z", 4, "\"\xf0\x9f\x93\xb7\"");
	expect_cut("a\x80\x80\x80\x80", 3,
		   "\"a\\u0080\\u0080\""); /* not a character: nothing to keep whole */
}

static void
test_shapes(void **state)
{
	char buf[512];
	struct json j;

	(void)state;
	json_init(&j, buf, sizeof buf);
	json_object(&j, NULL);
	json_str(&j, "s", "t");
	json_array(&j, "empty");
	json_array_end(&j);
	json_array(&j, "a");
	json_uint(&j, NULL, 1);
	json_object(&j, NULL);
	json_object_end(&j);
	json_null(&j, NULL);
	json_array_end(&j);
	json_object(&j, "o");
	json_bool(&j, "t", true);
	json_bool(&j, "f", false);
	json_object_end(&j);
	json_int(&j, "n", -5);
	json_object_end(&j);
	assert_true(json_line(&j));
	assert_string_equal(
		buf,
		"{\"s\":\"t\",\"empty\":[],\"a\":[1,{},null],\"o\":{\"t\":true,\"f\":false},\"n\":-5}\n");
	assert_int_equal(j.len, strlen(buf));
}

static void
test_numbers(void **state)
{
	char buf[512];
	struct json j;

	(void)state;
	json_init(&j, buf, sizeof buf);
	json_array(&j, NULL);
	json_uint(&j, NULL, 0);
	json_uint(&j, NULL, 10);
	json_uint(&j, NULL, UINT64_MAX);
	json_int(&j, NULL, INT64_MIN);
	json_int(&j, NULL, INT64_MAX);
	json_milli(&j, NULL, 0);
	json_milli(&j, NULL, 1500);
	json_milli(&j, NULL, -7);
	json_milli(&j, NULL, INT64_MIN);
	json_array_end(&j);
	assert_true(json_line(&j));
	assert_string_equal(buf, "[0,10,18446744073709551615,-9223372036854775808,9223372036854775807,"
				 "0.000,1.500,-0.007,-9223372036854775.808]\n");
}

static void
print_time(int64_t us, char out[64])
{
	struct json j;

	json_init(&j, out, 64);
	json_time(&j, NULL, us);
	assert_true(json_line(&j));
}

static void
test_times(void **state)
{
	char buf[64];

	(void)state;
	print_time(0, buf);
	assert_string_equal(buf, "\"1970-01-01T00:00:00.000000+0000\"\n");
	print_time(INT64_C(1795412400123456), buf);
	assert_string_equal(buf, "\"2026-11-23T05:40:00.123456+0000\"\n");
	print_time(-1, buf);
	assert_string_equal(buf, "\"1970-01-01T00:00:00.000000+0000\"\n");
	print_time(INT64_MAX, buf);
	assert_string_equal(buf, "\"9999-12-31T23:59:59.999999+0000\"\n");
}

/* Against the C library, through leap years and centuries: each day of 250 years, and some steps into the far future. */
static void
test_times_like_libc(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 2900000; day += day < 91000 ? 1 : 997) {
		time_t at = (time_t)(day * 86400 + day % 86400);
		struct tm tm;
		char buf[64], want[64];
		print_time((int64_t)at * 1000000 + 7, buf);
		gmtime_r(&at, &tm);
		strftime(want, sizeof want, "\"%Y-%m-%dT%H:%M:%S.000007+0000\"\n", &tm);
		assert_string_equal(buf, want);
	}
}

static void
write_sample(struct json *j)
{
	json_object(j, NULL);
	json_strn(j, "hostile", "\x01\xff\"\xe4\xb8\xad", 6, 6);
	json_array(j, "list");
	json_int(j, NULL, -12345);
	json_time(j, NULL, INT64_C(1795412400123456));
	json_milli(j, NULL, 1);
	json_null(j, NULL);
	json_array_end(j);
	json_bool(j, "b", false);
	json_object_end(j);
}

/* Too small by one byte is full; no byte behind the buffer changes; full stays full. */
static void
test_every_size(void **state)
{
	char whole[256], buf[256];
	struct json j;

	(void)state;
	json_init(&j, whole, sizeof whole);
	write_sample(&j);
	assert_true(json_line(&j));
	size_t need = j.len + 1; /* and the NUL */
	for (size_t cap = 0; cap < sizeof buf; cap++) {
		memset(buf, 0x55, sizeof buf);
		json_init(&j, buf, cap);
		write_sample(&j);
		bool ok = json_line(&j);
		assert_int_equal(ok, cap >= need);
		for (size_t i = cap; i < sizeof buf; i++)
			assert_int_equal(buf[i], 0x55);
		if (ok)
			assert_string_equal(buf, whole);
		else
			assert_true(j.full);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_all_pairs_parse),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_like_libc),
		cmocka_unit_test(test_every_size),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
