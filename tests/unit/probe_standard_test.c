/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The internet's protocols: every sample is named right with all its facts, whole, grown byte by byte, cut, damaged, and by no other row of the
 * whole table at any length. Pure noise is nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe_standard_samples.h"

enum { FACTS = 2048, NOISE = 100000 };

static void
say(char *out, const char *format, ...)
{
	size_t n = strlen(out);
	va_list ap;
	va_start(ap, format);
	vsnprintf(out + n, FACTS - n, format, ap);
	va_end(ap);
}

static void
say_text(char *out, const char *key, const char *text)
{
	if (text[0])
		say(out, " %s=%s", key, text);
}

static void
facts_text(const struct app *a, char out[FACTS])
{
	snprintf(out, FACTS, "%s", a->protocol);
	if (a->has_name)
		say(out, " name=%s", a->name);
	if (a->has_query)
		say(out, " query=%s/%u/%u", a->query, a->query_type, a->query_class);
	if (a->ech)
		say(out, " ech");
	if (a->encrypted)
		say(out, " encrypted");
	if (a->tls_version)
		say(out, " tls=%04x", a->tls_version);
	if (a->quic_version)
		say(out, " quic=%x", a->quic_version);
	for (size_t i = 0; i < a->n_alpn; i++)
		say(out, "%s%s", i ? "," : " alpn=", a->alpn[i]);
	say_text(out, "ja4", a->ja4);
	say_text(out, "method", a->http_method);
	say_text(out, "path", a->http_path);
	say_text(out, "agent", a->http_user_agent);
	if (a->http_status)
		say(out, " status=%u", a->http_status);
	say_text(out, "server", a->http_server);
	say_text(out, "realm", a->http_realm);
	say_text(out, "banner", a->banner);
	say_text(out, "detail", a->detail);
}

static bool
ends(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

static bool
all_texts_end(const struct app *a)
{
	for (size_t i = 0; i < APP_ALPN; i++)
		if (!ends(a->alpn[i], sizeof a->alpn[i]))
			return false;
	return a->n_alpn <= APP_ALPN && ends(a->name, sizeof a->name) && ends(a->query, sizeof a->query) &&
	       ends(a->ja4, sizeof a->ja4) && ends(a->http_method, sizeof a->http_method) &&
	       ends(a->http_path, sizeof a->http_path) && ends(a->http_user_agent, sizeof a->http_user_agent) &&
	       ends(a->http_server, sizeof a->http_server) && ends(a->http_realm, sizeof a->http_realm) &&
	       ends(a->banner, sizeof a->banner) && ends(a->detail, sizeof a->detail);
}

/* Asks one row and holds it to its contract: nothing is written before DONE, and then all texts end and there is a protocol. */
static enum probe_result
ask(const struct probe *row, const struct probe_input *in, struct app *app)
{
	static const struct app untouched;

	memset(app, 0, sizeof *app);
	if (row->l4 && row->l4 != in->l4)
		return PROBE_NO;
	enum probe_result r = row->inspect(in, app);
	if (r != PROBE_DONE && memcmp(app, &untouched, sizeof *app) != 0)
		fail_msg("%s wrote without saying DONE", row->name);
	if (r == PROBE_DONE && !all_texts_end(app))
		fail_msg("%s: a text has no end", row->name);
	return r;
}

static const char *
protocol_of(const struct probe *row, const struct app *app)
{
	return app->protocol ? app->protocol : row->name;
}

static void
test_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STANDARDS; i++) {
		struct scene scene;
		struct app app;
		char facts[FACTS] = "";

		scene_of(&scene, &standards[i].s);
		if (probe_inspect(&scene.in, &app) != PROBE_DONE)
			fail_msg("%s: not named", standards[i].s.what);
		facts_text(&app, facts);
		if (getenv("PROBE_FACTS"))
			printf("FACT\t%s\t%s\n", standards[i].s.what, facts);
		else if (strcmp(facts, standards[i].facts) != 0)
			fail_msg("%s:\n  is     %s\n  wanted %s", standards[i].s.what, facts, standards[i].facts);
		scene_end(&scene);
	}
}

/* The last unit without its bytes from `len` on. */
static void
scene_cut(struct scene *cut, const struct sample *s, size_t unit, size_t len)
{
	static struct message m;

	scene_begin(cut, s->l4, s->port);
	for (size_t i = 0; i <= unit; i++) {
		message_build(&m, s->units[i].text);
		scene_add(cut, s->units[i].side, m.bytes, i == unit ? len : m.len);
	}
}

