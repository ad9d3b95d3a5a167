/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prometheus' text format; see exposition.h. Its rules: prometheus.io/docs/instrumenting/exposition_formats. */
#include "exposition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chars.h"

static const char *const type_names[] = {"gauge", "counter", "histogram"};

void
exposition_init(struct exposition *x, char *buf, size_t cap)
{
	*x = (struct exposition){.buf = buf, .cap = cap};
}

static void
put(struct exposition *x, const char *bytes, size_t len)
{
	if (x->full || x->cap - x->len < len) {
		x->full = true;
		return;
	}
	memcpy(x->buf + x->len, bytes, len);
	x->len += len;
}

static void
put_text(struct exposition *x, const char *text)
{
	put(x, text, strlen(text));
}

void
exposition_family(struct exposition *x, const char *name, enum exposition_type type, const char *help)
{
	x->name = name;
	x->type = type;
	x->help = help;
	x->headed = false;
}

static void
put_words(struct exposition *x, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_text(x, words[i]);
}

void
exposition_begin(struct exposition *x, const char *suffix)
{
	const char *const head[] = {"# HELP ", x->name, " ", x->help, "\n# TYPE ", x->name, " ", type_names[x->type], "\n"};

	if (!x->headed)
		put_words(x, head, sizeof head / sizeof *head);
	x->headed = true;
	x->labels = false;
	put_text(x, x->name);
	put_text(x, suffix);
}

/* One character of a label's value; c stands behind it. */
static void
put_character(struct exposition *x, const uint8_t *at, size_t len, int32_t code)
{
	if (code == UTF8_BAD || (code < 0x20 && code != '\n') || (code >= 0x7f && code < 0xa0)) {
		put(x, "?", 1);
		return;
	}
	if (code == '\n') {
		put(x, "\\n", 2);
		return;
	}
	if (code == '"' || code == '\\')
		put(x, "\\", 1);
	put(x, (const char *)at, len);
}

/* Most values are nothing else. */
static size_t
plain_bytes(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

void
exposition_label(struct exposition *x, const char *key, const char *value)
{
	size_t len = strlen(value), cut = len > EXPOSITION_LABEL ? len - EXPOSITION_LABEL : 0;
	/* Not in the middle of a character. */
	while (cut > 0 && cut < len && ((uint8_t)value[cut] & 0xc0) == 0x80)
		cut++;
	size_t plain = plain_bytes(value + cut, len - cut);
	struct cursor c = cursor_of(value + cut + plain, len - cut - plain);

	put(x, x->labels ? "," : "{", 1);
	x->labels = true;
	put_text(x, key);
	put(x, "=\"", 2);
	put(x, value + cut, plain);
	while (cursor_left(&c) > 0) {
		size_t left = cursor_left(&c);
		int32_t code = utf8_next(&c);
		put_character(x, (const uint8_t *)value + len - left, left - cursor_left(&c), code);
	}
	put(x, "\"", 1);
}

static void __attribute__((format(printf, 2, 3)))
put_value(struct exposition *x, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put_text(x, x->labels ? "} " : " ");
	put_text(x, text);
	put(x, "\n", 1);
}

void
exposition_uint(struct exposition *x, uint64_t value)
{
	put_value(x, "%" PRIu64, value);
}

void
exposition_decimal(struct exposition *x, int64_t value, unsigned decimals)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, unit = 1;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	if (unit == 1)
		put_value(x, "%s%" PRIu64, value < 0 ? "-" : "", magnitude);
	else
		put_value(x, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "", magnitude / unit, (int)decimals, magnitude % unit);
}
