/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bosch discovery, UDP 1757 to the device and 1758 back.
 *
 * Search: 0 99 39 a4 27   4 number   8 ff 00 06 de
 * Answer, 32 bytes: 0 99 39 a4 27   4 number   8 MAC   16 IPv4   20 mask
 *	24 gateway; or an XML description of the device
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum { MAGIC = 0x9939a427, QUESTION = 0xff0006deu, SEARCH = 12, ANSWER = 32 };

static const struct learn_row facts[] = {
	{"serialNumber", "serial"},
	{"friendlyName", "model"},
	{"physAddress", "mac"},
	{"unitName", "name"},
	{0},
};

static enum sign
description_check(struct span d, struct app *app)
{
	struct span open, body;

	if (!markup_xml(d, "root", &open, &body) || span_find(open, "\"OEMExt00:device-1-0\"") < 0 ||
	    span_find(body, "<device>") < 0)
		return SIGN_NONE;
	markup_learn_tags(app, body, facts);
	return SIGN_PROOF;
}

static enum sign
bosch_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (field_u8(d, 0) == '<' || field_u8(d, 0) == 0xef)
		return description_check(d, app);
	if (field_u32(d, 0) != MAGIC)
		return SIGN_NONE;
	if (d.len == SEARCH)
		return field_u32(d, 8) == QUESTION ? SIGN_PROOF : SIGN_NONE;
	uint32_t mask = field_u32(d, 20);
	if (d.len != ANSWER || !field_unicast_mac(d, 8) || (mask && !field_netmask(mask)))
		return SIGN_NONE;
	learn_mac(app, d, 8);
	return SIGN_PROOF;
}

static enum probe_result
bosch_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "bosch-discovery", 0, bosch_check);
}

const struct probe probe_bosch = {
	.name = "bosch-discovery",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = bosch_inspect,
	.help = "Bosch camera discovery: serial number, model, MAC",
};
