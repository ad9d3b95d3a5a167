/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields at fixed places; see field.h. */
#include "field.h"

#include <string.h>

enum { MAC_TEXT = 17 };

struct cursor
field_cursor(struct span d)
{
	return d.len ? cursor_span(d) : cursor_of("", 0);
}

static struct cursor
at(struct span d, size_t off)
{
	struct cursor c = field_cursor(d);
	cursor_skip(&c, off);
	return c;
}

struct span
field_bytes(struct span d, size_t off, size_t len)
{
	struct cursor c = at(d, off);
	return cursor_bytes(&c, len);
}

struct span
field_rest(struct span d, size_t off)
{
	struct cursor c = at(d, off);
	return cursor_rest(&c);
}

struct span
field_text(struct span d, size_t off, size_t len)
{
	struct span s = field_bytes(d, off, len);
	const uint8_t *nul = s.len ? memchr(s.p, 0, s.len) : NULL;
	if (nul)
		s.len = (size_t)(nul - s.p);
	return span_trim(s);
}

struct span
field_after(struct span s, const char *mark)
{
	long at = span_find(s, mark);
	if (at < 0)
		return (struct span){0};
	return field_rest(s, (size_t)at + strlen(mark));
}

struct span
field_until(struct span s, const char *mark)
{
	long at = span_find(s, mark);
	if (at < 0)
		return s;
	return field_bytes(s, 0, (size_t)at);
}

uint8_t
field_u8(struct span d, size_t off)
{
	struct cursor c = at(d, off);
	return cursor_u8(&c);
}

uint16_t
field_u16(struct span d, size_t off)
{
	struct cursor c = at(d, off);
	return cursor_u16(&c);
}

uint32_t
field_u24(struct span d, size_t off)
{
	struct cursor c = at(d, off);
	return cursor_u24(&c);
}

uint32_t
field_u32(struct span d, size_t off)
{
	struct cursor c = at(d, off);
	return cursor_u32(&c);
}

uint16_t
field_le16(struct span d, size_t off)
{
	struct cursor c = at(d, off);
	return cursor_le16(&c);
}

uint32_t
field_le32(struct span d, size_t off)
{
	struct cursor c = at(d, off);
	return cursor_le32(&c);
}

bool
field_is(struct span d, size_t off, const void *want, size_t len)
{
	struct cursor c = at(d, off);
	return cursor_starts(&c, want, len);
}

bool
field_fits(struct span d, size_t off, const void *want, size_t len)
{
	if (off >= d.len)
		return true;
	return field_is(d, off, want, d.len - off < len ? d.len - off : len);
}

bool
field_filled(struct span d, size_t off, size_t len, uint8_t value)
{
	struct span s = field_bytes(d, off, len);
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != value)
			return false;
	return s.len == len;
}

bool
field_printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_hex(uint8_t c)
{
	c |= 0x20; /* leaves digits as they are */
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool
field_alnum(struct span s, size_t min, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit(s.p[i]) && !is_upper(s.p[i] & 0xdf))
			return false;
	return s.len >= min && s.len <= max;
}

bool
field_upper(struct span s, size_t min, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_upper(s.p[i]))
			return false;
	return s.len >= min && s.len <= max;
}

bool
field_mac_text(struct span s)
{
	if (s.len != MAC_TEXT || (s.p[2] != ':' && s.p[2] != '-'))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (i % 3 == 2 ? s.p[i] != s.p[2] : !is_hex(s.p[i]))
			return false;
	return true;
}

bool
field_ipv4_text(struct span s)
{
	unsigned dots = 0, digits = 0, value = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '.' && digits) {
			dots++;
			digits = value = 0;
			continue;
		}
		value = value * 10 + (unsigned)(s.p[i] - '0');
		if (!is_digit(s.p[i]) || ++digits > 3 || value > 255)
			return false;
	}
	return dots == 3 && digits;
}

bool
field_netmask(uint32_t mask)
{
	uint32_t rest = ~mask;
	return mask && (rest & (rest + 1)) == 0;
}

bool
field_unicast_mac(struct span d, size_t off)
{
	return field_bytes(d, off, 6).len && !(field_u8(d, off) & 1) && !field_filled(d, off, 6, 0);
}
