/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every known message of the camera protocols: named right, whole, cut, grown byte by byte,
 * damaged, and by no other row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe_camera_samples.h"

static bool
text_ends(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

/* What holds of every answer. */
static void
assert_sane(const struct probe *row, enum probe_result result, const struct app *app)
{
	assert_true(text_ends(app->detail, sizeof app->detail) &&
		    text_ends(app->banner, sizeof app->banner) && text_ends(app->name, sizeof app->name) &&
		    text_ends(app->http_path, sizeof app->http_path));
	if (result == PROBE_DONE)
		assert_string_equal(app->protocol, row->name);
	else
		assert_true(!app->protocol && !app->detail[0] && !app->banner[0] && !app->has_name);
}

static enum probe_result
ask(const struct probe *row, const struct probe_input *in, struct app *app)
{
	memset(app, 0, sizeof *app);
	enum probe_result result = row->inspect(in, app);
	assert_sane(row, result, app);
	return result;
}

static bool
same(const char *text, const char *expected)
{
	return strcmp(text, expected ? expected : "") == 0;
}

static void
test_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct scene scene;
		struct app app;

		scene_of(&scene, s);
		if (probe_inspect(&scene.in, &app) != PROBE_DONE)
			fail_msg("%s: not named", s->what);
		if (!same(app.protocol, s->row->name) || !same(app.detail, s->detail) ||
		    !same(app.banner, s->banner))
			fail_msg("%s: %s, detail \"%s\", banner \"%s\"", s->what, app.protocol, app.detail,
				 app.banner);
		scene_end(&scene);
	}
}

/* Rows that are right to claim another's message too; the table asks the closer one first. */
static bool
shares(const struct probe *own, const char *other)
{
	return own == &probe_bubble && strcmp(other, "http") == 0;
}

static void
test_nobody_elses(void **state)
{
	size_t n;
	const struct probe *const *rows = probe_list(&n);

	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct scene scene;
		scene_of(&scene, &samples[i]);
		for (size_t k = 0; k < n; k++) {
			struct app app = {0};
			if (rows[k] == samples[i].row || (rows[k]->l4 && rows[k]->l4 != samples[i].l4))
				continue;
			if (rows[k]->inspect(&scene.in, &app) == PROBE_DONE &&
			    !shares(samples[i].row, rows[k]->name))
				fail_msg("%s: claimed by %s", samples[i].what, rows[k]->name);
		}
		scene_end(&scene);
	}
}

/*
 * The same message cut at every byte. A stream waits for the rest; a cut datagram is not the
 * protocol's.
 */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct scene whole, cut;
		struct app app;

		scene_of(&whole, s);
		size_t side = whole.in.side[UP].n ? UP : DOWN,
		       all = s->enough ? s->enough : whole.spans[side][0].len;
		for (size_t len = 0; s->units[1].text == NULL && len < all; len++) {
			scene_begin(&cut, s->l4, s->port);
			scene_add(&cut, (int)side, whole.spans[side][0].p, len);
			enum probe_result result = ask(s->row, &cut.in, &app);
			if (result == PROBE_DONE || (s->l4 == TCP && result == PROBE_NO))
				fail_msg("%s: cut to %zu bytes: %d", s->what, len, result);
			scene_end(&cut);
		}
		scene_end(&whole);
	}
}

/* More bytes behind the first message of a stream change nothing. */
static void
test_grown(void **state)
{
	static const uint8_t more[64] = {0x5a, 0xa5};

	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		static uint8_t longer[MESSAGE_MAX];
		struct scene whole, grown;
		struct app app;

		scene_of(&whole, s);
		size_t side = whole.in.side[UP].n ? UP : DOWN, len = whole.spans[side][0].len;
		memcpy(longer, whole.spans[side][0].p, len);
		memcpy(longer + len, more, sizeof more);
		scene_begin(&grown, s->l4, s->port);
		scene_add(&grown, (int)side, longer, len + sizeof more);
		if (s->l4 == TCP && ask(s->row, &grown.in, &app) != PROBE_DONE)
			fail_msg("%s: followed by more", s->what);
		scene_end(&grown);
		scene_end(&whole);
	}
}

