/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checked reads of hostile bytes; see cursor.h. */
#include "cursor.h"

#include <endian.h>
#include <string.h>

/* n is at most 8: a big-endian number of that many bytes, 0 when short. */
static uint64_t
big(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_need(c, n);
	uint64_t v = 0;
	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

bool
cursor_u32s(struct cursor *c, uint32_t *out, size_t n)
{
	const uint8_t *p = n <= SIZE_MAX / sizeof *out ? cursor_need(c, n * sizeof *out) : NULL;

	if (!p) {
		c->bad = true;
		return false;
	}
	memcpy(out, p, n * sizeof *out);
	for (size_t i = 0; i < n; i++)
		out[i] = be32toh(out[i]);
	return true;
}

uint64_t
cursor_u64(struct cursor *c)
{
	return big(c, 8);
}

uint16_t
cursor_le16(struct cursor *c)
{
	return __builtin_bswap16((uint16_t)big(c, 2));
}

uint32_t
cursor_le32(struct cursor *c)
{
	return __builtin_bswap32((uint32_t)big(c, 4));
}

uint64_t
cursor_varint(struct cursor *c)
{
	static const uint64_t masks[] = {0x3f, 0x3fff, 0x3fffffff, 0x3fffffffffffffff};
	unsigned size = cursor_peek(c, 0) >> 6; /* 1, 2, 4 or 8 bytes, of which the first two bits are this number */
	return big(c, (size_t)1 << size) & masks[size];
}

void
cursor_copy(struct cursor *c, void *out, size_t n)
{
	const uint8_t *p = cursor_need(c, n);
	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

bool
cursor_line(struct cursor *c, size_t max, struct span *ret_line)
{
	size_t left = cursor_left(c);
	const uint8_t *nl = left ? memchr(c->p, '\n', left < max ? left : max) : NULL;
	if (!nl)
		return false;
	size_t n = (size_t)(nl - c->p);
	*ret_line = (struct span){c->p, n && nl[-1] == '\r' ? n - 1 : n};
	c->p = nl + 1;
	return true;
}

bool
cursor_starts(const struct cursor *c, const void *bytes, size_t len)
{
	return cursor_left(c) >= len && memcmp(c->p, bytes, len) == 0;
}

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
same_folded(const uint8_t *p, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fold(p[i]) != fold((uint8_t)text[i]))
			return false;
	return true;
}

bool
span_equals_nocase(struct span s, const char *text)
{
	return s.len == strlen(text) && same_folded(s.p, text, s.len);
}

bool
span_starts_nocase(struct span s, const char *text)
{
	size_t n = strlen(text);
	return s.len >= n && same_folded(s.p, text, n);
}

long
span_find(struct span s, const char *needle)
{
	size_t n = strlen(needle);
	if (n == 0)
		return 0;
	if (s.len < n)
		return -1;
	const uint8_t *hit = memmem(s.p, s.len, needle, n);
	return hit ? hit - s.p : -1;
}

struct span
span_trim(struct span s)
{
	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

size_t
span_text(struct span s, char *out, size_t cap)
{
	size_t n = s.len < cap ? s.len : cap - 1;
	if (n)
		memcpy(out, s.p, n);
	out[n] = 0;
	return n;
}
