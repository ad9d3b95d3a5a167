/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TVT. Discovery over UDP 23456, multicast 234.55.55.55 and .56, little endian:
 *
 *	0 'MHED'   4 version   6 1   8 command (1 search, 2 announce, 3 set address, 10 acknowledge)
 *	announce, 240 bytes: 12 name (20)   32 MAC   140 serial (16)   156 firmware (40)
 *	196 model (16)   212 vendor (16)
 *	the others are 140 bytes
 *
 * Control, TCP 6036: the device greets with 'head' 00 00 00 00. TCP 4567: the client opens with a
 * fixed GUID in braces.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	MAGIC = 0x4d484544, /* MHED */
	COMMAND_SEARCH = 1,
	COMMAND_ANNOUNCE = 2,
	COMMAND_SET = 3,
	COMMAND_ACK = 0x10,
	SHORT = 140,
	ANNOUNCE = 240,
	VERSION_FIRST = 7,
	VERSION_LAST = 9,
};

/*
 * The greeting comes before any word of the client, so a client that said something else is not
 * TVT's.
 */
static enum sign
tvt_stream(struct span b, int side, struct app *app)
{
	static const char guid[] = "{D79E94C5-70F0-46BD-965B-E17497CCB598}";
	static const uint8_t greeting[] = {'h', 'e', 'a', 'd', 0, 0, 0, 0};

	(void)app;
	if (side == PROBE_TO_CLIENT && field_fits(b, 0, greeting, sizeof greeting))
		return b.len < sizeof greeting ? SIGN_MORE : SIGN_PROOF;
	if (!field_fits(b, 0, guid, sizeof guid - 1))
		return SIGN_NONE;
	return b.len < sizeof guid - 1 ? SIGN_MORE : SIGN_PROOF;
}

static void
learn_announce(struct app *app, struct span d)
{
	learn_text(app, "serial", field_text(d, 140, 16));
	learn_text(app, "model", field_text(d, 196, 16));
	learn_mac(app, d, 32);
	learn_text(app, "vendor", field_text(d, 212, 16));
	learn_text(app, "name", field_text(d, 12, 20));
	learn_banner(app, field_text(d, 156, 40));
}

static enum sign
tvt_datagram(struct span d, int side, struct app *app)
{
	(void)side;
	if (field_u32(d, 0) != MAGIC)
		return SIGN_NONE;
	uint16_t version = field_le16(d, 4);
	uint32_t command = field_le32(d, 8);
	bool others = command == COMMAND_SEARCH || command == COMMAND_SET || command == COMMAND_ACK;
	if (version < VERSION_FIRST || version > VERSION_LAST || field_le16(d, 6) != 1 ||
	    !(others ? d.len == SHORT : command == COMMAND_ANNOUNCE && d.len == ANNOUNCE))
		return SIGN_NONE;
	if (command == COMMAND_ANNOUNCE && app)
		learn_announce(app, d);
	if (command == COMMAND_SET)
		learn_text(app, "request", (struct span){(const uint8_t *)"set-address", 11});
	return SIGN_PROOF;
}

static enum probe_result
tvt_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "tvt", 0, tvt_stream, tvt_datagram);
}

const struct probe probe_tvt = {
	.name = "tvt",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = tvt_inspect,
	.help = "TVT discovery and control: serial number, model, MAC, vendor, firmware",
};
