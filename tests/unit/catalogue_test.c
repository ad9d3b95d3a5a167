/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catalogue: what is shipped is found by its own values, and what is wrong is refused where it stands. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "../../daemon/device/catalogue_private.h"
#include "policy.h"

#define HEAD(kind, columns) "# lenscap-catalogue 1 " kind "\n# " columns "\n"
#define MAKERS HEAD("makers", "id\tname\towner\tkind\tcovered\tsource")
#define OUI HEAD("oui", "prefix\tmaker\torganisation\tweak\tsource")
#define BRANDS HEAD("brands", "brand\tmaker\tconfidence\tsource\tnote")
#define PRINTS HEAD("fingerprints", "maker\tchannel\tmatch\tpattern\tweight\tweak\tsource\tnote")
#define CLOUDS HEAD("clouds", "cloud\tkind\tvalue\tweak\tsource")
#define TWO MAKERS "acme\tAcme\t-\tmaker\tyes\ttest\nsub\tSub\tacme\tmaker\tno\ttest\n"

static struct catalogue *
shipped(void)
{
	struct bundle b = {0};
	struct diags d = {0};
	char *failed = NULL;
	assert_true(bundle_add_catalogue(&b, &failed));
	assert_false(b.no_catalogue);
	struct catalogue *c = catalogue_new(&b, &d);
	assert_non_null(c);
	diags_print(&d, stderr, false);
	assert_int_equal(d.errors, 0);
	assert_true(catalogue_is_of(c, &b));
	diags_free(&d);
	for (size_t i = 0; i < b.n_data; i++) {
		free(b.data[i].name);
		free(b.data[i].text);
	}
	free(b.data);
	return c;
}

/* Files "a.tsv", "b.tsv" … of these texts. */
static struct catalogue *
made(struct diags *d, const char *const *texts, size_t n)
{
	struct bundle *b = bundle_from_text("p.yaml", "", 0);
	for (size_t i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%c.tsv", (char)('a' + (int)i));
		assert_true(bundle_add_data(b, name, texts[i], strlen(texts[i])));
	}
	struct catalogue *c = catalogue_new(b, d);
	assert_non_null(c);
	bundle_free(b);
	return c;
}

static void
shipped_makers(void **state)
{
	struct catalogue *c = shipped();
	const struct maker *makers;
	size_t n = catalogue_makers(c, &makers);
	(void)state;
	assert_true(n > 100);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(catalogue_maker(c, makers[i].id), i);
		assert_true(catalogue_maker_is(c, (uint16_t)i, (uint16_t)i));
		assert_true(makers[i].source[0] && makers[i].name[0] && makers[i].owner < n);
	}
	static const char *const covered[] = {"hikvision", "ezviz", "hikrobot", "microimage", "pyronix", "prama", "dahua",
					      "imou", "huaray", "huawei", "hisilicon", "zte", "hytera"};
	size_t n_covered = 0;
	for (size_t i = 0; i < n; i++)
		n_covered += makers[i].covered;
	assert_int_equal(n_covered, sizeof(covered) / sizeof(covered[0]));
	for (size_t i = 0; i < n_covered; i++)
		assert_true(makers[catalogue_maker(c, covered[i])].covered);
	assert_true(makers[catalogue_maker(c, "hisilicon")].platform);
	assert_true(makers[catalogue_maker(c, "lorex")].label);
	assert_true(catalogue_maker_is(c, catalogue_maker(c, "ezviz"), catalogue_maker(c, "hikvision")));
	assert_false(catalogue_maker_is(c, catalogue_maker(c, "hikvision"), catalogue_maker(c, "ezviz")));
	assert_int_equal(catalogue_maker(c, "nobody"), MAKER_UNKNOWN);
	catalogue_unref(c);
}

