/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices say of themselves besides their protocols: LLDP, DHCP of relayed hosts, DHCPv6, SNMP, multicast DNS, MACs in identifiers. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/engine/sights.h"
#include "../../daemon/probe/lldp.h"
#include "../../daemon/probe/probes.h"
#include "bundle.h"
#include "diag.h"
#include "identity.h"

/* Hexadecimal digits with spaces, `text` as it is, z12: twelve zeroes. */
static size_t
bytes_of(const char *s, uint8_t *out)
{
	size_t n = 0;

	for (; *s; s++)
		if (*s == '`') {
			for (s++; *s != '`'; s++)
				out[n++] = (uint8_t)*s;
		} else if (*s == 'z') {
			size_t zeroes = strtoul(s + 1, (char **)&s, 10);
			memset(out + n, 0, zeroes);
			n += zeroes;
			s--;
		} else if (*s != ' ') {
			unsigned b;
			assert_int_equal(sscanf(s, "%2x", &b), 1);
			out[n++] = (uint8_t)b;
			s++;
		}
	return n;
}

static void
assert_span(struct span s, const char *text)
{
	if (!span_equals(s, text))
		fail_msg("%.*s is not %s", (int)s.len, (const char *)s.p, text);
}

/* ---- LLDP ---- */

#define CHASSIS "0207 04 4419b6000021 "
#define PORT "0405 05 `eth0` "
#define TTL "0602 0078 "

static void
lldp_whole(void **state)
{
	static const char frame[] = CHASSIS PORT TTL "0a05 `cam-1` 0c0b `Linux x.y.z` 0e04 0080 0080 fe0c 0012bb 09 `HIKVISIO` fe08 0012bb 0a `DS-2`"
				    "fe07 0012bb 08 `123` fe06 0012bb 07 `V5` 0000 z16";
	uint8_t in[512];
	struct lldp l;
	(void)state;

	assert_true(lldp_read((struct span){in, bytes_of(frame, in)}, &l));
	assert_true(l.has_mac && l.has_capabilities && l.capabilities == 0x80);
	assert_int_equal(l.mac.b[5], 0x21);
	assert_span(l.port, "eth0");
	assert_span(l.name, "cam-1");
	assert_span(l.description, "Linux x.y.z");
	assert_span(l.manufacturer, "HIKVISIO");
	assert_span(l.model, "DS-2");
	assert_span(l.serial, "123");
	assert_span(l.software, "V5");
	/* Cut anywhere, or with any byte another one, read from memory of that size exactly. */
	size_t n = bytes_of(frame, in);
	for (size_t at = 0; at < n; at++)
		for (unsigned v = 0; v < 256; v += 3) {
			uint8_t *copy = malloc(n);
			memcpy(copy, in, n);
			copy[at] = (uint8_t)v;
			(void)lldp_read((struct span){copy, n}, &l);
			free(copy);
			copy = malloc(at + 1);
			memcpy(copy, in, at);
			(void)lldp_read((struct span){copy, at}, &l);
			free(copy);
		}
}

static void
lldp_refused(void **state)
{
	static const struct {
		const char *what, *frame;
		bool good;
	} rows[] = {
		{"the three alone", CHASSIS PORT TTL, false},
		{"the three and the end", CHASSIS PORT TTL "0000", true},
		{"one more and no end", CHASSIS PORT TTL "0a01 `a`", true},
		{"another order", PORT CHASSIS TTL "0000", false},
		{"chassis twice", CHASSIS PORT TTL CHASSIS "0000", false},
		{"a MAC that is too short", "0203 04 4419 " PORT TTL "0000", false},
		{"a chassis without identifier", "0201 04 " PORT TTL "0000", false},
		{"a time of one byte", CHASSIS PORT "0601 00 0000", false},
		{"an end with a value", CHASSIS PORT TTL "0001 00", false},
		{"longer than the frame", CHASSIS PORT TTL "0a05 `ab`", false},
		{"capabilities of three bytes", CHASSIS PORT TTL "0e03 000000 0000", false},
		{"an organisation without subtype", CHASSIS PORT TTL "fe03 0012bb 0000", false},
		{"a name of 256 bytes", CHASSIS PORT TTL "0b00 z256 0000", false},
		{"a chassis by name", "0205 07 `cam1` " PORT TTL "0000", true},
		{"nothing", "", false},
	};
	uint8_t in[512];
	struct lldp l;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (lldp_read((struct span){in, bytes_of(rows[i].frame, in)}, &l) != rows[i].good)
			fail_msg("%s", rows[i].what);
}

