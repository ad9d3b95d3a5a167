/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who made it: the rules of judgement as tables, in every order of arrival; labels, platforms, groups; limits; certificates. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/engine/sights.h"
#include "../../daemon/probe/certificate.h"
#include "bundle.h"
#include "diag.h"
#include "identity.h"

static const char makers_tsv[] = "# lenscap-catalogue 1 makers\n"
				 "# id\tname\towner\tkind\tcovered\tsource\n"
				 "axis\tAxis\t-\tmaker\tno\ttest\n"
				 "dahua\tDahua\t-\tmaker\tyes\ttest\n"
				 "ezviz\tEZVIZ\thikvision\tmaker\tyes\ttest\n"
				 "hikvision\tHikvision\t-\tmaker\tyes\ttest\n"
				 "lts\tLTS\t-\tlabel\tno\ttest\n"
				 "tutk\tKalay\t-\tplatform\tno\ttest\n";
static const char brands_tsv[] = "# lenscap-catalogue 1 brands\n"
				 "# brand\tmaker\tconfidence\tsource\tnote\n"
				 "HiLook\thikvision\thigh\ttest\thouse brand\n"
				 "LTS\thikvision\thigh\ttest\t-\n";

static struct catalogue *
catalogue(const char *makers)
{
	static const char policy[] = "version: 1\n";
	struct diags diags = {0};
	struct bundle *b = bundle_from_text("t.yaml", policy, strlen(policy));

	assert_true(bundle_add_data(b, "makers.tsv", makers, strlen(makers)));
	assert_true(bundle_add_data(b, "brands.tsv", brands_tsv, strlen(brands_tsv)));
	struct catalogue *c = catalogue_new(b, &diags);
	if (diags.n)
		diags_print(&diags, stderr, false);
	assert_non_null(c);
	assert_int_equal(diags.n, 0);
	diags_free(&diags);
	bundle_free(b);
	return c;
}

struct row {
	const char *maker;
	unsigned channel;
	uint8_t weight;
	bool weak;
};

static unsigned
add(struct identity *w, const struct catalogue *c, const struct row *r, const char *pattern)
{
	struct evidence ev = {.maker = catalogue_maker(c, r->maker), .channel = (uint8_t)r->channel, .weight = r->weight, .weak = r->weak, .times = 1};

	ev.answered = channel_answers(r->channel);
	assert_int_not_equal(ev.maker, MAKER_UNKNOWN);
	snprintf(ev.pattern, sizeof ev.pattern, "%s", pattern);
	return identity_add(w, c, &ev);
}

/* Four rows at most, and what they say together. decided "": nobody. */
static const struct judged {
	const char *what;
	struct row rows[4];
	const char *decided;
	unsigned score;
	bool covered;
	const char *second;
} table[] = {
	{"one strong answer", {{"hikvision", CHANNEL_HTTP_SERVER, 90, false}}, "hikvision", 90, true, ""},
	{"one middling answer", {{"hikvision", CHANNEL_HTTP_SERVER, 60, false}}, "", 60, false, ""},
	{"one weak row, whatever its weight", {{"hikvision", CHANNEL_HTTP_SERVER, 95, true}}, "", 50, false, ""},
	{"two of one family are one", {{"axis", CHANNEL_HTTP_SERVER, 60, false}, {"axis", CHANNEL_HTTP_TITLE, 60, false}}, "", 60, false, ""},
	{"two families", {{"axis", CHANNEL_HTTP_SERVER, 60, false}, {"axis", CHANNEL_RTSP_REALM, 50, false}}, "axis", 80, false, ""},
	{"an answer and the OUI", {{"dahua", CHANNEL_HTTP_SERVER, 60, false}, {"dahua", EVIDENCE_OUI, 50, false}}, "dahua", 80, true, ""},
	{"OUI and behaviour alone", {{"dahua", EVIDENCE_OUI, 50, false}, {"dahua", EVIDENCE_CLOUD, 45, false}, {"dahua", CHANNEL_DNS, 90, false}}, "", 60, false, ""},
	{"a request and the OUI", {{"dahua", CHANNEL_HTTP_PATH, 85, false}, {"dahua", EVIDENCE_OUI, 50, false}}, "", 60, false, ""},
	{"a subsidiary speaks for its group", {{"ezviz", CHANNEL_HTTP_REALM, 60, false}, {"hikvision", EVIDENCE_OUI, 50, false}}, "ezviz", 80, true, ""},
	{"contradictions are kept", {{"axis", CHANNEL_TLS_SUBJECT, 95, false}, {"dahua", CHANNEL_HTTP_REALM, 60, false}}, "axis", 95, false, "dahua"},
	{"two faces: covered stays", {{"axis", CHANNEL_TLS_SUBJECT, 95, false}, {"dahua", CHANNEL_HTTP_REALM, 85, false}}, "axis", 95, true, "dahua"},
	{"a platform builds nothing", {{"tutk", CHANNEL_PROTOCOL, 90, false}}, "", 0, false, ""},
	{"a label builds nothing", {{"lts", CHANNEL_MODEL, 90, false}}, "", 0, false, ""},
	{"favicons of nobody", {{"axis", CHANNEL_LINK_LAYER, 69, false}}, "", 69, false, ""},
};