static void
shipped_ouis(void **state)
{
	struct catalogue *c = shipped();
	const struct oui_row *rows;
	size_t n = catalogue_ouis(c, &rows);
	(void)state;
	assert_true(n > 3000);
	for (size_t i = 0; i < n; i++) {
		struct mac mac = rows[i].prefix;
		mac.b[5] |= rows[i].bits <= 36 ? 0x0b : 0;
		const struct oui_row *hit = catalogue_oui(c, &mac);
		assert_non_null(hit);
		assert_true(hit == &rows[i] || hit->bits > rows[i].bits);
	}
	struct mac hik = {{0x44, 0x19, 0xb6, 1, 2, 3}}, own = {{0x46, 0x19, 0xb6, 1, 2, 3}}, group = {{0x45, 0x19, 0xb6, 1, 2, 3}};
	const struct oui_row *hit = catalogue_oui(c, &hik);
	const struct maker *makers;
	catalogue_makers(c, &makers);
	assert_string_equal(makers[hit->maker].id, "hikvision");
	assert_null(catalogue_oui(c, &own));
	assert_null(catalogue_oui(c, &group));
	catalogue_unref(c);
}

static void
shipped_brands(void **state)
{
	struct catalogue *c = shipped();
	const struct brand_row *rows, *hits;
	size_t n = catalogue_brands(c, &rows);
	uint16_t hik = catalogue_maker(c, "hikvision"), dahua = catalogue_maker(c, "dahua");
	(void)state;
	assert_true(n > 200);
	for (size_t i = 0; i < n; i++) {
		size_t found = 0, m = catalogue_brand(c, rows[i].brand, &hits);
		for (size_t k = 0; k < m; k++)
			found += &hits[k] == &rows[i];
		assert_int_equal(found, 1);
	}
	assert_true(catalogue_brand_is(c, "  cp-plus ", dahua));
	assert_true(catalogue_brand_is(c, "CPPLUS", dahua));
	assert_true(catalogue_brand_is(c, "LTS", hik));
	assert_true(catalogue_brand_is(c, "EZVIZ", hik));
	assert_true(catalogue_brand_is(c, "Hikvision", catalogue_maker(c, "ezviz")));
	assert_false(catalogue_brand_is(c, "Axis", hik));
	assert_false(catalogue_brand_is(c, "", hik));
	assert_false(catalogue_brand_is(c, "no such brand", hik));
	assert_false(catalogue_brand_is(c, "Hikvision", MAKER_UNKNOWN));
	assert_int_equal(catalogue_brand(c, "!!!", &hits), 0);
	catalogue_unref(c);
}

struct visited {
	const struct fingerprint *wanted;
	bool seen;
};

static void
visit(void *arg, const struct fingerprint *row)
{
	struct visited *v = arg;
	v->seen |= row == v->wanted;
}

static size_t
text_of(const struct fingerprint *f, uint8_t out[512])
{
	size_t n = strlen(f->pattern);
	memcpy(out, f->pattern, n);
	if (f->match != MATCH_HEX)
		return n;
	for (size_t i = 0; i < n / 2; i++) {
		char pair[3] = {f->pattern[i * 2], f->pattern[i * 2 + 1], 0};
		out[i] = pair[0] == '.' ? 0x3a : (uint8_t)strtoul(pair, NULL, 16);
	}
	return n / 2;
}

static void
shipped_fingerprints(void **state)
{
	struct catalogue *c = shipped();
	const struct fingerprint *rows;
	size_t n = catalogue_fingerprints(c, &rows), by_value = 0;
	(void)state;
	assert_true(n > 250);
	for (size_t i = 0; i < n; i++) {
		uint8_t text[512];
		if (rows[i].match == MATCH_REGEX)
			continue;
		struct visited v = {.wanted = &rows[i]};
		assert_true(catalogue_match(c, rows[i].channel, (struct span){text, text_of(&rows[i], text)}, visit, &v) > 0);
		assert_true(v.seen);
		by_value++;
	}
	assert_true(by_value > 180);
	catalogue_unref(c);
}