static size_t
unit_len(const struct sample *s, size_t unit)
{
	static struct message m;
	message_build(&m, s->units[unit].text);
	return m.len;
}

static size_t
n_units(const struct sample *s)
{
	size_t n = 0;
	while (n < SAMPLE_UNITS && s->units[n].text)
		n++;
	return n;
}

/* A stream that grows byte by byte: the row never gives up, says DONE from the byte on that proves it, and stays with its answer. */
static void
grow_stream(const struct sample *s, const char *facts)
{
	size_t total = 0, enough = 0, whole = 0;
	bool done = false;

	for (size_t u = 0; u < n_units(s); u++)
		whole += unit_len(s, u);
	enough = s->enough ? s->enough : whole;
	for (size_t u = 0; u < n_units(s); u++)
		for (size_t len = 1; len <= unit_len(s, u); len++) {
			struct scene scene;
			struct app app;
			scene_cut(&scene, s, u, len);
			enum probe_result r = ask(s->row, &scene.in, &app);
			total++;
			if (r == PROBE_NO || (r == PROBE_DONE) != (total >= enough))
				fail_msg("%s: %d after %zu bytes of %zu", s->what, r, total, whole);
			if (r == PROBE_DONE && strncmp(facts, app.protocol, strlen(app.protocol)) != 0)
				fail_msg("%s: %s after %zu bytes", s->what, app.protocol, total);
			done = done || r == PROBE_DONE;
			scene_end(&scene);
		}
	assert_true(done);
}

/* A last datagram that is cut short proves nothing, unless its protocol has no length of its own. */
static void
cut_datagram(const struct sample *s)
{
	size_t last = n_units(s) - 1, whole = unit_len(s, last), enough = s->enough ? s->enough : whole;

	for (size_t len = 0; len < enough; len++) {
		struct scene scene;
		struct app app;
		scene_cut(&scene, s, last, len);
		if (ask(s->row, &scene.in, &app) == PROBE_DONE)
			fail_msg("%s: DONE after %zu bytes of %zu", s->what, len, whole);
		scene_end(&scene);
	}
}

static void
test_grown(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STANDARDS; i++)
		if (standards[i].s.l4 == TCP)
			grow_stream(&standards[i].s, standards[i].facts);
		else if (standards[i].s.l4 == UDP) /* an echo of any length is an echo */
			cut_datagram(&standards[i].s);
}

/* When nothing more will come, the walk must not go on waiting. */
static void
test_ended(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STANDARDS; i++) {
		const struct sample *s = &standards[i].s;
		struct scene scene;
		struct app app;

		scene_cut(&scene, s, 0, unit_len(s, 0) / 2);
		scene.in.side[UP].ended = scene.in.side[DOWN].ended = true;
		if (probe_inspect(&scene.in, &app) == PROBE_MORE)
			fail_msg("%s: still waits", s->what);
		scene_end(&scene);
	}
}

static void
assert_no_other(const struct standard *s, const struct scene *scene, size_t len)
{
	size_t n;
	const struct probe *const *rows = probe_list(&n);
	char named[FACTS];

	snprintf(named, sizeof named, "%s", s->facts);
	named[strcspn(named, " ")] = 0;
	for (size_t i = 0; i < n; i++) {
		struct app app;
		if (rows[i] != s->s.row && ask(rows[i], &scene->in, &app) == PROBE_DONE &&
		    strcmp(protocol_of(rows[i], &app), named) != 0)
			fail_msg("%s: %s after %zu bytes", s->s.what, protocol_of(rows[i], &app), len);
	}
}

/* Two rows that know the same bytes on purpose, by the port. */
static bool
is_shared(const struct standard *s)
{
	uint16_t port = s->s.port;
	return port == 5353 || port == 5355 || port == 137;
}

static void
test_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STANDARDS; i++) {
		const struct sample *s = &standards[i].s;
		size_t whole = unit_len(s, 0);
		for (size_t len = 1; len <= whole && !is_shared(&standards[i]); len++) {
			struct scene scene;
			if (s->l4 != TCP) /* a part of a datagram is another datagram */
				continue;
			scene_cut(&scene, s, 0, len);
			assert_no_other(&standards[i], &scene, len);
			scene_end(&scene);
		}
		struct scene scene;
		scene_of(&scene, s);
		if (!is_shared(&standards[i]))
			assert_no_other(&standards[i], &scene, whole);
		scene_end(&scene);
	}
}

