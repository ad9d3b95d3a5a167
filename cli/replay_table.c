/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows in the order of their time. Flows are told when they end, people read them as they began: so rows are kept and sorted, a quarter
 * of a million at a time, which is more than most captures hold.
 */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

enum {
	ROWS_MAX = 262144,
};

struct row {
	int64_t time_us;
	size_t number; /* rows of one time stay in order */
	char *cells;   /* one behind the other, each with its NUL */
};

static size_t
columns(const struct table *t)
{
	size_t n = 0;

	while (t->header[n])
		n++;
	return n;
}

static char *
join(const char *const cells[], size_t n)
{
	size_t len = 1; /* never nothing, whatever n is */

	for (size_t i = 0; i < n; i++)
		len += strlen(cells[i]) + 1;
	char *joined = malloc(len), *at = joined;
	for (size_t i = 0; joined && i < n; i++)
		at = stpcpy(at, cells[i]) + 1;
	return joined;
}

bool
table_add(struct table *t, int64_t time_us, const char *const cells[TABLE_COLUMNS], FILE *out)
{
	if (t->n == ROWS_MAX)
		table_print(t, out);
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;
		struct row *more = realloc(t->rows, cap * sizeof *more);
		if (!more)
			return false;
		t->rows = more;
		t->cap = cap;
	}
	char *joined = join(cells, columns(t));
	if (!joined)
		return false;
	t->rows[t->n] = (struct row){.time_us = time_us, .number = t->n, .cells = joined};
	t->n++;
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void
measure(const struct table *t, size_t n, size_t widths[TABLE_COLUMNS])
{
	for (size_t c = 0; c < n; c++)
		widths[c] = strlen(t->header[c]);
	for (size_t i = 0; i < t->n; i++) {
		const char *cell = t->rows[i].cells;
		for (size_t c = 0; c < n; c++, cell += strlen(cell) + 1)
			if (strlen(cell) > widths[c])
				widths[c] = strlen(cell);
	}
}

static size_t
line_width(size_t n, const size_t widths[TABLE_COLUMNS])
{
	size_t total = 2 * (n - 1);

	for (size_t c = 0; c < n; c++)
		total += widths[c];
	return total;
}

/* Takes from the columns that are furthest over their floor until a line fits. False: it still does not. */
static bool
cut(size_t n, size_t widths[TABLE_COLUMNS], const size_t floor[TABLE_COLUMNS], size_t limit)
{
	for (size_t total = line_width(n, widths); total > limit; total--) {
		size_t most = n;
		for (size_t c = 0; c < n; c++)
			if (widths[c] > floor[c] && (most == n || widths[c] - floor[c] > widths[most] - floor[most]))
				most = c;
		if (most == n)
			return false;
		widths[most]--;
	}
	return true;
}

/* Returns how many columns are left. */
static size_t
fit(const struct table *t, size_t n, size_t widths[TABLE_COLUMNS])
{
	static const size_t narrowest[TABLE_COLUMNS] = {8, 8, 8, 8, 8, 8, 8, 8, 8};

	if (cut(n, widths, t->floor, t->width))
		return n;
	n--;
	if (!cut(n, widths, t->floor, t->width))
		cut(n, widths, narrowest, t->width);
	return n;
}

/* A cell that is cut ends in "~", so that nobody takes it for the whole. */
static void
print_cell(const char *cell, size_t width, bool last, FILE *out)
{
	if (strlen(cell) > width)
		fprintf(out, "%.*s~", (int)width - 1, cell);
	else
		fprintf(out, "%-*s", last ? 0 : (int)width, cell);
	fputs(last ? "\n" : "  ", out);
}

static void
print_row(const char *cells, size_t n, const size_t *widths, FILE *out)
{
	for (size_t c = 0; c < n; c++, cells += strlen(cells) + 1) {
		if (widths)
			print_cell(cells, widths[c], c + 1 == n, out);
		else
			fprintf(out, "%s%c", cells, c + 1 == n ? '\n' : '\t');
	}
}

void
table_print(struct table *t, FILE *out)
{
	size_t n = columns(t), widths[TABLE_COLUMNS];

	if (t->n)
		qsort(t->rows, t->n, sizeof *t->rows, by_time);
	measure(t, n, widths);
	if (t->width)
		n = fit(t, n, widths);
	char *header = t->began ? NULL : join(t->header, columns(t));
	if (header)
		print_row(header, n, t->aligned ? widths : NULL, out);
	free(header);
	t->began = true;
	for (size_t i = 0; i < t->n; i++) {
		print_row(t->rows[i].cells, n, t->aligned ? widths : NULL, out);
		free(t->rows[i].cells);
	}
	t->n = 0;
}

void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->rows[i].cells);
	free(t->rows);
	t->rows = NULL;
	t->n = t->cap = 0;
}