/* One text for expressions of each kind that had to be rewritten, and some that must not match. */
static void
shipped_expressions(void **state)
{
	static const struct {
		enum channel channel;
		const char *text, *maker; /* NULL: nobody's */
	} cases[] = {
		{CHANNEL_MODEL, "DS-2CD2143G0-I", "hikvision"},
		{CHANNEL_MODEL, "iDS-7608NXI-M2", "hikvision"},
		{CHANNEL_MODEL, "DH-IPC-HFW2431S", "dahua"},
		{CHANNEL_MODEL, "IPC-HFW2431S", "dahua"},
		{CHANNEL_MODEL, "Tapo_C200", "tp-link"},
		{CHANNEL_HTTP_REALM, "Login to 3B02B1CPAG00001", "dahua"},
		{CHANNEL_HTTP_REALM, "HIKVISION", "hikvision"},
		{CHANNEL_HTTP_REALM, "huawei ipc6225", "huawei"},
		{CHANNEL_ONVIF_SCOPE, "onvif://www.onvif.org/name/HIKVISION%20DS-2CD2143G0-I", "hikvision"},
		{CHANNEL_ONVIF_SCOPE, "onvif://www.onvif.org/name/HIKVISION", "hikvision"},
		{CHANNEL_ONVIF_SCOPE, "onvif://www.onvif.org/name/unv", "uniview"},
		{CHANNEL_UDP_PAYLOAD, "<ProbeMatch>\n <Uuid>1-2</Uuid>\n<Types>inquiry</Types>", "hikvision"},
		{CHANNEL_TCP_PAYLOAD, "Realm:Login to 3B02\r\nRandom:12\r\n", "dahua"},
		{CHANNEL_RTSP_PATH, "/0/profile2/media.smp", "hanwha"},
		{CHANNEL_DHIP, "{\"Vendor\" : \"Intelbras\"}", "dahua"},
		{CHANNEL_WSD_UUID, "urn:uuid:4d454930-0000-1000-8000-4419b6112233", "hikvision"},
		{CHANNEL_SSDP_SERVER, "Linux, UPnP/1.0, DCS-935L/1.0", "d-link"},
		{CHANNEL_MODEL, "XDS-2CD2143G0-I", NULL},
		{CHANNEL_HTTP_REALM, "Login to you", NULL},
		{CHANNEL_ONVIF_SCOPE, "onvif://www.onvif.org/name/HIKVISIONX", NULL},
	};
	struct catalogue *c = shipped();
	const struct fingerprint *rows;
	const struct maker *makers;
	size_t n = catalogue_fingerprints(c, &rows);
	(void)state;
	catalogue_makers(c, &makers);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span text = {(const uint8_t *)cases[i].text, strlen(cases[i].text)};
		bool found = false;
		if (!cases[i].maker) {
			assert_int_equal(catalogue_match(c, cases[i].channel, text, NULL, NULL), 0);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			struct visited v = {.wanted = &rows[k]};
			if (strcmp(makers[rows[k].maker].id, cases[i].maker) != 0)
				continue;
			catalogue_match(c, cases[i].channel, text, visit, &v);
			found |= v.seen;
		}
		if (!found)
			fail_msg("%s is not recognised", cases[i].text);
	}
	catalogue_unref(c);
}

/* Bytes that no file could hold, and more than is compared. */
static void
hostile_texts(void **state)
{
	struct catalogue *c = shipped();
	static uint8_t text[1 << 20];
	(void)state;
	for (int fill = 0; fill < 256; fill++) {
		memset(text, fill, sizeof(text));
		for (int channel = 0; channel < CHANNELS; channel++)
			catalogue_match(c, (enum channel)channel, (struct span){text, fill % 3 ? 40 : sizeof(text)}, NULL, NULL);
	}
	assert_int_equal(catalogue_match(c, CHANNEL_MODEL, (struct span){NULL, 0}, NULL, NULL), 0);
	/* Behind a NUL, and at the very end of what counts. */
	const char nul[] = "\0/name/Dahua";
	assert_true(catalogue_match(c, CHANNEL_ONVIF_SCOPE, (struct span){(const uint8_t *)nul, sizeof(nul) - 1}, NULL, NULL) > 0);
	memset(text, ' ', sizeof(text));
	memcpy(text + CATALOGUE_TEXT_MAX - 4, "DHAV", 4);
	assert_int_equal(catalogue_match(c, CHANNEL_STREAM, (struct span){text, sizeof(text)}, NULL, NULL), 1);
	memcpy(text + CATALOGUE_TEXT_MAX - 4, " DHAV", 5);
	assert_int_equal(catalogue_match(c, CHANNEL_STREAM, (struct span){text, sizeof(text)}, NULL, NULL), 0);
	catalogue_unref(c);
}

