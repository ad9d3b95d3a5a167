/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policies decide: conditions one by one, three-valued rules, and properties over made-up policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "policy.h"

#define HEAD                                                                                                 \
	"version: 1\nmode: enforce\nfail: open\nzones:\n"                                                    \
	"  cameras: {interfaces: [cam0], networks: [10.20.0.0/16, \"fd20::/64\"]}\n"                         \
	"  video: {networks: [10.30.0.0/24]}\n"                                                              \
	"devices:\n"                                                                                         \
	"  - {name: gate, mac: \"ac:cc:8e:00:00:01\", brand: Axis, groups: [outdoor]}\n"                     \
	"  - {name: dock, mac: \"44:19:b6:00:00:21\", brand: LTS, groups: [outdoor, docks]}\n"

static struct policy *
load(const char *text)
{
	struct diags diags = {0};
	struct bundle *b = bundle_from_text("t.yaml", text, strlen(text));
	assert_non_null(b);
	struct policy *p = policy_load(b, &diags);
	if (!p)
		diags_print(&diags, stderr, false);
	assert_non_null(p);
	diags_free(&diags);
	bundle_free(b);
	return p;
}

/* A policy with these rules, refusing the rest. */
static struct policy *
load_rules(const char *rules)
{
	char text[8192];
	snprintf(text, sizeof(text), HEAD "rules:\n%s\ndefault: block\n", rules);
	return load(text);
}

static struct addr
addr(const char *text)
{
	struct addr a;
	assert_true(addr_parse(text, &a));
	return a;
}

/* gate opens tcp/443 to a Norwegian address. */
static struct facts
usual(void)
{
	struct facts f = {
		.known = FACT_ALL,
		.device = 0,
		.zone = 0,
		.remote_zone = ZONE_NONE,
		.proto = IPPROTO_TCP,
		.has_port = true,
		.port = 443,
		.wall_s = 1795403400, /* 2026-11-23 03:10 UTC, a Monday */
	};
	f.local = addr("10.20.0.5");
	f.remote = addr("193.0.0.1");
	f.place = (struct place){.country = "NO", .registered = "SE", .continent = "EU", .asn = 64500};
	return f;
}

static struct judgement
judge(const struct policy *p, const struct facts *f)
{
	struct judgement j;
	policy_judge(p, f, &j);
	return j;
}

/* One rule that allows under this condition; does it? */
static bool
allows(const char *condition, const struct facts *f)
{
	char rule[1024];
	snprintf(rule, sizeof(rule), "  - {name: r, action: allow, %s}", condition);
	struct policy *p = load_rules(rule);
	struct judgement j = judge(p, f);
	assert_int_not_equal(j.decision, DECISION_PENDING);
	assert_string_equal(j.rule->name, j.decision == DECISION_ALLOW ? "r" : "default");
	policy_free(p);
	return j.decision == DECISION_ALLOW;
}

#define YES(condition) assert_true(allows(condition, &f))
#define NO(condition)  assert_false(allows(condition, &f))

static void
test_from(void **state)
{
	(void)state;
	struct facts f = usual();
	YES("from: any, to: any");
	YES("from: cameras, to: any");
	NO("from: video, to: any");
	YES("from: [video, cameras], to: any");
	YES("from: {zone: cameras}, to: any");
	YES("from: {device: gate}, to: any");
	NO("from: {device: dock}, to: any");
	YES("from: {group: outdoor}, to: any");
	NO("from: {group: docks}, to: any");
	YES("from: {brand: AXIS}, to: any");
	NO("from: {brand: lts}, to: any");
	YES("from: {known: true}, to: any");
	NO("from: {known: false}, to: any");
	YES("from: {address: 10.20.0.0/24}, to: any");
	NO("from: {address: 10.20.1.0/24}, to: any");
	NO("from: {group: outdoor, device: dock}, to: any");
	f.device = 1;
	YES("from: {group: docks, brand: LTS}, to: any");
	f.device = DEVICE_UNKNOWN;
	NO("from: {group: outdoor}, to: any");
	YES("from: {known: false}, to: any");
}

