/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the geo*.c files. A database format is a struct geo_reader: geo.c decides whom to believe and knows no format,
 * geo_mmdb.c and geo_libloc.c know theirs and nothing of policy.
 */
#ifndef LENSCAP_GEO_PRIVATE_H
#define LENSCAP_GEO_PRIVATE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cursor.h"
#include "geo.h"
#include "hash.h"

enum {
	V4_BASE = 96, /* an IPv4 prefix length is this much longer in our addresses, which are ::ffff:a.b.c.d */
	GEO_TYPE_TEXT = 64,
	GEO_MAPPING_TEXT = 128,
	GEO_PROBLEM_TEXT = 256,
	GEO_SOURCES_MAX = 2 * GEO_DATABASES_MAX,
};

/* Leading bits that two addresses have in common, 0..128. */
static inline unsigned
common_bits(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];
	memcpy(x, a->b, sizeof x);
	memcpy(y, b->b, sizeof y);
	if (x[0] != y[0])
		return (unsigned)__builtin_clzll(be64toh(x[0] ^ y[0]));
	return x[1] != y[1] ? 64 + (unsigned)__builtin_clzll(be64toh(x[1] ^ y[1])) : 128;
}

static inline unsigned
larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* What one database says of one address. Empty fields: it does not say. */
struct geo_answer {
	char country[3], registered[3], continent[3];
	bool anycast, error; /* error: the file is damaged here */
	uint8_t prefix_len;  /* holds for this many bits of the address */
	uint32_t asn;
};

/* What a reader tells about a file it has opened. */
struct geo_opened {
	void *handle;
	int64_t built_s;
	bool has_country, has_asn;
	char type[GEO_TYPE_TEXT], mapping[GEO_MAPPING_TEXT];
};

struct geo_reader {
	const char *kind;
	bool (*recognises)(int fd, uint64_t size);
	/*
	 * fd: a private copy, which stays the caller's and may be closed afterwards. 0 and *ret_opened filled; or -1 and the
	 * reason in problem[GEO_PROBLEM_TEXT]. Whatever the bytes are, no later call can crash or run long.
	 */
	int (*open)(int fd, struct geo_opened *ret_opened, char *problem);
	void (*lookup)(void *handle, const struct addr *a, struct geo_answer *ret_answer); /* *ret_answer is all zero */
	/* out[0] = 0 when unknown. */
	void (*as_name)(void *handle, const struct addr *a, uint32_t asn, char *out, size_t cap);
	void (*close)(void *handle);
};

extern const struct geo_reader geo_mmdb, geo_libloc;

/* Copies text for people: control and non-ASCII bytes become '?'. A type or name in a file may hold anything. */
void geo_text(const char *text, size_t len, char *out, size_t cap);

/* Which bytes a path led to. A file that is replaced or written to becomes another. */
struct geo_identity {
	uint64_t device, inode, size;
	int64_t changed_s, changed_ns;
};

/*
 * geo_copy.c: a descriptor of a private copy, and what it is a copy of; or -1, errno (ENOENT: no such file) and the
 * reason in problem[GEO_PROBLEM_TEXT].
 */
int geo_copy(const char *path, const char *copy_dir, struct geo_identity *ret_identity, char *problem);
/* False: there is no such file now. */
bool geo_identify(const char *path, struct geo_identity *ret_identity);

/* geo_special.c */
struct geo_block {
	enum special special;
	uint8_t len;	   /* of the block that decides; 0: no row of the registries */
	uint8_t valid_len; /* the answer holds for this many bits */
	uint8_t embeds;	   /* the bit at which an IPv4 address stands that decides instead; 0: none */
	bool nowhere;	   /* ordinary, but no database can know it */
};

void geo_block(const struct addr *a, struct geo_block *ret_block);
void geo_embedded(const struct addr *a, unsigned bit, struct addr *ret_v4);

/* geo_override.c */
struct geo_overrides;

/* What the overrides say of one address. Fields already stated are left alone. */
struct geo_stated {
	char country[3];
	uint32_t asn;
	bool has_country, has_asn;
};

struct geo_overrides *geo_overrides_new(const struct geo_override *list, size_t n);
void geo_overrides_free(struct geo_overrides *o);
/* *ret_longest: length of the longest override that covers a, or -1. Returns the bits for which all this holds. */
unsigned geo_overrides_find(const struct geo_overrides *o, const struct addr *a, struct geo_stated *stated, int *ret_longest);

/* geo_cache.c */
struct geo_cache;

struct geo_cache *geo_cache_new(void);
void geo_cache_free(struct geo_cache *c);
bool geo_cache_get(const struct geo_cache *c, const struct addr *a, struct place *ret_place);
void geo_cache_put(struct geo_cache *c, const struct addr *a, const struct place *p);

/* geo_libloc_check.c: the file's own tables, proved to be inside it. */
struct loc_layout {
	struct span tree, networks, ases, countries, pool;
	int64_t created_s;
	struct loc_spot {
		uint32_t node, network; /* 0, UINT32_MAX: none */
	} v4; /* where the way of every IPv4 address begins, with the network on the way there */
};

/* 0; or -1 and *ret_problem, static text. Afterwards libloc can be let at the file, and the functions below read nothing outside it. */
int loc_layout_check(struct span file, struct loc_layout *ret_layout, const char **ret_problem);
/* The network that a is in, UINT32_MAX: none. Returns how many bits of a decide that. */
uint8_t loc_layout_find(const struct loc_layout *l, const struct addr *a, uint32_t *ret_network);

struct loc_row {
	char country[3]; /* "" none */
	uint32_t asn;
	uint16_t flags; /* enum loc_network_flags */
};

/* False: the row holds what no writer puts there. */
bool loc_layout_network(const struct loc_layout *l, uint32_t network, struct loc_row *ret_row);
/* Empty: the AS has none. */
struct span loc_layout_as_name(const struct loc_layout *l, uint32_t asn);

/* geo_mmdb_check.c: what libmaxminddb takes on trust. -1: *ret_problem, static text. */
int mmdb_check_metadata(int fd, uint64_t size, const char **ret_problem);
bool mmdb_has_marker(int fd, uint64_t size);
/* True when the value at offset, and all that it points to, is inside the section, shallow and small. */
bool mmdb_check_value(struct span section, uint32_t offset);

/* A database that is open. A reload that finds the same file shares it: copying and checking 55 MB takes a tenth of a second. */
struct geo_file {
	unsigned refs;
	const struct geo_reader *reader;
	struct geo_opened opened;
	struct geo_identity identity;
};

/* One opened or failed file. Its row in struct geo points at these texts. */
struct geo_source {
	struct geo_file *file; /* NULL: it did not open */
	const struct geo_reader *reader; /* the file's; NULL: has no answers */
	struct geo_opened opened;	 /* the file's, as far as it is used */
	char *path;
	char problem[GEO_PROBLEM_TEXT];
	char name[GEO_TYPE_TEXT + 16]; /* "TYPE YYYY-MM-DD" */
	bool wants_country, wants_asn; /* in which lists it stands */
};

struct geo {
	struct geo_source sources[GEO_SOURCES_MAX];
	struct geo_database rows[GEO_SOURCES_MAX];
	size_t n;
	uint8_t country[GEO_DATABASES_MAX], asn[GEO_DATABASES_MAX]; /* indices of sources, in order of trust */
	size_t n_country, n_asn;
	struct geo_overrides *overrides;
	struct geo_cache *cache;
	struct geo_stats stats;
	uint32_t warn_older_s;
};

#endif
