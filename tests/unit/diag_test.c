/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings: their text and JSON, byte for byte, their limits, and what they do with hostile text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"

typedef void printer(const struct diags *d, FILE *out);

static void
as_text(const struct diags *d, FILE *out)
{
	diags_print(d, out, false);
}

static void
as_colour(const struct diags *d, FILE *out)
{
	diags_print(d, out, true);
}

static char *
printed(const struct diags *d, printer *print)
{
	const size_t cap = 65536;
	char *text = calloc(1, cap);
	FILE *out = fmemopen(text, cap - 1, "w");
	assert_non_null(out);
	print(d, out);
	fclose(out);
	return text;
}

static void
expect(struct diags *d, const char *want)
{
	char *got = printed(d, as_text);
	assert_string_equal(got, want);
	free(got);
	diags_free(d);
}

static void
test_shape(void **state)
{
	(void)state;
	const char *text = "version: 1\n    from: camras\n";
	struct diags d = {0};
	struct diag *g = diag_add(&d, DIAG_ERROR, "E104", &(struct place_in_file){"/etc/x.yaml", 2, 11, 17},
				  text, "unknown zone \"%s\"", "camras");
	diag_hint(g, "did you mean \"cameras\"?");
	assert_int_equal(d.errors, 1);
	expect(&d, "/etc/x.yaml:2:11: error: unknown zone \"camras\" [E104]\n"
		   "    2 |     from: camras\n"
		   "      |           ^~~~~~ did you mean \"cameras\"?\n");
}

static void
test_places(void **state)
{
	(void)state;
	struct diags d = {0};
	diag_add(&d, DIAG_WARNING, "W311", &(struct place_in_file){"x", 1, 3, 0}, "ab", "only the start");
	diag_add(&d, DIAG_ERROR, "E191", &(struct place_in_file){"x", 0, 0, 0}, NULL, "the file as a whole");
	diag_hint(diag_add(&d, DIAG_ERROR, "E190", NULL, NULL, "nowhere"), "but a hint");
	diag_add(&d, DIAG_HINT, "H501", &(struct place_in_file){"x", 9, 1, 2}, "ab", "past the end");
	diag_add(&d, DIAG_ERROR, "E117", &(struct place_in_file){"x", 1, 5, 9}, "f\xc3\xbcr: x\r\n",
		 "characters, not bytes");
	assert_int_equal(d.errors, 3);
	assert_int_equal(d.warnings, 1);
	expect(&d, "x:1:3: warning: only the start [W311]\n"
		   "    1 | ab\n"
		   "      |   ^\n"
		   "x: error: the file as a whole [E191]\n"
		   "error: nowhere [E190]\n"
		   "      | but a hint\n"
		   "x:9:1: hint: past the end [H501]\n"
		   "x:1:5: error: characters, not bytes [E117]\n"
		   "    1 | f\xc3\xbcr: x\n"
		   "      |     ^~\n");
}

/* A line that holds a terminal escape, a C1 control, bytes that are not UTF-8 and a bidi override. */
static void
test_hostile(void **state)
{
	(void)state;
	struct diags d = {0};
	struct diag *g = diag_add(&d, DIAG_ERROR, "E109", &(struct place_in_file){"a\x1b[31m", 1, 8, 0},
				  "\x1b]0;x\x07\tq\xc2\x9b\xff\xe2\x80\xae!", "seen: %s", "\x1b[2J\xff\x7f");
	diag_hint(g, "%s", "\r\n\xc0\x80");
	char *got = printed(&d, as_text);
	for (const char *p = got; *p; p++)
		assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	free(got);
	expect(&d, "a [31m:1:8: error: seen:  [2J   [E109]\n"
		   "    1 |  ]0;x  q   !\n"
		   "      |        ^     \n");
}

static void
test_colour(void **state)
{
	(void)state;
	struct diags d = {0};
	diag_add(&d, DIAG_ERROR, "E101", NULL, NULL, "x");
	char *got = printed(&d, as_colour);
	assert_string_equal(got, "\033[1;31merror:\033[0m x [E101]\n");
	free(got);
	diags_free(&d);
}

static void
test_long_line(void **state)
{
	(void)state;
	char text[2001];
	struct diags d = {0};
	memset(text, 'a', 2000);
	memcpy(text + 1000, "HERE", 4);
	text[2000] = 0;
	diag_add(&d, DIAG_ERROR, "E101", &(struct place_in_file){"x", 1, 1001, 1005}, text, "far out");
	char *got = printed(&d, as_text);
	const char *shown = strchr(got, '|'), *caret = strchr(got, '^');
	assert_true(strlen(got) < 400);
	assert_memory_equal(shown + 2 + (caret - strrchr(got, '|') - 2), "HERE", 4);
	assert_memory_equal(caret, "^~~~\n", 5);
	free(got);
	diags_free(&d);
}

