/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables for people; see listing.h. Widths count characters of UTF-8, which is close enough for names. */
#include "listing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
	NARROWEST = 6, /* a column is not cut below this */
	GAP = 2,
};

struct listing {
	struct listing_style style;
	size_t columns, rows, cap;
	char **cells; /* row by row; the header is row 0 */
	char mark[LISTING_COLUMNS]; /* '=' and '~' as in listing_new(), else 0 */
	bool short_of_memory;
};

struct listing_style
listing_style(bool colour, bool header)
{
	struct listing_style s = {.header = header, .colour = colour};
	struct winsize w;
	const char *columns = getenv("COLUMNS");

	if (!isatty(STDOUT_FILENO))
		return s;
	s.width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
	if (columns && atoi(columns) > 0)
		s.width = (size_t)atoi(columns);
	return s;
}

static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

char *
listing_text(const char *text, char *out, size_t cap)
{
	size_t n = 0;

	for (; text && *text && n + 1 < cap; text++) {
		unsigned char c = (unsigned char)*text;
		bool c1 = c == 0xc2 && ((unsigned char)text[1] & 0xe0) == 0x80; /* U+0080..U+009F: some terminals obey these too */
		out[n++] = c < ' ' || c == 0x7f || c1 ? '?' : *text;
		text += c1;
	}
	out[n] = 0;
	return out;
}

static bool
make_room(struct listing *l)
{
	if ((l->rows + 1) * l->columns <= l->cap)
		return true;
	size_t cap = l->cap ? l->cap * 2 : 64 * l->columns;
	char **more = realloc(l->cells, cap * sizeof *more);
	if (!more)
		return false;
	l->cells = more;
	l->cap = cap;
	return true;
}

void
listing_row(struct listing *l, const char *const *cells)
{
	if (!l || l->short_of_memory)
		return;
	l->short_of_memory = !make_room(l);
	for (size_t i = 0; i < l->columns && !l->short_of_memory; i++) {
		size_t cap = (cells[i] ? strlen(cells[i]) : 0) + 1;
		char *copy = malloc(cap);
		if (!copy) {
			while (i > 0)
				free(l->cells[l->rows * l->columns + --i]);
			l->short_of_memory = true;
			return;
		}
		l->cells[l->rows * l->columns + i] = listing_text(cells[i], copy, cap);
	}
	l->rows += !l->short_of_memory;
}

struct listing *
listing_new(const char *const *header, const struct listing_style *style)
{
	struct listing *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->style = *style;
	const char *plain[LISTING_COLUMNS] = {NULL};
	for (size_t i = 0; i < LISTING_COLUMNS && header[i]; i++) {
		bool marked = header[i][0] == '=' || header[i][0] == '~';
		l->mark[i] = marked ? header[i][0] : 0;
		plain[i] = header[i] + marked;
		l->columns++;
	}
	listing_row(l, plain);
	return l;
}

size_t
listing_rows(const struct listing *l)
{
	return l && l->rows ? l->rows - 1 : 0;
}

static const char *
cell(const struct listing *l, size_t row, size_t column)
{
	return l->cells[row * l->columns + column];
}

static size_t
sum_of(const struct listing *l, const size_t width[])
{
	size_t sum = 0;

	for (size_t i = 0; i < l->columns; i++)
		sum += width[i] + (width[i] && sum ? GAP : 0);
	return sum;
}

/* Columns that can be done without go, the last one first. Width 0: not shown. */
static void
leave_out(const struct listing *l, size_t width[])
{
	for (size_t i = l->columns; i-- > 0 && sum_of(l, width) > l->style.width;)
		if (l->mark[i] == '~')
			width[i] = 0;
}

/* The widest gives way, until a row fits or nothing is wide any more; `kept`: those that others give way to as well. */
static void
narrow(const struct listing *l, size_t width[], bool kept)
{
	for (size_t sum = sum_of(l, width); sum > l->style.width; sum--) {
		size_t widest = LISTING_COLUMNS;
		for (size_t i = 0; i < l->columns; i++)
			if ((kept || l->mark[i] != '=') && width[i] > (widest < LISTING_COLUMNS ? width[widest] : NARROWEST))
				widest = i;
		if (widest == LISTING_COLUMNS)
			return;
		width[widest]--;
	}
}

