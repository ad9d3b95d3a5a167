/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sony discovery, UDP 2380 broadcast: 02, then "KEY:value" entries that each end with ff, then 03.
 * The search is one entry, ENQ; answers have MAC and MODEL.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { BEGIN = 0x02, END = 0x03, KEY_MAX = 16 };

#define ENTRY_END "\xff"

static const struct learn_row keys[] = {
	{"SERIAL", "serial"}, {"MODEL", "model"}, {"MAC", "mac"}, {"TITLE", "name"}, {0},
};

struct seen {
	bool search, mac, model;
};

static bool
entry_holds(struct span entry, struct seen *seen, struct app *app)
{
	struct span key = field_until(entry, ":"), value = field_after(entry, ":");

	if (key.len == entry.len || !field_alnum(key, 1, KEY_MAX) || !field_printable(entry))
		return false;
	seen->search = seen->search || span_equals(key, "ENQ");
	seen->mac = seen->mac || (span_equals(key, "MAC") && field_mac_text(value));
	seen->model = seen->model || span_equals(key, "MODEL");
	for (const struct learn_row *r = keys; app && r->from; r++)
		if (span_equals(key, r->from))
			learn_text(app, r->key, value);
	if (span_equals(key, "SOFTVERSION"))
		learn_banner(app, value);
	return true;
}

static enum sign
sony_check(struct span d, int side, struct app *app)
{
	struct seen seen = {0};
	size_t at = 1;

	(void)side;
	if (d.len < 4 || d.p[0] != BEGIN || d.p[d.len - 1] != END)
		return SIGN_NONE;
	while (at < d.len - 1) {
		struct span rest = field_bytes(d, at, d.len - 1 - at);
		long end = span_find(rest, ENTRY_END);
		if (end < 0 || !entry_holds(field_bytes(rest, 0, (size_t)end), &seen, app))
			return SIGN_NONE;
		at += (size_t)end + 1;
	}
	return seen.search || (seen.mac && seen.model) ? SIGN_PROOF : SIGN_NONE;
}

static enum probe_result
sony_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "sony-discovery", 0, sony_check);
}

const struct probe probe_sony = {
	.name = "sony-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = sony_inspect,
	.help = "Sony camera discovery: serial number, model, MAC, firmware",
};
