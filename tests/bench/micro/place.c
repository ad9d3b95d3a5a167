/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Geography, from both kinds of database: addresses at random, and the few that cameras come back to. */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "geo.h"

enum { PLACES = 65536, FEW = 256 };

static const char libloc[] = "/var/lib/location/database.db";

struct placing {
	struct geo *geo;
	struct addr *addresses;
	size_t n;
	uint64_t random;
};

static void *
open_database(const char *path, size_t n)
{
	const char *const paths[] = {path};
	const struct geo_config config = {.country = paths, .n_country = 1, .asn = paths, .n_asn = 1, .quiet = true};
	struct placing *p = micro_alloc(1, sizeof *p);
	size_t rows;

	if (access(path, R_OK) < 0)
		return NULL;
	p->n = n;
	p->random = 1;
	p->geo = geo_open(&config, 1795412400);
	MICRO_CHECK(p->geo && geo_databases(p->geo, &rows)[0].kind[0]);
	p->addresses = micro_alloc(n, sizeof *p->addresses);
	for (size_t i = 0; i < n; i++)
		p->addresses[i] = micro_v4((uint32_t)(1 + micro_random(&p->random) % 222) << 24 | (uint32_t)(micro_random(&p->random) & 0xffffff));
	return p;
}

static void *
open_libloc(size_t n)
{
	micro_absent = "no database at /var/lib/location/database.db (package libloc-database)";
	return open_database(libloc, n);
}

/* LENSCAP_BENCH_MMDB, or a small one that the geo tests' maker writes. */
static void *
open_mmdb(size_t n)
{
	const char *path = getenv("LENSCAP_BENCH_MMDB"), *dir = getenv("LENSCAP_MMDB");
	char made[512], command[600];

	micro_absent = "no MMDB: say LENSCAP_BENCH_MMDB=FILE, or install libmaxmind-db-writer-perl";
	if (path)
		return open_database(path, n);
	if (dir) {
		snprintf(made, sizeof made, "%.400s/country.mmdb", dir);
		return open_database(made, n);
	}
	strcpy(made, "/tmp/lenscap-micro-XXXXXX");
	MICRO_CHECK(mkdtemp(made));
	snprintf(command, sizeof command, "perl tests/data/make_mmdb.pl %s >/dev/null 2>&1", made);
	bool ok = system(command) == 0; /* NOLINT(cert-env33-c) */
	strcat(made, "/country.mmdb");
	void *p = ok ? open_database(made, n) : NULL;
	made[strlen(made) - strlen("/country.mmdb")] = 0;
	snprintf(command, sizeof command, "rm -r %s", made);
	MICRO_CHECK(system(command) == 0); /* NOLINT(cert-env33-c) */
	return p;
}

static void
lookup(void *state, size_t n)
{
	struct placing *p = state;
	struct place place;

	while (n--) {
		geo_lookup(p->geo, &p->addresses[micro_random(&p->random) % p->n], &place);
		micro_sink += place.asn;
	}
}

/* Each another prefix than all before: nothing is remembered. */
static void
lookup_new(void *state, size_t n)
{
	struct placing *p = state;
	struct place place;

	while (n--) {
		const struct addr a = micro_v4((uint32_t)(1 + micro_random(&p->random) % 222) << 24 | (uint32_t)(micro_random(&p->random) & 0xffffff));
		geo_lookup(p->geo, &a, &place);
		micro_sink += place.asn;
	}
}

const struct micro_case place_cases[] = {
	{"geo: libloc, 256 addresses that come again", NULL, 0, open_libloc, FEW, lookup, NULL},
	{"geo: libloc, 65k addresses that come again", NULL, 0, open_libloc, PLACES, lookup, NULL},
	{"geo: libloc, a new address each time", NULL, 0, open_libloc, FEW, lookup_new, NULL},
	{"geo: MMDB, 256 addresses that come again", NULL, 0, open_mmdb, FEW, lookup, NULL},
	{"geo: MMDB, 65k addresses that come again", NULL, 0, open_mmdb, PLACES, lookup, NULL},
	{"geo: MMDB, a new address each time", NULL, 0, open_mmdb, FEW, lookup_new, NULL},
};
const size_t place_cases_n = sizeof place_cases / sizeof *place_cases;
