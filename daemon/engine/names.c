/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who was told which name for which address; see names.h. */
#include "names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "names_private.h"

enum {
	TEXT_EACH = 64, /* bytes of text for each binding: names are shorter, and many share one */
	LARGEST = 288,	/* what the longest name takes */
};

static size_t
greater(size_t a, size_t b)
{
	return a > b ? a : b;
}

struct names *
names_new(size_t capacity, uint32_t grace_s)
{
	struct names *n = calloc(1, sizeof *n);
	size_t buckets = 1;

	assert(capacity > 0 && capacity < UINT32_MAX / 2);
	while (buckets < capacity)
		buckets *= 2;
	if (!n)
		return NULL;
	n->bindings = calloc(capacity + 1, sizeof *n->bindings);
	n->heap = calloc(capacity + 1, sizeof *n->heap);
	n->owners = calloc(capacity + 1, sizeof *n->owners);
	n->buckets = calloc(buckets, sizeof *n->buckets);
	n->owner_buckets = calloc(buckets, sizeof *n->owner_buckets);
	n->texts = names_texts_new(capacity * TEXT_EACH, capacity);
	if (!n->bindings || !n->heap || !n->owners || !n->buckets || !n->owner_buckets || !n->texts) {
		names_free(n);
		return NULL;
	}
	hash_key_random(&n->key);
	n->capacity = (uint32_t)capacity;
	n->mask = (uint32_t)buckets - 1;
	n->grace_ns = grace_s * UINT64_C(1000000000);
	n->share = (uint32_t)greater(capacity / NAMES_SHARE, NAMES_SHARE_MIN);
	n->share_bytes =
		greater(names_texts_bytes(n->texts) / NAMES_SHARE, (size_t)NAMES_SHARE_MIN * LARGEST);
	return n;
}

void
names_free(struct names *n)
{
	if (!n)
		return;
	free(n->bindings);
	free(n->heap);
	free(n->owners);
	free(n->buckets);
	free(n->owner_buckets);
	names_texts_free(n->texts);
	free(n);
}

bool
names_proves(struct names *n, uint32_t device, const struct addr *addr, const char *name,
	     const struct now *now)
{
	for (uint32_t i = names_first(n, device, addr, now); i; i = names_next(n, i, now))
		if (strcmp(names_text(n->texts, n->bindings[i].text), name) == 0)
			return true;
	return false;
}

size_t
names_of(struct names *n, uint32_t device, const struct addr *addr, const struct now *now,
	 const char **ret_names, size_t max)
{
	size_t found = 0;

	for (uint32_t i = names_first(n, device, addr, now); i && found < max; i = names_next(n, i, now))
		ret_names[found++] = names_text(n->texts, n->bindings[i].text);
	return found;
}

size_t
names_addresses(struct names *n, uint32_t device, const char *name, const struct now *now, struct addr *ret_addrs, size_t max)
{
	uint32_t o = names_owner(n, device);
	size_t found = 0;

	for (uint32_t i = o ? n->owners[o].newest : 0; i && found < max; i = n->bindings[i].older) {
		const struct binding *b = &n->bindings[i];
		if (b->end_ns > now->mono_ns && strcmp(names_text(n->texts, b->text), name) == 0)
			ret_addrs[found++] = b->addr; /* a name is bound to an address once */
	}
	return found;
}

uint64_t
names_until(struct names *n, uint32_t device, const struct addr *addr, const struct now *now)
{
	uint64_t last = 0;

	for (uint32_t i = names_first(n, device, addr, now); i; i = names_next(n, i, now))
		if (n->bindings[i].end_ns > last)
			last = n->bindings[i].end_ns;
	return last;
}

void
names_forget(struct names *n, uint32_t device)
{
	uint32_t o;

	while ((o = names_owner(n, device)))
		names_remove(n, n->owners[o].oldest);
}

void
names_expire(struct names *n, const struct now *now, size_t max)
{
	while (max-- > 0 && n->count && n->bindings[n->heap[1]].end_ns <= now->mono_ns)
		names_remove(n, n->heap[1]);
}

size_t
names_count(const struct names *n)
{
	return n->count;
}

uint64_t
names_evicted(const struct names *n)
{
	return n->evicted;
}
