/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Characters that show nothing, or that make a text look different from what it is. */
#include "chars.h"

enum {
	CODE_BOM = 0xfeff,
	CODE_MAX = 0x10ffff,
};

/* What is wrong with a range of characters. */
static const struct {
	int32_t from, to;
	const char *what;
} refused[] = {
	{0x00, 0x00, "a NUL byte"},
	{0x01, 0x08, "a control character"},
	{0x0b, 0x0c, "a control character"},
	{0x0e, 0x1f, "a control character"},
	{0x7f, 0x84, "a control character"},
	{0x85, 0x85, "a line end that most editors do not show"}, /* NEL */
	{0x86, 0x9f, "a control character"},
	{0x200b, 0x200f, "an invisible character"},
	{0x2028, 0x2029, "a line end that most editors do not show"},
	{0x202a, 0x202e, "a character that reverses the reading direction"},
	{0x2060, 0x2064, "an invisible character"},
	{0x2066, 0x2069, "a character that reverses the reading direction"},
	{CODE_BOM, CODE_BOM, "an invisible character"},
	{0xfffe, 0xffff, "not a character"},
};

/* Shortest form only (RFC 3629, section 3). */
int32_t
utf8_next(struct cursor *c)
{
	uint8_t lead = cursor_u8(c);
	if (lead < 0x80)
		return lead;
	unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
	static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
	if (lead < 0xc2 || lead > 0xf4)
		return UTF8_BAD;
	int32_t code = lead & (0x3f >> more);
	for (unsigned i = 0; i < more; i++) {
		uint8_t b = cursor_u8(c);
		if ((b & 0xc0) != 0x80)
			return UTF8_BAD;
		code = code << 6 | (b & 0x3f);
	}
	bool surrogate = code >= 0xd800 && code <= 0xdfff;
	return code < least[more] || code > CODE_MAX || surrogate ? UTF8_BAD : code;
}

const char *
char_complaint(int32_t code)
{
	if (code == UTF8_BAD)
		return "not valid UTF-8";
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (code >= refused[i].from && code <= refused[i].to)
			return refused[i].what;
	return NULL;
}