static bool
answers(const struct catalogue *c, const struct cloud_question *q, const char *id, bool *ret_weak)
{
	struct cloud_answer a[16];
	size_t n = catalogue_clouds_of(c, q, a, 16);
	for (size_t i = 0; i < n; i++) {
		if (a[i].cloud != catalogue_cloud(c, id))
			continue;
		if (ret_weak)
			*ret_weak = a[i].weak;
		return a[i].by[0];
	}
	return false;
}

/* What a row's own value, as a flow would show it, is recognised by. */
static void
ask_row(const struct catalogue *c, const struct cloud_row *r)
{
	char glob[300], *star;
	const char *name = r->key;
	struct cloud_question q = {.proto = r->proto ? r->proto : IPPROTO_TCP, .port = r->port};
	switch (r->proof) {
	case PROOF_NAME:
		if (r->glob) {
			snprintf(glob, sizeof(glob), "%s.%s", r->glob, r->key);
			star = strchr(glob, '*');
			*star = 'x';
			name = glob;
		}
		q.names = &name;
		q.n_names = 1;
		break;
	case PROOF_PROTOCOL:
		q.protocol = r->key;
		break;
	case PROOF_ADDRESS:
		assert_true(addr_parse(r->key, &q.remote));
		break;
	case PROOF_ASN:
		q.asn = (uint32_t)strtoul(r->key, NULL, 10);
		break;
	case PROOF_PORT:
		q.protocol = "unknown";
		q.proto = r->key[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
		q.port = (uint16_t)atoi(r->key + 4);
		break;
	case PROOF_NONE:
		return;
	}
	if (!answers(c, &q, r->id, NULL))
		fail_msg("%s %s %s is not recognised", r->id, r->kind, r->value);
}

static void
shipped_clouds(void **state)
{
	struct catalogue *c = shipped();
	const struct cloud *clouds;
	size_t n = catalogue_cloud_list(c, &clouds);
	(void)state;
	assert_true(n > 40);
	assert_true(c->n_cloud_rows > 350);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(catalogue_cloud(c, clouds[i].id), i);
		assert_true(clouds[i].name && clouds[i].name[0]);
	}
	for (size_t i = 0; i < c->n_cloud_rows; i++)
		ask_row(c, &c->cloud_rows[i]);
	assert_int_equal(catalogue_cloud(c, "generic-public"), CLOUD_NONE); /* names of time servers prove nothing */
	assert_int_equal(catalogue_cloud(c, "nobody"), CLOUD_NONE);
	catalogue_unref(c);
}