static const char *
id_of(const struct catalogue *c, uint16_t maker)
{
	const struct maker *makers;

	return maker < catalogue_makers(c, &makers) ? makers[maker].id : "";
}

static void
judge_in_order(const struct catalogue *c, const struct judged *j, unsigned first)
{
	struct identity *w = identity_new();
	char pattern[8];
	size_t n = 0;

	while (n < 4 && j->rows[n].maker)
		n++;
	for (size_t i = 0; i < n; i++) {
		snprintf(pattern, sizeof pattern, "p%zu", (i + first) % n);
		assert_true(add(w, c, &j->rows[(i + first) % n], pattern) & NEWS_EVIDENCE);
	}
	if (strcmp(id_of(c, identity_maker(w)), j->decided) != 0 || identity_score(w) != j->score || identity_covered(w) != j->covered)
		fail_msg("%s: %s %u %d", j->what, id_of(c, identity_maker(w)), identity_score(w), identity_covered(w));
	assert_string_equal(id_of(c, w->second.score >= SCORE_CONTRADICTS ? w->second.maker : MAKER_UNKNOWN), j->second);
	identity_free(w);
}

static void
judgement(void **state)
{
	struct catalogue *c = catalogue(makers_tsv);

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (unsigned first = 0; first < 4; first++)
			judge_in_order(c, &table[i], first);
	catalogue_unref(c);
}

static void
platforms(void **state)
{
	struct catalogue *c = catalogue(makers_tsv);
	struct identity *w = identity_new();
	(void)state;

	assert_int_equal(identity_platform(NULL), MAKER_UNKNOWN);
	add(w, c, &(struct row){"tutk", CHANNEL_PROTOCOL, 90, false}, "tutk");
	assert_string_equal(id_of(c, identity_platform(w)), "tutk");
	add(w, c, &(struct row){"hikvision", CHANNEL_PROTOCOL, 95, false}, "sadp");
	assert_string_equal(id_of(c, identity_platform(w)), "tutk");
	assert_string_equal(id_of(c, identity_maker(w)), "hikvision");
	identity_free(w);
	catalogue_unref(c);
}

