/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lenscap vet asks and what it makes of answers: every question is what it says it is and carries no secret; no answer can lie about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/vet_ask.c"
#include "../../cli/vet_learn.c"
#include "bundle.h"
#include "diag.h"
#include "policy.h"

static struct policy *policy;
static const struct catalogue *catalogue;

static int
set_up(void **state)
{
	static const char text[] = "version: 1\nmode: monitor\nfail: open\nzones: {cameras: {interfaces: [cam0]}}\ndefault: {action: allow, alert: none}\n";
	struct bundle *b = bundle_from_text("test", text, sizeof text - 1);
	struct diags diags = {0};
	char *file = NULL;

	(void)state;
	bool ok = b && probe_start() && bundle_add_catalogue(b, &file);
	policy = ok ? policy_load(b, &diags) : NULL;
	diags_print(&diags, stderr, false);
	diags_free(&diags);
	bundle_free(b);
	free(file);
	catalogue = policy ? policy_catalogue(policy) : NULL;
	return catalogue && catalogue_rows(catalogue) > 1000 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	policy_free(policy);
	return 0;
}

static const struct vet_question *
question(const char *name, uint16_t port)
{
	size_t n;
	const struct vet_question *q = vet_questions(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(q[i].name, name) == 0 && (port == 0 || q[i].port == port))
			return &q[i];
	fail_msg("no question %s", name);
	return NULL;
}

static struct addr
some_address(const char *text)
{
	struct addr a;
	assert_true(addr_parse(text, &a));
	return a;
}

static void
every_question_is_bounded(void **state)
{
	static const char *const secrets[] = {"assword", "Authorization", "WSSE", "admin", "&&", NULL};
	const struct addr to[] = {some_address("255.255.255.255"), some_address("fd20:1111:2222:3333:4444:5555:6666:7777")};
	size_t n;
	const struct vet_question *q = vet_questions(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 2; k++) {
			char words[VET_WORDS + 1] = {0};
			size_t len = q[i].say(words, &to[k]);
			assert_true(len < VET_WORDS);
			for (size_t s = 0; secrets[s]; s++)
				assert_null(memmem(words, len, secrets[s], strlen(secrets[s])));
			assert_true(q[i].l4 == IPPROTO_TCP || !q[i].group || addr_parse(q[i].group, &(struct addr){0}));
		}
}

/* The probes, which are strict, take each question for what it is. */
static void
every_question_is_well_formed(void **state)
{
	static const struct {
		const char *name, *protocol;
		uint16_t port;
	} rows[] = {
		{"sadp", "sadp", 0},	 {"dhip", "dhip", 0},	{"dahua-discovery", "dahua-discovery", 0},
		{"ws-discovery", "ws-discovery", 0}, {"ssdp", "ssdp", 0}, {"mdns", "mdns", 0},
		{"xm", "xm-sofia", 0},	 {"tvt", "tvt", 23456}, {"miio", "miio", 0},
		{"ubiquiti", "ubnt-discovery", 0}, {"vstarcam", "vstarcam", 0}, {"http", "http", 80},
		{"isapi", "http", 0},	 {"onvif", "onvif", 80}, {"tls", "tls", 0},
		{"rtsp", "rtsp", 554},	 {"dvrip", "dvrip", 0}, {"baichuan", "baichuan", 0},
	};
	struct addr to = some_address("10.20.0.11");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct vet_question *q = question(rows[i].name, rows[i].port);
		char words[VET_WORDS];
		struct span said = {(const uint8_t *)words, q->say(words, &to)};
		struct probe_input in = {.l4 = q->l4, .port = q->port, .side = {{.units = &said, .n = 1, .ended = true}, {.ended = true}}};
		struct app app;
		if (probe_inspect(&in, &app) != PROBE_DONE || strcmp(app.protocol, rows[i].protocol) != 0)
			fail_msg("%s: %s", rows[i].name, app.protocol ? app.protocol : "nothing");
		assert_null(strstr(app.detail, "request=")); /* no management command */
	}
}

