/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices announce of themselves, cut into the catalogue's channels, whole and broken. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/engine/sights.h"

struct seen {
	char text[8192];
};

static void
see(void *arg, enum channel channel, struct span text)
{
	struct seen *s = arg;
	size_t used = strlen(s->text);

	if (text.len && channel != CHANNEL_UDP_PAYLOAD && channel != CHANNEL_TCP_PAYLOAD)
		snprintf(s->text + used, sizeof s->text - used, "%s=%.*s\n", channel_names[channel], (int)text.len, (const char *)text.p);
}

/* From memory of that size exactly, for the sanitizers. */
static void
announce(const char *protocol, const void *bytes, size_t len, struct seen *ret)
{
	struct app app = {.protocol = protocol};
	uint8_t *exact = malloc(len ? len : 1);

	memcpy(exact, bytes, len);
	ret->text[0] = 0;
	sights_bytes(&app, IPPROTO_UDP, (struct span){exact, len}, true, see, ret);
	free(exact);
}

/* ---- multicast DNS ---- */

enum { TYPE_TXT = 16, TYPE_PTR = 12 };

struct message {
	uint8_t bytes[512];
	size_t len;
};

static void
put_name(struct message *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");
		m->bytes[m->len++] = (uint8_t)n;
		memcpy(m->bytes + m->len, name, n);
		m->len += n;
		name += n + (name[n] == '.');
	}
	m->bytes[m->len++] = 0;
}

static void
put_u16(struct message *m, unsigned v)
{
	m->bytes[m->len++] = (uint8_t)(v >> 8);
	m->bytes[m->len++] = (uint8_t)v;
}

static void
begin(struct message *m, bool response, unsigned answers)
{
	m->len = 0;
	put_u16(m, 0);
	put_u16(m, response ? 0x8400 : 0);
	put_u16(m, 0);
	put_u16(m, answers);
	put_u16(m, 0);
	put_u16(m, 0);
}

static void
put_head(struct message *m, const char *name, unsigned type)
{
	put_name(m, name);
	put_u16(m, type);
	put_u16(m, 1);
	put_u16(m, 0);
	put_u16(m, 120);
}

static void
put_pointer(struct message *m, const char *name, const char *to)
{
	put_head(m, name, TYPE_PTR);
	size_t at = m->len;
	put_u16(m, 0);
	put_name(m, to);
	m->bytes[at + 1] = (uint8_t)(m->len - at - 2);
}

static void
put_text(struct message *m, const char *name, const char *text)
{
	size_t n = strlen(text);

	put_head(m, name, TYPE_TXT);
	put_u16(m, (unsigned)n + 1);
	m->bytes[m->len++] = (uint8_t)n;
	memcpy(m->bytes + m->len, text, n);
	m->len += n;
}

static void
services(void **state)
{
	struct message m;
	struct seen s;
	(void)state;

	begin(&m, true, 2);
	put_pointer(&m, "_axis-video._tcp.local", "Front door._axis-video._tcp.local");
	put_pointer(&m, "_services._dns-sd._udp.local", "_axis-video._tcp.local");
	announce("mdns", m.bytes, m.len, &s);
	assert_non_null(strstr(s.text, "mdns-service=_axis-video._tcp\n"));
	assert_null(strstr(s.text, "_services"));
	assert_null(strstr(s.text, " md="));

	begin(&m, true, 1);
	put_text(&m, "Welcome._hap._tcp.local", "md=Welcome");
	announce("mdns", m.bytes, m.len, &s);
	assert_string_equal(s.text, "mdns-service=_hap._tcp\nmdns-service=_hap._tcp md=Welcome\nmodel=Welcome\n");

	m.bytes[2] = 0; /* the same as a question: whoever asks does not tell of itself */
	announce("mdns", m.bytes, m.len, &s);
	assert_string_equal(s.text, "");
}

/* Names and models as long as they may be do not leave their places. */
static void
long_services(void **state)
{
	struct message m;
	struct seen s;
	char model[256] = "md=", name[300] = "";
	(void)state;

	memset(model + 3, 'M', 200);
	model[203] = 0;
	for (int i = 0; i < 3; i++) {
		strcat(name, "_");
		memset(name + strlen(name), 'a' + i, 60);
		strcat(name, ".");
	}
	strcat(name, "_tcp.local");
	begin(&m, true, 1);
	put_text(&m, name, model);
	announce("mdns", m.bytes, m.len, &s);
	assert_non_null(strstr(s.text, "mdns-service=_ccc"));
	assert_non_null(strstr(s.text, " md=M"));
	for (const char *line = s.text; *line; line = strchr(line, '\n') + 1)
		assert_in_range(strcspn(line, "\n"), 1, strlen("mdns-service=") + 220);
}

