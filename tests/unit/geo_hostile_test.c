/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Databases made by hand to harm their readers: lies in the metadata, records and trees that never end, tables behind the file's end. */
#include "../data/geo_fixture.h"

#include <endian.h>

struct out {
	uint8_t b[1 << 20];
	size_t n;
};

static void
put(struct out *o, const void *p, size_t n)
{
	assert_true(o->n + n <= sizeof o->b);
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static void
put_byte(struct out *o, unsigned v)
{
	put(o, &(uint8_t){(uint8_t)v}, 1);
}

static void
put_map(struct out *o, unsigned pairs)
{
	put_byte(o, 7 << 5 | pairs);
}

static void
put_array(struct out *o, unsigned n)
{
	put_byte(o, n);
	put_byte(o, 11 - 7);
}

static void
put_text(struct out *o, const char *s)
{
	size_t n = strlen(s);

	if (n < 29) {
		put_byte(o, (unsigned)(2 << 5 | n));
	} else {
		put_byte(o, 2 << 5 | 29);
		put_byte(o, (unsigned)(n - 29));
	}
	put(o, s, n);
}

static void
put_u16(struct out *o, unsigned v)
{
	put_byte(o, 5 << 5 | 2);
	put(o, &(uint16_t){htobe16((uint16_t)v)}, 2);
}

static void
put_u32(struct out *o, uint32_t v)
{
	put_byte(o, 6 << 5 | 4);
	put(o, &(uint32_t){htobe32(v)}, 4);
}

/* A pointer of the longest kind. */
static void
put_pointer(struct out *o, uint32_t to)
{
	put_byte(o, 1 << 5 | 3 << 3);
	put(o, &(uint32_t){htobe32(to)}, 4);
}

struct lies {
	uint32_t nodes, record_size, ip_version, major;
	uint64_t epoch;
	const char *type;
	void (*languages)(struct out *o, size_t start);
};

static const struct lies truth = {1, 32, 4, 2, 1700000000, "test", NULL};

static void
put_metadata(struct out *o, const struct lies *l)
{
	put(o, "\xab\xcd\xefMaxMind.com", 14);
	size_t start = o->n;
	put_map(o, 9);
	put_text(o, "node_count");
	put_u32(o, l->nodes);
	put_text(o, "record_size");
	put_u16(o, l->record_size);
	put_text(o, "ip_version");
	put_u16(o, l->ip_version);
	put_text(o, "database_type");
	put_text(o, l->type);
	put_text(o, "binary_format_major_version");
	put_u16(o, l->major);
	put_text(o, "binary_format_minor_version");
	put_u16(o, 0);
	put_text(o, "build_epoch");
	put_byte(o, 8);
	put_byte(o, 9 - 7);
	put(o, &(uint64_t){htobe64(l->epoch)}, 8);
	put_text(o, "description");
	put_map(o, 0);
	put_text(o, "languages");
	if (l->languages)
		l->languages(o, start);
	else
		put_array(o, 0);
}

enum { DATA = 16 }; /* a record that points at byte 0 of the data says: nodes + 16 */

/* A tree of one node with two records, as 32-bit numbers. */
static void
put_tree(struct out *o, uint32_t left, uint32_t right)
{
	static const uint8_t separator[16];

	o->n = 0;
	put(o, &(uint32_t){htobe32(left)}, 4);
	put(o, &(uint32_t){htobe32(right)}, 4);
	put(o, separator, sizeof separator);
}

static void
put_country(struct out *o, const char *code)
{
	put_map(o, 1);
	put_text(o, "country");
	put_map(o, 1);
	put_text(o, "iso_code");
	put_text(o, code);
}

static struct out file;

/* The lower half of IPv4 is in GB, the upper half in whatever `damage` writes. */
static void
half_damaged(void (*damage)(struct out *o, size_t data))
{
	struct out second = {.n = 0};

	put_country(&second, "GB");
	put_tree(&file, 1 + DATA, (uint32_t)(1 + DATA + second.n));
	size_t data = file.n;
	put_country(&file, "GB");
	damage(&file, data);
	put_metadata(&file, &truth);
}

static void
sound(struct out *o, size_t data)
{
	(void)data;
	put_country(o, "FR");
}

/* A value that must be skipped to reach the country, and is an array in an array in an array... */
static void
put_nested(struct out *o, int depth)
{
	put_map(o, 2);
	put_text(o, "a");
	for (int i = 0; i < depth; i++)
		put_array(o, 1);
	put_array(o, 0);
	put_text(o, "country");
	put_map(o, 1);
	put_text(o, "iso_code");
	put_text(o, "FR");
}

static void
deep_enough(struct out *o, size_t data)
{
	(void)data;
	put_nested(o, 10);
}

static void
too_deep(struct out *o, size_t data)
{
	(void)data;
	put_nested(o, 30);
}

static void
deep_as_a_well(struct out *o, size_t data)
{
	(void)data;
	put_nested(o, 400000);
}

static void
pointer_to_itself(struct out *o, size_t data)
{
	put_pointer(o, (uint32_t)(o->n - data));
}

static void
map_inside_itself(struct out *o, size_t data)
{
	uint32_t self = (uint32_t)(o->n - data);

	put_map(o, 2);
	put_text(o, "country");
	put_pointer(o, self);
	put_text(o, "x");
	put_pointer(o, self);
}

static void
pointer_out_of_range(struct out *o, size_t data)
{
	(void)data;
	put_map(o, 1);
	put_text(o, "country");
	put_pointer(o, 0x7fffffff);
}

static void
map_without_end(struct out *o, size_t data)
{
	(void)data;
	put(o, "\xff\xff\xff\xff", 4); /* 16 million pairs */
}

static void
key_is_a_map(struct out *o, size_t data)
{
	(void)data;
	put_map(o, 1);
	put_map(o, 1);
	put_text(o, "country");
	put_text(o, "x");
}

/* Eight levels of ten pointers each: a hundred million values in a few hundred bytes, and not deep. */
static void
pointer_bomb(struct out *o, size_t data)
{
	put_map(o, 1);
	put_text(o, "country");
	put_pointer(o, (uint32_t)(o->n - data) + 5);
	for (int i = 0; i < 8; i++) {
		uint32_t next = (uint32_t)(o->n - data) + 2 + 10 * 5;
		put_array(o, 10);
		for (int k = 0; k < 10; k++)
			put_pointer(o, next);
	}
	put_array(o, 0);
}

static void
hostile_records(void **state)
{
	static const struct {
		void (*damage)(struct out *, size_t);
		const char *upper; /* country of the upper half */
		bool error;
	} rows[] = {
		{sound, "FR", false},
		{deep_enough, "FR", false},
		{too_deep, "", true},
		{deep_as_a_well, "", true},
		{pointer_to_itself, "", true},
		{map_inside_itself, "", true},
		{pointer_out_of_range, "", true},
		{map_without_end, "", true},
		{key_is_a_map, "", true},
		{pointer_bomb, "", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		half_damaged(rows[i].damage);
		write_file(in_dir("variant"), file.b, file.n);
		struct geo *g = open_one("variant");
		assert_int_equal(only_row(g)->state, GEO_OK);
		assert_string_equal(look_up(g, "81.2.69.1").country, "GB");
		assert_int_equal(look_up(g, "81.2.69.1").prefix_len, 96 + 3); /* one bit of tree, three to tell 81 from 127 */
		assert_int_equal(only_row(g)->errors, 0);
		assert_string_equal(look_up(g, "200.0.0.1").country, rows[i].upper);
		assert_int_equal(only_row(g)->errors > 0, rows[i].error);
		geo_close(g);
	}
}

static void
hostile_trees(void **state)
{
	unsigned known;

	(void)state;
	/* Behind the data; into the separator; the node itself, for ever. */
	const uint32_t records[] = {0xffffffff, 0x7fffffff, 1 + DATA - 1, 2, 0};
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		put_tree(&file, 1 + DATA, records[i]);
		put_country(&file, "GB");
		put_metadata(&file, &truth);
		assert_int_equal(try_bytes(file.b, file.n, NULL, &known), GEO_OK);
		assert_true(known > 0);
		/* And with nothing else to find. */
		put_tree(&file, records[i], records[i]);
		put_country(&file, "GB");
		put_metadata(&file, &truth);
		assert_int_equal(try_bytes(file.b, file.n, NULL, NULL), GEO_BROKEN);
	}
}

static void
languages_bomb(struct out *o, size_t start)
{
	for (int i = 0; i < 8; i++) {
		uint32_t next = (uint32_t)(o->n - start) + 2 + 10 * 5;
		put_array(o, 10);
		for (int k = 0; k < 10; k++)
			put_pointer(o, next);
	}
	put_array(o, 0);
}

static void
languages_not_text(struct out *o, size_t start)
{
	(void)start;
	put_array(o, 1);
	put_u16(o, 1);
}

static void
lying_metadata(void **state)
{
	static const struct {
		struct lies lies;
		const char *problem;
	} rows[] = {
		/* 0x20000001 nodes of 8 bytes are 8 bytes, counted in 32 bits. */
		{{0x20000001, 32, 4, 2, 1, "test", NULL}, "too short"},
		{{0xffffffff, 32, 4, 2, 1, "test", NULL}, "damaged"},
		{{1000, 32, 4, 2, 1, "test", NULL}, "damaged"},
		{{0, 32, 4, 2, 1, "test", NULL}, "damaged"},
		{{1, 25, 4, 2, 1, "test", NULL}, "damaged"},
		{{1, 0, 4, 2, 1, "test", NULL}, "damaged"},
		{{1, 32, 5, 2, 1, "test", NULL}, "damaged"},
		{{1, 32, 4, 3, 1, "test", NULL}, "damaged"},
		{{1, 32, 4, 2, 1, "test", languages_bomb}, "damaged metadata"},
		{{1, 32, 4, 2, 1, "test", languages_not_text}, "damaged metadata"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		put_tree(&file, 1 + DATA, 1 + DATA);
		put_country(&file, "GB");
		put_metadata(&file, &rows[i].lies);
		assert_broken(file.b, file.n, rows[i].problem);
	}
}

/* Text and times that a file may hold, and nobody should print as they are. */
static void
odd_metadata(void **state)
{
	char type[200];
	struct lies l = truth;

	(void)state;
	memset(type, 'T', sizeof type - 1);
	type[sizeof type - 1] = 0;
	memcpy(type, "\033[31mred\n", 9);
	l.type = type;
	l.epoch = UINT64_MAX;
	put_tree(&file, 1 + DATA, 1 + DATA);
	put_country(&file, "GB");
	put_metadata(&file, &l);
	write_file(in_dir("variant"), file.b, file.n);
	struct geo *g = open_one("variant");
	assert_int_equal(only_row(g)->state, GEO_OK);
	assert_int_equal(only_row(g)->built_s, 0);
	assert_int_equal(strlen(only_row(g)->type), 63);
	assert_memory_equal(only_row(g)->type, "?[31mred?TT", 11);
	assert_string_equal(geo_source_name(g, GEO_SOURCE_DB), only_row(g)->type); /* no date */
	geo_close(g);
}

/* --- libloc files --- */

static uint32_t
word(const struct bytes *b, size_t at)
{
	uint32_t v;

	memcpy(&v, b->p + at, 4);
	return be32toh(v);
}

static void
set_word(struct bytes *b, size_t at, uint32_t v)
{
	memcpy(b->p + at, &(uint32_t){htobe32(v)}, 4);
}

/* Header words: AS table, networks, tree, countries, pool; offset and length each. */
enum { AT_AS = 28, AT_NETWORKS = 36, AT_TREE = 44, AT_POOL = 60 };

static void
hostile_libloc(void **state)
{
	(void)state;
	struct bytes b = read_file(in_dir("location.db"));
	uint32_t tree = word(&b, AT_TREE), as = word(&b, AT_AS), pool = word(&b, AT_POOL), pool_len = word(&b, AT_POOL + 4);
	uint32_t zero = word(&b, tree), name = word(&b, as + 4);
	assert_true(zero > 0);

	set_word(&b, tree, 0x00ffffff);
	assert_broken(b.p, b.len, "damaged network tree");
	/* The child of node 1 is node 1: libloc would go down for ever. */
	set_word(&b, tree, zero);
	uint32_t child = word(&b, tree + 12);
	set_word(&b, tree + 12, 1);
	assert_broken(b.p, b.len, "damaged network tree");
	set_word(&b, tree + 12, child);
	uint32_t leaf = word(&b, tree + 8);
	set_word(&b, tree + 8, 0x00ffffff);
	assert_broken(b.p, b.len, "damaged network tree");
	set_word(&b, tree + 8, leaf);
	set_word(&b, as + 4, 0x7fffffff);
	assert_broken(b.p, b.len, "damaged names");
	set_word(&b, as + 4, name);
	b.p[pool + pool_len - 1] = 'x';
	assert_broken(b.p, b.len, "damaged names");
	b.p[pool + pool_len - 1] = 0;
	for (size_t at = AT_AS; at < AT_AS + 40; at += 4) {
		uint32_t was = word(&b, at);
		set_word(&b, at, 0xfffffff0);
		assert_broken(b.p, b.len, "tables that end behind");
		set_word(&b, at, was);
	}
	assert_int_equal(try_bytes(b.p, b.len, NULL, NULL), GEO_OK); /* all is back in its place */

	/* Countries that libloc refuses: it must not leak, and we must say so. */
	for (size_t at = word(&b, AT_NETWORKS); at < word(&b, AT_NETWORKS) + word(&b, AT_NETWORKS + 4); at += 12)
		memcpy(b.p + at, "\1\2", 2);
	write_file(in_dir("variant"), b.p, b.len);
	struct geo *g = open_one("variant");
	assert_int_equal(only_row(g)->state, GEO_OK);
	assert_string_equal(look_up(g, "81.2.69.1").country, "");
	assert_int_equal(only_row(g)->errors, 1);
	geo_close(g);
	free(b.p);
}

/* A chain of 400 nodes: each behind its parent, and deeper than an address is long. */
static void
libloc_too_deep(void **state)
{
	enum { HEADER = 8 + 4192, NODES = 400 };
	struct bytes b = {calloc(1, HEADER + NODES * 12 + 1), HEADER + NODES * 12 + 1};

	(void)state;
	memcpy(b.p, "LOCDBXX\1", 8);
	for (size_t at = AT_AS; at < AT_AS + 40; at += 8)
		set_word(&b, at, HEADER);
	set_word(&b, AT_TREE + 4, NODES * 12);
	set_word(&b, AT_POOL, HEADER + NODES * 12);
	set_word(&b, AT_POOL + 4, 1);
	for (uint32_t i = 0; i < NODES; i++) {
		set_word(&b, HEADER + i * 12, i + 1 < NODES ? i + 1 : 0);
		set_word(&b, HEADER + i * 12 + 4, i + 1 < NODES ? i + 1 : 0);
		set_word(&b, HEADER + i * 12 + 8, UINT32_MAX);
	}
	assert_broken(b.p, b.len, "damaged network tree");
	set_word(&b, HEADER + 128 * 12, 0);
	set_word(&b, HEADER + 128 * 12 + 4, 0);
	for (uint32_t i = 129; i < NODES; i++) { /* what nobody reaches may be anything up to 128 deep */
		set_word(&b, HEADER + i * 12, 0);
		set_word(&b, HEADER + i * 12 + 4, 0);
	}
	assert_int_equal(try_bytes(b.p, b.len, NULL, NULL), GEO_OK);
	free(b.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_records),
		cmocka_unit_test(hostile_trees),
		cmocka_unit_test(lying_metadata),
		cmocka_unit_test(odd_metadata),
		cmocka_unit_test(hostile_libloc),
		cmocka_unit_test(libloc_too_deep),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
