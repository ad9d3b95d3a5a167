/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow table against a plain model: find, insert, expire, evict; nothing is lost and nothing ends twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow.h"
#include "hash.h"

#define SECOND 1000000000ull

#ifdef __SANITIZE_ADDRESS__
enum { MANY = 1 << 17 };
#else
enum { MANY = 1 << 20 };
#endif

enum { LONGEST_CHAIN = 16 }; /* with a random key and a flow a bucket, one in fifty million tables of a million flows has a longer one */

/* Two buckets a flow at most, and what flows share of known.h. */
_Static_assert(sizeof(struct flow) + 2 * sizeof(uint32_t) <= 304, "320 bytes a flow is all there is");

struct ends {
	size_t n, evicted;
	uint16_t last_port;
};

static void
on_end(void *arg, struct flow *f, const struct now *now, bool evicted)
{
	struct ends *e = arg;
	(void)now;
	e->n++;
	e->evicted += evicted;
	e->last_port = f->tuple.sport;
}

static const uint64_t idle[FLOW_LISTS] = {300 * SECOND, 30 * SECOND};

static struct flow *
add(struct flow_table *t, uint16_t port, uint64_t s, unsigned list)
{
	struct tuple tuple = {.sport = port, .dport = 443, .proto = 6};
	struct now now = {.mono_ns = s * SECOND, .wall_us = (int64_t)s * 1000000};
	struct flow seed;

	flow_init(t, &seed, &tuple, &now);
	struct flow *f = flow_insert(t, &seed, &now);
	flow_touch(t, f, list, &now);
	return f;
}

static struct flow *
find(struct flow_table *t, uint16_t port)
{
	struct tuple tuple = {.sport = port, .dport = 443, .proto = 6};
	return flow_find(t, &tuple);
}

static void
expires_by_last_news(void **state)
{
	struct ends ends = {0};
	struct flow_table *t = flow_table_new(100, idle, on_end, &ends);
	(void)state;

	add(t, 1, 1, FLOW_PATIENT);
	add(t, 2, 1, FLOW_IMPATIENT);
	struct flow *f = add(t, 3, 1, FLOW_IMPATIENT);
	flow_touch(t, f, FLOW_IMPATIENT, &(struct now){.mono_ns = 20 * SECOND});
	assert_int_equal(flow_expire(t, &(struct now){.mono_ns = 31 * SECOND}, 10), 1);
	assert_int_equal(ends.last_port, 2);
	assert_int_equal(flow_expire(t, &(struct now){.mono_ns = 50 * SECOND}, 10), 1);
	assert_int_equal(ends.last_port, 3);
	assert_int_equal(flow_expire(t, &(struct now){.mono_ns = 300 * SECOND}, 10), 0);
	assert_int_equal(flow_expire(t, &(struct now){.mono_ns = 301 * SECOND}, 10), 1);
	assert_int_equal(flow_count(t), 0);
	assert_int_equal(ends.evicted, 0);
	flow_table_free(t);
}

static void
evicts_the_least_missed(void **state)
{
	struct ends ends = {0};
	struct flow_table *t = flow_table_new(3, idle, on_end, &ends);
	(void)state;

	add(t, 1, 1, FLOW_PATIENT);
	add(t, 2, 2, FLOW_IMPATIENT);
	add(t, 3, 3, FLOW_IMPATIENT);
	add(t, 4, 4, FLOW_PATIENT);
	assert_int_equal(ends.evicted, 1);
	assert_int_equal(ends.last_port, 2);
	add(t, 5, 5, FLOW_PATIENT);
	assert_int_equal(ends.last_port, 3);
	add(t, 6, 6, FLOW_PATIENT);
	assert_int_equal(ends.last_port, 1);
	assert_int_equal(flow_count(t), 3);
	assert_null(find(t, 1));
	assert_non_null(find(t, 5));
	flow_table_free(t);
}

static void
end_visitor(void *arg, struct flow *f)
{
	flow_end(arg, f, &(struct now){0});
}

/* 200,000 random operations beside an array that remembers what must be there. */
static void
agrees_with_a_model(void **state)
{
	enum { KEYS = 3000 };
	struct ends ends = {0};
	struct flow_table *t = flow_table_new(KEYS, idle, on_end, &ends);
	static bool there[KEYS + 1];
	size_t count = 0, started = 0;
	unsigned seed = 1;
	(void)state;

	for (int i = 0; i < 200000; i++) {
		uint16_t port = (uint16_t)(1 + (unsigned)rand_r(&seed) % KEYS);
		struct flow *f = find(t, port);
		assert_int_equal(f != NULL, there[port]);
		if (!f) {
			assert_int_equal(add(t, port, 1, rand_r(&seed) & 1)->tuple.sport, port);
			started++;
			count++;
		} else if (rand_r(&seed) & 1) {
			flow_end(t, f, &(struct now){0});
			count--;
		} else {
			flow_touch(t, f, rand_r(&seed) & 1, &(struct now){.mono_ns = SECOND});
			continue;
		}
		there[port] = !there[port];
		assert_int_equal(flow_count(t), count);
	}
	flow_walk(t, end_visitor, t);
	assert_int_equal(flow_count(t), 0);
	assert_int_equal(ends.n, started);
	flow_table_free(t);
}