static void
labels(void **state)
{
	static const struct {
		const char *declared, *announced;
		bool unmasked;
	} rows[] = {
		{"LTS", "", true},	{"", "LTS", true},	    {"Hikvision", "LTS", false}, {"HIKVISION Digital", "", false},
		{"HiLook", "", false}, {"EZVIZ", "", false}, {"", "", false},		 {"Hik", "", true},
		{"Axis", "", true},	{"No such brand", "", true},
	};
	struct catalogue *c = catalogue(makers_tsv);
	(void)state;

	assert_false(identity_unmasked(NULL, c, "LTS"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct identity *w = identity_new();
		identity_learn(w, IDENTITY_BRAND, (struct span){(const uint8_t *)rows[i].announced, strlen(rows[i].announced)});
		assert_false(identity_unmasked(w, c, rows[i].declared));
		add(w, c, &(struct row){"hikvision", CHANNEL_HTTP_SERVER, 90, false}, "x");
		if (identity_unmasked(w, c, rows[i].declared) != rows[i].unmasked)
			fail_msg("row %zu", i);
		identity_free(w);
	}
	catalogue_unref(c);
}

static void
news(void **state)
{
	struct catalogue *c = catalogue(makers_tsv);
	struct identity *w = identity_new();
	(void)state;

	assert_int_equal(add(w, c, &(struct row){"axis", CHANNEL_HTTP_SERVER, 80, false}, "a"), NEWS_EVIDENCE | NEWS_MAKER);
	assert_int_equal(add(w, c, &(struct row){"axis", CHANNEL_HTTP_SERVER, 80, false}, "a"), 0);
	assert_int_equal(w->rows[0].times, 2);
	assert_int_equal(add(w, c, &(struct row){"dahua", CHANNEL_RTSP_SERVER, 95, false}, "b"), NEWS_EVIDENCE | NEWS_MAKER | NEWS_COVERED | NEWS_CHANGED);
	assert_int_equal(identity_learn(w, IDENTITY_SERIAL, (struct span){(const uint8_t *)"1", 1}), NEWS_FACT | NEWS_SERIAL);
	assert_int_equal(identity_learn(w, IDENTITY_SERIAL, (struct span){(const uint8_t *)"1", 1}), 0);
	assert_int_equal(identity_learn(w, IDENTITY_SERIAL, (struct span){(const uint8_t *)"2", 1}), NEWS_FACT | NEWS_SERIAL | NEWS_CHANGED);
	identity_free(w);
	catalogue_unref(c);
}

/* Rows without end, of hostile length: the strongest stay, memory is bounded, the others are counted. */
static void
limits(void **state)
{
	struct catalogue *c = catalogue(makers_tsv);
	struct identity *w = identity_new();
	char pattern[32];
	(void)state;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(pattern, sizeof pattern, "p%u", i);
		add(w, c, &(struct row){"axis", CHANNEL_HTTP_SERVER, (uint8_t)(1 + i % 60), false}, pattern);
	}
	assert_int_equal(w->n, IDENTITY_EVIDENCE);
	assert_int_equal(w->lost, 1000 - IDENTITY_EVIDENCE);
	assert_true(add(w, c, &(struct row){"dahua", CHANNEL_TLS_SUBJECT, 95, false}, "strong") & NEWS_MAKER);
	assert_string_equal(id_of(c, identity_maker(w)), "dahua");
	assert_true(sizeof *w + IDENTITY_EVIDENCE * sizeof(struct evidence) < 6000); /* 10,000 devices stay below 60 MB */
	identity_free(w);
	catalogue_unref(c);
}

/* Whoever is built by a covered maker and says a thousand things of others is still found, whichever it says first. */
static void
hides(void **state)
{
	static const unsigned channels[] = {CHANNEL_HTTP_SERVER, CHANNEL_RTSP_SERVER, CHANNEL_TLS_SUBJECT, CHANNEL_SIP_UA, CHANNEL_MODEL, CHANNEL_STREAM};
	struct catalogue *c = catalogue(makers_tsv);
	char pattern[32];
	(void)state;

	for (unsigned after = 0; after < 2; after++) {
		struct identity *w = identity_new();
		if (!after)
			add(w, c, &(struct row){"hikvision", CHANNEL_HTTP_REALM, 75, false}, "realm");
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(pattern, sizeof pattern, "p%u", i);
			add(w, c, &(struct row){"axis", channels[i % 6], 95, false}, pattern);
		}
		if (after)
			add(w, c, &(struct row){"hikvision", CHANNEL_HTTP_REALM, 75, false}, "realm");
		assert_int_equal(w->n, IDENTITY_EVIDENCE);
		assert_string_equal(id_of(c, identity_maker(w)), "axis");
		assert_string_equal(id_of(c, w->second.maker), "hikvision");
		assert_true(identity_covered(w));
		identity_free(w);
	}
	catalogue_unref(c);
}

/* Another camera behind the same MAC need not speak louder than the first one did. */
static void
second_face(void **state)
{
	struct catalogue *c = catalogue(makers_tsv);
	struct identity *w = identity_new();
	(void)state;

	assert_false(add(w, c, &(struct row){"axis", CHANNEL_TLS_SUBJECT, 95, false}, "a") & NEWS_SECOND);
	assert_false(add(w, c, &(struct row){"dahua", CHANNEL_HTTP_SERVER, 60, false}, "hint") & NEWS_SECOND);
	assert_true(add(w, c, &(struct row){"dahua", CHANNEL_HTTP_REALM, 85, false}, "b") & NEWS_SECOND);
	assert_false(add(w, c, &(struct row){"dahua", CHANNEL_RTSP_REALM, 80, false}, "c") & NEWS_SECOND);
	identity_free(w);
	catalogue_unref(c);
}

