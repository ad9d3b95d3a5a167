/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: golden lines, and each type and each field read back by another parser. */
#include <math.h>

#include "record_lab.h"

static const char golden_alert[] =
	"{\"timestamp\":\"2026-11-23T05:40:00.123456+0000\",\"flow_id\":1676750115612680,\"in_iface\":"
	"\"cam0\","
	"\"event_type\":\"alert\",\"src_ip\":\"192.0.2.21\",\"src_port\":40112,\"dest_ip\":\"203.0.113.77\","
	"\"dest_port\":32100,\"proto\":\"UDP\",\"ip_v\":4,\"direction\":\"to_server\","
	"\"community_id\":\"1:+mELaE9RO7rmFY9Fyr9B0Y3eABw=\",\"host\":\"gw-042\","
	"\"ether\":{\"src_mac\":\"44:19:b6:00:00:21\"},"
	"\"alert\":{\"action\":\"blocked\",\"gid\":1,\"signature_id\":1900417,\"rev\":1,"
	"\"signature\":\"LENSCAP block never: cam-dock-3 -> CN AS64500 udp/32100\","
	"\"category\":\"Potential Corporate Privacy Violation\",\"severity\":1,"
	"\"metadata\":{\"policy\":[\"never\"],\"lenscap_device\":[\"cam-dock-3\"],\"lenscap_country\":["
	"\"CN\"],"
	"\"lenscap_asn\":[\"64500\"]}},"
	"\"verdict\":{\"action\":\"drop\"},"
	"\"flow\":{\"pkts_toserver\":1,\"pkts_toclient\":0,\"bytes_toserver\":90,\"bytes_toclient\":0,"
	"\"start\":\"2026-11-23T05:40:00.123456+0000\"},"
	"\"lenscap\":{\"v\":1,\"mode\":\"enforce\",\"decision\":\"block\",\"would\":\"block\",\"rule\":"
	"\"never\","
	"\"rule_file\":\"/etc/lenscap/lenscap.yaml\",\"rule_line\":28,\"policy_id\":\"9f2c41aa00bb\","
	"\"reason\":\"default\",\"inbound\":false,"
	"\"device\":{\"name\":\"cam-dock-3\",\"vendor\":\"LTS\",\"groups\":[\"dock\",\"outdoor\"],\"known\":"
	"true,"
	"\"zone\":\"cameras\"},"
	"\"dest\":{\"ip\":\"203.0.113.77\",\"name\":\"\",\"name_from\":\"\",\"country\":\"CN\",\"country_source\":\"location 2026-11-19\","
	"\"registered_country\":\"CN\",\"continent\":\"AS\",\"asn\":64500,\"asn_source\":\"location "
	"2026-11-19\","
	"\"as_name\":\"Example Net\",\"anycast\":false,\"special\":\"\"},"
	"\"repeat\":17,\"suppressed_s\":60,\"counts\":\"seen\"}}\n";

static void
test_golden_alert(void **state)
{
	struct sample s;
	char line[RECORD_BYTES + 1];

	(void)state;
	sample_init(&s, RECORD_ALERT);
	s.r.repeat = 17;
	s.r.suppressed_s = 60;
	print(&s.r, line);
	assert_string_equal(line, golden_alert);
}

static const char golden_drop[] =
	"{\"timestamp\":\"2026-11-23T05:40:00.123456+0000\",\"in_iface\":\"cam0\",\"event_type\":\"drop\","
	"\"src_ip\":\"192.0.2.21\",\"dest_ip\":\"203.0.113.77\",\"proto\":\"TCP\",\"ip_v\":4,\"host\":\"gw-"
	"042\","
	"\"drop\":{\"len\":40,\"reason\":\"decode error\"},\"verdict\":{\"action\":\"pass\"},"
	"\"lenscap\":{\"v\":1,\"mode\":\"monitor\",\"decision\":\"allow\",\"would\":\"block\",\"rule\":\"\","
	"\"rule_file\":\"\",\"rule_line\":0,\"policy_id\":\"9f2c41aa00bb\",\"reason\":\"malformed: "
	"truncated\","
	"\"repeat\":1,\"suppressed_s\":0,\"drop\":\"truncated\"}}\n";

