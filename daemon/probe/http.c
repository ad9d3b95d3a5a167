/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP/1.0 and 1.1 (RFC 9112) by a whole, well-formed request head; what is carried in HTTP gets its own name: ONVIF, WebSocket, RTSP
 * through its HTTP tunnel, TLS behind CONNECT. The reply adds facts and is never needed.
 */
#include <netinet/in.h>
#include <string.h>

#include "http.h"
#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"
#include "tls.h"

const char *const http_versions[] = {"HTTP/1.1", "HTTP/1.0", NULL};

/* Body length by RFC 9112, section 6; what servers could read in two ways is refused. */
static bool
read_framing(struct http_request *r)
{
	struct span v;
	unsigned chunked = head_get(&r->head, "Transfer-Encoding", &v);
	bool is_chunked = chunked == 1 && span_equals_nocase(v, "chunked");
	unsigned sized = head_get(&r->head, "Content-Length", &v);

	if (chunked > 1 || sized > 1 || (chunked && sized) || (chunked && !is_chunked) || (sized && !text_digits(v)))
		return false;
	r->framing = chunked ? HTTP_CHUNKED : sized ? HTTP_SIZED : HTTP_NO_BODY;
	long len = sized ? text_number(v) : 0;
	r->body_len = len < 0 ? SIZE_MAX : (size_t)len;
	return true;
}

/* The authority of an absolute target, or of CONNECT's; empty when the target names none. */
static struct span
target_authority(const struct head *h)
{
	struct span t = h->target;
	if (span_equals(h->method, "CONNECT"))
		return t;
	long at = t.p[0] == '/' ? -1 : span_find(t, "://");
	if (at <= 0)
		return (struct span){t.p, 0};
	t = text_from(t, (size_t)at + 3);
	return text_until(&t, '/');
}

static bool
target_ok(const struct head *h)
{
	if (span_equals(h->method, "CONNECT"))
		return true;
	return h->target.p[0] == '/' || span_equals(h->target, "*") || span_starts_nocase(h->target, "http://") ||
	       span_starts_nocase(h->target, "https://") || span_starts_nocase(h->target, "ws://");
}

/* One Host at most, valid; a target that names a host must name the same. */
static bool
read_host(struct http_request *r)
{
	struct span v, t = target_authority(&r->head);
	char host[APP_NAME] = "";
	unsigned n = head_get(&r->head, "Host", &v);

	r->host[0] = 0;
	if (n > 1 || !target_ok(&r->head) || (t.len && text_authority(t, r->host) == HOST_BAD))
		return false;
	if (n == 0 || v.len == 0)
		return true;
	if (text_authority(v, host) == HOST_BAD || (t.len && strcmp(host, r->host) != 0))
		return false;
	memcpy(r->host, host, sizeof host);
	return true;
}

static bool
is_upgrade(const struct head *h)
{
	struct span v;
	return span_equals(h->method, "CONNECT") || head_get(h, "Upgrade", &v) > 0;
}

/* Behind the body another request may wait, and nothing else. */
static bool
rest_fits(const struct http_request *r)
{
	struct cursor c = r->rest;
	struct head next;
	if (r->framing == HTTP_CHUNKED || is_upgrade(&r->head))
		return true;
	if (r->body_len >= cursor_left(&c))
		return true;
	cursor_skip(&c, r->body_len);
	if (cursor_starts(&c, "\r\n", 2)) /* clients of old sent one too many; RFC 9112, section 2.2 */
		cursor_skip(&c, 2);
	return cursor_left(&c) == 0 || head_request(&c, http_versions, &next) != PROBE_NO;
}

static enum probe_result
read_request(struct cursor c, struct http_request *r)
{
	enum probe_result result = head_request(&c, http_versions, &r->head);
	if (result != PROBE_DONE)
		return result;
	r->rest = c;
	return read_framing(r) && read_host(r) && rest_fits(r) ? PROBE_DONE : PROBE_NO;
}

