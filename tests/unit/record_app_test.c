/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of what flows speak: dns, tls, quic, http and anomaly; names and protocols on the others. */
#include "record_lab.h"

static const char golden_answer[] =
	"{\"timestamp\":\"2026-11-23T05:40:00.123456+0000\",\"flow_id\":1676750115612680,\"in_iface\":"
	"\"cam0\","
	"\"event_type\":\"dns\",\"src_ip\":\"192.0.2.21\",\"src_port\":40112,\"dest_ip\":\"203.0.113.77\","
	"\"dest_port\":32100,\"proto\":\"UDP\",\"ip_v\":4,\"app_proto\":\"dns\",\"direction\":\"to_server\","
	"\"community_id\":\"1:+mELaE9RO7rmFY9Fyr9B0Y3eABw=\",\"host\":\"gw-042\","
	"\"ether\":{\"src_mac\":\"44:19:b6:00:00:21\"},"
	"\"dns\":{\"version\":2,\"type\":\"answer\",\"id\":7982,\"flags\":\"8180\",\"qr\":true,\"rd\":true,"
	"\"ra\":true,\"opcode\":0,\"rrname\":\"p2p.vendor.example\",\"rrtype\":\"A\",\"rcode\":\"NOERROR\","
	"\"answers\":[{\"rrname\":\"p2p.vendor.example\",\"rrtype\":\"CNAME\",\"ttl\":120,"
	"\"rdata\":\"edge7.cdn.example.net\"},"
	"{\"rrname\":\"edge7.cdn.example.net\",\"rrtype\":\"A\",\"ttl\":600,\"rdata\":\"203.0.113.77\"}]},"
	"\"lenscap\":{\"v\":1,\"mode\":\"enforce\",\"decision\":\"block\",\"would\":\"block\",\"rule\":"
	"\"never\","
	"\"rule_file\":\"/etc/lenscap/lenscap.yaml\",\"rule_line\":28,\"policy_id\":\"9f2c41aa00bb\","
	"\"reason\":\"default\",\"inbound\":false,"
	"\"device\":{\"name\":\"cam-dock-3\",\"vendor\":\"LTS\",\"groups\":[\"dock\",\"outdoor\"],\"known\":"
	"true,"
	"\"zone\":\"cameras\"},"
	"\"dest\":{\"ip\":\"203.0.113.77\",\"name\":\"\",\"name_from\":\"\",\"country\":\"CN\","
	"\"country_source\":\"location "
	"2026-11-19\",\"registered_country\":\"CN\",\"continent\":\"AS\",\"asn\":64500,"
	"\"asn_source\":\"location 2026-11-19\",\"as_name\":\"Example "
	"Net\",\"anycast\":false,\"special\":\"\"}}}\n";

static struct dns_record *
add_record(struct sample *s, const char *name, uint16_t type, uint32_t ttl, const char *target)
{
	struct dns_record *d = &s->dns.record[s->dns.n++];

	*d = (struct dns_record){.type = type, .class = 1, .ttl = ttl};
	snprintf(d->name, sizeof d->name, "%s", name);
	if (!addr_parse(target, &d->addr))
		snprintf(d->target, sizeof d->target, "%s", target);
	return d;
}

static void
answer_init(struct sample *s)
{
	sample_init(s, RECORD_DNS);
	s->r.app_proto = "dns";
	s->r.dns_answer = true;
}

static void
test_golden_answer(void **state)
{
	struct sample s;
	char line[RECORD_BYTES + 1];

	(void)state;
	answer_init(&s);
	add_record(&s, "p2p.vendor.example", DNS_TYPE_CNAME, 120, "edge7.cdn.example.net");
	add_record(&s, "edge7.cdn.example.net", DNS_TYPE_A, 600, "203.0.113.77");
	print(&s.r, line);
	assert_string_equal(line, golden_answer);
}

/* A query has no answers, whatever the message holds. */
static void
test_query(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_DNS);
	s.dns.flags = 0x0100;
	s.dns.query_type = DNS_TYPE_HTTPS;
	add_record(&s, "p2p.vendor.example", DNS_TYPE_A, 1, "203.0.113.77");
	EXPECT(&s.r, "dns",
	       "{\"version\":2,\"type\":\"query\",\"id\":7982,\"flags\":\"100\",\"rd\":true,\"opcode\":0,"
	       "\"rrname\":\"p2p.vendor.example\",\"rrtype\":\"HTTPS\"}",
	       "app_proto", "", "lenscap.counts", "", "flow", "", "verdict", "", "lenscap.app", "",
	       "lenscap.decision", "\"block\"", "lenscap.inbound", "false");
	s.dns.query_len = 0;
	s.dns.flags = 0;
	EXPECT(&s.r, "dns", "{\"version\":2,\"type\":\"query\",\"id\":7982,\"flags\":\"0\",\"opcode\":0}");
}