static void
answer(struct vet_device *d, const char *name, uint16_t port, const void *bytes, size_t len)
{
	const struct vet_question *q = question(name, port);
	struct addr to = some_address("10.20.0.11");
	char words[VET_WORDS];
	size_t said = q->say(words, &to);
	/* In memory of its own, so that the sanitizer sees what is read too far; with the NUL that its regexec() wants in spite of REG_STARTEND. */
	uint8_t *copy = calloc(1, len + 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	vet_learn(d, catalogue, q, (struct span){(const uint8_t *)words, said}, (struct span){copy, len}, 1);
	free(copy);
}

static const char *
maker_of(const struct vet_device *d)
{
	const struct maker *all;
	size_t n = catalogue_makers(catalogue, &all);
	uint16_t m = identity_maker(d->who);
	return m < n ? all[m].id : "";
}

#define SADP_ANSWER                                                                                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ProbeMatch><Uuid>13A888A9-F1B1-4020-AE9F-05607682D23B</Uuid><Types>inquiry</Types>"         \
	"<DeviceDescription>CMIP9342W-28M</DeviceDescription><DeviceSN>CMIP9342W20211105</DeviceSN><MAC>14-2f-fd-00-00-22</MAC>"                  \
	"<SoftwareVersion>V5.7.3build 220112</SoftwareVersion><HCPlatformEnable>false</HCPlatformEnable></ProbeMatch>"

static void
sadp_names_the_maker(void **state)
{
	struct vet_device d = {0};

	(void)state;
	answer(&d, "sadp", 0, SADP_ANSWER, sizeof SADP_ANSWER - 1);
	assert_string_equal(maker_of(&d), "hikvision");
	assert_string_equal(d.who->fact[IDENTITY_MODEL], "CMIP9342W-28M");
	assert_string_equal(d.who->fact[IDENTITY_FIRMWARE], "V5.7.3build 220112");
	assert_true(d.has_mac && d.mac.b[0] == 0x14 && d.mac.b[5] == 0x22);
	assert_true(identity_unmasked(d.who, catalogue, "LTS"));
	assert_int_equal(d.n_spoken, 1);
	answer(&d, "sadp", 0, SADP_ANSWER, sizeof SADP_ANSWER - 1);
	assert_int_equal(d.n_spoken, 1);
	vet_forget(&d);
}

/* A device that sends back what it hears, on every port. */
static void
an_echo_is_nobody(void **state)
{
	struct vet_device d = {0};
	struct addr to = some_address("10.20.0.11");
	size_t n;
	const struct vet_question *q = vet_questions(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char words[VET_WORDS];
		size_t len = q[i].say(words, &to);
		answer(&d, q[i].name, q[i].port, words, len);
	}
	assert_null(d.who);
	vet_forget(&d);
}

/* Servers that want a password for everything say 401 to a path that they do not have. */
static void
our_own_path_proves_nothing(void **state)
{
	static const char refused[] = "HTTP/1.1 401 Unauthorized\r\nServer: lighttpd\r\nWWW-Authenticate: Digest realm=\"iPolis\", nonce=\"1\"\r\n\r\n";
	static const char rtsp[] = "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm=\"iPolis\", nonce=\"1\"\r\n\r\n";
	struct vet_device d = {0};

	(void)state;
	answer(&d, "isapi", 0, refused, sizeof refused - 1);
	answer(&d, "rtsp", 554, rtsp, sizeof rtsp - 1);
	answer(&d, "dvrip", 0, refused, sizeof refused - 1);
	answer(&d, "baichuan", 0, refused, sizeof refused - 1);
	answer(&d, "hik-sdk", 0, refused, sizeof refused - 1);
	assert_string_equal(maker_of(&d), "");
	assert_true(!d.who || d.who->n == 0);
	vet_forget(&d);
}

static void
onvif_information_is_read(void **state)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n\r\n<s:Envelope><s:Body><tds:GetDeviceInformationResponse>"
		"<tds:Manufacturer>UNIVIEW</tds:Manufacturer><tds:Model>IPC3614SB-ADF28KM-I0</tds:Model><tds:FirmwareVersion>IPC_G6107</tds:FirmwareVersion>"
		"<tds:SerialNumber>210235C3Q0A3201C0123</tds:SerialNumber></tds:GetDeviceInformationResponse></s:Body></s:Envelope>";
	struct vet_device d = {0};

	(void)state;
	answer(&d, "onvif", 80, text, sizeof text - 1);
	assert_non_null(d.who);
	assert_string_equal(d.who->fact[IDENTITY_MODEL], "IPC3614SB-ADF28KM-I0");
	assert_string_equal(d.who->fact[IDENTITY_SERIAL], "210235C3Q0A3201C0123");
	assert_string_equal(d.who->fact[IDENTITY_BRAND], "UNIVIEW");
	vet_forget(&d);
}

static void
dvrip_realm_names_dahua(void **state)
{
	static const char body[] = "Realm:Login to 4A0123PAG00001\r\nRandom:1234567890\r\n\r\n";
	uint8_t frame[32 + sizeof body - 1] = {0xb0, 1, 0, 0x78, sizeof body - 1};
	struct vet_device d = {0};

	(void)state;
	memcpy(frame + 32, body, sizeof body - 1);
	answer(&d, "dvrip", 0, frame, sizeof frame);
	assert_string_equal(maker_of(&d), "dahua");
	vet_forget(&d);
}

/* Whatever an answer is cut to, or however it is spoilt, nothing is read past its end and all bounds hold. */
static void
broken_answers_do_no_harm(void **state)
{
	static const uint8_t noise[] = {0x20, 0, 0, 0, 'D', 'H', 'I', 'P', 0xff, 0xff, 0xff, 0xff, '<', 'P', 0};
	uint8_t big[PROBE_STREAM];
	size_t n;
	const struct vet_question *q = vet_questions(&n);
	struct vet_device d = {0};

	(void)state;
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = noise[i % sizeof noise];
	for (size_t i = 0; i < n; i++) {
		answer(&d, q[i].name, q[i].port, big, sizeof big);
		answer(&d, q[i].name, q[i].port, "", 0);
		for (size_t cut = 0; cut < sizeof SADP_ANSWER; cut += 7)
			answer(&d, q[i].name, q[i].port, SADP_ANSWER, cut);
	}
	assert_true(d.n_spoken <= VET_SPOKEN);
	assert_true(!d.who || d.who->n <= IDENTITY_EVIDENCE);
	vet_forget(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_is_bounded),
		cmocka_unit_test(every_question_is_well_formed),
		cmocka_unit_test(sadp_names_the_maker),
		cmocka_unit_test(an_echo_is_nobody),
		cmocka_unit_test(our_own_path_proves_nothing),
		cmocka_unit_test(onvif_information_is_read),
		cmocka_unit_test(dvrip_realm_names_dahua),
		cmocka_unit_test(broken_answers_do_no_harm),
	};
	return cmocka_run_group_tests_name("vet", tests, set_up, tear_down);
}
