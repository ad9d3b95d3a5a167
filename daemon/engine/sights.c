/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts for the catalogue; see sights.h. A channel more is a row or a few lines here. */
#include "sights.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../probe/field.h"
#include "addr.h"
#include "names.h"

enum {
	LOOK = 1024,	   /* bytes of a payload that are looked at: what catalogue_match() compares */
	TOKENS = 16,	   /* scopes, namespaces and names of one document */
	ANSWER_MAX = 6144, /* of an answer's bytes: a page's head, or a certificate */
};

struct span
sights_detail(const struct app *app, const char *key)
{
	struct span all = {(const uint8_t *)app->detail, strlen(app->detail)};
	size_t n = strlen(key);

	while (all.len) {
		struct span one = field_until(all, "; ");
		if (one.len > n && memcmp(one.p, key, n) == 0 && one.p[n] == '=')
			return field_rest(one, n + 1);
		all = field_rest(all, one.len + 2);
	}
	return (struct span){0};
}

/* A field of struct app: whose word it is, and in which channel. */
static const struct app_sight {
	const char *protocol;
	size_t offset;
	enum channel channel;
	bool client; /* also, or only, where the camera is the client */
} app_sights[] = {
	{"http", offsetof(struct app, http_server), CHANNEL_HTTP_SERVER, false},
	{"http", offsetof(struct app, http_realm), CHANNEL_HTTP_REALM, false},
	{"onvif", offsetof(struct app, http_server), CHANNEL_HTTP_SERVER, false},
	{"onvif", offsetof(struct app, http_realm), CHANNEL_HTTP_REALM, false},
	{"websocket", offsetof(struct app, http_server), CHANNEL_HTTP_SERVER, false},
	{"rtsp", offsetof(struct app, http_server), CHANNEL_RTSP_SERVER, false},
	{"rtsp", offsetof(struct app, http_realm), CHANNEL_RTSP_REALM, false},
	{"tls", offsetof(struct app, tls_subject), CHANNEL_TLS_SUBJECT, false},
	{"tls", offsetof(struct app, tls_issuer), CHANNEL_TLS_ISSUER, false},
	{"ftp", offsetof(struct app, banner), CHANNEL_FTP_BANNER, false},
	{"telnet", offsetof(struct app, banner), CHANNEL_TELNET_BANNER, false},
	{"ssdp", offsetof(struct app, banner), CHANNEL_SSDP_SERVER, false},
	{"sip", offsetof(struct app, banner), CHANNEL_SIP_UA, true},
	{"gb28181", offsetof(struct app, banner), CHANNEL_SIP_UA, true},
	{"dhcp", offsetof(struct app, banner), CHANNEL_DHCP_VENDOR_CLASS, true},
	{"dhcp", offsetof(struct app, banner), CHANNEL_DHCP_VENDOR_CLASS, false}, /* its announcement */
	{"dhcpv6", offsetof(struct app, banner), CHANNEL_DHCP_VENDOR_CLASS, true},
	{"dhcpv6", offsetof(struct app, banner), CHANNEL_DHCP_VENDOR_CLASS, false},
	{"snmp", offsetof(struct app, banner), CHANNEL_SNMP_SYSDESCR, false},
};

/* What a device speaks as a client because of who made it. Whoever opens a vendor's SDK port is a recorder or a program of anybody's. */
static bool
is_own_as_client(const char *protocol)
{
	static const char *const own[] = {"isup", "ezviz", "dahua-autoreg", "dahua-p2p", "pppp", "tutk", "tuya", "gb28181", "miio", "sip"};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(own[i], protocol) == 0)
			return true;
	return false;
}

