/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The helpers of the camera probes: facts, fields, ends of documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/probe/field.h"
#include "../../daemon/probe/markup.h"

static struct span
text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static void
test_facts(void **state)
{
	struct app app = {0};

	(void)state;
	learn_text(&app, "model", text(" IPC-1 "));
	learn_text(&app, "model", text("other"));
	learn_text(&app, "mode", text("x"));
	learn_text(&app, "name", text(""));
	learn_number(&app, "id", 4294967295u);
	learn_mac(&app, text("\x01\x02\x03\x04\x05\xff"), 0);
	assert_string_equal(app.detail, "model=IPC-1; mode=x; id=4294967295; mac=01:02:03:04:05:ff");
	learn_text(NULL, "model", text("x"));
	learn_mac(&app, text("short"), 0);
	assert_string_equal(app.detail, "model=IPC-1; mode=x; id=4294967295; mac=01:02:03:04:05:ff");
}

/* A value cannot pretend to be a second fact, nor hide what stands behind a NUL. */
static void
test_forged_facts(void **state)
{
	static const uint8_t hidden[] = {'a', 0, 'b'};
	struct app app = {0};

	(void)state;
	learn_text(&app, "name", text("cam; mac=00:00:00:00:00:00\r\n"));
	learn_text(&app, "uid", (struct span){hidden, sizeof hidden});
	learn_text(&app, "model", (struct span){hidden + 1, 1});
	learn_mac(&app, text("\x01\x02\x03\x04\x05\x06"), 0);
	assert_string_equal(app.detail, "name=cam_ mac=00:00:00:00:00:00__; uid=a; mac=01:02:03:04:05:06");
}

/* No fact is cut: it fits or it is left out, and a shorter one may still come. */
static void
test_crowded_facts(void **state)
{
	struct app app = {0};
	char longest[200];

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	learn_text(&app, "name", text(longest));
	assert_int_equal(strlen(app.detail), strlen("name=") + 63);
	learn_text(&app, "vendor", text(longest));
	assert_int_equal(strlen(app.detail), strlen("name=") + 63);
	learn_text(&app, "id", text("7"));
	assert_string_equal(app.detail + strlen("name=") + 63, "; id=7");
	learn_banner(&app, text(longest));
	assert_int_equal(strlen(app.banner), sizeof app.banner - 1);
	learn_banner(&app, text("later"));
	assert_int_equal(app.banner[0], 'x');
}

static void
test_fields(void **state)
{
	struct span d = text("ABC\0\0xyz");
	d.len = 8;

	(void)state;
	assert_int_equal(field_u16(d, 0), 0x4142);
	assert_int_equal(field_le16(d, 0), 0x4241);
	assert_int_equal(field_u32(d, 5), 0);
	assert_int_equal(field_le32(d, SIZE_MAX), 0);
	assert_int_equal(field_text(d, 0, 8).len, 3);
	assert_int_equal(field_text(d, 0, 9).len, 0);
	assert_true(field_is(d, 5, "xyz", 3) && !field_is(d, 6, "yz!", 3));
	assert_true(field_fits(d, 6, "yz!", 3) && field_fits(d, 8, "!", 1) && !field_fits(d, 6, "y!", 2));
	assert_true(field_filled(d, 3, 2, 0) && !field_filled(d, 3, 3, 0) && !field_filled(d, 7, 2, 'z'));
	assert_int_equal(field_rest((struct span){0}, 0).len, 0);
	assert_true(span_equals(field_after(text("a=b=c"), "="), "b=c") &&
		    span_equals(field_until(text("a=b=c"), "="), "a"));
	assert_int_equal(field_after(text("abc"), "=").len, 0);
	assert_int_equal(field_after(text("abc="), "=").len, 0);
	assert_true(span_equals(field_until(text("abc"), "="), "abc"));
}

