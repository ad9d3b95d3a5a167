/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records made of hostile and oversized facts: always one valid line below 8 KiB, never a byte outside the buffer. */
#include "record_lab.h"

static const char *const hostile[] = {
	"\"},{\"event_type\":\"x\"", "line\nbreak\r\n", "\xff\xfe\xc3(", "\\u0022", "\x1b[2J",
	"\xf0\x9f\x93\xb7",	     "\xe2\x80\xa8",	"{{$&%n}}",	 "",	    "\x7f\x01\x02",
};

static const uint32_t all_types[RECORD_TYPES] = {RECORD_ALERT, RECORD_FLOW,    RECORD_DROP,
						 RECORD_STATS, RECORD_ANOMALY, RECORD_DNS,
						 RECORD_TLS,   RECORD_HTTP,    RECORD_QUIC};

static void
fill(char *field, size_t size, const char *text)
{
	snprintf(field, size, "%s", text);
}

/* What the camera wrote: each field as long as it can be. */
static void
fill_app(struct app *a, const char *text)
{
	a->has_name = true;
	fill(a->name, sizeof a->name, text);
	fill(a->ja4, sizeof a->ja4, text);
	fill(a->http_method, sizeof a->http_method, text);
	fill(a->http_path, sizeof a->http_path, text);
	fill(a->http_user_agent, sizeof a->http_user_agent, text);
	fill(a->http_server, sizeof a->http_server, text);
	fill(a->http_realm, sizeof a->http_realm, text);
	fill(a->detail, sizeof a->detail, text);
	a->n_alpn = APP_ALPN;
	for (size_t i = 0; i < APP_ALPN; i++)
		fill(a->alpn[i], sizeof a->alpn[i], text);
}

static void
fill_dns(struct dns_message *m, const char *text)
{
	fill(m->query, sizeof m->query, text);
	m->n = DNS_ANSWERS;
	for (size_t i = 0; i < DNS_ANSWERS; i++) {
		m->record[i] =
			(struct dns_record){.type = UINT16_MAX, .ttl = UINT32_MAX, .additional = i > 2};
		fill(m->record[i].name, sizeof m->record[i].name, text);
		fill(m->record[i].target, sizeof m->record[i].target, text);
	}
}

static void
fill_texts(struct sample *s, const char *text)
{
	s->device.name = s->device.vendor = s->device.zone = text;
	s->rule.name = s->rule.file = text;
	s->decision.policy_id = s->decision.reason = text;
	fill_app(&s->app, text);
	fill_dns(&s->dns, text);
	s->r.dns_answer = true;
	s->r.dest_name = s->r.anomaly_event = s->r.anomaly_layer = text;
	s->r.dest_name_from = "http";
	s->r.anomaly = ANOMALY_APPLAYER;
	s->r.host = s->r.in_iface = s->r.app_proto = s->r.as_name = s->r.place_source = s->r.asn_source =
		text;
}

static void
test_hostile_texts(void **state)
{
	static const char *const names[RECORD_TYPES] = {"alert", "flow", "drop", "stats", "anomaly",
							"dns",	 "tls",	 "http", "quic"};

	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
		for (size_t k = 0; k < RECORD_TYPES; k++) {
			const char *list[] = {hostile[i]};
			struct sample s;
			sample_init(&s, all_types[k]);
			fill_texts(&s, hostile[i]);
			s.device.groups = list;
			s.device.n_groups = 1;
			struct json_object *o = read_back(&s.r);
			assert_non_null(at(o, "lenscap.device.name"));
			assert_int_equal(json_object_object_length(at(o, "lenscap.device")), 5);
			assert_string_equal(json_object_get_string(at(o, "event_type")), names[k]);
			json_object_put(o);
		}
}

static void
test_long_name_is_cut(void **state)
{
	char name[301];
	struct sample s;

	(void)state;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	sample_init(&s, RECORD_ALERT);
	s.device.name = name;
	struct json_object *o = read_back(&s.r);
	assert_int_equal(json_object_get_string_len(at(o, "lenscap.device.name")), RECORD_NAME);
	assert_string_equal(json_object_get_string(at(o, "lenscap.truncated")), "true");
	assert_non_null(strstr(json_object_get_string(at(o, "alert.signature")), " -> CN AS64500 udp/32100"));
	json_object_put(o);
}

