/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xiaomi miIO, UDP 54321, big endian:
 *
 *	0 21 31   2 whole length   4 zero   8 device id   12 stamp   16 checksum or token
 *	32 ciphered, in blocks of 16
 *
 * The hello has no device yet: all after the length is ff.
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { HEADER = 32, MAGIC = 0x2131, NO_DEVICE = 0xffffffff };

static enum sign
miio_check(struct span d, int side, struct app *app)
{
	(void)side;
	if (field_u16(d, 0) != MAGIC || d.len < HEADER || field_u16(d, 2) != d.len || (d.len - HEADER) % 16)
		return SIGN_NONE;
	uint32_t device = field_u32(d, 8);
	if (field_filled(d, 4, 28, 0xff))
		return d.len == HEADER ? SIGN_PROOF : SIGN_NONE;
	if (field_u32(d, 4) != 0)
		return SIGN_NONE;
	if (device && device != NO_DEVICE)
		learn_number(app, "id", device);
	return SIGN_PROOF;
}

static enum probe_result
miio_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "miio", 0, miio_check);
}

const struct probe probe_miio = {
	.name = "miio",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = miio_inspect,
	.help = "Xiaomi miIO device control: device id",
};
