/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PPPP: the peer-to-peer platform of CS2, iLnk and Yi, in cheap cameras under hundreds of brands.
 * UDP: servers 32100, LAN search 32108, then any port.
 *
 *	0 f1   1 opcode   2 length of the rest, big endian, always exact   4 body
 *
 * A body holds a device id {prefix (8), serial (4), check letters (8)}, a socket address {family,
 * port, IPv4, eight zeroes}, or data. Bodies whose inside can be checked prove; bare ones (HELLO,
 * ALIVE) must be two, of which a server's port stands for one.
 *
 * Some builds hide the whole datagram behind a stream cipher whose first byte depends on the key
 * alone, so all datagrams of a flow begin alike. That is believed on the two known ports only, for
 * keys that were seen, and when the client says the same four bytes (a hidden HELLO or LAN search)
 * again and again.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	MAGIC = 0xf1,
	HEADER = 4,
	PORT_SERVER = 32100,
	PORT_LAN = 32108,
	HIDDEN_REPEATS = 3,
	DID = 20,
	ADDRESS = 16,
	DATA_MAGIC = 0xd1,
	CHANNELS = 8,
	ANY = 0xffff,
};

/* What the body begins with. */
enum body {
	BODY_BARE,    /* nothing to check: two needed */
	BODY_DID,     /* device id */
	BODY_RELAY,   /* relay's magic word, device id */
	BODY_ADDRESS, /* socket address */
	BODY_RESULT,  /* 0 or a small negative number, three zeroes */
	BODY_DATA,
	BODY_ACK,
};

/* Opcodes with the body lengths of their variants; a length of ANY stands for all. */
static const struct message {
	uint8_t opcode;
	uint16_t length;
	enum body body;
} messages[] = {
	{0x00, 0, BODY_BARE},	{0x01, 16, BODY_ADDRESS}, {0x02, 32, BODY_ADDRESS}, {0x03, 0, BODY_BARE},
	{0x08, 0, BODY_BARE},	{0x09, 20, BODY_DID},	  {0x10, 40, BODY_DID},	    {0x10, 152, BODY_DID},
	{0x11, 4, BODY_RESULT}, {0x12, 44, BODY_BARE},	  {0x12, 20, BODY_DID},	    {0x13, 8, BODY_BARE},
	{0x14, ANY, BODY_BARE}, {0x15, ANY, BODY_BARE},	  {0x16, ANY, BODY_BARE},   {0x18, 20, BODY_DID},
	{0x19, 4, BODY_RESULT}, {0x20, 36, BODY_DID},	  {0x20, 152, BODY_DID},    {0x21, 4, BODY_RESULT},
	{0x26, ANY, BODY_BARE}, {0x30, 0, BODY_BARE},	  {0x31, ANY, BODY_BARE},   {0x32, 0, BODY_BARE},
	{0x33, 52, BODY_BARE},	{0x35, 20, BODY_DID},	  {0x40, 16, BODY_ADDRESS}, {0x41, 20, BODY_DID},
	{0x41, 24, BODY_DID},	{0x42, 20, BODY_DID},	  {0x42, 24, BODY_DID},	    {0x43, 0, BODY_BARE},
	{0x60, 28, BODY_DID},	{0x61, 4, BODY_RESULT},	  {0x62, 44, BODY_BARE},    {0x67, 20, BODY_DID},
	{0x68, 0, BODY_BARE},	{0x69, ANY, BODY_BARE},	  {0x6a, ANY, BODY_BARE},   {0x70, 0, BODY_BARE},
	{0x71, 0, BODY_BARE},	{0x72, 0, BODY_BARE},	  {0x73, 8, BODY_BARE},	    {0x80, 40, BODY_DID},
	{0x80, 160, BODY_DID},	{0x81, 4, BODY_RESULT},	  {0x82, 20, BODY_ADDRESS}, {0x83, 28, BODY_RELAY},
	{0x84, 0, BODY_BARE},	{0x84, 20, BODY_DID},	  {0xd0, ANY, BODY_DATA},   {0xd1, ANY, BODY_ACK},
	{0xd8, ANY, BODY_BARE}, {0xe0, 0, BODY_BARE},	  {0xe1, 0, BODY_BARE},	    {0xf0, 0, BODY_BARE},
};

static const struct message *
message_of(uint8_t opcode, size_t length)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
		if (messages[i].opcode == opcode &&
		    (messages[i].length == length || messages[i].length == ANY))
			return &messages[i];
	return NULL;
}

