/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is explained is what was judged: over made-up policies and flows, and sentence by sentence for a few that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/policy/condition.h"
#include "../../daemon/policy/explain.h"
#include "bundle.h"
#include "policy.h"

#define HEAD                                                                                                 \
	"version: 1\nmode: enforce\nfail: open\nunknown-devices: %s\nzones:\n"                               \
	"  cameras: {interfaces: [cam0], networks: [10.20.0.0/16]}\n"                                        \
	"  video: {networks: [10.30.0.0/24]}\n"                                                              \
	"devices:\n"                                                                                         \
	"  - {name: gate, mac: \"ac:cc:8e:00:00:01\", brand: Axis, groups: [outdoor]}\n"                     \
	"  - {name: dock, mac: \"44:19:b6:00:00:21\", brand: LTS, groups: [outdoor, docks]}\n"               \
	"sets:\n  never: {country: [CN, RU], unknown-country: true}\n  home: {country: [\"NO\", SE]}\n"      \
	"  vendor: {name: [\"*.example.com\"], country: [\"NO\"]}\n"

static struct policy *
load(const char *unknown, const char *rest)
{
	struct diags diags = {0};
	char text[16384];
	snprintf(text, sizeof(text), HEAD "%s", unknown, rest);
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
		.known = FACT_PACKET | FACT_PLACE,
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

/* What the visits added up to, worked out from them alone. */
struct reading {
	const struct rule_info *first; /* that holds */
	const struct rule_info *decides;
	unsigned rules, open_before, failed;
	bool behind_wrong, state_wrong, words_wrong;
};

static bool
read_rule(void *arg, const struct explained_rule *r)
{
	struct reading *reading = arg;
	enum explained all = EXPLAINED_YES;
	for (size_t i = 0; i < r->n; i++) {
		const struct explained_condition *c = &r->conditions[i];
		all = c->state < all ? c->state : all;
		reading->words_wrong |= !c->key[0] || !c->wanted[0] || !c->found[0];
		reading->words_wrong |= (c->state == EXPLAINED_OPEN) != (c->missing != 0);
	}
	reading->state_wrong |= all != r->state;
	reading->behind_wrong |= r->behind && r->decides;
	reading->rules++;
	reading->failed += r->state == EXPLAINED_NO;
	if (r->decides)
		reading->decides = r->info;
	if (r->behind || reading->first)
		return true;
	if (r->state == EXPLAINED_YES)
		reading->first = r->info;
	reading->open_before += r->state == EXPLAINED_OPEN;
	return true;
}

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

#define PICK(state, list) pick(state, list, sizeof(list) / sizeof((list)[0]))

static struct policy *
random_policy(uint64_t *state)
{
	static const char *const from[] = {"any", "cameras", "{group: docks}", "{known: true}", "{address: 10.20.0.0/24, brand: axis}"};
	static const char *const to[] = {"any", "never", "\"!never\"", "[video, home]", "{country: [SE, DK]}", "vendor", "\"!vendor\"",
					 "{asn: 64500}", "{private: true}", "{name: a.example.net, trust-sni: true}",
					 "{address: 193.0.0.0/8, country: \"NO\"}"};
	static const char *const more[] = {"", ", port: tcp/443", ", port: 80, protocol: http", ", protocol: [tls, quic]",
					   ", direction: any", ", when: {days: mon}", ", protocol: dns, query: \"*.example.com\"",
					   ", ech: true", ", protocol: unknown"};
	static const char *const action[] = {"allow", "alert", "block", "reject", "block, mode: monitor", "block, alert: high"};
	static const char *const unknown[] = {"allow", "alert", "block"};
	char rules[8192] = "rules:\n";
	for (uint32_t i = 0, n = 1 + dice(state, 8); i < n; i++) {
		size_t len = strlen(rules);
		snprintf(rules + len, sizeof(rules) - len, "  - {name: r%u, from: %s, to: %s%s, action: %s}\n", i, PICK(state, from),
			 PICK(state, to), PICK(state, more), PICK(state, action));
	}
	size_t len = strlen(rules);
	snprintf(rules + len, sizeof(rules) - len, "default: %s\n", dice(state, 4) ? "block" : "allow");
	return load(PICK(state, unknown), rules);
}

static struct facts
random_facts(uint64_t *state)
{
	static const char *const remotes[] = {"193.0.0.1", "10.30.0.7", "192.0.2.1", "2001:db8::1"};
	static const char *const names[] = {"a.example.com", "a.example.net", "b.example.org"};
	static const char *const protocols[] = {"tls", "http", "dns", "quic", "unknown"};
	static const char *const countries[] = {"NO", "SE", "CN", ""};
	static const uint16_t ports[] = {80, 443, 1};
	struct facts f = usual();
	f.device = dice(state, 4) ? (uint16_t)dice(state, 2) : DEVICE_UNKNOWN;
	f.remote = addr(PICK(state, remotes));
	f.remote_zone = dice(state, 3) ? ZONE_NONE : 1;
	f.inbound = dice(state, 4) == 0;
	f.port = ports[dice(state, 3)];
	f.wall_s += (int64_t)dice(state, 14 * 24) * 3600;
	snprintf(f.place.country, sizeof(f.place.country), "%s", PICK(state, countries));
	f.known = dice(state, 2) ? FACT_ALL : FACT_PACKET | dice(state, FACT_ALL + 1);
	f.protocol = PICK(state, protocols);
	f.name = dice(state, 2) ? PICK(state, names) : NULL;
	f.query = dice(state, 2) ? PICK(state, names) : NULL;
	f.ech = dice(state, 5) == 0;
	if (dice(state, 2))
		f.bound[f.n_bound++] = PICK(state, names);
	return f;
}

/* The decision and the rule are those of the judgement, and follow from what was told. */
static void
check_agreement(const struct policy *p, const struct facts *f, unsigned counts[4])
{
	struct reading r = {0};
	struct judgement plain, told;
	size_t n;
	(void)policy_rules(p, &n);
	policy_judge(p, f, &plain);
	policy_explain(p, f, 0, &told, read_rule, &r);
	assert_int_equal(told.decision, plain.decision);
	assert_ptr_equal(told.rule, plain.rule);
	assert_int_equal(told.missing, plain.missing);
	assert_false(r.state_wrong || r.behind_wrong || r.words_wrong);
	bool built_in = plain.rule && plain.rule->kind != RULE_WRITTEN;
	assert_int_equal(r.rules, n - POLICY_BUILTIN_RULES + built_in);
	assert_ptr_equal(r.decides, plain.rule);
	counts[plain.decision]++;
	if (plain.rule)
		assert_ptr_equal(r.first, plain.rule);
	else
		assert_true(r.open_before > 0);
}

/* Told in pieces it is the same as told at once. */
struct piece {
	unsigned n;
	bool behind;
};

static bool
read_one(void *arg, const struct explained_rule *r)
{
	struct piece *piece = arg;
	piece->n++;
	piece->behind = r->behind;
	return false;
}

static void
check_pieces(const struct policy *p, const struct facts *f)
{
	struct judgement whole, j;
	size_t n;
	bool behind;
	(void)policy_rules(p, &n);
	n -= POLICY_BUILTIN_RULES;
	policy_judge(p, f, &whole);
	for (size_t i = 0; i < n; i++) {
		struct piece piece = {0};
		policy_explain(p, f, i, &j, read_one, &piece);
		assert_int_equal(piece.n, 1);
		assert_ptr_equal(j.rule, whole.rule);
		behind = whole.rule && (whole.rule->kind == RULE_UNKNOWN_DEVICE ||
					(whole.rule->kind == RULE_WRITTEN && whole.rule->index < i));
		assert_int_equal(piece.behind, behind);
	}
}

static void
ignore(void *arg, const char *text)
{
	unsigned *n = arg;
	assert_true(strlen(text) > 10);
	++*n;
}

static void
test_agreement(void **state)
{
	(void)state;
	uint64_t seed = 7;
	unsigned counts[4] = {0}, sentences = 0;
	for (int i = 0; i < 200; i++) {
		struct policy *p = random_policy(&seed);
		for (int k = 0; k < 25; k++) {
			struct facts f = random_facts(&seed);
			unsigned told = 0;
			check_agreement(p, &f, counts);
			if (f.known == FACT_ALL)
				check_pieces(p, &f);
			policy_explain_change(p, &f, ignore, &told);
			assert_true(told <= 5);
			sentences += told;
		}
		policy_free(p);
	}
	for (int i = 0; i < 4; i++)
		assert_true(counts[i] > 50); /* else nothing was shown of that answer */
	assert_true(sentences > 500);
}

static void
test_words_for_all(void **state)
{
	(void)state;
	size_t n;
	const struct condition_row *rows = condition_rows(&n);
	for (size_t i = 0; i < n; i++)
		if (!explain_speaks_of(rows[i].key))
			fail_msg("explain.c has no words for %s", rows[i].key);
}

struct sentences {
	char text[2048];
	unsigned n;
};

static void
collect(void *arg, const char *text)
{
	struct sentences *s = arg;
	snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%s\n", text);
	s->n++;
}

#define RULES                                                                                                \
	"rules:\n"                                                                                           \
	"  - {name: never, from: cameras, to: never, action: block}\n"                                       \
	"  - {name: firmware, from: {brand: axis}, to: home, protocol: tls, port: tcp/443, action: allow}\n" \
	"  - {name: dock-only, from: {group: docks}, to: any, port: [tcp/80, udp/53], action: allow}\n"      \
	"default: block\n"

static const struct {
	const char *country, *protocol;
	uint16_t port, device;
	const char *told;
} changes[] = {
	{"NO", "http", 443, 0, "rule \"firmware\" would allow it if protocol were tls (it is http)\n"},
	{"NO", "tls", 444, 0, "rule \"firmware\" would allow it if port were tcp/443 (it is tcp/444)\n"},
	{"US", "tls", 443, 0, "rule \"firmware\" would allow it if the destination were home (country US)\n"},
	{"NO", "tls", 443, 0, ""},
	{"NO", NULL, 443, 0, "rule \"firmware\" would allow it if protocol were tls (not known yet: protocol)\n"},
	{"NO", "tls", 80, 0,
	 "rule \"firmware\" would allow it if port were tcp/443 (it is tcp/80)\n"
	 "rule \"dock-only\" would allow it if the device's group were docks (it is outdoor)\n"},
	{"CN", "tls", 80, 1, "rule \"dock-only\" would allow it, but \"never\" comes before it\n"},
	{"NO", "tls", 443, 9,
	 "the rules would be asked if the device were declared in devices:\n"},
};

static void
test_change(void **state)
{
	(void)state;
	struct policy *p = load("block", RULES);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct facts f = usual();
		struct sentences s = {0};
		snprintf(f.place.country, sizeof(f.place.country), "%s", changes[i].country);
		f.known = changes[i].protocol ? FACT_ALL : FACT_PACKET | FACT_PLACE;
		f.protocol = changes[i].protocol;
		f.port = changes[i].port;
		f.device = changes[i].device == 9 ? DEVICE_UNKNOWN : changes[i].device;
		policy_explain_change(p, &f, collect, &s);
		assert_string_equal(s.text, changes[i].told);
	}
	policy_free(p);
}

