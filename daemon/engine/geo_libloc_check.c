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
 *	tree node: zero(4) one(4) network(4, ~0 none)    network: country(2) asn(4) flags(2) padding(2), aligned to 12
 *	as: number(4) name(4)    country: code(2) continent(2) name(4)
 */
#include "geo_private.h"

#include <stdlib.h>

enum {
	VERSION = 1,
	SIGNATURE_MAX = 2048,
	HEADER_PADDING = 32,
	NODE_SIZE = 12,
	NETWORK_SIZE = 12,
	AS_SIZE = 8,
	COUNTRY_SIZE = 8,
	DEPTH_MAX = 128,
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
tree_sound(const struct loc_layout *l, uint8_t *depth)
{
	uint32_t nodes = (uint32_t)(l->tree.len / NODE_SIZE), networks = (uint32_t)(l->networks.len / NETWORK_SIZE);
	struct cursor in = cursor_span(l->tree);

	for (uint32_t i = 0; i < nodes; i++) {
		for (unsigned side = 0; side < 2; side++) {
			uint32_t child = cursor_u32(&in);
			if (child == 0)
				continue;
			if (child <= i || child >= nodes || depth[i] == DEPTH_MAX)
				return false;
			depth[child] = (uint8_t)larger(depth[child], depth[i] + 1u);
		}
		uint32_t network = cursor_u32(&in);
		if (network != UINT32_MAX && network >= networks)
			return false;
	}
	return true;
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
	uint8_t *depth = calloc(l.tree.len / NODE_SIZE, 1);
	bool sound = depth && tree_sound(&l, depth);
	if (!sound)
		*ret_problem = depth ? "has a damaged network tree" : "is too large for the memory there is";
	free(depth);
	if (!sound)
		return -1;
	*ret_layout = l;
	return 0;
}

uint8_t
loc_layout_depth(const struct loc_layout *l, const struct addr *a)
{
	uint32_t node = 0;

	for (unsigned bit = 0; bit < DEPTH_MAX; bit++) {
		struct cursor in = cursor_span(l->tree);
		bool one = a->b[bit / 8] >> (7 - bit % 8) & 1;
		cursor_skip(&in, (size_t)node * NODE_SIZE + (one ? 4 : 0));
		node = cursor_u32(&in);
		if (node == 0)
			return (uint8_t)(bit + 1);
	}
	return DEPTH_MAX;
}