static void
test_golden_drop(void **state)
{
	struct sample s;
	char line[RECORD_BYTES + 1];

	(void)state;
	sample_init(&s, RECORD_DROP);
	s.flow.tuple = tuple_of(IPPROTO_TCP, "192.0.2.21", 0, "203.0.113.77", 0);
	s.decision = (struct record_decision){.decision = DECISION_ALLOW,
					      .would = DECISION_BLOCK,
					      .mode = MODE_MONITOR,
					      .policy_id = "9f2c41aa00bb",
					      .reason = "malformed: truncated"};
	s.r.device = NULL;
	s.r.place = NULL;
	s.r.remote = NULL;
	s.r.drop = DROP_TRUNCATED;
	s.r.packet_len = 40;
	s.r.repeat = 1;
	print(&s.r, line);
	assert_string_equal(line, golden_drop);
}

static void
test_flow(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_FLOW);
	s.flow.tuple = tuple_of(IPPROTO_TCP, "2001:db8::21", 40112, "2001:db8:77::1", 443);
	s.flow.packets_toclient = 7;
	s.flow.bytes_toclient = UINT64_MAX;
	s.flow.end_us = WHEN + 2999999;
	s.flow.state = "established";
	s.flow.end = FLOW_END_REVOKED;
	s.flow.exact = s.flow.alerted = true;
	s.r.wall_us = WHEN + 5000000;
	s.r.app_proto = "tls";
	EXPECT(&s.r, "event_type", "\"flow\"", "src_ip", "\"2001:db8::21\"", "dest_ip", "\"2001:db8:77::1\"",
	       "proto", "\"TCP\"", "ip_v", "6", "src_port", "40112", "dest_port", "443", "app_proto",
	       "\"tls\"", "ether.src_macs", "[\"44:19:b6:00:00:21\"]", "flow.pkts_toclient", "7",
	       "flow.bytes_toclient", "18446744073709551615", "flow.start",
	       "\"2026-11-23T05:40:00.123456+0000\"", "flow.end", "\"2026-11-23T05:40:03.123455+0000\"",
	       "flow.age", "2", "flow.state", "\"established\"", "flow.reason", "\"forced\"", "flow.alerted",
	       "true", "flow.action", "\"drop\"", "lenscap.ended", "\"revoked\"", "lenscap.counts",
	       "\"kernel\"", "alert", "", "verdict", "", "lenscap.repeat", "", "lenscap.pad", "",
	       "lenscap.truncated", "");
}

static void
test_flow_ends(void **state)
{
	static const struct {
		enum flow_end end;
		const char *reason, *ended;
	} rows[] = {
		{FLOW_END_TIMEOUT, "\"timeout\"", "\"timeout\""},
		{FLOW_END_CLOSED, "\"timeout\"", "\"closed\""},
		{FLOW_END_REVOKED, "\"forced\"", "\"revoked\""},
		{FLOW_END_EVICTED, "\"forced\"", "\"evicted\""},
		{FLOW_END_DENIED, "\"forced\"", "\"denied\""},
		{FLOW_END_SHUTDOWN, "\"shutdown\"", "\"shutdown\""},
	};
	static const struct {
		enum decision decision;
		const char *action;
	} actions[] = {
		{DECISION_PENDING, "\"pass\""},
		{DECISION_ALLOW, "\"accept\""},
		{DECISION_BLOCK, "\"drop\""},
		{DECISION_REJECT, "\"drop\""},
	};
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_FLOW);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s.flow.end = rows[i].end;
		EXPECT(&s.r, "flow.reason", rows[i].reason, "lenscap.ended", rows[i].ended, "flow.age", "0");
	}
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		s.decision.decision = actions[i].decision;
		EXPECT(&s.r, "flow.action", actions[i].action);
	}
}

