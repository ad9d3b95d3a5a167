/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every database shape, the order of trust, overrides, special ranges, prefixes, age. Broken files: geo_broken_test.c. */
#include "../data/geo_fixture.h"

#define assert_place(p, c, reg, cont, as)                                                                    \
	do {                                                                                                 \
		struct place place_ = (p);                                                                   \
		assert_string_equal(place_.country, c);                                                      \
		assert_string_equal(place_.registered, reg);                                                 \
		assert_string_equal(place_.continent, cont);                                                 \
		assert_int_equal(place_.asn, as);                                                            \
		assert_int_equal(place_.special, SPECIAL_NONE);                                              \
	} while (0)

static void
maxmind_country(void **state)
{
	static const char *const files[] = {"country.mmdb", "country28.mmdb", "country32.mmdb"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct geo *g = open_both((const char *const[]){files[i], NULL}, NULL, NULL, 0);
		const struct geo_database *row = only_row(g);
		assert_int_equal(row->state, GEO_OK);
		assert_string_equal(row->kind, "mmdb");
		assert_string_equal(row->type, "GeoLite2-Country");
		assert_string_equal(row->mapping, "country.iso_code");
		assert_true(row->has_country && !row->has_asn);
		assert_place(look_up(g, "81.2.69.160"), "GB", "US", "EU", 0);
		assert_place(look_up(g, "89.160.20.1"), "SE", "SE", "EU", 0);
		assert_place(look_up(g, "89.160.23.129"), "NO", "", "EU", 0);
		assert_place(look_up(g, "89.160.23.1"), "SE", "SE", "EU", 0);
		assert_place(look_up(g, "46.0.1.1"), "", "RU", "", 0); /* registered only */
		assert_place(look_up(g, "47.0.1.1"), "", "", "AS", 0); /* continent only */
		assert_place(look_up(g, "49.0.1.1"), "DE", "", "EU", 0); /* continent from our own table */
		assert_place(look_up(g, "2a02:d000::1"), "GB", "", "EU", 0);
		assert_place(look_up(g, "2001:218::1"), "JP", "", "AS", 0);
		assert_place(look_up(g, "2a02:d001::1"), "FR", "", "EU", 0);
		assert_place(look_up(g, "2a02:d001::2"), "", "", "", 0);
		assert_place(look_up(g, "9.9.9.9"), "", "", "", 0);
		assert_true(look_up(g, "1.1.1.1").anycast);
		assert_false(look_up(g, "81.2.69.160").anycast);
		geo_close(g);
	}
}

/* "EU" is no country: it must be unknown, or it would be neither on a list of countries nor unknown. */
static void
unassigned_code_is_unknown(void **state)
{
	(void)state;
	struct geo *g = open_one("country.mmdb");
	struct place p = look_up(g, "48.0.0.1");
	assert_place(p, "", "", "EU", 0);
	assert_int_equal(p.country_source, GEO_SOURCE_NONE);
	geo_close(g);

	g = open_one("location.db");
	assert_string_equal(look_up(g, "93.0.0.1").country, "");
	geo_close(g);
}

