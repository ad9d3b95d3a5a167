/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dahua DHIP: JSON remote calls. Discovery over UDP, multicast 239.255.255.251:37810; control over
 * TCP 5000, 37777 or 80.
 *
 *	0 20 00 00 00 'DHIP'   8 session   12 id   16 length   20 zero   24 length again   28 zero
 *	32 JSON	(little endian)
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum { HEADER = 32, JSON_MAX = 16384 };

static const uint8_t magic[] = {0x20, 0, 0, 0, 'D', 'H', 'I', 'P'};

static const struct learn_row facts[] = {
	{"SerialNo", "serial"}, {"DeviceType", "model"}, {"mac", "mac"},
	{"Vendor", "vendor"},	{"MachineName", "name"}, {0},
};

/* The frame's whole length; 0 when the header is not DHIP's. */
static size_t
frame_length(struct span b)
{
	uint32_t length = field_le32(b, 16);
	bool sane = length >= 2 && length <= JSON_MAX && length == field_le32(b, 24);
	return sane && !field_u32(b, 20) && !field_u32(b, 28) ? HEADER + length : 0;
}

/* What changes a device; the first two are asked over UDP as well, by who has no password yet. */
static void
learn_request(struct app *app, struct span method)
{
	static const char *const changes[] = {"DevInit.", "PasswdFind.", "configManager.set", "userManager.modify", "userManager.add", "magicBox.reboot"};

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (span_starts(method, changes[i]))
			learn_text(app, "request", method);
}

static enum sign
frame_check(struct span b, struct app *app)
{
	struct span json = field_rest(b, HEADER);

	if (!markup_json(json))
		return SIGN_NONE;
	learn_request(app, markup_key(json, "method"));
	markup_learn_keys(app, json, facts);
	if (app)
		learn_banner(app, markup_key(json, "Version"));
	return SIGN_PROOF;
}

static enum sign
dhip_stream(struct span b, int side, struct app *app)
{
	(void)side;
	if (!field_fits(b, 0, magic, sizeof magic))
		return SIGN_NONE;
	if (b.len < HEADER)
		return SIGN_MORE;
	size_t length = frame_length(b);
	if (!length)
		return SIGN_NONE;
	return b.len < length ? SIGN_MORE : frame_check(field_bytes(b, 0, length), app);
}

static enum sign
dhip_datagram(struct span d, int side, struct app *app)
{
	(void)side;
	if (!field_is(d, 0, magic, sizeof magic))
		return SIGN_NONE;
	size_t length = frame_length(d);
	if (!length || d.len < length || !field_filled(d, length, d.len - length, 0))
		return SIGN_NONE; /* some devices pad with NULs */
	return frame_check(field_bytes(d, 0, length), app);
}

static enum probe_result
dhip_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "dhip", 0, dhip_stream, dhip_datagram);
}

const struct probe probe_dhip = {
	.name = "dhip",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = dhip_inspect,
	.help = "Dahua DHIP discovery and control: serial number, model, MAC, vendor, firmware",
};
