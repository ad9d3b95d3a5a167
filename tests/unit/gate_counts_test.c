/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's arithmetic: counters that start again, packets that nobody has judged, refusals key by key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/gate/denied.h"
#include "../../daemon/gate/tally.h"

enum { S = 1000000000 };

static void
a_counter_may_start_again(void **state)
{
	struct tally_counter c = {0};
	(void)state;
	tally_add(&c, 10, 1000);
	tally_add(&c, 15, 1500);
	assert_int_equal(c.packets, 15);
	tally_add(&c, 3, 300); /* a new table */
	assert_int_equal(c.packets, 18);
	assert_int_equal(c.bytes, 1800);
	tally_add(&c, 3, 300);
	assert_int_equal(c.packets, 18);
}

static void
queue_counter(struct tally *t, uint64_t packets)
{
	tally_add(&t->c[C_QUEUE], packets, packets * 100);
}

static void
uninspected_needs_two_readings(void **state)
{
	struct tally t = {0};
	(void)state;
	queue_counter(&t, 100);
	t.verdicts = 90;
	assert_int_equal(tally_uninspected(&t, 4, 2), 0);
	t.verdicts = 94; /* two were on their way only */
	assert_int_equal(tally_uninspected(&t, 4, 2), 2);
	assert_int_equal(tally_uninspected(&t, 4, 2), 0);
	t.stale = 3; /* three verdicts came after the fail mode's answer */
	assert_int_equal(tally_uninspected(&t, 4, 2), 0);
	assert_int_equal(tally_uninspected(&t, 4, 2), 3);
	assert_int_equal(t.uninspected, 5);
}

static void
uninspected_never_goes_down(void **state)
{
	struct tally t = {0};
	(void)state;
	queue_counter(&t, 100);
	assert_int_equal(tally_uninspected(&t, 0, 1), 100);
	t.verdicts = 500; /* an engine that answers what was never asked */
	assert_int_equal(tally_uninspected(&t, 0, 1), 0);
	assert_int_equal(t.uninspected, 100);
	t.stale = 10000; /* and lies about stale ids */
	(void)tally_uninspected(&t, 0, 1);
	assert_int_equal(t.uninspected, 100);
}

/* An engine that dies before it could report its stale ids. */
static void
what_the_fail_mode_answered_always_counts(void **state)
{
	struct tally t = {0};
	(void)state;
	queue_counter(&t, 100);
	t.verdicts = 90;
	tally_settle(&t, 10);
	t.answered = 10;
	t.verdicts = 100; /* the next engine's, for packets that it found in the socket */
	assert_int_equal(tally_uninspected(&t, 0, 2), 10);
	tally_settle(&t, 0);
	queue_counter(&t, 105);
	t.verdicts = 104;
	assert_int_equal(tally_uninspected(&t, 0, 1), 1);
	t.stale = 0;
	assert_int_equal(t.uninspected, 11);
}

static void
verdicts_for_nothing_hide_nothing(void **state)
{
	struct tally t = {0};
	(void)state;
	queue_counter(&t, 100);
	t.verdicts = 98;
	assert_int_equal(tally_uninspected(&t, 0, 1), 2);
	t.verdicts = 5000;
	tally_settle(&t, 3); /* three wait and get the fail mode's answer */
	assert_int_equal(tally_uninspected(&t, 0, 1), 3);
	queue_counter(&t, 110);
	t.verdicts = 5006;
	assert_int_equal(tally_uninspected(&t, 0, 1), 4);
	tally_settle(&t, 0); /* an honest end changes nothing */
	assert_int_equal(t.uninspected, 9);
}

static void
uninspected_survives_a_new_table(void **state)
{
	struct tally t = {0};
	(void)state;
	queue_counter(&t, 100);
	t.verdicts = 98;
	assert_int_equal(tally_uninspected(&t, 0, 1), 2);
	t.verdicts = 103; /* five more that the lost table had counted and nobody has read */
	tally_reset(&t, 0);
	queue_counter(&t, 10);
	t.verdicts = 112;
	assert_int_equal(tally_uninspected(&t, 0, 1), 1);
	assert_int_equal(t.uninspected, 3);
}

static struct tuple
key(uint32_t n)
{
	struct tuple t = {.proto = 17, .dport = 53};
	memcpy(t.dst.b + 12, &n, sizeof n);
	return t;
}

static uint64_t
note(struct denied *d, uint32_t n, uint64_t packets, uint64_t expires_s)
{
	struct tuple k = key(n);
	return denied_note(d, &k, (struct denied_count){packets, packets * 60}, expires_s * S).packets;
}

static void
refusals_are_differences(void **state)
{
	struct denied *d = denied_open();
	(void)state;
	assert_non_null(d);
	assert_int_equal(note(d, 1, 5, 100), 5);
	assert_int_equal(note(d, 1, 5, 102), 0);
	assert_int_equal(note(d, 1, 9, 104), 4);
	assert_int_equal(note(d, 2, 1, 104), 1);
	assert_int_equal(note(d, 1, 2, 300), 2); /* expired in the kernel and made again */
	denied_close(d);
}

static void
an_expired_key_counts_from_nothing(void **state)
{
	struct denied *d = denied_open();
	(void)state;
	assert_int_equal(note(d, 1, 3, 100), 3);
	assert_int_equal(note(d, 2, 3, 200), 3);
	denied_quiet(d, (uint64_t)150 * S);
	assert_int_equal(denied_size(d), 1);
	assert_int_equal(note(d, 1, 8, 250), 8); /* not 5: it is another element */
	assert_int_equal(note(d, 2, 8, 250), 5);
	denied_reset(d);
	assert_int_equal(denied_size(d), 0);
	assert_int_equal(note(d, 2, 8, 250), 8);
	denied_close(d);
}

static void
many_keys_grow_and_shrink(void **state)
{
	struct denied *d = denied_open();
	(void)state;
	for (uint32_t i = 0; i < 50000; i++)
		assert_int_equal(note(d, i, i % 7 + 1, i % 2 ? 100 : 200), i % 7 + 1);
	for (uint32_t i = 0; i < 50000; i++)
		assert_int_equal(note(d, i, i % 7 + 3, i % 2 ? 100 : 200), 2);
	assert_int_equal(denied_size(d), 50000);
	denied_quiet(d, (uint64_t)150 * S);
	assert_int_equal(denied_size(d), 25000);
	assert_int_equal(note(d, 4, 4 % 7 + 4, 300), 1);
	denied_close(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_may_start_again),
		cmocka_unit_test(uninspected_needs_two_readings),
		cmocka_unit_test(uninspected_never_goes_down),
		cmocka_unit_test(uninspected_survives_a_new_table),
		cmocka_unit_test(what_the_fail_mode_answered_always_counts),
		cmocka_unit_test(verdicts_for_nothing_hide_nothing),
		cmocka_unit_test(refusals_are_differences),
		cmocka_unit_test(an_expired_key_counts_from_nothing),
		cmocka_unit_test(many_keys_grow_and_shrink),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
