/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WS-Discovery: a SOAP envelope a datagram, in one of the discovery namespaces. Devices that ONVIF describes put their
 * model into a scope: onvif://www.onvif.org/hardware/MODEL.
 */
#include <netinet/in.h>
#include <string.h>

#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"

static const char *const namespaces[] = {
	"http://schemas.xmlsoap.org/ws/2005/04/discovery",
	"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01",
};

static const char hardware[] = "onvif://www.onvif.org/hardware/";

/* The last tag closes the envelope: </prefix:Envelope> */
static bool
ends_envelope(struct span s)
{
	struct span tag = s;
	if (s.len == 0 || s.p[s.len - 1] != '>')
		return false;
	while (s.len && s.p[s.len - 1] != '<')
		s.len--;
	tag = text_from(tag, s.len);
	return span_starts(tag, "/") && span_find(tag, "Envelope") >= 0;
}

/* Space, line ends and the C text's end, which some senders count. */
static struct span
without_trailing_space(struct span s)
{
	while (s.len && memchr(" \t\r\n", s.p[s.len - 1], 5))
		s.len--;
	return s;
}

/* XML begins after white space or a byte order mark. */
static bool
is_xml(struct span s)
{
	struct cursor c = cursor_span(s);
	if (cursor_starts(&c, "\xef\xbb\xbf", 3))
		cursor_skip(&c, 3);
	while (cursor_left(&c) && strchr(" \t\r\n", cursor_peek(&c, 0)) && cursor_peek(&c, 0))
		cursor_skip(&c, 1);
	if (cursor_peek(&c, 0) != '<')
		return false;
	return ends_envelope(s) && text_lines(s);
}

static bool
fits(struct cursor c)
{
	struct span s = without_trailing_space(cursor_rest(&c));
	if (!is_xml(s) || span_find(s, "Envelope") < 0)
		return false;
	for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
		if (span_find(s, namespaces[i]) >= 0)
			return true;
	return false;
}

/* The model from the first scope that has one; a scope ends at white space or a tag. */
static void
copy_hardware(const struct probe_side *side, struct app *app)
{
	for (size_t i = 0; i < side->n; i++) {
		struct cursor c = side_unit(side, i);
		struct span s = cursor_rest(&c);
		long at = span_find(s, hardware);
		if (at < 0)
			continue;
		s = text_from(s, (size_t)at + strlen(hardware));
		s = text_until(&s, '<');
		s = text_until(&s, '\n');
		s = text_until(&s, '\r');
		learn_text(app, "model", text_until(&s, ' '));
		return;
	}
}

static enum probe_result
wsdiscovery_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = side_datagrams(in, fits, fits);
	if (r != PROBE_DONE)
		return r;
	copy_hardware(&in->side[PROBE_TO_CLIENT], app);
	if (!app->detail[0])
		copy_hardware(&in->side[PROBE_TO_SERVER], app);
	app->protocol = "ws-discovery";
	return PROBE_DONE;
}

const struct probe probe_wsdiscovery = {
	"ws-discovery", IPPROTO_UDP, PROVES_EITHER, wsdiscovery_inspect, "WS-Discovery of ONVIF devices and printers: model",
};
