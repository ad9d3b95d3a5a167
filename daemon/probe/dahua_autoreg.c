/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dahua auto-register: the device calls a configured server and speaks first.
 *
 *	0 b4 00 00 78   4 length of the body, 40 00 00 00   8 07 00 00 00   12 zeroes
 *	32 serial number in text, padded to 64
 */
#include <netinet/in.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { HEADER = 32, BODY = 64, SERIAL_MIN = 6, SERIAL_MAX = 32 };

static enum sign
autoreg_check(struct span b, int side, struct app *app)
{
	static const uint8_t header[HEADER] = {0xb4, 0, 0, 0x78, BODY, 0, 0, 0, 7};

	if (side == PROBE_TO_CLIENT) /* the server's answers are not known */
		return SIGN_MORE;
	if (!field_fits(b, 0, header, sizeof header))
		return SIGN_NONE;
	if (b.len < HEADER + BODY)
		return SIGN_MORE;
	struct span serial = field_text(b, HEADER, BODY);
	if (!field_alnum(serial, SERIAL_MIN, SERIAL_MAX))
		return SIGN_NONE;
	learn_text(app, "serial", serial);
	return SIGN_PROOF;
}

static enum probe_result
autoreg_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "dahua-autoreg", 0, autoreg_check);
}

const struct probe probe_dahua_autoreg = {
	.name = "dahua-autoreg",
	.l4 = IPPROTO_TCP,
	.proves = 1u << PROBE_TO_SERVER,
	.inspect = autoreg_inspect,
	.help = "Dahua device calling home (auto-register): serial number",
};
