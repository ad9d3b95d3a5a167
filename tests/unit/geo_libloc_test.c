/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real IPFire database (package libloc-database): our cached answers against libloc's own, one by one. */
#include "../data/geo_fixture.h"

#include "../../daemon/policy/countries.h"

static const char database[] = "/var/lib/location/database.db";

static struct loc_ctx *ctx;
static struct loc_database *db;

static int
setup(void **state)
{
	FILE *f = fopen(database, "rb");

	(void)state;
	if (!f)
		return 0; /* the tests skip themselves */
	if (loc_new(&ctx) != 0)
		return -1;
	loc_set_log_priority(ctx, 0);
	int r = loc_database_new(ctx, &db, f);
	fclose(f);
	return r;
}

static int
teardown(void **state)
{
	(void)state;
	if (db)
		loc_database_unref(db);
	if (ctx)
		loc_unref(ctx);
	return 0;
}

static void
need_database(void)
{
	if (db)
		return;
	print_message("%s is missing: install libloc-database\n", database);
	skip();
}

static void
known_address(void **state)
{
	const char *list[] = {database};
	struct geo_config config = {.country = list, .n_country = 1, .asn = list, .n_asn = 1, .warn_older_s = 45 * 86400};
	struct addr a = address("8.8.8.8");
	char name[64], tmp[] = "/tmp", *directories[] = {NULL, tmp};

	(void)state;
	need_database();
	for (size_t i = 0; i < 2; i++) {
		config.copy_dir = directories[i];
		struct geo *g = open_quietly(&config);
		assert_int_equal(only_row(g)->state, GEO_STALE); /* by 2030 */
		struct place p = look_up(g, "8.8.8.8");
		assert_string_equal(p.country, "US");
		assert_string_equal(p.continent, "NA");
		assert_int_equal(p.asn, 15169);
		geo_as_name(g, &a, &p, name, sizeof name);
		assert_non_null(strcasestr(name, "google"));
		assert_int_equal(strncmp(geo_source_name(g, p.country_source), "location 20", 11), 0);
		geo_close(g);
	}
}

static void
compare(struct geo *g, const struct addr *a)
{
	struct {
		struct in6_addr addr;
		uint64_t beyond;
	} padded = {0};
	struct loc_network *network = NULL;
	struct place p;
	uint8_t len;
	char text[ADDR_TEXT];
	const char *code = "";
	uint32_t asn = 0;
	bool anycast = false;

	if (special_of(a, &len) != SPECIAL_NONE)
		return;
	memcpy(&padded.addr, a->b, 16);
	if (loc_database_lookup(db, &padded.addr, &network) == 0 && network) {
		code = loc_network_get_country_code(network);
		asn = loc_network_get_asn(network);
		anycast = loc_network_has_flag(network, LOC_NETWORK_FLAG_ANYCAST) != 0;
	}
	geo_lookup(g, a, &p);
	if (strcmp(p.country, country_find(code) ? code : "") != 0 || p.asn != asn || p.anycast != anycast)
		fail_msg("%s: %s AS%u, libloc says %s AS%u", addr_print(a, text), p.country, p.asn, code, asn);
	if (network)
		loc_network_unref(network);
}

/* Clusters of neighbours at all distances, so that the cache is asked about addresses whose answer it must not have. */
static void
agrees_with_libloc(void **state)
{
	uint64_t seed = 2463534242u;
	struct geo_stats s;

	(void)state;
	need_database();
	struct geo *g = open_one(database);
	for (unsigned i = 0; i < 4000; i++) {
		struct addr a, b;
		uint8_t v4[4];
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		for (int k = 0; k < 4; k++)
			v4[k] = (uint8_t)(seed >> (32 + 8 * k));
		addr_from_v4(&a, v4);
		if (i % 4 == 3) { /* IPv6, in the part that is in use */
			static const uint8_t heads[][2] = {{0x20, 0x01}, {0x24, 0x00}, {0x26, 0x00}, {0x28, 0x00}, {0x2a, 0x00}, {0x2c, 0x0f}};
			memset(&a, 0, sizeof a);
			memcpy(a.b, heads[v4[0] % 6], 2);
			a.b[1] |= v4[0] >> 4 & 0x0f;
			memcpy(a.b + 2, v4 + 1, 3);
		}
		compare(g, &a);
		for (unsigned bit = addr_is_v4(&a) ? 108 : 24; bit < 128; bit += 2) {
			b = a;
			b.b[bit / 8] ^= (uint8_t)(128 >> bit % 8);
			compare(g, &b);
		}
	}
	geo_stats(g, &s);
	assert_true(s.cached > s.lookups / 4); /* else this compares nothing of interest */
	assert_true(s.unknown < s.lookups / 2);
	geo_close(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_address),
		cmocka_unit_test(agrees_with_libloc),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