/* A frame of the least TLVs: work is bounded by their number. */
static void
lldp_endless(void **state)
{
	uint8_t in[1500];
	struct lldp l;
	size_t n = bytes_of(CHASSIS PORT TTL, in);
	(void)state;

	for (; n + 2 <= sizeof in; n += 2)
		memcpy(in + n, "\x10\x00", 2); /* management address, empty */
	assert_false(lldp_read((struct span){in, n}, &l));
}

/* ---- probes ---- */

enum { UP = PROBE_TO_SERVER, DOWN = PROBE_TO_CLIENT };

static const struct said {
	const char *what;
	const struct probe *probe;
	uint16_t port;
	unsigned side;
	const char *bytes, *detail, *banner;
} said[] = {
	{"DHCP on the own link", &probe_dhcp, 67, UP, "01010600 z24 4419b6000021 z10 z192 63825363 350103 3204 0a140015 0c03 `cam` ff", "name=cam", ""},
	{"DHCP relayed, a request", &probe_dhcp, 67, UP, "01010601 z20 0a140001 4419b6000021 z10 z192 63825363 350103 3204 0a140015 3c04 `udhc` 0c03 `cam` ff",
	 "relay=10.20.0.1; mac=44:19:b6:00:00:21; address=10.20.0.21; name=cam", "udhc"},
	{"DHCP relayed, a wish only", &probe_dhcp, 67, UP, "01010601 z20 0a140001 4419b6000021 z10 z192 63825363 350101 3204 0a140015 ff",
	 "relay=10.20.0.1; mac=44:19:b6:00:00:21", ""},
	{"DHCP relayed, with an address", &probe_dhcp, 67, UP, "01010601 z8 0a140016 z8 0a140001 4419b6000021 z10 z192 63825363 350103 ff",
	 "relay=10.20.0.1; mac=44:19:b6:00:00:21; address=10.20.0.22", ""},
	{"DHCPv6, LL, name and class", &probe_dhcpv6, 547, UP,
	 "01a1b2c3 0001 000a 0003 0001 4419b6000021 0027 0006 00 03 `cam` 00 0010 000a 00009d0d 0004 `DS-2`", "mac=44:19:b6:00:00:21; name=cam", "DS-2"},
	{"DHCPv6, LLT", &probe_dhcpv6, 547, UP, "01a1b2c3 0001 000e 0001 0001 11223344 4419b6000021", "mac=44:19:b6:00:00:21", ""},
	{"DHCPv6, a DUID without a MAC", &probe_dhcpv6, 547, UP, "01a1b2c3 0001 000a 0002 00009d0d 01020304", "", ""},
	{"DHCPv6, not Ethernet", &probe_dhcpv6, 547, UP, "01a1b2c3 0001 000a 0003 0006 4419b6000021", "", ""},
	{"DHCPv6, a class cut short", &probe_dhcpv6, 547, UP, "01a1b2c3 0001 000a 0003 0001 4419b6000021 0010 0006 00009d0d 0009", "mac=44:19:b6:00:00:21", ""},
	{"DHCPv6, relayed", &probe_dhcpv6, 547, UP, "0c00 z16 z16 0009 0012 01a1b2c3 0001 000a 0003 0001 4419b6000021", "mac=44:19:b6:00:00:21", ""},
	{"DHCPv6, a server's words", &probe_dhcpv6, 546, UP, "02a1b2c3 0001 000a 0003 0001 4419b6000021 0002 000a 0003 0001 4419b6000022", "", ""},
	{"SNMP, the system's description", &probe_snmp, 161, DOWN,
	 "302d 020101 0406 `public` a220 020101 020100 020100 3015 3013 06082b06010201010100 0407 `Canon X`", "", "Canon X"},
	{"SNMP, another value", &probe_snmp, 161, DOWN, "302d 020101 0406 `public` a220 020101 020100 020100 3015 3013 06082b06010201010500 0407 `Canon X`", "", ""},
	{"SNMP, a question", &probe_snmp, 161, UP, "3026 020101 0406 `public` a019 020101 020100 020100 300e 300c 06082b06010201010100 0500", "", ""},
};

