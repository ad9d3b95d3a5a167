/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i123e, 4:text, l...e, d...e; see bencode.h. */
#include "bencode.h"

enum { DEPTH_MAX = 16, DIGITS_MAX = 19 };

/* Digits up to `end`, which is read too. */
static uint64_t
number(struct cursor *c, uint8_t end)
{
	uint64_t v = 0;
	for (unsigned i = 0; i <= DIGITS_MAX; i++) {
		uint8_t b = cursor_u8(c);
		if (b == end && i)
			return v;
		if (b < '0' || b > '9' || i == DIGITS_MAX)
			break;
		v = v * 10 + (b - '0');
	}
	c->bad = true;
	return 0;
}

struct span
bencode_text(struct cursor *c)
{
	uint64_t n = number(c, ':');
	return cursor_bytes(c, n > SIZE_MAX ? SIZE_MAX : (size_t)n);
}

void
bencode_skip(struct cursor *c)
{
	unsigned depth = 0;
	do {
		uint8_t b = cursor_peek(c, 0);
		if (b == 'd' || b == 'l') {
			cursor_skip(c, 1);
			depth++;
		} else if (b == 'e' && depth) {
			cursor_skip(c, 1);
			depth--;
		} else if (b == 'i') {
			cursor_skip(c, 1);
			if (cursor_peek(c, 0) == '-')
				cursor_skip(c, 1);
			(void)number(c, 'e');
		} else {
			(void)bencode_text(c);
		}
		if (depth > DEPTH_MAX)
			c->bad = true;
	} while (depth && !c->bad);
}
