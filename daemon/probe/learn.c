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
	size_t used = strlen(app->detail), room = sizeof app->detail - used;
	int n = text[0] ? snprintf(app->detail + used, room, "%s%s=%s", used ? "; " : "", key, text) : 0;
	if (n < 0 || (size_t)n >= room)
		app->detail[used] = 0;
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
	uint8_t m[6];
	char text[18];
	struct cursor c = field_cursor(d);

	cursor_skip(&c, off);
	cursor_copy(&c, m, sizeof m);
	if (c.bad)
		return;
	int n = snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
			 m[5]);
	learn_text(app, "mac", (struct span){(const uint8_t *)text, (size_t)n});
}

void
learn_banner(struct app *app, struct span text)
{
	if (app && !app->banner[0])
		span_text(span_trim(text), app->banner, sizeof app->banner);
}