static void
test_to(void **state)
{
	(void)state;
	struct facts f = usual();
	YES("from: any, to: {country: [SE, \"NO\"]}");
	NO("from: any, to: {country: [SE, DK]}");
	YES("from: any, to: {continent: EU}");
	NO("from: any, to: {continent: [AS, AF]}");
	YES("from: any, to: {registered-country: SE}");
	NO("from: any, to: {registered-country: \"NO\"}");
	YES("from: any, to: {asn: [1, 64500, 70000]}");
	NO("from: any, to: {asn: 64501}");
	NO("from: any, to: {country: \"NO\", asn: 64501}");
	NO("from: any, to: {anycast: true}");
	YES("from: any, to: {anycast: false}");
	NO("from: any, to: {private: true}");
	YES("from: any, to: {private: false}");
	NO("from: any, to: {unknown-country: true}");
	YES("from: any, to: {unknown-country: false}");
	NO("from: any, to: video");
	YES("from: any, to: \"!video\"");
	f.place.asn = 0;
	NO("from: any, to: {asn: 64500}");
	f.remote = addr("10.30.0.7");
	f.remote_zone = 1;
	YES("from: any, to: video");
	YES("from: any, to: {zone: [video, cameras]}");
	f.zone = ZONE_NONE; /* else what no rule matches is between zones */
	NO("from: any, to: {zone: cameras}");
	NO("from: any, to: {zone: video, private: true}");
	NO("from: any, to: \"!video\"");
}

static void
test_addresses(void **state)
{
	(void)state;
	/* Nested and repeated prefixes in one list; edges of each. */
	const char *to = "from: any, to: {address: [10.0.0.0/8, 10.1.0.0/16, 192.0.2.4/31, "
			 "\"2001:db8::/32\", 10.0.0.0/8, 192.0.2.7]}";
	static const struct {
		const char *text;
		bool in;
	} cases[] = {
		{"10.0.0.0", true},	    {"10.255.255.255", true},
		{"9.255.255.255", false},   {"11.0.0.0", false},
		{"10.1.2.3", true},	    {"10.2.0.0", true},
		{"192.0.2.3", false},	    {"192.0.2.4", true},
		{"192.0.2.5", true},	    {"192.0.2.6", false},
		{"192.0.2.7", true},	    {"192.0.2.8", false},
		{"2001:db8::", true},	    {"2001:db9::", false},
		{"2001:db7:ffff::", false}, {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
	};
	struct facts f = usual();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f.remote = addr(cases[i].text);
		assert_int_equal(allows(to, &f), cases[i].in);
	}
}

static void
test_unknown_country(void **state)
{
	(void)state;
	struct facts f = usual();
	memset(&f.place, 0, sizeof(f.place));
	NO("from: any, to: {country: \"NO\"}");
	YES("from: any, to: {unknown-country: true}");
	YES("from: any, to: {country: CN, unknown-country: true}");
	YES("from: any, to: {country: CN, continent: AS, registered-country: CN, unknown-country: true}");
	NO("from: any, to: {country: CN, unknown-country: false}");
	NO("from: any, to: {country: CN, unknown-country: true, asn: 5}");
	f.place.special = SPECIAL_PRIVATE; /* an answer, not ignorance */
	NO("from: any, to: {unknown-country: true}");
	NO("from: any, to: {country: CN, unknown-country: true}");
	YES("from: any, to: {private: true}");
	f = usual();
	NO("from: any, to: {country: CN, unknown-country: true}");
	YES("from: any, to: {country: \"NO\", unknown-country: true}");
}

static void
test_port(void **state)
{
	(void)state;
	struct facts f = usual();
	YES("from: any, to: any, port: tcp/443");
	YES("from: any, to: any, port: 443");
	YES("from: any, to: any, port: tcp");
	YES("from: any, to: any, port: [udp/1, tcp/400-500]");
	NO("from: any, to: any, port: udp/443");
	NO("from: any, to: any, port: tcp/444-65535");
	NO("from: any, to: any, port: [80, icmp]");
	f.proto = IPPROTO_UDP;
	YES("from: any, to: any, port: 443");
	f.proto = IPPROTO_SCTP;
	NO("from: any, to: any, port: 443");
	YES("from: any, to: any, port: sctp/443");
	f.proto = IPPROTO_ICMP;
	f.has_port = false;
	YES("from: any, to: any, port: icmp");
	NO("from: any, to: any, port: ipv6-icmp");
	NO("from: any, to: any, port: 0-65535");
	f.proto = IPPROTO_TCP; /* a fragment without a header */
	NO("from: any, to: any, port: 0-65535");
	YES("from: any, to: any, port: tcp");
}

