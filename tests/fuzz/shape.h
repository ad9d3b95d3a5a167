/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutations that keep the shape of nested lengths. A target tells where its boxes are (a record, a netlink message in it, an attribute, a
 * nest): one is changed, taken out, doubled or put in another's place, and the lengths of all that hold it follow. One mutation in eight is the
 * fuzzer's own, which knows no lengths, so that wrong ones come too.
 */
#ifndef LENSCAP_FUZZ_SHAPE_H
#define LENSCAP_FUZZ_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

enum {
	SHAPE_BOXES = 512,
	SHAPE_BYTES = 65536,
};

struct shape_box {
	size_t at, len;	   /* the whole of it, padding included */
	size_t head;	   /* bytes before its content */
	size_t content;	   /* of content, without padding */
	size_t length_at;  /* from its start: where its length stands */
	uint8_t width;	   /* of that number: 2 or 4 */
	uint8_t counted;   /* bytes of the head that the number counts as well */
	uint8_t align;
	bool holds;	   /* other boxes */
	int parent;	   /* -1: none */
};

struct shape {
	struct shape_box box[SHAPE_BOXES];
	size_t n;
	uint64_t random;
};

static inline uint32_t
shape_random(struct shape *s, uint32_t below)
{
	s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(s->random >> 33) % below;
}

static inline size_t
shape_padded(const struct shape_box *b, size_t len)
{
	return (len + b->align - 1) / b->align * b->align;
}

/* NULL: there is no room for more. */
static inline struct shape_box *
shape_add(struct shape *s, struct shape_box box)
{
	if (s->n == SHAPE_BOXES)
		return NULL;
	s->box[s->n] = box;
	return &s->box[s->n++];
}

static inline void
shape_write_length(uint8_t *data, const struct shape_box *b)
{
	uint32_t v = (uint32_t)(b->content + b->counted);

	memcpy(data + b->at + b->length_at, &v, b->width);
}

/* Puts `in` in place of `cut` bytes at `at`, which lie in box i (-1: in none), and makes right what holds it. Returns the new size, or 0. */
static inline size_t
shape_splice(struct shape *s, uint8_t *data, size_t size, size_t max, int i, size_t at, size_t cut, const uint8_t *in, size_t in_len)
{
	if (at + cut > size || size - cut + in_len > max)
		return 0;
	memmove(data + at + in_len, data + at + cut, size - at - cut);
	memcpy(data + at, in, in_len);
	for (; i >= 0; i = s->box[i].parent) {
		s->box[i].content += in_len - cut;
		shape_write_length(data, &s->box[i]);
	}
	return size - cut + in_len;
}

/* New content for a box that holds no others. */
static inline size_t
shape_refill(struct shape *s, uint8_t *data, size_t size, size_t max, int i)
{
	static uint8_t fresh[SHAPE_BYTES + 8];
	struct shape_box *b = &s->box[i];
	size_t room = b->content + 64 < SHAPE_BYTES ? b->content + 64 : SHAPE_BYTES, keep = b->content < room ? b->content : room;

	memcpy(fresh, data + b->at + b->head, keep);
	size_t len = LLVMFuzzerMutate(fresh, keep, room), old = b->len - b->head, padded = shape_padded(b, b->head + len) - b->head;
	memset(fresh + len, 0, padded - len);
	size_t to = shape_splice(s, data, size, max, b->parent, b->at + b->head, old, fresh, padded);
	if (to) {
		b->content = len;
		shape_write_length(data, b);
	}
	return to;
}

/* Another number in the head: a type, a family, a flag, not the length. */
static inline size_t
shape_retag(struct shape *s, uint8_t *data, size_t size, int i)
{
	const struct shape_box *b = &s->box[i];
	size_t at = shape_random(s, (uint32_t)b->head);

	if (at < b->length_at || at >= b->length_at + b->width)
		data[b->at + at] = (uint8_t)shape_random(s, shape_random(s, 2) ? 32 : 256);
	return size;
}

/* Box k stands where box i was, or before it. */
static inline size_t
shape_copy(struct shape *s, uint8_t *data, size_t size, size_t max, int i, int k, bool replace)
{
	static uint8_t copy[SHAPE_BYTES];
	const struct shape_box *from = &s->box[k], *to = &s->box[i];

	if (from->len > sizeof copy)
		return 0;
	memcpy(copy, data + from->at, from->len);
	return shape_splice(s, data, size, max, to->parent, to->at, replace ? to->len : 0, copy, from->len);
}

typedef void shape_scan(struct shape *s, const uint8_t *data, size_t size);

