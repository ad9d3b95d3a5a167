/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a store says to the engine: answers that nobody waits for, an inventory that makes no sense, its own troubles, and its end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "bundle.h"
#include "chronicle.h"
#include "engine.h"
#include "store.h"

#define POLICY "version: 1\nmode: monitor\nzones: {cameras: {interfaces: [cam0], networks: [10.0.0.0/8]}}\ndefault: block\n"

static const int64_t noon_us = INT64_C(1772452800) * 1000000;

struct lab {
	struct engine *e;
	int gate, store;
	char dir[32];
	unsigned alerts;
};

static void
record(void *arg, const struct record *r)
{
	((struct lab *)arg)->alerts += r->type == RECORD_ALERT && r->signature_id == SID_STORE;
}

static void
new_store(struct lab *l)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	l->store = pair[0];
	chronicle_connect(l->e, pair[1]);
}

static int
start(void **state)
{
	static const struct channel_start s = {.generation = 1};
	struct lab *l = calloc(1, sizeof *l);
	struct bundle *b = bundle_from_text("test.yaml", POLICY, strlen(POLICY));
	int pair[2];

	assert_non_null(l);
	snprintf(l->dir, sizeof l->dir, "/tmp/chronicle-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	l->gate = pair[0];
	l->e = engine_new(l->dir, l->dir, pair[1], true);
	assert_non_null(l->e);
	l->e->recorder = record;
	l->e->recorder_arg = l;
	l->e->now = (struct now){1000000000, noon_us};
	l->e->start_us = noon_us;
	assert_int_equal(engine_start(l->e, &s, b, -1), 0);
	bundle_free(b);
	new_store(l);
	*state = l;
	return 0;
}

static int
stop(void **state)
{
	struct lab *l = *state;
	int channel = l->e->channel;

	engine_free(l->e);
	close(channel);
	close(l->gate);
	if (l->store >= 0)
		close(l->store);
	rmdir(l->dir);
	free(l);
	return 0;
}

/* Records of this type that the engine has sent since the last look; *ret_ticket is that of the last. */
static unsigned
heard(struct lab *l, enum store_type type, uint32_t *ret_ticket)
{
	static _Alignas(8) uint8_t bytes[STORE_MAX];
	static struct store_walk w;
	unsigned count = 0;
	ssize_t n;

	while ((n = recv(l->store, bytes, sizeof bytes, 0)) > 0) {
		store_walk(&w, bytes, (size_t)n);
		for (const struct store_head *h; (h = store_next(&w));)
			if (h->type == type) {
				count++;
				if (ret_ticket)
					*ret_ticket = h->ticket;
			}
		assert_int_equal(w.refused, 0);
	}
	return count;
}

static void
say(struct lab *l, const void *fixed, size_t len, const char *const *texts, size_t n_texts)
{
	static _Alignas(8) uint8_t bytes[STORE_MAX];
	size_t n = store_put(bytes, sizeof bytes, fixed, len, texts, n_texts);

	assert_true(n > 0);
	assert_int_equal(send(l->store, bytes, n, 0), n);
	chronicle_read(l->e);
}

static void
say_head(struct lab *l, enum store_type type, uint32_t ticket)
{
	const struct store_head h = {.type = (uint16_t)type, .ticket = ticket};

	say(l, &h, sizeof h, NULL, 0);
}

static void
say_row(struct lab *l, uint32_t ticket)
{
	const struct store_head h = {.type = ST_ROW, .ticket = ticket};
	const char *const text = "{\"row\":1}";

	say(l, &h, sizeof h, &text, 1);
}

/* Whoever asked has hung up: the store is told to stop, once, and what it still says is heard by nobody. */
static void
nobody_waits(void **state)
{
	struct lab *l = *state;
	const struct store_query q = {0};
	const char *error;
	uint32_t ticket = 0;

	assert_int_equal(heard(l, ST_HELLO, NULL), 1);
	assert_true(chronicle_query(l->e, 5, &q, &error));
	assert_true(chronicle_query(l->e, 6, &q, &error));
	assert_int_equal(heard(l, ST_QUERY, &ticket), 2);
	say_row(l, 5);
	assert_int_equal(heard(l, ST_CANCEL, &ticket), 1);
	assert_int_equal(ticket, 5);
	say_row(l, 5);
	say_row(l, 77);
	assert_int_equal(heard(l, ST_CANCEL, NULL), 0);
	say_head(l, ST_PAUSE, 6); /* a piece, and nobody to read it */
	assert_int_equal(heard(l, ST_CANCEL, &ticket), 1);
	assert_int_equal(ticket, 6);
	say_head(l, ST_PAUSE, 6);
	say_head(l, ST_PAUSE, 0);
	const struct store_done done = {.head = {.type = ST_DONE, .ticket = 5}, .ok = 1};
	say(l, &done, sizeof done, NULL, 0);
	assert_int_equal(heard(l, ST_NEXT, NULL) + heard(l, ST_CANCEL, NULL), 0);
	assert_false(chronicle_resume(l->e));
}

static void
not_more_at_once(void **state)
{
	struct lab *l = *state;
	const struct store_query q = {0};
	const char *error = NULL;

	for (uint32_t i = 1; i <= STORE_QUERIES; i++)
		assert_true(chronicle_query(l->e, i, &q, &error));
	assert_false(chronicle_query(l->e, 99, &q, &error));
	assert_non_null(strstr(error, "too many questions"));
	say_row(l, 3); /* its place is free again */
	assert_true(chronicle_query(l->e, 99, &q, &error));
	assert_false(chronicle_query(l->e, 0, &q, &error));
}

static struct store_device
device(const char *zone)
{
	struct store_device v = {.head = {.type = ST_DEVICE}, .name = "door", .first_us = 1, .last_us = 2, .flows_seen = 3};

	snprintf(v.key.zone, sizeof v.key.zone, "%s", zone);
	v.key.mac = (struct mac){{2, 0, 0, 0, 0, 1}};
	assert_true(addr_parse("10.0.0.1", &v.key.addr));
	snprintf(v.fact[0], sizeof v.fact[0], "P3245");
	return v;
}

/* Rows of a file that somebody wrote: zones that are gone, times that are none, makers that nobody knows. */
static void
damaged_inventory(void **state)
{
	struct lab *l = *state;
	struct store_evidence ev = {.head = {.type = ST_EVIDENCE}, .channel = "oui", .maker = "no such maker", .weight = 50, .first_us = 1, .last_us = 2};
	struct store_device v = device("nowhere");

	say(l, &v, sizeof v, NULL, 0);
	v = device("cameras");
	v.first_us = 9;
	say(l, &v, sizeof v, NULL, 0); /* it was seen first after it was seen last */
	v = device("cameras");
	v.last_us = INT64_MAX;
	v.first_us = noon_us + 1;
	say(l, &v, sizeof v, NULL, 0); /* or tomorrow */
	assert_null(device_find(l->e->devices, l->e->is.policy, "02:00:00:00:00:01"));
	v = device("cameras");
	say(l, &v, sizeof v, NULL, 0);
	struct device *d = device_find(l->e->devices, l->e->is.policy, "02:00:00:00:00:01");
	assert_non_null(d);
	assert_int_equal(d->flows_seen, 3);
	ev.key = v.key;
	say(l, &ev, sizeof ev, NULL, 0);
	snprintf(ev.channel, sizeof ev.channel, "no such channel");
	say(l, &ev, sizeof ev, NULL, 0);
	say_head(l, ST_LOADED, 0);
	say_head(l, ST_LOADED, 0); /* once is enough */
	v.key.mac.b[5] = 2;
	say(l, &v, sizeof v, NULL, 0); /* too late to be believed */
	assert_null(device_find(l->e->devices, l->e->is.policy, "02:00:00:00:00:02"));
	/* Half a record, and one of a type that only we send: counted. */
	uint64_t refused = l->e->stats.store_refused;
	assert_int_equal(send(l->store, &v, 20, 0), 20);
	chronicle_read(l->e);
	say_head(l, ST_NEXT, 1);
	assert_int_equal(l->e->stats.store_refused, refused + 2);
}

static void
its_troubles(void **state)
{
	struct lab *l = *state;
	struct store_state v = {.head = {.type = ST_STATE}, .bytes = 4096};
	const struct store_event put_aside = {.head = {.type = ST_EVENT}, .time_us = 1};
	const char *const texts[] = {"store", "", "the database was damaged and is put aside"};

	assert_string_equal(chronicle_problem(l->e), "");
	say(l, &v, sizeof v, NULL, 0);
	assert_string_equal(chronicle_problem(l->e), "");
	v.dropped = 3;
	v.refused = 2;
	say(l, &v, sizeof v, NULL, 0);
	assert_non_null(strstr(chronicle_problem(l->e), "history is incomplete: 3 records"));
	assert_int_equal(l->e->stats.store_dropped, 3);
	assert_int_equal(l->e->stats.store_refused, 2);
	assert_int_equal(l->alerts, 0);
	snprintf(v.text, sizeof v.text, "the disk is full");
	say(l, &v, sizeof v, NULL, 0);
	say(l, &v, sizeof v, NULL, 0); /* told once */
	assert_int_equal(l->alerts, 1);
	assert_string_equal(chronicle_problem(l->e), "the disk is full");
	v.dropped = 1; /* a number that went back adds nothing */
	say(l, &v, sizeof v, NULL, 0);
	assert_int_equal(l->e->stats.store_dropped, 3);
	say(l, &put_aside, sizeof put_aside, texts, 3);
	assert_int_equal(l->alerts, 2);
}

/* It dies, and the next one hears again who is here. */
static void
its_end(void **state)
{
	struct lab *l = *state;
	struct store_device v = device("cameras");
	const struct store_query q = {0};
	const char *error;

	say(l, &v, sizeof v, NULL, 0);
	say_head(l, ST_LOADED, 0);
	chronicle_event(l->e, "note", "", "before it died");
	assert_true(chronicle_query(l->e, 5, &q, &error));
	close(l->store);
	l->store = -1;
	chronicle_read(l->e);
	assert_int_equal(chronicle_fd(l->e), -1);
	assert_true(chronicle_expects(l->e)); /* another one is on its way */
	chronicle_event(l->e, "note", "", "while there is none");
	new_store(l);
	chronicle_tick(l->e);
	assert_int_equal(heard(l, ST_DEVICE, NULL), 1);
	close(l->store);
	l->store = -1;
	chronicle_tick(l->e);
	chronicle_read(l->e);
	l->e->now.wall_us += INT64_C(3600) * 1000000;
	chronicle_tick(l->e);
	assert_non_null(strstr(chronicle_problem(l->e), "the store is not running"));
	assert_false(chronicle_query(l->e, 6, &q, &error));
	assert_string_equal(error, chronicle_none);
	/* One that is gone already when it is greeted. */
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[0]);
	chronicle_connect(l->e, pair[1]);
	assert_int_equal(chronicle_fd(l->e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_waits, start, stop),	 cmocka_unit_test_setup_teardown(not_more_at_once, start, stop),
		cmocka_unit_test_setup_teardown(damaged_inventory, start, stop), cmocka_unit_test_setup_teardown(its_troubles, start, stop),
		cmocka_unit_test_setup_teardown(its_end, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
