/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of flows by device, country and so on; rates come from what the same flow had one look before. */
#include "top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "listing.h"

enum { BUCKETS = 4096 };

const char *const top_by_names[TOP_WAYS] = {"device", "country", "asn", "name", "rule"};

struct seen {
	uint64_t id, bytes;
};

struct seen_list {
	struct seen *list;
	size_t n, cap;
};

struct top {
	struct seen_list before, now; /* `before` is in the order of ids */
	struct top_row *rows;
	uint32_t *next;		  /* row behind this one in its bucket, + 1 */
	uint32_t buckets[BUCKETS]; /* first row of it, + 1 */
	size_t n, cap;
	uint64_t ms;
};

struct top *
top_new(void)
{
	return calloc(1, sizeof(struct top));
}

void
top_free(struct top *t)
{
	if (!t)
		return;
	free(t->before.list);
	free(t->now.list);
	free(t->rows);
	free(t->next);
	free(t);
}

static int
by_id(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

void
top_begin(struct top *t, uint64_t ms)
{
	struct seen_list old = t->before;

	t->before = t->now;
	t->now = old;
	t->now.n = 0;
	if (t->before.n)
		qsort(t->before.list, t->before.n, sizeof *t->before.list, by_id);
	memset(t->buckets, 0, sizeof t->buckets);
	t->n = 0;
	t->ms = ms;
}

/* What it has carried since the look before; a flow that is new has carried all of it since. */
static uint64_t
remember(struct top *t, uint64_t id, uint64_t bytes)
{
	const struct seen key = {id, 0};
	const struct seen *was = t->before.n ? bsearch(&key, t->before.list, t->before.n, sizeof key, by_id) : NULL;

	if (t->now.n == t->now.cap) {
		size_t cap = t->now.cap ? t->now.cap * 2 : 1024;
		struct seen *more = realloc(t->now.list, cap * sizeof *more);
		if (!more)
			return 0; /* one rate less */
		t->now.list = more;
		t->now.cap = cap;
	}
	t->now.list[t->now.n++] = (struct seen){id, bytes};
	if (!was)
		return bytes;
	return bytes > was->bytes ? bytes - was->bytes : 0;
}

static bool
make_room(struct top *t)
{
	if (t->n < t->cap)
		return true;
	size_t cap = t->cap ? t->cap * 2 : 256;
	struct top_row *rows = realloc(t->rows, cap * sizeof *rows);
	if (rows)
		t->rows = rows;
	uint32_t *next = rows ? realloc(t->next, cap * sizeof *next) : NULL;
	if (!next)
		return false;
	t->next = next;
	t->cap = cap;
	return true;
}

static struct top_row *
row_of(struct top *t, const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a: the keys come from our own daemon */

	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	uint32_t *bucket = &t->buckets[hash % BUCKETS];
	for (uint32_t i = *bucket; i; i = t->next[i - 1])
		if (strcmp(t->rows[i - 1].key, key) == 0)
			return &t->rows[i - 1];
	if (!make_room(t))
		return NULL;
	struct top_row *r = &t->rows[t->n];
	memset(r, 0, sizeof *r);
	snprintf(r->key, sizeof r->key, "%s", key);
	t->next[t->n] = *bucket;
	*bucket = (uint32_t)++t->n;
	return r;
}

static void
key_of(enum top_by by, struct json_object *f, char out[TOP_KEY])
{
	static const char *const members[TOP_WAYS] = {"device", "country", "asn", "name", "rule"};
	const char *text = client_text(f, members[by]);

	if (by == TOP_ASN && client_number(f, "asn")) {
		char as[TOP_KEY * 2];
		snprintf(as, sizeof as, "AS%lld %.100s", client_number(f, "asn"), client_text(f, "as_name"));
		listing_text(as, out, TOP_KEY);
		return;
	}
	if (!*text && (by == TOP_COUNTRY || by == TOP_ASN))
		text = client_text(f, "special");
	if (!*text && by == TOP_NAME)
		text = client_text(f, "dest_ip");
	listing_text(*text ? text : "-", out, TOP_KEY);
}

void
top_flow(struct top *t, enum top_by by, struct json_object *f)
{
	uint64_t bytes = (uint64_t)(client_number(f, "bytes_toserver") + client_number(f, "bytes_toclient"));
	uint64_t fresh = remember(t, (uint64_t)client_number(f, "flow_id"), bytes);
	const char *would = client_text(f, "would");
	char key[TOP_KEY];

	key_of(by, f, key);
	struct top_row *r = row_of(t, key);
	if (!r)
		return;
	r->flows++;
	r->blocked += strcmp(would, "block") == 0 || strcmp(would, "reject") == 0;
	r->bytes += bytes;
	if (t->ms)
		r->rate += fresh; /* a sum until the end */
}

static int
busiest(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->rate != y->rate)
		return x->rate < y->rate ? 1 : -1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->key, y->key);
}

const struct top_row *
top_end(struct top *t, size_t *ret_n)
{
	for (size_t i = 0; i < t->n && t->ms; i++)
		t->rows[i].rate = t->rows[i].rate * 1000 / t->ms;
	if (t->n)
		qsort(t->rows, t->n, sizeof *t->rows, busiest);
	*ret_n = t->n;
	return t->rows;
}
