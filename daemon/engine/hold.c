/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held packets; see hold.h. One array of entries; each is in its flow's list and in one list of all, in order of arrival. */
#include "hold.h"

#include <stdlib.h>

struct entry {
	uint32_t next;		   /* of the same flow; of the free ones */
	uint32_t newer, older;	   /* of all */
	uint32_t owner, id, mark;
	uint16_t queue;
	uint64_t since_ns;
};

struct hold {
	struct entry *entries; /* [0] is nobody */
	uint32_t unused, used, capacity, total, oldest, newest;
	struct hold_limits limits;
	struct hold_counts counts;
};

struct hold *
hold_new(size_t total, const struct hold_limits *limits)
{
	struct hold *h = calloc(1, sizeof *h);

	if (h)
		h->entries = calloc(total + 1, sizeof *h->entries);
	if (!h || !h->entries) {
		hold_free(h);
		return NULL;
	}
	h->capacity = (uint32_t)total;
	hold_set_limits(h, total, limits);
	return h;
}

void
hold_free(struct hold *h)
{
	if (!h)
		return;
	free(h->entries);
	free(h);
}

void
hold_set_limits(struct hold *h, size_t total, const struct hold_limits *limits)
{
	h->total = total < h->capacity ? (uint32_t)total : h->capacity;
	h->limits = *limits;
}

static enum hold_result
over_limit(struct hold *h, const struct held *list, const struct queued *q)
{
	if (list->packets >= h->limits.packets) {
		h->counts.over_packets++;
		return HOLD_OVER_PACKETS;
	}
	if (q->wire_len > h->limits.bytes || list->bytes > h->limits.bytes - q->wire_len) {
		h->counts.over_bytes++;
		return HOLD_OVER_BYTES;
	}
	if (h->counts.waiting >= h->total) {
		h->counts.over_total++;
		return HOLD_OVER_TOTAL;
	}
	return HOLD_KEPT;
}

enum hold_result
hold_add(struct hold *h, struct held *list, uint32_t owner, const struct queued *q, const struct now *now)
{
	enum hold_result r = over_limit(h, list, q);

	if (r != HOLD_KEPT)
		return r;
	uint32_t i = h->unused;
	if (i)
		h->unused = h->entries[i].next;
	else
		i = ++h->used;
	h->entries[i] = (struct entry){.older = h->newest, .owner = owner, .id = q->id, .mark = q->mark, .queue = q->queue,
				       .since_ns = now->mono_ns};
	*(h->newest ? &h->entries[h->newest].newer : &h->oldest) = i;
	h->newest = i;
	*(list->last ? &h->entries[list->last].next : &list->first) = i;
	list->last = i;
	list->packets++;
	list->bytes += (uint32_t)q->wire_len;
	h->counts.held++;
	h->counts.waiting++;
	return HOLD_KEPT;
}

static void
remove_entry(struct hold *h, uint32_t i)
{
	struct entry *e = &h->entries[i];

	*(e->older ? &h->entries[e->older].newer : &h->oldest) = e->newer;
	*(e->newer ? &h->entries[e->newer].older : &h->newest) = e->older;
	e->next = h->unused;
	h->unused = i;
	h->counts.waiting--;
}

void
hold_release(struct hold *h, struct held *list, bool dropped, hold_visit *visit, void *arg)
{
	for (uint32_t i = list->first, next; i; i = next) {
		const struct entry *e = &h->entries[i];
		next = e->next;
		visit(arg, e->id, e->mark, e->queue);
		remove_entry(h, i);
	}
	*(dropped ? &h->counts.dropped : &h->counts.released) += list->packets;
	*list = (struct held){0};
}

bool
hold_overdue(struct hold *h, const struct now *now, uint32_t *ret_owner)
{
	const struct entry *e = &h->entries[h->oldest];

	if (!h->oldest || now->mono_ns - e->since_ns < h->limits.time_ms * 1000000ull)
		return false;
	h->counts.over_time++;
	*ret_owner = e->owner;
	return true;
}

const struct hold_counts *
hold_counts(const struct hold *h)
{
	return &h->counts;
}
