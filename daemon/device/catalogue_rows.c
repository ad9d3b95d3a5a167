/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a catalogue: "# lenscap-catalogue 1 KIND", "# COLUMN<tab>COLUMN...", then rows with as many cells; an empty cell is
 * written as "-". A row that is wrong is told and left out, and reading goes on, so that one run tells everything.
 */
#include "catalogue_rows.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_private.h"
#include "chars.h"
#include "probe.h"

static const char header[] = "# lenscap-catalogue 1 ";

enum { PROTOCOLS_MAX = 256 };

static struct diag *
report(const struct build *b, const struct catalogue_spot *spot, unsigned col, unsigned chars, const char *code, const char *text)
{
	struct place_in_file at = {spot->file, spot->line, col, chars ? col + chars : 0};
	return diag_add(b->diags, DIAG_ERROR, code, &at, b->bundle->data[spot->order].text, "%s", text);
}

struct diag *
row_error(const struct row *r, size_t cell, const char *code, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return report(r->b, &r->spot, r->cells[cell].col, r->cells[cell].chars, code, text);
}

static void
hint(struct diag *g, const char *word, const char *const *names, size_t n)
{
	const char *closest = diag_closest(word, names, n);
	if (closest)
		diag_hint(g, "did you mean \"%s\"?", closest);
}

uint16_t
row_maker(const struct row *r, size_t cell)
{
	const struct catalogue *c = r->b->c;
	const char *id = r->cells[cell].text;
	uint16_t maker = catalogue_maker(c, id);
	if (maker != MAKER_UNKNOWN)
		return maker;
	struct diag *g = row_error(r, cell, "E162", "no maker has the id \"%.64s\"", id);
	const char **ids = g ? calloc(c->n_makers + 1, sizeof(*ids)) : NULL;
	for (size_t i = 0; ids && i < c->n_makers; i++)
		ids[i] = c->makers[i].id;
	if (ids)
		hint(g, id, ids, c->n_makers);
	free(ids);
	return MAKER_UNKNOWN;
}

int
row_word(const struct row *r, size_t cell, const char *what, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], r->cells[cell].text) == 0)
			return (int)i;
	hint(row_error(r, cell, "E164", "\"%.64s\" is no %s", r->cells[cell].text, what), r->cells[cell].text, words, n);
	return -1;
}

bool
row_weak(const struct row *r, size_t cell, bool *ret_weak)
{
	static const char *const words[] = {"-", "weak"};
	int weak = row_word(r, cell, "mark: - or weak", words, 2);
	*ret_weak = weak == 1;
	return weak >= 0;
}

const char *
row_text(const struct row *r, size_t cell)
{
	return strcmp(r->cells[cell].text, "-") == 0 ? "" : r->cells[cell].text;
}

bool
row_protocol(const struct row *r, size_t cell)
{
	size_t n_probes, n = 0;
	const struct probe *const *probes = probe_list(&n_probes);
	const char *names[PROTOCOLS_MAX];
	for (size_t i = 0; i < n_probes && n < PROTOCOLS_MAX; i++) {
		names[n++] = probes[i]->name;
		if (strcmp(probes[i]->name, r->cells[cell].text) == 0)
			return true;
	}
	hint(row_error(r, cell, "E163", "no protocol is called \"%.64s\"", r->cells[cell].text), r->cells[cell].text, names, n);
	return false;
}

void *
build_push(struct build *b, size_t bytes)
{
	return vec_push(&b->c->region, &b->rows, bytes);
}

static const struct catalogue_spot *
spot_of(const void *row, size_t spot)
{
	return (const struct catalogue_spot *)((const char *)row + spot);
}

struct tidy {
	int (*order)(const void *, const void *);
	size_t spot;
};