static void
test_shapes(void **state)
{
	static const struct {
		const char *s;
		bool mac, address;
	} texts[] = {
		{"00:16:6c:7D:75:6e", true, false},
		{"00-16-6c-7D-75-6e", true, false},
		{"00:16:6c:7D:75-6e", false, false},
		{"00.16.6c.7D.75.6e", false, false},
		{"00:16:6c:7D:75:6g", false, false},
		{"00:16:6c:7D:75:6", false, false},
		{"192.0.2.1", false, true},
		{"192.0.2", false, false},
		{"192.0.2.256", false, false},
		{"1..2.3", false, false},
		{"1.2.3.4.5", false, false},
		{".1.2.3", false, false},
		{"1.2.3.", false, false},
		{"0001.2.3.4", false, false},
		{"", false, false},
		{"1.2.3.a", false, false},
		{"-1.2.3.4", false, false},
	};
	static const struct {
		uint32_t mask;
		bool good;
	} masks[] = {{0xffffffff, true}, {0xffff0000, true},  {0x80000000, true},
		     {0, false},	 {0xff00ff00, false}, {1, false}};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(field_mac_text(text(texts[i].s)), texts[i].mac);
		assert_int_equal(field_ipv4_text(text(texts[i].s)), texts[i].address);
	}
	for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
		assert_int_equal(field_netmask(masks[i].mask), masks[i].good);
	assert_true(field_unicast_mac(text("\x02xxxxx"), 0) && !field_unicast_mac(text("\x01xxxxx"), 0));
	assert_false(field_unicast_mac(text("\x02xxxx"), 0));
}

static void
test_json(void **state)
{
	static const struct {
		const char *s;
		bool whole;
	} documents[] = {
		{"{}", true},
		{"{\"a\":[1,-2.5e+3,true,null,{\"b\":\"}\"}]}", true},
		{"{\"a\":\"\\\"}\"} \r\n", true},
		{"{\"a\":1}x", false},
		{"{\"a\":1", false},
		{"{\"a\":\"", false},
		{"{\"a\":[}", false},
		{"[]", false},
		{"", false},
		{"{]", false},
		{"{}}", false},
		{"{\"a\":\"\x01\"}", false},
		{"{\"a\":$}", false},
		{"{\"a\":\"\\", false},
		{"{[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", true},
		{"{[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
		if (markup_json(text(documents[i].s)) != documents[i].whole)
			fail_msg("%s", documents[i].s);
}

static void
test_keys(void **state)
{
	static const struct {
		const char *document, *value;
	} rows[] = {
		{"{\"key\":\"v\"}", "v"},
		{"{ \"key\" :\t\"a\\\"b\" }", "a\\\"b"},
		{"{\"key\":-12.5}", "-12.5"},
		{"{\"key\":true}", "true"},
		{"{\"key\":{}}", ""},
		{"{\"key\"", ""},
		{"{\"key\":", ""},
		{"{\"key\":\"open", ""},
		{"{\"key2\":\"v\"}", ""},
		{"{}", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char value[32];
		span_text(markup_key(text(rows[i].document), "key"), value, sizeof value);
		assert_string_equal(value, rows[i].value);
	}
}

static void
test_xml(void **state)
{
	static const struct {
		const char *s, *open, *body; /* NULL: not the document */
	} documents[] = {
		{"<r>x</r>", "", "x"},
		{"<?xml version=\"1.0\"?>\r\n<r a='b'><c/></r>\r\n", " a='b'", "<c/>"},
		{"\xef\xbb\xbf<r></r>", "", ""},
		{"<rr>x</rr>", NULL, NULL},
		{"<r>x</r>y", NULL, NULL},
		{"<r>x", NULL, NULL},
		{"<r>", NULL, NULL},
		{"<r", NULL, NULL},
		{"</r>", NULL, NULL},
		{"<r\x01>x</r>", NULL, NULL},
		{"<?xml <r></r>", NULL, NULL},
		{"", NULL, NULL},
		{"<r</r>", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		struct span open, body;
		bool whole = markup_xml(text(documents[i].s), "r", &open, &body);
		if (whole != (documents[i].open != NULL) ||
		    (whole &&
		     (!span_equals(open, documents[i].open) || !span_equals(body, documents[i].body))))
			fail_msg("%s", documents[i].s);
	}
	assert_true(span_equals(markup_tag(text("<a>1</a><b> 2 </b>"), "b"), "2"));
	assert_int_equal(markup_tag(text("<a></a>"), "a").len, 0);
	assert_int_equal(markup_tag(text("<a>never"), "a").len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),	      cmocka_unit_test(test_forged_facts),
		cmocka_unit_test(test_crowded_facts), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_shapes),	      cmocka_unit_test(test_json),
		cmocka_unit_test(test_keys),	      cmocka_unit_test(test_xml),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