/* One row a file: what its mapping is, and what it says of one address. */
static void
every_shape(void **state)
{
	static const struct {
		const char *file, *type, *mapping, *address, *country, *registered, *continent;
		uint32_t asn;
		const char *as_name;
	} rows[] = {
		{"city.mmdb", "GeoIP2-City", "country.iso_code", "81.2.69.1", "GB", "FR", "EU", 0, ""},
		{"dbip.mmdb", "DBIP-Country-Lite", "country.iso_code", "81.2.69.1", "GB", "", "EU", 0, ""},
		{"asn.mmdb", "GeoLite2-ASN", "autonomous_system_number", "81.2.69.1", "", "", "", 20712, "Andrews & Arnold Ltd"},
		{"asn.mmdb", "GeoLite2-ASN", "autonomous_system_number", "12.81.96.1", "", "", "", 7018, ""},
		{"asn.mmdb", "GeoLite2-ASN", "autonomous_system_number", "2a02:d000::1", "", "", "", 4200000001, "T\xc3\xbcrk Telekom"},
		{"isp.mmdb", "GeoIP2-ISP", "autonomous_system_number", "12.81.96.1", "", "", "", 7018, "AT&T"},
		{"enterprise.mmdb", "GeoIP2-Enterprise", "country.iso_code, traits.autonomous_system_number", "12.81.96.1", "US", "", "NA", 7018, "AT&T"},
		{"ipinfo_lite.mmdb", "ipinfo generic_bundle.mmdb", "country_code, asn", "81.2.69.1", "GB", "", "EU", 20712, "Andrews & Arnold Ltd"},
		{"ipinfo_lite.mmdb", "ipinfo generic_bundle.mmdb", "country_code, asn", "2a02:d000::1", "GB", "", "EU", 0, ""},
		{"country_asn.mmdb", "ipinfo country_asn.mmdb", "country, asn", "81.2.69.1", "GB", "", "EU", 20712, "Andrews & Arnold Ltd"},
		{"country_asn.mmdb", "ipinfo country_asn.mmdb", "country, asn", "89.160.20.1", "SE", "", "EU", 0, ""},
		{"flat4.mmdb", "flat-country", "country_code", "81.2.69.1", "GB", "", "EU", 0, ""},
		{"flat4.mmdb", "flat-country", "country_code", "130.0.0.1", "US", "", "NA", 0, ""},
		{"flat4.mmdb", "flat-country", "country_code", "2a02:d000::1", "", "", "", 0, ""},
		{"location.db", "location", "country code, ASN, anycast flag", "81.2.69.1", "GB", "", "EU", 20712, "Andrews & Arnold Ltd"},
		{"location.db", "location", "country code, ASN, anycast flag", "81.3.0.1", "DE", "", "EU", 3320, ""},
		{"location.db", "location", "country code, ASN, anycast flag", "92.0.0.1", "FR", "", "EU", 64500, ""},
		{"location.db", "location", "country code, ASN, anycast flag", "2a02:d000:1::1", "IE", "", "EU", 64501, ""},
		{"location.db", "location", "country code, ASN, anycast flag", "2a02:d000:2::1", "GB", "", "EU", 20712, "Andrews & Arnold Ltd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char name[64] = "not written";
		struct addr a = address(rows[i].address);
		struct geo *g = open_one(rows[i].file);
		assert_string_equal(only_row(g)->type, rows[i].type);
		assert_string_equal(only_row(g)->mapping, rows[i].mapping);
		struct place p = look_up(g, rows[i].address);
		assert_place(p, rows[i].country, rows[i].registered, rows[i].continent, rows[i].asn);
		assert_int_equal(p.country_source, rows[i].country[0] ? GEO_SOURCE_DB : GEO_SOURCE_NONE);
		assert_int_equal(p.asn_source, rows[i].asn ? GEO_SOURCE_DB : GEO_SOURCE_NONE);
		geo_as_name(g, &a, &p, name, sizeof name);
		assert_string_equal(name, rows[i].as_name);
		assert_int_equal(only_row(g)->errors, 0);
		geo_close(g);
	}
}

static void
libloc_row(void **state)
{
	(void)state;
	struct geo *g = open_one("location.db");
	assert_int_equal(only_row(g)->state, GEO_OK);
	assert_string_equal(only_row(g)->kind, "libloc");
	assert_true(only_row(g)->built_s > 1600000000);
	assert_true(look_up(g, "89.160.20.1").anycast);
	assert_false(look_up(g, "81.2.69.1").anycast);
	geo_close(g);
}

static void
order_of_trust(void **state)
{
	const char *const country[] = {"dbip.mmdb", "country.mmdb", "location.db", NULL};
	const char *const asn[] = {"location.db", "asn.mmdb", NULL};
	size_t n;

	(void)state;
	struct geo *g = open_both(country, asn, NULL, 0);
	const struct geo_database *rows = geo_databases(g, &n);
	assert_int_equal(n, 4); /* location.db stands in both lists and is one */
	assert_string_equal(rows[2].kind, "libloc");

	struct place p = look_up(g, "81.2.69.1"); /* dbip wins, and has no registered country */
	assert_place(p, "GB", "", "EU", 20712);
	assert_int_equal(p.country_source, GEO_SOURCE_DB + 0);
	assert_int_equal(p.asn_source, GEO_SOURCE_DB + 2);
	p = look_up(g, "89.160.20.1"); /* country.mmdb and location.db: the first knows; anycast from the other */
	assert_place(p, "SE", "SE", "EU", 29518);
	assert_int_equal(p.country_source, GEO_SOURCE_DB + 1);
	assert_true(p.anycast);
	p = look_up(g, "81.3.0.1"); /* location.db only */
	assert_int_equal(p.country_source, GEO_SOURCE_DB + 2);
	p = look_up(g, "46.0.0.1"); /* nobody knows the country, one knows where it is registered */
	assert_place(p, "", "RU", "", 0);
	p = look_up(g, "12.81.96.1");
	assert_int_equal(p.asn, 7018);
	assert_int_equal(p.asn_source, GEO_SOURCE_DB + 3);
	geo_close(g);
}

static void
source_names(void **state)
{
	char want[64], date[16];

	(void)state;
	struct geo *g = open_one("country.mmdb");
	time_t built = (time_t)only_row(g)->built_s;
	strftime(date, sizeof date, "%Y-%m-%d", gmtime(&built));
	snprintf(want, sizeof want, "GeoLite2-Country %s", date);
	assert_string_equal(geo_source_name(g, GEO_SOURCE_DB), want);
	assert_string_equal(geo_source_name(g, GEO_SOURCE_DB + 1), "none");
	assert_string_equal(geo_source_name(g, GEO_SOURCE_NONE), "none");
	assert_string_equal(geo_source_name(g, GEO_SOURCE_SPECIAL), "special");
	assert_string_equal(geo_source_name(g, GEO_SOURCE_OVERRIDE), "override");
	geo_close(g);
}

/* A number without a name in its file, or stated by an override, is named by any file that knows it. */
static void
name_from_another_file(void **state)
{
	const char *const asn[] = {"asn.mmdb", "location.db", NULL};
	struct geo_override o = override("9.9.9.0/24", "", 20712);
	struct addr a = address("9.9.9.9");
	char name[64], tiny[5];

	(void)state;
	struct geo *g = open_both(NULL, asn, &o, 1);
	struct place p = look_up(g, "9.9.9.9");
	assert_int_equal(p.asn_source, GEO_SOURCE_OVERRIDE);
	geo_as_name(g, &a, &p, name, sizeof name);
	assert_string_equal(name, "Andrews & Arnold Ltd");
	geo_as_name(g, &a, &p, tiny, sizeof tiny);
	assert_string_equal(tiny, "Andr");
	p.asn = 1;
	geo_as_name(g, &a, &p, name, sizeof name);
	assert_string_equal(name, "");
	geo_close(g);
}

static void
overrides_win(void **state)
{
	const char *const country[] = {"country.mmdb", NULL}, *const asn[] = {"asn.mmdb", NULL};
	const struct geo_override list[] = {
		override("81.2.0.0/16", "IS", 0),
		override("81.2.69.0/24", "", 64500),
		override("81.2.69.128/25", "NL", 0),
		override("81.2.69.128/25", "BE", 64511), /* the first of two equal ones counts, field by field */
		override("198.51.100.0/24", "NO", 64501), /* documentation */
		override("198.18.0.0/16", "", 64502),	  /* benchmark: the country is not said */
		override("0.0.0.0/0", "", 64999),
		override("2a02:d000::/32", "CH", 0),
		override("10.1.0.0/16", "DE", 0),
		override("::/0", "LI", 0),
	};

	(void)state;
	struct geo *g = open_both(country, asn, list, sizeof list / sizeof *list);
	struct place p = look_up(g, "81.2.69.1");
	assert_place(p, "IS", "US", "EU", 64500); /* AS by the /24, country by the /16 around it */
	assert_int_equal(p.country_source, GEO_SOURCE_OVERRIDE);
	assert_int_equal(p.asn_source, GEO_SOURCE_OVERRIDE);
	assert_place(look_up(g, "81.2.69.129"), "NL", "US", "EU", 64511);
	assert_place(look_up(g, "81.2.70.1"), "IS", "", "EU", 64999);
	assert_place(look_up(g, "89.160.20.1"), "SE", "SE", "EU", 64999);
	assert_place(look_up(g, "198.51.100.7"), "NO", "", "EU", 64501);
	assert_place(look_up(g, "198.18.1.1"), "", "", "", 64502);
	assert_place(look_up(g, "2a02:d000::1"), "CH", "", "EU", 4200000001);
	assert_place(look_up(g, "2a02:ffff::1"), "LI", "", "EU", 0); /* ::/0 is about IPv6 only */
	assert_place(look_up(g, "10.1.2.3"), "DE", "", "EU", 64999);
	/* Wider than the block: stays special. */
	p = look_up(g, "10.2.0.1");
	assert_int_equal(p.special, SPECIAL_PRIVATE);
	assert_int_equal(p.asn, 0);
	assert_int_equal(p.country_source, GEO_SOURCE_SPECIAL);
	assert_int_equal(look_up(g, "198.19.0.1").special, SPECIAL_BENCHMARK);
	assert_int_equal(look_up(g, "fd00::1").special, SPECIAL_UNIQUE_LOCAL);
	/* Through a translator or a relay. */
	assert_place(look_up(g, "64:ff9b::198.51.100.7"), "NO", "", "EU", 64501);
	assert_place(look_up(g, "2002:c633:6407::1"), "NO", "", "EU", 64501);
	geo_close(g);
}

static void
special_addresses(void **state)
{
	(void)state;
	struct geo *g = open_one("flat4.mmdb"); /* says US for half of the Internet, multicast and all */
	struct place p = look_up(g, "192.168.1.1");
	assert_int_equal(p.special, SPECIAL_PRIVATE);
	assert_string_equal(p.country, "");
	assert_int_equal(p.country_source, GEO_SOURCE_SPECIAL);
	assert_int_equal(look_up(g, "239.255.255.250").special, SPECIAL_MULTICAST);
	assert_string_equal(look_up(g, "239.255.255.250").country, "");
	assert_place(look_up(g, "192.0.0.9"), "US", "", "NA", 0); /* reachable exception */
	assert_int_equal(look_up(g, "192.0.0.11").special, SPECIAL_RESERVED);
	geo_close(g);
}

static void
embedded_addresses(void **state)
{
	(void)state;
	struct geo *g = open_both((const char *const[]){"country.mmdb", NULL}, (const char *const[]){"asn.mmdb", NULL}, NULL, 0);
	struct addr a = address("64:ff9b::81.2.69.160");
	char name[64];
	struct place p = look_up(g, "64:ff9b::81.2.69.160");
	assert_place(p, "GB", "US", "EU", 20712);
	assert_int_equal(p.prefix_len, 96 + 24);
	geo_as_name(g, &a, &p, name, sizeof name);
	assert_string_equal(name, "Andrews & Arnold Ltd");
	p = look_up(g, "2002:5102:45a0::1"); /* 81.2.69.160 */
	assert_place(p, "GB", "US", "EU", 20712);
	assert_int_equal(p.prefix_len, 16 + 24);
	assert_int_equal(look_up(g, "64:ff9b::10.0.0.1").special, SPECIAL_PRIVATE);
	assert_int_equal(look_up(g, "2002:c0a8:101::1").special, SPECIAL_PRIVATE);
	assert_int_equal(look_up(g, "64:ff9b:1::81.2.69.160").special, SPECIAL_RESERVED);
	/* Teredo: the tree of this file leads it to an IPv4 address; we do not believe that it says anything. */
	p = look_up(g, "2001:0:5102:45a0::1");
	assert_place(p, "", "", "", 0);
	assert_int_equal(p.country_source, GEO_SOURCE_NONE);
	geo_close(g);
}

static void
prefixes(void **state)
{
	(void)state;
	struct geo *g = open_one("country.mmdb");
	assert_int_equal(look_up(g, "81.2.69.160").prefix_len, 96 + 24);
	assert_int_equal(look_up(g, "89.160.23.129").prefix_len, 96 + 25);
	assert_int_equal(look_up(g, "2a02:d000::1").prefix_len, 32);
	assert_int_equal(look_up(g, "2a02:d001::1").prefix_len, 128);
	assert_int_equal(look_up(g, "10.1.2.3").prefix_len, 96 + 8);
	geo_close(g);

	/* Below libloc's 81/8 there is 81.2.69/24: an answer about 81.2.68.1 ends before it. */
	g = open_one("location.db");
	assert_string_equal(look_up(g, "81.2.68.1").country, "DE");
	assert_int_equal(look_up(g, "81.2.68.1").prefix_len, 96 + 24);
	assert_string_equal(look_up(g, "81.2.69.1").country, "GB");
	geo_close(g);
}

static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

/* Changes bits of a at and behind `len`. */
static struct addr
neighbour(struct addr a, unsigned len, uint64_t *seed)
{
	for (unsigned bit = len; bit < 128; bit++)
		if (bit == len || next_random(seed) & 1)
			a.b[bit / 8] ^= (uint8_t)(128 >> bit % 8);
	return a;
}

/*
 * What prefix_len promises, for all sources together: any other address under the prefix has the same answer when it is asked
 * with an empty cache.
 */
static void
prefix_holds_for_all(void **state)
{
	static const char *const probes[] = {
		"81.2.69.160", "81.2.68.1", "89.160.23.129", "89.160.22.1", "9.9.9.9", "9.9.10.1", "9.9.9.1",
		"9.9.9.129", "192.0.0.1", "192.0.0.12", "10.1.2.3", "0.0.0.1", "255.255.255.254", "::1:0:0:1", "::2",
		"2a02:d000:1::9", "2a02:d001::2", "2a02:d000:2::1", "2a02:d000:2:5::1", "2001:1::4", "2001:0:1::1",
		"2001:5::1", "64:ff9b::81.2.69.1", "64:ff9b::10.0.0.1", "2002:5102:45a0::1", "2002:a00:1::1", "4000::1",
		"fec0::1", "100::1",
	};
	static const char *const country[] = {"country.mmdb", "location.db", NULL}, *const asn[] = {"asn.mmdb", "flat4.mmdb", NULL};
	const struct geo_override list[] = {override("81.2.0.0/17", "IS", 0), override("9.9.9.128/25", "", 7),
					    override("2a02:d000:2:4::/64", "CH", 0), override("10.1.2.128/25", "DE", 0)};
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
		struct geo *g = open_both(country, asn, list, 4);
		struct place p = look_up(g, probes[i]);
		geo_close(g);
		for (int k = 0; k < 6 && p.prefix_len < 128; k++) {
			/* The nearest ones first: what is forgotten in a prefix is one bit too few. */
			struct addr b = neighbour(address(probes[i]), p.prefix_len + (unsigned)k / 2, &seed);
			struct place q;
			g = open_both(country, asn, list, 4);
			geo_lookup(g, &b, &q);
			geo_close(g);
			assert_memory_equal(&p, &q, sizeof p);
		}
	}
}

