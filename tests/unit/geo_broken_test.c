/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Databases that are damaged, or changed under us: the worst that may happen is an unknown answer. Made to harm: geo_hostile_test.c. */
#include "../data/geo_fixture.h"

static const char *const files[] = {"country.mmdb", "country28.mmdb", "country32.mmdb", "city.mmdb", "asn.mmdb", "ipinfo_lite.mmdb",
				    "country_asn.mmdb", "flat4.mmdb", "location.db"};

enum { N_FILES = sizeof files / sizeof *files };

static void
truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FILES; i++) {
		struct bytes b = read_file(in_dir(files[i]));
		for (size_t len = 0; len < b.len; len += 1 + b.len / 60)
			assert_broken(b.p, len, "");
		assert_broken(b.p, b.len - 1, "");
		free(b.p);
	}
}

/* One bit, all over the file. Most leave a usable database; none may leave a crash. */
static void
flipped_bits(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FILES; i++) {
		struct bytes b = read_file(in_dir(files[i]));
		unsigned broken = 0, n = 0;
		for (size_t at = 0; at < b.len; at += 1 + b.len / 150, n++) {
			uint8_t bit = (uint8_t)(1u << n % 8);
			b.p[at] ^= bit;
			broken += try_bytes(b.p, b.len, NULL, NULL) == GEO_BROKEN;
			b.p[at] ^= bit;
		}
		assert_true(broken < n);
		free(b.p);
	}
}

/* Words of the tree and the data change places: records point into the middle of others, or at the tree's own nodes. */
static void
swapped_words(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (size_t i = 0; i < N_FILES; i++) {
		struct bytes b = read_file(in_dir(files[i])), copy = {malloc(b.len), b.len};
		for (int n = 0; n < 60; n++) {
			memcpy(copy.p, b.p, b.len);
			for (int k = 0; k < 8; k++) {
				seed = seed * 1103515245u + 12345u;
				size_t from = (seed >> 8) % (b.len - 4);
				seed = seed * 1103515245u + 12345u;
				size_t to = (seed >> 8) % (b.len - 4);
				memcpy(copy.p + to, b.p + from, 4);
			}
			try_bytes(copy.p, copy.len, NULL, NULL);
		}
		free(copy.p);
		free(b.p);
	}
}

static void
no_database_at_all(void **state)
{
	static uint8_t garbage[70000];
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	const char *const list[] = {fixture_dir, "/dev/zero", NULL};
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof garbage; i++)
		garbage[i] = (uint8_t)(i * i >> 3);
	assert_broken("", 0, "is empty");
	assert_broken("x", 1, "neither an MMDB file nor a libloc database");
	assert_broken(garbage, sizeof garbage, "neither an MMDB file nor a libloc database");
	/* The marker as the file's very last bytes, at a page's end: nothing may be read behind it. */
	memcpy(garbage + 4096 - (sizeof marker - 1), marker, sizeof marker - 1);
	assert_broken(garbage, 4096, "damaged metadata");
	for (size_t tail = 1; tail < 4; tail++) {
		memset(garbage + 4096 - tail, 0xff, tail);
		memcpy(garbage + 4096 - tail - (sizeof marker - 1), marker, sizeof marker - 1);
		assert_broken(garbage, 4096, "damaged metadata");
	}
	memcpy(garbage, "LOCDBXX\1", 8);
	assert_broken(garbage, 4096, "damaged header"); /* shorter than a header, and a page */
	assert_broken(garbage, 8, "damaged header");
	garbage[7] = 2;
	assert_broken(garbage, sizeof garbage, "unknown version");

	struct geo *g = open_both(list, NULL, NULL, 0);
	assert_int_equal(geo_databases(g, &n)[0].state, GEO_BROKEN);
	assert_string_equal(geo_databases(g, &n)[0].problem, "is not a regular file");
	assert_string_equal(geo_databases(g, &n)[1].problem, "is not a regular file");
	geo_close(g);

	/* A fifo without a writer must not hang us; a file of 3 GiB must not be copied. */
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	g = open_one("fifo");
	assert_string_equal(only_row(g)->problem, "is not a regular file");
	geo_close(g);
	write_file(in_dir("huge"), "x", 1);
	assert_int_equal(truncate(in_dir("huge"), (off_t)3 << 30), 0);
	g = open_one("huge");
	assert_string_equal(only_row(g)->problem, "is larger than 2 GiB");
	geo_close(g);
	unlink(in_dir("huge"));
}

static void
changed_in_place(void **state)
{
	static const char *const names[] = {"country.mmdb", "location.db"};
	static const char *const dirs[] = {NULL, fixture_dir};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct bytes b = read_file(in_dir(names[i % 2]));
		const char *list[] = {in_dir("victim")};
		struct geo_config config = {.country = list, .n_country = 1, .copy_dir = dirs[i / 2]};
		write_file(list[0], b.p, b.len);
		struct geo *g = open_quietly(&config);
		assert_int_equal(only_row(g)->state, GEO_OK);
		assert_int_equal(truncate(list[0], 0), 0); /* a mapped file would now be SIGBUS */
		assert_string_equal(look_up(g, "81.2.69.1").country, "GB");
		memset(b.p, 0xff, b.len);
		write_file(list[0], b.p, b.len);
		assert_string_equal(look_up(g, "89.160.20.1").country, "SE");
		unlink(list[0]);
		assert_string_equal(look_up(g, "2a02:d000::1").country, "GB");
		geo_close(g);
		free(b.p);
	}
}

