/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Characters, words and host names of text protocols; see text.h. */
#include "text.h"

#include <string.h>

enum { LABEL_MAX = 63, NAME_MAX_LEN = 253 }; /* RFC 1035, section 2.3.4, as text */

bool
text_is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool
text_is_token(uint8_t c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Not empty, and each byte passes. */
static bool
every(struct span s, bool (*is)(uint8_t c))
{
	for (size_t i = 0; i < s.len; i++)
		if (!is(s.p[i]))
			return false;
	return s.len > 0;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_clean(uint8_t c)
{
	return !text_is_control(c) || c == '\t';
}

static bool
is_line(uint8_t c)
{
	return is_clean(c) || c == '\r' || c == '\n';
}

bool
text_token(struct span s)
{
	return every(s, text_is_token);
}

bool
text_clean(struct span s)
{
	return s.len == 0 || every(s, is_clean);
}

bool
text_lines(struct span s)
{
	return s.len == 0 || every(s, is_line);
}

bool
text_digits(struct span s)
{
	return every(s, is_digit);
}

long
text_number(struct span s)
{
	long v = 0;
	if (s.len > 9 || !text_digits(s))
		return -1;
	for (size_t i = 0; i < s.len; i++)
		v = v * 10 + (s.p[i] - '0');
	return v;
}

struct span
text_from(struct span s, size_t off)
{
	struct cursor c = cursor_span(s);
	cursor_skip(&c, off);
	return cursor_rest(&c);
}

bool
text_word(struct span s, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= s.len; i++) {
		struct span at = text_from(s, i);
		bool starts = i == 0 || !is_alnum(s.p[i - 1]), ends = i + n == s.len || !is_alnum(s.p[i + n]);
		if (starts && ends && span_starts_nocase(at, word))
			return true;
	}
	return false;
}

struct span
text_until(struct span *s, uint8_t c)
{
	size_t n = 0;
	while (n < s->len && s->p[n] != c)
		n++;
	struct span before = {s->p, n};
	*s = text_from(*s, n < s->len ? n + 1 : n);
	return before;
}

/* Letters, digits and hyphens; underscores too, which real networks use. */
static bool
label_ok(struct span s)
{
	if (s.len == 0 || s.len > LABEL_MAX || s.p[0] == '-' || s.p[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

/* Groups of hex digits and colons, maybe with dots or a zone: enough to tell an IPv6 literal from a name. */
static bool
is_v6(struct span s)
{
	size_t colons = 0;
	for (size_t i = 0; i < s.len && s.p[i] != '%'; i++) {
		if (s.p[i] == ':')
			colons++;
		else if (!is_digit(s.p[i]) && s.p[i] != '.' && ((s.p[i] | 0x20) < 'a' || (s.p[i] | 0x20) > 'f'))
			return false;
	}
	return colons >= 2 && text_clean(s);
}

enum host_kind
text_host(struct span s, char out[APP_NAME])
{
	struct span last = {0}, rest;

	out[0] = 0;
	if (s.len && s.p[s.len - 1] == '.')
		s.len--;
	if (s.len == 0 || s.len > NAME_MAX_LEN)
		return HOST_BAD;
	if (is_v6(s))
		return HOST_LITERAL;
	rest = s;
	for (size_t left = s.len + 1; left;) {
		last = text_until(&rest, '.');
		if (!label_ok(last))
			return HOST_BAD;
		left -= last.len + 1;
	}
	if (text_digits(last)) /* no top-level domain is a number: an IPv4 literal */
		return HOST_LITERAL;
	for (size_t i = 0; i < s.len; i++)
		out[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
	out[s.len] = 0;
	return HOST_NAME;
}

enum host_kind
text_authority(struct span s, char out[APP_NAME])
{
	struct span host;

	out[0] = 0;
	if (s.len && s.p[0] == '[') {
		s = text_from(s, 1);
		host = text_until(&s, ']');
		bool port_ok = s.len == 0 || (s.p[0] == ':' && (s.len == 1 || text_number(text_from(s, 1)) >= 0));
		return is_v6(host) && port_ok ? HOST_LITERAL : HOST_BAD;
	}
	host = text_until(&s, ':');
	if (s.len && (text_number(s) < 0 || text_number(s) > 65535))
		return HOST_BAD;
	return text_host(host, out);
}
