/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of records share: samples, reading back by another parser, and the validation of every line that the
 * test has printed, by tests/validate.
 */
#ifndef LENSCAP_TEST_RECORD_LAB_H
#define LENSCAP_TEST_RECORD_LAB_H

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "names.h"
#include "probe.h"
#include "record.h"

#define WHEN INT64_C(1795412400123456) /* 2026-11-23 05:40:00.123456 */

/* A record and all that it points to. */
struct sample {
	struct record r;
	struct record_flow flow;
	struct record_device device;
	struct record_decision decision;
	struct rule_info rule;
	struct place place;
	struct addr remote;
	struct stats stats;
	struct channel_counters kernel;
	struct app app;
	struct dns_message dns;
};

static const char *const groups[] = {"dock", "outdoor"};
static char samples_path[] = "/tmp/lenscap-records-XXXXXX";
static FILE *samples;

static inline struct tuple
tuple_of(uint8_t proto, const char *src, unsigned sport, const char *dst, unsigned dport)
{
	struct tuple t = {.proto = proto, .sport = (uint16_t)sport, .dport = (uint16_t)dport};

	assert_true(addr_parse(src, &t.src));
	assert_true(addr_parse(dst, &t.dst));
	return t;
}

static inline void
sample_init(struct sample *s, uint32_t type)
{
	*s = (struct sample){
		.flow = {.id = 1676750115612680,
			 .tuple = tuple_of(IPPROTO_UDP, "192.0.2.21", 40112, "203.0.113.77", 32100),
			 .packets_toserver = 1,
			 .bytes_toserver = 90,
			 .start_us = WHEN,
			 .state = "new"},
		.device = {.name = "cam-dock-3",
			   .vendor = "LTS",
			   .groups = groups,
			   .n_groups = 2,
			   .zone = "cameras",
			   .known = true,
			   .mac = {{0x44, 0x19, 0xb6, 0, 0, 0x21}}},
		.rule = {.name = "never",
			 .file = "/etc/lenscap/lenscap.yaml",
			 .line = 28,
			 .action = ACTION_BLOCK,
			 .mode = MODE_ENFORCE,
			 .alert = ALERT_HIGH,
			 .signature_id = 1900417},
		.decision = {.decision = DECISION_BLOCK,
			     .would = DECISION_BLOCK,
			     .mode = MODE_ENFORCE,
			     .policy_id = "9f2c41aa00bb",
			     .reason = "default"},
		.place = {.country = "CN",
			  .registered = "CN",
			  .continent = "AS",
			  .asn = 64500,
			  .country_source = 3,
			  .asn_source = 3},
		.r = {.type = type,
		      .wall_us = WHEN,
		      .in_iface = "cam0",
		      .host = "gw-042",
		      .place_source = "location 2026-11-19",
		      .asn_source = "location 2026-11-19",
		      .as_name = "Example Net",
		      .gap_s = -1},
		.app = {.protocol = "tls",
			.has_name = true,
			.name = "cloud.vendor.example",
			.encrypted = true,
			.tls_version = 0x0304,
			.quic_version = 1,
			.n_alpn = 2,
			.alpn = {"h2", "http/1.1"},
			.ja4 = "t13d1516h2_8daaf6152771_b186095e22b6"},
		.dns = {.id = 0x1f2e,
			.flags = 0x8180,
			.response = true,
			.questions = 1,
			.query = "p2p.vendor.example",
			.query_type = DNS_TYPE_A,
			.query_class = 1,
			.query_len = 20},
	};
	assert_true(addr_parse("203.0.113.77", &s->remote));
	s->decision.rule = &s->rule;
	s->r.flow = &s->flow;
	s->r.device = &s->device;
	s->r.decision = &s->decision;
	s->r.place = &s->place;
	s->r.remote = &s->remote;
	s->r.app = &s->app;
	s->r.dns = &s->dns;
	s->r.signature_id = 1900417;
	s->r.level = ALERT_HIGH;
}

