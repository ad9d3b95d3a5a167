/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows of equal alerts. All windows are of one length, so the order of opening is the order of closing: one list, oldest first,
 * serves both the clock and a full table. Every event is counted exactly once: by the caller when it opened a window,
 * else in `held`, which is emitted when the window closes.
 */
#include "sink.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define NONE	 UINT32_MAX
#define NS_PER_S UINT64_C(1000000000)

struct window {
	struct rollup_key key;
	uint64_t opened_ns, held;
	uint32_t chain;	       /* next in its bucket, or next free */
	uint32_t older, newer; /* in order of opening */
	uint32_t copy_len;
};

struct rollup {
	struct window *windows;
	unsigned char *copies; /* copy_max bytes a window */
	uint32_t *buckets;
	size_t capacity, n_buckets, copy_max;
	uint64_t length_ns;
	uint32_t oldest, newest, free;
	rollup_emit *emit;
	void (*forget)(const void *copy); /* or NULL */
	void *arg;
	struct hash_key secret;
	struct now last;
};

static size_t
power_of_two(size_t at_least)
{
	size_t n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

static bool
allocate(struct rollup *r)
{
	r->windows = calloc(r->capacity, sizeof *r->windows);
	r->copies = calloc(r->capacity, r->copy_max > 0 ? r->copy_max : 1);
	r->buckets = calloc(r->n_buckets, sizeof *r->buckets);
	return r->windows && r->copies && r->buckets;
}

static void
release(struct rollup *r)
{
	free(r->windows);
	free(r->copies);
	free(r->buckets);
	free(r);
}

struct rollup *
rollup_new(size_t capacity, uint32_t window_s, size_t copy_max, rollup_emit *emit, void *arg)
{
	struct rollup *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->capacity = capacity > 0 ? capacity : 1;
	r->n_buckets = power_of_two(r->capacity);
	r->copy_max = copy_max;
	r->length_ns = window_s * NS_PER_S;
	r->emit = emit;
	r->arg = arg;
	if (r->capacity >= NONE || !allocate(r)) {
		release(r);
		return NULL;
	}
	hash_key_random(&r->secret);
	r->oldest = r->newest = NONE;
	for (size_t i = 0; i < r->n_buckets; i++)
		r->buckets[i] = NONE;
	for (size_t i = 0; i < r->capacity; i++)
		r->windows[i].chain = i + 1 < r->capacity ? (uint32_t)(i + 1) : NONE;
	return r;
}

void
rollup_on_forget(struct rollup *r, void (*forget)(const void *copy))
{
	r->forget = forget;
}

static uint32_t *
bucket_of(struct rollup *r, const struct rollup_key *key)
{
	return &r->buckets[hash_bytes(&r->secret, key, sizeof *key) & (r->n_buckets - 1)];
}

static uint32_t
find(struct rollup *r, const struct rollup_key *key)
{
	uint32_t i = *bucket_of(r, key);

	while (i != NONE && memcmp(&r->windows[i].key, key, sizeof *key) != 0)
		i = r->windows[i].chain;
	return i;
}

static void
unchain(struct rollup *r, uint32_t i)
{
	uint32_t *link = bucket_of(r, &r->windows[i].key);

	while (*link != i)
		link = &r->windows[*link].chain;
	*link = r->windows[i].chain;
}

static void
unlist(struct rollup *r, uint32_t i)
{
	struct window *w = &r->windows[i];

	if (w->older != NONE)
		r->windows[w->older].newer = w->newer;
	else
		r->oldest = w->newer;
	if (w->newer != NONE)
		r->windows[w->newer].older = w->older;
	else
		r->newest = w->older;
}

/* A clock that went back is no time. */
static uint64_t
age_ns(const struct window *w, const struct now *now)
{
	return now->mono_ns > w->opened_ns ? now->mono_ns - w->opened_ns : 0;
}

/* Over how long events were held back: whole seconds, at least one, never more than a window. */
static uint32_t
held_seconds(const struct rollup *r, const struct window *w, const struct now *now)
{
	uint64_t ns = age_ns(w, now);

	if (ns > r->length_ns)
		ns = r->length_ns;
	return ns == 0 ? 1 : (uint32_t)((ns + NS_PER_S - 1) / NS_PER_S);
}

static void
close_window(struct rollup *r, uint32_t i, const struct now *now)
{
	struct window *w = &r->windows[i];

	unchain(r, i);
	unlist(r, i);
	if (w->held > 0)
		r->emit(r->arg, &w->key, r->copies + i * r->copy_max, w->copy_len, w->held,
			held_seconds(r, w, now), now);
	if (r->forget)
		r->forget(r->copies + i * r->copy_max);
	w->chain = r->free;
	r->free = i;
}

static void
append(struct rollup *r, uint32_t i)
{
	r->windows[i].older = r->newest;
	r->windows[i].newer = NONE;
	if (r->newest != NONE)
		r->windows[r->newest].newer = i;
	else
		r->oldest = i;
	r->newest = i;
}

static void
open_window(struct rollup *r, const struct rollup_key *key, const void *copy, size_t copy_len,
	    const struct now *now)
{
	if (r->free == NONE)
		close_window(r, r->oldest, now);
	uint32_t i = r->free, *bucket = bucket_of(r, key);
	struct window *w = &r->windows[i];

	r->free = w->chain;
	*w = (struct window){.key = *key, .opened_ns = now->mono_ns, .chain = *bucket};
	*bucket = i;
	w->copy_len = (uint32_t)(copy_len < r->copy_max ? copy_len : r->copy_max);
	if (w->copy_len > 0)
		memcpy(r->copies + i * r->copy_max, copy, w->copy_len);
	append(r, i);
}

bool
rollup_add(struct rollup *r, const struct rollup_key *key, uint64_t count, const void *copy, size_t copy_len,
	   const struct now *now)
{
	if (count == 0)
		return false;
	r->last = *now;
	uint32_t i = find(r, key);
	if (i != NONE &&
	    (age_ns(&r->windows[i], now) >= r->length_ns || count > UINT64_MAX - r->windows[i].held)) {
		close_window(r, i, now);
		i = NONE;
	}
	if (i == NONE) {
		open_window(r, key, copy, copy_len, now);
		return true;
	}
	r->windows[i].held += count;
	return false;
}

void
rollup_tick(struct rollup *r, const struct now *now)
{
	r->last = *now;
	while (r->oldest != NONE && age_ns(&r->windows[r->oldest], now) >= r->length_ns)
		close_window(r, r->oldest, now);
}

void
rollup_free(struct rollup *r)
{
	if (!r)
		return;
	while (r->oldest != NONE)
		close_window(r, r->oldest, &r->last);
	release(r);
}