static void
squeeze(const struct listing *l, size_t width[])
{
	if (!l->style.width)
		return;
	leave_out(l, width);
	narrow(l, width, false);
	narrow(l, width, true);
}

/* The cell in so many columns; the last one is not filled up. */
static void
print_cell(const char *text, size_t width, bool last, FILE *out)
{
	size_t have = width_of(text);

	if (have <= width) {
		fputs(text, out);
	} else {
		size_t shown = 0;
		for (; shown + 1 < width; shown++) {
			do
				fputc(*text++, out);
			while (((unsigned char)*text & 0xc0) == 0x80);
		}
		fputc('~', out);
		have = width;
	}
	if (!last)
		fprintf(out, "%*s", (int)(width - have + GAP), "");
}

bool
listing_print(struct listing *l, FILE *out)
{
	size_t width[LISTING_COLUMNS] = {0}, from = l && l->style.header ? 0 : 1;

	if (!l || l->rows == 0)
		return false;
	for (size_t r = from; r < l->rows; r++)
		for (size_t i = 0; i < l->columns; i++)
			if (width_of(cell(l, r, i)) > width[i])
				width[i] = width_of(cell(l, r, i));
	squeeze(l, width);
	for (size_t r = from; r < l->rows; r++) {
		bool bold = r == 0 && l->style.colour;
		fputs(bold ? "\033[1m" : "", out);
		size_t last = l->columns - 1;
		while (last > 0 && width[last] == 0)
			last--;
		for (size_t i = 0; i <= last; i++)
			if (width[i])
				print_cell(cell(l, r, i), width[i], i == last, out);
		fputs(bold ? "\033[0m\n" : "\n", out);
	}
	return !l->short_of_memory && !ferror(out);
}

void
listing_free(struct listing *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->rows * l->columns; i++)
		free(l->cells[i]);
	free(l->cells);
	free(l);
}

char *
listing_size(uint64_t bytes, bool exact, char out[LISTING_SIZE])
{
	static const char units[] = "kMGTPE";
	double n = (double)bytes;
	size_t u = 0;

	if (exact || bytes < 1000) {
		snprintf(out, LISTING_SIZE, "%llu", (unsigned long long)bytes);
		return out;
	}
	for (n /= 1000; n >= 999.5 && u + 2 < sizeof units; u++)
		n /= 1000;
	snprintf(out, LISTING_SIZE, n < 9.95 ? "%.1f%c" : "%.0f%c", n, units[u]);
	return out;
}

char *
listing_time(int64_t us, bool utc, char out[LISTING_TIME])
{
	time_t s = (time_t)(us / 1000000);
	struct tm tm;

	out[0] = 0;
	if (us != 0 && (utc ? gmtime_r(&s, &tm) : localtime_r(&s, &tm)))
		strftime(out, LISTING_TIME, "%Y-%m-%d %H:%M:%S", &tm);
	return out;
}

static bool
ago(const char *text, int64_t now_s, int64_t *ret_s)
{
	static const struct {
		char unit;
		int s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || n < 0 || n > 100000000 || !end[0] || end[1])
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].unit == *end) {
			*ret_s = now_s - (int64_t)n * units[i].s;
			return true;
		}
	return false;
}

bool
listing_since(const char *text, int64_t now_s, int64_t *ret_s)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"};
	time_t now = (time_t)now_s;
	struct tm today;
	char *end;

	if (ago(text, now_s, ret_s))
		return true;
	if (*text == '@') {
		*ret_s = strtoll(text + 1, &end, 10);
		return end != text + 1 && !*end && *ret_s >= 0;
	}
	if (!localtime_r(&now, &today))
		return false;
	today.tm_hour = today.tm_min = today.tm_sec = 0;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = today;
		tm.tm_isdst = -1;
		const char *rest = strptime(text, forms[i], &tm);
		if (rest && !*rest) {
			*ret_s = mktime(&tm);
			return *ret_s >= 0;
		}
	}
	return false;
}