static void
clouds_of_flows(void **state)
{
	struct catalogue *c = shipped();
	const char *under[] = {"eu2.dev.hik-connect.com"}, *beside[] = {"xhik-connect.com"}, *site[] = {"www.hikvision.com"},
		   *two[] = {"example.net", "m1.tuyaeu.com"}, *glob[] = {"a.eu-st.axis.com"}, *unglob[] = {"www.axis.com"},
		   *dyndns[] = {"members.dyndns.org"};
	bool weak;
	(void)state;
	assert_true(answers(c, &(struct cloud_question){.names = under, .n_names = 1}, "hikvision", &weak));
	assert_false(weak);
	assert_false(answers(c, &(struct cloud_question){.names = beside, .n_names = 1}, "hikvision", NULL));
	assert_false(answers(c, &(struct cloud_question){.names = site, .n_names = 1}, "hikvision", NULL));
	assert_true(answers(c, &(struct cloud_question){.names = two, .n_names = 2}, "tuya", NULL));
	assert_true(answers(c, &(struct cloud_question){.names = glob, .n_names = 1}, "axis", NULL));
	assert_false(answers(c, &(struct cloud_question){.names = unglob, .n_names = 1}, "axis", NULL));
	assert_true(answers(c, &(struct cloud_question){.names = dyndns, .n_names = 1}, "reolink", &weak));
	assert_true(weak);
	assert_true(answers(c, &(struct cloud_question){.protocol = "pppp"}, "p2p", NULL));
	assert_true(answers(c, &(struct cloud_question){.protocol = "pppp"}, "cs2", NULL));
	assert_true(answers(c, &(struct cloud_question){.protocol = "stun"}, "p2p", NULL));
	assert_false(answers(c, &(struct cloud_question){.protocol = "stun", .special = true}, "p2p", NULL));
	assert_false(answers(c, &(struct cloud_question){.protocol = "tls"}, "p2p", NULL));
	/* A port counts where nothing else is known, and never for much. */
	struct cloud_question q = {.protocol = "unknown", .proto = IPPROTO_UDP, .port = 32100};
	assert_true(answers(c, &q, "cs2", &weak));
	assert_true(weak);
	q.protocol = "dns";
	assert_false(answers(c, &q, "cs2", NULL));
	q.protocol = NULL;
	assert_false(answers(c, &q, "cs2", NULL));
	q.protocol = "unknown";
	q.names = site;
	q.n_names = 1;
	assert_false(answers(c, &q, "cs2", NULL));
	/* An address with a port counts at that port. */
	struct cloud_question bare = {.proto = IPPROTO_UDP, .port = 10001};
	assert_true(addr_parse("50.19.254.134", &bare.remote));
	assert_true(answers(c, &bare, "tutk", NULL));
	bare.port = 443;
	assert_false(answers(c, &bare, "tutk", NULL));
	/* Names that are too long or empty, and less room than answers. */
	char endless[4096];
	memset(endless, '.', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = 0;
	const char *odd[] = {endless, "", ".", "..", "a..", "eu2.dev.hik-connect.com"};
	struct cloud_answer one[1];
	assert_int_equal(catalogue_clouds_of(c, &(struct cloud_question){.names = odd, .n_names = 6, .protocol = "pppp"}, one, 1), 1);
	catalogue_unref(c);
}

/* Each text is a second file beside TWO; code NULL: it is good. */
static void
malformed(void **state)
{
	static const struct {
		const char *text, *code;
		unsigned line, col;
	} cases[] = {
		{"", "E160", 1, 1},
		{"hello\n", "E160", 1, 1},
		{"# lenscap-catalogue 2 oui\n# a\n", "E160", 1, 1},
		{"# lenscap-catalogue 1 nothing\n# a\n", "E160", 1, 1},
		{"# lenscap-catalogue 1 oui\n# prefix\tmaker\n", "E160", 2, 1},
		{"# lenscap-catalogue 1 oui", "E160", 1, 1},
		{OUI, NULL, 0, 0},
		{OUI "# a comment\n\n00:11:22\tacme\tX\t-\ttest", NULL, 0, 0},
		{OUI "00:11:22\tacme\tX\t-\n", "E161", 3, 1},
		{OUI "00:11:22\tacme\tX\t-\ttest\tmore\n", "E161", 3, 1},
		{OUI "00:11:22\tacme\tX\t-\ttest\t1\t2\t3\t4\t5\t6\t7\t8\t9\n", "E161", 3, 1},
		{OUI "00:11:22\tacme\t\t-\ttest\n", "E161", 3, 15},
		{OUI "00:11:22\tacme\tX\033[1m\t-\ttest\n", "E161", 3, 1},
		{OUI "00:11:22\tacme\tX\xff\t-\ttest\n", "E161", 3, 1},
		{OUI "00:11:22\tacme\tX\xe2\x80\xae\t-\ttest\n", "E161", 3, 1},
		{OUI "00:11:22\tacme\tX\t-\ttest\r\n", NULL, 0, 0},
		{OUI "00:11:22\tacmee\tX\t-\ttest\n", "E162", 3, 10},
		{OUI "00:11:22\tacme\tX\tvery\ttest\n", "E164", 3, 17},
		{OUI "00:11\tacme\tX\t-\ttest\n", "E165", 3, 1},
		{OUI "00:11:2g\tacme\tX\t-\ttest\n", "E165", 3, 1},
		{OUI "00:11:22:30:00:00/28\tacme\tX\t-\ttest\n", NULL, 0, 0},
		{OUI "00:11:22:31:00:00/28\tacme\tX\t-\ttest\n", "E165", 3, 1},
		{OUI "00:11:22:30:00:00/27\tacme\tX\t-\ttest\n", "E165", 3, 1},
		{OUI "02:11:22\tacme\tX\t-\ttest\n", "E165", 3, 1},
		{OUI "01:11:22\tacme\tX\t-\ttest\n", "E165", 3, 1},
		{OUI "00:11:22\tacme\tX\t-\ttest\n00:11:22\tacme\tY\t-\ttest\n", "E166", 4, 1},
		{MAKERS "third\tThird\t-\tmaker\tno\ttest\n", NULL, 0, 0},
		{MAKERS "acme\tAcme\t-\tplatform\tno\ttest\n", NULL, 0, 0}, /* the later file's row is taken */
		{MAKERS "Third\tThird\t-\tmaker\tno\ttest\n", "E164", 3, 1},
		{MAKERS "third\tThird\tnobody\tmaker\tno\ttest\n", "E162", 3, 13},
		{MAKERS "third\tThird\t-\tshop\tno\ttest\n", "E164", 3, 15},
		{MAKERS "third\tThird\t-\tmaker\tperhaps\ttest\n", "E164", 3, 21},
		{BRANDS "B\tacme\thigh\ttest\t-\n", NULL, 0, 0},
		{BRANDS "B\t-\tlow\ttest\t-\n", NULL, 0, 0},
		{BRANDS "---\tacme\thigh\ttest\t-\n", "E164", 3, 1},
		{BRANDS "B\tacme\tsure\ttest\t-\n", "E164", 3, 8},
		{BRANDS "A b\tacme\thigh\ttest\t-\na-B\tacme\tlow\ttest\t-\n", "E166", 4, 1},
		{PRINTS "acme\tmodel\tregex\t^A(B\t50\t-\ttest\t-\n", "E163", 3, 18},
		{PRINTS "acme\tmodel\tregex\t(a)\\1\t50\t-\ttest\t-\n", "E163", 3, 18},
		{PRINTS "acme\tmodel\tregex\t((a{100}){100}){100}\t50\t-\ttest\t-\n", "E163", 3, 18},
		{PRINTS "acme\tmodel\tregex\ta{1,}{2000}\t50\t-\ttest\t-\n", "E163", 3, 18},
		{PRINTS "acme\tmodel\tregex\t(((a{9}b{9}){9}c)*{9}d)+{9}\t50\t-\ttest\t-\n", "E163", 3, 18},
		{PRINTS "acme\tmodel\tregex\t[]{2000}]a{20}(b{20}){20}\t50\t-\ttest\t-\n", NULL, 0, 0},
		{PRINTS "acme\tmodel\tregex\t[[:alpha:]]{2,5}\t50\t-\ttest\t-\n", NULL, 0, 0},
		{PRINTS "acme\tmodels\texact\tA\t50\t-\ttest\t-\n", "E164", 3, 6},
		{PRINTS "acme\tmodel\tpcre\tA\t50\t-\ttest\t-\n", "E164", 3, 12},
		{PRINTS "acme\tmodel\texact\tA\t101\t-\ttest\t-\n", "E164", 3, 20},
		{PRINTS "acme\tmodel\texact\tA\t-1\t-\ttest\t-\n", "E164", 3, 20},
		{PRINTS "acme\tudp-payload\thex-prefix\tabc\t50\t-\ttest\t-\n", "E163", 3, 29},
		{PRINTS "acme\tudp-payload\thex-prefix\tAB\t50\t-\ttest\t-\n", "E163", 3, 29},
		{PRINTS "acme\tudp-payload\thex-prefix\tab.c\t50\t-\ttest\t-\n", "E163", 3, 29},
		{PRINTS "acme\thttp-favicon-md5\tmd5\tabcd\t50\t-\ttest\t-\n", "E163", 3, 27},
		{PRINTS "acme\thttp-favicon-mmh3\tmmh3\t12x\t50\t-\ttest\t-\n", "E163", 3, 29},
		{PRINTS "acme\tprotocol\texact\tspdy\t50\t-\ttest\t-\n", "E163", 3, 21},
		{CLOUDS "acme\tcloud\tacme.example\t-\ttest\n", NULL, 0, 0},
		{CLOUDS "acme\tcloud\tAcme.example\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\texample\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\t*\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\ta.*.example.com\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\ta*b*.example.com\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\ta..example.com\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\ta.example.com:443\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\ta.example.com:0/tcp\t-\ttest\n", "E163", 3, 12},
		{CLOUDS "acme\tcloud\t2001:db8::1\t-\ttest\n", NULL, 0, 0},
		{CLOUDS "acme\tport\t70000/udp\t-\ttest\n", "E163", 3, 11},
		{CLOUDS "acme\tport\t1-2000/udp\t-\ttest\n", "E163", 3, 11},
		{CLOUDS "acme\tport\t9-5/udp\t-\ttest\n", "E163", 3, 11},
		{CLOUDS "acme\tport\t53/sctp\t-\ttest\n", "E163", 3, 11},
		{CLOUDS "acme\tasn\t64500\t-\ttest\n", NULL, 0, 0},
		{CLOUDS "acme\tasn\t4294967296\t-\ttest\n", "E163", 3, 10},
		{CLOUDS "acme\tasn\t0\t-\ttest\n", "E163", 3, 10},
		{CLOUDS "acme\tprotocol\tspdy\t-\ttest\n", "E163", 3, 15},
		{CLOUDS "acme\tfog\tx.example\t-\ttest\n", "E164", 3, 6},
		{CLOUDS "nobody\tcloud\tx.example\t-\ttest\n", "E162", 3, 1},
		{CLOUDS "nobody\tcloud\tx.example\t-\ttest\nnobody\tname\tNobody's own\t-\ttest\n", NULL, 0, 0},
		{CLOUDS "No Body\tcloud\tx.example\t-\ttest\n", "E164", 3, 1},
		{CLOUDS "acme\tcloud\tx.example\t-\ttest\nacme\tcloud\tx.example\tweak\ttest\n", "E166", 4, 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diags d = {0};
		struct catalogue *c = made(&d, (const char *const[]){TWO, cases[i].text}, 2);
		catalogue_unref(c);
		if (d.errors != (cases[i].code != NULL) || (d.n && strcmp(d.list[0].code, cases[i].code) != 0) ||
		    (d.n && (d.list[0].line != cases[i].line || d.list[0].col != cases[i].col || strcmp(d.list[0].file, "b.tsv") != 0))) {
			diags_print(&d, stderr, false);
			fail_msg("%s\nexpected %s at %u:%u", cases[i].text, cases[i].code ? cases[i].code : "nothing", cases[i].line,
				 cases[i].col);
		}
		diags_free(&d);
	}
}

/* The owner's file comes after the shipped ones: what it says of the same thing is taken. */
static void
later_wins(void **state)
{
	struct diags d = {0};
	struct mac mac = {{0x00, 0x11, 0x22, 0x33, 4, 5}};
	struct catalogue *c = made(&d, (const char *const[]){TWO, OUI "00:11:22\tacme\tfirst\t-\ttest\n00:11:22:30:00:00/28\tacme\tlong\t-\ttest\n",
							      OUI "00:11:22\tsub\tsecond\tweak\ttest\n"},
					3);
	(void)state;
	assert_int_equal(d.errors, 0);
	assert_string_equal(catalogue_oui(c, &mac)->organisation, "long");
	mac.b[3] = 0x40;
	assert_string_equal(catalogue_oui(c, &mac)->organisation, "second");
	assert_string_equal(catalogue_oui(c, &mac)->spot.file, "c.tsv");
	assert_int_equal(catalogue_oui(c, &mac)->spot.line, 3);
	assert_int_equal(catalogue_rows(c), 4);
	catalogue_unref(c);
}

static char *
many_ouis(size_t n)
{
	size_t cap = n * 40 + 200, len;
	char *text = malloc(cap);
	assert_non_null(text);
	len = (size_t)snprintf(text, cap, "%s", OUI);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, cap - len, "%02X:%02X:%02X\tacme\tX\t-\ttest\n", (unsigned)(i >> 16) * 4 & 0xfc,
					(unsigned)(i >> 8) & 0xff, (unsigned)i & 0xff);
	return text;
}

static void
many_rows(void **state)
{
	static const size_t sizes[] = {100000, CATALOGUE_OUI_MAX, CATALOGUE_OUI_MAX + 10};
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct diags d = {0};
		char *text = many_ouis(sizes[i]);
		struct catalogue *c = made(&d, (const char *const[]){TWO, text}, 2);
		bool over = sizes[i] > CATALOGUE_OUI_MAX;
		assert_int_equal(d.errors, over);
		if (over)
			assert_string_equal(d.list[0].code, "E167");
		const struct oui_row *rows;
		assert_int_equal(catalogue_ouis(c, &rows), over ? CATALOGUE_OUI_MAX : sizes[i]);
		struct mac mac = {{0, 0x01, 0x00, 9, 9, 9}};
		assert_non_null(catalogue_oui(c, &mac));
		catalogue_unref(c);
		diags_free(&d);
		free(text);
	}
}

