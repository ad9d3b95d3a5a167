/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow table; see flow.h. Slots, chains and lists are indices into one array: 0 is no flow. */
#include "flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

struct list {
	uint32_t newest, oldest;
	uint64_t idle_ns;
};

struct flow_table {
	struct hash_key key;
	struct flow *slots; /* [0] is never used */
	uint32_t *buckets;
	uint32_t mask, capacity, count, unused; /* unused: head of the free chain through hash_next */
	uint32_t highest; /* no slot above it was ever used */
	struct list lists[FLOW_LISTS];
	flow_ended *ended;
	void *arg;
};

struct flow_table *
flow_table_new(size_t capacity, const uint64_t idle_ns[FLOW_LISTS], flow_ended *ended, void *arg)
{
	struct flow_table *t = calloc(1, sizeof *t);
	size_t buckets = 1;

	assert(capacity > 0 && capacity < UINT32_MAX / 2);
	while (buckets < capacity)
		buckets *= 2;
	if (t) {
		t->slots = calloc(capacity + 1, sizeof *t->slots);
		t->buckets = calloc(buckets, sizeof *t->buckets);
	}
	if (!t || !t->slots || !t->buckets) {
		flow_table_free(t);
		return NULL;
	}
	hash_key_random(&t->key);
	t->mask = (uint32_t)buckets - 1;
	t->capacity = (uint32_t)capacity;
	t->ended = ended;
	t->arg = arg;
	flow_table_set_idle(t, idle_ns);
	return t;
}

void
flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	free(t->slots);
	free(t->buckets);
	free(t);
}

void
flow_table_set_idle(struct flow_table *t, const uint64_t idle_ns[FLOW_LISTS])
{
	for (unsigned i = 0; i < FLOW_LISTS; i++)
		t->lists[i].idle_ns = idle_ns[i];
}

static uint32_t *
bucket_of(struct flow_table *t, const struct tuple *tuple)
{
	return &t->buckets[hash_bytes(&t->key, tuple, sizeof *tuple) & t->mask];
}

static uint32_t
index_of(const struct flow_table *t, const struct flow *f)
{
	return (uint32_t)(f - t->slots);
}

static void
list_remove(struct flow_table *t, struct flow *f)
{
	struct list *l = &t->lists[f->list];
	*(f->slot.newer ? &t->slots[f->slot.newer].slot.older : &l->newest) = f->slot.older;
	*(f->slot.older ? &t->slots[f->slot.older].slot.newer : &l->oldest) = f->slot.newer;
}

static void
list_push(struct flow_table *t, struct flow *f, unsigned list)
{
	struct list *l = &t->lists[list];
	uint32_t i = index_of(t, f);

	f->list = list & 3;
	f->slot.newer = 0;
	f->slot.older = l->newest;
	*(l->newest ? &t->slots[l->newest].slot.newer : &l->oldest) = i;
	l->newest = i;
}

struct flow *
flow_find(struct flow_table *t, const struct tuple *tuple)
{
	for (uint32_t i = *bucket_of(t, tuple); i; i = t->slots[i].slot.hash_next)
		if (memcmp(&t->slots[i].tuple, tuple, sizeof *tuple) == 0)
			return &t->slots[i];
	return NULL;
}

uint32_t
flow_expect(const struct flow_table *t, const struct tuple *tuple)
{
	uint32_t bucket = (uint32_t)hash_bytes(&t->key, tuple, sizeof *tuple) & t->mask;

	__builtin_prefetch(&t->buckets[bucket]);
	return bucket;
}

/* The first of its chain, which is the only one as a rule: its beginning with the tuple, and what the kernel said of it last. */
void
flow_expect_place(const struct flow_table *t, uint32_t bucket)
{
	const struct flow *f = &t->slots[t->buckets[bucket]];

	__builtin_prefetch(f, 1);
	__builtin_prefetch((const char *)f + 64, 1);
	__builtin_prefetch(f->kernel_packets, 1);
}

/* Tells the owner, then takes it out of its chain and its list. */
static void
release(struct flow_table *t, struct flow *f, const struct now *now, bool evicted)
{
	uint32_t i = index_of(t, f), *link = bucket_of(t, &f->tuple);

	t->ended(t->arg, f, now, evicted);
	while (*link != i)
		link = &t->slots[*link].slot.hash_next;
	*link = f->slot.hash_next;
	list_remove(t, f);
	f->list = FLOW_LISTS; /* none: it is free */
	f->slot.hash_next = t->unused;
	t->unused = i;
	t->count--;
}

