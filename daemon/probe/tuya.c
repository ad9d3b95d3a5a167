/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tuya LAN: TCP 6668, UDP 6666 and 6667 (announcements), 7000. Big endian.
 *
 *	0 000055aa   4 sequence   8 command   12 length of the rest   16 …   end 0000aa55
 *	0 00006699   4 zero   6 sequence   10 command   14 length of nonce, data and tag   18 …
 *	then 00009966
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum {
	LENGTH_MAX = 8192,
	TRAILER = 4,
	COMMAND_LAST = 0x14,
};

static const struct form {
	uint8_t begin[4], end[4];
	uint8_t command, length; /* where they stand */
	uint8_t header;
	uint8_t counted; /* of the trailer, in `length` */
	uint8_t least;	 /* CRC-32 and trailer; nonce and tag */
} forms[] = {
	{{0, 0, 0x55, 0xaa}, {0, 0, 0xaa, 0x55}, 8, 12, 16, TRAILER, 8},
	{{0, 0, 0x66, 0x99}, {0, 0, 0x99, 0x66}, 10, 14, 18, 0, 28},
};

static const struct learn_row facts[] = {{"gwId", "uid"}, {"productKey", "model"}, {0}};

static const struct form *
form_of(struct span b)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (field_fits(b, 0, forms[i].begin, sizeof forms[i].begin))
			return &forms[i];
	return NULL;
}

static bool
command_known(uint32_t command)
{
	return (command >= 1 && command <= COMMAND_LAST) || command == 0x23 || command == 0x25 ||
	       command == 0x40;
}

/* The frame's whole length; 0 when the header is not this form's. */
static size_t
frame_length(struct span b, const struct form *f)
{
	uint32_t length = field_u32(b, f->length);
	bool sane = length >= f->least && length <= LENGTH_MAX && command_known(field_u32(b, f->command));
	return sane && (f->counted || !field_u16(b, 4)) ? f->header + length + TRAILER - f->counted : 0;
}

static void
learn(struct app *app, struct span b)
{
	long at = app ? span_find(b, "{") : -1; /* older announcements are in clear */
	if (at < 0)
		return;
	markup_learn_keys(app, field_rest(b, (size_t)at), facts);
	learn_banner(app, markup_key(field_rest(b, (size_t)at), "version"));
}

/* For streams and datagrams alike; MORE when there is too little. */
static enum sign
frame_check(struct span b, size_t *ret_length, struct app *app)
{
	const struct form *f = form_of(b);

	if (!f)
		return SIGN_NONE;
	if (b.len < f->header)
		return SIGN_MORE;
	size_t length = frame_length(b, f);
	if (!length)
		return SIGN_NONE;
	*ret_length = length;
	if (b.len < length)
		return SIGN_MORE;
	if (!field_is(b, length - TRAILER, f->end, sizeof f->end))
		return SIGN_NONE;
	learn(app, field_bytes(b, 0, length));
	return SIGN_PROOF;
}

static enum sign
tuya_stream(struct span b, int side, struct app *app)
{
	size_t length = 0;
	(void)side;
	return frame_check(b, &length, app);
}

static enum sign
tuya_datagram(struct span d, int side, struct app *app)
{
	size_t length = 0;
	enum sign sign = frame_check(d, &length, app);
	(void)side;
	return sign == SIGN_PROOF && length == d.len ? SIGN_PROOF : SIGN_NONE;
}

static enum probe_result
tuya_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "tuya", 0, tuya_stream, tuya_datagram);
}

const struct probe probe_tuya = {
	.name = "tuya",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = tuya_inspect,
	.help = "Tuya LAN control and announcements: device id, product",
};
