/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of findings, and their two forms: text in the shape of gcc, and JSON. Everything that came from a
 * file or a file's name is cleaned on the way in, so that no finding can send an escape sequence to a
 * terminal.
 */
#include "diag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "chars.h"
#include "json.h"

enum {
	SOURCE_WIDTH = 120, /* characters of the source line that are shown */
	WORD_MAX = 64,	    /* longer words have no neighbours worth naming */
};

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * In place. Tabs and what a policy may not hold become spaces, a character each, so that columns stay right.
 */
static char *
clean(char *text)
{
	struct cursor c = cursor_of(text, text ? strlen(text) : 0);
	char *out = text;
	while (cursor_left(&c) > 0) {
		const char *from = (const char *)c.p;
		int32_t code = utf8_next(&c);
		size_t len = c.bad ? 1 : (size_t)((const char *)c.p - from);
		if (code < 0x20 || char_complaint(code))
			*out++ = ' ';
		else
			out = (char *)memmove(out, from, len) + len;
	}
	if (text)
		*out = 0;
	return text;
}

static char *
clean_copy(const char *text)
{
	return clean(strdup(text));
}

/* The start of a line, counted from 1; NULL past the end. */
static const char *
line_start(const char *text, unsigned line)
{
	while (text && line > 1) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
		line--;
	}
	return text;
}

static const char *
skip_chars(const char *p, const char *end, unsigned n)
{
	while (p < end && n > 0) {
		p++;
		while (p < end && is_continuation(*p))
			p++;
		n--;
	}
	return p;
}

/* The line, or for a long one the part around its column: then col and end_col are moved along. */
static char *
source_copy(const char *text, struct diag *g, unsigned *ret_shift)
{
	const char *start = line_start(text, g->line);
	if (!start)
		return NULL;
	if (g->line == 1 && strncmp(start, "\xef\xbb\xbf", 3) == 0)
		start += 3;
	const char *end = start + strcspn(start, "\r\n");
	unsigned skip = g->col > SOURCE_WIDTH ? g->col - SOURCE_WIDTH / 2 : 0;
	start = skip_chars(start, end, skip);
	end = skip_chars(start, end, SOURCE_WIDTH);
	*ret_shift = skip;
	return clean(strndup(start, (size_t)(end - start)));
}

static bool
has_room(const struct diags *d, enum diag_severity severity)
{
	size_t same = 0;
	for (size_t i = 0; i < d->n; i++)
		same += d->list[i].severity == severity;
	return same < DIAG_MAX;
}

static struct diag *
diag_push(struct diags *d)
{
	struct diag *list = reallocarray(d->list, d->n + 1, sizeof(*list));
	if (!list)
		return NULL;
	d->list = list;
	return memset(&d->list[d->n++], 0, sizeof(*list));
}

static void
diag_fill(struct diag *g, const struct place_in_file *where, const char *file_text)
{
	if (!where)
		return;
	g->file = where->file ? clean_copy(where->file) : NULL;
	g->line = where->line;
	g->col = where->col;
	g->end_col = where->end_col;
	if (g->line > 0 && file_text)
		g->source = source_copy(file_text, g, &g->source_skip);
}

struct diag *
diag_add(struct diags *d, enum diag_severity severity, const char *code, const struct place_in_file *where,
	 const char *file_text, const char *fmt, ...)
{
	assert(diag_code_find(code));
	d->errors += severity == DIAG_ERROR;
	d->warnings += severity == DIAG_WARNING;
	struct diag *g = has_room(d, severity) ? diag_push(d) : NULL;
	if (!g)
		return NULL;
	g->severity = severity;
	snprintf(g->code, sizeof(g->code), "%s", code);
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&g->message, fmt, ap) < 0)
		g->message = NULL;
	va_end(ap);
	clean(g->message);
	diag_fill(g, where, file_text);
	return g;
}

void
diag_hint(struct diag *g, const char *fmt, ...)
{
	if (!g)
		return;
	free(g->hint);
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&g->hint, fmt, ap) < 0)
		g->hint = NULL;
	va_end(ap);
	clean(g->hint);
}

void
diag_related(struct diag *g, const struct place_in_file *where)
{
	if (!g)
		return;
	free(g->related_file);
	g->related_file = where->file ? clean_copy(where->file) : NULL;
	g->related_line = where->line;
	g->related_col = where->col;
}

void
diags_free(struct diags *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct diag *g = &d->list[i];
		free(g->file);
		free(g->message);
		free(g->hint);
		free(g->source);
		free(g->related_file);
	}
	free(d->list);
	*d = (struct diags){0};
}

static int
by_place(const void *a, const void *b)
{
	const struct diag *x = a, *y = b;
	int order = strcmp(x->file ? x->file : "", y->file ? y->file : "");
	if (order == 0)
		order = (x->line > y->line) - (x->line < y->line);
	if (order == 0)
		order = (x->col > y->col) - (x->col < y->col);
	return order ? order : strcmp(x->code, y->code);
}