/* What an alert tells of the decision, in its signature and in its fields. */
static void
test_stories(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_ALERT);
	s.decision.decision = DECISION_ALLOW;
	s.decision.mode = MODE_MONITOR;
	EXPECT(&s.r, "alert.action", "\"allowed\"", "verdict.action", "\"alert\"", "alert.signature",
	       "\"LENSCAP would block never: cam-dock-3 -> CN AS64500 udp/32100\"", "lenscap.would",
	       "\"block\"", "lenscap.decision", "\"allow\"", "lenscap.mode", "\"monitor\"");
	s.decision.would = DECISION_REJECT;
	EXPECT(&s.r, "alert.signature", "\"LENSCAP would reject never: cam-dock-3 -> CN AS64500 udp/32100\"");
	s.decision.would = DECISION_ALLOW;
	EXPECT(&s.r, "alert.signature", "\"LENSCAP alert never: cam-dock-3 -> CN AS64500 udp/32100\"");
	s.decision.decision = s.decision.would = DECISION_REJECT;
	EXPECT(&s.r, "alert.action", "\"blocked\"", "verdict.action", "\"drop\"", "verdict.reject",
	       "[\"icmp-prohib\"]");
	s.flow.tuple = tuple_of(IPPROTO_TCP, "203.0.113.77", 1, "192.0.2.21", 80);
	s.r.inbound = true;
	s.place.country[0] = '\0';
	s.place.asn = 0;
	s.r.level = ALERT_LOW;
	EXPECT(&s.r, "verdict.reject", "[\"tcp-reset\"]", "alert.signature",
	       "\"LENSCAP reject never: cam-dock-3 <- ?? tcp/80\"", "alert.metadata.lenscap_country",
	       "[\"??\"]", "alert.metadata.lenscap_asn", "[]", "lenscap.dest.country", "\"??\"",
	       "lenscap.dest.asn", "0", "lenscap.inbound", "true", "ether.dest_mac", "\"44:19:b6:00:00:21\"",
	       "ether.src_mac", "", "alert.severity", "3");
	s.place.special = SPECIAL_PRIVATE;
	EXPECT(&s.r, "alert.signature", "\"LENSCAP reject never: cam-dock-3 <- private tcp/80\"",
	       "alert.metadata.lenscap_country", "[]", "lenscap.dest.country", "\"\"", "lenscap.dest.special",
	       "\"private\"");
	s.r.signature_id = SID_REVOKED;
	EXPECT(&s.r, "alert.signature",
	       "\"LENSCAP flow revoked, reject never: cam-dock-3 <- private tcp/80\"");
	s.r.signature = "LENSCAP as told";
	s.r.category = "Misc activity";
	EXPECT(&s.r, "alert.signature", "\"LENSCAP as told\"", "alert.category", "\"Misc activity\"");
}

/* An event of the program itself: no flow, no device, no decision. */
static void
test_bare_alert(void **state)
{
	struct record r = {.type = RECORD_ALERT,
			   .wall_us = WHEN,
			   .host = "gw",
			   .signature_id = SID_HOOK_REMOVED,
			   .level = ALERT_HIGH};

	(void)state;
	EXPECT(&r, "alert.signature", "\"LENSCAP hook removed: the nftables table was gone and is back\"",
	       "alert.category", "\"Potentially Bad Traffic\"", "alert.action", "\"allowed\"",
	       "alert.metadata.policy", "[]", "alert.metadata.lenscap_device", "[]", "src_ip", "", "flow", "",
	       "verdict", "", "in_iface", "", "lenscap", "{\"v\":1}", "alert.severity", "1");
	r.signature_id = 77; /* not ours, no text */
	r.level = ALERT_MEDIUM;
	EXPECT(&r, "alert.signature", "\"LENSCAP \"", "alert.severity", "2");
}

static void
test_transports(void **state)
{
	static const struct {
		uint8_t proto;
		const char *name, *story, *src_port, *icmp_type, *icmp_code;
	} rows[] = {
		{IPPROTO_TCP, "\"TCP\"", "tcp/2048", "9", "", ""},
		{IPPROTO_UDP, "\"UDP\"", "udp/2048", "9", "", ""},
		{IPPROTO_SCTP, "\"SCTP\"", "sctp/2048", "9", "", ""},
		{IPPROTO_ICMP, "\"ICMP\"", "icmp/8", "", "8", "0"},
		{IPPROTO_ICMPV6, "\"IPv6-ICMP\"", "ipv6-icmp/8", "", "8", "0"},
		{IPPROTO_GRE, "\"GRE\"", "gre", "", "", ""},
		{IPPROTO_ESP, "\"ESP\"", "esp", "", "", ""},
		{253, "\"253\"", "253", "", "", ""},
		{0, "\"0\"", NULL, "", "", ""},
	};
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_ALERT);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char story[128];
		s.flow.tuple = tuple_of(rows[i].proto, "192.0.2.21", 9, "203.0.113.77", 8 << 8);
		snprintf(story, sizeof story, "\"LENSCAP block never: cam-dock-3 -> CN AS64500 %s\"",
			 rows[i].story	 ? rows[i].story
			 : proto_name(0) ? proto_name(0)
					 : "0");
		EXPECT(&s.r, "proto", rows[i].name, "src_port", rows[i].src_port, "icmp_type",
		       rows[i].icmp_type, "icmp_code", rows[i].icmp_code, "alert.signature", story);
	}
}

