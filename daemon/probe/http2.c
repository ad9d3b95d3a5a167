/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP/2 without TLS (RFC 9113, section 3.4): the preface, then a SETTINGS frame. */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"

enum { FRAME_SETTINGS = 4, SETTING_LEN = 6, SETTINGS_MAX = 64 };

static enum probe_result
http2_inspect(const struct probe_input *in, struct app *app)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct cursor c = side_stream(in, PROBE_TO_SERVER);

	enum probe_result r = side_bytes(&c, preface, strlen(preface));
	if (r != PROBE_DONE)
		return r;
	uint32_t length = cursor_u24(&c);
	uint8_t type = cursor_u8(&c), flags = cursor_u8(&c);
	uint32_t stream = cursor_u32(&c);
	if (c.bad)
		return PROBE_MORE;
	if (type != FRAME_SETTINGS || flags || stream || length % SETTING_LEN || length > SETTINGS_MAX * SETTING_LEN)
		return PROBE_NO;
	app->protocol = "http2";
	return PROBE_DONE;
}

const struct probe probe_http2 = {
	"http2", IPPROTO_TCP, PROVES_CLIENT, http2_inspect, "HTTP/2 in the clear by its preface",
};
