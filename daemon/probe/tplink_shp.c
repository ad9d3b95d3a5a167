/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TP-Link Smart Home Protocol, UDP and TCP 9999: JSON, each byte XORed with the ciphered byte
 * before it, the first one with ab. Over TCP a big-endian length stands before it.
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

enum {
	FIRST_KEY = 0xab,
	JSON_MIN = 16, /* {"system":null}} is not even a request; shorter ones prove too little */
	JSON_MAX = 4096,
	PREFIX = 4,
};

static const struct learn_row facts[] = {
	{"deviceId", "serial"}, {"model", "model"}, {"mac", "mac"},
	{"mic_mac", "mac"},	{"alias", "name"},  {0},
};

static enum sign
json_check(struct span ciphered, struct app *app)
{
	uint8_t json[JSON_MAX], key = FIRST_KEY;

	if (ciphered.len < JSON_MIN || ciphered.len > JSON_MAX || (ciphered.p[0] ^ key) != '{')
		return SIGN_NONE;
	for (size_t i = 0; i < ciphered.len; i++) {
		json[i] = ciphered.p[i] ^ key;
		key = ciphered.p[i];
	}
	struct span clear = {json, ciphered.len};
	if (json[1] != '"' || !markup_json(clear))
		return SIGN_NONE;
	markup_learn_keys(app, clear, facts);
	if (app)
		learn_banner(app, markup_key(clear, "sw_ver"));
	return SIGN_PROOF;
}

static enum sign
shp_stream(struct span b, int side, struct app *app)
{
	static const uint8_t begin[] = {'{' ^ FIRST_KEY, '{' ^ FIRST_KEY ^ '"'};
	size_t length = field_u32(b, 0);

	(void)side;
	if (!field_fits(b, 0, "\0", 2) || !field_fits(b, PREFIX, begin, sizeof begin) ||
	    (b.len >= PREFIX && (length < JSON_MIN || length > JSON_MAX)))
		return SIGN_NONE;
	return b.len < PREFIX || b.len < PREFIX + length ? SIGN_MORE
							 : json_check(field_bytes(b, PREFIX, length), app);
}

static enum sign
shp_datagram(struct span d, int side, struct app *app)
{
	(void)side;
	return json_check(d, app);
}

static enum probe_result
shp_inspect(const struct probe_input *in, struct app *app)
{
	return walk_either(in, app, "tplink-shp", 0, shp_stream, shp_datagram);
}

const struct probe probe_tplink_shp = {
	.name = "tplink-shp",
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = shp_inspect,
	.help = "TP-Link Kasa control and discovery: device id, model, MAC, name",
};
