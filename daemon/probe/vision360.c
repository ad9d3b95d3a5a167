/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 360 Vision discovery, UDP 3600, one line of text. Search: "DISCOVER". Answer: "DISCOVER TYPE=…
 * KEY='MAC' ID=…". The bare word is anybody's, so on another port it must be asked twice.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { PORT = 3600 };

/* The value after " KEY=": up to the next blank, or between its quotes. */
static struct span
value_of(struct span line, const char *key)
{
	struct span value = field_after(line, key);
	return field_u8(value, 0) == '\'' ? field_until(field_rest(value, 1), "'") : field_until(value, " ");
}

static enum sign
vision360_check(struct span d, int side, struct app *app)
{
	struct cursor c = cursor_span(d);
	struct span line;

	(void)side;
	if (field_u8(d, 0) != 'D' || !span_starts(d, "DISCOVER") || !cursor_line(&c, d.len, &line) ||
	    cursor_left(&c) || !field_printable(line))
		return SIGN_NONE;
	if (span_equals(line, "DISCOVER"))
		return SIGN_FITS;
	struct span model = value_of(line, " TYPE="), mac = value_of(line, " KEY=");
	if (!model.len || !field_mac_text(mac))
		return SIGN_NONE;
	learn_text(app, "serial", value_of(line, " ID="));
	learn_text(app, "model", model);
	learn_text(app, "mac", mac);
	return SIGN_PROOF;
}

static enum probe_result
vision360_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "360vision-discovery", in->port == PORT ? 1 : 2, vision360_check);
}

const struct probe probe_vision360 = {
	.name = "360vision-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = vision360_inspect,
	.help = "360 Vision camera discovery: serial number, type, MAC",
};