static void
test_dns_words(void **state)
{
	static const struct {
		uint16_t flags, type;
		const char *hex, *rcode, *opcode, *rrtype;
	} rows[] = {
		{0x8000, DNS_TYPE_AAAA, "\"8000\"", "\"NOERROR\"", "0", "\"AAAA\""},
		{0x8183, DNS_TYPE_SVCB, "\"8183\"", "\"NXDOMAIN\"", "0", "\"SVCB\""},
		{0x8185, DNS_TYPE_TXT, "\"8185\"", "\"REFUSED\"", "0", "\"TXT\""},
		{0xffff, DNS_TYPE_ANY, "\"ffff\"", "\"15\"", "15", "\"ANY\""},
		{0xa80b, 65535, "\"a80b\"", "\"11\"", "5", "\"65535\""},
		{0x000a, 0, "\"a\"", "\"NOTZONE\"", "0", "\"0\""},
	};
	struct sample s;

	(void)state;
	answer_init(&s);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool all = rows[i].flags == 0xffff;
		s.dns.flags = rows[i].flags;
		s.dns.query_type = rows[i].type;
		EXPECT(&s.r, "dns.flags", rows[i].hex, "dns.rcode", rows[i].rcode, "dns.opcode",
		       rows[i].opcode, "dns.rrtype", rows[i].rrtype, "dns.answers", "[]", "dns.additionals",
		       "", "dns.aa", all ? "true" : "", "dns.tc", all ? "true" : "", "dns.z",
		       all ? "true" : "");
	}
}

/* Each kind of data, and records that stand beside the answer. */
static void
test_dns_data(void **state)
{
	struct sample s;

	(void)state;
	answer_init(&s);
	add_record(&s, "a", DNS_TYPE_AAAA, 1, "2001:db8::77");
	add_record(&s, "b", DNS_TYPE_TXT, UINT32_MAX, "");
	add_record(&s, "c", DNS_TYPE_HTTPS, 0, "svc.example")->addr = s.remote;
	add_record(&s, "svc.example", DNS_TYPE_A, 60, "203.0.113.10")->additional = true;
	add_record(&s, "", DNS_TYPE_MX, 2, "mail\\046x.example");
	EXPECT(&s.r, "dns.answers",
	       "[{\"rrname\":\"a\",\"rrtype\":\"AAAA\",\"ttl\":1,\"rdata\":\"2001:db8::77\"},"
	       "{\"rrname\":\"b\",\"rrtype\":\"TXT\",\"ttl\":4294967295},"
	       "{\"rrname\":\"c\",\"rrtype\":\"HTTPS\",\"ttl\":0,\"rdata\":\"203.0.113.77\"},"
	       "{\"rrname\":\"\",\"rrtype\":\"MX\",\"ttl\":2,\"rdata\":\"mail\\\\046x.example\"}]",
	       "dns.additionals",
	       "[{\"rrname\":\"svc.example\",\"rrtype\":\"A\",\"ttl\":60,\"rdata\":\"203.0.113.10\"}]",
	       "lenscap.truncated", "");
	s.dns.truncated_list = true;
	EXPECT(&s.r, "lenscap.truncated", "true");
}

static void
fill_answers(struct sample *s, const char *pattern, size_t len)
{
	char name[DNS_NAME] = "";

	for (size_t i = 0; i < len; i++)
		name[i] = pattern[i % strlen(pattern)];
	name[len] = '\0';
	answer_init(s);
	for (size_t i = 0; i < DNS_ANSWERS; i++)
		add_record(s, name, DNS_TYPE_CNAME, 3600, name);
}

