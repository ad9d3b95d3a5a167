/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses that a device was told for a name: its own, once each, newest first, and none that is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

enum { CAM = 7, OTHER = 8, MAX = 8 };

static struct addr
ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static struct now
at(uint64_t seconds)
{
	return (struct now){seconds * 1000000000, 0};
}

static void
learn(struct names *n, uint32_t device, const char *name, const char *address, uint32_t ttl, uint64_t now_s)
{
	static struct dns_message m;
	const struct now now = at(now_s);

	memset(&m, 0, sizeof m);
	m.flags = 0x8180;
	m.response = true;
	m.questions = m.answers = m.query_class = m.query_type = 1;
	strcpy(m.query, name);
	m.n = 1;
	strcpy(m.record[0].name, name);
	m.record[0].type = m.record[0].class = 1;
	m.record[0].ttl = ttl;
	m.record[0].addr = ip(address);
	assert_int_equal(names_learn(n, device, &m, &now), 1);
}

/* "203.0.113.2 203.0.113.1 " */
static const char *
told(struct names *n, uint32_t device, const char *name, uint64_t now_s, size_t max)
{
	static char out[512];
	const struct now now = at(now_s);
	struct addr list[MAX];
	char text[ADDR_TEXT];
	size_t len = 0, found = names_addresses(n, device, name, &now, list, max);

	out[0] = 0;
	assert_true(found <= max);
	for (size_t i = 0; i < found; i++)
		len += (size_t)snprintf(out + len, sizeof out - len, "%s ", addr_print(&list[i], text));
	return out;
}

static void
addresses(void **state)
{
	struct names *n = names_new(1024, 10);
	(void)state;

	assert_non_null(n);
	assert_string_equal(told(n, CAM, "a.example", 1, MAX), ""); /* nobody has told it anything */
	learn(n, CAM, "a.example", "203.0.113.1", 60, 1);
	learn(n, CAM, "a.example", "203.0.113.2", 600, 2);
	learn(n, CAM, "b.example", "203.0.113.3", 600, 3);
	learn(n, OTHER, "a.example", "203.0.113.4", 600, 4);
	assert_string_equal(told(n, CAM, "a.example", 5, MAX), "203.0.113.2 203.0.113.1 ");
	assert_string_equal(told(n, CAM, "a.example", 5, 1), "203.0.113.2 ");
	assert_string_equal(told(n, CAM, "a.example", 5, 0), "");
	assert_string_equal(told(n, CAM, "b.example", 5, MAX), "203.0.113.3 ");
	assert_string_equal(told(n, CAM, "example", 5, MAX), "");
	assert_string_equal(told(n, OTHER, "a.example", 5, MAX), "203.0.113.4 ");
	learn(n, CAM, "a.example", "203.0.113.1", 60, 20); /* refreshed: it is the newest, and still there once */
	assert_string_equal(told(n, CAM, "a.example", 21, MAX), "203.0.113.1 203.0.113.2 ");
	assert_string_equal(told(n, CAM, "a.example", 200, MAX), "203.0.113.2 "); /* the other one is over */
	assert_string_equal(told(n, CAM, "a.example", 2000, MAX), "");
	names_forget(n, CAM);
	assert_string_equal(told(n, CAM, "b.example", 21, MAX), "");
	assert_string_equal(told(n, OTHER, "a.example", 21, MAX), "203.0.113.4 ");
	names_free(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