static int
by_key_and_spot(const void *a, const void *b, void *arg)
{
	const struct tidy *t = arg;
	const struct catalogue_spot *x = spot_of(a, t->spot), *y = spot_of(b, t->spot);
	int order = t->order(a, b);
	if (!order)
		order = (x->order > y->order) - (x->order < y->order);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void
twice(struct build *b, const struct catalogue_spot *first, const struct catalogue_spot *second)
{
	struct place_in_file before = {first->file, first->line, 1, 0};
	diag_related(report(b, second, 1, 0, "E166", "this row stands in the file twice"), &before);
}

size_t
build_tidy(struct build *b, void *rows, size_t n, size_t bytes, int (*order)(const void *, const void *), size_t spot)
{
	struct tidy t = {order, spot};
	char *list = rows;
	size_t kept = 0;
	if (n)
		qsort_r(rows, n, bytes, by_key_and_spot, &t);
	for (size_t i = 0; i < n; i++) {
		char *row = list + i * bytes, *last = kept ? list + (kept - 1) * bytes : NULL;
		if (!last || order(last, row) != 0) {
			memmove(list + kept++ * bytes, row, bytes);
			continue;
		}
		if (spot_of(last, spot)->order == spot_of(row, spot)->order)
			twice(b, spot_of(last, spot), spot_of(row, spot));
		memmove(last, row, bytes);
	}
	return kept;
}

/* UTF-8's continuation bytes begin no character. */
static unsigned
count_chars(const char *s)
{
	unsigned n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Names may be of any language, but nothing in a row may be invisible or move a terminal's cursor. */
static const char *
wrong_chars(const char *s, size_t len)
{
	struct cursor in = cursor_of(s, len);
	while (cursor_left(&in)) {
		int32_t code = utf8_next(&in);
		const char *wrong = code == UTF8_BAD ? "the row is not UTF-8" : code == '\t' ? NULL : char_complaint(code);
		if (wrong)
			return code == UTF8_BAD ? wrong : "the row has characters that show nothing";
	}
	return NULL;
}

static bool
cut_cells(struct row *r, char *line, const struct kind *k)
{
	size_t n = 0, wanted = 1;
	unsigned col = 1;
	char text[96];
	for (const char *p = k->columns; *p; p++)
		wanted += *p == '\t';
	for (char *p = line; p; n++) {
		char *tab = strchr(p, '\t');
		if (tab)
			*tab = 0;
		if (n < CELLS_MAX)
			r->cells[n] = (struct cell){p, col, count_chars(p)};
		col += count_chars(p) + 1;
		p = tab ? tab + 1 : NULL;
	}
	if (n != wanted) {
		snprintf(text, sizeof(text), "the row has %zu column%s, rows of %s have %zu", n, n == 1 ? "" : "s", k->name, wanted);
		report(r->b, &r->spot, 1, 0, "E161", text);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const char *cell = r->cells[i].text;
		if (cell[0] && strlen(cell) <= CELL_BYTES_MAX)
			continue;
		row_error(r, i, "E161", "%s", cell[0] ? "the column is too long" : "an empty column is written as -");
		return false;
	}
	return true;
}

/* One line without its end. Comments and empty lines are fine everywhere behind the header. */
static void
read_line(struct build *b, const struct kind *k, char *line, size_t len, const struct catalogue_spot *spot)
{
	struct row r = {.b = b, .spot = *spot};
	if (len == 0 || line[0] == '#')
		return;
	const char *wrong = wrong_chars(line, len);
	if (wrong)
		report(b, spot, 1, 0, "E161", wrong);
	else if (cut_cells(&r, line, k))
		k->read(&r);
}

/* The file's text is copied once: rows point into it. */
static void
read_file(struct build *b, const struct kind *k, unsigned order)
{
	const struct bundle_file *f = &b->bundle->data[order];
	struct region *region = &b->c->region;
	char *text = region_copy(region, f->text, f->len), *stop = text ? text + f->len : NULL;
	struct catalogue_spot spot = {region_text(region, f->name), order, 0};
	if (!text || !spot.file)
		return;
	for (char *p = text; p < stop;) {
		char *end = memchr(p, '\n', (size_t)(stop - p));
		size_t len = (size_t)((end ? end : stop) - p);
		p[len] = 0;
		spot.line++;
		if (b->rows.n >= k->max) {
			report(b, &spot, 1, 0, "E167", "too many rows of this kind: this one and what follows is not read");
			break;
		}
		read_line(b, k, p, len, &spot);
		p += len + 1;
	}
}

/* Which kind the file's first two lines say; NULL after reporting that they are wrong. */
static const struct kind *
kind_of(const struct build *b, unsigned order, const struct kind *kinds, size_t n)
{
	const struct bundle_file *f = &b->bundle->data[order];
	struct catalogue_spot spot = {f->name, order, 1};
	bool ours = strncmp(f->text, header, sizeof(header) - 1) == 0;
	const char *name = f->text + sizeof(header) - 1;
	for (size_t i = 0; ours && i < n; i++) {
		size_t len = strlen(kinds[i].name), columns = strlen(kinds[i].columns);
		const char *second = name + len + 1;
		if (strncmp(name, kinds[i].name, len) != 0 || name[len] != '\n')
			continue;
		if (strncmp(second, "# ", 2) == 0 && strncmp(second + 2, kinds[i].columns, columns) == 0 &&
		    (second[2 + columns] == '\n' || !second[2 + columns]))
			return &kinds[i];
		spot.line = 2;
		struct diag *g = report(b, &spot, 1, 0, "E160", "the second line does not name the columns of this kind");
		diag_hint(g, "# %s, with tabs", kinds[i].columns);
		return NULL;
	}
	struct diag *g = report(b, &spot, 1, 0, "E160", "the first line is not \"# lenscap-catalogue 1 KIND\"");
	diag_hint(g, "kinds are makers, oui, brands, fingerprints and clouds");
	return NULL;
}

void
rows_read(struct build *b, const struct kind *kinds, size_t n)
{
	size_t n_data = b->bundle->n_data;
	const struct kind **of = region_alloc(&b->c->region, (n_data + 1) * sizeof(*of));
	for (size_t i = 0; of && i < n_data; i++)
		of[i] = kind_of(b, (unsigned)i, kinds, n);
	for (size_t k = 0; of && k < n && !b->c->region.failed; k++) {
		b->rows = (struct vec){0};
		for (size_t i = 0; i < n_data; i++)
			if (of[i] && of[i] == &kinds[k])
				read_file(b, &kinds[k], (unsigned)i);
		if (!b->c->region.failed)
			kinds[k].finish(b);
	}
}
