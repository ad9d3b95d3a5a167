/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: damaged policies, limits, the plan for the gate, and what can be saved of a policy that does not
 * load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "plan.h"
#include "policy.h"

static struct policy *
load_len(const char *text, size_t len, struct diags *diags)
{
	struct bundle *b = bundle_from_text("t.yaml", text, len);
	assert_non_null(b);
	struct policy *p = policy_load(b, diags);
	bundle_free(b);
	return p;
}

static struct policy *
load(const char *text)
{
	struct diags diags = {0};
	struct policy *p = load_len(text, strlen(text), &diags);
	if (!p)
		diags_print(&diags, stderr, false);
	assert_non_null(p);
	diags_free(&diags);
	return p;
}

static bool
salvage(const char *text, struct plan *plan)
{
	struct bundle *b = bundle_from_text("t.yaml", text, strlen(text));
	bool r = policy_salvage(b, plan);
	bundle_free(b);
	return r;
}

static uint32_t
dice(uint64_t *state, uint32_t sides)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % sides;
}

/* Overwrites, removes, doubles or inserts a few bytes, often ones that mean something to YAML. */
static size_t
damage(char *text, size_t len, size_t cap, uint64_t *state)
{
	static const char signs[] = "{}[]:,-#&*!|>'\"%@`\t\n\r ~?=<\\\x00\x80\xff\xe2z9";
	for (uint32_t i = 0, n = 1 + dice(state, 2) * dice(state, 4); i < n; i++) {
		size_t at = dice(state, (uint32_t)len), run = 1 + dice(state, 12);
		run = at + run > len ? len - at : run;
		switch (dice(state, 4)) {
		case 0:
			text[at] = signs[dice(state, sizeof(signs) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + run, len - at - run);
			len -= run;
			break;
		case 2:
			if (len + run <= cap) {
				memmove(text + at + run, text + at, len - at);
				len += run;
			}
			break;
		case 3:
			text[at] ^= (char)(1 << dice(state, 8));
			break;
		}
		if (len == 0)
			return 0;
	}
	return len;
}

static char *
read_good(const char *name, size_t *ret_len)
{
	char path[256];
	static const char *const roots[] = {"tests/policy/good/", "../../tests/policy/good/"};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", roots[i], name);
		FILE *f = fopen(path, "rb");
		if (!f)
			continue;
		char *text = malloc(65536);
		*ret_len = fread(text, 1, 32768, f);
		fclose(f);
		return text;
	}
	fail_msg("%s: run this test from the top of the source tree", name);
	return NULL;
}

/* A refusal says where; what loads can be judged and planned. */
static void
check_damaged(const char *text, size_t len, unsigned *ret_refused, unsigned *ret_loaded)
{
	struct diags diags = {0};
	struct plan plan;
	struct judgement j;
	struct policy *p = load_len(text, len, &diags);
	*ret_refused += !p;
	*ret_loaded += p != NULL;
	if (p) {
		assert_int_equal(diags.errors, 0);
		policy_judge(p, &(struct facts){.known = FACT_ALL, .device = DEVICE_UNKNOWN}, &j);
		assert_non_null(j.rule);
		policy_plan(p, &plan);
		assert_true(plan_valid(&plan));
		(void)policy_next_edge(p, 1795401000);
	} else {
		assert_true(diags.errors > 0);
	}
	for (size_t i = 0; i < diags.n; i++) {
		assert_string_equal(diags.list[i].file, "t.yaml");
		assert_true(diags.list[i].line > 0 && diags.list[i].col > 0);
		assert_true(diags.list[i].message && diags.list[i].message[0]);
	}
	diags_free(&diags);
	policy_free(p);
}

static void
test_damaged(void **state)
{
	(void)state;
	static const char *const files[] = {"everything.yaml", "warnings.yaml", "minimal.yaml", "lint.yaml"};
	uint64_t seed = 7;
	unsigned refused = 0, loaded = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len;
		char *good = read_good(files[i], &len), *bad = malloc(len + 64);
		for (int n = 0; n < 500; n++) {
			memcpy(bad, good, len);
			size_t left = damage(bad, len, len + 64, &seed);
			check_damaged(bad, left, &refused, &loaded);
		}
		/* A file that was cut off while it was copied. */
		for (size_t cut = 0; cut < len; cut += 1 + cut / 20)
			check_damaged(good, cut, &refused, &loaded);
		free(bad);
		free(good);
	}
	print_message("%u refused, %u loaded\n", refused, loaded);
	assert_true(refused > 1000 && loaded > 50);
}

