/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tag, length, value; see ber.h. */
#include "ber.h"

struct cursor
ber_take(struct cursor *c, uint8_t tag)
{
	uint8_t found = cursor_u8(c);
	size_t n = cursor_u8(c), bytes = n & 0x7f;

	if (n & 0x80) {
		if (bytes == 0 || bytes > 4)
			c->bad = true;
		n = 0;
		for (size_t i = 0; i < bytes && !c->bad; i++)
			n = n << 8 | cursor_u8(c);
	}
	if (found != tag)
		c->bad = true;
	return cursor_take(c, n);
}

uint32_t
ber_number(struct cursor *c)
{
	struct cursor body = ber_take(c, BER_INTEGER);
	size_t n = cursor_left(&body);
	uint64_t v = 0;

	if (n == 0 || n > 5 || (cursor_peek(&body, 0) & 0x80))
		c->bad = true;
	while (cursor_left(&body) && !c->bad)
		v = v << 8 | cursor_u8(&body);
	if (v > UINT32_MAX)
		c->bad = true;
	return (uint32_t)v;
}
