/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in DNS messages: labels with a length before each, and pointers to earlier names (RFC 1035, 4.1.4).
 * A pointer must lead to before the name or the part of a name that it stands in, so reading always ends.
 */
#include "dns_private.h"

enum {
	DNS_JUMPS =
		32, /* servers point once a name; each label pointing on to the next is as far as an honest one can get */
};

/* Text under construction; `full` once something did not fit. */
struct text {
	char *out;
	size_t n;
	bool full;
};

static inline void
put(struct text *t, const char *bytes, size_t n)
{
	/* One place for the backslash that marks a name as cut, one for the NUL. */
	if (t->full || t->n + n > DNS_NAME - 2) {
		t->full = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		t->out[t->n++] = bytes[i];
}

static bool
is_plain(uint8_t b)
{
	return b > ' ' && b < 0x7f && b != '.' && b != '\\' && b != '"';
}

static void
put_odd(struct text *t, uint8_t b)
{
	char odd[4] = {'\\', (char)('0' + b / 100), (char)('0' + b / 10 % 10), (char)('0' + b % 10)};
	put(t, odd, sizeof odd);
}

static void
put_label(struct text *t, struct cursor label)
{
	if (t->n || t->full)
		put(t, ".", 1);
	while (cursor_left(&label)) {
		uint8_t b = cursor_u8(&label);
		char lower = (char)(b >= 'A' && b <= 'Z' ? b | 0x20 : b);
		if (is_plain(b))
			put(t, &lower, 1);
		else
			put_odd(t, b);
	}
}

static void
put_end(struct text *t)
{
	if (t->full)
		t->out[t->n++] = '\\';
	t->out[t->n] = 0;
}

/* Where the pointer leads whose first byte was `high`; 0 when that is not backwards. */
static size_t
pointer(struct cursor *c, uint8_t high, size_t before)
{
	size_t target = (high & 0x3fu) << 8 | cursor_u8(c);

	return !c->bad && target >= DNS_HEADER && target < before ? target : 0;
}

size_t
dns_name_read(struct span message, struct cursor *c, size_t start, char out[DNS_NAME])
{
	struct text text = {.out = out};
	struct cursor elsewhere, *in = c;
	size_t wire = 1;

	for (unsigned jumps = 0; wire <= DNS_WIRE_NAME;) {
		uint8_t len = cursor_u8(in);
		if (in->bad)
			return 0;
		if (len == 0) {
			put_end(&text);
			return wire;
		}
		if (len < 0x40) {
			wire += 1u + len;
			struct cursor label = cursor_take(in, len);
			put_label(&text, label);
		} else {
			if (len < 0xc0 || !(start = pointer(in, len, start)) || ++jumps > DNS_JUMPS)
				return 0;
			elsewhere = cursor_span(message);
			cursor_skip(&elsewhere, start);
			in = &elsewhere;
		}
	}
	return 0;
}

bool
dns_name_skip(struct cursor *c, size_t start)
{
	for (size_t wire = 1; wire <= DNS_WIRE_NAME;) {
		uint8_t len = cursor_u8(c);
		if (c->bad || len == 0)
			return !c->bad;
		if (len >= 0x40)
			return len >= 0xc0 && pointer(c, len, start);
		wire += 1u + len;
		cursor_skip(c, len);
	}
	return false;
}
