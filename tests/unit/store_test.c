/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records between engine and store: what is put comes out, what is broken does not, and the database keeps what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/store/store_private.h"

#define T0 1763856000000000 /* some moment in microseconds */

static uint64_t datagram[STORE_MAX / 8];
static struct store_walk walk;

static struct store_key
key_of(uint8_t n)
{
	struct store_key k = {.mac = {{2, 0, 0, 0, 0, n}}, .zone = "cameras"};
	addr_from_v4(&k.addr, (const uint8_t[]){10, 20, 0, n});
	return k;
}

static size_t
put_event(void *buf, size_t cap, const char *text)
{
	const struct store_event e = {.head = {.type = ST_EVENT}, .time_us = T0};
	const char *const texts[] = {"kind", "", text};
	return store_put(buf, cap, &e, sizeof e, texts, 3);
}

static void
round_trip(void **state)
{
	(void)state;
	size_t len = put_event(datagram, sizeof datagram, "one");
	len += put_event((uint8_t *)datagram + len, sizeof datagram - len, "");
	assert_int_equal(len % 8, 0);
	store_walk(&walk, datagram, len);
	assert_non_null(store_next(&walk));
	assert_int_equal(walk.n_texts, 3);
	assert_string_equal(walk.text[2], "one");
	assert_non_null(store_next(&walk));
	assert_string_equal(walk.text[2], "");
	assert_null(store_next(&walk));
	assert_int_equal(walk.refused, 0);
	assert_int_equal(put_event(datagram, 16, "one"), 0);
}

/* Each length that a whole record does not have; the good one behind it is found where its place is known. */
static void
broken_records(void **state)
{
	size_t len = put_event(datagram, sizeof datagram, "text");
	struct store_head *h = (struct store_head *)datagram;
	const uint16_t good = h->len;
	(void)state;

	for (unsigned wrong = 0; wrong < 200; wrong++) {
		size_t all = len + put_event((uint8_t *)datagram + len, sizeof datagram - len, "next");
		h->len = (uint16_t)wrong;
		store_walk(&walk, datagram, all);
		unsigned n = 0;
		while (store_next(&walk))
			n++;
		assert_true(wrong == good ? n == 2 && !walk.refused : walk.refused > 0);
	}
	h->len = good;
	for (unsigned type = 0; type < 70000; type += 7) {
		h->type = (uint16_t)type;
		store_walk(&walk, datagram, len);
		const struct store_head *got = store_next(&walk);
		assert_true(!got || got->type == ST_EVENT || got->type == ST_ROW);
	}
	struct store_device d = {.head = {.type = ST_DEVICE}, .key = key_of(1)};
	memset(d.name, 'x', sizeof d.name); /* no end */
	len = store_put(datagram, sizeof datagram, &d, sizeof d, NULL, 0);
	store_walk(&walk, datagram, len);
	assert_null(store_next(&walk));
	assert_int_equal(walk.refused, 1);
}

/* ---- the database, in this process ---- */

struct lab {
	char dir[64];
	struct database db;
	uint64_t ns;
};

static int
setup(void **state)
{
	struct lab *l = calloc(1, sizeof *l);
	strcpy(l->dir, "/tmp/lenscap-store-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	assert_true(database_open(&l->db, l->dir, T0 / 1000000));
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm"};
	struct lab *l = *state;
	char path[128];

	database_close(&l->db);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", l->dir, files[i]);
		unlink(path);
	}
	rmdir(l->dir);
	free(l);
	return 0;
}

static int
write_one(struct lab *l, size_t len)
{
	assert_true(database_ready(&l->db, ++l->ns, T0 / 1000000));
	store_walk(&walk, datagram, len);
	assert_non_null(store_next(&walk));
	l->db.records++;
	return write_record(&l->db, &walk);
}