static void
test_direction(void **state)
{
	(void)state;
	struct facts f = usual();
	YES("from: any, to: any, direction: outbound");
	NO("from: any, to: any, direction: inbound");
	f.inbound = true;
	NO("from: any, to: any");
	YES("from: any, to: any, direction: inbound");
	YES("from: any, to: any, direction: any");
}

static void
test_when(void **state)
{
	(void)state;
	struct facts f = usual();
	YES("from: any, to: any, when: {days: mon}");
	NO("from: any, to: any, when: {days: [tue-sun]}");
	YES("from: any, to: any, when: {time: \"03:10-03:11\"}");
	NO("from: any, to: any, when: {time: \"03:11-03:12\"}");
	NO("from: any, to: any, when: {time: \"03:00-03:10\"}");
	YES("from: any, to: any, when: {time: \"04:00-05:00\", zone: Europe/Oslo}");
	YES("from: any, to: any, when: {days: sun, time: \"22:00-06:00\"}");
	NO("from: any, to: any, when: {days: mon, time: \"22:00-06:00\"}");
	YES("from: any, to: any, when: {days: sun, time: \"22:00-23:00\", zone: America/New_York}");
	YES("from: any, to: any, when: [{days: sat}, {days: mon, time: [\"01:00-02:00\", \"03:00-04:00\"]}]");
}

static void
test_first_match(void **state)
{
	(void)state;
	struct facts f = usual();
	struct policy *p = load_rules("  - {name: a, from: any, to: any, port: udp/1, action: block}\n"
				      "  - {name: b, from: any, to: any, port: tcp/443, action: alert}\n"
				      "  - {name: c, from: any, to: any, port: 443, action: reject, mode: "
				      "monitor, alert: none, id: 1000007}");
	struct judgement j = judge(p, &f);
	assert_int_equal(j.decision, DECISION_ALLOW);
	assert_string_equal(j.rule->name, "b");
	assert_int_equal(j.rule->action, ACTION_ALERT);
	assert_int_equal(j.rule->alert, ALERT_MEDIUM);
	assert_int_equal(j.mode, MODE_ENFORCE);
	assert_int_equal(j.used, FACT_PACKET);
	assert_false(j.scheduled);
	f.proto = IPPROTO_UDP;
	j = judge(p, &f);
	assert_int_equal(j.decision, DECISION_REJECT);
	assert_int_equal(j.mode, MODE_MONITOR);
	assert_int_equal(j.rule->alert, ALERT_NONE);
	assert_int_equal(j.rule->signature_id, 1000007);
	policy_free(p);
}

static void
test_zones_and_default(void **state)
{
	(void)state;
	struct facts f = usual();
	struct policy *p =
		load_rules("  - {name: no-web, from: cameras, to: video, port: tcp/80, action: block}");
	f.remote_zone = 1;
	struct judgement j = judge(p, &f);
	assert_int_equal(j.decision, DECISION_ALLOW);
	assert_int_equal(j.rule->kind, RULE_ZONES);
	f.port = 80;
	assert_string_equal(judge(p, &f).rule->name, "no-web");
	f.remote_zone = ZONE_NONE;
	assert_int_equal(judge(p, &f).rule->kind, RULE_DEFAULT);
	assert_int_equal(judge(p, &f).decision, DECISION_BLOCK);
	f.zone = ZONE_NONE;
	f.remote_zone = 1;
	assert_int_equal(judge(p, &f).rule->kind, RULE_DEFAULT);
	policy_free(p);
}

static void
test_unknown_devices(void **state)
{
	(void)state;
	static const struct {
		const char *say;
		enum decision decision;
		enum rule_kind kind;
	} cases[] = {
		{"block", DECISION_BLOCK, RULE_UNKNOWN_DEVICE},
		{"alert", DECISION_ALLOW, RULE_WRITTEN},
		{"allow", DECISION_ALLOW, RULE_WRITTEN},
	};
	for (size_t i = 0; i < 3; i++) {
		char text[2048];
		struct facts f = usual();
		snprintf(text, sizeof(text),
			 HEAD "unknown-devices: %s\nrules: [{name: r, from: any, to: any, port: 443, action: "
			      "allow}]\n"
			      "default: block\n",
			 cases[i].say);
		struct policy *p = load(text);
		assert_int_equal(judge(p, &f).rule->kind, RULE_WRITTEN);
		f.device = DEVICE_UNKNOWN;
		assert_int_equal(judge(p, &f).decision, cases[i].decision);
		assert_int_equal(judge(p, &f).rule->kind, cases[i].kind);
		policy_free(p);
	}
}