static struct span
text_span(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static bool
answered_well(const struct app *app)
{
	return app->http_status / 100 == 2 || app->http_status == 401;
}

void
sights_app(const struct app *app, bool serves, sight_visit *visit, void *arg)
{
	if (!app->protocol)
		return;
	if (serves || is_own_as_client(app->protocol))
		visit(arg, CHANNEL_PROTOCOL, text_span(app->protocol));
	for (size_t i = 0; i < sizeof app_sights / sizeof *app_sights; i++) {
		const struct app_sight *s = &app_sights[i];
		const char *text = (const char *)app + s->offset;
		if (*text && s->client != serves && strcmp(s->protocol, app->protocol) == 0)
			visit(arg, s->channel, text_span(text));
	}
	if (serves && answered_well(app) && app->http_path[0])
		visit(arg, strcmp(app->protocol, "rtsp") == 0 ? CHANNEL_RTSP_PATH : CHANNEL_HTTP_PATH, text_span(app->http_path));
	if (!serves && app->ja4[0])
		visit(arg, CHANNEL_JA4, text_span(app->ja4));
	visit(arg, CHANNEL_MODEL, sights_detail(app, "model"));
}

/* Each token of doc that begins with `mark`, up to white space or markup. */
static void
visit_tokens(struct span doc, const char *mark, enum channel channel, sight_visit *visit, void *arg)
{
	for (unsigned n = 0; n < TOKENS; n++) {
		long at = span_find(doc, mark);
		if (at < 0)
			return;
		struct span rest = field_rest(doc, (size_t)at);
		size_t len = 0;
		while (len < rest.len && rest.p[len] > ' ' && !strchr("<>\"'", rest.p[len]))
			len++;
		visit(arg, channel, field_bytes(rest, 0, len));
		doc = field_rest(rest, len > 0 ? len : 1);
	}
}

struct span
sights_element(struct span doc, const char *name)
{
	size_t n = strlen(name);

	for (unsigned tries = 0; tries < TOKENS; tries++) {
		long at = span_find(doc, name);
		if (at < 0)
			return (struct span){0};
		uint8_t before = at > 0 ? doc.p[at - 1] : 0;
		struct span rest = field_rest(doc, (size_t)at + n);
		if ((before == '<' || before == ':') && field_u8(rest, 0) == '>' && span_find(rest, "<") >= 0)
			return span_trim(field_until(field_rest(rest, 1), "<"));
		doc = rest;
	}
	return (struct span){0};
}

static struct span
first(struct span s, size_t n)
{
	return s.len > n ? field_bytes(s, 0, n) : s;
}

static void
visit_document(struct span doc, sight_visit *visit, void *arg)
{
	if (!doc.len)
		return;
	visit(arg, CHANNEL_HTTP_BODY, first(doc, LOOK));
	visit(arg, CHANNEL_HTTP_TITLE, first(span_trim(field_until(field_after(doc, "<title>"), "<")), LOOK));
	visit_tokens(doc, "http://", CHANNEL_XML_NAMESPACE, visit, arg);
	visit_tokens(doc, "onvif://", CHANNEL_ONVIF_SCOPE, visit, arg);
	visit(arg, CHANNEL_MODEL, sights_element(doc, "Model"));
	visit(arg, CHANNEL_MODEL, sights_element(doc, "model"));
}

/* The head of an answer, and what follows it. */
static void
visit_answer(const struct app *app, struct span own, sight_visit *visit, void *arg)
{
	bool rtsp = strcmp(app->protocol, "rtsp") == 0;
	struct cursor c = field_cursor(field_until(own, "\r\n\r\n"));
	struct span line;

	if (!span_starts(own, rtsp ? "RTSP/" : "HTTP/"))
		return;
	visit(arg, rtsp ? CHANNEL_RTSP_HEADER : CHANNEL_HTTP_HEADERS, first(own, LOOK));
	while (cursor_line(&c, LOOK, &line) || (line = cursor_rest(&c)).len) {
		if (rtsp && span_starts_nocase(line, "Public:"))
			visit(arg, CHANNEL_RTSP_OPTIONS, line);
		if (!rtsp && span_starts_nocase(line, "Set-Cookie:"))
			visit(arg, CHANNEL_HTTP_COOKIE, span_trim(field_rest(line, strlen("Set-Cookie:"))));
	}
	if (!rtsp)
		visit_document(first(field_after(own, "\r\n\r\n"), ANSWER_MAX), visit, arg);
}

struct span
sights_txt(struct span payload, const char *key)
{
	size_t n = strlen(key);

	for (unsigned tries = 0; tries < TOKENS; tries++) {
		long at = span_find(payload, key);
		if (at < 0)
			return (struct span){0};
		/* The string's length stands in front of it: that, and no control bytes, tell it from what only looks like it. */
		size_t len = at > 0 ? payload.p[at - 1] : 0;
		struct span value = len > n ? field_bytes(payload, (size_t)at + n, len - n) : (struct span){0};
		if (value.len && field_printable(value))
			return value;
		payload = field_rest(payload, (size_t)at + n);
	}
	return (struct span){0};
}

/* The last group of a UUID, twelve digits, in which many makers put the MAC. */
static bool
mac_of_digits(struct span s, struct mac *ret)
{
	char text[MAC_TEXT + 1]; /* one more ":" behind it, cut off again */

	if (s.len != 12)
		return false;
	for (size_t i = 0; i < 6; i++)
		snprintf(text + i * 3, 4, "%c%c:", s.p[i * 2], s.p[i * 2 + 1]);
	text[MAC_TEXT - 1] = 0;
	return mac_parse(text, ret);
}

bool
sights_mac(const struct app *app, struct span payload, struct mac *ret, bool *ret_derived)
{
	static const char mark[] = "urn:uuid:";
	struct span said = sights_detail(app, "mac"), uuid;
	char text[MAC_TEXT];

	/* The one in a DUID is of any of its interfaces, and of when it was made. */
	*ret_derived = app->protocol && strcmp(app->protocol, "dhcpv6") == 0;
	span_text(said, text, sizeof text);
	if (said.len == MAC_TEXT - 1 && mac_parse(text, ret))
		return true;
	if (said.len == 12 && mac_of_digits(said, ret))
		return true;
	*ret_derived = true;
	if (!app->protocol)
		return false;
	if (strcmp(app->protocol, "mdns") == 0)
		return mac_of_digits(sights_txt(payload, "macaddress="), ret);
	if (strcmp(app->protocol, "ws-discovery") != 0)
		return false;
	uuid = sights_element(payload, "Address");
	return span_starts(uuid, mark) && uuid.len == strlen(mark) + 36 && mac_of_digits(field_rest(uuid, uuid.len - 12), ret);
}

/* Names of services, as a catalogue writes them: _axis-video._tcp */
static void
visit_service(struct span service, struct span model, char *both, size_t cap, sight_visit *visit, void *arg)
{
	visit(arg, CHANNEL_MDNS_SERVICE, service);
	if (!model.len)
		return;
	/* Rows may ask for the model of a service: "_hap._tcp md=Welcome". */
	size_t n = span_text(service, both, cap - 8);
	n += (size_t)snprintf(both + n, cap - n, " md=");
	n += span_text(model, both + n, cap - n);
	visit(arg, CHANNEL_MDNS_SERVICE, (struct span){(const uint8_t *)both, n});
}

static void
visit_mdns(struct span payload, sight_visit *visit, void *arg)
{
	static struct dns_message m; /* 18 KiB; one thread */
	struct span model = sights_txt(payload, "md=");
	char both[192];

	if (!dns_parse(payload, &m) || !m.response)
		return;
	for (size_t i = 0; i < m.n && i < TOKENS; i++) {
		struct span name = text_span(m.record[i].name);
		long at = span_find(name, "._tcp.local");
		if (at < 0)
			continue;
		name.len = (size_t)at + strlen("._tcp");
		for (size_t k = name.len; k-- > 0;) /* "Front door._axis-video._tcp" */
			if (name.p[k] == '_' && (k == 0 || name.p[k - 1] == '.') && !span_starts(field_rest(name, k), "_tcp"))
				visit_service(field_rest(name, k), model, both, sizeof both, visit, arg);
	}
	visit(arg, CHANNEL_MODEL, model);
}

static void
visit_wsd(struct span payload, sight_visit *visit, void *arg)
{
	visit(arg, CHANNEL_WSD_TEMPLATE, first(payload, LOOK));
	visit(arg, CHANNEL_WSD_UUID, sights_element(payload, "Address"));
	visit_tokens(payload, "onvif://", CHANNEL_ONVIF_SCOPE, visit, arg);
}

void
sights_bytes(const struct app *app, uint8_t l4, struct span own, bool serves, sight_visit *visit, void *arg)
{
	const char *protocol = app->protocol ? app->protocol : "";

	if (!own.len || (!serves && !is_own_as_client(protocol)))
		return;
	visit(arg, l4 == IPPROTO_TCP ? CHANNEL_TCP_PAYLOAD : CHANNEL_UDP_PAYLOAD, first(own, LOOK));
	if (l4 == IPPROTO_TCP && serves)
		visit(arg, CHANNEL_STREAM, first(own, LOOK));
	if (strcmp(protocol, "sadp") == 0)
		visit(arg, CHANNEL_SADP, first(own, LOOK));
	else if (strcmp(protocol, "dhip") == 0)
		visit(arg, CHANNEL_DHIP, first(field_rest(own, 32), LOOK));
	else if (strcmp(protocol, "gb28181") == 0)
		visit(arg, CHANNEL_GB28181, first(own, LOOK));
	else if (strcmp(protocol, "mdns") == 0)
		visit_mdns(own, visit, arg);
	else if (strcmp(protocol, "ws-discovery") == 0)
		visit_wsd(own, visit, arg);
	else if (serves && l4 == IPPROTO_TCP && *protocol)
		visit_answer(app, own, visit, arg);
}

bool
sights_tells(const struct app *app, struct span payload)
{
	static const struct {
		const char *protocol, *mark;
		bool starts;
	} rows[] = {
		{"sadp", "<ProbeMatch>", false}, {"ws-discovery", "ProbeMatch", false}, {"ws-discovery", ":Hello", false},
		{"ssdp", "HTTP/", true},	 {"ssdp", "NOTIFY ", true},		{"dhip", "notifyDevInfo", false},
		{"dhip", "deviceInfo", false},	 {"dahua-discovery", "\xb3", true},	{"dhcp", "\x01", true},
	};
	bool ruled = false;

	if (!app->protocol)
		return false;
	if (strcmp(app->protocol, "mdns") == 0)
		return (field_u16(payload, 2) & 0x8000) != 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(rows[i].protocol, app->protocol) != 0)
			continue;
		ruled = true;
		if (rows[i].starts ? span_starts(payload, rows[i].mark) : span_find(first(payload, 2048), rows[i].mark) >= 0)
			return true;
	}
	return !ruled && app->detail[0]; /* who searches has nothing to say of itself */
}