static void
other_catalogue(void **state)
{
	static const char other[] = "# lenscap-catalogue 1 makers\n"
				    "# id\tname\towner\tkind\tcovered\tsource\n"
				    "aaa\tFirst\t-\tmaker\tno\ttest\n"
				    "dahua\tDahua\t-\tmaker\tno\ttest\n"
				    "hikvision\tHikvision\t-\tmaker\tyes\ttest\n";
	struct catalogue *c = catalogue(makers_tsv), *later = catalogue(other);
	struct identity *w = identity_new();
	(void)state;

	add(w, c, &(struct row){"dahua", CHANNEL_RTSP_SERVER, 95, false}, "a");
	add(w, c, &(struct row){"axis", CHANNEL_HTTP_SERVER, 60, false}, "b");
	w->news = 0;
	identity_rebase(w, c, later);
	assert_string_equal(id_of(later, identity_maker(w)), "dahua");
	assert_int_equal(w->n, 1); /* axis is no maker any more */
	assert_false(identity_covered(w));
	assert_false(w->news & (NEWS_MAKER | NEWS_CHANGED));
	identity_free(w);
	identity_rebase(NULL, c, later);
	catalogue_unref(c);
	catalogue_unref(later);
}

static void
channels(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EVIDENCE_CHANNELS; i++) {
		assert_int_equal(evidence_channel(evidence_channel_name(i)), i);
		assert_true(evidence_family(&(struct evidence){.channel = (uint8_t)i}) < FAMILIES);
	}
	assert_int_equal(evidence_channel("no such channel"), EVIDENCE_CHANNELS);
	assert_string_equal(evidence_channel_name(EVIDENCE_CHANNELS), "");
	assert_int_equal(evidence_family(&(struct evidence){.channel = CHANNEL_PROTOCOL, .pattern = "sadp"}), FAMILY_ANNOUNCEMENT);
	assert_int_equal(evidence_family(&(struct evidence){.channel = CHANNEL_PROTOCOL, .pattern = "hik-sdk"}), FAMILY_SDK);
}

/* ---- sights ---- */

struct seen {
	char text[2048];
};

static void
see(void *arg, enum channel channel, struct span text)
{
	struct seen *s = arg;
	size_t used = strlen(s->text);

	if (text.len)
		snprintf(s->text + used, sizeof s->text - used, "%s=%.*s\n", channel_names[channel], (int)(text.len < 60 ? text.len : 60), (const char *)text.p);
}

static struct span
span(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static void
sights(void **state)
{
	static const char page[] = "HTTP/1.1 200 OK\r\nServer: App-webs/\r\nSet-Cookie: _goaheadwebSessionId=1\r\n\r\n<html><title> A page </title>"
				   "<x xmlns=\"http://www.hikvision.com/ver20/XMLSchema\"><tds:Model>DS-2CD</tds:Model>onvif://www.onvif.org/name/X";
	struct app app = {.protocol = "http", .http_status = 200};
	struct seen s = {""};
	(void)state;

	strcpy(app.http_server, "App-webs/");
	strcpy(app.http_path, "/ISAPI/x");
	sights_app(&app, true, see, &s);
	assert_string_equal(s.text, "protocol=http\nhttp-server=App-webs/\nhttp-path=/ISAPI/x\n");
	s.text[0] = 0;
	sights_app(&app, false, see, &s); /* the camera only asked for it */
	assert_string_equal(s.text, "");
	sights_bytes(&app, IPPROTO_TCP, span(page), true, see, &s);
	assert_non_null(strstr(s.text, "http-cookie=_goaheadwebSessionId=1\n"));
	assert_non_null(strstr(s.text, "http-title=A page\n"));
	assert_non_null(strstr(s.text, "xml-ns=http://www.hikvision.com/ver20/XMLSchema\n"));
	assert_non_null(strstr(s.text, "model=DS-2CD\n"));
	assert_non_null(strstr(s.text, "onvif-scope=onvif://www.onvif.org/name/X\n"));
	s.text[0] = 0;
	sights_bytes(&app, IPPROTO_TCP, span(page), false, see, &s);
	assert_string_equal(s.text, "");
}

static void
who_tells(void **state)
{
	static const struct {
		const char *protocol, *payload;
		bool tells;
	} rows[] = {
		{"sadp", "<Probe><Types>inquiry</Types></Probe>", false},
		{"sadp", "<ProbeMatch><Types>inquiry</Types></ProbeMatch>", true},
		{"ssdp", "M-SEARCH * HTTP/1.1\r\n", false},
		{"ssdp", "NOTIFY * HTTP/1.1\r\n", true},
		{"ws-discovery", "<d:Probe>", false},
		{"ws-discovery", "<d:ProbeMatches>", true},
		{"mdns", "\0\0\0\0\0\0\0\0\0\0\0\0", false},
		{"dhcp", "\x02", false},
		{"hanwha-discovery", "anything", false},
		{NULL, "x", false},
	};
	struct app app = {0};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		app.protocol = rows[i].protocol;
		if (sights_tells(&app, span(rows[i].payload)) != rows[i].tells)
			fail_msg("row %zu", i);
	}
	assert_false(sights_tells(&app, (struct span){0}));
	app.protocol = "mdns";
	assert_true(sights_tells(&app, (struct span){(const uint8_t *)"\0\0\x84\0", 4}));
}