static void
replaced_by_rename(void **state)
{
	(void)state;
	struct bytes old = read_file(in_dir("country.mmdb")), new = read_file(in_dir("flat4.mmdb"));
	write_file(in_dir("db"), old.p, old.len);
	struct geo *g = open_one("db");
	assert_string_equal(look_up(g, "200.0.0.1").country, "");
	write_file(in_dir("db.new"), new.p, new.len);
	assert_int_equal(rename(in_dir("db.new"), in_dir("db")), 0);
	assert_string_equal(look_up(g, "201.0.0.1").country, "");
	geo_close(g);
	g = open_one("db");
	assert_string_equal(look_up(g, "200.0.0.1").country, "US");
	geo_close(g);
	free(old.p);
	free(new.p);
}

static unsigned
count_open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Copies have no names, need their directory, and go away. */
static struct geo *
open_after(struct geo *previous)
{
	const char *const paths[] = {in_dir("db")};
	const struct geo_config config = {.country = paths, .n_country = 1, .previous = previous};
	return open_quietly(&config);
}

/* A reload shares what is still the same file, whoever is closed first; another file behind the path is opened anew. */
static void
shared_with_the_previous(void **state)
{
	(void)state;
	struct bytes old = read_file(in_dir("country.mmdb")), new = read_file(in_dir("flat4.mmdb"));
	write_file(in_dir("db"), new.p, new.len);
	struct geo *first = open_after(NULL), *second = open_after(first);
	geo_close(first);
	assert_string_equal(look_up(second, "200.0.0.1").country, "US");
	struct geo *third = open_after(second);
	geo_close(third);
	assert_string_equal(look_up(second, "200.0.0.1").country, "US");
	/* written over in place, as long as it was or not: the answers change with the next reload, not before */
	write_file(in_dir("db"), old.p, old.len);
	assert_string_equal(look_up(second, "200.0.0.1").country, "US");
	third = open_after(second);
	assert_string_equal(look_up(third, "200.0.0.1").country, "");
	assert_int_equal(only_row(third)->state, GEO_OK);
	geo_close(second);
	/* and when it is gone, what was open before is no excuse */
	assert_int_equal(unlink(in_dir("db")), 0);
	second = open_after(third);
	assert_int_equal(only_row(second)->state, GEO_MISSING);
	geo_close(second);
	geo_close(third);
	free(old.p);
	free(new.p);
}

static void
private_copies(void **state)
{
	const char *list[] = {in_dir("country.mmdb"), in_dir("location.db"), in_dir("domain.mmdb"), in_dir("missing")};
	struct geo_config config = {.country = list, .n_country = 4, .copy_dir = in_dir("copies")};
	unsigned before = count_open_files();

	(void)state;
	assert_int_equal(mkdir(config.copy_dir, 0700), 0);
	struct geo *g = open_quietly(&config);
	assert_string_equal(look_up(g, "81.2.69.1").country, "GB");
	assert_int_equal(rmdir(config.copy_dir), 0); /* nothing in it */
	assert_string_equal(look_up(g, "89.160.20.1").country, "SE");
	geo_close(g);
	assert_int_equal(count_open_files(), before);

	size_t n;
	g = open_quietly(&config);
	assert_int_equal(geo_databases(g, &n)[0].state, GEO_BROKEN);
	assert_non_null(strstr(geo_databases(g, &n)[0].problem, "cannot be copied to"));
	geo_close(g);
	config.copy_dir = "/proc"; /* a file system without unnamed files: memory will do */
	g = open_quietly(&config);
	assert_string_equal(look_up(g, "89.160.20.1").country, "SE");
	geo_close(g);
	assert_int_equal(count_open_files(), before);
}

static void
nothing_known_in_it(void **state)
{
	(void)state;
	struct geo *g = open_one("domain.mmdb");
	assert_int_equal(only_row(g)->state, GEO_BROKEN);
	assert_non_null(strstr(only_row(g)->problem, "neither countries nor AS numbers under a known name"));
	assert_string_equal(only_row(g)->kind, "");
	assert_string_equal(look_up(g, "81.2.69.1").country, "");
	geo_close(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncated),
		cmocka_unit_test(flipped_bits),
		cmocka_unit_test(swapped_words),
		cmocka_unit_test(no_database_at_all),
		cmocka_unit_test(changed_in_place),
		cmocka_unit_test(replaced_by_rename),
		cmocka_unit_test(shared_with_the_previous),
		cmocka_unit_test(private_copies),
		cmocka_unit_test(nothing_known_in_it),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