/* The list is shortened, the names that stay are whole. */
static void
test_long_answers(void **state)
{
	static const struct {
		const char *pattern;
		size_t len, answers;
		const char *truncated;
	} rows[] = {
		{"edge.", 20, 32, ""},	   {"edge.", 60, 32, ""},     {"edge.", 150, 16, "true"},
		{"edge.", 255, 8, "true"}, {"\\001", 255, 8, "true"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sample s;
		fill_answers(&s, rows[i].pattern, rows[i].len);
		EXPECT(&s.r, "lenscap.truncated", rows[i].truncated);
		struct json_object *o = read_back(&s.r), *list = at(o, "dns.answers");
		assert_int_equal(json_object_array_length(list), rows[i].answers);
		struct json_object *last = json_object_array_get_idx(list, rows[i].answers - 1);
		assert_int_equal(json_object_get_string_len(at(last, "rdata")), rows[i].len);
		json_object_put(o);
	}
}

static const char golden_tls[] =
	"{\"timestamp\":\"2026-11-23T05:40:00.123456+0000\",\"event_type\":\"tls\",\"app_proto\":\"tls\","
	"\"host\":\"gw-042\","
	"\"tls\":{\"sni\":\"cloud.vendor.example\",\"version\":\"TLS 1.3\","
	"\"ja4\":\"t13d1516h2_8daaf6152771_b186095e22b6\",\"client_alpns\":[\"h2\",\"http/1.1\"]},"
	"\"lenscap\":{\"v\":1,\"dest\":{\"ip\":\"203.0.113.77\",\"name\":\"cloud.vendor.example\",\"name_"
	"from\":\"sni\"},"
	"\"app\":{\"name\":\"cloud.vendor.example\",\"ech\":true,\"encrypted\":true,\"alpn\":[\"h2\",\"http/"
	"1.1\"],"
	"\"server\":\"\",\"realm\":\"\",\"detail\":\"\"}}}\n";

static void
test_golden_tls(void **state)
{
	struct sample s;
	char line[RECORD_BYTES + 1];

	(void)state;
	sample_init(&s, RECORD_TLS);
	s.app.ech = true;
	s.r.app_proto = "tls";
	s.r.dest_name = "cloud.vendor.example";
	s.r.dest_name_from = "sni";
	s.r.in_iface = NULL;
	s.r.flow = NULL;
	s.r.device = NULL;
	s.r.decision = NULL;
	s.r.place = NULL;
	print(&s.r, line);
	assert_string_equal(line, golden_tls);
}

static void
test_tls_versions(void **state)
{
	static const struct {
		uint16_t version;
		const char *text;
	} rows[] = {
		{0, "\"UNDETERMINED\""}, {0x0002, "\"SSLv2\""},	  {0x0300, "\"SSLv3\""},
		{0x0301, "\"TLSv1\""},	 {0x0302, "\"TLS 1.1\""}, {0x0303, "\"TLS 1.2\""},
		{0x0304, "\"TLS 1.3\""}, {0x0305, "\"0x0305\""},  {0xfefd, "\"0xfefd\""},
		{0xffff, "\"0xffff\""},
	};
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_TLS);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s.app.tls_version = rows[i].version;
		EXPECT(&s.r, "tls.version", rows[i].text);
	}
}

/* What the client did not say is absent where EVE leaves it out, and empty in our object. */
static void
test_tls_bare(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_TLS);
	s.app = (struct app){.name = "not said"};
	EXPECT(&s.r, "tls", "{\"version\":\"UNDETERMINED\"}", "lenscap.app",
	       "{\"name\":\"\",\"ech\":false,\"encrypted\":false,\"alpn\":[],\"server\":\"\",\"realm\":\"\","
	       "\"detail\":\"\"}");
}

static void
test_quic(void **state)
{
	static const struct {
		uint32_t version;
		const char *text;
	} rows[] = {
		{1, "\"1\""},
		{0x6b3343cf, "\"6b3343cf\""},
		{0xff00001d, "\"ff00001d\""},
		{0x51303433, "\"Q043\""},
		{0x51220a00, "\"51220a00\""}, /* begins with a Q */
		{0x0a0a0a0a, "\"a0a0a0a\""},
		{0, "\"0\""},
	};
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_QUIC);
	s.r.app_proto = "quic";
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s.app.quic_version = rows[i].version;
		EXPECT(&s.r, "quic.version", rows[i].text);
	}
	EXPECT(&s.r, "event_type", "\"quic\"", "app_proto", "\"quic\"", "quic.sni",
	       "\"cloud.vendor.example\"", "quic.ja4", "\"t13d1516h2_8daaf6152771_b186095e22b6\"",
	       "lenscap.app.alpn", "[\"h2\",\"http/1.1\"]", "lenscap.app.encrypted", "true", "tls", "");
	s.app = (struct app){.quic_version = 1};
	EXPECT(&s.r, "quic", "{\"version\":\"1\"}");
}