static void
cache_counts(void **state)
{
	struct geo_stats s;

	(void)state;
	struct geo *g = open_one("country.mmdb");
	look_up(g, "81.2.69.1");
	look_up(g, "81.2.69.2");
	look_up(g, "89.160.20.1");
	look_up(g, "9.9.9.9");
	look_up(g, "10.0.0.1");
	geo_stats(g, &s);
	assert_int_equal(s.lookups, 5);
	assert_int_equal(s.cached, 1);
	assert_int_equal(s.unknown, 1);
	/* More prefixes than it holds: old ones go, answers stay right. */
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t v4[4] = {46, (uint8_t)(i >> 14), (uint8_t)(i >> 6), (uint8_t)(i << 2)};
		struct addr a;
		struct place p;
		addr_from_v4(&a, v4);
		geo_lookup(g, &a, &p);
		assert_string_equal(p.registered, v4[1] ? "" : "RU");
	}
	assert_string_equal(look_up(g, "81.2.69.1").country, "GB");
	geo_close(g);
}

static void
stale_and_missing(void **state)
{
	const char *list[] = {in_dir("country.mmdb"), "/nonexistent/GeoLite2-Country.mmdb"};
	struct geo_config config = {.country = list, .n_country = 2, .warn_older_s = 45 * 86400};
	size_t n;

	(void)state;
	struct geo *g = open_quietly(&config);
	const struct geo_database *rows = geo_databases(g, &n);
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].state, GEO_STALE);
	assert_non_null(strstr(rows[0].problem, "days old"));
	assert_int_equal(rows[1].state, GEO_MISSING);
	assert_string_equal(rows[1].kind, "");
	assert_non_null(strstr(rows[1].problem, "No such file"));
	assert_string_equal(look_up(g, "81.2.69.1").country, "GB"); /* old is better than nothing */
	geo_close(g);

	config.warn_older_s = 0;
	g = open_quietly(&config);
	assert_int_equal(geo_databases(g, &n)[0].state, GEO_OK);
	geo_close(g);

	/* Built after "now": the clock is wrong, or the file lies; neither is stale. */
	config.warn_older_s = 1;
	int64_t built = geo_databases(g = open_quietly(&config), &n)[0].built_s;
	geo_close(g);
	g = open_quietly_at(&(struct geo_config){.country = list, .n_country = 1, .warn_older_s = 1}, built - 1000);
	assert_int_equal(only_row(g)->state, GEO_OK);
	geo_close(g);
}

