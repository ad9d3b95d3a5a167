/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The roll-up against a plain model: for each key, what is told is what was offered, whatever closes a window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sink.h"

#define S UINT64_C(1000000000)

enum { KEYS = 40, WINDOW_S = 60 };

/* What was offered and what was told, by key; the copy carries the key's number. */
struct world {
	struct rollup *r;
	uint64_t offered[KEYS], told[KEYS];
	unsigned emits;
	uint64_t last_n;
	uint32_t last_seconds;
	struct now last_now;
};

/* Copies that a roll-up holds, by key. */
static int kept[KEYS];

static void
forgotten(const void *copy)
{
	unsigned k;

	memcpy(&k, copy, sizeof k);
	kept[k]--;
}

static struct rollup_key
key_of(unsigned k)
{
	struct rollup_key key = {.device = (uint16_t)(k % 7), .inbound = k & 1, .rule = 1900000 + k % 3};

	addr_from_v4(&key.local, (uint8_t[4]){192, 0, 2, (uint8_t)(k % 5)});
	addr_from_v4(&key.remote, (uint8_t[4]){203, 0, 113, (uint8_t)k});
	return key;
}

static void
emitted(void *arg, const struct rollup_key *key, const void *copy, size_t copy_len, uint64_t n,
	uint32_t seconds, const struct now *now)
{
	struct world *w = arg;
	unsigned k;

	assert_int_equal(copy_len, sizeof k);
	memcpy(&k, copy, sizeof k);
	struct rollup_key want = key_of(k);
	assert_memory_equal(key, &want, sizeof want);
	assert_true(n >= 1);
	assert_in_range(seconds, 1, WINDOW_S);
	w->told[k] += n;
	w->emits++;
	w->last_n = n;
	w->last_seconds = seconds;
	w->last_now = *now;
}

static bool
offer(struct world *w, unsigned k, uint64_t count, uint64_t at_ns)
{
	struct rollup_key key = key_of(k);
	struct now now = {.mono_ns = at_ns, .wall_us = (int64_t)(at_ns / 1000)};

	bool first = rollup_add(w->r, &key, count, &k, sizeof k, &now);
	w->offered[k] += count;
	if (first) {
		w->told[k] += count;
		kept[k]++;
	}
	return first;
}

static void
tick(struct world *w, uint64_t at_ns)
{
	rollup_tick(w->r, &(struct now){.mono_ns = at_ns, .wall_us = (int64_t)(at_ns / 1000)});
}

static void
start(struct world *w, size_t capacity)
{
	memset(w, 0, sizeof *w);
	w->r = rollup_new(capacity, WINDOW_S, sizeof(unsigned), emitted, w);
	assert_non_null(w->r);
	memset(kept, 0, sizeof kept);
	rollup_on_forget(w->r, forgotten);
}

static void
finish(struct world *w)
{
	static const int none[KEYS];

	rollup_free(w->r);
	assert_memory_equal(w->offered, w->told, sizeof w->told);
	assert_memory_equal(kept, none, sizeof kept);
}

static void
test_one_window(void **state)
{
	struct world w;

	(void)state;
	start(&w, 16);
	assert_true(offer(&w, 1, 1, 5 * S));
	assert_false(offer(&w, 1, 1, 6 * S));
	assert_false(offer(&w, 1, 15, 7 * S));
	tick(&w, 65 * S - 1);
	assert_int_equal(w.emits, 0);
	tick(&w, 65 * S);
	assert_int_equal(w.emits, 1);
	assert_int_equal(w.last_n, 16);
	assert_int_equal(w.last_seconds, 60);
	assert_int_equal(w.last_now.mono_ns, 65 * S);
	tick(&w, 300 * S);
	assert_int_equal(w.emits, 1);
	assert_true(offer(&w, 1, 1, 301 * S)); /* a new window */
	finish(&w);
	assert_int_equal(w.emits, 1); /* nothing was held back in it */
}