void
flow_end(struct flow_table *t, struct flow *f, const struct now *now)
{
	release(t, f, now, false);
}

/* The one that is missed least: the oldest of the impatient, else of all. */
static struct flow *
oldest(struct flow_table *t)
{
	uint32_t impatient = t->lists[FLOW_IMPATIENT].oldest;
	return &t->slots[impatient ? impatient : t->lists[FLOW_PATIENT].oldest];
}

void
flow_init(const struct flow_table *t, struct flow *ret, const struct tuple *tuple, const struct now *now)
{
	struct {
		struct tuple tuple;
		int64_t start_us;
	} name = {*tuple, now->wall_us};

	memset(ret, 0, sizeof *ret);
	ret->tuple = *tuple;
	ret->rule = RULE_NO;
	ret->start_us = ret->last_us = now->wall_us;
	ret->last_ns = now->mono_ns;
	ret->id = hash_bytes(&t->key, &name, sizeof name) & ((1ull << 51) - 1);
}

struct flow *
flow_insert(struct flow_table *t, const struct flow *seed, const struct now *now)
{
	uint32_t i, *bucket = bucket_of(t, &seed->tuple);

	if (t->count == t->capacity)
		release(t, oldest(t), now, true);
	if (t->unused) {
		i = t->unused;
		t->unused = t->slots[i].slot.hash_next;
	} else {
		i = t->count + 1; /* slots are handed out in order until the first one ends */
	}
	if (i > t->highest)
		t->highest = i;
	struct flow *f = &t->slots[i];
	*f = *seed;
	f->slot.hash_next = *bucket;
	*bucket = i;
	list_push(t, f, FLOW_IMPATIENT);
	t->count++;
	return f;
}

void
flow_touch(struct flow_table *t, struct flow *f, unsigned list, const struct now *now)
{
	f->last_ns = now->mono_ns;
	f->last_us = now->wall_us;
	if (f->list == list && t->lists[list].newest == index_of(t, f))
		return;
	list_remove(t, f);
	list_push(t, f, list);
}

size_t
flow_expire(struct flow_table *t, const struct now *now, size_t max)
{
	size_t n = 0;
	for (unsigned l = 0; l < FLOW_LISTS; l++) {
		struct list *list = &t->lists[l];
		while (n < max && list->oldest && now->mono_ns - t->slots[list->oldest].last_ns >= list->idle_ns) {
			flow_end(t, &t->slots[list->oldest], now);
			n++;
		}
	}
	return n;
}

uint32_t
flow_number(const struct flow_table *t, const struct flow *f)
{
	return index_of(t, f);
}

struct flow *
flow_at(struct flow_table *t, uint32_t number)
{
	return &t->slots[number];
}

size_t
flow_count(const struct flow_table *t)
{
	return t->count;
}

size_t
flow_capacity(const struct flow_table *t)
{
	return t->capacity;
}

size_t
flow_longest_chain(const struct flow_table *t)
{
	size_t longest = 0;

	for (size_t b = 0; b <= t->mask; b++) {
		size_t n = 0;
		for (uint32_t i = t->buckets[b]; i; i = t->slots[i].slot.hash_next)
			n++;
		longest = n > longest ? n : longest;
	}
	return longest;
}

void
flow_walk(struct flow_table *t, void (*visit)(void *arg, struct flow *f), void *arg)
{
	/* The lists hold every flow; the next one is read before the visit, which may end this one. */
	for (unsigned l = 0; l < FLOW_LISTS; l++)
		for (uint32_t i = t->lists[l].oldest, next; i; i = next) {
			next = t->slots[i].slot.newer;
			visit(arg, &t->slots[i]);
		}
}

bool
flow_slice(struct flow_table *t, uint32_t *at, size_t max, bool (*visit)(void *arg, const struct flow *f), void *arg)
{
	while (*at < t->highest && max-- > 0) {
		const struct flow *f = &t->slots[++*at];
		if (f->list < FLOW_LISTS && !visit(arg, f))
			break;
	}
	return *at < t->highest;
}
