/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header: id 2 | flags 2 | counts 4 x 2;  question: name, type 2, class 2;  record: name, type 2, class 2, ttl 4, length 2, data.
 * See dnsmessage.h.
 */
#include "dnsmessage.h"

#include <string.h>

enum { LABEL_MAX = 63, LABELS_MAX = 127, NAME_WIRE_MAX = 255, POINTER = 0xc0, RECORDS_MAX = 512, QUESTION_MIN = 5, RECORD_MIN = 11 };

/* What stands in a name as it is, in lower case; all else is escaped. */
static const uint8_t plain[256] = {
	['-'] = '-',	  ['_'] = '_',	    ['0'] = '0',      ['1'] = '1',	['2'] = '2',	  ['3'] = '3',	    ['4'] = '4',      ['5'] = '5',
	['6'] = '6',	  ['7'] = '7',	    ['8'] = '8',      ['9'] = '9',	['a'] = 'a',	  ['b'] = 'b',	    ['c'] = 'c',      ['d'] = 'd',
	['e'] = 'e',	  ['f'] = 'f',	    ['g'] = 'g',      ['h'] = 'h',	['i'] = 'i',	  ['j'] = 'j',	    ['k'] = 'k',      ['l'] = 'l',
	['m'] = 'm',	  ['n'] = 'n',	    ['o'] = 'o',      ['p'] = 'p',	['q'] = 'q',	  ['r'] = 'r',	    ['s'] = 's',      ['t'] = 't',
	['u'] = 'u',	  ['v'] = 'v',	    ['w'] = 'w',      ['x'] = 'x',	['y'] = 'y',	  ['z'] = 'z',	    ['A'] = 'a',      ['B'] = 'b',
	['C'] = 'c',	  ['D'] = 'd',	    ['E'] = 'e',      ['F'] = 'f',	['G'] = 'g',	  ['H'] = 'h',	    ['I'] = 'i',      ['J'] = 'j',
	['K'] = 'k',	  ['L'] = 'l',	    ['M'] = 'm',      ['N'] = 'n',	['O'] = 'o',	  ['P'] = 'p',	    ['Q'] = 'q',      ['R'] = 'r',
	['S'] = 's',	  ['T'] = 't',	    ['U'] = 'u',      ['V'] = 'v',	['W'] = 'w',	  ['X'] = 'x',	    ['Y'] = 'y',      ['Z'] = 'z',
};

/* One more label as text. False: the name is full. */
static bool
append_label(char *out, size_t *len, struct span label)
{
	if (*len)
		out[(*len)++] = '.';
	for (size_t i = 0; i < label.len; i++) {
		uint8_t b = label.p[i], as = plain[b];
		if (*len + (as ? 1 : 4) + 1 >= APP_NAME)
			return false;
		if (!as) {
			out[(*len)++] = '\\';
			out[(*len)++] = (char)('0' + b / 100);
			out[(*len)++] = (char)('0' + b / 10 % 10);
			as = (uint8_t)('0' + b % 10);
		}
		out[(*len)++] = (char)as;
	}
	out[*len] = 0;
	return true;
}

static bool
read_question_name(struct cursor *c, struct dns_message *m)
{
	size_t len = 0, wire = 1;
	m->name[0] = 0;
	m->label = (struct span){0};
	for (;;) {
		uint8_t n = cursor_u8(c);
		if (n == 0)
			return !c->bad;
		struct span label = cursor_bytes(c, n);
		wire += n + 1u;
		if (c->bad || n > LABEL_MAX || wire > NAME_WIRE_MAX || !append_label(m->name, &len, label))
			return false;
		if (!m->label.len)
			m->label = label;
	}
}

/* A name in a record: labels, then zero or a pointer back into what was read. */
static bool
skip_name(struct cursor *c, const struct cursor *message)
{
	for (unsigned labels = 0; labels <= LABELS_MAX; labels++) {
		size_t here = cursor_left(message) - cursor_left(c);
		uint8_t n = cursor_u8(c);
		if ((n & POINTER) == POINTER) {
			size_t target = (size_t)(n & ~POINTER) << 8 | cursor_u8(c);
			return !c->bad && target < here;
		}
		cursor_skip(c, n);
		if (c->bad || n > LABEL_MAX)
			return false;
		if (n == 0)
			return true;
	}
	return false;
}

static bool
skip_records(struct cursor *c, const struct cursor *message, size_t n)
{
	if (n > RECORDS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!skip_name(c, message))
			return false;
		cursor_skip(c, 8);
		cursor_skip(c, cursor_u16(c));
	}
	return !c->bad;
}

/* The first question is read, others (multicast DNS asks several at once) are walked over. */
static bool
read_questions(struct cursor *c, const struct cursor *message, struct dns_message *m)
{
	m->name[0] = 0;
	m->type = m->class = 0;
	for (size_t i = 0; i < m->questions; i++) {
		if (i == 0 ? !read_question_name(c, m) : i > RECORDS_MAX || !skip_name(c, message))
			return false;
		uint16_t type = cursor_u16(c), class = cursor_u16(c);
		if (c->bad || type == 0)
			return false;
		if (i == 0) {
			m->type = type;
			m->class = class;
		}
	}
	return true;
}

bool
dns_message_read(struct cursor c, struct dns_message *ret)
{
	const struct cursor message = c;

	ret->id = cursor_u16(&c);
	ret->flags = cursor_u16(&c);
	ret->questions = cursor_u16(&c);
	ret->answers = cursor_u16(&c);
	ret->authorities = cursor_u16(&c);
	ret->additionals = cursor_u16(&c);
	size_t records = (size_t)ret->answers + ret->authorities + ret->additionals;
	/* Most of what is no DNS message counts more than it has room for. */
	if (c.bad || (size_t)ret->questions * QUESTION_MIN + records * RECORD_MIN > cursor_left(&c))
		return false;
	return read_questions(&c, &message, ret) && skip_records(&c, &message, records) && cursor_left(&c) == 0;
}

void
dns_message_facts(const struct dns_message *m, struct app *app)
{
	if (m->questions == 0)
		return;
	app->has_query = true;
	memcpy(app->query, m->name, strlen(m->name) + 1);
	app->query_type = m->type;
	app->query_class = m->class;
}