static void
test_limit(void **state)
{
	(void)state;
	struct diags d = {0};
	for (int i = 0; i < 100; i++)
		diag_hint(diag_add(&d, DIAG_ERROR, "E101", NULL, NULL, "%d", i), "kept or not");
	assert_non_null(diag_add(&d, DIAG_WARNING, "W310", NULL, NULL, "errors leave room for warnings"));
	assert_int_equal(d.errors, 100);
	assert_int_equal(d.warnings, 1);
	assert_int_equal(d.n, DIAG_MAX + 1);
	diags_free(&d);
	assert_int_equal(d.n, 0);
	assert_int_equal(d.errors, 0);
}

static void
test_sort(void **state)
{
	(void)state;
	struct diags d = {0};
	diags_sort(&d);
	diag_add(&d, DIAG_ERROR, "E102", &(struct place_in_file){"b", 1, 1, 0}, NULL, "4");
	diag_add(&d, DIAG_ERROR, "E102", &(struct place_in_file){"a", 2, 1, 0}, NULL, "3");
	diag_add(&d, DIAG_ERROR, "E102", &(struct place_in_file){"a", 1, 9, 0}, NULL, "2");
	diag_add(&d, DIAG_ERROR, "E102", NULL, NULL, "1");
	diags_sort(&d);
	for (int i = 0; i < 4; i++)
		assert_int_equal(d.list[i].message[0], '1' + i);
	diags_free(&d);
}

static const char *
member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;
	assert_true(json_object_object_get_ex(o, key, &value));
	return value ? json_object_get_string(value) : NULL;
}

static void
test_json(void **state)
{
	(void)state;
	struct diags d = {0};
	struct diag *g = diag_add(&d, DIAG_WARNING, "W310", &(struct place_in_file){"a\"b", 3, 4, 9}, "x",
				  "say \"%s\"", "\\");
	diag_related(g, &(struct place_in_file){"c", 5, 6, 0});
	diag_hint(diag_add(&d, DIAG_ERROR, "E190", NULL, NULL, "plain"), "h\xc3\xbc");
	char *got = printed(&d, diags_print_json);
	struct json_object *list = json_tokener_parse(got);
	assert_non_null(list);
	assert_int_equal(json_object_array_length(list), 2);
	struct json_object *first = json_object_array_get_idx(list, 0),
			   *second = json_object_array_get_idx(list, 1), *related;
	assert_string_equal(member(first, "file"), "a\"b");
	assert_string_equal(member(first, "line"), "3");
	assert_string_equal(member(first, "col"), "4");
	assert_string_equal(member(first, "end_col"), "9");
	assert_string_equal(member(first, "severity"), "warning");
	assert_string_equal(member(first, "code"), "W310");
	assert_string_equal(member(first, "message"), "say \"\\\"");
	assert_null(member(first, "hint"));
	assert_true(json_object_object_get_ex(first, "related", &related));
	assert_string_equal(member(related, "file"), "c");
	assert_string_equal(member(related, "line"), "5");
	assert_string_equal(member(related, "col"), "6");
	assert_null(member(second, "file"));
	assert_null(member(second, "related"));
	assert_string_equal(member(second, "hint"), "h\xc3\xbc");
	json_object_put(list);
	free(got);
	diags_free(&d);
	got = printed(&d, diags_print_json);
	assert_string_equal(got, "[]\n");
	free(got);
}

static void
test_closest(void **state)
{
	(void)state;
	static const char *const names[] = {"cameras", "video", "camera", "vdieo", ""};
	static const struct {
		const char *word, *want;
	} cases[] = {
		{"camras", "cameras"},
		{"cameras", "cameras"},
		{"camera", "camera"},
		{"camreas", "cameras"},
		{"vidoe", "video"},
		{"vdeio", "vdieo"},
		{"xxx", NULL},
		{"offices", NULL},
		{"", ""},
		{"c", ""},
		{"caXXXas", NULL},
		{"cXXXras", NULL},
		{"caXXras", "cameras"},
		{"Cameras", "cameras"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = diag_closest(cases[i].word, names, 5);
		if (!cases[i].want)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].want);
	}
	char word[200];
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = 0;
	assert_null(diag_closest(word, (const char *const[]){word}, 1)); /* too long to be worth the time */
	assert_null(diag_closest("x", NULL, 0));
	assert_string_equal(diag_closest("abcf", (const char *const[]){"abcd", "abce"}, 2), "abcd"); /* a tie */
}

static void
test_codes(void **state)
{
	(void)state;
	size_t n;
	const struct diag_code *codes = diag_codes(&n);
	assert_true(n > 40);
	for (size_t i = 0; i < n; i++) {
		const char *c = codes[i].code;
		assert_true(strlen(c) == 4 && strchr("EWH", c[0]) && isdigit(c[1]) && isdigit(c[2]) &&
			    isdigit(c[3]));
		assert_true(strlen(codes[i].title) >= 3 && strlen(codes[i].text) > 20);
		assert_ptr_equal(diag_code_find(c), &codes[i]); /* also: no code twice */
	}
	assert_null(diag_code_find("E999"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),	cmocka_unit_test(test_places),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_colour),
		cmocka_unit_test(test_limit),	cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_sort),	cmocka_unit_test(test_json),
		cmocka_unit_test(test_closest), cmocka_unit_test(test_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
