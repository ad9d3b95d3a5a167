/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The append writer behind every record. Two bytes of the buffer are kept back for the '\n' and the NUL that end a line, so
 * json_line() can only fail when something before it did.
 */
#include "json.h"

#include <string.h>

#include "text.h"

enum {
	LINE_END = 2,
	DAY_S = 86400,
};

/* The last microsecond that four digits of year can say. */
#define TIME_MAX_US INT64_C(253402300799999999)

void
json_init(struct json *j, char *buf, size_t cap)
{
	*j = (struct json){.buf = buf, .cap = cap, .full = cap < LINE_END};
}

/* Room for n bytes, or NULL and full. */
static char *
reserve(struct json *j, size_t n)
{
	if (j->full || n > j->cap - j->len - LINE_END) {
		j->full = true;
		return NULL;
	}
	char *p = j->buf + j->len;
	j->len += n;
	return p;
}

static void
put(struct json *j, const void *bytes, size_t n)
{
	char *p = reserve(j, n);

	if (p)
		memcpy(p, bytes, n);
}

static void
put_char(struct json *j, char c)
{
	put(j, &c, 1);
}

/* What stands before each value: the comma and the key. */
static void
start_value(struct json *j, const char *key)
{
	size_t comma = j->comma, n = key ? strlen(key) : 0;
	char *p = reserve(j, comma + (key ? n + sizeof "\"\":" - 1 : 0));

	j->comma = true;
	if (!p)
		return;
	if (comma)
		*p++ = ',';
	if (!key)
		return;
	*p++ = '"';
	memcpy(p, key, n);
	memcpy(p + n, "\":", 2);
}

static void
open_nest(struct json *j, const char *key, char c)
{
	start_value(j, key);
	put_char(j, c);
	j->comma = false;
}

static void
close_nest(struct json *j, char c)
{
	put_char(j, c);
	j->comma = true;
}

void
json_object(struct json *j, const char *key)
{
	open_nest(j, key, '{');
}

void
json_object_end(struct json *j)
{
	close_nest(j, '}');
}

void
json_array(struct json *j, const char *key)
{
	open_nest(j, key, '[');
}

void
json_array_end(struct json *j)
{
	close_nest(j, ']');
}

/* Bytes of the UTF-8 character at s, or 0 when it is none: overlong, a surrogate, above U+10FFFF, cut off (RFC 3629). */
static size_t
utf8_length(const unsigned char *s, size_t n)
{
	unsigned char c = s[0];
	size_t len = c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
	    (c == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void
put_escape(struct json *j, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c == '"' || c == '\\')
		put(j, (char[2]){'\\', (char)c}, 2);
	else
		put(j, u, sizeof u);
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/*
 * Writes the one character at s, which is not plain ASCII; returns its length. U+0080..U+009F are control characters
 * that some terminals obey, so they are escaped although they are valid.
 */
static size_t
put_special(struct json *j, const unsigned char *s, size_t n)
{
	size_t len = utf8_length(s, n);

	if (len == 0) {
		put_escape(j, s[0]);
		return 1;
	}
	if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0)
		put_escape(j, s[1]);
	else
		put(j, s, len);
	return len;
}

static void
put_text(struct json *j, const unsigned char *s, size_t n)
{
	for (size_t i = 0; i < n && !j->full;) {
		size_t run = 0;
		while (i + run < n && is_plain(s[i + run]))
			run++;
		put(j, s + i, run);
		i += run;
		if (i < n)
			i += put_special(j, s + i, n - i);
	}
}

/* The longest start of s within max bytes that does not cut a character in two. */
static size_t
cut_length(const unsigned char *s, size_t n, size_t max)
{
	if (n <= max)
		return n;
	for (size_t back = 1; back <= 3 && back <= max; back++)
		if (utf8_length(s + max - back, n - (max - back)) > back)
			return max - back;
	return max;
}

void
json_strn(struct json *j, const char *key, const char *text, size_t len, size_t max)
{
	start_value(j, key);
	put_char(j, '"');
	put_text(j, (const unsigned char *)text, cut_length((const unsigned char *)text, len, max));
	put_char(j, '"');
}

void
json_str(struct json *j, const char *key, const char *text)
{
	size_t len = strlen(text);

	json_strn(j, key, text, len, len);
}

void
json_uint(struct json *j, const char *key, uint64_t v)
{
	char digits[DECIMAL_MAX];

	start_value(j, key);
	put(j, digits, decimal(digits, v));
}

/* The magnitude of v, also of the smallest, which has no positive twin. */
static uint64_t
magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

void
json_int(struct json *j, const char *key, int64_t v)
{
	char digits[DECIMAL_MAX];

	start_value(j, key);
	if (v < 0)
		put_char(j, '-');
	put(j, digits, decimal(digits, magnitude(v)));
}

void
json_milli(struct json *j, const char *key, int64_t thousandths)
{
	uint64_t m = magnitude(thousandths);
	char digits[DECIMAL_MAX], fraction[4] = ".";

	start_value(j, key);
	if (thousandths < 0)
		put_char(j, '-');
	put(j, digits, decimal(digits, m / 1000));
	decimal_fixed(fraction + 1, 3, m % 1000);
	put(j, fraction, sizeof fraction);
}

void
json_bool(struct json *j, const char *key, bool v)
{
	start_value(j, key);
	put(j, v ? "true" : "false", v ? 4 : 5);
}

void
json_null(struct json *j, const char *key)
{
	start_value(j, key);
	put(j, "null", 4);
}

struct date {
	unsigned year, month, day;
};

/*
 * The Gregorian date of a day counted from 1970-01-01 on. Years are taken to begin in March, so that the leap day is the last of its year;
 * 400 years have 146097 days.
 */
static struct date
date_of(uint64_t days)
{
	uint64_t z = days + 719468; /* from 0000-03-01 on */
	uint64_t era = z / 146097, in_era = z % 146097;
	uint64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint64_t day = in_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * day + 2) / 153; /* 0 is March */
	struct date d = {.day = (unsigned)(day - (153 * month + 2) / 5 + 1)};

	d.month = (unsigned)(month < 10 ? month + 3 : month - 9);
	d.year = (unsigned)(era * 400 + year + (d.month <= 2));
	return d;
}

void
json_time(struct json *j, const char *key, int64_t wall_us)
{
	uint64_t us = wall_us < 0 ? 0 : (uint64_t)(wall_us > TIME_MAX_US ? TIME_MAX_US : wall_us);
	uint64_t s = us / 1000000, in_day = s % DAY_S;
	struct date d = date_of(s / DAY_S);
	char t[] = "\"0000-00-00T00:00:00.000000+0000\"";

	decimal_fixed(t + 1, 4, d.year);
	decimal_fixed(t + 6, 2, d.month);
	decimal_fixed(t + 9, 2, d.day);
	decimal_fixed(t + 12, 2, in_day / 3600);
	decimal_fixed(t + 15, 2, in_day / 60 % 60);
	decimal_fixed(t + 18, 2, in_day % 60);
	decimal_fixed(t + 21, 6, us % 1000000);
	start_value(j, key);
	put(j, t, sizeof t - 1);
}

bool
json_line(struct json *j)
{
	if (j->full)
		return false;
	j->buf[j->len++] = '\n';
	j->buf[j->len] = '\0';
	return true;
}
