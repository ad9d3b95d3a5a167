/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of rules against the plain walk, on policies and flows that chance makes: the same answer always. And what the index says it
 * looked at is enough: whatever else changes, the answer stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/policy/index.h"
#include "../../daemon/policy/judge.h"
#include "bundle.h"
#include "policy.h"

enum {
	POLICIES = 60,
	FLOWS = 2000, /* of each */
	TEXT = 1 << 18,
};

static uint64_t seed;

/* xorshift64 (Marsaglia 2003): the same course in every run. */
static unsigned
chance(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

#define OF(list) ((list)[chance(sizeof(list) / sizeof((list)[0]))])

static const char *const names[] = {"a.example.com", "b.a.example.com", "example.com", "example.org", "x.y.z.example.net", "net", "c.test"};
static const char *const patterns[] = {"a.example.com", "'*.example.com'", "'*.a.example.com'", "'*.net'", "example.org", "'*.test'",
				       "c.test",	"'*'",		  "'*.y.z.example.net'"};
static const char *const nets[] = {"198.51.100.7", "198.51.100.0/24", "198.51.0.0/16", "203.0.113.9", "'2001:db8::/32'", "'2001:db8::7'",
				   "0.0.0.0/0",	   "203.0.112.0/20"};
static const char *const addrs[] = {"198.51.100.7", "198.51.100.8", "198.51.7.7", "203.0.113.9", "2001:db8::7", "2001:db8::8", "2001:db9::1",
				    "10.30.0.5",    "192.0.2.1"};
static const char *const countries[] = {"NO", "SE", "CN", "US"};
static const char *const continents[] = {"EU", "AS"};
static const char *const ports[] = {"tcp/443", "443", "udp/53", "tcp/8000-8003", "udp/10000-20000", "icmp", "tcp", "53", "1-65535"};
static const uint16_t numbers[] = {443, 53, 8001, 8003, 12000, 9, 80};
static const char *const protocols[] = {"tls", "dns", "http", "unknown"};
static const char *const actions[] = {"allow", "allow", "block", "reject", "alert"};
static const char *const sets[] = {"s0", "s1", "s2", "s3", "video", "'!s0'", "'!s2'"};
static const char *const from[] = {"any",		 "cameras",	     "others",		       "{device: cam-1}", "{device: [cam-2, cam-3]}",
				   "{group: g}",	 "{known: false}",   "{zone: cameras, group: g}", "{brand: Axis}",	  "{address: 10.20.0.0/24}",
				   "{address: 10.20.0.3}"};

struct text {
	char at[TEXT];
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->at + t->len, sizeof(t->at) - t->len, fmt, ap);
	va_end(ap);
	assert_true(t->len < sizeof(t->at));
}

static void
put_list(struct text *t, const char *const *list, unsigned n)
{
	unsigned count = 1 + chance(3);
	put(t, "[");
	for (unsigned i = 0; i < count; i++)
		put(t, "%s%s", i ? ", " : "", list[chance(n)]);
	put(t, "]");
}

#define PUT_LIST(t, list) put_list(t, list, sizeof(list) / sizeof((list)[0]))

/* Conditions of a far side, one to three. */
static void
put_far(struct text *t)
{
	unsigned kinds = 0, n = 1 + chance(3);
	for (unsigned i = 0; i < n; i++)
		kinds |= 1u << chance(9);
	put(t, "{");
	if (kinds & 1) {
		put(t, "address: ");
		PUT_LIST(t, nets);
		put(t, ", ");
	}
	if (kinds & 2) {
		put(t, "name: ");
		PUT_LIST(t, patterns);
		put(t, chance(6) ? ", " : ", trust-sni: true, ");
	}
	if (kinds & 4) {
		put(t, "country: ");
		PUT_LIST(t, countries);
		put(t, ", ");
	}
	if (kinds & 8)
		put(t, "asn: [%u, %u], ", 64500 + chance(4), 64500 + chance(4));
	if (kinds & 16)
		put(t, "continent: %s, ", OF(continents));
	if (kinds & 32)
		put(t, "unknown-country: true, ");
	if (kinds & 64)
		put(t, "private: %s, ", chance(2) ? "true" : "false");
	if (kinds & 128)
		put(t, "registered-country: %s, ", OF(countries));
	put(t, kinds & 256 ? "name: {file: names.txt}}" : "anycast: false}");
}