/* The place is not known yet. rules; decision; who is named, NULL while pending. */
static const struct {
	const char *rules;
	enum decision decision;
	const char *rule;
} three_valued[] = {
	/* Nothing reachable allows: decided at once, in the name of what is sure. */
	{"  - {name: never, from: any, to: {country: CN}, action: block, alert: high}", DECISION_BLOCK,
	 "default"},
	{"  - {name: never, from: any, to: {country: CN}, action: reject}", DECISION_BLOCK, "default"},
	/* An allow that may still match keeps it open. */
	{"  - {name: home, from: any, to: {country: \"NO\"}, action: allow}", DECISION_PENDING, NULL},
	{"  - {name: home, from: any, to: {country: \"NO\"}, port: udp/1, action: allow}", DECISION_BLOCK,
	 "default"},
	{"  - {name: home, from: any, to: {country: \"NO\"}, action: allow}\n"
	 "  - {name: web, from: any, to: any, port: tcp/443, action: allow}",
	 DECISION_ALLOW, "web"},
	/* Behind a rule that says yes nothing counts. */
	{"  - {name: web, from: any, to: any, port: tcp/443, action: block}\n"
	 "  - {name: home, from: any, to: {country: \"NO\"}, action: allow}",
	 DECISION_BLOCK, "web"},
	/* Both allow, but one would tell. */
	{"  - {name: cn, from: any, to: {country: CN}, action: alert}\n"
	 "  - {name: web, from: any, to: any, port: tcp/443, action: allow}",
	 DECISION_PENDING, NULL},
	{"  - {name: cn, from: any, to: {country: CN}, action: alert}\n"
	 "  - {name: web, from: any, to: any, port: tcp/443, action: alert}",
	 DECISION_ALLOW, "web"},
	/* Both refuse, but one only on paper. */
	{"  - {name: cn, from: any, to: {country: CN}, action: block, mode: monitor}", DECISION_PENDING,
	 NULL},
	/* Three outcomes, of which the middle one differs. */
	{"  - {name: cn, from: any, to: {country: CN}, action: block}\n"
	 "  - {name: home, from: any, to: {country: \"NO\"}, action: allow}",
	 DECISION_PENDING, NULL},
	/* A negated set that cannot be told. */
	{"  - {name: r, from: any, to: \"!never\", action: allow}", DECISION_PENDING, NULL},
	{"  - {name: r, from: any, to: [video, \"!video\", never], action: allow}", DECISION_ALLOW, "r"},
	/* "No" wins over "cannot tell", whatever the order of the keys. */
	{"  - {name: r, to: {country: \"NO\", address: 192.0.2.1}, from: any, action: allow}", DECISION_BLOCK,
	 "default"},
};

static void
test_three_valued(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(three_valued) / sizeof(three_valued[0]); i++) {
		char text[4096];
		struct facts f = usual();
		f.known = FACT_ALL & ~FACT_PLACE;
		snprintf(text, sizeof(text),
			 HEAD "sets:\n  never: {country: CN}\nrules:\n%s\ndefault: block\n",
			 three_valued[i].rules);
		struct policy *p = load(text);
		struct judgement j = judge(p, &f);
		assert_int_equal(j.decision, three_valued[i].decision);
		if (three_valued[i].rule) {
			assert_string_equal(j.rule->name, three_valued[i].rule);
			assert_int_equal(j.missing, 0);
		} else {
			assert_null(j.rule);
			assert_int_equal(j.missing, FACT_PLACE);
			assert_int_equal(j.used, FACT_PACKET | FACT_PLACE);
		}
		policy_free(p);
	}
}

/* A generator of its own: the same policies on every machine. */
static uint32_t
dice(uint64_t *state, uint32_t sides)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % sides;
}

