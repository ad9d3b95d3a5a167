/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMDB files of any vendor, through libmaxminddb.
 *
 * The container is one format, the records are not: vendors put the country's code and the AS number under names of their
 * own, and one vendor's code is another's name in words. At open a bounded number of records is tried against the known
 * shapes, and the first shape in the table that fits any of them holds for the file.
 */
#include "geo_private.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PATH_MAX_KEYS = 3,    /* with the NULL at the end */
	PROBE_NODES = 65536,  /* tree nodes looked at to find records */
	PROBE_RECORDS = 256,
	PROBE_STACK = 160,    /* a tree is at most 128 deep */
	TREE_SEPARATOR = 16,  /* zero bytes between the tree and the data */
};

typedef const char *const key_path[PATH_MAX_KEYS];

static const struct country_shape {
	const char *mapping;
	key_path country, registered, continent, anycast;
} country_shapes[] = {
	/* MaxMind GeoIP2 and GeoLite2, DB-IP. */
	{"country.iso_code",
	 {"country", "iso_code"},
	 {"registered_country", "iso_code"},
	 {"continent", "code"},
	 {"traits", "is_anycast"}},
	/* IPinfo Lite, and the flat files of others. Its `country` is a name. */
	{"country_code", {"country_code"}, {NULL}, {"continent_code"}, {"is_anycast"}},
	/* Older IPinfo files (country_asn): `country` is the code. */
	{"country", {"country"}, {NULL}, {"continent"}, {"is_anycast"}},
};

static const struct asn_shape {
	const char *mapping;
	key_path number, name;
} asn_shapes[] = {
	/* GeoLite2-ASN, GeoIP2-ISP, DB-IP. */
	{"autonomous_system_number", {"autonomous_system_number"}, {"autonomous_system_organization"}},
	/* GeoIP2-Enterprise. */
	{"traits.autonomous_system_number", {"traits", "autonomous_system_number"}, {"traits", "autonomous_system_organization"}},
	/* IPinfo: "AS15169". */
	{"asn", {"asn"}, {"as_name"}},
};

enum { N_COUNTRY = sizeof country_shapes / sizeof *country_shapes, N_ASN = sizeof asn_shapes / sizeof *asn_shapes };

struct mmdb {
	MMDB_s db;
	const struct country_shape *country; /* NULL: the file has none */
	const struct asn_shape *asn;
};

static bool
get(MMDB_entry_s *entry, key_path path, MMDB_entry_data_s *ret_data)
{
	return path[0] && MMDB_aget_value(entry, ret_data, path) == MMDB_SUCCESS && ret_data->has_data;
}

/* Two letters, made upper case. False leaves code alone. */
static bool
get_code(MMDB_entry_s *entry, key_path path, char code[3])
{
	MMDB_entry_data_s d;

	if (!get(entry, path, &d) || d.type != MMDB_DATA_TYPE_UTF8_STRING || d.data_size != 2)
		return false;
	char a = (char)(d.utf8_string[0] & ~0x20), b = (char)(d.utf8_string[1] & ~0x20);
	if (a < 'A' || a > 'Z' || b < 'A' || b > 'Z')
		return false;
	code[0] = a;
	code[1] = b;
	code[2] = 0;
	return true;
}

static uint32_t
parse_asn(struct span text)
{
	struct cursor in = cursor_span(text);
	uint64_t n = 0;

	if (cursor_starts(&in, "AS", 2) || cursor_starts(&in, "as", 2))
		cursor_skip(&in, 2);
	while (cursor_left(&in)) {
		unsigned digit = cursor_u8(&in) - (unsigned)'0';
		if (digit > 9)
			return 0;
		n = n * 10 + digit;
		if (n > UINT32_MAX)
			return 0;
	}
	return (uint32_t)n;
}

static uint32_t
get_asn(MMDB_entry_s *entry, key_path path)
{
	MMDB_entry_data_s d;

	if (!get(entry, path, &d))
		return 0;
	switch (d.type) {
	case MMDB_DATA_TYPE_UINT16:
		return d.uint16;
	case MMDB_DATA_TYPE_UINT32:
		return d.uint32;
	case MMDB_DATA_TYPE_UINT64:
		return d.uint64 <= UINT32_MAX ? (uint32_t)d.uint64 : 0;
	case MMDB_DATA_TYPE_INT32:
		return d.int32 > 0 ? (uint32_t)d.int32 : 0;
	case MMDB_DATA_TYPE_UTF8_STRING:
		return parse_asn((struct span){(const uint8_t *)d.utf8_string, d.data_size});
	}
	return 0;
}

