/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See netset.h. A step speaks of a run of ordered items: it passes over the bits that all of them share and branches on the next ones, as
 * many as leave at least half of its children filled, and never beyond the shortest item, so that an item is in one child alone. The
 * bits passed over are not compared on the way: the item at the end tells.
 */
#include "netset.h"

#include <stdlib.h>
#include <string.h>

enum { BRANCH_MAX = 20 }; /* bits */

struct step {
	uint32_t to; /* bits > 0: its first child; else the item plus one, 0: there is none */
	uint8_t at, bits;
};

struct netset {
	struct netset_item *items;
	size_t n;
	uint8_t *shared; /* while it is built: bits that an item shares with the one before it */
	struct step *steps;
	size_t n_steps, cap;
};

/* The bits of an address from `at` on, `bits` of them: 1 to BRANCH_MAX. */
static uint32_t
bits_at(const struct addr *a, unsigned at, unsigned bits)
{
	uint64_t window = 0;
	for (unsigned i = at / 8; i < at / 8 + 4; i++)
		window = window << 8 | (i < sizeof(a->b) ? a->b[i] : 0);
	return (uint32_t)(window << (32 + at % 8) >> (64 - bits));
}

static bool
covers(const struct netset_item *i, const struct addr *a)
{
	struct prefix p = {i->addr, i->len};
	return prefix_covers(&p, a);
}

static int
by_place(const void *a, const void *b)
{
	const struct netset_item *x = a, *y = b;
	int order = addr_cmp(&x->addr, &y->addr);
	if (order == 0)
		order = x->len - y->len;
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Ordered, a network stands right before those inside it. */
static size_t
drop_nested(struct netset_item *items, size_t n, size_t *ret_twice, uint32_t *ret_line)
{
	size_t kept = 0;
	*ret_twice = 0;
	*ret_line = UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		if (i && items[i].len == items[i - 1].len && addr_cmp(&items[i].addr, &items[i - 1].addr) == 0) {
			++*ret_twice;
			*ret_line = items[i].line < *ret_line ? items[i].line : *ret_line;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || items[i].len < items[kept - 1].len || !covers(&items[kept - 1], &items[i].addr))
			items[kept++] = items[i];
	return kept;
}

static unsigned
common(const struct addr *a, const struct addr *b)
{
	for (unsigned i = 0; i < sizeof(a->b); i++)
		if (a->b[i] != b->b[i])
			return i * 8 + (unsigned)__builtin_clz((unsigned)(a->b[i] ^ b->b[i])) - 24;
	return 128;
}

/* How many bits to branch on behind `at`: the items from..to-1 share what is before it. */
static unsigned
branch(const struct netset *s, size_t from, size_t to, unsigned at)
{
	size_t split[BRANCH_MAX + 1] = {0}, filled = 1;
	unsigned shortest = s->items[from].len, best = 1;
	for (size_t i = from + 1; i < to; i++) {
		unsigned behind = s->shared[i] - at;
		shortest = s->items[i].len < shortest ? s->items[i].len : shortest;
		if (behind < BRANCH_MAX)
			split[behind + 1]++;
	}
	for (unsigned bits = 1; bits <= BRANCH_MAX && at + bits <= shortest; bits++) {
		filled += split[bits];
		if (filled * 2 >= (size_t)1 << bits)
			best = bits;
	}
	return best;
}

static bool
steps_add(struct netset *s, size_t n, size_t *ret_first)
{
	if (s->cap - s->n_steps < n) {
		size_t cap = s->cap * 2 > s->n_steps + n ? s->cap * 2 : s->n_steps + n;
		struct step *more = cap < UINT32_MAX ? realloc(s->steps, cap * sizeof(*more)) : NULL;
		if (!more)
			return false;
		s->steps = more;
		s->cap = cap;
	}
	memset(s->steps + s->n_steps, 0, n * sizeof(*s->steps));
	*ret_first = s->n_steps;
	s->n_steps += n;
	return true;
}

/* Each call branches on one bit at least, so it is never deeper than an address is long. */
static bool
build(struct netset *s, size_t step, size_t from, size_t to)
{
	size_t first;
	if (to - from == 1) {
		s->steps[step] = (struct step){.to = (uint32_t)from + 1};
		return true;
	}
	unsigned at = common(&s->items[from].addr, &s->items[to - 1].addr), bits = branch(s, from, to, at);
	if (!steps_add(s, (size_t)1 << bits, &first))
		return false;
	s->steps[step] = (struct step){(uint32_t)first, (uint8_t)at, (uint8_t)bits};
	for (size_t i = from, end; i < to; i = end) {
		uint32_t child = bits_at(&s->items[i].addr, at, bits);
		for (end = i + 1; end < to && s->shared[end] >= at + bits;)
			end++;
		if (!build(s, first + child, i, end))
			return false;
	}
	return true;
}

static bool
build_all(struct netset *s)
{
	size_t root;
	s->shared = malloc(s->n + 1);
	if (!s->shared || !steps_add(s, 1, &root))
		return false;
	for (size_t i = 1; i < s->n; i++)
		s->shared[i] = (uint8_t)common(&s->items[i - 1].addr, &s->items[i].addr);
	bool ok = s->n == 0 || build(s, root, 0, s->n);
	free(s->shared);
	s->shared = NULL;
	return ok;
}

struct netset *
netset_new(struct netset_item *items, size_t n, size_t *ret_twice, uint32_t *ret_line)
{
	struct netset *s = calloc(1, sizeof(*s));
	if (!s) {
		free(items);
		return NULL;
	}
	s->items = items;
	if (n > 1)
		qsort(items, n, sizeof(*items), by_place);
	s->n = drop_nested(items, n, ret_twice, ret_line);
	if (n >= UINT32_MAX || !build_all(s)) {
		netset_free(s);
		return NULL;
	}
	return s;
}

bool
netset_find(const struct netset *s, const struct addr *a, uint32_t *ret_line)
{
	const struct step *n = s->steps;
	while (n->bits)
		n = &s->steps[n->to + bits_at(a, n->at, n->bits)];
	if (!n->to || !covers(&s->items[n->to - 1], a))
		return false;
	if (ret_line)
		*ret_line = s->items[n->to - 1].line;
	return true;
}

size_t
netset_bytes(const struct netset *s)
{
	return sizeof(*s) + s->n * sizeof(*s->items) + s->cap * sizeof(*s->steps);
}

void
netset_free(struct netset *s)
{
	if (!s)
		return;
	free(s->items);
	free(s->shared);
	free(s->steps);
	free(s);
}
