/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reolink Baichuan. Little endian.
 *
 * TCP 9000:
 *	0 f0 de bc 0a or a0 cb ed 0f   4 message id   8 body length   12 channel, stream, handle
 *	16 offer or status   18 class   20 offset of the payload in the body, in classes that have it
 * UDP (2015, 2018, 9999, 58200 …):
 *	0 3a cf 87 2a   4 length of the rest   8 1   12 transmission   16 checksum   20 XML, masked
 *	0 10 cf 87 2a   4 connection   8 zero   12 packet   16 length   20 part of a TCP-style message
 *	0 20 cf 87 2a   4 connection   8 zero   16 last packet   20 time   24 length   28 what is missing
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum {
	SHORT_HEADER = 20,
	LONG_HEADER = 24,
	BODY_MAX = 4096, /* of a first message: a login and its answer are below 2 KiB */
	ID_MAX = 1000,
	DISCOVERY = 0x3acf872a,
	DATA = 0x10cf872a,
	ACK = 0x20cf872a,
	OTHER = 0x31cf872a,
	XML_MAX = 1400,
};

static const struct class
{
	uint16_t code; /* as on the wire */
	uint8_t header;
} classes[] = {
	{0x1465, SHORT_HEADER}, {0x1466, SHORT_HEADER}, {0x1464, LONG_HEADER},
	{0x8264, LONG_HEADER},	{0x0000, LONG_HEADER},
};

static size_t
header_length(uint16_t class)
{
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (classes[i].code == class)
			return classes[i].header;
	return 0;
}

static enum sign
baichuan_stream(struct span b, int side, struct app *app)
{
	static const uint8_t magics[][4] = {{0xf0, 0xde, 0xbc, 0x0a}, {0xa0, 0xcb, 0xed, 0x0f}};
	uint32_t id = field_le32(b, 4), body = field_le32(b, 8);

	(void)side;
	(void)app;
	if (!field_fits(b, 0, magics[0], 4) && !field_fits(b, 0, magics[1], 4))
		return SIGN_NONE;
	if (b.len >= 8 && (id == 0 || id > ID_MAX || body > BODY_MAX))
		return SIGN_NONE;
	if (b.len < SHORT_HEADER)
		return SIGN_MORE;
	size_t header = header_length(field_u16(b, 18));
	if (!header || (header == LONG_HEADER && field_le32(b, 20) > body))
		return SIGN_NONE;
	return b.len < header + body ? SIGN_MORE : SIGN_PROOF;
}

/* The mask is eight fixed words, each raised by the transmission's number. */
static void
learn_discovery(struct app *app, struct span d)
{
	static const uint32_t words[] = {0x1f2d3c4b, 0x5a6c7f8d, 0x38172e4b, 0x8271635a,
					 0x863f1a2b, 0xa5c6f7d8, 0x8371e1b4, 0x17f2d3a5};
	static const struct learn_row facts[] = {{"uid", "uid"}, {0}};
	uint32_t transmission = field_le32(d, 12);
	struct span masked = field_rest(d, 20);
	uint8_t xml[XML_MAX];

	if (masked.len > sizeof xml)
		return;
	for (size_t i = 0; i < masked.len; i++)
		xml[i] = masked.p[i] ^ (uint8_t)((words[i / 4 % 8] + transmission) >> 8 * (i % 4));
	struct span clear = {xml, masked.len}, open, body;
	if (markup_xml(clear, "P2P", &open, &body))
		markup_learn_tags(app, body, facts);
}

static enum sign
baichuan_datagram(struct span d, int side, struct app *app)
{
	(void)side;
	switch (field_u32(d, 0)) {
	case DISCOVERY:
		if (d.len <= 20 || field_le32(d, 4) != d.len - 20 || field_le32(d, 8) != 1)
			return SIGN_NONE;
		if (app)
			learn_discovery(app, d);
		return SIGN_PROOF;
	case DATA:
		return d.len > 20 && !field_u32(d, 8) && field_le32(d, 16) == d.len - 20 ? SIGN_PROOF
											 : SIGN_NONE;
	case ACK:
		return d.len >= 28 && !field_u32(d, 8) && field_le32(d, 24) == d.len - 28 ? SIGN_PROOF
											  : SIGN_NONE;
	case OTHER: /* belongs to the protocol; its layout is not known */
		return SIGN_FITS;
	}
	return SIGN_NONE;
}

static enum probe_result
baichuan_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "baichuan", 0, baichuan_stream, baichuan_datagram);
}

const struct probe probe_baichuan = {
	.name = "baichuan",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = baichuan_inspect,
	.help = "Reolink Baichuan control, and its UDP transport: device id from discovery",
};