static void
test_many_groups(void **state)
{
	enum { MANY = 10000 };
	static const char *many[MANY];
	struct sample s;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		many[i] = "a-group-with-a-name";
	sample_init(&s, RECORD_FLOW);
	s.device.groups = many;
	s.device.n_groups = MANY;
	struct json_object *o = read_back(&s.r);
	assert_in_range(json_object_array_length(at(o, "lenscap.device.groups")), 8, 100);
	assert_string_equal(json_object_get_string(at(o, "lenscap.truncated")), "true");
	json_object_put(o);
}

/* The worst that can be: each text of the longest kind, each byte six when escaped. */
static void
test_worst_case_fits(void **state)
{
	enum { MANY = 300, LONG = 4000 };
	static char text[LONG];
	static const char *many[MANY];

	(void)state;
	memset(text, 0xff, LONG - 1);
	for (size_t i = 0; i < MANY; i++)
		many[i] = text;
	for (size_t k = 0; k < RECORD_TYPES; k++) {
		struct sample s;
		sample_init(&s, all_types[k]);
		fill_texts(&s, text);
		memset(&s.stats, 0xff, sizeof s.stats);
		memset(&s.kernel, 0xff, sizeof s.kernel);
		s.r.stats = &s.stats;
		s.r.kernel = &s.kernel;
		s.r.opened_us = WHEN;
		s.r.repeat = UINT64_MAX;
		s.r.category = text;
		s.device.groups = many;
		s.device.n_groups = MANY;
		s.rule.line = UINT32_MAX;
		struct json_object *o = read_back(&s.r);
		assert_string_equal(json_object_get_string(at(o, "lenscap.truncated")), "true");
		json_object_put(o);
	}
}

/* A buffer that is too small: nothing, and nothing behind it is touched. */
static void
test_every_capacity(void **state)
{
	char line[RECORD_BYTES], buf[2048];
	struct sample s;

	(void)state;
	sample_init(&s, RECORD_ALERT);
	size_t need = record_print(&s.r, line, sizeof line) + 1;
	assert_true(need < sizeof buf);
	for (size_t cap = 0; cap < sizeof buf; cap++) {
		memset(buf, 0x55, sizeof buf);
		size_t len = record_print(&s.r, buf, cap);
		assert_true(len < cap || len == 0);
		if (cap >= need)
			assert_memory_equal(buf, line, need);
		for (size_t i = cap; i < sizeof buf; i++)
			assert_int_equal(buf[i], 0x55);
	}
}

static void
test_unknown_types(void **state)
{
	static const uint32_t types[] = {0, 1u << RECORD_TYPES, RECORD_ALERT | RECORD_FLOW, 1u << 31};
	char line[RECORD_BYTES];
	struct sample s;

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		sample_init(&s, types[i]);
		assert_int_equal(record_print(&s.r, line, sizeof line), 0);
	}
}

/* Values outside the enumerations, as memory that went wrong could have: words, no reads out of bounds. */
static void
test_enums_out_of_range(void **state)
{
	(void)state;
	assert_string_equal(flow_end_name((enum flow_end)99), "unknown");
	assert_string_equal(drop_reason_name((enum drop_reason)99), "unknown");
	assert_int_equal(alert_severity(ALERT_HIGH), 1);
	assert_int_equal(alert_severity(ALERT_MEDIUM), 2);
	assert_int_equal(alert_severity(ALERT_LOW), 3);
	assert_int_equal(alert_severity(ALERT_NONE), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_texts),
		cmocka_unit_test(test_long_name_is_cut),
		cmocka_unit_test(test_many_groups),
		cmocka_unit_test(test_worst_case_fits),
		cmocka_unit_test(test_every_capacity),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_enums_out_of_range),
		cmocka_unit_test(test_validate), /* last: all lines of the others */
	};

	return cmocka_run_group_tests_name("record_hostile", tests, open_samples, remove_samples);
}