static void
put_rule(struct text *t, unsigned i)
{
	put(t, "  - {name: r%u, id: %u, from: %s, to: ", i, 1000000 + i, OF(from));
	switch (chance(4)) {
	case 0:
		put(t, "any");
		break;
	case 1:
		PUT_LIST(t, sets);
		break;
	default:
		put_far(t);
	}
	if (chance(3) == 0) {
		put(t, ", port: ");
		PUT_LIST(t, ports);
	}
	if (chance(5) == 0)
		put(t, ", protocol: %s", OF(protocols));
	if (chance(9) == 0)
		put(t, ", query: %s", OF(patterns));
	if (chance(9) == 0)
		put(t, ", ech: %s", chance(2) ? "true" : "false");
	if (chance(9) == 0)
		put(t, ", when: {time: \"0%u:00-1%u:00\"}", chance(9), chance(9));
	bool limited = chance(12) == 0;
	if (limited)
		put(t, ", limit: {flows: 5, per: day}");
	if (chance(4) == 0)
		put(t, ", direction: %s", chance(2) ? "inbound" : "any");
	if (chance(5) == 0)
		put(t, ", mode: %s", chance(2) ? "monitor" : "enforce");
	put(t, ", action: %s}\n", limited ? "allow" : OF(actions));
}

/* A name twice in one map would be refused. */
static bool
fits(const char *rule)
{
	return !strstr(rule, "name: {file") || !strstr(rule, "name: [");
}

static struct policy *
policy_by_chance(struct text *t)
{
	static const char list[] = "*.example.com\nc.test\n";
	struct diags diags = {0};
	unsigned n = INDEX_RULES_MIN + chance(120);
	t->len = 0;
	put(t, "version: 1\nmode: enforce\nfail: open\nunknown-devices: %s\n", chance(3) ? "alert" : "block");
	put(t, "zones:\n  cameras: {interfaces: [cam0], networks: [10.20.0.0/16]}\n  others: {interfaces: [cam1]}\n"
	       "  video: {networks: [10.30.0.0/24]}\n");
	put(t, "devices:\n  - {name: cam-1, mac: \"02:00:00:00:00:01\", groups: [g]}\n"
	       "  - {name: cam-2, mac: \"02:00:00:00:00:02\", brand: Axis}\n  - {name: cam-3, mac: \"02:00:00:00:00:03\", groups: [g], brand: Axis}\n");
	put(t, "sets:\n");
	for (unsigned i = 0; i < 4;) {
		size_t before = t->len;
		put(t, "  s%u: ", i);
		put_far(t);
		put(t, "\n");
		if (fits(t->at + before))
			i++;
		else
			t->len = before;
	}
	put(t, "rules:\n");
	for (unsigned i = 0; i < n;) {
		size_t before = t->len;
		put_rule(t, i);
		if (fits(t->at + before))
			i++;
		else
			t->len = before;
	}
	put(t, "default: {action: %s}\n", chance(2) ? "block" : "allow");
	struct bundle *b = bundle_from_text("t.yaml", t->at, t->len);
	assert_true(b && bundle_add_list_text(b, "names.txt", list, sizeof(list) - 1));
	struct policy *p = policy_load(b, &diags);
	if (!p) {
		diags_print(&diags, stderr, false);
		fprintf(stderr, "%s", t->at);
	}
	assert_non_null(p);
	diags_free(&diags);
	bundle_free(b);
	return p;
}

static void
place_by_chance(struct facts *f)
{
	f->place = (struct place){.anycast = chance(5) == 0, .special = chance(5) ? SPECIAL_NONE : SPECIAL_PRIVATE};
	if (chance(4))
		memcpy(f->place.country, OF(countries), 3);
	if (chance(4))
		memcpy(f->place.registered, OF(countries), 3);
	if (chance(4))
		memcpy(f->place.continent, OF(continents), 3);
	f->place.asn = chance(4) ? 64500 + chance(4) : 0;
}

static void
spoken_by_chance(struct facts *f)
{
	f->protocol = OF(protocols);
	f->name = chance(3) ? OF(names) : NULL;
	f->query = chance(3) ? OF(names) : NULL;
	f->ech = chance(4) == 0;
}

static struct facts
flow_by_chance(void)
{
	static const uint8_t protos[] = {6, 6, 17, 1};
	static const uint64_t used[64] = {3, 7, 5};
	struct facts f = {.known = FACT_PACKET | (chance(20) ? FACT_PLACE : 0) | (uint32_t)(chance(2) ? FACT_ALL & ~FACT_PLACE : chance(FACT_ALL) & ~FACT_PLACE)};
	f.device = chance(4) ? (uint16_t)chance(3) : DEVICE_UNKNOWN;
	f.maker = 0xffff;
	f.zone = chance(5) ? 0 : 1;
	f.remote_zone = chance(4) ? ZONE_NONE : 2;
	f.inbound = chance(4) == 0;
	f.proto = OF(protos);
	f.has_port = f.proto != 1;
	f.port = f.has_port ? OF(numbers) : 0;
	assert_true(addr_parse(OF(addrs), &f.remote));
	assert_true(addr_parse(chance(2) ? "10.20.0.3" : "10.20.7.7", &f.local));
	place_by_chance(&f);
	f.wall_s = 1795401000 + (int64_t)chance(86400);
	f.used = used;
	f.n_used = chance(4) ? 64 : 0;
	f.used_up = chance(9) == 0;
	f.n_bound = chance(3);
	for (size_t i = 0; i < f.n_bound; i++)
		f.bound[i] = OF(names);
	spoken_by_chance(&f);
	return f;
}

