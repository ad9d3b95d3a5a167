/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counted, shared entries of what flows speak; see known.h. Two sizes of entry, so that an ordinary one takes two cache lines: each size has
 * room for all flows, of which only what was ever used is in memory.
 */
#include "known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

enum {
	SMALL = 128,
	LARGE = (sizeof(struct known) + KNOWN_TEXT + 63) / 64 * 64,
	SIZES = 2,
	PER_BUCKET = 4, /* flows; different entries are far fewer */
};

static const size_t sizes[SIZES] = {SMALL, LARGE};

struct store {
	uint8_t *memory;
	uint32_t touched, unused; /* unused: head of the chain through entry.next; 0: none */
};

struct known_table {
	struct hash_key key;
	struct store store[SIZES];
	uint32_t *buckets;
	uint32_t mask, capacity;
	size_t count;
	union {
		struct known known;
		uint8_t room[LARGE];
	} draft; /* of the entry that is looked for */
};

const char protocol_unknown[] = "unknown";
const struct known known_nothing = {.fixed = true, .protocol = protocol_unknown, .name = ""};

size_t
known_bytes(const struct known *k)
{
	return offsetof(struct known, name) + k->bound_at + strlen(known_bound(k)) + 1;
}

void
known_table_free(struct known_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < SIZES; i++)
		free(t->store[i].memory);
	free(t->buckets);
	free(t);
}

struct known_table *
known_table_new(size_t flows)
{
	struct known_table *t = calloc(1, sizeof *t);
	size_t buckets = 64;
	bool ok = t != NULL;

	assert(flows > 0 && flows < UINT32_MAX / 4);
	while (buckets < flows / PER_BUCKET)
		buckets *= 2;
	for (size_t i = 0; ok && i < SIZES; i++)
		ok = (t->store[i].memory = calloc(flows, sizes[i])) != NULL;
	if (ok)
		ok = (t->buckets = calloc(buckets, sizeof *t->buckets)) != NULL;
	if (!ok) {
		known_table_free(t);
		return NULL;
	}
	hash_key_random(&t->key);
	t->mask = (uint32_t)buckets - 1;
	t->capacity = (uint32_t)flows;
	return t;
}

/* Numbers count from 1; the lowest bit says which store. */
static struct known *
at(const struct known_table *t, uint32_t number)
{
	unsigned s = number & 1;

	return (struct known *)(t->store[s].memory + (size_t)((number >> 1) - 1) * sizes[s]);
}

/* All that two equal entries have in common, which begins behind the table's own. */
static size_t
compared(const struct known *k)
{
	return known_bytes(k) - offsetof(struct known, fixed);
}

static uint32_t *
bucket_of(struct known_table *t, const struct known *k)
{
	return &t->buckets[hash_bytes(&t->key, &k->fixed, compared(k)) & t->mask];
}

static void
fill(struct known *k, const char *protocol, const struct app *app, const char *bound)
{
	size_t name = app && app->has_name ? strlen(app->name) : 0, len = strlen(bound);

	memset(k, 0, sizeof *k);
	k->protocol = protocol;
	if (app) {
		k->ech = app->ech;
		k->has_name = app->has_name;
		k->is_dns = strcmp(protocol, "dns") == 0;
		strcpy(k->ja4, app->ja4);
		memcpy(k->name, app->name, name);
	}
	k->name[name] = 0;
	if (len == 0 || len >= KNOWN_BOUND) {
		k->bound_at = (uint16_t)name;
	} else if (strcmp(bound, k->name) != 0) {
		k->bound_at = (uint16_t)(name + 1);
		memcpy(k->name + k->bound_at, bound, len + 1);
	}
}

static struct known *
find(struct known_table *t, const struct known *like)
{
	for (uint32_t i = *bucket_of(t, like); i; i = at(t, i)->entry.next) {
		struct known *k = at(t, i);
		if (k->bound_at == like->bound_at && known_bytes(k) == known_bytes(like) && memcmp(&k->fixed, &like->fixed, compared(like)) == 0)
			return k;
	}
	return NULL;
}

static struct known *
add(struct known_table *t, const struct known *like)
{
	size_t bytes = known_bytes(like);
	unsigned s = bytes > SMALL;
	struct store *store = &t->store[s];
	uint32_t *bucket = bucket_of(t, like), number = store->unused;

	if (number) {
		store->unused = at(t, number)->entry.next;
	} else {
		assert(store->touched < t->capacity);
		number = ++store->touched << 1 | s;
	}
	struct known *k = at(t, number);
	memcpy(k, like, bytes);
	k->entry.number = number;
	k->entry.refs = 0;
	k->entry.next = *bucket;
	*bucket = number;
	t->count++;
	return k;
}

const struct known *
known_take(struct known_table *t, const char *protocol, const struct app *app, const char *bound)
{
	fill(&t->draft.known, protocol, app, bound);
	struct known *k = find(t, &t->draft.known);

	if (!k)
		k = add(t, &t->draft.known);
	k->entry.refs++;
	return k;
}

void
known_give(struct known_table *t, const struct known *held)
{
	if (!held || held->fixed)
		return;
	struct known *k = at(t, held->entry.number);
	struct store *store = &t->store[k->entry.number & 1];

	if (--k->entry.refs)
		return;
	uint32_t *link = bucket_of(t, k);
	while (*link != k->entry.number)
		link = &at(t, *link)->entry.next;
	*link = k->entry.next;
	k->entry.next = store->unused;
	store->unused = k->entry.number;
	t->count--;
}

size_t
known_count(const struct known_table *t)
{
	return t->count;
}

size_t
known_memory(const struct known_table *t)
{
	size_t bytes = sizeof *t + ((size_t)t->mask + 1) * sizeof *t->buckets;

	for (size_t i = 0; i < SIZES; i++)
		bytes += t->store[i].touched * sizes[i];
	return bytes;
}
