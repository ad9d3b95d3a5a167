/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts, each kept once with a count of its users. Memory is blocks of one size; a block in use is cut into
 * cells of one of four sizes, so a name takes at most about twice its length, and a block whose cells are
 * all unused can be cut anew.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "names_private.h"

enum {
	BLOCK = 288,
	SIZES = 4, /* 288, 144, 72 and 36 bytes: 1, 2, 4 or 8 cells a block */
	CELLS_MAX = 8,
};

/* At the beginning of a cell; the text and its NUL follow. */
struct cell {
	uint32_t users, hash_next;
	char text[];
};

_Static_assert(sizeof(struct cell) + DNS_NAME <= BLOCK, "the longest name has a cell");
_Static_assert((BLOCK >> (SIZES - 1)) % _Alignof(struct cell) == 0, "cells are aligned");

struct block {
	uint8_t size;	     /* cells of BLOCK >> size bytes */
	uint8_t used;	     /* a bit a cell */
	uint32_t next, prev; /* in the list of blocks of this size with an unused cell, or of unused blocks */
};

struct names_texts {
	struct hash_key key;
	uint8_t *memory; /* block i is at i * BLOCK; [0] is never used */
	struct block *blocks;
	uint32_t *buckets;
	uint32_t total, touched, unused, mask;
	uint32_t open[SIZES]; /* blocks with an unused cell */
};

struct names_texts *
names_texts_new(size_t bytes, size_t names)
{
	struct names_texts *t = calloc(1, sizeof *t);
	size_t buckets = 1;

	assert(bytes / BLOCK < UINT32_MAX / CELLS_MAX - SIZES - 1);
	while (buckets < names)
		buckets *= 2;
	if (!t)
		return NULL;
	t->total =
		(uint32_t)(bytes / BLOCK) + SIZES; /* so that each size has a block however few there are */
	t->memory = calloc(t->total + 1, BLOCK);
	t->blocks = calloc(t->total + 1, sizeof *t->blocks);
	t->buckets = calloc(buckets, sizeof *t->buckets);
	t->mask = (uint32_t)buckets - 1;
	hash_key_random(&t->key);
	if (t->memory && t->blocks && t->buckets)
		return t;
	names_texts_free(t);
	return NULL;
}

void
names_texts_free(struct names_texts *t)
{
	if (!t)
		return;
	free(t->memory);
	free(t->blocks);
	free(t->buckets);
	free(t);
}

/* A text's number is its block's, times eight, plus its cell's. */
static struct cell *
cell_at(const struct names_texts *t, uint32_t number)
{
	uint32_t block = number / CELLS_MAX;
	size_t size = BLOCK >> t->blocks[block].size;

	return (struct cell *)(void *)(t->memory + (size_t)block * BLOCK + number % CELLS_MAX * size);
}

static unsigned
size_for(size_t len)
{
	unsigned size = SIZES - 1;

	assert(len < DNS_NAME);
	while ((size_t)(BLOCK >> size) < sizeof(struct cell) + len + 1)
		size--;
	return size;
}

static uint8_t
all_used(unsigned size)
{
	return (uint8_t)((1u << (1u << size)) - 1);
}

static void
open_push(struct names_texts *t, uint32_t number)
{
	struct block *b = &t->blocks[number];
	uint32_t *head = &t->open[b->size];

	b->next = *head;
	b->prev = 0;
	if (*head)
		t->blocks[*head].prev = number;
	*head = number;
}

static void
open_remove(struct names_texts *t, uint32_t number)
{
	struct block *b = &t->blocks[number];

	*(b->prev ? &t->blocks[b->prev].next : &t->open[b->size]) = b->next;
	if (b->next)
		t->blocks[b->next].prev = b->prev;
}

/* A block with an unused cell of this size; 0: there is none. */
static uint32_t
block_with_room(struct names_texts *t, unsigned size)
{
	uint32_t number = t->open[size];

	if (number)
		return number;
	if ((number = t->unused))
		t->unused = t->blocks[number].next;
	else if (t->touched < t->total)
		number = ++t->touched;
	else
		return 0;
	t->blocks[number] = (struct block){.size = (uint8_t)size};
	open_push(t, number);
	return number;
}

static uint32_t
cell_take(struct names_texts *t, unsigned size)
{
	uint32_t number = block_with_room(t, size);
	struct block *b = &t->blocks[number];

	if (!number)
		return 0;
	unsigned cell = (unsigned)__builtin_ctz(~(unsigned)b->used);
	b->used |= (uint8_t)(1u << cell);
	if (b->used == all_used(size))
		open_remove(t, number);
	return number * CELLS_MAX + cell;
}

static void
cell_give(struct names_texts *t, uint32_t number)
{
	uint32_t block = number / CELLS_MAX;
	struct block *b = &t->blocks[block];

	if (b->used == all_used(b->size))
		open_push(t, block);
	b->used &= (uint8_t) ~(1u << number % CELLS_MAX);
	if (b->used)
		return;
	open_remove(t, block);
	b->next = t->unused;
	t->unused = block;
}

static uint32_t *
bucket_of(const struct names_texts *t, const char *text, size_t len)
{
	return &t->buckets[hash_bytes(&t->key, text, len) & t->mask];
}

uint32_t
names_text_take(struct names_texts *t, const char *text)
{
	size_t len = strlen(text);
	uint32_t *bucket = bucket_of(t, text, len), number;

	for (number = *bucket; number; number = cell_at(t, number)->hash_next)
		if (strcmp(cell_at(t, number)->text, text) == 0) {
			cell_at(t, number)->users++;
			return number;
		}
	number = cell_take(t, size_for(len));
	if (!number)
		return 0;
	struct cell *c = cell_at(t, number);
	c->users = 1;
	c->hash_next = *bucket;
	memcpy(c->text, text, len + 1);
	*bucket = number;
	return number;
}

void
names_text_release(struct names_texts *t, uint32_t number)
{
	struct cell *c = cell_at(t, number);

	assert(c->users > 0);
	if (--c->users > 0)
		return;
	uint32_t *link = bucket_of(t, c->text, strlen(c->text));
	while (*link != number)
		link = &cell_at(t, *link)->hash_next;
	*link = c->hash_next;
	cell_give(t, number);
}

const char *
names_text(const struct names_texts *t, uint32_t number)
{
	return cell_at(t, number)->text;
}

size_t
names_text_cost(size_t len)
{
	return BLOCK >> size_for(len);
}

size_t
names_texts_bytes(const struct names_texts *t)
{
	return (size_t)t->total * BLOCK;
}
