/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that are over: how many looks tell of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../daemon/gate/repeats.h"

static const uint64_t SECOND_NS = 1000000000;

/* Looks `every_s` apart at connections that close one a second and stay for whole_s. Returns how many of them tell of the one that closed at closed_s. */
static unsigned
told(struct repeats *r, unsigned every_s, unsigned whole_s, unsigned closed_s)
{
	unsigned n = 0;

	for (unsigned now_s = every_s; now_s < closed_s + whole_s; now_s += every_s) {
		repeats_begin(r, now_s * SECOND_NS);
		for (unsigned other_s = now_s > whole_s ? now_s - whole_s + 1 : 0; other_s <= now_s; other_s++) {
			bool tells = !repeats_enough(r, whole_s - (now_s - other_s));
			n += other_s == closed_s && tells;
		}
		repeats_end(r);
	}
	return n;
}

static void
a_few_looks_tell_it(void **state)
{
	struct repeats r = {0};

	(void)state;
	unsigned n = told(&r, 5, 120, 301);
	assert_in_range(n, REPEATS, REPEATS + 1); /* and not 24 */
	r = (struct repeats){0};
	n = told(&r, 12, 120, 301);
	assert_in_range(n, REPEATS, REPEATS + 1);
	r = (struct repeats){0};
	assert_int_equal(told(&r, 5, 10, 301), 2); /* as long as it is there */
}

static void
everything_at_first_and_when_told_so(void **state)
{
	struct repeats r = {0};

	(void)state;
	for (unsigned i = 1; i <= REPEATS; i++) {
		repeats_begin(&r, i * 5 * SECOND_NS);
		assert_false(repeats_enough(&r, 120));
		assert_false(repeats_enough(&r, 1));
		repeats_end(&r);
	}
	repeats_begin(&r, 25 * SECOND_NS);
	assert_true(repeats_enough(&r, 1));
	assert_false(repeats_enough(&r, 0)); /* a kernel that does not say */
	repeats_forget(&r);
	repeats_begin(&r, 30 * SECOND_NS);
	assert_false(repeats_enough(&r, 1));
}

/* Looks in a row, as a budget that is nearly used up wants them: none of those before was too early. */
static void
looks_in_a_hurry(void **state)
{
	struct repeats r = {0};
	unsigned n = 0;

	(void)state;
	for (unsigned i = 1; i <= 10; i++) {
		repeats_begin(&r, i * 5 * SECOND_NS);
		(void)repeats_enough(&r, 120);
		repeats_end(&r);
	}
	/* One that closed at 49 s is told at 50 s, and by each of the next looks, half a second apart. */
	for (uint64_t now_ns = 505 * SECOND_NS / 10; n < 20; now_ns += SECOND_NS / 2) {
		repeats_begin(&r, now_ns);
		assert_false(repeats_enough(&r, 120)); /* another one, that has just closed */
		bool enough = repeats_enough(&r, 120 - (uint32_t)(now_ns / SECOND_NS - 49));
		repeats_end(&r);
		if (enough)
			break;
		n++;
	}
	assert_in_range(n, REPEATS - 1, 12);
}

/* Somebody shortens the time: what is new is left out for a while, and told again as soon as the old ones are gone. */
static void
shortened(void **state)
{
	struct repeats r = {0};

	(void)state;
	for (unsigned i = 1; i <= 10; i++) {
		repeats_begin(&r, i * 5 * SECOND_NS);
		(void)repeats_enough(&r, 120);
		repeats_end(&r);
	}
	for (unsigned i = 11; i <= 12; i++) {
		repeats_begin(&r, i * 5 * SECOND_NS);
		assert_int_equal(repeats_enough(&r, 10), i == 11);
		repeats_end(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_looks_tell_it), cmocka_unit_test(everything_at_first_and_when_told_so),
		cmocka_unit_test(looks_in_a_hurry), cmocka_unit_test(shortened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
