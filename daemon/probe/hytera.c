/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hytera HSTRP, the transport of its radio repeaters, UDP 30001 to 30016, big endian.
 *
 *	0 32 42 00   3 flags   4 sequence
 *	6 options {more (1 bit) and command (7 bits), length, value}, then data
 *
 * Flags: 01 acknowledge, 02 heartbeat, 04 connect, 08 close, 10 reject, 20 options follow. Option 1
 * is real time, 3 the repeater's id, 4 the channel. A connect with its options proves; of the
 * six-byte messages two are needed.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	HEADER = 6,
	MAGIC = 0x324200,
	CONNECT = 0x04,
	OPTIONS = 0x20,
	OPTION_MORE = 0x80,
	OPTION_DEVICE = 3,
};

static bool
flags_known(uint8_t flags)
{
	static const uint8_t known[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x08,
					0x09, 0x10, 0x20, 0x24, 0x25, 0x28, 0x30};
	for (size_t i = 0; i < sizeof known; i++)
		if (flags == known[i])
			return true;
	return false;
}

/* Moves past the options; false when one is unknown or cut. */
static bool
options_hold(struct cursor *c, struct app *app)
{
	uint8_t command;

	do {
		command = cursor_u8(c);
		struct span value = cursor_bytes(c, cursor_u8(c));
		uint8_t what = command & ~OPTION_MORE;
		if (c->bad || (what != 1 && what != OPTION_DEVICE && what != 4))
			return false;
		if (what == OPTION_DEVICE && value.len == 4)
			learn_number(app, "id", field_u32(value, 0));
	} while (command & OPTION_MORE);
	return true;
}

static enum sign
hytera_check(struct span d, int side, struct app *app)
{
	uint8_t flags = field_u8(d, 3);
	struct cursor c = cursor_span(d);

	(void)side;
	if (d.len < HEADER || field_u24(d, 0) != MAGIC || !flags_known(flags))
		return SIGN_NONE;
	if (!(flags & OPTIONS))
		return d.len == HEADER || flags == 0 ? SIGN_FITS : SIGN_NONE;
	cursor_skip(&c, HEADER);
	if (!options_hold(&c, app))
		return SIGN_NONE;
	return (flags & CONNECT) && cursor_left(&c) == 0 ? SIGN_PROOF : SIGN_FITS;
}

static enum probe_result
hytera_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "hytera", 2, hytera_check);
}

const struct probe probe_hytera = {
	.name = "hytera",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = hytera_inspect,
	.help = "Hytera radio repeater link (HSTRP): repeater id",
};
