/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of test databases, and short ways to ask them. Included by the tests of geo; run from the top of the tree. */
#ifndef LENSCAP_GEO_FIXTURE_H
#define LENSCAP_GEO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <libloc/writer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "geo.h"

/* When the tests say that it is: 2030-01-01. The files are built when the tests run. */
static const int64_t fixture_now_s = 1893456000;
static char fixture_dir[64];

struct bytes {
	uint8_t *p;
	size_t len;
};

static inline const char *
in_dir(const char *name)
{
	static char path[8][128];
	static unsigned next;
	char *p = path[next++ % 8];

	snprintf(p, sizeof path[0], "%s/%s", fixture_dir, name);
	return p;
}

static inline void
write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static inline struct bytes
read_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	struct bytes b = {malloc((size_t)st.st_size), (size_t)st.st_size};
	assert_non_null(b.p);
	assert_int_equal(read(fd, b.p, b.len), st.st_size);
	close(fd);
	return b;
}

/* A small libloc database, by libloc's own writer. */
static inline void
write_libloc(const char *path)
{
	static const struct {
		const char *network, *country;
		uint32_t asn, flags;
	} nets[] = {
		{"81.0.0.0/8", "DE", 3320, 0},
		{"81.2.69.0/24", "GB", 20712, 0},
		{"89.160.20.0/24", "SE", 29518, LOC_NETWORK_FLAG_ANYCAST},
		{"92.0.0.1/32", "FR", 64500, 0},
		{"93.0.0.0/16", "EU", 0, LOC_NETWORK_FLAG_ANONYMOUS_PROXY},
		{"2a02:d000::/32", "GB", 20712, 0},
		{"2a02:d000:1::/48", "IE", 64501, 0},
	};
	struct loc_ctx *ctx;
	struct loc_writer *w;
	struct loc_as *as;

	assert_int_equal(loc_new(&ctx), 0);
	loc_set_log_priority(ctx, 0);
	assert_int_equal(loc_writer_new(ctx, &w, NULL, NULL), 0);
	assert_int_equal(loc_writer_add_as(w, &as, 20712), 0);
	loc_as_set_name(as, "Andrews & Arnold Ltd");
	loc_as_unref(as);
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		struct loc_network *n;
		assert_int_equal(loc_writer_add_network(w, &n, nets[i].network), 0);
		assert_int_equal(loc_network_set_country_code(n, nets[i].country), 0);
		loc_network_set_asn(n, nets[i].asn);
		loc_network_set_flag(n, nets[i].flags);
		loc_network_unref(n);
	}
	FILE *f = fopen(path, "w+b");
	assert_non_null(f);
	assert_int_equal(loc_writer_write(w, f, LOC_DATABASE_VERSION_1), 0);
	fclose(f);
	loc_writer_unref(w);
	loc_unref(ctx);
}

static inline int
fixture_setup(void **state)
{
	char command[160];

	(void)state;
	strcpy(fixture_dir, "/tmp/lenscap-geo-XXXXXX");
	assert_non_null(mkdtemp(fixture_dir));
	snprintf(command, sizeof command, "timeout 60 perl tests/data/make_mmdb.pl %s", fixture_dir);
	if (system(command) != 0) {
		print_error("make_mmdb.pl failed: install libmaxmind-db-writer-perl, and run from the top of the tree\n");
		rmdir(fixture_dir);
		return -1;
	}
	write_libloc(in_dir("location.db"));
	return 0;
}

static inline int
fixture_teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", fixture_dir);
	return system(command);
}

/* geo_open() with its log lines kept off the screen: hundreds of broken files are opened. */
static inline struct geo *
open_quietly_at(const struct geo_config *config, int64_t now_s)
{
	int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_true(err >= 0 && null >= 0);
	dup2(null, STDERR_FILENO);
	struct geo *g = geo_open(config, now_s);
	dup2(err, STDERR_FILENO);
	close(err);
	close(null);
	assert_non_null(g);
	return g;
}

static inline struct geo *
open_quietly(const struct geo_config *config)
{
	return open_quietly_at(config, fixture_now_s);
}

