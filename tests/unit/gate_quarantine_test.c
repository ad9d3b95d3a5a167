/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quarantine's list and its file: what survives, what ends when, and what a file that others wrote may do. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/gate/quarantine.h"

enum { NOW = 1700000000 };

static int
state_directory(char path[64])
{
	strcpy(path, "/tmp/lenscap-quarantine-XXXXXX");
	assert_non_null(mkdtemp(path));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
remove_directory(int fd, const char *path)
{
	unlinkat(fd, "quarantine", 0);
	unlinkat(fd, "quarantine", AT_REMOVEDIR);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

static struct channel_quarantine
message(unsigned n, const char *address, uint32_t seconds, uint32_t ticket)
{
	struct channel_quarantine m = {.head = {.arg = ticket}, .seconds = seconds};

	m.mac = (struct mac){{2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
	if (address)
		assert_true(addr_parse(address, &m.addr));
	return m;
}

static size_t
rows(const struct quarantine *q, int64_t now_s, struct channel_quarantined_row *ret, size_t max)
{
	size_t cursor = 0, n = 0, more;

	while (n < max && (more = quarantine_rows(q, now_s, &cursor, ret + n, max - n)))
		n += more;
	return n;
}

static void
survives_a_restart(void **state)
{
	char path[64], text[ADDR_TEXT];
	int fd = state_directory(path);
	struct quarantine *q = quarantine_new(), *again = quarantine_new();
	struct channel_quarantine a = message(1, "10.20.0.11", 60, 7), b = message(2, NULL, 0, 0), c = {.by_address = 1, .seconds = 10};
	struct channel_quarantined_row r[8];
	(void)state;
	assert_int_equal(quarantine_load(q, fd, NOW), -1);
	assert_true(addr_parse("fd21::5", &c.addr));
	quarantine_take(q, &a, NOW);
	quarantine_take(q, &b, NOW);
	quarantine_take(q, &c, NOW);
	assert_true(quarantine_changed(q) && quarantine_unsaved(q));
	assert_int_equal(quarantine_save(q, fd), 0);
	assert_false(quarantine_unsaved(q));
	/* By then the third one is over. */
	assert_int_equal(quarantine_load(again, fd, NOW + 20), 0);
	assert_true(quarantine_changed(again));
	assert_int_equal(rows(again, NOW + 20, r, 8), 2);
	assert_int_equal(r[0].left_s, 40);
	assert_int_equal(r[0].why, QUARANTINE_OPERATOR);
	assert_string_equal(addr_print(&r[0].addr, text), "10.20.0.11");
	assert_int_equal(r[1].left_s, 0);
	assert_int_equal(r[1].why, QUARANTINE_RULE);
	assert_int_equal(r[0].flags | r[1].flags, 0); /* no news: it was told when it began */
	quarantine_free(q);
	quarantine_free(again);
	remove_directory(fd, path);
}

static void
begins_ends_and_is_told_once(void **state)
{
	struct quarantine *q = quarantine_new();
	struct channel_quarantine m = message(1, "10.20.0.11", 60, 7);
	struct channel_quarantined_row r[4];
	(void)state;
	quarantine_take(q, &m, NOW);
	assert_int_equal(rows(q, NOW, r, 4), 1);
	assert_int_equal(r[0].flags, QUARANTINED_BEGUN);
	quarantine_told(q);
	assert_int_equal(rows(q, NOW, r, 4), 1);
	assert_int_equal(r[0].flags, 0);
	quarantine_expire(q, NOW + 59);
	assert_int_equal(quarantine_count(q), 1);
	quarantine_expire(q, NOW + 60);
	assert_int_equal(quarantine_count(q), 0);
	assert_int_equal(rows(q, NOW + 60, r, 4), 1);
	assert_int_equal(r[0].flags, QUARANTINED_ENDED);
	quarantine_told(q);
	assert_int_equal(rows(q, NOW + 60, r, 4), 0);
	quarantine_take(q, &m, NOW);
	m.release = 1;
	quarantine_take(q, &m, NOW);
	quarantine_take(q, &m, NOW);
	assert_int_equal(quarantine_count(q), 0);
	quarantine_free(q);
}

/* A rule makes it longer, never shorter; a person has the last word. */
static void
who_asks_decides(void **state)
{
	struct quarantine *q = quarantine_new();
	struct channel_quarantine by_hand = message(1, NULL, 1000, 7), by_rule = message(1, NULL, 100, 0);
	struct channel_quarantined_row r[2];
	(void)state;
	quarantine_take(q, &by_hand, NOW);
	quarantine_take(q, &by_rule, NOW);
	rows(q, NOW, r, 2);
	assert_int_equal(r[0].left_s, 1000);
	by_rule.seconds = 2000;
	quarantine_take(q, &by_rule, NOW);
	by_hand.seconds = 5;
	rows(q, NOW, r, 2);
	assert_int_equal(r[0].left_s, 2000);
	quarantine_take(q, &by_hand, NOW);
	assert_int_equal(rows(q, NOW, r, 2), 1);
	assert_int_equal(r[0].left_s, 5);
	quarantine_free(q);
}

static void
addresses_follow_the_neighbour_table(void **state)
{
	struct quarantine *q = quarantine_new();
	struct channel_quarantine m = message(1, "10.20.0.11", 0, 7);
	struct channel_neighbour row = {.mac = m.mac};
	char *text = NULL;
	size_t len;
	(void)state;
	quarantine_take(q, &m, NOW);
	assert_true(addr_parse("fd20::11", &row.addr));
	quarantine_neighbours(q, &row, 1);
	/* Another device has its old address now. */
	row = (struct channel_neighbour){.mac = {{2, 0, 0, 0, 0, 77}}, .addr = m.addr};
	quarantine_neighbours(q, &row, 1);
	FILE *f = open_memstream(&text, &len);
	assert_non_null(f);
	quarantine_put(f, q, NOW);
	fclose(f);
	assert_non_null(strstr(text, "jail { 02:00:00:00:00:01 }"));
	assert_non_null(strstr(text, "jail6 { fd20::11 }"));
	assert_null(strstr(text, "10.20.0.11"));
	free(text);
	for (unsigned i = 0; i < 100; i++) { /* however many it takes */
		row = (struct channel_neighbour){.mac = m.mac, .addr = m.addr};
		row.addr.b[15] = (uint8_t)i;
		quarantine_neighbours(q, &row, 1);
	}
	assert_int_equal(quarantine_count(q), 1);
	quarantine_free(q);
}

static void
full_is_full(void **state)
{
	struct quarantine *q = quarantine_new();
	struct channel_quarantine m;
	(void)state;
	for (unsigned i = 1; i <= QUARANTINE_MAX; i++) {
		m = message(i, NULL, 10, 7);
		assert_false(quarantine_is_full(q, &m));
		quarantine_take(q, &m, NOW);
	}
	assert_false(quarantine_is_full(q, &m)); /* it has its place */
	m = message(QUARANTINE_MAX + 1, NULL, 10, 7);
	assert_true(quarantine_is_full(q, &m));
	quarantine_take(q, &m, NOW);
	assert_int_equal(quarantine_count(q), QUARANTINE_MAX);
	quarantine_expire(q, NOW + 10);
	assert_false(quarantine_is_full(q, &m));
	quarantine_take(q, &m, NOW + 10);
	assert_int_equal(quarantine_count(q), 1);
	quarantine_free(q);
}

static const struct {
	const char *why, *text;
	int senseless; /* -1: the whole file */
	size_t entries;
} files[] = {
	{"good", "lenscap-quarantine 1\n02:00:00:00:00:01 0 0\n- 0 1 10.21.0.5\n", 0, 2},
	{"without its last line's end", "lenscap-quarantine 1\n02:00:00:00:00:01 0 0", 0, 1},
	{"empty", "", -1, 0},
	{"another version", "lenscap-quarantine 2\n02:00:00:00:00:01 0 0\n", -1, 0},
	{"twice the same", "lenscap-quarantine 1\n02:00:00:00:00:01 0 0\n02:00:00:00:00:01 5 0\n", 1, 1},
	{"broken MACs", "lenscap-quarantine 1\n02:00:00:00:00 0 0\n01:00:00:00:00:01 0 0\n00:00:00:00:00:00 0 0\n", 3, 0},
	{"broken times", "lenscap-quarantine 1\n02:00:00:00:00:01 -1 0\n02:00:00:00:00:01 x 0\n02:00:00:00:00:01 99999999999999999999 0\n", 3, 0},
	{"broken reasons", "lenscap-quarantine 1\n02:00:00:00:00:01 0 2\n02:00:00:00:00:01 0 00\n02:00:00:00:00:01 0\n", 3, 0},
	{"broken addresses", "lenscap-quarantine 1\n- 0 0\n- 0 0 10.0.0.1 10.0.0.2\n02:00:00:00:00:01 0 0 1.2.3\n", 3, 0},
	{"over", "lenscap-quarantine 1\n02:00:00:00:00:01 5 0\n", 0, 0},
	{"nft text", "lenscap-quarantine 1\n02:00:00:00:00:01 }\\nflush 0 0\n", 1, 0},
};

static void
files_that_others_wrote(void **state)
{
	char path[64];
	int fd = state_directory(path);
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct quarantine *q = quarantine_new();
		int file = openat(fd, "quarantine", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(file, files[i].text, strlen(files[i].text)), strlen(files[i].text));
		close(file);
		int got = quarantine_load(q, fd, NOW);
		if (got != files[i].senseless || quarantine_count(q) != files[i].entries)
			fail_msg("%s: %d, %zu entries", files[i].why, got, quarantine_count(q));
		quarantine_free(q);
	}
	/* A NUL, a file without end, a directory, a FIFO and a link are no lists, and nothing waits for them. */
	struct quarantine *q = quarantine_new();
	int file = openat(fd, "quarantine", O_WRONLY | O_TRUNC);
	assert_int_equal(write(file, "lenscap-quarantine 1\n\0", 22), 22);
	close(file);
	assert_int_equal(quarantine_load(q, fd, NOW), -1);
	assert_int_equal(truncate(strcat(path, "/quarantine"), 1ll << 30), 0);
	assert_int_equal(quarantine_load(q, fd, NOW), -1);
	*strrchr(path, '/') = '\0';
	unlinkat(fd, "quarantine", 0);
	assert_int_equal(mkdirat(fd, "quarantine", 0700), 0);
	assert_int_equal(quarantine_load(q, fd, NOW), -1);
	unlinkat(fd, "quarantine", AT_REMOVEDIR);
	assert_int_equal(mkfifoat(fd, "quarantine", 0600), 0);
	assert_int_equal(quarantine_load(q, fd, NOW), -1);
	unlinkat(fd, "quarantine", 0);
	assert_int_equal(symlinkat("/etc/passwd", fd, "quarantine"), 0);
	assert_int_equal(quarantine_load(q, fd, NOW), -1);
	assert_int_equal(quarantine_count(q), 0);
	quarantine_free(q);
	remove_directory(fd, path);
}

static void
messages_that_make_no_sense(void **state)
{
	struct channel_quarantine good = message(1, "10.20.0.11", 60, 7), m;
	(void)state;
	assert_true(quarantine_sane(&good));
	m = good;
	m.mac = (struct mac){{0}};
	assert_false(quarantine_sane(&m));
	m.by_address = 1;
	assert_true(quarantine_sane(&m));
	m.addr = (struct addr){{0}};
	assert_false(quarantine_sane(&m));
	m = good;
	m.mac.b[0] = 0x33;
	assert_false(quarantine_sane(&m));
	m = good;
	m.by_address = 1;
	assert_false(quarantine_sane(&m));
	m = good;
	m.by_address = 2;
	assert_false(quarantine_sane(&m));
	m = good;
	m.release = 2;
	assert_false(quarantine_sane(&m));
	m = good;
	m.seconds = QUARANTINE_SECONDS_MAX + 1;
	assert_false(quarantine_sane(&m));
}

/* A clock that somebody has set neither ends a quarantine nor makes it longer. */
static void
clock_that_was_set(void **state)
{
	char path[64];
	int fd = state_directory(path);
	struct quarantine *q = quarantine_new();
	struct channel_quarantine a = message(1, "10.20.0.11", 60, 7), b = message(2, NULL, 0, 0);
	struct channel_quarantined_row r[4];
	(void)state;
	quarantine_shift(q, 86400);
	assert_false(quarantine_unsaved(q)); /* there is nothing to shift */
	quarantine_take(q, &a, NOW);
	quarantine_take(q, &b, NOW);
	assert_int_equal(quarantine_save(q, fd), 0);
	for (int64_t by_s = 86400; by_s >= -86400; by_s -= 172800) {
		quarantine_shift(q, by_s);
		assert_true(quarantine_unsaved(q));
		quarantine_expire(q, NOW + by_s + 59);
		assert_int_equal(rows(q, NOW + by_s + 59, r, 4), 2);
		assert_int_equal(r[0].left_s, 1);
		assert_int_equal(r[1].left_s, 0); /* until it is released, as before */
		quarantine_shift(q, -by_s);
	}
	quarantine_expire(q, NOW + 60);
	assert_int_equal(quarantine_count(q), 1);
	quarantine_free(q);
	remove_directory(fd, path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_a_restart),
		cmocka_unit_test(begins_ends_and_is_told_once),
		cmocka_unit_test(who_asks_decides),
		cmocka_unit_test(addresses_follow_the_neighbour_table),
		cmocka_unit_test(full_is_full),
		cmocka_unit_test(files_that_others_wrote),
		cmocka_unit_test(messages_that_make_no_sense),
		cmocka_unit_test(clock_that_was_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