static void
elements(void **state)
{
	static const char doc[] = "<a:Model>one</a:Model><Models>x</Models><SerialNumber> 12 </SerialNumber><Firm>";
	struct span s;
	(void)state;

	s = sights_element(span(doc), "Model");
	assert_true(span_equals(s, "one"));
	s = sights_element(span(doc), "SerialNumber");
	assert_true(span_equals(s, "12"));
	assert_int_equal(sights_element(span(doc), "Firm").len, 0);
	assert_int_equal(sights_element((struct span){0}, "Firm").len, 0);
}

/* ---- certificates ---- */

/* One record: ServerHello of two bytes, then a Certificate. */
static size_t
flight(uint8_t *out, const uint8_t *der, size_t n)
{
	const size_t body = 6 + n, all = 6 + 4 + body;
	const uint8_t head[] = {22, 3, 3, (uint8_t)(all >> 8), (uint8_t)all, 2, 0, 0, 2, 3, 3, 11, (uint8_t)(body >> 16), (uint8_t)(body >> 8), (uint8_t)body,
				(uint8_t)((n + 3) >> 16), (uint8_t)((n + 3) >> 8), (uint8_t)(n + 3), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, der, n);
	return sizeof head + n;
}

/* Serial 1, an algorithm, issuer C=CN O=Ab, validity, subject CN=x.y and an unknown part, and no more. */
static const uint8_t der[] = {
	0x30, 0x4a, 0x30, 0x48, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01, 0x30, 0x02, 0x05, 0x00,
	/* issuer */ 0x30, 0x1a, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 'C', 'N',
	0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x02, 'A', 'b',
	/* validity */ 0x30, 0x00,
	/* subject */ 0x30, 0x1a, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03, 'x', '\n', 'y',
	0x31, 0x0a, 0x30, 0x08, 0x06, 0x02, 0x2a, 0x03, 0x0c, 0x02, 'n', 'o',
	/* key */ 0x30, 0x00,
};

static void
certificates(void **state)
{
	uint8_t bytes[256], spoilt[256];
	struct app app = {0};
	size_t n = flight(bytes, der, sizeof der);
	(void)state;

	certificate_read(cursor_of(bytes, n), &app);
	assert_true(app.tls_certificate);
	assert_string_equal(app.tls_issuer, "O=Ab,C=CN");
	assert_string_equal(app.tls_subject, "CN=x_y");
	/* Cut anywhere, or with any byte another one: no crash, and no names where there is no whole certificate. */
	for (size_t cut = 0; cut < n; cut++) {
		memset(&app, 0, sizeof app);
		uint8_t *exact = malloc(cut ? cut : 1);
		memcpy(exact, bytes, cut);
		certificate_read(cursor_of(exact, cut), &app);
		free(exact);
		if (cut < 21)
			assert_false(app.tls_certificate);
	}
	for (size_t at = 0; at < n; at++)
		for (unsigned v = 0; v < 256; v += 5) {
			memcpy(spoilt, bytes, n);
			spoilt[at] = (uint8_t)v;
			memset(&app, 0, sizeof app);
			certificate_read(cursor_of(spoilt, n), &app);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judgement), cmocka_unit_test(platforms), cmocka_unit_test(labels),   cmocka_unit_test(news),
		cmocka_unit_test(limits), cmocka_unit_test(hides), cmocka_unit_test(second_face),    cmocka_unit_test(other_catalogue), cmocka_unit_test(channels), cmocka_unit_test(sights),
		cmocka_unit_test(who_tells), cmocka_unit_test(elements), cmocka_unit_test(certificates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
