/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Greetings and first commands; see greeting.h. */
#include "greeting.h"

#include <string.h>

#include "side.h"
#include "text.h"

enum { LINE_LEN = 1024 };

/* The first line when it is whole. */
static enum probe_result
first_line(struct cursor c, struct span *ret_line)
{
	if (cursor_line(&c, LINE_LEN, ret_line))
		return PROBE_DONE;
	if (cursor_left(&c) > LINE_LEN)
		return PROBE_NO;
	*ret_line = cursor_rest(&c);
	/* The CR of a line end whose LF is still to come. */
	if (ret_line->len && ret_line->p[ret_line->len - 1] == '\r')
		ret_line->len--;
	return PROBE_MORE;
}

/* All that is there must be text. That costs a look at every byte: it is asked last, when little else speaks against the protocol. */
static bool
all_text(struct cursor c)
{
	return text_lines(cursor_rest(&c));
}

static bool
holds(struct span line, const char *const *words)
{
	for (; *words; words++)
		if (text_word(line, *words))
			return true;
	return false;
}

/* Could a line that begins with these bytes begin with the text? */
static bool
may_start(struct span line, const char *text)
{
	size_t n = strlen(text);
	if (line.len >= n)
		return span_starts(line, text);
	return line.len == 0 || memcmp(line.p, text, line.len) == 0;
}

static enum probe_result
server_says(struct cursor c, const struct greeting *g, struct span *ret_line, bool *ret_proves)
{
	enum probe_result r = first_line(c, ret_line);
	bool ready = false;

	if (r == PROBE_NO)
		return r;
	for (size_t i = 0; g->ready[i]; i++)
		ready = ready || (r == PROBE_DONE ? span_starts(*ret_line, g->ready[i]) : may_start(*ret_line, g->ready[i]));
	if (!ready || !all_text(c))
		return PROBE_NO;
	*ret_proves = r == PROBE_DONE && holds(*ret_line, g->words) && !holds(*ret_line, g->rivals);
	return r;
}

/* COMMAND or COMMAND SP argument; a line that is not whole may end inside it. */
static bool
command_fits(struct span line, bool whole, const char *const *commands)
{
	struct span word = text_until(&line, ' ');
	for (; *commands; commands++) {
		size_t n = strlen(*commands);
		if (span_equals_nocase(word, *commands))
			return true;
		if (!whole && line.len == 0 && word.len < n) {
			char start[16];
			memcpy(start, *commands, word.len);
			start[word.len] = 0;
			if (span_equals_nocase(word, start))
				return true;
		}
	}
	return false;
}

static enum probe_result
client_says(struct cursor c, const struct greeting *g)
{
	struct span line;
	enum probe_result r = first_line(c, &line);

	if (r == PROBE_NO)
		return r;
	if (g->tagged) {
		size_t len = line.len;
		struct span tag = text_until(&line, ' ');
		if (tag.len > 16 || (tag.len && !text_token(tag)))
			return PROBE_NO;
		if (tag.len == len)
			return r == PROBE_DONE ? PROBE_NO : PROBE_MORE;
	}
	return command_fits(line, r == PROBE_DONE, g->commands) && all_text(c) ? r : PROBE_NO;
}

enum probe_result
greeting_inspect(const struct probe_input *in, const struct greeting *g, struct app *app)
{
	struct span line = {0};
	bool proves = false;
	enum probe_result server = server_says(side_stream(in, PROBE_TO_CLIENT), g, &line, &proves);
	enum probe_result client = client_says(side_stream(in, PROBE_TO_SERVER), g);

	if (server == PROBE_NO || client == PROBE_NO)
		return PROBE_NO;
	if (!proves && !(client == PROBE_DONE && (server == PROBE_DONE || g->command_proves)))
		return PROBE_MORE;
	app->protocol = g->protocol;
	if (server == PROBE_DONE)
		span_text(line, app->banner, sizeof app->banner);
	return PROBE_DONE;
}
