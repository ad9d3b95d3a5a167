/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the names*.c files: names_text.c keeps each name once, names_table.c keeps bindings and their
 * order of ending, names_learn.c says which bindings an answer proves, names.c answers questions.
 *
 * All are arrays of a fixed size whose entries are called by number; 0 is none.
 */
#ifndef LENSCAP_NAMES_PRIVATE_H
#define LENSCAP_NAMES_PRIVATE_H

#include "hash.h"
#include "names.h"

enum {
	NAMES_PLACE = 32,     /* names of one address for one device: bounds every search */
	NAMES_SHARE = 8,      /* a device has at most this part of the bindings, and of the text */
	NAMES_SHARE_MIN = 32, /* but this many bindings it has */
};

struct names_texts;

/* At least bytes of text; names: how many there will be at most. NULL when memory is short. */
struct names_texts *names_texts_new(size_t bytes, size_t names);
void names_texts_free(struct names_texts *t);
/* The number of this text, which is kept until as many releases; 0 when there is no room. */
uint32_t names_text_take(struct names_texts *t, const char *text);
void names_text_release(struct names_texts *t, uint32_t number);
const char *names_text(const struct names_texts *t, uint32_t number);
/* What a text of this length takes, and what there is altogether. */
size_t names_text_cost(size_t len);
size_t names_texts_bytes(const struct names_texts *t);

struct binding {
	struct addr addr;
	uint32_t device, text;
	uint64_t end_ns;
	uint32_t hash_next;	      /* in the bucket of (device, addr), newest first */
	uint32_t heap_at;	      /* where the heap has it */
	uint32_t owner, newer, older; /* its device's, by last refresh */
};

/* A device that has bindings. */
struct owner {
	uint32_t device, hash_next;
	uint32_t count, newest, oldest;
	size_t bytes; /* of text, as if none of it were shared */
};

struct names {
	struct hash_key key;
	struct names_texts *texts;
	struct binding *bindings;
	uint32_t *buckets, *heap; /* heap[1..count]: ends first on top */
	struct owner *owners;
	uint32_t *owner_buckets;
	uint32_t capacity, mask, count, touched, unused;
	uint32_t owners_touched, owners_unused;
	uint32_t share;
	size_t share_bytes;
	uint64_t grace_ns, evicted;
};

/* The newest binding of this device and address that is not over; 0: none. And the next older one. */
uint32_t names_first(const struct names *n, uint32_t device, const struct addr *addr, const struct now *now);
uint32_t names_next(const struct names *n, uint32_t number, const struct now *now);

/* Makes or refreshes a binding. False when there was no room for its name. */
bool names_bind(struct names *n, uint32_t device, const struct addr *addr, const char *name, uint64_t end_ns,
		const struct now *now);
void names_remove(struct names *n, uint32_t number);
uint32_t names_owner(const struct names *n, uint32_t device);

#endif