static void
ids_are_safe_for_javascript(void **state)
{
	struct ends ends = {0};
	struct flow_table *t = flow_table_new(10, idle, on_end, &ends);
	(void)state;

	uint64_t a = add(t, 1, 1, 0)->id, b = add(t, 2, 1, 0)->id;
	assert_true(a < 1ull << 51 && b < 1ull << 51 && a != b);
	flow_table_free(t);
}

/* ---- many, and hostile ones ---- */

static struct tuple
tuple_of(uint32_t src, uint32_t dst, uint16_t sport)
{
	struct tuple t = {.sport = sport, .dport = 443, .proto = 6};

	addr_from_v4(&t.src, (const uint8_t[]){10, (uint8_t)(src >> 16), (uint8_t)(src >> 8), (uint8_t)src});
	addr_from_v4(&t.dst, (const uint8_t[]){(uint8_t)(dst >> 24), (uint8_t)(dst >> 16), (uint8_t)(dst >> 8), (uint8_t)dst});
	return t;
}

static void
insert(struct flow_table *t, const struct tuple *tuple, uint64_t ns)
{
	struct now now = {.mono_ns = ns, .wall_us = (int64_t)(ns / 1000)};
	struct flow seed;

	flow_init(t, &seed, tuple, &now);
	assert_non_null(flow_insert(t, &seed, &now));
}

/* Each is there until its time is over, ends once, and its place is used again. */
static void
holds_a_million(void **state)
{
	struct ends ends = {0};
	struct flow_table *t = flow_table_new(MANY, idle, on_end, &ends);
	struct tuple tuple;
	(void)state;

	for (unsigned round = 1; round <= 2; round++) {
		for (uint32_t i = 0; i < MANY; i++) {
			tuple = tuple_of(i % 10000, i / 10000, (uint16_t)round);
			insert(t, &tuple, round * 1000 * SECOND + i);
		}
		assert_int_equal(flow_count(t), MANY);
		for (uint32_t i = 0; i < MANY; i++) {
			tuple = tuple_of(i % 10000, i / 10000, (uint16_t)round);
			assert_non_null(flow_find(t, &tuple));
			tuple = tuple_of(i % 10000, i / 10000, (uint16_t)(round + 1));
			assert_null(flow_find(t, &tuple));
		}
		/* Half of them are over at this time, and no call does more than it was asked for. */
		const struct now half = {.mono_ns = (round * 1000 + 30) * SECOND + MANY / 2 - 1};
		for (size_t i = 0; i < MANY / 2; i += 4096)
			assert_int_equal(flow_expire(t, &half, 4096), 4096);
		assert_int_equal(flow_expire(t, &half, 4096), 0);
		assert_int_equal(flow_expire(t, &(struct now){.mono_ns = (round * 1000 + 31) * SECOND}, MANY), MANY / 2);
		assert_int_equal(flow_count(t), 0);
		assert_int_equal(ends.n, (size_t)round * MANY);
	}
	assert_int_equal(ends.evicted, 0);
	flow_table_free(t);
}

static uint32_t
nth_sequential_port(uint32_t i, struct tuple *ret)
{
	*ret = tuple_of(1, 0xcb007100 + (i >> 16), (uint16_t)i);
	return i + 1;
}

/* Only bits that a table without a hash would not look at differ. */
static uint32_t
nth_with_the_same_low_bits(uint32_t i, struct tuple *ret)
{
	*ret = tuple_of(1, i << 12 | 7, 1024);
	ret->sport = (uint16_t)(i >> 20 << 10 | 1);
	return i + 1;
}

/* All of them in one bucket, if the key were what the attacker takes it for. */
static uint32_t
nth_collision_under_a_guessed_key(uint32_t i, struct tuple *ret)
{
	static const struct hash_key guessed;

	do
		*ret = tuple_of(i & 0xffff, 0xcb007100, (uint16_t)(i >> 16)), i++;
	while (hash_bytes(&guessed, ret, sizeof *ret) & 1023);
	return i;
}

static void
chains_stay_short(void **state)
{
	static const struct {
		uint32_t (*nth)(uint32_t i, struct tuple *ret);
		size_t flows;
	} attacks[] = {
		{nth_sequential_port, MANY / 4}, {nth_with_the_same_low_bits, MANY / 4}, {nth_collision_under_a_guessed_key, 1024},
	};
	(void)state;

	for (size_t a = 0; a < sizeof attacks / sizeof *attacks; a++) {
		struct ends ends = {0};
		struct flow_table *t = flow_table_new(attacks[a].flows, idle, on_end, &ends);
		struct tuple tuple;
		uint32_t at = 0;
		for (size_t i = 0; i < attacks[a].flows; i++) {
			at = attacks[a].nth(at, &tuple);
			assert_null(flow_find(t, &tuple));
			insert(t, &tuple, SECOND);
		}
		assert_int_equal(flow_count(t), attacks[a].flows);
		assert_in_range(flow_longest_chain(t), 1, LONGEST_CHAIN);
		flow_table_free(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expires_by_last_news),
		cmocka_unit_test(evicts_the_least_missed),
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(ids_are_safe_for_javascript),
		cmocka_unit_test(holds_a_million),
		cmocka_unit_test(chains_stay_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
