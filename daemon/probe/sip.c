/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP (RFC 3261) over UDP and TCP by a whole head with the fields that every message must have. GB/T 28181, the Chinese
 * surveillance profile, is SIP between parties whose names are 20 digits (centre 8, trade 2, type 3, network 1, number 6), or whose
 * bodies are MANSCDP.
 */
#include <netinet/in.h>
#include <string.h>

#include "head.h"
#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"

enum { GB_ID = 20 };

static const char *const versions[] = {"SIP/2.0", NULL};

static const struct required {
	const char *name, *compact;
} required[] = {{"Via", "v"}, {"From", "f"}, {"To", "t"}, {"Call-ID", "i"}, {"CSeq", "CSeq"}};

static bool
get(const struct head *h, const struct required *field, struct span *ret)
{
	return head_get(h, field->name, ret) || head_get(h, field->compact, ret);
}

static bool
fields_ok(const struct head *h)
{
	struct span v = {0};
	for (size_t i = 0; i < sizeof required / sizeof *required; i++)
		if (!get(h, &required[i], &v) || v.len == 0)
			return false;
	return true;
}

/* The part between sip: and the first of @ : ; > */
static struct span
user_of(struct span uri)
{
	long at = span_find(uri, "sip:");
	if (at < 0)
		return (struct span){uri.p, 0};
	struct span rest = text_from(uri, (size_t)at + 4);
	rest = text_until(&rest, '@');
	rest = text_until(&rest, ';');
	rest = text_until(&rest, '>');
	return text_until(&rest, ':');
}

static bool
is_gb_id(struct span s)
{
	return s.len == GB_ID && text_digits(s);
}

static bool
is_gb28181(const struct head *h, struct span from, struct span to)
{
	struct span type = {0};
	if (head_get(h, "Content-Type", &type) && span_starts_nocase(type, "application/manscdp+xml"))
		return true;
	return is_gb_id(from) && (is_gb_id(to) || is_gb_id(user_of(h->target)));
}

/* The server a request is for: after the user of its URI. */
static void
read_host(struct span uri, char host[APP_NAME])
{
	host[0] = 0;
	if (!span_starts_nocase(uri, "sip:") && !span_starts_nocase(uri, "sips:"))
		return;
	text_until(&uri, ':');
	struct span all = uri, user = text_until(&uri, '@');
	struct span authority = user.len == all.len ? all : uri;
	authority = text_until(&authority, ';');
	if (text_authority(authority, host) != HOST_NAME)
		host[0] = 0;
}

static void
facts(const struct head *h, struct app *app)
{
	struct span from = {0}, to = {0};

	(void)get(h, &required[1], &from);
	(void)get(h, &required[2], &to);
	from = user_of(from);
	to = user_of(to);
	app->protocol = is_gb28181(h, from, to) ? "gb28181" : "sip";
	learn_text(app, "id", from);
	head_copy(h, "User-Agent", app->banner, sizeof app->banner);
	if (h->is_reply) {
		app->http_status = h->status;
		return;
	}
	span_text(h->method, app->http_method, sizeof app->http_method);
	read_host(h->target, app->name);
	app->has_name = app->name[0] != 0;
}

static enum probe_result
message_read(struct cursor *c, struct head *ret)
{
	enum probe_result r = cursor_peek(c, 0) == 'S' && cursor_peek(c, 3) == '/' ? head_reply(c, versions, ret)
										    : head_request(c, versions, ret);
	if (r != PROBE_DONE)
		return r;
	bool uri = ret->is_reply || span_starts_nocase(ret->target, "sip:") || span_starts_nocase(ret->target, "sips:") ||
		   span_starts_nocase(ret->target, "tel:");
	return uri && fields_ok(ret) ? PROBE_DONE : PROBE_NO;
}

/* A datagram holds the whole body; some senders add an empty line that they do not count. */
static bool
body_fits(const struct head *h, size_t left)
{
	static const struct required length = {"Content-Length", "l"};
	struct span v;
	if (!get(h, &length, &v))
		return true;
	long n = text_number(v);
	return n >= 0 && (size_t)n <= left && left - (size_t)n <= 4;
}

/* Empty lines keep an address translation alive (RFC 5626, section 3.5.1). */
static bool
is_keepalive(struct cursor c)
{
	struct span s = cursor_rest(&c);
	return s.len && (span_equals(s, "\r\n\r\n") || span_equals(s, "\r\n") || (s.len <= 4 && span_starts(s, "jaK")));
}

/* All datagrams must be messages; the first message counts. */
static enum probe_result
datagrams(const struct probe_side *s, struct head *ret)
{
	bool any = false;
	for (size_t i = 0; i < s->n; i++) {
		struct cursor c = side_unit(s, i);
		struct head h;
		if (is_keepalive(c))
			continue;
		if (message_read(&c, &h) != PROBE_DONE || !body_fits(&h, cursor_left(&c)))
			return PROBE_NO;
		if (!any)
			*ret = h;
		any = true;
	}
	return any ? PROBE_DONE : PROBE_MORE;
}

static enum probe_result
direction(const struct probe_input *in, unsigned side, struct head *ret)
{
	struct cursor c = side_stream(in, side);
	if (in->l4 == IPPROTO_UDP)
		return datagrams(&in->side[side], ret);
	if (in->l4 != IPPROTO_TCP)
		return PROBE_NO;
	return cursor_left(&c) ? message_read(&c, ret) : PROBE_MORE;
}

static enum probe_result
sip_inspect(const struct probe_input *in, struct app *app)
{
	struct head client, server; /* filled only where DONE says so */
	enum probe_result to_server = direction(in, PROBE_TO_SERVER, &client);
	enum probe_result to_client = direction(in, PROBE_TO_CLIENT, &server);

	enum probe_result r = side_join(to_server, to_client);
	if (r == PROBE_DONE && to_server == PROBE_DONE)
		facts(&client, app);
	else if (r == PROBE_DONE && to_client == PROBE_DONE)
		facts(&server, app);
	return r;
}

const struct probe probe_sip = {
	"sip", 0, PROVES_EITHER, sip_inspect, "SIP by a whole head: method, server, user agent, caller",
};

const struct probe probe_gb28181 = {
	"gb28181", 0, PROVES_EITHER, probe_alias, "SIP of GB/T 28181 surveillance platforms: the device's 20-digit number",
};
