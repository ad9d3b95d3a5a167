/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines live in chains of small blocks, so any line can go without moving others. Alerts and all else are two queues;
 * a running number says which of two heads is older.
 */
#include "backlog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_BYTES = 252, /* 256 with its link */
	NONE = -1,
};

enum { QUEUE_ALERTS, QUEUE_OTHERS, QUEUES };

struct block {
	int32_t next; /* of the line, or of the free list */
	char bytes[BLOCK_BYTES];
};

/* A line is known by its first block. */
struct line {
	uint64_t number;
	struct line_info info;
	int32_t next; /* line of the same queue */
	uint32_t len;
};

struct queue {
	int32_t first, last;
};

struct backlog {
	struct block *blocks;
	struct line *lines; /* by first block */
	size_t n_blocks, n_free, n_used; /* used: ever; the rest is memory that nobody has touched yet */
	int32_t free;
	struct queue queues[QUEUES];
	int32_t started; /* a line that is partly out: in no queue any more */
	size_t sent;	 /* bytes of it that are out */
	uint64_t number;
	size_t bytes, count;
};

struct backlog *
backlog_new(size_t bytes)
{
	struct backlog *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->n_blocks = bytes / sizeof(struct block);
	b->blocks = calloc(b->n_blocks, sizeof *b->blocks);
	b->lines = calloc(b->n_blocks, sizeof *b->lines);
	if (!b->blocks || !b->lines) {
		backlog_free(b);
		return NULL;
	}
	b->n_free = b->n_blocks;
	b->free = NONE;
	b->started = NONE;
	for (size_t q = 0; q < QUEUES; q++)
		b->queues[q] = (struct queue){NONE, NONE};
	return b;
}

void
backlog_free(struct backlog *b)
{
	if (!b)
		return;
	free(b->blocks);
	free(b->lines);
	free(b);
}

static unsigned
bit_of(uint32_t type)
{
	unsigned bit = type ? (unsigned)__builtin_ctz(type) : RECORD_TYPES;

	assert(bit < RECORD_TYPES);
	return bit;
}