static inline size_t
shape_mutate(uint8_t *data, size_t size, size_t max, unsigned seed, shape_scan *scan)
{
	static struct shape s;
	size_t to = 0;

	s.n = 0;
	s.random = seed;
	scan(&s, data, size);
	if (s.n == 0 || shape_random(&s, 8) == 0)
		return LLVMFuzzerMutate(data, size, max);
	int i = (int)shape_random(&s, (uint32_t)s.n), k = (int)shape_random(&s, (uint32_t)s.n);
	switch (shape_random(&s, 8)) {
	case 0:
		to = shape_splice(&s, data, size, max, s.box[i].parent, s.box[i].at, s.box[i].len, data, 0);
		break;
	case 1:
		to = shape_copy(&s, data, size, max, i, i, false);
		break;
	case 2:
	case 3:
		if (s.box[i].align == s.box[k].align && s.box[i].width == s.box[k].width)
			to = shape_copy(&s, data, size, max, i, k, shape_random(&s, 2));
		break;
	case 4:
		to = shape_retag(&s, data, size, i);
		break;
	default:
		to = s.box[i].holds ? 0 : shape_refill(&s, data, size, max, i);
	}
	return to ? to : LLVMFuzzerMutate(data, size, max);
}

/* ---- netlink ---- */

/* Of the family's own header behind netlink's, by the message's type. */
static inline size_t
shape_netlink_extra(uint16_t type)
{
	if (type >= 16 && type < 20)
		return 16; /* struct ifinfomsg */
	if (type >= 28 && type < 32)
		return 12; /* struct ndmsg */
	return 4;	   /* struct nfgenmsg, or an error's number */
}

/* Attributes from at to end; those that say that they are nests hold others. */
static inline void
shape_attributes(struct shape *s, const uint8_t *data, size_t at, size_t end, int parent, unsigned depth)
{
	while (end - at >= 4) {
		uint16_t len, type;
		memcpy(&len, data + at, sizeof len);
		memcpy(&type, data + at + 2, sizeof type);
		if (len < 4 || len > end - at)
			return;
		size_t whole = (len + 3u) / 4 * 4;
		whole = whole < end - at ? whole : end - at;
		bool nest = (type & 0x8000) && depth < 8;
		int me = (int)s->n;
		if (!shape_add(s, (struct shape_box){.at = at, .len = whole, .head = 4, .content = len - 4u, .width = 2, .counted = 4, .align = 4,
						     .holds = nest, .parent = parent}))
			return;
		if (nest)
			shape_attributes(s, data, at + 4, at + len, me, depth + 1);
		at += whole;
	}
}

/* Messages from at to end. */
static inline void
shape_netlink(struct shape *s, const uint8_t *data, size_t at, size_t end, int parent)
{
	while (end - at >= 16) {
		uint32_t len;
		uint16_t type;
		memcpy(&len, data + at, sizeof len);
		memcpy(&type, data + at + 4, sizeof type);
		size_t extra = shape_netlink_extra(type);
		if (len < 16 + extra || len > end - at)
			return;
		size_t whole = (len + 3u) / 4 * 4;
		whole = whole < end - at ? whole : end - at;
		int me = (int)s->n;
		if (!shape_add(s, (struct shape_box){.at = at, .len = whole, .head = 16 + extra, .content = len - 16 - extra, .width = 4,
						     .counted = (uint8_t)(16 + extra), .align = 4, .holds = true, .parent = parent}))
			return;
		shape_attributes(s, data, at + 16 + extra, at + len, me, 0);
		at += whole;
	}
}

/* ---- records: kind (1), argument (1), length (2, host order), bytes ---- */

struct shape_record {
	uint8_t kind, arg;
	const uint8_t *p;
	size_t len;
};

enum { SHAPE_RECORD = 4 };

/* The next one, cut to what is there. False: the end. */
static inline bool
shape_next(const uint8_t **data, size_t *size, struct shape_record *ret)
{
	uint16_t len;

	if (*size < SHAPE_RECORD)
		return false;
	memcpy(&len, *data + 2, sizeof len);
	*ret = (struct shape_record){(*data)[0], (*data)[1], *data + SHAPE_RECORD, len};
	if (ret->len > *size - SHAPE_RECORD)
		ret->len = *size - SHAPE_RECORD;
	*data += SHAPE_RECORD + ret->len;
	*size -= SHAPE_RECORD + ret->len;
	return true;
}

/* inside: what a record holds; NULL: nothing that we know of. */
static inline void
shape_records(struct shape *s, const uint8_t *data, size_t size, void (*inside)(struct shape *s, const uint8_t *data, size_t at, size_t end, int parent))
{
	for (size_t at = 0; size - at >= SHAPE_RECORD;) {
		uint16_t len;
		memcpy(&len, data + at + 2, sizeof len);
		if (len > size - at - SHAPE_RECORD)
			return;
		int me = (int)s->n;
		if (!shape_add(s, (struct shape_box){.at = at, .len = SHAPE_RECORD + len, .head = SHAPE_RECORD, .content = len, .length_at = 2,
						     .width = 2, .align = 1, .holds = inside && len >= 16, .parent = -1}))
			return;
		if (inside)
			inside(s, data, at + SHAPE_RECORD, at + SHAPE_RECORD + len, me);
		at += SHAPE_RECORD + len;
	}
}

#endif