/* RFC 6455, section 4.1. */
static enum probe_result
websocket_request(const struct http_request *r)
{
	struct span key;
	bool asked = span_equals(r->head.method, "GET") && head_lists(&r->head, "Upgrade", "websocket") &&
		     head_lists(&r->head, "Connection", "upgrade") && head_get(&r->head, "Sec-WebSocket-Key", &key) == 1 &&
		     key.len == 24;
	return asked ? PROBE_DONE : PROBE_NO;
}

/* RTSP through HTTP: a GET and a POST that share a cookie; the POST's body is RTSP in base64. */
static enum probe_result
rtsp_tunnel(const struct http_request *r)
{
	static const char type[] = "application/x-rtsp-tunnelled";
	struct span cookie;
	bool is = head_get(&r->head, "x-sessioncookie", &cookie) == 1 && cookie.len &&
		  ((span_equals(r->head.method, "GET") && head_lists(&r->head, "Accept", type)) ||
		   (span_equals(r->head.method, "POST") && head_lists(&r->head, "Content-Type", type)));
	return is ? PROBE_DONE : PROBE_NO;
}

static const struct carried {
	const char *protocol;
	enum probe_result (*asks)(const struct http_request *r);
} carried[] = {
	{"onvif", onvif_request},
	{"websocket", websocket_request},
	{"rtsp", rtsp_tunnel},
};

/* The closest name; MORE while a closer one is still possible. */
static enum probe_result
name_request(const struct http_request *r, const char **ret_protocol)
{
	*ret_protocol = "http";
	for (size_t i = 0; i < sizeof carried / sizeof *carried; i++) {
		enum probe_result result = carried[i].asks(r);
		if (result == PROBE_MORE)
			return PROBE_MORE;
		if (result == PROBE_DONE) {
			*ret_protocol = carried[i].protocol;
			break;
		}
	}
	return PROBE_DONE;
}

static void
request_facts(const struct http_request *r, struct app *app)
{
	struct span subprotocol;

	app->has_name = r->host[0] != 0;
	memcpy(app->name, r->host, sizeof app->name);
	span_text(r->head.method, app->http_method, sizeof app->http_method);
	span_text(r->head.target, app->http_path, sizeof app->http_path);
	head_copy(&r->head, "User-Agent", app->http_user_agent, sizeof app->http_user_agent);
	if (head_get(&r->head, "Sec-WebSocket-Protocol", &subprotocol))
		learn_text(app, "subprotocol", subprotocol);
}

static void
reply_facts(struct cursor c, struct app *app)
{
	struct head h;
	if (head_reply(&c, http_versions, &h) != PROBE_DONE)
		return;
	app->http_status = h.status;
	head_copy(&h, "Server", app->http_server, sizeof app->http_server);
	head_realm(&h, app->http_realm, sizeof app->http_realm);
}

static enum probe_result
http_inspect(const struct probe_input *in, struct app *app)
{
	struct http_request r;
	const char *protocol;

	enum probe_result result = read_request(side_stream(in, PROBE_TO_SERVER), &r);
	if (result != PROBE_DONE)
		return result;
	result = name_request(&r, &protocol);
	if (result != PROBE_DONE)
		return result;
	request_facts(&r, app);
	reply_facts(side_stream(in, PROBE_TO_CLIENT), app);
	app->protocol = protocol;
	/* A proxy that agreed: the flow becomes what follows, and keeps the head's facts. */
	if (span_equals(r.head.method, "CONNECT") && app->http_status / 100 == 2)
		(void)tls_stream(in, r.rest, app);
	return PROBE_DONE;
}

const struct probe probe_http = {
	"http", IPPROTO_TCP, PROVES_CLIENT, http_inspect,
	"HTTP/1 by a whole request head: method, host, path, user agent; status, server and realm of the reply",
};

const struct probe probe_websocket = {
	"websocket", IPPROTO_TCP, PROVES_CLIENT, probe_alias, "HTTP whose request asks for WebSocket: also the subprotocol",
};
