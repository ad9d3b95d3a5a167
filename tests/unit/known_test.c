/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What flows speak: one entry for all that speak the same, none that is refused, and each gone with its last flow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "known.h"

static const struct known *
take(struct known_table *t, const char *protocol, const char *name, const char *bound)
{
	struct app app = {.ja4 = "t13d1516h2_8daaf6152771_b186095e22b6", .has_name = name != NULL};

	snprintf(app.name, sizeof app.name, "%s", name ? name : "");
	return known_take(t, protocol, &app, bound);
}

static void
equal_ones_are_one(void **state)
{
	struct known_table *t = known_table_new(10);
	const struct known *a = take(t, "tls", "a.example", ""), *b = take(t, "tls", "a.example", "");
	(void)state;

	assert_ptr_equal(a, b);
	assert_int_equal(known_count(t), 1);
	const struct known *others[] = {take(t, "tls", "b.example", ""), take(t, "quic", "a.example", ""), take(t, "tls", "a.example", "c.example"),
					take(t, "tls", NULL, ""), take(t, "tls", NULL, "a.example"), known_take(t, "tls", NULL, "")};
	for (size_t i = 0; i < 6; i++) {
		assert_ptr_not_equal(others[i], a);
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(others[i], others[k]);
	}
	assert_int_equal(known_count(t), 7);
	known_give(t, a);
	assert_string_equal(b->name, "a.example"); /* it is still somebody's */
	known_give(t, b);
	for (size_t i = 0; i < 6; i++)
		known_give(t, others[i]);
	assert_int_equal(known_count(t), 0);
	known_give(t, NULL);
	known_give(t, &known_nothing);
	known_table_free(t);
	known_table_free(NULL);
}

static void
says_what_it_was_told(void **state)
{
	struct known_table *t = known_table_new(10);
	char name[APP_NAME], bound[KNOWN_BOUND + 1];
	(void)state;

	memset(name, 'n', sizeof name - 1);
	memset(bound, 'b', sizeof bound - 1);
	name[sizeof name - 1] = bound[sizeof bound - 2] = bound[sizeof bound - 1] = 0;
	const struct known *k = take(t, "dns", name, bound);
	assert_true(k->has_name && k->is_dns && !k->ech && !k->fixed);
	assert_string_equal(k->name, name);
	assert_string_equal(known_bound(k), bound);
	assert_string_equal(k->ja4, "t13d1516h2_8daaf6152771_b186095e22b6");
	assert_true(known_bytes(k) <= sizeof(struct known) + KNOWN_TEXT);
	assert_string_equal(((const char *)k) + known_bytes(k) - strlen(bound) - 1, bound);
	known_give(t, k);
	bound[sizeof bound - 2] = 'b'; /* one too long */
	k = take(t, "tls", "a.example", bound);
	assert_string_equal(known_bound(k), "");
	known_give(t, k);
	k = take(t, "tls", "a.example", "a.example"); /* the same text is not kept twice */
	assert_string_equal(known_bound(k), "a.example");
	assert_ptr_equal(known_bound(k), k->name);
	known_give(t, k);
	k = take(t, "tls", NULL, "a.example");
	assert_string_equal(k->name, "");
	assert_string_equal(known_bound(k), "a.example");
	known_give(t, k);
	assert_string_equal(known_bound(&known_nothing), "");
	assert_string_equal(known_nothing.protocol, "unknown");
	assert_int_equal(known_count(t), 0);
	known_table_free(t);
}

/* Every flow a name of its own, long or short as it likes: there is room for each, again and again, and the memory does not grow with turns. */
static void
refuses_nobody(void **state)
{
	enum { FLOWS = 2000, TURNS = 100000 };
	static const struct known *held[FLOWS];
	static char said[FLOWS][APP_NAME];
	struct known_table *t = known_table_new(FLOWS);
	unsigned seed = 1;
	(void)state;

	for (unsigned i = 0; i < TURNS; i++) {
		unsigned f = (unsigned)rand_r(&seed) % FLOWS, pad = (unsigned)rand_r(&seed) % 200;
		if (held[f])
			assert_string_equal(held[f]->name, said[f]);
		known_give(t, held[f]);
		snprintf(said[f], sizeof said[f], "n%u%0*d.example", (unsigned)rand_r(&seed) % 500, (int)pad + 1, 0);
		held[f] = take(t, "tls", said[f], "");
		assert_string_equal(held[f]->name, said[f]);
		assert_true(known_count(t) <= FLOWS);
	}
	for (unsigned f = 0; f < FLOWS; f++) {
		if (held[f])
			assert_string_equal(held[f]->name, said[f]);
		known_give(t, held[f]);
	}
	assert_int_equal(known_count(t), 0);
	assert_true(known_memory(t) <= FLOWS * 600);
	known_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_ones_are_one),
		cmocka_unit_test(says_what_it_was_told),
		cmocka_unit_test(refuses_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