bool
sights_more(const struct app *app, const struct probe_input *in)
{
	const struct probe_side *answer = &in->side[PROBE_TO_CLIENT];
	size_t have = answer->n ? answer->units[0].len : 0;

	if (!app->protocol || answer->ended || have > ANSWER_MAX)
		return false;
	if (have == 0)
		return true;
	if (in->l4 != IPPROTO_TCP)
		return false;
	if (strcmp(app->protocol, "tls") == 0)
		return app->tls_version < 0x0304 && !app->tls_certificate;
	if (strcmp(app->protocol, "http") != 0 && strcmp(app->protocol, "onvif") != 0)
		return strcmp(app->protocol, "rtsp") == 0 && app->http_status == 0;
	if (app->http_status == 0)
		return true;
	/* A page's beginning comes with its head, or in the packet behind it. */
	bool empty = app->http_status == 204 || app->http_status == 304 || span_find(answer->units[0], "Content-Length: 0\r\n") >= 0;
	return !empty && field_after(answer->units[0], "\r\n\r\n").len == 0;
}

bool
sights_banner_is_firmware(const struct app *app)
{
	return app->protocol && app->banner[0] && (strcmp(app->protocol, "sadp") == 0 || strcmp(app->protocol, "dhip") == 0);
}

bool
sights_is_label(struct span label)
{
	static const char *const nobody[] = {"General", "Private", "OEM", "IPC", "NVR", "DVR", "IPCamera", "IP Camera", "Network Camera", "N/A", "unknown", "none"};

	for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++)
		if (span_equals_nocase(label, nobody[i]))
			return false;
	return label.len > 1;
}
