/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bump allocator over blocks that grow no further: what does not fit gets a block of its own size. Each block is twice the one before, up
 * to a size that the C library maps by itself: a large policy's memory then goes back as a whole, and a small one wastes little.
 */
#include "region.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_BYTES = 16384,
	BLOCK_MAX = 1 << 20,
};

struct region_block {
	struct region_block *next;
	size_t used, cap;
	alignas(max_align_t) unsigned char bytes[];
};

static size_t
next_size(const struct region *r)
{
	size_t before = r->blocks ? r->blocks->cap : BLOCK_BYTES / 2;

	return before < BLOCK_MAX / 2 ? before * 2 : BLOCK_MAX;
}

static struct region_block *
block_add(struct region *r, size_t bytes)
{
	size_t usual = next_size(r), cap = bytes > usual ? bytes : usual;
	struct region_block *b = cap > SIZE_MAX / 2 ? NULL : calloc(1, sizeof(*b) + cap);
	if (!b) {
		r->failed = true;
		return NULL;
	}
	b->cap = cap;
	b->next = r->blocks;
	r->blocks = b;
	return b;
}

void *
region_alloc(struct region *r, size_t bytes)
{
	const size_t align = alignof(max_align_t);
	if (bytes > SIZE_MAX / 4) {
		r->failed = true;
		return NULL;
	}
	size_t want = (bytes + align - 1) / align * align;
	struct region_block *b = r->blocks;
	if (!b || b->cap - b->used < want)
		b = block_add(r, want);
	if (!b)
		return NULL;
	void *p = b->bytes + b->used;
	b->used += want;
	return p;
}

char *
region_copy(struct region *r, const void *bytes, size_t len)
{
	char *copy = region_alloc(r, len + 1);
	if (copy && len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

char *
region_text(struct region *r, const char *text)
{
	return region_copy(r, text, strlen(text));
}

void *
vec_push(struct region *r, struct vec *v, size_t item_bytes)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 4;
		void *items = region_alloc(r, cap * item_bytes);
		if (!items)
			return NULL;
		if (v->n > 0)
			memcpy(items, v->items, v->n * item_bytes);
		v->items = items;
		v->cap = cap;
	}
	return (unsigned char *)v->items + item_bytes * v->n++;
}

void
region_free(struct region *r)
{
	while (r->blocks) {
		struct region_block *next = r->blocks->next;
		free(r->blocks);
		r->blocks = next;
	}
	r->failed = false;
}