static const char policy_text[] = "version: 1\nmode: monitor\nzones:\n  cams:\n    interfaces: [eth1]\ndefault: block\nrules: []\n";

static void
policies_share(void **state)
{
	struct bundle *b = bundle_from_text("p.yaml", policy_text, sizeof(policy_text) - 1), *other;
	struct diags d = {0};
	char *failed = NULL;
	(void)state;
	assert_true(bundle_add_catalogue(b, &failed));
	other = bundle_from_text("p.yaml", policy_text, sizeof(policy_text) - 1);
	assert_true(bundle_add_data(other, "a.tsv", TWO, sizeof(TWO) - 1));
	assert_string_not_equal(b->id, other->id);
	struct policy *first = policy_load(b, &d), *second = policy_load_sharing(b, &d, first), *third = policy_load_sharing(other, &d, first);
	diags_print(&d, stderr, false);
	assert_non_null(first);
	assert_non_null(second);
	assert_non_null(third);
	assert_ptr_equal(policy_catalogue(first), policy_catalogue(second));
	assert_ptr_not_equal(policy_catalogue(first), policy_catalogue(third));
	policy_free(first);
	assert_true(catalogue_maker(policy_catalogue(second), "hikvision") != MAKER_UNKNOWN);
	assert_int_equal(catalogue_maker(policy_catalogue(third), "hikvision"), MAKER_UNKNOWN);
	policy_free(second);
	policy_free(third);
	/* A catalogue that is not there is told, and one that is wrong refuses the policy. */
	other->no_catalogue = true;
	assert_int_equal(d.warnings, 0);
	third = policy_load(other, &d);
	assert_non_null(third);
	assert_int_equal(d.warnings, 1);
	assert_string_equal(d.list[0].code, "W316");
	policy_free(third);
	assert_true(bundle_add_data(other, "b.tsv", "what", 4));
	assert_null(policy_load(other, &d));
	assert_int_equal(d.errors, 1);
	diags_free(&d);
	bundle_free(other);
	bundle_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_makers),	cmocka_unit_test(shipped_ouis),	  cmocka_unit_test(shipped_brands),
		cmocka_unit_test(shipped_fingerprints), cmocka_unit_test(shipped_expressions), cmocka_unit_test(hostile_texts),
		cmocka_unit_test(shipped_clouds),	cmocka_unit_test(clouds_of_flows), cmocka_unit_test(malformed),
		cmocka_unit_test(later_wins),		cmocka_unit_test(many_rows),	  cmocka_unit_test(policies_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
