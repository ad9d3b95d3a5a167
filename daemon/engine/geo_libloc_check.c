/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The libloc file's tables, proved sound before libloc (0.9.16) is let at them: it descends a tree without counting its depth
 * and writes a bit of an address for each level, believes the header of a file shorter than a header, and reads names up to a
 * zero byte wherever that may be. And how far a lookup descends, which libloc does not tell: a network that it finds may have
 * others inside, so its prefix is no answer to how many addresses share the answer.
 *
 * All numbers are big endian. The tree's node 0 is the root; child 0 is none.
 *
 *	"LOCDBXX" version=1 | created(8) vendor(4) description(4) licence(4)
 *	| as network tree country pool: each offset(4) length(4)    (in the order of struct header)
 *	| signature lengths(2, 2) | signatures(2048, 2048) | padding(32)
 *	tree node: zero(4) one(4) network(4, ~0 none)    network: country(2) padding(2) asn(4) flags(2) padding(2)
 *	as: number(4) name(4)    country: code(2) continent(2) name(4)
 */
#include "geo_private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	VERSION = 1,
	SIGNATURE_MAX = 2048,
	HEADER_PADDING = 32,
	NODE_SIZE = 12,
	NETWORK_SIZE = 12,
	AS_SIZE = 8,
	COUNTRY_SIZE = 8,
	DEPTH_MAX = 128,
	V4_BIT = 96,
	CHUNK = 256, /* nodes that are read at once */
};

/* "offset length" of one table, as a view. */
static struct span
read_table(struct cursor *header, struct span file)
{
	uint32_t offset = cursor_u32(header), length = cursor_u32(header);
	struct cursor in = cursor_span(file);

	cursor_skip(&in, offset);
	return cursor_bytes(&in, length);
}

static int
read_header(struct span file, struct loc_layout *l, const char **ret_problem)
{
	struct cursor in = cursor_span(file);
	bool known = cursor_starts(&in, "LOCDBXX", 7);

	cursor_skip(&in, 7);
	if (!known || cursor_u8(&in) != VERSION) {
		*ret_problem = "is a libloc database of an unknown version";
		return -1;
	}
	l->created_s = (int64_t)cursor_u64(&in);
	cursor_skip(&in, 12); /* vendor, description, licence: nobody asks */
	l->ases = read_table(&in, file);
	l->networks = read_table(&in, file);
	l->tree = read_table(&in, file);
	l->countries = read_table(&in, file);
	l->pool = read_table(&in, file);
	uint16_t signature1 = cursor_u16(&in), signature2 = cursor_u16(&in);
	cursor_skip(&in, 2 * SIGNATURE_MAX + HEADER_PADDING);
	if (in.bad || signature1 > SIGNATURE_MAX || signature2 > SIGNATURE_MAX) {
		*ret_problem = "has a damaged header; it may be truncated";
		return -1;
	}
	if (!l->ases.p || !l->networks.p || !l->tree.p || !l->countries.p || !l->pool.p || l->tree.len < NODE_SIZE) {
		*ret_problem = "has tables that end behind the file's end; it may be truncated";
		return -1;
	}
	return 0;
}

/* Children stand behind their parents (the writer goes level by level), so one pass settles each node's greatest depth. */
static bool
node_sound(const uint32_t node[3], uint32_t i, uint32_t nodes, uint32_t networks, uint8_t *depth)
{
	for (unsigned side = 0; side < 2; side++) {
		uint32_t child = node[side];
		if (child == 0)
			continue;
		if (child <= i || child >= nodes || depth[i] == DEPTH_MAX)
			return false;
		depth[child] = (uint8_t)larger(depth[child], depth[i] + 1u);
	}
	return node[2] == UINT32_MAX || node[2] < networks;
}

static bool
tree_sound(const struct loc_layout *l, uint8_t *depth)
{
	uint32_t nodes = (uint32_t)(l->tree.len / NODE_SIZE), networks = (uint32_t)(l->networks.len / NETWORK_SIZE);
	struct cursor in = cursor_span(l->tree);

	for (uint32_t from = 0; from < nodes; from += CHUNK) {
		uint32_t n = nodes - from < CHUNK ? nodes - from : CHUNK, chunk[CHUNK][3];
		if (!cursor_u32s(&in, *chunk, n * 3u))
			return false;
		for (uint32_t k = 0; k < n; k++)
			if (!node_sound(chunk[k], from + k, nodes, networks, depth))
				return false;
	}
	return true;
}

/*
 * A writer that goes level by level numbers the children as they come. Then a level ends before the first child of its first node, and no node's
 * depth needs to be kept: a third of the time. False: the tree is in another order, or not sound.
 */
