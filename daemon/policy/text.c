/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reviewer must see what the loader sees: what shows itself wrongly or not at all is refused before any
 * parser runs.
 */
#include "chars.h"
#include "node.h"

static const char *
complaint(int32_t code, const struct cursor *rest)
{
	if (code == '\r' && cursor_peek(rest, 0) != '\n')
		return "a carriage return that does not end a line";
	return char_complaint(code);
}

bool
text_check(const struct source *source, struct diags *diags)
{
	struct cursor c = cursor_of(source->text, source->len);
	struct place_in_file at = {source->name, 1, 1, 0};
	if (cursor_starts(&c, "\xef\xbb\xbf", 3))
		cursor_skip(&c, 3); /* a byte order mark in front is what some editors write */
	while (cursor_left(&c) > 0) {
		int32_t code = utf8_next(&c);
		const char *what = complaint(code, &c);
		if (what) {
			diag_add(diags, DIAG_ERROR, "E109", &at, source->text, "%s", what);
			return false;
		}
		at.col++;
		if (code == '\n') {
			at.line++;
			at.col = 1;
		}
	}
	return true;
}
