/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of streams: slots and chunks, each of one size, each with a chain of unused ones. What was
 * never used is never touched, so a large pool costs nothing until a flood needs it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "stream_private.h"

struct stream_pool *
stream_pool_new(size_t flows, size_t bytes)
{
	struct stream_pool *p = calloc(1, sizeof *p);

	assert(flows > 0 && bytes >= STREAM_CHUNK && bytes / STREAM_CHUNK < UINT32_MAX);
	if (!p)
		return NULL;
	p->slots_total = flows;
	p->chunks_total = (uint32_t)(bytes / STREAM_CHUNK);
	p->slots = calloc(flows, sizeof *p->slots);
	p->memory = calloc(p->chunks_total, STREAM_CHUNK);
	if (!p->slots || !p->memory) {
		stream_pool_free(p);
		return NULL;
	}
	return p;
}

void
stream_pool_free(struct stream_pool *p)
{
	if (!p)
		return;
	free(p->slots);
	free(p->memory);
	free(p);
}

struct stream *
stream_new(struct stream_pool *p, uint8_t l4)
{
	struct stream *s = p->unused;

	if (s)
		p->unused = s->next_unused;
	else if (p->slots_touched < p->slots_total)
		s = &p->slots[p->slots_touched++];
	if (!s) {
		p->refused++;
		return NULL;
	}
	memset(s, 0, sizeof *s);
	s->pool = p;
	s->l4 = l4;
	for (unsigned i = 0; i < 2; i++) {
		s->side[i].limit = PROBE_STREAM;
		s->side[i].fin = UINT32_MAX;
	}
	p->flows++;
	return s;
}

static uint8_t *
chunk_at(const struct stream_pool *p, uint32_t number)
{
	return p->memory + (size_t)(number - 1) * STREAM_CHUNK;
}

static void
chunk_give(struct stream_pool *p, uint32_t number)
{
	memcpy(chunk_at(p, number), &p->unused_chunk, sizeof p->unused_chunk);
	p->unused_chunk = number;
	p->chunks_used--;
}

/* 0 when the pool is empty: counted. */
static uint32_t
chunk_take(struct stream_pool *p)
{
	uint32_t number = p->unused_chunk;

	if (number)
		memcpy(&p->unused_chunk, chunk_at(p, number), sizeof p->unused_chunk);
	else if (p->chunks_touched < p->chunks_total)
		number = ++p->chunks_touched;
	if (number)
		p->chunks_used++;
	else
		p->refused++;
	return number;
}

void
stream_free(struct stream_pool *p, struct stream *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < STREAM_CHUNKS; k++)
			if (s->side[i].chunks[k])
				chunk_give(p, s->side[i].chunks[k]);
	s->next_unused = p->unused;
	p->unused = s;
	p->flows--;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
stream_write(struct stream_pool *p, struct stream_side *side, size_t offset, struct span bytes)
{
	struct cursor c = cursor_span(bytes);
	size_t left;

	assert(offset + bytes.len <= PROBE_STREAM);
	while ((left = cursor_left(&c))) {
		uint32_t *number = &side->chunks[offset / STREAM_CHUNK];
		size_t at = offset % STREAM_CHUNK, n = smaller(left, STREAM_CHUNK - at);
		if (!*number && !(*number = chunk_take(p)))
			break;
		cursor_copy(&c, chunk_at(p, *number) + at, n);
		offset += n;
	}
	return bytes.len - left;
}

bool
stream_same(const struct stream_pool *p, const struct stream_side *side, size_t offset, struct span bytes)
{
	struct cursor c = cursor_span(bytes);
	size_t left;

	assert(offset + bytes.len <= PROBE_STREAM);
	while ((left = cursor_left(&c))) {
		size_t at = offset % STREAM_CHUNK, n = smaller(left, STREAM_CHUNK - at);
		if (!cursor_starts(&c, chunk_at(p, side->chunks[offset / STREAM_CHUNK]) + at, n))
			return false;
		cursor_skip(&c, n);
		offset += n;
	}
	return true;
}

const uint8_t *
stream_flat(const struct stream_pool *p, const struct stream_side *side, size_t len, uint8_t *out)
{
	if (len > 0 && len <= STREAM_CHUNK)
		return chunk_at(p, side->chunks[0]);
	for (size_t done = 0; done < len; done += STREAM_CHUNK)
		memcpy(out + done, chunk_at(p, side->chunks[done / STREAM_CHUNK]),
		       smaller(len - done, STREAM_CHUNK));
	return out;
}

size_t
stream_pool_flows(const struct stream_pool *p)
{
	return p->flows;
}

size_t
stream_pool_bytes(const struct stream_pool *p)
{
	return (size_t)p->chunks_used * STREAM_CHUNK;
}

uint64_t
stream_pool_refused(const struct stream_pool *p)
{
	return p->refused;
}