static bool
get_flag(MMDB_entry_s *entry, key_path path)
{
	MMDB_entry_data_s d;

	return get(entry, path, &d) && d.type == MMDB_DATA_TYPE_BOOLEAN && d.boolean;
}

static bool
entry_sound(const MMDB_entry_s *entry)
{
	return mmdb_check_value((struct span){entry->mmdb->data_section, entry->mmdb->data_section_size}, entry->offset);
}

/* Which shapes fit, as bits of their index. */
struct probe {
	unsigned records, damaged;
	unsigned country, asn;
	uint32_t last; /* neighbours often share a record */
};

static void
probe_record(struct probe *p, MMDB_entry_s *entry)
{
	char code[3];

	if (p->records && entry->offset == p->last)
		return;
	p->last = entry->offset;
	p->records++;
	if (!entry_sound(entry)) {
		p->damaged++;
		return;
	}
	for (unsigned i = 0; i < N_COUNTRY; i++)
		if (get_code(entry, country_shapes[i].country, code) || get_code(entry, country_shapes[i].registered, code))
			p->country |= 1u << i;
	for (unsigned i = 0; i < N_ASN; i++)
		if (get_asn(entry, asn_shapes[i].number))
			p->asn |= 1u << i;
}

/* Walks the tree from the left, so IPv4 comes first. A tree that loops only costs its share of PROBE_NODES. */
static void
probe_tree(const MMDB_s *db, struct probe *p)
{
	uint32_t stack[PROBE_STACK] = {0};
	unsigned n = 1;

	for (unsigned seen = 0; n && seen < PROBE_NODES && p->records < PROBE_RECORDS; seen++) {
		MMDB_search_node_s node;
		if (MMDB_read_node(db, stack[--n], &node) != MMDB_SUCCESS)
			continue;
		if (node.left_record_type == MMDB_RECORD_TYPE_DATA)
			probe_record(p, &node.left_record_entry);
		if (node.right_record_type == MMDB_RECORD_TYPE_DATA)
			probe_record(p, &node.right_record_entry);
		if (node.right_record_type == MMDB_RECORD_TYPE_SEARCH_NODE && n < PROBE_STACK)
			stack[n++] = (uint32_t)node.right_record;
		if (node.left_record_type == MMDB_RECORD_TYPE_SEARCH_NODE && n < PROBE_STACK)
			stack[n++] = (uint32_t)node.left_record;
	}
}

static int
choose_shapes(struct mmdb *m, char *problem)
{
	struct probe p = {0};

	probe_tree(&m->db, &p);
	for (unsigned i = N_COUNTRY; i--;)
		if (p.country & 1u << i)
			m->country = &country_shapes[i];
	for (unsigned i = N_ASN; i--;)
		if (p.asn & 1u << i)
			m->asn = &asn_shapes[i];
	if (m->country || m->asn)
		return 0;
	if (p.damaged)
		snprintf(problem, GEO_PROBLEM_TEXT, "is damaged: %u of the %u records tried cannot be read", p.damaged, p.records);
	else
		snprintf(problem, GEO_PROBLEM_TEXT,
			 "has neither countries nor AS numbers under a known name in the %u records tried", p.records);
	return -1;
}

/* libmaxminddb multiplies in 32 bits; what it makes of a node count that does not fit must not be used. */
static bool
tree_fits(const MMDB_s *db)
{
	uint64_t tree = (uint64_t)db->metadata.node_count * db->full_record_byte_size;

	return tree + TREE_SEPARATOR <= (uint64_t)(db->metadata_section - db->file_content);
}