/* A stream that was said no to stays so, however it goes on. */
static void
assert_monotonic(const struct sample *s, size_t side, const uint8_t *bytes, size_t len)
{
	bool refused = false;

	for (size_t cut = 1; cut <= len; cut++) {
		struct scene scene;
		struct app app;

		scene_begin(&scene, s->l4, s->port);
		scene_add(&scene, (int)side, bytes, cut);
		enum probe_result result = ask(s->row, &scene.in, &app);
		if (refused && result != PROBE_NO)
			fail_msg("%s: refused, then taken back at %zu bytes", s->what, cut);
		refused = result == PROBE_NO;
		scene_end(&scene);
	}
}

static void
damage(const struct sample *s, size_t side, const struct span *whole, size_t at, uint8_t value)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct scene scene;
	struct app app;

	memcpy(bytes, whole->p, whole->len);
	bytes[at] = value;
	scene_begin(&scene, s->l4, s->port);
	scene_add(&scene, (int)side, bytes, whole->len);
	ask(s->row, &scene.in, &app);
	if (probe_inspect(&scene.in, &app) == PROBE_DONE)
		assert_non_null(app.protocol);
	scene_end(&scene);
	if (s->l4 == TCP && whole->len <= 256 && at < 40)
		assert_monotonic(s, side, bytes, whole->len);
}

static void
test_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct scene whole;
		scene_of(&whole, &samples[i]);
		for (size_t side = UP; side <= DOWN; side++) {
			const struct span *unit = &whole.spans[side][0];
			for (size_t at = 0; whole.in.side[side].n && at < unit->len && at < 400; at++) {
				damage(&samples[i], side, unit, at, (uint8_t)~unit->p[at]);
				damage(&samples[i], side, unit, at, unit->p[at] ^ 1);
				damage(&samples[i], side, unit, at, 0xff);
				damage(&samples[i], side, unit, at, 0);
			}
		}
		scene_end(&whole);
	}
}

/* One datagram more that is not the protocol's takes it all back: all that is there must fit. */
static void
test_foreign_datagram(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct scene scene;
		struct app app;

		if (samples[i].l4 != UDP)
			continue;
		scene_of(&scene, &samples[i]);
		scene_add(&scene, UP, (const uint8_t *)"\x77 other words", 12);
		if (ask(samples[i].row, &scene.in, &app) != PROBE_NO)
			fail_msg("%s: beside a foreign datagram", samples[i].what);
		scene_end(&scene);
	}
}

/* Nothing may come any more: what is missing stays missing. */
static void
test_ended(void **state)
{
	struct scene scene;
	struct app app;

	(void)state;
	scene_begin(&scene, UDP, 1234);
	scene_add(&scene, UP, (const uint8_t *)"\xf1\0\0\0", 4);
	assert_int_equal(ask(&probe_pppp, &scene.in, &app), PROBE_MORE);
	scene.in.side[UP].ended = true;
	assert_int_equal(ask(&probe_pppp, &scene.in, &app), PROBE_MORE);
	scene.in.side[DOWN].ended = true;
	assert_int_equal(ask(&probe_pppp, &scene.in, &app), PROBE_NO);
	scene_end(&scene);
}

static uint64_t
noise(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * 0x2545f4914f6cdd1d;
}

static void
test_noise(void **state)
{
	uint64_t seed = 88172645463325252;

	(void)state;
	for (size_t round = 0; round < 100000; round++) {
		uint64_t words[8];
		struct scene scene;
		struct app app;

		for (size_t i = 0; i < 8; i++)
			words[i] = noise(&seed);
		scene_begin(&scene, round & 1 ? TCP : UDP, 32100);
		scene_add(&scene, round >> 1 & 1, (const uint8_t *)words, sizeof words - round % 61);
		for (size_t i = 0; i < N_SAMPLES; i++)
			if ((i == 0 || samples[i].row != samples[i - 1].row) &&
			    (!samples[i].row->l4 || samples[i].row->l4 == scene.in.l4))
				assert_int_not_equal(ask(samples[i].row, &scene.in, &app), PROBE_DONE);
		scene_end(&scene);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),	cmocka_unit_test(test_nobody_elses),
		cmocka_unit_test(test_cut),	cmocka_unit_test(test_grown),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_foreign_datagram),
		cmocka_unit_test(test_ended),	cmocka_unit_test(test_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
