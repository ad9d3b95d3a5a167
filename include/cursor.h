/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only way to read hostile bytes.
 *
 * A cursor is a view into memory that somebody else owns, plus a sticky error: a read past the end sets `bad`,
 * returns zero and changes nothing else, so a parser reads straight through and asks once. Nothing here
 * allocates, and no pointer arithmetic on payload is needed outside this module.
 */
#ifndef LENSCAP_CURSOR_H
#define LENSCAP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of bytes; never outlives the call that handed it over. */
struct span {
	const uint8_t *p;
	size_t len;
};

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct cursor
cursor_of(const void *p, size_t len)
{
	/* An empty view may be NULL, to which C does not even let zero be added. */
	return (struct cursor){p, len ? (const uint8_t *)p + len : p, false};
}

static inline struct cursor
cursor_span(struct span s)
{
	return cursor_of(s.p, s.len);
}

/* Bytes not yet read; 0 once bad. */
static inline size_t
cursor_left(const struct cursor *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->p);
}

/* Reserves n bytes; NULL and bad when they are not all there. n may be hostile. */
static inline const uint8_t *
cursor_need(struct cursor *c, size_t n)
{
	if (c->bad || (size_t)(c->end - c->p) < n) {
		c->bad = true;
		return NULL;
	}
	const uint8_t *p = c->p;
	c->p += n;
	return p;
}

static inline void
cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_need(c, n);
}

static inline uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_need(c, 1);
	return p ? p[0] : 0;
}

/* Big endian unless the name says le. */
static inline uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_need(c, sizeof(uint16_t));
	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t
cursor_u24(struct cursor *c)
{
	const uint8_t *p = cursor_need(c, 3);
	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t
cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_need(c, sizeof(uint32_t));
	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

uint64_t cursor_u64(struct cursor *c);
/* n of them at once, for tables of millions. False, and out is untouched, when they are not all there. */
bool cursor_u32s(struct cursor *c, uint32_t *out, size_t n);
uint16_t cursor_le16(struct cursor *c);
uint32_t cursor_le32(struct cursor *c);

/* QUIC variable-length integer (RFC 9000, section 16). */
uint64_t cursor_varint(struct cursor *c);

/* Reads without moving. 0 when off is past the end; does not set bad. */
static inline uint8_t
cursor_peek(const struct cursor *c, size_t off)
{
	return off < cursor_left(c) ? c->p[off] : 0;
}

/* A cursor over the next n bytes, and moves past them; bad (both) when they are not all there. */
static inline struct cursor
cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_need(c, n);
	return p ? cursor_of(p, n) : (struct cursor){c->p, c->p, true};
}

/* The same as a span; {NULL, 0} when short. */
static inline struct span
cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_need(c, n);
	return (struct span){p, p ? n : 0};
}

/* All that is left, as a span, and moves to the end. */
static inline struct span
cursor_rest(struct cursor *c)
{
	return cursor_bytes(c, cursor_left(c));
}

/* Copies n bytes to out; zero-fills out when short. */
void cursor_copy(struct cursor *c, void *out, size_t n);

/*
 * Text protocols. The next line without its CR LF (or LF); moves past it. False, and nothing moves, when no line end is
 * within max bytes.
 */
bool cursor_line(struct cursor *c, size_t max, struct span *ret_line);

/* True when the unread bytes begin with these; does not move. */
bool cursor_starts(const struct cursor *c, const void *bytes, size_t len);

/* Exact, both. In line: the text is mostly a literal, whose length the compiler knows. */
static inline bool
span_equals(struct span s, const char *text)
{
	size_t n = strlen(text);
	return s.len == n && (n == 0 || memcmp(s.p, text, n) == 0);
}

static inline bool
span_starts(struct span s, const char *text)
{
	size_t n = strlen(text);
	return s.len >= n && (n == 0 || memcmp(s.p, text, n) == 0);
}

bool span_equals_nocase(struct span s, const char *text);   /* ASCII case folded */
bool span_starts_nocase(struct span s, const char *text);   /* ASCII case folded */
/* First place of needle in s, or -1. Linear in s.len times the needle's length; callers cap s.len. */
long span_find(struct span s, const char *needle);
/* Drops spaces and tabs at both ends. */
struct span span_trim(struct span s);
/* Copies at most cap - 1 bytes and a NUL; returns the bytes copied. Control bytes stay: writers escape. */
size_t span_text(struct span s, char *out, size_t cap);

#endif