/* text must be refused with this code among its findings, soon. */
static void
refuses(const char *text, size_t len, const char *code)
{
	struct diags diags = {0};
	bool found = false;
	assert_null(load_len(text, len, &diags));
	for (size_t i = 0; i < diags.n; i++)
		found |= strcmp(diags.list[i].code, code) == 0;
	if (!found)
		diags_print(&diags, stderr, false);
	assert_true(found);
	diags_free(&diags);
}

static char *
repeated(const char *head, const char *body, unsigned n, const char *tail)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	fputs(head, out);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "%.*s%u%s", (int)strcspn(body, "@"), body, i,
			strchr(body, '@') ? strchr(body, '@') + 1 : "");
	fputs(tail, out);
	fclose(out);
	return text;
}

#define HEAD                                                                                                 \
	"version: 1\nmode: monitor\nzones: {c: {interfaces: [cam0], networks: [10.20.0.0/16]}}\ndefault: "   \
	"block\n"

static void
test_limits(void **state)
{
	(void)state;
	static const struct {
		const char *head, *body;
		unsigned n;
		const char *tail;
	} cases[] = {
		{HEAD "rules:\n", "  - {name: r@, from: any, to: any, port: 1, action: block}\n", 16385, ""},
		{HEAD "devices:\n", "  - {name: d@, address: 10.20.0.1}\n", 16385, ""},
		{HEAD "sets:\n", "  s@: {private: true}\n", 1025, ""},
		{HEAD "tests:\n", "  - {from: 10.20.0.1, to: 192.0.2.1, port: tcp/1, expect: block} # @\n",
		 4097, ""},
		{HEAD "outputs:\n", "  - eve: {path: /@}\n", 17, ""},
		{HEAD "geo: {country: [", "/a@, ", 9, "/b]}\n"},
		{HEAD "sets: {s: {asn: [", "1@, ", 1048576, "5]}}\n"},
		{HEAD "x: ", "[ #@\n", 17, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = repeated(cases[i].head, cases[i].body, cases[i].n, cases[i].tail);
		refuses(text, strlen(text), "E115");
		free(text);
	}
}

/*
 * As many rules as there may be, each compared with those before it, and a list that is searched and not
 * walked.
 */
static void
test_large(void **state)
{
	(void)state;
	char *text = NULL;
	size_t len;
	struct diags diags = {0};
	FILE *out = open_memstream(&text, &len);
	fputs(HEAD "sets:\n  big: {address: [192.0.2.1", out);
	for (unsigned i = 0; i < 60000; i++)
		fprintf(out, ", 100.%u.%u.0/24", i >> 8, i & 255);
	fputs("]}\nrules:\n", out);
	for (unsigned i = 0; i < 16384; i++)
		fprintf(out, "  - {name: r%u, from: any, to: big, port: tcp/%u, action: block, id: %u}\n", i,
			i, 1000000 + i);
	fclose(out);
	struct policy *p = load_len(text, len, &diags);
	assert_non_null(p);
	assert_int_equal(diags.warnings, 0);
	policy_free(p);
	free(text);
	diags_free(&diags);
}

/* Sixteen thousand devices with one MAC: told, without comparing each with each. */
static void
test_many_twins(void **state)
{
	(void)state;
	char *text = repeated(HEAD "devices:\n", "  - {name: d@, mac: \"02:00:00:00:00:01\"}\n", 16384, "");
	refuses(text, strlen(text), "E133");
	free(text);
}

static void
test_plan(void **state)
{
	(void)state;
	struct plan plan;
	struct policy *p = load("version: 1\nmode: monitor\nfail: closed\nzones:\n  a: {interfaces: [cam0, "
				"eth1.40]}\n  b: {interfaces: br-cam}\n"
				"rules:\n  - {name: r, from: any, to: any, port: 1, action: reject, mode: "
				"enforce}\ndefault: allow\n"
				"outputs: [syslog: {}]\noptions: {queue: 7, mark-shift: 3, engine-deadline: "
				"2s, queue-buffer: 1MiB}\n");
	memset(&plan, 0xee, sizeof(plan));
	policy_plan(p, &plan);
	assert_true(plan_valid(&plan));
	assert_string_equal(plan.policy_id, policy_id(p));
	assert_true(plan.enforce && plan.fail_closed && plan.reject_used && plan.wants_syslog);
	assert_int_equal(plan.n_interfaces, 3);
	assert_string_equal(plan.interfaces[0], "cam0");
	assert_string_equal(plan.interfaces[1], "eth1.40");
	assert_string_equal(plan.interfaces[2], "br-cam");
	assert_int_equal(plan.queue, 7);
	assert_int_equal(plan.mark_shift, 3);
	assert_int_equal(plan.engine_deadline_ms, 2000);
	assert_int_equal(plan.queue_buffer, 1 << 20);
	assert_int_equal(plan.queue_length, 8192);
	policy_free(p);
}

/* Ports are interfaces that have a bridge; the bridge's own name is no interface of a zone, and its ports are no destination. */
static void
test_bridge(void **state)
{
	(void)state;
	struct plan plan, bad;
	struct addr a;
	struct policy *p = load("version: 1\nmode: monitor\nzones:\n  a: {bridge: br0, ports: [eth1, eth2], networks: [10.1.0.0/16]}\n"
				"  b: {interfaces: [eth3], networks: [10.2.0.0/16]}\n  c: {bridge: br0, ports: eth4, identify-by: address}\n"
				"default: block\n");
	policy_plan(p, &plan);
	assert_true(plan_valid(&plan));
	assert_int_equal(plan.n_interfaces, 4);
	assert_string_equal(plan.bridges[0], "br0");
	assert_string_equal(plan.interfaces[1], "eth2");
	assert_string_equal(plan.bridges[2], "");
	assert_string_equal(plan.bridges[3], "br0");
	assert_true(plan.by_address[3] && !plan.by_address[0]);
	assert_int_equal(policy_zone_by_interface(p, "eth2"), 0);
	assert_int_equal(policy_zone_by_interface(p, "br0"), ZONE_NONE);
	assert_int_equal(policy_zone_by_bridge(p, "br0"), 0);
	assert_int_equal(policy_zone_by_bridge(p, "eth1"), ZONE_NONE);
	assert_true(policy_is_port(p, 0) && !policy_is_port(p, 1) && policy_is_port(p, 2) && !policy_is_port(p, ZONE_NONE));
	assert_true(addr_parse("10.1.0.9", &a));
	assert_int_equal(policy_zone_by_addr(p, &a), 0);
	assert_int_equal(policy_far_zone_by_addr(p, &a), ZONE_NONE);
	assert_true(addr_parse("10.2.0.9", &a));
	assert_int_equal(policy_far_zone_by_addr(p, &a), 1);
	policy_free(p);
	bad = plan;
	memset(bad.bridges[0], 'a', PLAN_IFNAME);
	assert_false(plan_valid(&bad));
	bad = plan;
	strcpy(bad.bridges[1], "a\";");
	assert_false(plan_valid(&bad));
	bad = plan;
	strcpy(bad.bridges[1], "eth2"); /* a port of itself */
	assert_false(plan_valid(&bad));
}

static void
test_plan_valid(void **state)
{
	(void)state;
	struct plan good, bad;
	struct policy *p = load(HEAD);
	policy_plan(p, &good);
	policy_free(p);
	assert_true(plan_valid(&good));
	assert_false(good.enforce || good.fail_closed || good.reject_used || good.wants_syslog);
#define REFUSED(change)                                                                                      \
	do {                                                                                                 \
		bad = good;                                                                                  \
		change;                                                                                      \
		assert_false(plan_valid(&bad));                                                              \
	} while (0)
	REFUSED(bad.magic++);
	REFUSED(bad.version++);
	REFUSED(bad.size--);
	REFUSED(bad.enforce = 2);
	REFUSED(bad.fail_closed = 255);
	REFUSED(bad.reject_used = 2);
	REFUSED(bad.wants_syslog = 2);
	REFUSED(bad.n_interfaces = 0);
	REFUSED(bad.n_interfaces = 2); /* the second has no name */
	REFUSED(bad.n_interfaces = PLAN_INTERFACES + 1);
	REFUSED(memset(bad.interfaces[0], 'a', PLAN_IFNAME));
	REFUSED(memcpy(bad.interfaces[0], "a\";", 4));
	REFUSED(memcpy(bad.interfaces[0], "a b", 4));
	REFUSED(memcpy(bad.interfaces[0], "..", 3));
	REFUSED(memset(bad.policy_id, 'a', sizeof(bad.policy_id)));
	REFUSED(bad.policy_id[0] = 'x');
	REFUSED(bad.policy_id[0] = 0);
	REFUSED(bad.queue = 65536);
	REFUSED(bad.queue_length = 0);
	REFUSED(bad.queue_buffer = UINT32_MAX);
	REFUSED(bad.copy_range = 65532);
	REFUSED(bad.mark_shift = 23);
	REFUSED(bad.deny_memory_s = 0);
	REFUSED(bad.engine_deadline_ms = 0);
#undef REFUSED
}

static void
test_salvage(void **state)
{
	(void)state;
	struct plan plan = {0};
	assert_false(salvage("", &plan));
	assert_false(salvage("fail: closed\n", &plan));
	assert_false(salvage("zones: {c: {interfaces: [cam0]}}\n", &plan));
	assert_false(salvage("fail: shut\nzones: {c: {interfaces: [cam0]}}\n", &plan));
	assert_int_equal(plan.magic, 0);
	/* A rule that does not load, unknown keys, one bad interface and one bad option. */
	assert_true(salvage(
		"version: 1\nmode: enforce\nfail: closed\nzones: {c: {interfaces: [cam0, \"a b\", cam1]}}\n"
		"options: {queue: 9, mark-shift: 99}\nrules: [{name: r, from: nowhere}]\nfoo: bar\n",
		&plan));
	assert_true(plan_valid(&plan));
	assert_true(plan.fail_closed && plan.enforce);
	assert_int_equal(plan.n_interfaces, 2);
	assert_int_equal(plan.queue, 9);
	assert_int_equal(plan.mark_shift, 16);
	/* A syntax error behind what is needed. */
	assert_true(
		salvage("mode: monitor\nfail: open\nzones: {c: {interfaces: [cam0]}}\nrules: [\n", &plan));
	assert_false(plan.fail_closed || plan.enforce);
	/* ... in the middle of it, and the mode not said: what could be read holds, strictly. */
	assert_true(
		salvage("fail: closed\nzones:\n  c: {interfaces: [cam0]}\n  d: {interfaces: [cam1\n", &plan));
	assert_true(plan.fail_closed && plan.enforce);
	assert_string_equal(plan.interfaces[0], "cam0");
	/* ... and before it. */
	assert_false(salvage("rules: ]\nfail: closed\nzones: {c: {interfaces: [cam0]}}\n", &plan));
}

static void
test_defaults(void **state)
{
	(void)state;
	size_t n;
	struct geo_config geo;
	struct policy *p = load(HEAD);
	const struct policy_options *o = policy_options(p);
	assert_int_equal(policy_fail(p), FAIL_OPEN);
	assert_int_equal(policy_mode(p), MODE_MONITOR);
	assert_int_equal(policy_unknown_devices(p), ACTION_ALLOW);
	assert_int_equal(o->flows, 65536);
	assert_int_equal(o->devices, 4096);
	assert_int_equal(o->idle_s, 300);
	assert_int_equal(o->queue, 2050);
	assert_int_equal(o->stats_s, 60);
	assert_int_equal(o->rollup_s, 60);
	const struct policy_output *out = policy_outputs(p, &n);
	assert_int_equal(n, 1);
	assert_string_equal(out->path, "/var/log/lenscap/eve.json");
	assert_int_equal(out->types, RECORD_ALERT | RECORD_FLOW | RECORD_DROP | RECORD_STATS | RECORD_ANOMALY |
					     RECORD_DNS | RECORD_TLS | RECORD_HTTP | RECORD_QUIC);
	policy_geo(p, &geo);
	assert_true(geo.n_country == 1 && geo.n_asn == 1 && geo.n_overrides == 0);
	assert_string_equal(geo.country[0], "/var/lib/location/database.db");
	assert_int_equal(geo.warn_older_s, 45 * 86400);
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_large),	cmocka_unit_test(test_many_twins),
		cmocka_unit_test(test_plan),	cmocka_unit_test(test_plan_valid),
		cmocka_unit_test(test_bridge),
		cmocka_unit_test(test_salvage), cmocka_unit_test(test_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