static uint64_t
random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* One byte of one unit becomes another: the contract holds for every row. */
static void
test_damaged(void **state)
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x20};
	(void)state;
	for (size_t i = 0; i < N_STANDARDS; i++) {
		const struct sample *s = &standards[i].s;
		struct scene scene;
		scene_of(&scene, s);
		for (int side = 0; side < 2; side++)
			for (size_t u = 0; u < scene.in.side[side].n; u++)
				for (size_t at = 0; at < scene.spans[side][u].len; at++) {
					uint8_t *byte = (uint8_t *)(uintptr_t)scene.spans[side][u].p + at, was = *byte;
					struct app app;
					for (size_t m = 0; m < sizeof masks; m++) {
						*byte = was ^ masks[m];
						(void)ask(s->row, &scene.in, &app);
					}
					*byte = was;
				}
		scene_end(&scene);
	}
}

/* A bit of a message, then noise; and noise alone. Nothing of 64 random bytes is any protocol. */
static void
test_noise(void **state)
{
	static const uint16_t ports[] = {0, 53, 123, 4500, 5353, 32100, 8 << 8};
	static const uint8_t transports[] = {UDP, TCP, IPPROTO_ICMP};
	uint64_t x = 0x9e3779b97f4a7c15;
	size_t n;
	const struct probe *const *rows = probe_list(&n);

	(void)state;
	for (unsigned i = 0; i < NOISE; i++) {
		uint64_t words[8];
		for (size_t w = 0; w < 8; w++)
			words[w] = random_next(&x);
		struct span unit = {(uint8_t *)words, sizeof words};
		struct probe_input in = {.l4 = transports[i % 3], .port = ports[i % 7]};
		in.side[i >> 4 & 1] = (struct probe_side){&unit, 1, false};
		for (size_t r = 0; r < n; r++) {
			struct app app;
			if (strcmp(rows[r]->name, "icmp-tunnel") != 0 && ask(rows[r], &in, &app) == PROBE_DONE)
				fail_msg("%s in noise", rows[r]->name);
		}
	}
}

/* Nothing at all: every row waits, or never will. */
static void
test_silence(void **state)
{
	size_t n;
	const struct probe *const *rows = probe_list(&n);
	struct span empty = {NULL, 0};
	struct app app;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct probe_input nothing = {.l4 = rows[i]->l4 ? rows[i]->l4 : UDP};
		struct probe_input no_bytes = {.l4 = nothing.l4, .side = {{&empty, 1, false}, {&empty, 1, false}}};
		if (ask(rows[i], &nothing, &app) == PROBE_DONE || (ask(rows[i], &no_bytes, &app) == PROBE_DONE && nothing.l4 != IPPROTO_ICMP))
			fail_msg("%s out of nothing", rows[i]->name);
	}
	struct probe_input tcp = {.l4 = TCP};
	assert_int_equal(probe_inspect(&tcp, &app), PROBE_MORE);
	assert_null(app.protocol);
}

/* What `protocol:` in a policy may say: each name once, nothing empty. */
static void
test_names(void **state)
{
	size_t n;
	const struct probe *const *rows = probe_list(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(rows[i]->name[0] && rows[i]->help[0] && rows[i]->proves && rows[i]->proves <= PROVES_EITHER);
		for (size_t j = 0; j < i; j++)
			if (strcmp(rows[i]->name, rows[j]->name) == 0)
				fail_msg("%s stands twice", rows[i]->name);
	}
	for (size_t i = 0; i < N_STANDARDS; i++) {
		bool listed = false;
		size_t len = strcspn(standards[i].facts, " ");
		for (size_t j = 0; j < n; j++)
			listed = listed || (strncmp(rows[j]->name, standards[i].facts, len) == 0 && rows[j]->name[len] == 0);
		if (!listed)
			fail_msg("%s: not in the list", standards[i].facts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts), cmocka_unit_test(test_grown),   cmocka_unit_test(test_ended),
		cmocka_unit_test(test_alone), cmocka_unit_test(test_damaged), cmocka_unit_test(test_noise),
		cmocka_unit_test(test_silence), cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
