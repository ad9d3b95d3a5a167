/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digits and short texts. A record has some thirty numbers, so they do not go through printf. */
#include "text.h"

#include <string.h>

size_t
decimal(char out[DECIMAL_MAX], uint64_t v)
{
	char tmp[DECIMAL_MAX];
	size_t at = DECIMAL_MAX;

	do {
		tmp[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	memcpy(out, tmp + at, DECIMAL_MAX - at);
	return DECIMAL_MAX - at;
}

void
decimal_fixed(char *out, size_t n, uint64_t v)
{
	while (n-- > 0) {
		out[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
text_init(struct text *t)
{
	t->len = 0;
	t->b[0] = '\0';
}

static void
add_bytes(struct text *t, const char *s, size_t n)
{
	size_t room = TEXT_MAX - 1 - t->len;

	if (n > room)
		n = room;
	memcpy(t->b + t->len, s, n);
	t->len += n;
	t->b[t->len] = '\0';
}

void
text_addn(struct text *t, const char *s, size_t max)
{
	if (s)
		add_bytes(t, s, strnlen(s, max));
}

void
text_add(struct text *t, const char *s)
{
	text_addn(t, s, TEXT_MAX);
}

void
text_uint(struct text *t, uint64_t v)
{
	char digits[DECIMAL_MAX];
	size_t n = decimal(digits, v);

	add_bytes(t, digits, n);
}

void
text_two(struct text *t, unsigned v, char pad)
{
	char digits[2] = {v >= 10 ? (char)('0' + v / 10 % 10) : pad, (char)('0' + v % 10)};

	add_bytes(t, digits, sizeof digits);
}
