/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See nameset.h. Slots hold a part of the hash, so that the text is looked at only where it most likely fits. The key is random: who
 * writes a list, or asks for a name, cannot make them all fall into one place. At least half of the slots stay free.
 */
#include "nameset.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

enum {
	LABELS_MAX = 128,	/* of a name of 253 characters */
	RECORD_HEAD = 5,	/* of a text in the pool: line and kind, length */
	UNDER_BIT = 1 << 30,
};

struct slot {
	uint32_t tag, at; /* at: the record's place in the pool plus one; 0: free */
};

struct nameset {
	struct hash_key key;
	struct slot *slots;
	size_t mask, n, room;
	unsigned char *pool;
	size_t pool_len, pool_cap;
	uint64_t depths[LABELS_MAX / 64]; /* numbers of labels that suffixes have */
	uint32_t any_line;
	bool any;
};

struct nameset *
nameset_new(size_t n, size_t text_bytes)
{
	struct nameset *s = calloc(1, sizeof(*s));
	size_t slots = 16;
	while (slots < n * 2)
		slots *= 2;
	if (!s)
		return NULL;
	s->room = n;
	s->mask = slots - 1;
	s->pool_cap = text_bytes + n * RECORD_HEAD;
	s->slots = calloc(slots, sizeof(*s->slots));
	s->pool = s->pool_cap < UINT32_MAX ? malloc(s->pool_cap + 1) : NULL;
	hash_key_random(&s->key);
	if (s->slots && s->pool)
		return s;
	nameset_free(s);
	return NULL;
}

void
nameset_free(struct nameset *s)
{
	if (!s)
		return;
	free(s->slots);
	free(s->pool);
	free(s);
}

static uint64_t
hash_of(const struct nameset *s, const char *name, size_t len, bool under)
{
	uint64_t h = hash_bytes(&s->key, name, len);
	return under ? h * UINT64_C(0x9e3779b97f4a7c15) + 1 : h;
}

static bool
record_is(const struct nameset *s, uint32_t at, const char *name, size_t len, bool under)
{
	const unsigned char *r = s->pool + at;
	uint32_t head;
	memcpy(&head, r, sizeof(head));
	return r[4] == len && !(head & UNDER_BIT) == !under && memcmp(r + RECORD_HEAD, name, len) == 0;
}

/* The slot of this item, or the free one where it belongs. */
static struct slot *
slot_of(const struct nameset *s, uint64_t hash, const char *name, size_t len, bool under)
{
	uint32_t tag = (uint32_t)(hash >> 32);
	for (size_t i = (size_t)hash & s->mask;; i = (i + 1) & s->mask) {
		struct slot *slot = &s->slots[i];
		if (!slot->at || (slot->tag == tag && record_is(s, slot->at - 1, name, len, under)))
			return slot;
	}
}

static unsigned
labels(const char *name, size_t len)
{
	unsigned n = 1;
	for (size_t i = 0; i < len; i++)
		n += name[i] == '.';
	return n;
}

bool
nameset_add(struct nameset *s, const char *name, size_t len, enum nameset_kind kind, uint32_t line)
{
	bool under = kind == NAMESET_UNDER, fresh = !s->any;
	if (kind == NAMESET_ANY) {
		s->any_line = fresh ? line : s->any_line;
		s->any = true;
		return fresh;
	}
	uint64_t hash = hash_of(s, name, len, under);
	struct slot *slot = slot_of(s, hash, name, len, under);
	if (slot->at || s->n == s->room || len > NAMESET_NAME_MAX || s->pool_cap - s->pool_len < len + RECORD_HEAD)
		return false;
	unsigned char *r = s->pool + s->pool_len;
	uint32_t head = (line & NAMESET_LINE_MAX) | (under ? UNDER_BIT : 0);
	memcpy(r, &head, sizeof(head));
	r[4] = (unsigned char)len;
	memcpy(r + RECORD_HEAD, name, len);
	*slot = (struct slot){(uint32_t)(hash >> 32), (uint32_t)s->pool_len + 1};
	s->pool_len += len + RECORD_HEAD;
	s->n++;
	unsigned depth = labels(name, len);
	if (under)
		s->depths[depth / 64] |= UINT64_C(1) << depth % 64;
	return true;
}

static bool
has(const struct nameset *s, const char *name, size_t len, bool under, uint32_t *ret_line)
{
	const struct slot *slot = slot_of(s, hash_of(s, name, len, under), name, len, under);
	uint32_t head;
	if (!slot->at)
		return false;
	memcpy(&head, s->pool + slot->at - 1, sizeof(head));
	*ret_line = head & NAMESET_LINE_MAX;
	return true;
}

bool
nameset_find(const struct nameset *s, const char *name, uint32_t *ret_line)
{
	size_t len = strlen(name);
	unsigned depth = 0;
	uint32_t line = s->any_line;
	bool found = s->any || (len <= NAMESET_NAME_MAX && s->n > 0 && has(s, name, len, false, &line));
	if (!(s->depths[0] | s->depths[1]))
		depth = LABELS_MAX;
	for (size_t i = len; !found && i-- > 1 && len - i <= NAMESET_NAME_MAX + 1 && depth < LABELS_MAX - 1;) {
		if (name[i] != '.')
			continue;
		depth++;
		found = s->depths[depth / 64] >> depth % 64 & 1 && has(s, name + i + 1, len - i - 1, true, &line);
	}
	if (found && ret_line)
		*ret_line = line;
	return found;
}