static void
test_http(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_HTTP);
	s.r.app_proto = "http";
	s.app = (struct app){.has_name = true,
			     .name = "update.vendor.example",
			     .http_method = "GET",
			     .http_path = "/fw?v=\"1\"",
			     .http_user_agent = "cam/1.0",
			     .http_server = "nginx",
			     .http_realm = "IP Camera",
			     .http_status = 401};
	EXPECT(&s.r, "event_type", "\"http\"", "http",
	       "{\"hostname\":\"update.vendor.example\",\"url\":\"/"
	       "fw?v=\\\"1\\\"\",\"http_user_agent\":\"cam/1.0\","
	       "\"http_method\":\"GET\",\"status\":401}",
	       "lenscap.app",
	       "{\"name\":\"update.vendor.example\",\"ech\":false,\"encrypted\":false,\"alpn\":[],\"server\":"
	       "\"nginx\","
	       "\"realm\":\"IP Camera\",\"detail\":\"\"}");
	s.app = (struct app){0};
	EXPECT(&s.r, "http", "{}");
}

static void
test_anomalies(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_ANOMALY);
	s.r.app_proto = "dns";
	s.r.anomaly = ANOMALY_APPLAYER;
	s.r.anomaly_event = "dns.malformed";
	s.r.anomaly_layer = "proto_parser";
	EXPECT(&s.r, "event_type", "\"anomaly\"", "flow_id", "1676750115612680", "anomaly",
	       "{\"app_proto\":\"dns\",\"type\":\"applayer\",\"event\":\"dns.malformed\",\"layer\":\"proto_"
	       "parser\"}");
	s.r.anomaly = ANOMALY_STREAM;
	s.r.anomaly_event = "stream.conflict";
	s.r.anomaly_layer = NULL;
	EXPECT(&s.r, "app_proto", "\"dns\"", "anomaly", "{\"type\":\"stream\",\"event\":\"stream.conflict\"}",
	       "lenscap.app", "", "lenscap.counts", "");
	s.r.anomaly = (enum anomaly)77;
	s.r.anomaly_event = NULL;
	EXPECT(&s.r, "anomaly", "{\"type\":\"decode\",\"event\":\"unknown\"}");
}

/* Alerts and flows tell the protocol and the name, and no more. */
static void
test_others_stay_small(void **state)
{
	static const uint32_t types[] = {RECORD_ALERT, RECORD_FLOW};
	struct sample s;

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		sample_init(&s, types[i]);
		s.r.app_proto = "failed";
		s.r.dest_name = "p2p.vendor.example";
		s.r.dest_name_from = "dns";
		EXPECT(&s.r, "app_proto", "\"failed\"", "lenscap.dest.name", "\"p2p.vendor.example\"",
		       "lenscap.dest.name_from", "\"dns\"", "lenscap.app", "", "dns", "", "tls", "");
		s.r.dest_name = s.r.app_proto = NULL;
		EXPECT(&s.r, "app_proto", "", "lenscap.dest.name", "\"\"", "lenscap.dest.name_from", "\"\"");
	}
}

/* The validator refuses what is wrong in the objects of this test. */
static void
test_validator_refuses(void **state)
{
	static const char *const wrong[] = {
		"s/\"ttl\":600/\"ttl\":\"600\"/",
		"s/\"opcode\":0/\"opcode\":false/",
		"s/\"answers\":\\[.*\\]}/\"answers\":{}}/",
		"s/\"tls\":{\"sni\"/\"tls\":{\"server\"/",
		"s/\"name_from\":\"sni\"/\"name_from\":\"guess\"/",
		"s/\"event_type\":\"tls\"/\"event_type\":\"quic\"/",
		"s/\"event_type\":\"dns\"/\"event_type\":\"alert\"/",
		"s/\"layer\":\"proto_parser\"/\"layer\":[\"proto_parser\"]/",
	};
	char command[512];

	(void)state;
	if (access("tests/validate", X_OK) != 0 ||
	    run("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0)
		skip();
	assert_int_equal(fflush(samples), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(command, sizeof command, "sed '%s' %s | tests/validate --errors 0 >/dev/null",
			 wrong[i], samples_path);
		if (run(command) != 1)
			fail_msg("not refused: %s", wrong[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_answer),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_dns_words),
		cmocka_unit_test(test_dns_data),
		cmocka_unit_test(test_long_answers),
		cmocka_unit_test(test_golden_tls),
		cmocka_unit_test(test_tls_versions),
		cmocka_unit_test(test_tls_bare),
		cmocka_unit_test(test_quic),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_anomalies),
		cmocka_unit_test(test_others_stay_small),
		cmocka_unit_test(test_validator_refuses),
		cmocka_unit_test(test_validate), /* last: all lines of the others */
	};

	return cmocka_run_group_tests_name("record_app", tests, open_samples, remove_samples);
}