static size_t
blocks_for(size_t len)
{
	return (len + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

static void
enqueue(struct backlog *b, struct queue *q, int32_t id)
{
	b->lines[id].next = NONE;
	if (q->first == NONE)
		q->first = id;
	else
		b->lines[q->last].next = id;
	q->last = id;
}

static int32_t
dequeue(struct backlog *b, struct queue *q)
{
	int32_t id = q->first;

	q->first = b->lines[id].next;
	if (q->first == NONE)
		q->last = NONE;
	return id;
}

static void
release(struct backlog *b, int32_t id)
{
	int32_t last = id;

	b->n_free += blocks_for(b->lines[id].len);
	b->bytes -= b->lines[id].len;
	b->count--;
	while (b->blocks[last].next != NONE)
		last = b->blocks[last].next;
	b->blocks[last].next = b->free;
	b->free = id;
}

/* The queue whose first line is the older one; NULL when both are empty. */
static struct queue *
older_queue(struct backlog *b)
{
	struct queue *a = &b->queues[QUEUE_ALERTS], *o = &b->queues[QUEUE_OTHERS];

	if (a->first == NONE || o->first == NONE)
		return a->first != NONE ? a : o->first != NONE ? o : NULL;
	return b->lines[a->first].number < b->lines[o->first].number ? a : o;
}

/* The oldest line that may go for a line of this kind goes; false when there is none. */
static bool
evict_one(struct backlog *b, bool for_alert, uint64_t dropped[RECORD_TYPES])
{
	struct queue *q = &b->queues[QUEUE_OTHERS];

	if (q->first == NONE && for_alert)
		q = &b->queues[QUEUE_ALERTS];
	if (q->first == NONE)
		return false;
	int32_t id = dequeue(b, q);
	dropped[bit_of(b->lines[id].info.type)]++;
	release(b, id);
	return true;
}

/* There is one. */
static int32_t
take_block(struct backlog *b)
{
	int32_t id = b->free;

	b->n_free--;
	if (id == NONE)
		return (int32_t)b->n_used++;
	b->free = b->blocks[id].next;
	return id;
}

/* Fills blocks; there are enough. */
static int32_t
store(struct backlog *b, const char *line, size_t len)
{
	int32_t first = NONE, last = NONE;

	for (size_t at = 0; at < len; at += BLOCK_BYTES) {
		int32_t id = take_block(b);
		if (first == NONE)
			first = id;
		else
			b->blocks[last].next = id;
		last = id;
		memcpy(b->blocks[id].bytes, line + at, len - at < BLOCK_BYTES ? len - at : BLOCK_BYTES);
	}
	b->blocks[last].next = NONE;
	return first;
}

void
backlog_put(struct backlog *b, const struct line_info *info, const char *line, size_t len,
	    uint64_t dropped[RECORD_TYPES])
{
	bool alert = (info->type & RECORD_ALERT) != 0;
	size_t need = blocks_for(len);

	if (len == 0)
		return;
	while (b->n_free < need)
		if (need > b->n_blocks || !evict_one(b, alert, dropped)) {
			dropped[bit_of(info->type)]++;
			return;
		}
	int32_t id = store(b, line, len);
	b->lines[id] = (struct line){.number = b->number++, .info = *info, .len = (uint32_t)len};
	b->bytes += len;
	b->count++;
	enqueue(b, &b->queues[alert ? QUEUE_ALERTS : QUEUE_OTHERS], id);
}

/* Walks the lines in order without taking them: at[] are the heads of what was not visited yet. */
static int32_t
walk(const struct backlog *b, int32_t at[QUEUES])
{
	size_t q = QUEUE_ALERTS;

	if (at[QUEUE_ALERTS] == NONE ||
	    (at[QUEUE_OTHERS] != NONE &&
	     b->lines[at[QUEUE_OTHERS]].number < b->lines[at[QUEUE_ALERTS]].number))
		q = QUEUE_OTHERS;
	int32_t id = at[q];
	if (id != NONE)
		at[q] = b->lines[id].next;
	return id;
}

static int32_t
next_line(const struct backlog *b)
{
	int32_t at[QUEUES] = {b->queues[QUEUE_ALERTS].first, b->queues[QUEUE_OTHERS].first};

	return b->started != NONE ? b->started : walk(b, at);
}

const struct line_info *
backlog_next(const struct backlog *b, size_t *ret_len)
{
	int32_t id = next_line(b);

	if (id == NONE)
		return NULL;
	*ret_len = b->lines[id].len;
	return &b->lines[id].info;
}

/* Views of one line from byte `skip` on. */
static size_t
view_line(const struct backlog *b, int32_t id, size_t skip, struct iovec *iov, size_t n)
{
	size_t used = 0, left = b->lines[id].len;

	for (int32_t k = id; k != NONE && used < n; k = b->blocks[k].next) {
		size_t here = left < BLOCK_BYTES ? left : BLOCK_BYTES;
		left -= here;
		if (skip >= here) {
			skip -= here;
			continue;
		}
		iov[used++] = (struct iovec){b->blocks[k].bytes + skip, here - skip};
		skip = 0;
	}
	return used;
}

size_t
backlog_view(const struct backlog *b, struct iovec *iov, size_t n, size_t max_lines)
{
	int32_t at[QUEUES] = {b->queues[QUEUE_ALERTS].first, b->queues[QUEUE_OTHERS].first};
	size_t used = 0, lines = 0;

	if (b->started != NONE && max_lines > 0) {
		used = view_line(b, b->started, b->sent, iov, n);
		lines = 1;
	}
	for (; lines < max_lines && used < n; lines++) {
		int32_t id = walk(b, at);
		if (id == NONE)
			break;
		used += view_line(b, id, 0, iov + used, n - used);
	}
	return used;
}

/* Takes the next line out of its queue. */
static void
start_next(struct backlog *b)
{
	struct queue *q = older_queue(b);

	assert(q); /* more bytes were taken than shown */
	b->started = dequeue(b, q);
	b->sent = 0;
}

void
backlog_took(struct backlog *b, size_t bytes, uint64_t written[RECORD_TYPES])
{
	while (bytes > 0) {
		if (b->started == NONE)
			start_next(b);
		const struct line *l = &b->lines[b->started];
		size_t rest = l->len - b->sent;
		if (bytes < rest) {
			b->sent += bytes;
			return;
		}
		bytes -= rest;
		written[bit_of(l->info.type)]++;
		release(b, b->started);
		b->started = NONE;
	}
}

void
backlog_drop_next(struct backlog *b, uint64_t dropped[RECORD_TYPES])
{
	if (b->started == NONE)
		start_next(b);
	dropped[bit_of(b->lines[b->started].info.type)]++;
	release(b, b->started);
	b->started = NONE;
}

bool
backlog_started(const struct backlog *b)
{
	return b->started != NONE;
}

void
backlog_restart(struct backlog *b)
{
	b->sent = 0;
}

size_t
backlog_waiting(const struct backlog *b)
{
	return b->bytes;
}

size_t
backlog_lines(const struct backlog *b)
{
	return b->count;
}

bool
backlog_half_full(const struct backlog *b)
{
	return b->n_free < b->n_blocks / 2;
}