/* Letters, then nothing but NULs. */
static bool
padded_letters(struct span d, size_t off, size_t min)
{
	struct span s = field_text(d, off, 8);
	return field_upper(s, min, 7) && field_filled(d, off + s.len, 8 - s.len, 0);
}

/* PREFIX-123456-CHECK, as it is printed on the device. */
static bool
device_id(struct span d, size_t off, struct app *app)
{
	char uid[32];

	if (!padded_letters(d, off, 3) || !padded_letters(d, off + 12, 5))
		return false;
	struct span prefix = field_text(d, off, 8), letters = field_text(d, off + 12, 8);
	int n = snprintf(uid, sizeof uid, "%.*s-%06u-%.*s", (int)prefix.len, (const char *)prefix.p,
			 field_u32(d, off + 8), (int)letters.len, (const char *)letters.p);
	learn_text(app, "uid", (struct span){(const uint8_t *)uid, (size_t)n});
	return true;
}

static bool
body_holds(struct span d, enum body body, struct app *app)
{
	size_t length = d.len - HEADER;

	switch (body) {
	case BODY_BARE:
		return true;
	case BODY_DID:
		return device_id(d, HEADER, app);
	case BODY_RELAY:
		return device_id(d, HEADER + 4, app) && field_u8(d, HEADER + 24) <= 1 &&
		       field_filled(d, HEADER + 25, 3, 0);
	case BODY_ADDRESS:
		return field_u16(d, HEADER) == AF_INET && field_filled(d, HEADER + 8, 8, 0);
	case BODY_RESULT:
		return (uint8_t)(field_u8(d, HEADER) + 8) <= 8 && field_filled(d, HEADER + 1, 3, 0);
	case BODY_DATA:
		return length > 4 && field_u8(d, HEADER) == DATA_MAGIC && field_u8(d, HEADER + 1) < CHANNELS;
	case BODY_ACK:
		return length > 4 && field_u8(d, HEADER) == DATA_MAGIC &&
		       field_u8(d, HEADER + 1) < CHANNELS && field_u16(d, HEADER + 2) == (length - 4) / 2 &&
		       length % 2 == 0;
	}
	return false;
}

static enum sign
pppp_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (d.len < HEADER || field_u8(d, 0) != MAGIC || field_u16(d, 2) != d.len - HEADER)
		return SIGN_NONE;
	const struct message *m = message_of(field_u8(d, 1), d.len - HEADER);
	if (!m || !body_holds(d, m->body, app))
		return SIGN_NONE;
	return m->body == BODY_BARE ? SIGN_FITS : SIGN_PROOF;
}

/*
 * A key that was seen; its four-byte messages, asked again and again, are told apart from data by
 * their length alone.
 */
static enum sign
hidden_check(struct span d, int side, struct app *app)
{
	static const uint8_t keys[] = {0x2c, 0x9f, 0xb1};

	(void)app;
	if (d.len < HEADER || !memchr(keys, d.p[0], sizeof keys))
		return SIGN_NONE;
	return side == PROBE_TO_SERVER && d.len == HEADER ? SIGN_FITS : SIGN_MORE;
}

/* All begin alike, and the client's four-byte messages are one message. */
static bool
hidden_repeats(const struct probe_input *in)
{
	const struct span *first = &in->side[PROBE_TO_SERVER].units[0];

	for (int side = PROBE_TO_SERVER; side <= PROBE_TO_CLIENT; side++) {
		const struct probe_side *s = &in->side[side];
		for (size_t i = 0; i < s->n; i++) {
			bool asks = side == PROBE_TO_SERVER && s->units[i].len == HEADER;
			if (!field_fits(s->units[i], 0, first->p, asks ? HEADER : 1))
				return false;
		}
	}
	return true;
}

static enum probe_result
pppp_inspect(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];

	if (in->port != PORT_SERVER && in->port != PORT_LAN)
		return walk_units(in, app, "pppp", 2, pppp_check);
	if (client->n == 0) /* the client's first byte says which form it is */
		return PROBE_MORE;
	if (field_u8(client->units[0], 0) == MAGIC)
		return walk_units(in, app, "pppp", 1, pppp_check);
	if (client->units[0].len != HEADER || !hidden_repeats(in))
		return PROBE_NO;
	return walk_units(in, app, "pppp", HIDDEN_REPEATS, hidden_check);
}

const struct probe probe_pppp = {
	.name = "pppp",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = pppp_inspect,
	.help = "PPPP (CS2, iLnkP2P) peer-to-peer camera platform: device id",
};