static void
broken_services(void **state)
{
	struct message m;
	struct seen s;
	(void)state;

	begin(&m, true, 1);
	put_text(&m, "Welcome._hap._tcp.local", "md=Welcome");
	for (size_t len = 0; len < m.len; len++)
		announce("mdns", m.bytes, len, &s);
	for (size_t at = 0; at < m.len; at++)
		for (unsigned v = 0; v < 256; v += 5) {
			struct message other = m;
			other.bytes[at] = (uint8_t)v;
			announce("mdns", other.bytes, other.len, &s);
			assert_true(strlen(s.text) < 2048);
		}
}

/* ---- WS-Discovery, SADP and their like ---- */

static void
discovery(void **state)
{
	static const char match[] = "<d:ProbeMatch><a:Address>urn:uuid:5ec00002-5a00-7d3d-8d26-4419b6000021</a:Address>"
				    "<d:Scopes>onvif://www.onvif.org/hardware/DS-2CD onvif://www.onvif.org/name/Door\"x</d:Scopes></d:ProbeMatch>";
	struct seen s;
	char want[1024];
	(void)state;

	announce("ws-discovery", match, sizeof match - 1, &s);
	snprintf(want, sizeof want,
		 "wsd-template=%s\nwsd-uuid=urn:uuid:5ec00002-5a00-7d3d-8d26-4419b6000021\n"
		 "onvif-scope=onvif://www.onvif.org/hardware/DS-2CD\nonvif-scope=onvif://www.onvif.org/name/Door\n",
		 match);
	assert_string_equal(s.text, want);
	for (size_t len = 0; len < sizeof match; len++)
		announce("ws-discovery", match, len, &s);
}

/* A device that repeats itself without end is heard to a bound. */
static void
endless(void **state)
{
	static char doc[6000];
	struct seen s;
	unsigned scopes = 0;
	(void)state;

	for (size_t n = 0; n + 16 < sizeof doc;)
		n += (size_t)snprintf(doc + n, sizeof doc - n, "onvif://a/%03zu ", n % 1000);
	announce("ws-discovery", doc, strlen(doc), &s);
	for (const char *at = s.text; (at = strstr(at, "\nonvif-scope=")); at++)
		scopes++;
	assert_in_range(scopes, 8, 16);
	const char *end = strchr(s.text, '\n');
	assert_in_range(end - s.text, 1024, 1024 + sizeof "wsd-template=");
	assert_int_equal(sights_element((struct span){(const uint8_t *)doc, strlen(doc)}, "a").len, 0);
}

static void
by_protocol(void **state)
{
	static const struct {
		const char *protocol, *bytes, *seen;
	} rows[] = {
		{"sadp", "<ProbeMatch><DeviceType>1</DeviceType>", "sadp-field=<ProbeMatch><DeviceType>1</DeviceType>\n"},
		{"dhip", "01234567890123456789012345678901{\"mac\":\"x\"}", "dhip-field={\"mac\":\"x\"}\n"},
		{"dhip", "short", ""},
		{"gb28181", "REGISTER sip:34", "gb28181=REGISTER sip:34\n"},
		{"ntp", "anything", ""},
		{NULL, "anything", ""},
	};
	struct seen s;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		announce(rows[i].protocol, rows[i].bytes, strlen(rows[i].bytes), &s);
		assert_string_equal(s.text, rows[i].seen);
	}
}

/* Of a question to others nothing is learnt. */
static void
who_tells(void **state)
{
	static const struct {
		const char *protocol, *payload;
		bool tells;
	} rows[] = {
		{"ws-discovery", "<d:ProbeMatches>", true},   {"ws-discovery", "<d:Probe>", false},	{"ws-discovery", "<d:Hello>", true},
		{"ssdp", "NOTIFY * HTTP/1.1", true},	      {"ssdp", "M-SEARCH * HTTP/1.1", false},	{"sadp", "<Probe>inquiry", false},
		{"mdns", "\x01\x01\x84\x01", true},	      {"mdns", "\x01\x01\x01\x01", false},	{"mdns", "", false},
		{"dhcp", "\x01\x01", true},		      {"dhcp", "\x02\x01", false},		{NULL, "NOTIFY ", false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct app app = {.protocol = rows[i].protocol};
		const struct span payload = {(const uint8_t *)rows[i].payload, strlen(rows[i].payload)};
		if (sights_tells(&app, payload) != rows[i].tells)
			fail_msg("%s: %s", rows[i].protocol, rows[i].payload);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services), cmocka_unit_test(long_services), cmocka_unit_test(broken_services), cmocka_unit_test(discovery),
		cmocka_unit_test(endless),  cmocka_unit_test(by_protocol),   cmocka_unit_test(who_tells),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