static bool
note_conditions(void *arg, const struct explained_rule *r)
{
	struct sentences *s = arg;
	char line[512];
	for (size_t i = 0; i < r->n; i++) {
		const struct explained_condition *c = &r->conditions[i];
		snprintf(line, sizeof(line), "%s: %s = %s / %s", r->info->name, c->key, c->wanted, c->found);
		if (c->state == EXPLAINED_NO || strcmp(r->info->name, "all") == 0)
			collect(s, line);
	}
	return true;
}

static void
test_words(void **state)
{
	(void)state;
	struct policy *p = load(
		"allow",
		"rules:\n"
		"  - {name: a, from: {group: [docks], zone: video}, to: {asn: [64501, AS64502], anycast: true}, action: allow}\n"
		"  - {name: b, from: any, to: \"!home\", direction: inbound, when: {days: [sat, sun]}, action: allow}\n"
		"  - {name: c, from: any, to: vendor, action: allow}\n"
		"  - {name: all, from: any, to: [video, home], action: block}\ndefault: block\n");
	struct facts f = usual();
	struct judgement j;
	struct sentences s = {0};
	f.known = FACT_ALL;
	f.name = "a.example.com";
	policy_explain(p, &f, 0, &j, note_conditions, &s);
	assert_string_equal(s.text, "a: zone = video / cameras\n"
				    "a: group = docks / outdoor\n"
				    "a: anycast = true / false\n"
				    "a: asn = 64501, AS64502 / AS64500\n"
				    "b: direction = inbound / outbound\n"
				    "b: when = days: [sat, sun] / Mon 2026-11-23 03:10 UTC\n"
				    "b: to = !home / in home\n"
				    "c: to = vendor / name a.example.com, not proved by DNS\n"
				    "all: direction = outbound / outbound\n"
				    "all: to = video, home / in home\n");
	policy_free(p);
}