static const char *
pick(uint64_t *state, const char *const *list, uint32_t n)
{
	return list[dice(state, n)];
}

static struct policy *
random_policy(uint64_t *state)
{
	static const char *const from[] = {"any", "cameras", "{group: docks}", "{known: true}",
					   "{address: 10.20.0.0/24}"};
	static const char *const to[] = {"any",
					 "never",
					 "\"!never\"",
					 "video",
					 "[video, home]",
					 "{country: [SE, DK]}",
					 "{asn: 64500}",
					 "{unknown-country: true}",
					 "{private: true}",
					 "{address: 193.0.0.0/8, country: \"NO\"}"};
	static const char *const port[] = {"",
					   ", port: tcp/443",
					   ", port: 80",
					   ", port: icmp",
					   ", direction: any",
					   ", when: {days: mon}",
					   ", when: {time: \"22:00-04:00\", zone: Europe/Oslo}"};
	static const char *const action[] = {"allow",
					     "alert",
					     "block",
					     "reject",
					     "block, mode: monitor",
					     "allow, mode: monitor",
					     "block, alert: high"};
	char rules[4096] = "sets:\n  never: {country: [CN, RU], unknown-country: true}\n  home: {country: "
			   "[\"NO\", SE]}\nrules:\n";
	for (uint32_t i = 0, n = 1 + dice(state, 6); i < n; i++) {
		size_t len = strlen(rules);
		snprintf(rules + len, sizeof(rules) - len,
			 "  - {name: r%u, from: %s, to: %s%s, action: %s}\n", i, pick(state, from, 5),
			 pick(state, to, 10), pick(state, port, 7), pick(state, action, 7));
	}
	char text[8192];
	snprintf(text, sizeof(text), HEAD "%sdefault: %s\n", rules, dice(state, 4) ? "block" : "allow");
	return load(text);
}

static struct facts
random_facts(uint64_t *state)
{
	static const char *const remotes[] = {"193.0.0.1", "10.30.0.7", "192.0.2.1", "2001:db8::1"};
	static const uint16_t ports[] = {80, 443, 1};
	struct facts f = usual();
	f.device = (uint16_t)dice(state, 2);
	f.device = dice(state, 4) ? f.device : DEVICE_UNKNOWN;
	f.remote = addr(remotes[dice(state, 4)]);
	f.remote_zone = dice(state, 3) ? ZONE_NONE : 1;
	f.inbound = dice(state, 4) == 0;
	f.port = ports[dice(state, 3)];
	f.wall_s += (int64_t)dice(state, 14 * 24) * 3600;
	return f;
}

static const struct place places[] = {
	{.country = "NO", .continent = "EU", .asn = 64500},
	{.country = "NO", .continent = "EU"},
	{.country = "SE", .registered = "CN", .continent = "EU"},
	{.country = "DK", .continent = "EU", .anycast = true},
	{.country = "CN", .registered = "CN", .continent = "AS", .asn = 64501},
	{.country = "RU", .continent = "EU"},
	{.country = "US", .continent = "NA", .asn = 64500},
	{.asn = 64500},
	{.asn = 0},
	{.special = SPECIAL_PRIVATE},
};

enum {
	N_PLACES = sizeof(places) / sizeof(places[0]),
};

static bool
refuses(enum decision d)
{
	return d == DECISION_BLOCK || d == DECISION_REJECT;
}

/* What is decided without the place holds wherever the place turns out to be. */
static void
check_early(const struct policy *p, struct facts f, unsigned *ret_early, unsigned *ret_pending)
{
	f.known = FACT_ALL & ~FACT_PLACE;
	struct judgement early = judge(p, &f);
	*ret_early += early.decision != DECISION_PENDING && (early.used & FACT_PLACE);
	*ret_pending += early.decision == DECISION_PENDING;
	f.known = FACT_ALL;
	for (size_t i = 0; i < N_PLACES; i++) {
		f.place = places[i];
		struct judgement j = judge(p, &f);
		assert_int_not_equal(j.decision, DECISION_PENDING);
		if (early.decision == DECISION_PENDING)
			continue;
		assert_int_equal(refuses(early.decision), refuses(j.decision));
		assert_int_equal(early.mode, j.mode);
		if (!refuses(j.decision))
			assert_int_equal(early.rule->alert, j.rule->alert);
	}
}