/* Files of fixture_dir (or absolute paths), as countries and as ASNs; NULL ends. */
static inline struct geo *
open_both(const char *const *country, const char *const *asn, const struct geo_override *overrides, size_t n_overrides)
{
	static char text[2 * GEO_DATABASES_MAX][128];
	const char *list[2][GEO_DATABASES_MAX];
	size_t n[2] = {0, 0}, used = 0;

	for (int k = 0; k < 2; k++)
		for (const char *const *p = k ? asn : country; p && *p; p++, used++) {
			snprintf(text[used], sizeof text[0], "%s%s%s", **p == '/' ? "" : fixture_dir, **p == '/' ? "" : "/", *p);
			list[k][n[k]++] = text[used];
		}
	struct geo_config config = {.country = list[0], .n_country = n[0], .asn = list[1], .n_asn = n[1],
				    .overrides = overrides, .n_overrides = n_overrides};
	return open_quietly(&config);
}

/* One file in both lists. */
static inline struct geo *
open_one(const char *name)
{
	const char *list[] = {name, NULL};
	return open_both(list, list, NULL, 0);
}

static inline struct addr
address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static inline struct place
look_up(struct geo *g, const char *text)
{
	struct addr a = address(text);
	struct place p;

	geo_lookup(g, &a, &p);
	return p;
}

static inline struct geo_override
override(const char *network, const char *country, uint32_t asn)
{
	struct geo_override o = {.asn = asn, .has_asn = asn != 0};

	assert_int_equal(prefix_parse(network, &o.network), 0);
	snprintf(o.country, sizeof o.country, "%s", country);
	return o;
}

static inline const struct geo_database *
only_row(const struct geo *g)
{
	size_t n;
	const struct geo_database *rows = geo_databases(g, &n);

	assert_int_equal(n, 1);
	return rows;
}

static const char *const fixture_probes[] = {"81.2.69.160", "89.160.23.129", "1.1.1.1", "12.81.96.1", "200.0.0.1", "0.0.0.0", "255.255.255.255",
				     "2a02:d000::1", "2a02:d001::1", "2001:218::1", "92.0.0.1", "64:ff9b::81.2.69.1", "ff02::1"};

/* Everything that a user of geo.h can ask. Returns the number of known countries. */
static inline unsigned
ask_everything(struct geo *g)
{
	unsigned known = 0;
	size_t n;

	for (size_t i = 0; i < sizeof fixture_probes / sizeof *fixture_probes; i++) {
		struct addr a = address(fixture_probes[i]);
		struct place p;
		char name[40];
		geo_lookup(g, &a, &p);
		assert_true(strlen(p.country) == 0 || strlen(p.country) == 2);
		assert_true(p.prefix_len <= 128);
		geo_as_name(g, &a, &p, name, sizeof name);
		assert_true(strlen(name) < sizeof name);
		known += p.country[0] != 0;
	}
	const struct geo_database *rows = geo_databases(g, &n);
	for (size_t i = 0; i < n; i++)
		assert_true((rows[i].state == GEO_BROKEN || rows[i].state == GEO_MISSING) ==
			    (!rows[i].has_country && !rows[i].has_asn));
	return known;
}

/* Writes the bytes, opens, asks, closes; the row's state. *ret_problem, if wanted, is a copy. */
static inline enum geo_state
try_bytes(const void *p, size_t len, char *ret_problem, unsigned *ret_known)
{
	write_file(in_dir("variant"), p, len);
	struct geo *g = open_one("variant");
	unsigned known = ask_everything(g);
	enum geo_state state = only_row(g)->state;
	if (state == GEO_BROKEN)
		assert_true(only_row(g)->problem[0] != 0);
	if (ret_problem)
		strcpy(ret_problem, only_row(g)->problem);
	if (ret_known)
		*ret_known = known;
	geo_close(g);
	return state;
}

static inline void
assert_broken(const void *p, size_t len, const char *problem)
{
	char text[256];

	assert_int_equal(try_bytes(p, len, text, NULL), GEO_BROKEN);
	if (!strstr(text, problem))
		fail_msg("\"%s\" lacks \"%s\"", text, problem);
}

#endif
