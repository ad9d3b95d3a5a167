/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSH (RFC 4253, section 4.2): SSH-2.0-software [comment] CR LF, from either side. */
#include <netinet/in.h>
#include <string.h>

#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"

enum { LINE_LEN = 255 };

/* The identification line, whole in *ret_line, printable ASCII only. */
static enum probe_result
identification(struct cursor c, struct span *ret_line)
{
	struct cursor version = c;
	enum probe_result r = side_bytes(&version, "SSH-2.0-", 8);
	if (r == PROBE_NO) {
		version = c;
		r = side_bytes(&version, "SSH-1.99-", 9);
	}
	if (r != PROBE_DONE)
		return r;
	bool whole = cursor_line(&c, LINE_LEN, ret_line);
	struct span text = *ret_line;
	if (!whole) {
		if (cursor_left(&c) >= LINE_LEN)
			return PROBE_NO;
		text = cursor_rest(&c);
		if (text.len && text.p[text.len - 1] == '\r')
			text.len--;
	}
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			return PROBE_NO;
	if (whole && cursor_left(&version) < 1)
		return PROBE_NO;
	return whole ? PROBE_DONE : PROBE_MORE;
}

static enum probe_result
ssh_inspect(const struct probe_input *in, struct app *app)
{
	struct span client = {0}, server = {0};
	enum probe_result to_server = identification(side_stream(in, PROBE_TO_SERVER), &client);
	enum probe_result to_client = identification(side_stream(in, PROBE_TO_CLIENT), &server);

	enum probe_result r = side_join(to_server, to_client);
	if (r != PROBE_DONE)
		return r;
	app->protocol = "ssh";
	app->encrypted = true;
	if (to_server == PROBE_DONE)
		learn_text(app, "client", client);
	if (to_client == PROBE_DONE)
		span_text(server, app->banner, sizeof app->banner);
	return r;
}

const struct probe probe_ssh = {
	"ssh", IPPROTO_TCP, PROVES_EITHER, ssh_inspect, "SSH by its identification line: both sides' software",
};
