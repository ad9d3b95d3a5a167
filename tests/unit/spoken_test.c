/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions about what a flow speaks: what they match, and what is known of them before anything was said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bundle.h"
#include "policy.h"

#define HEAD                                                                                                 \
	"version: 1\nmode: enforce\nfail: open\nzones:\n  cameras: {interfaces: [cam0], networks: [10.20.0.0/16]}\n"

static struct policy *
load_rules(const char *rules)
{
	char text[4096];
	struct diags diags = {0};

	snprintf(text, sizeof text, HEAD "rules:\n%s\ndefault: block\n", rules);
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

/* A camera opens tcp/443 somewhere in Norway. */
static struct facts
usual(uint32_t known)
{
	struct facts f = {.known = FACT_PACKET | FACT_PLACE | known, .device = DEVICE_UNKNOWN, .remote_zone = ZONE_NONE, .proto = IPPROTO_TCP,
			  .has_port = true, .port = 443, .place = {.country = "NO", .continent = "EU"}};

	assert_true(addr_parse("10.20.0.5", &f.local));
	assert_true(addr_parse("193.0.0.1", &f.remote));
	return f;
}

/* The decision under one rule, "r", that allows on this condition. */
static enum decision
decides(const char *condition, const struct facts *f)
{
	char rule[1024];
	struct judgement j;

	snprintf(rule, sizeof rule, "  - {name: r, action: allow, from: any, %s}", condition);
	struct policy *p = load_rules(rule);
	policy_judge(p, f, &j);
	assert_true((j.decision == DECISION_PENDING) == (j.rule == NULL));
	if (j.rule)
		assert_string_equal(j.rule->name, j.decision == DECISION_ALLOW ? "r" : "default");
	policy_free(p);
	return j.decision;
}

#define YES(condition)	   assert_int_equal(decides(condition, &f), DECISION_ALLOW)
#define NO(condition)	   assert_int_equal(decides(condition, &f), DECISION_BLOCK)
#define PENDING(condition) assert_int_equal(decides(condition, &f), DECISION_PENDING)

static void
test_protocol(void **state)
{
	struct facts f = usual(FACT_ALL);
	(void)state;

	f.protocol = "tls";
	YES("to: any, protocol: tls");
	YES("to: any, protocol: [http, tls, unknown]");
	NO("to: any, protocol: [http, unknown]");
	f.protocol = "unknown";
	YES("to: any, protocol: unknown");
	NO("to: any, protocol: tls");
	f = usual(0);
	PENDING("to: any, protocol: tls");
	NO("to: {country: SE}, protocol: tls");
	NO("to: any, port: tcp/80, protocol: tls");
	YES("to: any");
}

static void
test_ech(void **state)
{
	struct facts f = usual(FACT_ALL);
	(void)state;

	YES("to: any, ech: false");
	NO("to: any, ech: true");
	f.ech = true;
	YES("to: any, ech: true");
	NO("to: any, ech: false");
	f = usual(FACT_PROTOCOL | FACT_NAME);
	PENDING("to: any, ech: true");
}

static void
test_query(void **state)
{
	struct facts f = usual(FACT_ALL);
	(void)state;

	NO("to: any, query: \"*\""); /* this is no question */
	f.query = "a.example.com";
	YES("to: any, query: a.example.com");
	YES("to: any, query: A.EXAMPLE.com");
	YES("to: any, query: \"*.example.com\"");
	YES("to: any, query: \"*.com\"");
	YES("to: any, query: \"*\"");
	YES("to: any, query: [x.example, \"*.example.com\"]");
	NO("to: any, query: example.com");
	NO("to: any, query: \"*.a.example.com\"");
	NO("to: any, query: \"*.b.example.com\"");
	f.query = "example.com";
	NO("to: any, query: \"*.example.com\"");
	f.query = "badexample.com";
	NO("to: any, query: \"*.example.com\"");
	NO("to: any, query: example.com");
	f.query = ""; /* the root */
	NO("to: any, query: \"*.example.com\"");
	YES("to: any, query: \"*\"");
	f.query = "a.example.com\\"; /* cut: nobody's */
	NO("to: any, query: [a.example.com, \"*.example.com\"]");
	f.query = "a\\046example.com"; /* a dot inside of a label */
	NO("to: any, query: \"*.example.com\"");
	f = usual(0);
	PENDING("to: any, query: \"*\"");
}

/* A name is what an answer proved; what the client says must be one of these. */
static void
test_name(void **state)
{
	struct facts f = usual(FACT_ALL);
	(void)state;

	NO("to: {name: \"*\"}");
	f.name = "a.example.com"; /* said, and not proved */
	NO("to: {name: a.example.com}");
	NO("to: {name: \"*\"}");
	f.bound[0] = "b.example.com";
	f.n_bound = 1;
	NO("to: {name: a.example.com}"); /* this address is another one's */
	NO("to: {name: b.example.com}"); /* and it is not what the client asks there */
	NO("to: {name: \"*.example.com\"}");
	f.bound[1] = "a.example.com";
	f.n_bound = 2;
	YES("to: {name: a.example.com}");
	YES("to: {name: \"*.example.com\"}");
	NO("to: {name: b.example.com}");
	f.name = NULL; /* it says nothing: both hold */
	YES("to: {name: a.example.com}");
	YES("to: {name: b.example.com}");
	NO("to: {name: c.example.com}");
	f.name = "a.example.com";
	f.ech = true; /* what it says is a front */
	YES("to: {name: b.example.com}");
	YES("to: {name: b.example.com}, ech: true");
	NO("to: {name: c.example.com}");
}

static void
test_name_early(void **state)
{
	struct facts f = usual(0);
	(void)state;

	NO("to: {name: a.example.com}"); /* nothing that it says will ever prove it */
	NO("to: {name: \"*\"}");
	f.bound[0] = "a.example.com";
	f.n_bound = 1;
	PENDING("to: {name: a.example.com}"); /* it may say another one */
	PENDING("to: {name: \"*.example.com\"}");
	NO("to: {name: b.example.com}");
	NO("to: {name: a.example.com, country: SE}");
	NO("to: {name: a.example.com}, port: tcp/80");
	f.known |= FACT_NAME; /* it may still hide it */
	PENDING("to: {name: a.example.com}");
	f.known |= FACT_ECH;
	YES("to: {name: a.example.com}");
}

static void
test_trust(void **state)
{
	struct facts f = usual(FACT_ALL);
	(void)state;

	f.name = "a.example.com";
	YES("to: {name: a.example.com, trust-sni: true}");
	YES("to: {name: \"*.example.com\", trust-sni: true}");
	NO("to: {name: a.example.com, trust-sni: false}");
	NO("to: {name: b.example.com, trust-sni: true}");
	NO("to: {name: a.example.com, trust-sni: true, country: SE}");
	f.ech = true; /* the outer name is not what it asks for */
	NO("to: {name: a.example.com, trust-sni: true}");
	f = usual(FACT_ALL); /* nothing said */
	NO("to: {name: a.example.com, trust-sni: true}");
	f = usual(0);
	PENDING("to: {name: a.example.com, trust-sni: true}");
	NO("to: {name: a.example.com, trust-sni: false}");
}

/* In the order of rules: what the first packet already decides, and in whose name. */
static void
test_early_rules(void **state)
{
	static const struct {
		const char *rules, *bound;
		enum decision decision;
		const char *rule;
	} cases[] = {
		/* No binding: the name rule is out at once, in whichever direction it would decide. */
		{"  - {name: a, from: any, to: {name: x.example}, action: allow}", NULL, DECISION_BLOCK, "default"},
		{"  - {name: a, from: any, to: {name: x.example}, action: block}\n  - {name: b, from: any, to: any, action: allow}", NULL,
		 DECISION_ALLOW, "b"},
		{"  - {name: a, from: any, to: {name: x.example}, action: block}\n  - {name: b, from: any, to: any, action: allow}",
		 "x.example", DECISION_PENDING, NULL},
		/* Whatever it speaks, it is refused: in the name of the rule that is sure. */
		{"  - {name: a, from: any, to: any, protocol: tls, action: reject}\n  - {name: b, from: any, to: any, action: block}", NULL,
		 DECISION_BLOCK, "b"},
		{"  - {name: a, from: any, to: any, query: \"*\", action: allow}\n  - {name: b, from: any, to: any, action: allow}", NULL,
		 DECISION_ALLOW, "b"},
		{"  - {name: a, from: any, to: any, query: \"*.x.example\", action: block}\n  - {name: b, from: any, to: any, action: allow}",
		 NULL, DECISION_PENDING, NULL},
		/* The negated set of an unproved name holds at once. */
		{"  - {name: a, from: any, to: \"!cloud\", action: block}\n  - {name: b, from: any, to: any, action: allow}", NULL,
		 DECISION_BLOCK, "a"},
		{"  - {name: a, from: any, to: \"!cloud\", action: block}\n  - {name: b, from: any, to: any, action: allow}", "x.example",
		 DECISION_PENDING, NULL},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[1024];
		struct facts f = usual(0);
		struct judgement j;

		f.bound[0] = cases[i].bound;
		f.n_bound = cases[i].bound != NULL;
		snprintf(text, sizeof text, "%s\nsets:\n  cloud: {name: x.example}", cases[i].rules);
		struct policy *p = load_rules(text);
		policy_judge(p, &f, &j);
		if (j.decision != cases[i].decision)
			fail_msg("case %zu: %s, expected %s", i, decision_name(j.decision), decision_name(cases[i].decision));
		if (cases[i].rule)
			assert_string_equal(j.rule->name, cases[i].rule);
		else
			assert_true(j.missing & (FACT_NAME | FACT_ECH | FACT_QUERY | FACT_PROTOCOL));
		policy_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocol),   cmocka_unit_test(test_ech),	 cmocka_unit_test(test_query),
		cmocka_unit_test(test_name),	   cmocka_unit_test(test_name_early), cmocka_unit_test(test_trust),
		cmocka_unit_test(test_early_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