static inline void
stats_init(struct sample *s)
{
	*s = (struct sample){.r = {.type = RECORD_STATS,
				   .wall_us = WHEN,
				   .host = "gw-042",
				   .in_iface = "",
				   .uptime_s = 60,
				   .boot = 0x9f2c41,
				   .gap_s = -1}};
	s->r.stats = &s->stats;
}

/* Prints into a buffer with a guard behind it; keeps each line for the validation. */
static inline size_t
print(const struct record *r, char out[RECORD_BYTES + 1])
{
	out[RECORD_BYTES] = 0x55;
	size_t len = record_print(r, out, RECORD_BYTES);
	assert_int_equal(out[RECORD_BYTES], 0x55);
	assert_true(len > 0 && len < RECORD_BYTES);
	assert_int_equal(strlen(out), len);
	assert_ptr_equal(strchr(out, '\n'), out + len - 1);
	assert_int_equal(fwrite(out, 1, len, samples), len);
	return len;
}

static inline struct json_object *
read_back(const struct record *r)
{
	char line[RECORD_BYTES + 1];
	size_t len = print(r, line);
	struct json_tokener *t = json_tokener_new();

	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *o = json_tokener_parse_ex(t, line, (int)len);
	assert_int_equal(json_tokener_get_error(t), json_tokener_success);
	json_tokener_free(t);
	return o;
}

/* The member at a path like "flow.bytes_toserver"; NULL when there is none. */
static inline struct json_object *
at(struct json_object *o, const char *path)
{
	char name[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");
		assert_true(n < sizeof name);
		memcpy(name, path, n);
		name[n] = '\0';
		if (!json_object_object_get_ex(o, name, &o))
			return NULL;
		path += n + (path[n] == '.');
	}
	return o;
}

/* path=value pairs as JSON text; "" for a member that must be absent. */
static inline void
expect(const struct record *r, const char *const *pairs)
{
	struct json_object *o = read_back(r);

	for (; pairs[0]; pairs += 2) {
		struct json_object *v = at(o, pairs[0]);
		const char *text = v ? json_object_to_json_string_ext(
					       v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
				     : "";
		if (strcmp(text, pairs[1]) != 0)
			fail_msg("%s is %s, expected %s", pairs[0], text, pairs[1]);
	}
	json_object_put(o);
}

#define EXPECT(r, ...) expect(r, (const char *const[]){__VA_ARGS__, NULL})

static inline int
run(const char *command)
{
	int rc = system(command);

	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

/* Runs last: all lines of the tests above. */
static inline void
test_validate(void **state)
{
	char command[512];

	(void)state;
	if (access("tests/validate", X_OK) != 0 ||
	    run("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
		print_message("skipped: needs tests/validate (run at the top of the source) and "
			      "python3-jsonschema\n");
		skip();
	}
	assert_int_equal(fflush(samples), 0);
	snprintf(command, sizeof command, "tests/validate --at-least 30 %s >&2", samples_path);
	assert_int_equal(run(command), 0);
	/* The validator refuses what is wrong. */
	snprintf(command, sizeof command, "sed 's/\"v\":1/\"v\":\"1\"/' %s | tests/validate --errors 1 >&2",
		 samples_path);
	assert_int_equal(run(command), 1);
	snprintf(command, sizeof command, "sed 's/\"rev\":1/\"rev\":1.5/' %s | tests/validate --errors 1 >&2",
		 samples_path);
	assert_int_equal(run(command), 1);
	snprintf(command, sizeof command, "head -c 700 %s | tests/validate --errors 1 >&2", samples_path);
	assert_int_equal(run(command), 1);
}

static inline int
open_samples(void **state)
{
	int fd = mkstemp(samples_path);

	(void)state;
	samples = fd < 0 ? NULL : fdopen(fd, "w");
	return samples ? 0 : -1;
}

static inline int
remove_samples(void **state)
{
	(void)state;
	fclose(samples);
	return unlink(samples_path);
}

#endif
