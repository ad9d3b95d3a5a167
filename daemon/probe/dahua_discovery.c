/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dahua's first discovery protocol, UDP 5050 broadcast.
 *
 * Search: 32 bytes, a3 01 00 and 00 or 01, and 02 at 16; all else zero.
 * Answer: 0 b3 00   2 length of the second part   4 58 00 00 00   16 2   20 length of the third part
 *	40 type (16)   56 addresses
 *	120 second part: MAC in text, then the model; third part: lines "Name:…", "Device:…", "SerialNo:…"
 */
#include <netinet/in.h>
#include <string.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { SEARCH = 32, FIXED = 120, MAC_TEXT = 17 };

static const struct learn_row lines[] = {
	{"SerialNo:", "serial"}, {"Device:", "model"}, {"Name:", "name"}, {0}};

static void
learn_line(struct app *app, struct span line)
{
	for (const struct learn_row *r = lines; r->from; r++)
		if (span_starts(line, r->from))
			learn_text(app, r->key, field_rest(line, strlen(r->from)));
}

static void
learn_answer(struct app *app, struct span d)
{
	size_t second = field_u8(d, 2);
	struct cursor c = cursor_span(d);
	struct span line;

	cursor_skip(&c, FIXED + second);
	while (cursor_line(&c, d.len, &line))
		learn_line(app, line);
	learn_line(app, cursor_rest(&c));
	learn_text(app, "mac", field_bytes(d, FIXED, MAC_TEXT));
	if (second > MAC_TEXT)
		learn_text(app, "model", field_text(d, FIXED + MAC_TEXT, second - MAC_TEXT));
	learn_text(app, "model", field_text(d, 40, 16));
}

static bool
is_search(struct span d)
{
	return field_u24(d, 0) == 0xa30100 && d.len == SEARCH && field_u8(d, 3) <= 1 &&
	       field_filled(d, 4, 12, 0) && field_le32(d, 16) == 2 && field_filled(d, 20, 12, 0);
}

static enum sign
dahua_discovery_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (is_search(d))
		return SIGN_PROOF;
	if (field_u16(d, 0) != 0xb300 || field_u8(d, 3) || field_le32(d, 4) != 0x58 ||
	    !field_filled(d, 8, 8, 0) || field_le32(d, 16) != 2 || field_u8(d, 2) < MAC_TEXT ||
	    d.len < FIXED + (size_t)field_u8(d, 2) || !field_mac_text(field_bytes(d, FIXED, MAC_TEXT)))
		return SIGN_NONE;
	if (app)
		learn_answer(app, d);
	return SIGN_PROOF;
}

static enum probe_result
dahua_discovery_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "dahua-discovery", 0, dahua_discovery_check);
}

const struct probe probe_dahua_discovery = {
	.name = "dahua-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = dahua_discovery_inspect,
	.help = "Dahua's old discovery: serial number, model, MAC",
};
