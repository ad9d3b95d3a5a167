/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Characters, words and host names of text protocols; see text.h. */
#include "text.h"

#include <string.h>

enum { LABEL_MAX = 63, NAME_MAX_LEN = 253 }; /* RFC 1035, section 2.3.4, as text */

enum { TOKEN = 1, CLEAN = 2, LINE = 4, ALNUM = 8, LABEL = 16, DIGIT = 32 };

#define PRINTED (CLEAN | LINE)
#define SIGN	(PRINTED | TOKEN)
#define LETTER	(SIGN | ALNUM | LABEL)

/* What a byte may stand in. */
static const uint8_t classes[256] = {
	['\t'] = PRINTED,	     ['\n'] = LINE,	      ['\r'] = LINE,	      [' '] = PRINTED,	     ['!'] = SIGN,
	['"'] = PRINTED,	     ['#' ... '\''] = SIGN,  ['(' ... ')'] = PRINTED, ['*' ... '+'] = SIGN,  [','] = PRINTED,
	['-'] = SIGN | LABEL,	     ['.'] = SIGN,	      ['/'] = PRINTED,	      ['0' ... '9'] = LETTER | DIGIT,
	[':' ... '@'] = PRINTED,     ['A' ... 'Z'] = LETTER, ['[' ... ']'] = PRINTED, ['^'] = SIGN,	     ['_'] = SIGN | LABEL,
	['`'] = SIGN,		     ['a' ... 'z'] = LETTER, ['{'] = PRINTED,	      ['|'] = SIGN,	     ['}'] = PRINTED,
	['~'] = SIGN,		     [0x80 ... 0xff] = PRINTED,
};

bool
text_is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
is_alnum(uint8_t c)
{
	return classes[c] & ALNUM;
}

static bool
is_digit(uint8_t c)
{
	return classes[c] & DIGIT;
}

bool
text_is_token(uint8_t c)
{
	return classes[c] & TOKEN;
}

/* Each byte may stand there. All are looked at, which takes less time than to stop at the first that may not. */
static bool
all_are(struct span s, unsigned class)
{
	unsigned all = class;

	for (size_t i = 0; i < s.len; i++)
		all &= classes[s.p[i]];
	return all;
}

bool
text_token(struct span s)
{
	return s.len && all_are(s, TOKEN);
}

/* Eight bytes at once: those of which the top bit of `low` stays clear are no control bytes. */
static bool
word_is_clean(const uint8_t *p)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t v, high;

	memcpy(&v, p, sizeof v);
	high = v & each * 0x80;
	uint64_t low = v & each * 0x7f, below = each * 0x80 & ~(low + each * 0x60), del = low + each;
	/* below: under 0x20; del: 0x7f, which carries into the top bit. Above 0x7f nothing is a control byte. */
	return !(((below | del) & each * 0x80) & ~high);
}

bool
text_clean(struct span s)
{
	size_t i = 0;

	while (s.len - i >= sizeof(uint64_t) && word_is_clean(s.p + i))
		i += sizeof(uint64_t);
	return i == s.len || all_are((struct span){s.p + i, s.len - i}, CLEAN);
}

bool
text_lines(struct span s)
{
	return all_are(s, LINE);
}

bool
text_digits(struct span s)
{
	return s.len && all_are(s, DIGIT);
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
	const uint8_t *at = s->len ? memchr(s->p, c, s->len) : NULL;
	size_t n = at ? (size_t)(at - s->p) : s->len;
	struct span before = {s->p, n};
	struct cursor rest = cursor_span(*s);

	cursor_skip(&rest, at ? n + 1 : n);
	*s = cursor_rest(&rest);
	return before;
}

/* Letters, digits and hyphens; underscores too, which real networks use. By length, first and last; the others were looked at. */
static bool
label_ok(size_t len, uint8_t first, uint8_t last)
{
	return len && len <= LABEL_MAX && first != '-' && last != '-';
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

/* Labels of a name from here on into out. False: one is none. *ret_digits: the last one is a number. */
static bool
copy_labels(struct span s, char *out, bool *ret_digits)
{
	unsigned digits = DIGIT;
	size_t start = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];
		if (c == '.') {
			if (!label_ok(i - start, s.p[start], s.p[i - (i > start)]))
				return false;
			start = i + 1;
			digits = DIGIT;
		} else if (!(classes[c] & LABEL)) {
			return false;
		}
		digits &= c == '.' ? DIGIT : classes[c];
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	*ret_digits = digits != 0;
	return start < s.len && label_ok(s.len - start, s.p[start], s.p[s.len - 1]);
}

enum host_kind
text_host(struct span s, char out[APP_NAME])
{
	bool digits;

	out[0] = 0;
	if (s.len && s.p[s.len - 1] == '.')
		s.len--;
	if (s.len == 0 || s.len > NAME_MAX_LEN)
		return HOST_BAD;
	if (memchr(s.p, ':', s.len))
		return is_v6(s) ? HOST_LITERAL : HOST_BAD;
	bool ok = copy_labels(s, out, &digits);
	/* No top-level domain is a number: an IPv4 literal. */
	out[ok && !digits ? s.len : 0] = 0;
	return !ok ? HOST_BAD : digits ? HOST_LITERAL : HOST_NAME;
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
