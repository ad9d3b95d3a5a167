/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held packets come out in order, once each, and never more than the limits say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hold.h"

struct out {
	uint32_t ids[512];
	size_t n;
};

static void
visit(void *arg, uint32_t id, uint32_t mark, uint16_t queue)
{
	struct out *o = arg;
	assert_int_equal(mark, id + 1);
	assert_int_equal(queue, 7);
	o->ids[o->n++] = id;
}

static enum hold_result
add(struct hold *h, struct held *l, uint32_t owner, uint32_t id, size_t len, uint64_t ms)
{
	struct queued q = {.id = id, .mark = id + 1, .queue = 7, .wire_len = len};
	return hold_add(h, l, owner, &q, &(struct now){.mono_ns = ms * 1000000});
}

static void
order_and_limits(void **state)
{
	const struct hold_limits limits = {.packets = 3, .bytes = 1000, .time_ms = 100};
	struct hold *h = hold_new(5, &limits);
	struct held a = {0}, b = {0}, c = {0};
	struct out out = {.n = 0};
	uint32_t owner;
	(void)state;

	assert_int_equal(add(h, &a, 1, 10, 300, 0), HOLD_KEPT);
	assert_int_equal(add(h, &b, 2, 20, 300, 50), HOLD_KEPT);
	assert_int_equal(add(h, &a, 1, 11, 300, 60), HOLD_KEPT);
	assert_int_equal(add(h, &a, 1, 12, 500, 60), HOLD_OVER_BYTES);
	assert_int_equal(add(h, &a, 1, 12, 300, 60), HOLD_KEPT);
	assert_int_equal(add(h, &a, 1, 13, 1, 60), HOLD_OVER_PACKETS);
	assert_int_equal(add(h, &b, 2, 21, 1, 60), HOLD_KEPT);
	assert_int_equal(add(h, &c, 3, 30, 1, 60), HOLD_OVER_TOTAL);
	assert_int_equal(add(h, &c, 3, 30, 70000, 60), HOLD_OVER_BYTES);

	assert_false(hold_overdue(h, &(struct now){.mono_ns = 99 * 1000000}, &owner));
	assert_true(hold_overdue(h, &(struct now){.mono_ns = 100 * 1000000}, &owner));
	assert_int_equal(owner, 1);
	hold_release(h, &a, true, visit, &out);
	assert_int_equal(out.n, 3);
	assert_int_equal(out.ids[0], 10);
	assert_int_equal(out.ids[2], 12);
	assert_int_equal(a.packets, 0);
	assert_false(hold_overdue(h, &(struct now){.mono_ns = 149 * 1000000}, &owner));
	assert_true(hold_overdue(h, &(struct now){.mono_ns = 150 * 1000000}, &owner));
	assert_int_equal(owner, 2);
	hold_release(h, &a, true, visit, &out); /* an empty list is nothing */
	hold_release(h, &b, false, visit, &out);
	const struct hold_counts *n = hold_counts(h);
	assert_int_equal(n->held, 5);
	assert_int_equal(n->dropped, 3);
	assert_int_equal(n->released, 2);
	assert_int_equal(n->waiting, 0);
	assert_int_equal(n->over_total, 1);
	hold_free(h);
}

/* Random adds and releases of 40 flows: every id comes out exactly once, in its flow's order. */
static void
nothing_lost(void **state)
{
	enum { FLOWS = 40 };
	const struct hold_limits limits = {.packets = 20, .bytes = 100000, .time_ms = 100};
	struct hold *h = hold_new(300, &limits);
	struct held lists[FLOWS] = {{0}};
	static uint32_t expected[FLOWS][32];
	unsigned seed = 7;
	size_t kept = 0, seen = 0;
	(void)state;

	for (uint32_t id = 1; id <= 100000; id++) {
		unsigned f = (unsigned)rand_r(&seed) % FLOWS;
		if (rand_r(&seed) % 10 == 0) {
			struct out out = {.n = 0};
			size_t n = lists[f].packets;
			hold_release(h, &lists[f], false, visit, &out);
			assert_int_equal(out.n, n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(out.ids[i], expected[f][i]);
			seen += n;
		} else if (add(h, &lists[f], f, id, 10, id) == HOLD_KEPT) {
			expected[f][lists[f].packets - 1] = id;
			kept++;
		}
		assert_int_equal(hold_counts(h)->waiting, kept - seen);
	}
	assert_true(kept > 10000 && hold_counts(h)->over_packets + hold_counts(h)->over_total > 100);
	hold_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(order_and_limits), cmocka_unit_test(nothing_lost)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
