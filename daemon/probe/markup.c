/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends and first values of XML and JSON documents; see markup.h. */
#include "markup.h"

#include <stdint.h>
#include <string.h>

#include "field.h"

enum {
	NAME_MAX_TEXT = 48, /* a name with its brackets or quotes */
	JSON_DEPTH = 32,
	BYTE_ORDER_MARK = 0xef, /* its first byte */
};

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
trim_start(struct span s)
{
	size_t n = 0;
	while (n < s.len && is_space(s.p[n]))
		n++;
	return field_rest(s, n);
}

static struct span
trim_end(struct span s)
{
	while (s.len && (is_space(s.p[s.len - 1]) || s.p[s.len - 1] == 0))
		s.len--;
	return s;
}

static bool
is_text(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 && !is_space(s.p[i]))
			return false;
	return true;
}

/* Past the byte order mark and the declaration. */
static struct span
skip_declaration(struct span doc)
{
	if (span_starts(doc, "\xef\xbb\xbf"))
		doc = field_rest(doc, 3);
	doc = trim_start(doc);
	if (!span_starts(doc, "<?xml "))
		return doc;
	return trim_start(field_after(doc, "?>"));
}

/* The three in a row; what does not fit is left out, and then nothing is found by it. */
static size_t
join(char out[NAME_MAX_TEXT], const char *before, const char *name, const char *after)
{
	const char *const parts[] = {before, name, after};
	size_t used = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t n = strlen(parts[i]), room = NAME_MAX_TEXT - 1 - used;
		memcpy(out + used, parts[i], n < room ? n : room);
		used += n < room ? n : room;
	}
	out[used] = 0;
	return used;
}

bool
markup_xml(struct span doc, const char *root, struct span *ret_open, struct span *ret_body)
{
	char close[NAME_MAX_TEXT];
	uint8_t first = field_u8(doc, 0);

	if (first != '<' && first != BYTE_ORDER_MARK && !is_space(first))
		return false; /* what most datagrams are; the rest costs more */
	doc = trim_end(skip_declaration(doc));
	size_t n_open = 1 + strlen(root);
	uint8_t after = field_u8(doc, n_open);
	if (field_u8(doc, 0) != '<' || !span_starts(field_rest(doc, 1), root) || (after != '>' && !is_space(after)) || !is_text(doc))
		return false;
	size_t n_close = join(close, "</", root, ">");
	long gt = span_find(doc, ">");
	if (gt < 0 || doc.len < (size_t)gt + 1 + n_close || !field_is(doc, doc.len - n_close, close, n_close))
		return false;
	*ret_open = field_bytes(doc, n_open, (size_t)gt - n_open);
	*ret_body = field_bytes(doc, (size_t)gt + 1, doc.len - n_close - (size_t)gt - 1);
	return true;
}

struct span
markup_tag(struct span body, const char *tag)
{
	char open[NAME_MAX_TEXT];

	join(open, "<", tag, ">");
	struct span value = field_after(body, open);
	if (span_find(value, "<") < 0)
		return (struct span){0};
	return span_trim(field_until(value, "<"));
}

struct json {
	uint32_t lists; /* bit n: level n is a list, else an object */
	unsigned depth;
	bool string, escape;
};

static bool
json_in_string(struct json *j, uint8_t c)
{
	if (j->escape)
		j->escape = false;
	else if (c == '\\')
		j->escape = true;
	else if (c == '"')
		j->string = false;
	return c >= 0x20;
}

static bool
json_open(struct json *j, bool list)
{
	if (j->depth == JSON_DEPTH)
		return false;
	j->lists = (j->lists & ~(1u << j->depth)) | (uint32_t)list << j->depth;
	j->depth++;
	return true;
}

static bool
json_close(struct json *j, bool list)
{
	return j->depth && (j->lists >> --j->depth & 1) == list;
}

static bool
json_step(struct json *j, uint8_t c)
{
	if (j->string)
		return json_in_string(j, c);
	if (c == '"')
		return j->string = true;
	if (c == '{' || c == '[')
		return json_open(j, c == '[');
	if (c == '}' || c == ']')
		return json_close(j, c == ']');
	return is_space(c) || (c && strchr(":,+-.", c)) || field_alnum((struct span){&c, 1}, 1, 1);
}

bool
markup_json(struct span doc)
{
	struct json j = {0};
	size_t i = 0;

	if (field_u8(doc, 0) != '{')
		return false;
	do {
		if (i == doc.len || !json_step(&j, doc.p[i++]))
			return false;
	} while (j.depth);
	return trim_end(field_rest(doc, i)).len == 0;
}

static struct span
json_string(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return field_bytes(s, 0, i);
	}
	return (struct span){0};
}

static struct span
json_word(struct span s)
{
	size_t n = 0;
	while (n < s.len && (s.p[n] == '-' || s.p[n] == '.' || field_alnum(field_bytes(s, n, 1), 1, 1)))
		n++;
	return field_bytes(s, 0, n);
}

struct span
markup_key(struct span doc, const char *key)
{
	char quoted[NAME_MAX_TEXT];

	join(quoted, "\"", key, "\"");
	struct span value = trim_start(field_after(doc, quoted));
	if (field_u8(value, 0) != ':')
		return (struct span){0};
	value = trim_start(field_rest(value, 1));
	return field_u8(value, 0) == '"' ? json_string(field_rest(value, 1)) : json_word(value);
}

void
markup_learn_tags(struct app *app, struct span body, const struct learn_row *rows)
{
	for (; app && rows->from; rows++)
		learn_text(app, rows->key, markup_tag(body, rows->from));
}

void
markup_learn_keys(struct app *app, struct span doc, const struct learn_row *rows)
{
	for (; app && rows->from; rows++)
		learn_text(app, rows->key, markup_key(doc, rows->from));
}