static void
probes_learn(void **state)
{
	uint8_t in[1024];
	(void)state;

	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		struct span unit = {in, bytes_of(said[i].bytes, in)};
		struct probe_input input = {.l4 = IPPROTO_UDP, .port = said[i].port};
		struct app app = {0};
		input.side[said[i].side] = (struct probe_side){&unit, 1, true};
		if (said[i].probe->inspect(&input, &app) != PROBE_DONE)
			fail_msg("%s: not recognised", said[i].what);
		if (strcmp(app.detail, said[i].detail) != 0 || strcmp(app.banner, said[i].banner) != 0)
			fail_msg("%s: %s / %s", said[i].what, app.detail, app.banner);
	}
}

/* ---- sights ---- */

static void
macs(void **state)
{
	static const struct {
		const char *protocol, *detail, *payload, *mac;
		bool derived;
	} rows[] = {
		{"sadp", "serial=1; mac=44-19-b6-00-00-21", "", "44:19:b6:00:00:21", false},
		{"dhip", "mac=4419b6000021", "", "44:19:b6:00:00:21", false},
		{"dhcpv6", "mac=44:19:b6:00:00:21", "", "44:19:b6:00:00:21", true},
		{"ws-discovery", "", "<a:Address>urn:uuid:5ec00002-5a00-7d3d-8d26-4419b6000021</a:Address>", "44:19:b6:00:00:21", true},
		{"ws-discovery", "", "<a:Address>urn:uuid:5ec00002-5a00-7d3d-8d26-4419b600002</a:Address>", "", false},
		{"ws-discovery", "", "<a:Address>urn:uuid:5ec00002-5a00-7d3d-8d26-4419b600002g</a:Address>", "", false},
		{"mdns", "", "\x17macaddress=ACCC8E000021", "ac:cc:8e:00:00:21", true},
		{"mdns", "", "\x09macaddress=ACCC8E000021", "", false},
		{"sadp", "mac=none", "", "", false},
		{NULL, "", "", "", false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct app app = {.protocol = rows[i].protocol};
		const struct span payload = {(const uint8_t *)rows[i].payload, strlen(rows[i].payload)};
		struct mac mac;
		char text[MAC_TEXT] = "";
		bool derived = false;
		strcpy(app.detail, rows[i].detail);
		bool any = sights_mac(&app, payload, &mac, &derived);
		if (any)
			mac_print(&mac, text);
		if (strcmp(text, rows[i].mac) != 0 || (any && derived != rows[i].derived))
			fail_msg("row %zu: %s", i, text);
	}
}

static void
strings(void **state)
{
	static const char txt[] = "..\x05md=\x01x\x0amd=Welcome\x10manufacturer=Eve\x40md=longer than it is";
	const struct span payload = {(const uint8_t *)txt, sizeof txt - 1};
	(void)state;

	assert_span(sights_txt(payload, "md="), "Welcome");
	assert_span(sights_txt(payload, "manufacturer="), "Eve");
	assert_int_equal(sights_txt(payload, "model=").len, 0);
	assert_int_equal(sights_txt((struct span){0}, "md=").len, 0);
	assert_int_equal(sights_txt((struct span){(const uint8_t *)"md=x", 4}, "md=").len, 0);
}

struct seen {
	char text[512];
};

static void
see(void *arg, enum channel channel, struct span text)
{
	struct seen *s = arg;
	size_t used = strlen(s->text);

	if (text.len)
		snprintf(s->text + used, sizeof s->text - used, "%s=%.*s\n", channel_names[channel], (int)text.len, (const char *)text.p);
}

/* What it sends as a client is its software's habit; what a client of it sends says nothing of it. */
static void
habits(void **state)
{
	struct app app = {.protocol = "tls"};
	struct seen s = {""};
	(void)state;

	strcpy(app.ja4, "t13d1516h2_8daaf6152771_b186095e22b6");
	sights_app(&app, false, see, &s);
	assert_string_equal(s.text, "ja4=t13d1516h2_8daaf6152771_b186095e22b6\n");
	s.text[0] = 0;
	sights_app(&app, true, see, &s);
	assert_string_equal(s.text, "protocol=tls\n");
	assert_false(channel_answers(CHANNEL_JA4));
}

/* ---- identity ---- */

static struct catalogue *
shipped(void)
{
	static const char policy[] = "version: 1\n";
	struct diags diags = {0};
	char *failed = NULL;
	struct bundle *b = bundle_from_text("t.yaml", policy, sizeof policy - 1);

	assert_true(bundle_add_catalogue(b, &failed));
	struct catalogue *c = catalogue_new(b, &diags);
	assert_non_null(c);
	diags_free(&diags);
	bundle_free(b);
	return c;
}

/* A maker's own name, long or abbreviated, is no label that hides it. */
static void
own_names(void **state)
{
	static const char *const notes[] = {"its own name", "own brand", "house brand", "covered entity", "subsidiary"};
	struct catalogue *c = shipped();
	const struct brand_row *rows;
	size_t n = catalogue_brands(c, &rows), own = 0;
	(void)state;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof notes / sizeof *notes; k++)
			if (rows[i].maker != MAKER_UNKNOWN && strncmp(rows[i].note, notes[k], strlen(notes[k])) == 0) {
				own++;
				if (!label_names(c, rows[i].maker, rows[i].brand))
					fail_msg("%s is taken for a label", rows[i].brand);
			}
	assert_true(own > 90);
	assert_true(label_names(c, catalogue_maker(c, "hikvision"), "HIK"));
	assert_true(label_names(c, catalogue_maker(c, "dahua"), "DH"));
	assert_true(label_names(c, catalogue_maker(c, "uniview"), "UNV"));
	assert_false(label_names(c, catalogue_maker(c, "hikvision"), "UNV"));
	assert_false(label_names(c, catalogue_maker(c, "hikvision"), "LTS"));
	catalogue_unref(c);
}

