/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about a device; see learn.h. */
#include "learn.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "field.h"

/* No serial number or model is longer; one field must not crowd out the others. */
enum { VALUE_MAX = 64 };

static bool
knows(const char *detail, const char *key)
{
	size_t n = strlen(key);
	while (detail && *detail) {
		if (strncmp(detail, key, n) == 0 && detail[n] == '=')
			return true;
		detail = strstr(detail, "; ");
		if (detail)
			detail += 2;
	}
	return false;
}

static void
clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == ';')
			*text = '_';
}

/* A NUL ends the value: what a structure holds behind it is nobody's name. */
void
learn_text(struct app *app, const char *key, struct span value)
{
	char text[VALUE_MAX];

	value = span_trim(value);
	if (!app || value.len == 0 || knows(app->detail, key))
		return;
	span_text(value, text, sizeof text);
	clean(text);
	size_t used = strlen(app->detail), key_len = strlen(key), len = strlen(text), between = used ? 2 : 0;
	if (len == 0 || between + key_len + 1 + len >= sizeof app->detail - used)
		return;
	char *p = app->detail + used;
	memcpy(p, "; ", between);
	memcpy(p + between, key, key_len);
	p[between + key_len] = '=';
	memcpy(p + between + key_len + 1, text, len + 1);
}

void
learn_number(struct app *app, const char *key, uint32_t value)
{
	char text[12];
	int n = snprintf(text, sizeof text, "%u", value);
	learn_text(app, key, (struct span){(const uint8_t *)text, (size_t)n});
}

void
learn_mac(struct app *app, struct span d, size_t off)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t m[6];
	char text[3 * sizeof m];
	struct cursor c = field_cursor(d);

	cursor_skip(&c, off);
	cursor_copy(&c, m, sizeof m);
	if (c.bad)
		return;
	for (size_t i = 0; i < sizeof m; i++) {
		text[3 * i] = digit[m[i] >> 4];
		text[3 * i + 1] = digit[m[i] & 15];
		text[3 * i + 2] = ':';
	}
	learn_text(app, "mac", (struct span){(const uint8_t *)text, sizeof text - 1});
}

void
learn_banner(struct app *app, struct span text)
{
	if (app && !app->banner[0])
		span_text(span_trim(text), app->banner, sizeof app->banner);
}