/* A file with nothing of what its list is for. */
static void
wrong_list(void **state)
{
	size_t n;

	(void)state;
	struct geo *g = open_both((const char *const[]){"asn.mmdb", NULL}, NULL, NULL, 0);
	assert_int_equal(only_row(g)->state, GEO_BROKEN);
	assert_non_null(strstr(only_row(g)->problem, "listed for countries but has none"));
	geo_close(g);
	g = open_one("asn.mmdb");
	assert_int_equal(only_row(g)->state, GEO_OK);
	assert_non_null(strstr(only_row(g)->problem, "listed for countries but has none"));
	geo_close(g);
	/* An ASN list does not make a file a source of countries. */
	g = open_both((const char *const[]){"dbip.mmdb", NULL}, (const char *const[]){"ipinfo_lite.mmdb", NULL}, NULL, 0);
	assert_string_equal(look_up(g, "2a02:d000::1").country, "");
	geo_databases(g, &n);
	assert_int_equal(n, 2);
	geo_close(g);
}

static void
no_databases(void **state)
{
	struct geo_config config = {.n_country = 0};

	(void)state;
	struct geo *g = open_quietly(&config);
	assert_place(look_up(g, "8.8.8.8"), "", "", "", 0);
	assert_int_equal(look_up(g, "127.0.0.1").special, SPECIAL_LOOPBACK);
	geo_close(g);
	geo_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maxmind_country),
		cmocka_unit_test(unassigned_code_is_unknown),
		cmocka_unit_test(every_shape),
		cmocka_unit_test(libloc_row),
		cmocka_unit_test(order_of_trust),
		cmocka_unit_test(source_names),
		cmocka_unit_test(name_from_another_file),
		cmocka_unit_test(overrides_win),
		cmocka_unit_test(special_addresses),
		cmocka_unit_test(embedded_addresses),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(prefix_holds_for_all),
		cmocka_unit_test(cache_counts),
		cmocka_unit_test(stale_and_missing),
		cmocka_unit_test(wrong_list),
		cmocka_unit_test(no_databases),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