static void
test_drops(void **state)
{
	static const struct {
		enum drop_reason drop;
		const char *eve, *ours;
	} rows[] = {
		{DROP_FRAGMENT, "\"defrag error\"", "\"fragment\""},
		{DROP_TRUNCATED, "\"decode error\"", "\"truncated\""},
		{DROP_BAD_HEADER, "\"decode error\"", "\"bad_header\""},
		{DROP_EXT_LIMIT, "\"decode error\"", "\"ext_limit\""},
		{DROP_NOT_IP, "\"decode error\"", "\"not_ip\""},
		{DROP_TABLE_FULL, "\"flow memcap\"", "\"table_full\""},
	};
	struct sample s;

	(void)state;
	assert_int_equal(sizeof rows / sizeof rows[0], DROP_REASONS - 1); /* a new reason needs its row */
	sample_init(&s, RECORD_DROP);
	memset(&s.flow.tuple, 0, sizeof s.flow.tuple); /* nothing could be read */
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s.r.drop = rows[i].drop;
		EXPECT(&s.r, "drop.reason", rows[i].eve, "lenscap.drop", rows[i].ours, "src_ip", "", "proto",
		       "", "flow_id", "", "community_id", "", "lenscap.counts", "", "lenscap.inbound", "",
		       "verdict.action", "\"drop\"");
	}
	s.flow.tuple = tuple_of(IPPROTO_UDP, "192.0.2.21", 1, "203.0.113.77", 53);
	s.r.flow = &s.flow;
	EXPECT(&s.r, "src_port", "1", "dest_port", "53");
	s.r.flow = NULL;
	EXPECT(&s.r, "src_ip", "", "drop.len", "0");
}

/* Numbers all counters of a structure of uint64_t, so that each must be told at its place. */
static void
number_stats(struct stats *st)
{
	uint64_t *v = (uint64_t *)st;

	for (size_t i = 0; i < sizeof *st / sizeof *v; i++)
		v[i] = 1000 + i;
}

#define STAT_AT(field) (1000 + offsetof(struct stats, field) / 8)

static int64_t
number_at(struct json_object *o, const char *path)
{
	struct json_object *v = at(o, path);

	if (!v || !json_object_is_type(v, json_type_int))
		fail_msg("%s is not there or no integer", path);
	return json_object_get_int64(v);
}

static void
test_stats(void **state)
{
	struct sample s;

	(void)state;
	stats_init(&s);
	number_stats(&s.stats);
	struct json_object *o = read_back(&s.r);
	assert_int_equal(number_at(o, "stats.uptime"), 60);
	assert_int_equal(number_at(o, "stats.decoder.pkts"), STAT_AT(packets));
	assert_int_equal(number_at(o, "stats.decoder.bytes"), STAT_AT(bytes));
	assert_int_equal(number_at(o, "stats.decoder.invalid"), STAT_AT(drop[1]) + STAT_AT(drop[2]) +
									STAT_AT(drop[3]) + STAT_AT(drop[4]) +
									STAT_AT(drop[5]));
	assert_int_equal(number_at(o, "stats.flow.total"), STAT_AT(flows_new));
	assert_int_equal(number_at(o, "stats.flow.active"), STAT_AT(flows_active));
	assert_int_equal(number_at(o, "stats.ips.accepted"), STAT_AT(verdict[0]) + STAT_AT(verdict[1]));
	assert_int_equal(number_at(o, "stats.ips.blocked"), STAT_AT(verdict[2]));
	assert_int_equal(number_at(o, "stats.ips.rejected"), STAT_AT(verdict[3]));
	assert_int_equal(number_at(o, "stats.detect.alert"),
			 STAT_AT(alerts[1]) + STAT_AT(alerts[2]) + STAT_AT(alerts[3]));
	assert_int_equal(number_at(o, "lenscap.stats.verdicts.block"), STAT_AT(verdict[2]));
	assert_int_equal(number_at(o, "lenscap.stats.decided.reject"), STAT_AT(decided[3]));
	assert_int_equal(number_at(o, "lenscap.stats.drops.table_full"), STAT_AT(drop[DROP_TABLE_FULL]));
	assert_int_equal(number_at(o, "lenscap.stats.alerts.high"), STAT_AT(alerts[3]));
	assert_int_equal(number_at(o, "lenscap.stats.records.anomaly"), STAT_AT(records[4]));
	assert_int_equal(number_at(o, "lenscap.stats.records_dropped.alert"), STAT_AT(records_dropped[0]));
	assert_int_equal(number_at(o, "lenscap.stats.reloads_refused"), STAT_AT(reloads_refused));
	assert_int_equal(number_at(o, "lenscap.stats.held_over_time"), STAT_AT(held_over_time));
	assert_int_equal(number_at(o, "lenscap.stats.dns_tunnels"), STAT_AT(dns_tunnels));
	assert_int_equal(number_at(o, "lenscap.stats.records.quic"), STAT_AT(records[8]));
	assert_null(at(o, "stats.capture"));
	assert_null(at(o, "lenscap.kernel"));
	assert_null(at(o, "lenscap.opened"));
	assert_null(at(o, "lenscap.gap_s"));
	json_object_put(o);
}