static int64_t
number(struct lab *l, const char *sql)
{
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_prepare_v2(l->db.writer, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return v;
}

static size_t
put_flow(uint64_t id, const char *name, const char *reason, int64_t last_us, uint16_t src_port)
{
	struct store_flow f = {.head = {.type = ST_FLOW}, .key = key_of(1), .id = id, .first_us = last_us, .last_us = last_us, .flows = 1,
			       .packets = 2, .bytes_toserver = 3, .bytes_toclient = 4, .src_port = src_port, .dest_port = 443, .proto = 6};
	const char *texts[FLOW_TEXTS];

	f.local = f.key.addr;
	f.remote = key_of(200).addr;
	for (size_t i = 0; i < FLOW_TEXTS; i++)
		texts[i] = "";
	texts[FLOW_TEXT_DEVICE] = "cam";
	texts[FLOW_TEXT_NAME] = name;
	texts[FLOW_TEXT_REASON] = reason;
	texts[FLOW_TEXT_DECISION] = texts[FLOW_TEXT_WOULD] = "allow";
	return store_put(datagram, sizeof datagram, &f, sizeof f, texts, FLOW_TEXTS);
}

/* Number, own port, reason and time within the hour make no other row; name and hour do. */
static void
equal_flows_are_one_row(void **state)
{
	struct lab *l = *state;

	assert_int_equal(write_one(l, put_flow(1, "a", "because", T0, 1)), SQLITE_DONE);
	assert_int_equal(write_one(l, put_flow(2, "a", "for a longer reason", T0 + 5000000, 2)), SQLITE_DONE);
	assert_int_equal(write_one(l, put_flow(3, "b", "because", T0, 3)), SQLITE_DONE);
	assert_int_equal(write_one(l, put_flow(4, "a", "because", T0 + 3600000000, 4)), SQLITE_DONE);
	assert_int_equal(number(l, "SELECT count(*) FROM flows"), 3);
	assert_int_equal(number(l, "SELECT max(flows) FROM flows"), 2);
	assert_int_equal(number(l, "SELECT max(bytes_toclient) FROM flows"), 8);
	assert_int_equal(number(l, "SELECT count(*) FROM flow"), 4);
	assert_int_equal(number(l, "SELECT count(*) FROM destinations"), 2);
	assert_int_equal(write_one(l, put_flow(5, "a", "", -1, 4)), SQLITE_MISUSE);
}

static void
first_and_last_times_only_widen(void **state)
{
	struct lab *l = *state;
	struct store_device d = {.head = {.type = ST_DEVICE}, .key = key_of(9), .name = "nine", .first_us = T0, .last_us = T0 + 10, .flows_seen = 7};

	assert_int_equal(write_one(l, store_put(datagram, sizeof datagram, &d, sizeof d, NULL, 0)), SQLITE_DONE);
	d.first_us = T0 + 5;
	d.last_us = T0 + 6;
	d.flows_seen = 1;
	assert_int_equal(write_one(l, store_put(datagram, sizeof datagram, &d, sizeof d, NULL, 0)), SQLITE_DONE);
	assert_int_equal(number(l, "SELECT first FROM devices"), T0);
	assert_int_equal(number(l, "SELECT last FROM devices"), T0 + 10);
	assert_int_equal(number(l, "SELECT flows FROM devices"), 7);
	assert_int_equal(l->db.devices, 1);
}

/* What an answer says is JSON whatever the bytes were, and an answer that nobody waits for any longer costs nothing. */
static void
hostile_rows(void **state)
{
	struct lab *l = *state;
	char name[256];
	const char *error;
	bool end = false;
	struct store_query q = {.head = {.ticket = 3}, .kind = "flows"};
	size_t rows = 0;

	memset(name, 0xff, 255);
	name[255] = 0;
	assert_int_equal(write_one(l, put_flow(1, name, name, T0, 1)), SQLITE_DONE);
	assert_int_equal(write_one(l, put_flow(2, "\"\\\n", "", T0, 1)), SQLITE_DONE);
	database_commit(&l->db, l->ns, T0 / 1000000, true);
	struct answer *a = answer_new(&l->db, &q, T0 / 1000000, &error);
	assert_non_null(a);
	while (!end) {
		size_t len = answer_fill(a, datagram, sizeof datagram, UINT64_MAX, &end, &error);
		store_walk(&walk, datagram, len);
		for (const struct store_head *h; (h = store_next(&walk)); rows++) {
			assert_int_equal(h->type, ST_ROW);
			for (const char *c = walk.text[0]; *c; c++)
				assert_true(*c >= ' ' && *c < 0x7f);
		}
		assert_int_equal(walk.refused, 0);
	}
	assert_int_equal(rows, 2);
	answer_free(a);
	strcpy(q.kind, "nothing");
	assert_null(answer_new(&l->db, &q, 0, &error));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(broken_records),
		cmocka_unit_test_setup_teardown(equal_flows_are_one_row, setup, teardown),
		cmocka_unit_test_setup_teardown(first_and_last_times_only_widen, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_rows, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