static int
open_library(struct mmdb *m, int fd, char *problem)
{
	char path[32];
	const char *what;
	off_t size = lseek(fd, 0, SEEK_END);

	if (mmdb_check_metadata(fd, size > 0 ? (uint64_t)size : 0, &what) != 0) {
		snprintf(problem, GEO_PROBLEM_TEXT, "%s", what);
		return -1;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int status = MMDB_open(path, MMDB_MODE_MMAP, &m->db);
	if (status == MMDB_FILE_OPEN_ERROR)
		snprintf(problem, GEO_PROBLEM_TEXT, "its copy cannot be opened through %s: %s", path, strerror(errno));
	else if (status != MMDB_SUCCESS)
		snprintf(problem, GEO_PROBLEM_TEXT, "is damaged: %s", MMDB_strerror(status));
	if (status != MMDB_SUCCESS)
		return -1;
	if (tree_fits(&m->db))
		return 0;
	snprintf(problem, GEO_PROBLEM_TEXT, "is damaged: its metadata tells of %u nodes, for which it is too short",
		 m->db.metadata.node_count);
	MMDB_close(&m->db);
	return -1;
}

static void
describe(const struct mmdb *m, struct geo_opened *ret_opened)
{
	const char *type = m->db.metadata.database_type;

	*ret_opened = (struct geo_opened){
		.has_country = m->country != NULL,
		.has_asn = m->asn != NULL,
		.built_s = m->db.metadata.build_epoch <= INT64_MAX ? (int64_t)m->db.metadata.build_epoch : 0,
	};
	geo_text(type, strlen(type), ret_opened->type, sizeof ret_opened->type);
	snprintf(ret_opened->mapping, sizeof ret_opened->mapping, "%s%s%s", m->country ? m->country->mapping : "",
		 m->country && m->asn ? ", " : "", m->asn ? m->asn->mapping : "");
}

static int
mmdb_open(int fd, struct geo_opened *ret_opened, char *problem)
{
	struct mmdb *m = calloc(1, sizeof *m);

	if (!m) {
		snprintf(problem, GEO_PROBLEM_TEXT, "no memory to open it");
		return -1;
	}
	if (open_library(m, fd, problem) != 0)
		goto free_mmdb;
	if (choose_shapes(m, problem) != 0)
		goto close_library;
	describe(m, ret_opened);
	ret_opened->handle = m;
	return 0;

close_library:
	MMDB_close(&m->db);
free_mmdb:
	free(m);
	return -1;
}

/*
 * Finds the record. False: there is none. *ret_len: bits of our address for which that holds.
 * IPv4 lives at ::/96 in an IPv6 tree; the library begins there when it is asked with an IPv4 socket address.
 */
static bool
find_entry(const struct mmdb *m, const struct addr *a, MMDB_entry_s *ret_entry, unsigned *ret_len, bool *ret_error)
{
	bool v4 = addr_is_v4(a), v4_tree = m->db.metadata.ip_version == 4;
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	int error = MMDB_SUCCESS;

	*ret_len = 0;
	if (!v4 && v4_tree)
		return false;
	memcpy(&sin.sin_addr, a->b + 12, sizeof sin.sin_addr);
	memcpy(&sin6.sin6_addr, a->b, sizeof sin6.sin6_addr);
	MMDB_lookup_result_s r =
		MMDB_lookup_sockaddr(&m->db, v4 ? (const struct sockaddr *)&sin : (const struct sockaddr *)&sin6, &error);
	*ret_len = r.netmask + (v4_tree ? (unsigned)V4_BASE : 0);
	*ret_error = error != MMDB_SUCCESS || (r.found_entry && !entry_sound(&r.entry));
	*ret_entry = r.entry;
	if (*ret_error)
		*ret_len = 128;
	return r.found_entry && !*ret_error;
}

static void
mmdb_lookup(void *handle, const struct addr *a, struct geo_answer *ret_answer)
{
	const struct mmdb *m = handle;
	MMDB_entry_s entry;
	unsigned len;

	bool found = find_entry(m, a, &entry, &len, &ret_answer->error);
	ret_answer->prefix_len = (uint8_t)len;
	if (found && m->country) {
		get_code(&entry, m->country->country, ret_answer->country);
		get_code(&entry, m->country->registered, ret_answer->registered);
		get_code(&entry, m->country->continent, ret_answer->continent);
		ret_answer->anycast = get_flag(&entry, m->country->anycast);
	}
	if (found && m->asn)
		ret_answer->asn = get_asn(&entry, m->asn->number);
}

static void
mmdb_as_name(void *handle, const struct addr *a, uint32_t asn, char *out, size_t cap)
{
	const struct mmdb *m = handle;
	MMDB_entry_data_s d;
	MMDB_entry_s entry;
	unsigned len;
	bool error;

	if (!m->asn || !find_entry(m, a, &entry, &len, &error) || get_asn(&entry, m->asn->number) != asn)
		return;
	if (get(&entry, m->asn->name, &d) && d.type == MMDB_DATA_TYPE_UTF8_STRING)
		span_text((struct span){(const uint8_t *)d.utf8_string, d.data_size}, out, cap);
}

static void
mmdb_close(void *handle)
{
	struct mmdb *m = handle;

	MMDB_close(&m->db);
	free(m);
}

const struct geo_reader geo_mmdb = {"mmdb", mmdb_has_marker, mmdb_open, mmdb_lookup, mmdb_as_name, mmdb_close};