/* The MAC that was announced is known again when its row comes back from the store. */
static void
announced_mac(void **state)
{
	struct catalogue *c = shipped();
	struct identity *w = identity_new();
	struct evidence ev = {.maker = catalogue_maker(c, "hikvision"), .channel = EVIDENCE_OUI, .weight = 50, .last_us = 7};
	(void)state;

	strcpy(ev.pattern, "44:19:b6:00:00:00/24");
	strcpy(ev.excerpt, "44:19:b6:00:00:21 Hangzhou");
	identity_add(w, c, &ev);
	assert_false(w->has_mac);
	strcpy(ev.pattern, "announced 44:19:b6:00:00:00/24");
	strcpy(ev.excerpt, "nonsense");
	identity_add(w, c, &ev);
	assert_false(w->has_mac);
	strcpy(ev.pattern, "announced 44:19:b6:00:00:20/28");
	strcpy(ev.excerpt, "44:19:b6:00:00:21 Hangzhou");
	identity_add(w, c, &ev);
	assert_true(w->has_mac && w->mac.b[5] == 0x21 && w->mac_us == 7);
	assert_int_equal(identity_maker(w), MAKER_UNKNOWN);
	assert_int_equal(identity_score(w), 50); /* one family, a hint */
	identity_free(w);
	catalogue_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lldp_whole),	cmocka_unit_test(lldp_refused), cmocka_unit_test(lldp_endless), cmocka_unit_test(probes_learn),
		cmocka_unit_test(macs),		cmocka_unit_test(strings),	cmocka_unit_test(habits),	cmocka_unit_test(own_names),
		cmocka_unit_test(announced_mac),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
