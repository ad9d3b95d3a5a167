/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an address is: country, registered country, continent, AS, anycast; from overrides, the special-purpose registries
 * and any number of databases (MMDB of any vendor, libloc), in that order. Each answer remembers its source.
 *
 * A database is read from a private copy, so replacing or overwriting the file while we run cannot hurt. A database that is
 * missing, broken or yields nothing is not fatal: it is reported through geo_databases() and simply has no answers.
 * After geo_open() a lookup allocates nothing that grows: answers are remembered by prefix in a cache of fixed size.
 *
 * IPv6 addresses that carry an IPv4 address for a translator or relay (64:ff9b::/96, 2002::/16) are where that address is. A
 * Teredo address (2001::/32) carries two, neither of which says where its packets go: its place is unknown, and never special.
 */
#ifndef LENSCAP_GEO_H
#define LENSCAP_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/* Why an address is in no country: IANA special-purpose registries (RFC 6890, 8190), RFC 5771, RFC 4291 2.7. */
enum special {
	SPECIAL_NONE, /* ordinary global unicast: the databases are asked */
	SPECIAL_PRIVATE, /* RFC 1918 */
	SPECIAL_SHARED, /* RFC 6598, 100.64.0.0/10 */
	SPECIAL_LOOPBACK,
	SPECIAL_LINK_LOCAL,
	SPECIAL_UNIQUE_LOCAL, /* RFC 4193 */
	SPECIAL_MULTICAST,
	SPECIAL_BROADCAST, /* 255.255.255.255 */
	SPECIAL_DOCUMENTATION,
	SPECIAL_BENCHMARK,
	SPECIAL_UNSPECIFIED, /* 0.0.0.0/8, :: */
	SPECIAL_RESERVED, /* 240.0.0.0/4, IETF protocol assignments, discard-only and the rest not globally reachable */
	SPECIAL_COUNT
};

enum {
	GEO_SOURCE_NONE = 0,	 /* no database knew: unknown */
	GEO_SOURCE_SPECIAL = 1,	 /* special-purpose range */
	GEO_SOURCE_OVERRIDE = 2, /* geo: overrides: in the policy */
	GEO_SOURCE_DB = 3,	 /* 3 + n: the n-th opened database, see geo_source_name() */
	GEO_DATABASES_MAX = 8,	 /* countries and ASNs counted apart */
	GEO_OVERRIDES_MAX = 4096,
};

/* Country codes are ISO 3166-1 alpha-2 in upper case; "" is unknown. */
struct place {
	char country[3];
	char registered[3]; /* where the block is registered; "" when the database does not say */
	char continent[3];  /* AF AN AS EU NA OC SA */
	uint8_t special;    /* enum special; not NONE means: no country, `private` holds */
	bool anycast;	    /* any database says so: then the country is a guess */
	uint8_t country_source, asn_source; /* GEO_SOURCE_* */
	uint8_t prefix_len;		    /* the answer holds for this many bits of the address (0..128, IPv6 bits) */
	uint32_t asn;			    /* 0: unknown */
};

struct geo_override {
	struct prefix network;
	char country[3]; /* "" keeps the databases' answer */
	uint32_t asn;	 /* 0 keeps the databases' answer */
	bool has_asn;
};

struct geo_config {
	/* Paths in order of trust; the first that knows wins. A path may stand in both lists: it is opened once. */
	const char *const *country;
	size_t n_country;
	const char *const *asn;
	size_t n_asn;
	/*
	 * Longest prefix wins, for country and AS apart; of two equal ones the first. One that lies inside a special-purpose
	 * range makes its addresses ordinary; a wider one does not, so 0.0.0.0/0 leaves RFC 1918 private.
	 */
	const struct geo_override *overrides;
	size_t n_overrides;
	uint32_t warn_older_s; /* 0: never warn */
	const struct geo *previous; /* databases that are still the same files are shared with it; NULL: none */
	bool quiet;	       /* nothing is logged */
	const char *copy_dir;  /* where private copies live as unlinked files; NULL, or where that cannot be: in memory (memfd) */
};

enum geo_state { GEO_OK, GEO_MISSING, GEO_BROKEN, GEO_STALE };

/* One row a database, for status, alerts and `geo status`. Owned by the struct geo. */
struct geo_database {
	const char *path;
	enum geo_state state;
	const char *kind;    /* "mmdb" or "libloc" or "" */
	const char *type;    /* the file's own name for itself: "GeoLite2-Country", "location" */
	const char *mapping; /* which fields were chosen at open: "country.iso_code, autonomous_system_number" */
	const char *problem; /* "" or what is wrong, in words */
	int64_t built_s;     /* build time, seconds since 1970; 0 unknown */
	uint64_t errors;     /* lookups that ran into damage in the file; answered as unknown */
	bool has_country, has_asn;
};

/* Since geo_open(). */
struct geo_stats {
	uint64_t lookups;
	uint64_t cached;  /* answered from the cache */
	uint64_t unknown; /* neither special nor in a known country */
};

struct geo;

/*
 * Opens what can be opened. now_s: wall clock in seconds, for staleness. Never fails because of a database;
 * NULL only when memory is short. Logs one line a database. The config may be freed afterwards.
 * Needs, and nothing later does: to read the configured paths, to make an unnamed file in copy_dir (or memfd_create(2)), and
 * to open /proc/self/fd/N, since libmaxminddb takes a path. So call it before a sandbox that takes these away.
 */
struct geo *geo_open(const struct geo_config *config, int64_t now_s);
/* Says in the log what geo_open() was not to say: quiet. */
void geo_tell(const struct geo *g);
void geo_close(struct geo *g);

/* Looks at the databases' ages again; true when one has become stale since. */
bool geo_age(struct geo *g, int64_t now_s);

/* Never fails: unknown is an answer. About 35 ns from the cache; else 0.2 us for each MMDB file and 1 us for libloc. */
void geo_lookup(struct geo *g, const struct addr *a, struct place *ret_place);

/* The AS name for records; "" when unknown. Copies at most cap - 1 bytes, valid UTF-8 is not promised. */
void geo_as_name(struct geo *g, const struct addr *a, const struct place *p, char *out, size_t cap);

/* "override", "special", "GeoLite2-Country 2026-11-19", "location 2022-10-29", "none". */
const char *geo_source_name(const struct geo *g, uint8_t source);

/* What one database says of an address by itself: neither the registries nor the owner's overrides are asked. */
struct geo_said {
	char country[3], registered[3], continent[3];
	bool anycast;
	uint32_t asn;
};

/* database: its place among geo_databases(). All empty where it knows nothing or is not open. */
void geo_ask(struct geo *g, size_t database, const struct addr *a, struct geo_said *ret);

const struct geo_database *geo_databases(const struct geo *g, size_t *ret_n);
void geo_stats(const struct geo *g, struct geo_stats *ret_stats);

/* "private", "multicast" …; "" for SPECIAL_NONE. */
const char *special_name(enum special s);
/* Decides the special-purpose registries alone; *ret_len: bits for which the answer holds. */
enum special special_of(const struct addr *a, uint8_t *ret_len);

#endif
