/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Usage descriptions: which entries open a connection, which are answers, what they come to; and thousands of broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cli/mud.h"

enum { ROUNDS = 4000 };

static const char *const frame =
	"{\"ietf-mud:mud\":{\"mud-version\":1,\"mud-url\":\"https://m.example/x\",\"last-update\":\"2026-11-01T00:00:00Z\",\"is-supported\":true,"
	"\"from-device-policy\":{\"access-lists\":{\"access-list\":[{\"name\":\"f\"}]}},"
	"\"to-device-policy\":{\"access-lists\":{\"access-list\":[{\"name\":\"t\"}]}}},"
	"\"ietf-access-control-list:acls\":{\"acl\":["
	"{\"name\":\"f\",\"type\":\"ipv4-acl-type\",\"aces\":{\"ace\":[%s]}},{\"name\":\"t\",\"type\":\"ipv4-acl-type\",\"aces\":{\"ace\":[%s]}}]}}";

#define ACE(matches, action) "{\"name\":\"n\",\"matches\":{" matches "},\"actions\":{\"forwarding\":\"" action "\"}}"
#define UDP(side) "\"ipv4\":{\"protocol\":17},\"udp\":{\"" side "\":{\"port\":5}}"
#define TCP(side, initiated) "\"ipv4\":{\"protocol\":6},\"tcp\":{\"ietf-mud:direction-initiated\":\"" initiated "\",\"" side "\":{\"port\":5}}"

static bool
reads(struct mud *m, const char *from, const char *to, bool partial)
{
	char text[8192];

	snprintf(text, sizeof text, frame, from, to);
	return mud_read(m, text, strlen(text), partial);
}

static void
openings_and_answers(void **state)
{
	static const struct {
		const char *from, *to;
		bool good;
		size_t openings;
		bool inbound;
	} cases[] = {
		{ACE(UDP("destination-port"), "accept"), ACE(UDP("source-port"), "accept"), true, 1, false},
		{ACE(UDP("source-port"), "accept"), ACE(UDP("destination-port"), "accept"), true, 1, true},
		{ACE(UDP("destination-port"), "accept"), "", true, 1, false},
		{"", ACE(UDP("source-port"), "accept"), false, 0, false},
		{ACE(UDP("source-port"), "drop"), "", false, 0, false},
		{ACE(TCP("destination-port", "from-device"), "accept"), ACE(TCP("source-port", "from-device"), "accept"), true, 1, false},
		{ACE(TCP("source-port", "to-device"), "accept"), ACE(TCP("destination-port", "to-device"), "accept"), true, 1, true},
		{ACE(TCP("source-port", "from-device"), "accept"), "", false, 0, false},
		{ACE(TCP("destination-port", "from-device"), "accept"), ACE(TCP("destination-port", "from-device"), "accept"), false, 0, false},
		{ACE("", "drop"), ACE("", "accept"), true, 2, false},
	};
	struct mud m;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t openings = 0;
		assert_int_equal(reads(&m, cases[i].from, cases[i].to, false), cases[i].good);
		for (size_t k = 0; cases[i].good && k < m.n_entries; k++)
			openings += !m.entries[k].answers;
		assert_int_equal(openings, cases[i].openings);
		for (size_t k = 0; cases[i].openings == 1 && k < m.n_entries; k++)
			if (!m.entries[k].answers) {
				assert_int_equal(m.entries[k].to_device, cases[i].inbound);
				assert_int_equal(m.entries[k].ports.list[0].from, 5);
			}
		mud_free(&m);
	}
}

static void
left_out(void **state)
{
	struct mud m;

	(void)state;
	assert_true(reads(&m, ACE("\"ipv4\":{\"dscp\":1}", "accept") "," ACE(UDP("destination-port"), "accept"), ACE(UDP("source-port"), "accept"), true));
	assert_int_equal(m.n_entries, 2);
	assert_int_equal(m.n_remarks, 1);
	assert_true(m.remarks[0].left_out);
	assert_string_equal(m.remarks[0].path, "/ietf-access-control-list:acls/acl/0/aces/ace/0/matches/ipv4/dscp");
	mud_free(&m);
	assert_false(reads(&m, ACE("\"ipv4\":{\"dscp\":1}", "reject"), "", true));
	mud_free(&m);
}

static void
maps(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {{"a=10.0.0.1", true},   {"a=b=fd00::/8,10.0.0.0/8", true}, {"a=zone-1,zone.2", true}, {"a=", false},	   {"=10.0.0.1", false},
		     {"a=zone,10.0.0.1", false}, {"a=10.0.0.1/8", false},	{"a=b c", false},	   {"nothing", false}, {"a=,", false}};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mud_import how = {.device = "d"};
		snprintf(text, sizeof text, "%s", cases[i].text);
		assert_int_equal(mud_map_add(&how, text), cases[i].good);
	}
}

/* Whatever the bytes are: no crash, and what is written stays within printable lines. */
static void
broken(void **state)
{
	char base[8192], text[8192];
	struct mud_import how = {.device = "d", .zone = "z"};
	unsigned chance = 8520;

	(void)state;
	snprintf(base, sizeof base, frame, ACE(TCP("destination-port", "from-device"), "accept") "," ACE(UDP("destination-port"), "drop"),
		 ACE(TCP("source-port", "from-device"), "accept"));
	size_t len = strlen(base);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t n = len, out_len;
		char *out = NULL;
		struct mud m;
		memcpy(text, base, len);
		for (unsigned k = 0; k < 1 + round % 4; k++) {
			chance = chance * 1103515245u + 12345u;
			text[(chance >> 8) % len] = (char)(round % 3 ? "\"{}[],:0an"[(chance >> 24) % 10] : (char)(chance >> 20));
		}
		if (round % 5 == 0)
			n = (chance >> 8) % len;
		bool good = mud_read(&m, text, n, round % 2);
		FILE *f = good ? open_memstream(&out, &out_len) : NULL;
		if (f) {
			(void)mud_write_rules(&m, &how, f);
			fclose(f);
			for (size_t i = 0; i < out_len; i++)
				assert_true(out[i] == '\n' || (out[i] >= 0x20 && out[i] < 0x7f));
		}
		free(out);
		mud_free(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest list[] = {cmocka_unit_test(openings_and_answers), cmocka_unit_test(left_out), cmocka_unit_test(maps), cmocka_unit_test(broken)};

	return cmocka_run_group_tests(list, NULL, NULL);
}
