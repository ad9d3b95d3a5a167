/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hikvision ISUP, formerly EHome: the device calls its platform and registers with an XML message,
 * <PPVSPMessage>, over UDP or TCP (7660 by default). The binary frames of later messages are too
 * little known to be a sign.
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum {
	ROOT_WITHIN = 200, /* the declaration and the root element are short */
	MESSAGE_MAX = 8192,
};

#define ROOT "PPVSPMessage"

static const struct learn_row facts[] = {
	{"SerialNumber", "serial"}, {"DeviceID", "id"}, {"DevType", "model"}, {"Manufacture", "vendor"}, {0},
};

static enum sign
message_check(struct span d, struct app *app)
{
	struct span open, body;

	if (!markup_xml(d, ROOT, &open, &body) || open.len)
		return SIGN_NONE;
	struct span type = markup_tag(body, "CommandType");
	if (!markup_tag(body, "Version").len || !markup_tag(body, "Command").len ||
	    (!span_equals(type, "REQUEST") && !span_equals(type, "RESPONSE")))
		return SIGN_NONE;
	markup_learn_tags(app, body, facts);
	if (app)
		learn_banner(app, markup_tag(body, "FirmwareVersion"));
	return SIGN_PROOF;
}

static enum sign
isup_datagram(struct span d, int side, struct app *app)
{
	(void)side;
	return message_check(d, app);
}

static enum sign
isup_stream(struct span b, int side, struct app *app)
{
	static const char end[] = "</" ROOT ">";

	(void)side;
	if (!field_fits(b, 0, "<?xml ", 6) && !field_fits(b, 0, "<" ROOT ">", sizeof ROOT + 1))
		return SIGN_NONE;
	if (b.len >= ROOT_WITHIN && span_find(field_bytes(b, 0, ROOT_WITHIN), "<" ROOT ">") < 0)
		return SIGN_NONE;
	long at = span_find(b, end);
	if (at < 0)
		return b.len < MESSAGE_MAX ? SIGN_MORE : SIGN_NONE;
	return message_check(field_bytes(b, 0, (size_t)at + sizeof end - 1), app);
}

static enum probe_result
isup_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "isup", 0, isup_stream, isup_datagram);
}

const struct probe probe_isup = {
	.name = "isup",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = isup_inspect,
	.help = "Hikvision ISUP (EHome) registration: serial number, device id, firmware",
};
