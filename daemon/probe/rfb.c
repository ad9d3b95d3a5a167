/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFB, which VNC speaks (RFC 6143, section 7.1.1): "RFB 003.008" LF, twelve bytes from the server and then from the client. */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"
#include "text.h"

enum { VERSION_LEN = 12 };

static enum probe_result
version_line(struct cursor c, struct span *ret)
{
	static const char shape[] = "RFB ddd.ddd\n";
	size_t have = cursor_left(&c) < VERSION_LEN ? cursor_left(&c) : VERSION_LEN;

	for (size_t i = 0; i < have; i++) {
		uint8_t b = cursor_peek(&c, i);
		bool digit = b >= '0' && b <= '9';
		if (shape[i] == 'd' ? !digit : b != (uint8_t)shape[i])
			return PROBE_NO;
	}
	*ret = cursor_bytes(&c, VERSION_LEN - 1);
	return have == VERSION_LEN ? PROBE_DONE : PROBE_MORE;
}

static enum probe_result
rfb_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor server = side_stream(in, PROBE_TO_CLIENT);
	struct span line = {0}, ignored = {0};
	enum probe_result to_client = version_line(server, &line);
	enum probe_result to_server = version_line(side_stream(in, PROBE_TO_SERVER), &ignored);

	enum probe_result r = side_join(to_server, to_client);
	if (r != PROBE_DONE)
		return r;
	app->protocol = "rfb";
	span_text(to_client == PROBE_DONE ? line : ignored, app->banner, sizeof app->banner);
	return r;
}

const struct probe probe_rfb = {
	"rfb", IPPROTO_TCP, PROVES_EITHER, rfb_inspect, "VNC's RFB by its version line",
};