/* What was not looked at does not matter. */
static void
check_used(const struct policy *p, struct facts f)
{
	struct judgement j = judge(p, &f), k;
	for (size_t i = 0; i < N_PLACES && !(j.used & FACT_PLACE); i++) {
		f.place = places[i];
		k = judge(p, &f);
		assert_ptr_equal(j.rule, k.rule);
	}
	for (int hour = 0; hour < 24 * 7 && !j.scheduled; hour++) {
		f.wall_s += 3600;
		k = judge(p, &f);
		assert_true(k.used == j.used && k.rule == j.rule);
	}
}

static void
test_properties(void **state)
{
	(void)state;
	uint64_t seed = 1;
	unsigned early = 0, pending = 0;
	for (int i = 0; i < 400; i++) {
		struct policy *p = random_policy(&seed);
		for (int k = 0; k < 20; k++) {
			check_early(p, random_facts(&seed), &early, &pending);
			check_used(p, random_facts(&seed));
		}
		policy_free(p);
	}
	assert_true(early > 100 && pending > 100); /* else nothing was shown */
}

static void
test_lookups(void **state)
{
	(void)state;
	struct policy *p = load(
		"version: 1\nmode: monitor\nzones:\n"
		"  cameras: {interfaces: [cam0, cam1], networks: [10.20.0.0/16]}\n"
		"  inner: {networks: [10.20.5.0/24, 10.20.5.128/25, \"fd20::/64\"]}\n"
		"devices:\n  - {name: a, mac: \"44:19:b6:00:00:21\", address: [10.20.0.9, \"fd20::9\"]}\n"
		"  - {name: b, mac: \"44:19:b6:00:00:20\"}\n  - {name: c, address: 10.20.0.8}\n"
		"default: allow\n");
	struct mac mac;
	struct addr a;
	a = addr("10.20.4.1");
	assert_int_equal(policy_zone_by_addr(p, &a), 0);
	a = addr("10.20.5.200");
	assert_int_equal(policy_zone_by_addr(p, &a), 1);
	a = addr("10.21.0.1");
	assert_int_equal(policy_zone_by_addr(p, &a), ZONE_NONE);
	assert_int_equal(policy_zone_by_interface(p, "cam1"), 0);
	assert_int_equal(policy_zone_by_interface(p, "cam2"), ZONE_NONE);
	assert_true(mac_parse("44:19:b6:00:00:20", &mac));
	assert_int_equal(policy_device_by_mac(p, &mac), 1);
	assert_true(mac_parse("44:19:b6:00:00:22", &mac));
	assert_int_equal(policy_device_by_mac(p, &mac), DEVICE_UNKNOWN);
	a = addr("fd20::9");
	assert_int_equal(policy_device_by_addr(p, &a), 0);
	a = addr("10.20.0.8");
	assert_int_equal(policy_device_by_addr(p, &a), 2);
	a = addr("10.20.0.7");
	assert_int_equal(policy_device_by_addr(p, &a), DEVICE_UNKNOWN);
	policy_free(p);
}

static void
test_rule_list(void **state)
{
	(void)state;
	size_t n;
	struct policy *p =
		load_rules("  - {name: axis-firmware, from: any, to: any, port: 1, action: block}");
	const struct rule_info *const *rules = policy_rules(p, &n);
	assert_int_equal(n, 1 + POLICY_BUILTIN_RULES);
	assert_string_equal(rules[0]->name, "axis-firmware");
	/*
	 * Published: other systems know the rule by it. 1900000 + FNV-1a-64("axis-firmware") mod 80000,
	 * computed apart from this code.
	 */
	assert_int_equal(rules[0]->signature_id, 1955978);
	assert_string_equal(rules[0]->file, "t.yaml");
	assert_int_equal(rules[0]->line, 11);
	assert_string_equal(rules[1]->name, "zones");
	assert_string_equal(rules[2]->name, "default");
	assert_string_equal(rules[3]->name, "unknown-devices");
	assert_int_equal(rules[3]->signature_id, 1990001);
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_to),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_unknown_country),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_first_match),
		cmocka_unit_test(test_zones_and_default),
		cmocka_unit_test(test_unknown_devices),
		cmocka_unit_test(test_three_valued),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_rule_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