static bool
same(const struct judgement *a, const struct judgement *b)
{
	return a->decision == b->decision && a->mode == b->mode && a->rule == b->rule && a->missing == b->missing && a->certain == b->certain;
}

static void
compare(const struct policy *p, const struct facts *f, const char *text)
{
	struct judgement indexed, walked, again;
	struct facts other = *f;
	policy_judge(p, f, &indexed);
	judge_walking(p, f, &walked);
	if (!same(&indexed, &walked))
		fprintf(stderr, "%s\nindexed %s, walked %s\n", text, indexed.rule ? indexed.rule->name : "-", walked.rule ? walked.rule->name : "-");
	assert_true(same(&indexed, &walked));
	if (!(indexed.used & FACT_PLACE) && f->known & FACT_PLACE)
		place_by_chance(&other);
	if (!(indexed.used & (FACT_NAME | FACT_ECH))) {
		other.name = OF(names);
		other.ech = !other.ech;
	}
	if (!(indexed.used & FACT_PROTOCOL))
		other.protocol = OF(protocols);
	if (!(indexed.used & FACT_QUERY))
		other.query = OF(names);
	if (!indexed.scheduled)
		other.wall_s += chance(86400);
	policy_judge(p, &other, &again);
	assert_true(same(&indexed, &again));
}

static void
test_same_answer(void **state)
{
	static struct text t;
	unsigned long compared = 0, pending = 0, written = 0;
	(void)state;
	seed = UINT64_C(0x1234567890abcdef);
	for (unsigned i = 0; i < POLICIES; i++) {
		struct policy *p = policy_by_chance(&t);
		assert_non_null(p->index);
		for (unsigned k = 0; k < FLOWS; k++) {
			struct judgement j;
			struct facts f = flow_by_chance();
			compare(p, &f, t.at);
			policy_judge(p, &f, &j);
			pending += j.decision == DECISION_PENDING;
			written += j.rule && j.rule->kind == RULE_WRITTEN;
			compared++;
		}
		policy_free(p);
	}
	assert_true(compared >= 100000);
	assert_true(pending > compared / 100 && written > compared / 10); /* chance has made all kinds of them */
}

/* Ten thousand rules, each for an address of its own: a flow meets the one that it is about and few others. */
static void
test_few_are_asked(void **state)
{
	struct text *t = calloc(1, sizeof(*t));
	struct candidates c;
	struct diags diags = {0};
	struct facts f = {.known = FACT_ALL, .proto = 6, .has_port = true, .port = 443, .device = DEVICE_UNKNOWN, .remote_zone = ZONE_NONE};
	(void)state;
	assert_non_null(t);
	put(t, "version: 1\nmode: monitor\nzones:\n  cameras: {interfaces: [cam0]}\nrules:\n");
	for (unsigned i = 0; i < 2000; i++)
		put(t, "  - {name: r%u, id: %u, from: cameras, to: {address: 198.18.%u.%u}, port: tcp/443, action: block}\n", i, 1000000 + i, i / 250,
		    i % 250);
	put(t, "  - {name: last, id: 1100000, from: cameras, to: any, port: tcp/443, action: allow}\ndefault: block\n");
	struct bundle *b = bundle_from_text("t.yaml", t->at, t->len);
	struct policy *p = policy_load(b, &diags);
	assert_non_null(p);
	assert_true(addr_parse("198.18.3.7", &f.remote));
	assert_true(index_begin(p->index, &f, &c));
	assert_int_equal(index_next(&c), 757);
	assert_int_equal(index_next(&c), 2000);
	assert_int_equal(index_next(&c), UINT32_MAX);
	f.port = 80; /* the first word of a rule is enough */
	assert_true(index_begin(p->index, &f, &c));
	assert_int_equal(index_next(&c), UINT32_MAX);
	policy_free(p);
	bundle_free(b);
	diags_free(&diags);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_answer),
		cmocka_unit_test(test_few_are_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
