/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short texts put together without printf: signatures, syslog headers. Private to this folder. */
#ifndef LENSCAP_SINK_TEXT_H
#define LENSCAP_SINK_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
	TEXT_MAX = 1024,
	DECIMAL_MAX = 20, /* digits of UINT64_MAX */
};

/* Always ends with a NUL. What does not fit is cut. */
struct text {
	char b[TEXT_MAX];
	size_t len;
};

void text_init(struct text *t);
/* At most max bytes of s; NULL adds nothing. */
void text_addn(struct text *t, const char *s, size_t max);
void text_add(struct text *t, const char *s);
void text_uint(struct text *t, uint64_t v);
/* Two digits, the first one `pad` when it is zero. */
void text_two(struct text *t, unsigned v, char pad);

/* Writes the digits of v, no NUL; returns how many. */
size_t decimal(char out[DECIMAL_MAX], uint64_t v);
/* Writes v as exactly n digits with leading zeros; higher digits are lost. */
void decimal_fixed(char *out, size_t n, uint64_t v);

#endif