static bool
tree_in_order(const struct loc_layout *l)
{
	uint32_t nodes = (uint32_t)(l->tree.len / NODE_SIZE), networks = (uint32_t)(l->networks.len / NETWORK_SIZE);
	uint32_t next = 1, level_end = 1;
	unsigned depth = 0, wrong = 0;
	struct cursor in = cursor_span(l->tree);

	for (uint32_t from = 0; from < nodes && !wrong; from += CHUNK) {
		uint32_t n = nodes - from < CHUNK ? nodes - from : CHUNK, chunk[CHUNK][3];
		if (!cursor_u32s(&in, *chunk, n * 3u))
			return false;
		for (uint32_t k = 0; k < n; k++) {
			uint32_t zero = chunk[k][0], one = chunk[k][1], network = chunk[k][2];
			wrong |= next <= from + k; /* nobody's child */
			if (from + k == level_end) {
				depth++;
				level_end = next;
			}
			wrong |= zero && zero != next;
			next += zero != 0;
			wrong |= one && one != next;
			next += one != 0;
			wrong |= (depth == DEPTH_MAX && (zero || one)) || (network != UINT32_MAX && network >= networks);
		}
	}
	return !wrong && next == nodes;
}

/* Every row of the table ends in the offset of a name. */
static bool
names_sound(const struct loc_layout *l, struct span table, size_t row)
{
	struct cursor in = cursor_span(table);

	while (cursor_left(&in) >= row) {
		cursor_skip(&in, row - 4);
		if (cursor_u32(&in) >= l->pool.len)
			return false;
	}
	return true;
}

static bool
pool_sound(const struct loc_layout *l)
{
	struct cursor in = cursor_span(l->pool);

	return l->pool.len && cursor_peek(&in, l->pool.len - 1) == 0;
}

/* From a node at this depth on: the deepest network is the answer. Returns where the way ends, or that it goes on at bit `to`. */
static unsigned
descend(const struct loc_layout *l, const struct addr *a, struct loc_spot *s, unsigned bit, unsigned to)
{
	do {
		struct cursor in = cursor_span(l->tree);
		cursor_skip(&in, (size_t)s->node * NODE_SIZE);
		uint32_t zero = cursor_u32(&in), one = cursor_u32(&in), network = cursor_u32(&in);
		if (network != UINT32_MAX)
			s->network = network;
		s->node = bit == DEPTH_MAX ? 0 : a->b[bit / 8] >> (7 - bit % 8) & 1 ? one : zero;
		bit++;
	} while (s->node && bit < to);
	return bit;
}

/* All IPv4 addresses share the first 96 steps. */
static void
find_v4(struct loc_layout *l)
{
	const struct addr mapped = {.b = {[10] = 0xff, [11] = 0xff}};

	l->v4 = (struct loc_spot){.network = UINT32_MAX};
	descend(l, &mapped, &l->v4, 0, V4_BIT);
}

int
loc_layout_check(struct span file, struct loc_layout *ret_layout, const char **ret_problem)
{
	struct loc_layout l = {0};

	if (read_header(file, &l, ret_problem) != 0)
		return -1;
	if (!pool_sound(&l) || !names_sound(&l, l.ases, AS_SIZE) || !names_sound(&l, l.countries, COUNTRY_SIZE)) {
		*ret_problem = "has damaged names";
		return -1;
	}
	if (!tree_in_order(&l)) {
		uint8_t *depth = calloc(l.tree.len / NODE_SIZE, 1);
		bool sound = depth && tree_sound(&l, depth);
		if (!sound)
			*ret_problem = depth ? "has a damaged network tree" : "is too large for the memory there is";
		free(depth);
		if (!sound)
			return -1;
	}
	find_v4(&l);
	*ret_layout = l;
	return 0;
}

uint8_t
loc_layout_find(const struct loc_layout *l, const struct addr *a, uint32_t *ret_network)
{
	bool v4 = addr_is_v4(a) && l->v4.node;
	struct loc_spot s = v4 ? l->v4 : (struct loc_spot){.network = UINT32_MAX};
	unsigned bits = descend(l, a, &s, v4 ? V4_BIT : 0, UINT_MAX);

	*ret_network = s.network;
	return (uint8_t)(bits < DEPTH_MAX ? bits : DEPTH_MAX);
}

bool
loc_layout_network(const struct loc_layout *l, uint32_t network, struct loc_row *ret_row)
{
	struct cursor in = cursor_span(l->networks);
	struct loc_row row = {0};

	cursor_skip(&in, (size_t)network * NETWORK_SIZE);
	cursor_copy(&in, row.country, 2);
	cursor_skip(&in, 2);
	row.asn = cursor_u32(&in);
	row.flags = cursor_u16(&in);
	bool letters = row.country[0] >= 'A' && row.country[0] <= 'Z' && row.country[1] >= 'A' && row.country[1] <= 'Z';
	if (in.bad || (row.country[0] && !letters))
		return false;
	*ret_row = row;
	return true;
}

/* The rows are in the order of their numbers. */
struct span
loc_layout_as_name(const struct loc_layout *l, uint32_t asn)
{
	size_t from = 0, to = l->ases.len / AS_SIZE;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		struct cursor in = cursor_span(l->ases);
		cursor_skip(&in, middle * AS_SIZE);
		uint32_t number = cursor_u32(&in), name = cursor_u32(&in);
		if (number == asn) {
			struct cursor pool = cursor_span(l->pool);
			cursor_skip(&pool, name);
			struct span rest = cursor_rest(&pool);
			return (struct span){rest.p, rest.p ? strnlen((const char *)rest.p, rest.len) : 0};
		}
		if (number < asn)
			from = middle + 1;
		else
			to = middle;
	}
	return (struct span){NULL, 0};
}