/* The window is over although nobody ticked. */
static void
test_over_without_tick(void **state)
{
	struct world w;

	(void)state;
	start(&w, 16);
	assert_true(offer(&w, 2, 1, 0));
	assert_false(offer(&w, 2, 3, 59 * S));
	assert_true(offer(&w, 2, 1, 60 * S));
	assert_int_equal(w.emits, 1);
	assert_int_equal(w.last_n, 3);
	finish(&w);
}

static void
test_full_closes_oldest(void **state)
{
	struct world w;

	(void)state;
	start(&w, 2);
	assert_true(offer(&w, 1, 1, 0));
	assert_true(offer(&w, 2, 1, 1 * S));
	assert_false(offer(&w, 1, 4, 2 * S));
	assert_false(offer(&w, 2, 1, 2 * S));
	assert_true(offer(&w, 3, 1, 3 * S)); /* key 1 goes */
	assert_int_equal(w.emits, 1);
	assert_int_equal(w.last_n, 4);
	assert_int_equal(w.last_seconds, 3);
	assert_false(offer(&w, 2, 1, 3 * S)); /* still there */
	assert_true(offer(&w, 1, 1, 3 * S));  /* key 2 goes */
	assert_int_equal(w.emits, 2);
	assert_int_equal(w.last_n, 2);
	finish(&w);
}

static void
test_shutdown_emits(void **state)
{
	struct world w;

	(void)state;
	start(&w, 16);
	offer(&w, 1, 1, 10 * S);
	offer(&w, 1, 1, 10 * S);
	offer(&w, 2, 1, 10 * S);
	tick(&w, 11 * S);
	finish(&w);
	assert_int_equal(w.emits, 1);
	assert_int_equal(w.last_seconds, 1);
	assert_int_equal(w.last_now.mono_ns, 11 * S);
}

static void
test_corners(void **state)
{
	struct world w;

	(void)state;
	start(&w, 1);
	assert_false(offer(&w, 1, 0, 0)); /* nothing happened */
	assert_true(offer(&w, 1, 1, 0));
	assert_false(offer(&w, 1, UINT64_MAX - 5, 1));
	assert_int_equal(w.emits, 0);
	assert_true(offer(&w, 1, 10, 2)); /* the sum would overflow: a new record instead */
	assert_int_equal(w.emits, 1);
	assert_int_equal(w.last_n, UINT64_MAX - 5);
	rollup_free(w.r);
}

/* A window of no length rolls nothing up. */
static void
test_no_window(void **state)
{
	struct rollup *r = rollup_new(4, 0, 0, emitted, NULL);
	struct rollup_key key = key_of(1);
	struct now now = {.mono_ns = 1};

	(void)state;
	assert_non_null(r);
	for (int i = 0; i < 10; i++)
		assert_true(rollup_add(r, &key, 1, NULL, 0, &now));
	rollup_free(r);
}

static void
run_random(size_t capacity, unsigned steps)
{
	struct world w;
	uint64_t at = 0;

	start(&w, capacity);
	for (unsigned i = 0; i < steps; i++) {
		at += (uint64_t)random() % (3 * S);
		if (random() % 10 == 0)
			tick(&w, at);
		else
			offer(&w, (unsigned)random() % KEYS, (uint64_t)random() % 5, at);
	}
	assert_true(w.emits > 0);
	finish(&w);
}

static void
test_random_is_exact(void **state)
{
	static const size_t capacities[] = {0, 1, 2, 3, 8, KEYS - 1, KEYS, 1000};

	(void)state;
	srandom(7);
	for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++)
		run_random(capacities[i], 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_window),
		cmocka_unit_test(test_over_without_tick),
		cmocka_unit_test(test_full_closes_oldest),
		cmocka_unit_test(test_shutdown_emits),
		cmocka_unit_test(test_corners),
		cmocka_unit_test(test_no_window),
		cmocka_unit_test(test_random_is_exact),
	};

	return cmocka_run_group_tests_name("rollup", tests, NULL, NULL);
}
