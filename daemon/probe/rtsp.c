/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTSP 1.0 and 2.0 (RFC 2326, 7826) by a whole request head with its CSeq. Its tunnel through HTTP is found in http.c. */
#include <netinet/in.h>
#include <string.h>

#include "head.h"
#include "probes.h"
#include "side.h"
#include "text.h"

static const char *const versions[] = {"RTSP/1.0", "RTSP/2.0", NULL};

static const char *const methods[] = {
	"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PLAY_NOTIFY", "PAUSE", "TEARDOWN", "ANNOUNCE", "RECORD", "GET_PARAMETER",
	"SET_PARAMETER", "REDIRECT",
};

static bool
method_known(struct span method)
{
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (span_equals(method, methods[i]))
			return true;
	return false;
}

/* rtsp://[user[:password]@]host[:port]/path, or * where no stream is meant. False: neither. The password is nobody's business. */
static bool
read_target(struct span t, char host[APP_NAME], struct span *ret_path)
{
	host[0] = 0;
	*ret_path = t;
	if (span_equals(t, "*"))
		return true;
	size_t scheme = span_starts_nocase(t, "rtsp://") ? 7 : span_starts_nocase(t, "rtsps://") ? 8 : 0;
	if (scheme == 0)
		return false;
	t = text_from(t, scheme);
	struct span whole = t, authority = text_until(&t, '/'), user = authority;
	*ret_path = text_from(whole, authority.len);
	text_until(&user, '@');
	if (user.len)
		authority = user;
	return text_authority(authority, host) != HOST_BAD;
}

static void
facts(const struct head *request, const char *host, struct span path, struct cursor server, struct app *app)
{
	struct head reply;

	app->protocol = "rtsp";
	app->has_name = host[0] != 0;
	memcpy(app->name, host, sizeof app->name);
	span_text(request->method, app->http_method, sizeof app->http_method);
	span_text(path, app->http_path, sizeof app->http_path);
	head_copy(request, "User-Agent", app->http_user_agent, sizeof app->http_user_agent);
	if (head_reply(&server, versions, &reply) != PROBE_DONE)
		return;
	app->http_status = reply.status;
	head_copy(&reply, "Server", app->http_server, sizeof app->http_server);
	head_realm(&reply, app->http_realm, sizeof app->http_realm);
}

static enum probe_result
rtsp_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor c = side_stream(in, PROBE_TO_SERVER);
	struct span cseq, path;
	struct head h;
	char host[APP_NAME];

	enum probe_result r = head_request(&c, versions, &h);
	if (r != PROBE_DONE)
		return r;
	if (!method_known(h.method) || !read_target(h.target, host, &path) || head_get(&h, "CSeq", &cseq) != 1 || !text_digits(cseq))
		return PROBE_NO;
	facts(&h, host, path, side_stream(in, PROBE_TO_CLIENT), app);
	return PROBE_DONE;
}

const struct probe probe_rtsp = {
	"rtsp", IPPROTO_TCP, PROVES_CLIENT, rtsp_inspect,
	"RTSP, also tunnelled through HTTP: method, address, user agent; status, server and realm of the reply",
};