/* Numbers in an object, at any depth. */
static size_t
leaves(struct json_object *o)
{
	size_t n = 0;

	if (!json_object_is_type(o, json_type_object))
		return 1;
	json_object_object_foreach(o, key, value)
	{
		(void)key;
		n += leaves(value);
	}
	return n;
}

/* A counter that is added to the structures must be added to the record too. */
static void
test_all_counters_told(void **state)
{
	const struct channel_counters *k = NULL;
	size_t longs = (offsetof(struct channel_counters, engine_restarts) -
			offsetof(struct channel_counters, queue_dropped)) /
		       8;
	struct sample s;

	(void)state;
	stats_init(&s);
	memset(&s.kernel, 0xff, sizeof s.kernel);
	s.r.kernel = &s.kernel;
	struct json_object *o = read_back(&s.r);
	assert_int_equal(leaves(at(o, "lenscap.stats")), sizeof(struct stats) / 8);
	assert_int_equal(leaves(at(o, "lenscap.kernel")),
			 longs + (sizeof *k - offsetof(struct channel_counters, engine_restarts)) / 4 + 2);
	assert_string_equal(json_object_get_string(at(o, "lenscap.kernel.verdicts")), "18446744073709551615");
	json_object_put(o);
}

static void
test_kernel_counters(void **state)
{
	struct sample s;

	(void)state;
	stats_init(&s);
	s.kernel = (struct channel_counters){.generation = 9,
					     .queue_waiting = 8,
					     .queue_dropped = 100,
					     .queue_user_dropped = 23,
					     .queued_packets = 4242,
					     .conntrack_max = 65536,
					     .fail_closed = 1};
	s.r.kernel = &s.kernel;
	EXPECT(&s.r, "stats.capture.kernel_packets", "4242", "stats.capture.kernel_drops", "123",
	       "lenscap.kernel.generation", "9", "lenscap.kernel.queue_waiting", "8",
	       "lenscap.kernel.conntrack_max", "65536", "lenscap.kernel.fail_closed", "1", "lenscap.boot",
	       "\"009f2c41\"");
}

/* At least 1 KiB, boot and time of opening in it, whatever it is made of; exactly 1 KiB when it had to be padded. */
static void
test_first_record(void **state)
{
	char line[RECORD_BYTES + 1];
	struct sample s;

	(void)state;
	stats_init(&s);
	s.r.opened_us = WHEN;
	s.r.gap_s = 1.5;
	EXPECT(&s.r, "lenscap.opened", "\"2026-11-23T05:40:00.123456+0000\"", "lenscap.gap_s", "1.500");
	assert_true(print(&s.r, line) >= 1024);
	assert_true(strstr(line, "\"opened\"") < line + 1000);
	s.r.stats = NULL;
	assert_int_equal(print(&s.r, line), 1024);
	assert_true(strstr(line, "\"boot\"") < line + 1000);
	s.r.opened_us = 0;
	assert_true(print(&s.r, line) < 1024);
}

static void
test_gaps(void **state)
{
	static const struct {
		double gap;
		const char *text;
	} rows[] = {{0, "0.000"},
		    {-0.5, ""},
		    {0.0004, "0.000"},
		    {86400.25, "86400.250"},
		    {1e300, "1000000000.000"},
		    {INFINITY, "1000000000.000"},
		    {NAN, ""}};
	struct sample s;

	(void)state;
	stats_init(&s);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s.r.gap_s = rows[i].gap;
		EXPECT(&s.r, "lenscap.gap_s", rows[i].text);
	}
}

static void
test_flow_id_is_51_bits(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_FLOW);
	s.flow.id = UINT64_MAX;
	EXPECT(&s.r, "flow_id", "2251799813685247");
	s.flow.id = 0;
	EXPECT(&s.r, "flow_id", "");
}

/* As Suricata writes it: an array. */
static void
test_vlan(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_ALERT);
	EXPECT(&s.r, "vlan", "");
	s.r.vlan = 4094;
	EXPECT(&s.r, "vlan", "[4094]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_alert),
		cmocka_unit_test(test_golden_drop),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_flow_ends),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_bare_alert),
		cmocka_unit_test(test_transports),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_all_counters_told),
		cmocka_unit_test(test_kernel_counters),
		cmocka_unit_test(test_first_record),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_flow_id_is_51_bits),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_validate), /* last: all lines of the others */
	};

	return cmocka_run_group_tests_name("record", tests, open_samples, remove_samples);
}