void
diags_sort(struct diags *d)
{
	if (d->n > 1)
		qsort(d->list, d->n, sizeof(*d->list), by_place);
}

static const char *
severity_name(enum diag_severity s)
{
	switch (s) {
	case DIAG_ERROR:
		return "error";
	case DIAG_WARNING:
		return "warning";
	case DIAG_HINT:
		return "hint";
	}
	return "";
}

static const char *
severity_colour(enum diag_severity s)
{
	return s == DIAG_ERROR ? "\033[1;31m" : s == DIAG_WARNING ? "\033[1;35m" : "\033[1;36m";
}

static unsigned
chars(const char *text)
{
	unsigned n = 0;
	for (; *text; text++)
		n += !is_continuation(*text);
	return n;
}

/* The second and third line: source, then caret, tildes and hint below it. */
static void
print_source(const struct diag *g, FILE *out)
{
	unsigned col = g->col - g->source_skip, width = g->end_col > g->col ? g->end_col - g->col : 1;
	unsigned have = chars(g->source);
	fprintf(out, "%5u | %s\n      | ", g->line, g->source);
	for (unsigned i = 1; i < col; i++)
		fputc(' ', out);
	fputc('^', out);
	for (unsigned i = 1; i < width && col + i <= have; i++)
		fputc('~', out);
	if (g->hint)
		fprintf(out, " %s", g->hint);
	fputc('\n', out);
}

static void
print_one(const struct diag *g, FILE *out, bool colour)
{
	if (g->file)
		fprintf(out, "%s:", g->file);
	if (g->line)
		fprintf(out, "%u:%u:", g->line, g->col);
	fprintf(out, "%s%s%s:%s %s [%s]\n", g->file ? " " : "", colour ? severity_colour(g->severity) : "",
		severity_name(g->severity), colour ? "\033[0m" : "", g->message ? g->message : "", g->code);
	if (g->source && g->col > 0)
		print_source(g, out);
	else if (g->hint)
		fprintf(out, "      | %s\n", g->hint);
}

void
diags_print(const struct diags *d, FILE *out, bool colour)
{
	for (size_t i = 0; i < d->n; i++)
		print_one(&d->list[i], out, colour);
}

static size_t
length(const char *text)
{
	return text ? strlen(text) : 0;
}

static void
put_text(struct json *j, const char *key, const char *text)
{
	if (text)
		json_strn(j, key, text, strlen(text), strlen(text));
	else
		json_null(j, key);
}

static void
put_related(struct json *j, const struct diag *g)
{
	if (!g->related_line) {
		json_null(j, "related");
		return;
	}
	json_object(j, "related");
	put_text(j, "file", g->related_file);
	json_uint(j, "line", g->related_line);
	json_uint(j, "col", g->related_col);
	json_object_end(j);
}

static void
put_diag(struct json *j, const struct diag *g)
{
	json_object(j, NULL);
	put_text(j, "file", g->file);
	json_uint(j, "line", g->line);
	json_uint(j, "col", g->col);
	json_uint(j, "end_col", g->end_col);
	json_str(j, "severity", severity_name(g->severity));
	json_str(j, "code", g->code);
	put_text(j, "message", g->message);
	put_text(j, "hint", g->hint);
	put_related(j, g);
	json_object_end(j);
}

void
diags_print_json(const struct diags *d, FILE *out)
{
	fputc('[', out);
	for (size_t i = 0; i < d->n; i++) {
		const struct diag *g = &d->list[i];
		/* Escaping makes six bytes of one at worst; 512 hold the keys and numbers. */
		size_t cap = 6 * (length(g->file) + length(g->message) + length(g->hint) +
				  length(g->related_file)) +
			     512;
		char *buf = malloc(cap);
		struct json j;
		if (!buf)
			break;
		json_init(&j, buf, cap);
		put_diag(&j, g);
		fprintf(out, "%s\n  %.*s", i ? "," : "", (int)j.len, buf);
		free(buf);
	}
	fprintf(out, "%s]\n", d->n ? "\n" : "");
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment: insertion, deletion, substitution, and the swap of two neighbours (Damerau 1964).
 * Three rows are enough.
 */
static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *prev = rows[1], *row = rows[2];
	for (size_t j = 0; j <= nb; j++)
		prev[j] = j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t d = prev[j - 1] + (a[i - 1] != b[j - 1]);
			d = least(d, least(prev[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = least(d, before[j - 2] + 1);
			row[j] = d;
		}
		size_t *oldest = before;
		before = prev;
		prev = row;
		row = oldest;
	}
	return prev[nb];
}

const char *
diag_closest(const char *word, const char *const *names, size_t n)
{
	size_t len = strlen(word);
	size_t limit = len / 3 > 1 ? len / 3 : 1;
	const char *best = NULL;
	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(names[i]);
		if (other > WORD_MAX || other > len + limit || len > other + limit)
			continue;
		size_t d = distance(word, len, names[i], other);
		if (d <= limit) {
			best = names[i];
			if (d == 0)
				break;
			limit = d - 1; /* ties go to the earlier name */
		}
	}
	return best;
}