/* Words for what is known of a device, of a place beside its country, and of a limit. */
static void
test_more_words(void **state)
{
	(void)state;
	struct policy *p = load("allow",
				"rules:\n"
				"  - {name: a, from: {covered: true}, to: any, action: block}\n"
				"  - {name: b, from: {unmasked: true}, to: any, action: block}\n"
				"  - {name: c, from: any, to: {continent: AS, registered-country: \"NO\"}, action: block}\n"
				"  - {name: all, from: any, to: any, port: tcp/443, limit: {bytes: 200MB, per: day, zone: UTC}, action: allow}\n"
				"default: block\n");
	struct facts f = usual();
	struct judgement j;
	struct sentences s = {0};
	uint64_t used[1] = {5000000};
	f.known = FACT_ALL;
	f.used = used;
	f.n_used = 1;
	policy_explain(p, &f, 0, &j, note_conditions, &s);
	assert_string_equal(s.text, "a: covered = true / false\n"
				    "b: unmasked = true / false\n"
				    "c: continent = AS / EU\n"
				    "c: registered-country = NO / SE\n"
				    "all: port = tcp/443 / tcp/443\n"
				    "all: limit = bytes: 200MB, per: day, zone: UTC / 5.0 MB of 200.0 MB used this day\n"
				    "all: direction = outbound / outbound\n");
	policy_free(p);
}

/* A rule of very many values is still one line. */
static void
test_long(void **state)
{
	(void)state;
	char rules[16000] = "rules:\n  - {name: long, from: any, to: {country: [";
	static const char *const codes[] = {"NO", "SE", "DK", "FI", "IS", "DE", "FR", "ES"};
	for (int i = 0; i < 200; i++)
		snprintf(rules + strlen(rules), sizeof(rules) - strlen(rules), "%s\"%s\"", i ? ", " : "", codes[i % 8]);
	strcat(rules, "]}, action: allow}\ndefault: block\n");
	struct policy *p = load("allow", rules);
	struct facts f = usual();
	struct sentences s = {0};
	memcpy(f.place.country, "US", 3);
	policy_explain_change(p, &f, collect, &s);
	assert_int_equal(s.n, 1);
	assert_true(strlen(s.text) < 400 && strstr(s.text, "ES, NO,  …") == NULL && strstr(s.text, "…"));
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreement), cmocka_unit_test(test_words_for_all), cmocka_unit_test(test_change),
		cmocka_unit_test(test_words),	  cmocka_unit_test(test_long),
		cmocka_unit_test(test_more_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
