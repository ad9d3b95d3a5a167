/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start line, fields, empty line; see head.h. */
#include "head.h"

#include <string.h>

#include "text.h"

enum { LINE_MAX_LEN = 8192, METHOD_MAX = 24 };

/* The next line with its CR LF. MORE: no line end yet; *ret_line is then what is there. */
static enum probe_result
next_line(struct cursor *c, struct span *ret_line)
{
	size_t before = cursor_left(c);
	if (cursor_line(c, LINE_MAX_LEN, ret_line))
		return before - cursor_left(c) == ret_line->len + 2 && text_clean(*ret_line) ? PROBE_DONE : PROBE_NO;
	if (before > LINE_MAX_LEN)
		return PROBE_NO;
	*ret_line = cursor_rest(c);
	/* The CR of a line end whose LF is still to come. */
	if (ret_line->len && ret_line->p[ret_line->len - 1] == '\r')
		ret_line->len--;
	return text_clean(*ret_line) ? PROBE_MORE : PROBE_NO;
}

/* Is s one of them; or, when it may still grow, the beginning of one? */
static bool
version_fits(struct span s, const char *const *versions, bool whole)
{
	for (; *versions; versions++) {
		size_t n = strlen(*versions);
		if (whole ? span_equals(s, *versions) : s.len <= n && memcmp(s.p, *versions, s.len) == 0)
			return true;
	}
	return false;
}

/* method SP target SP version. A line that is not whole may end anywhere. */
static bool
request_line(struct span line, bool whole, const char *const *versions, struct head *ret)
{
	size_t len = line.len;
	ret->method = text_until(&line, ' ');
	if (ret->method.len > METHOD_MAX || (len && !text_token(ret->method)))
		return false;
	if (ret->method.len == len)
		return !whole;
	size_t left = line.len;
	ret->target = text_until(&line, ' ');
	if (ret->target.len == left)
		return !whole;
	ret->version = line;
	return ret->target.len && !memchr(ret->target.p, '\t', ret->target.len) && version_fits(line, versions, whole);
}

/* version SP three digits SP reason; the last space is often left out with an empty reason. */
static bool
status_line(struct span line, bool whole, const char *const *versions, struct head *ret)
{
	size_t len = line.len;
	ret->version = text_until(&line, ' ');
	if (ret->version.len == len)
		return !whole && version_fits(ret->version, versions, false);
	if (!version_fits(ret->version, versions, true))
		return false;
	struct span code = text_until(&line, ' ');
	if (!whole && code.len < 3)
		return code.len == 0 || text_digits(code);
	long status = code.len == 3 ? text_number(code) : -1;
	ret->status = (uint16_t)status;
	return status >= 100 && status <= 699;
}

/* The field lines up to the empty one. */
static enum probe_result
read_fields(struct cursor *c, struct head *ret)
{
	struct cursor beyond = *c;

	ret->n_index = 0;
	for (;;) {
		struct span line, name;
		size_t left = cursor_left(c);
		enum probe_result r = next_line(c, &line);
		if (r == PROBE_DONE && line.len == 0) {
			ret->beyond = cursor_bytes(&beyond, cursor_left(&beyond) - left);
			return PROBE_DONE;
		}
		if (r == PROBE_NO)
			return PROBE_NO;
		size_t len = line.len;
		name = text_until(&line, ':');
		if (len && !text_token(name))
			return PROBE_NO;
		if (r == PROBE_MORE)
			return PROBE_MORE;
		if (name.len == len)
			return PROBE_NO; /* no colon */
		if (ret->n_index < HEAD_INDEX) {
			ret->index[ret->n_index++] = (struct head_field){name, span_trim(line)};
			beyond = *c;
		}
	}
}

enum probe_result
head_request(struct cursor *c, const char *const *versions, struct head *ret)
{
	struct span line;
	enum probe_result r = next_line(c, &line);

	ret->is_reply = false;
	if (r == PROBE_NO || !request_line(line, r == PROBE_DONE, versions, ret))
		return PROBE_NO;
	return r == PROBE_MORE ? r : read_fields(c, ret);
}

enum probe_result
head_reply(struct cursor *c, const char *const *versions, struct head *ret)
{
	struct span line;
	enum probe_result r = next_line(c, &line);

	ret->is_reply = true;
	if (r == PROBE_NO || !status_line(line, r == PROBE_DONE, versions, ret))
		return PROBE_NO;
	return r == PROBE_MORE ? r : read_fields(c, ret);
}

/* A place among the fields: in the index, then on the lines beyond it. */
struct place {
	size_t i;
	struct cursor beyond;
};

static struct place
first_place(const struct head *h)
{
	return (struct place){0, cursor_span(h->beyond)};
}

/* The value of the next field of this name. */
static bool
next_named(const struct head *h, struct place *at, const char *name, size_t len, struct span *ret_value)
{
	struct span line;

	while (at->i < h->n_index) {
		const struct head_field *f = &h->index[at->i++];
		if (f->name.len == len && span_equals_nocase(f->name, name)) {
			*ret_value = f->value;
			return true;
		}
	}
	while (cursor_line(&at->beyond, LINE_MAX_LEN, &line))
		if (span_equals_nocase(text_until(&line, ':'), name)) {
			*ret_value = span_trim(line);
			return true;
		}
	return false;
}

unsigned
head_get(const struct head *h, const char *name, struct span *ret_value)
{
	struct place at = first_place(h);
	size_t len = strlen(name);
	unsigned found = 0;

	while (next_named(h, &at, name, len, ret_value))
		found++;
	return found;
}

bool
head_lists(const struct head *h, const char *name, const char *element)
{
	struct place at = first_place(h);
	size_t len = strlen(name);
	struct span v;

	while (next_named(h, &at, name, len, &v))
		while (v.len)
			if (span_equals_nocase(span_trim(text_until(&v, ',')), element))
				return true;
	return false;
}

void
head_copy(const struct head *h, const char *name, char *out, size_t cap)
{
	struct span v;
	out[0] = 0;
	if (head_get(h, name, &v))
		span_text(v, out, cap);
}

void
head_realm(const struct head *h, char *out, size_t cap)
{
	struct span v;
	if (!head_get(h, "WWW-Authenticate", &v))
		return;
	long at = span_find(v, "realm=\"");
	if (at < 0)
		return;
	v = text_from(v, (size_t)at + strlen("realm=\""));
	span_text(text_until(&v, '"'), out, cap);
}
