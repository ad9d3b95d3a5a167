/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules about makers and clouds, with the shipped catalogue: the index answers as the plain walk does, what is explained names both, and names
 * that are too many to walk are found like few.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/policy/condition.h"
#include "../../daemon/policy/explain.h"
#include "../../daemon/policy/index.h"
#include "../../daemon/policy/judge.h"
#include "bundle.h"
#include "catalogue.h"
#include "policy.h"

enum { TEXT = 16384 };

#define HEAD                                                                                                      \
	"version: 1\nmode: enforce\nfail: open\nunknown-devices: allow\n"                                         \
	"zones:\n  cameras: {interfaces: [cam0], networks: [10.20.0.0/16]}\n"                                     \
	"devices:\n  - {name: door, mac: \"44:19:b6:00:00:21\"}\n  - {name: yard, mac: \"44:19:b6:00:00:22\"}\n"

static struct policy *
load(const char *text)
{
	struct diags diags = {0};
	char *failed = NULL;
	struct bundle *b = bundle_from_text("t.yaml", text, strlen(text));

	assert_true(b && bundle_add_catalogue(b, &failed));
	struct policy *p = policy_load(b, &diags);
	if (!p)
		diags_print(&diags, stderr, false);
	assert_non_null(p);
	diags_free(&diags);
	bundle_free(b);
	return p;
}

static struct facts
usual(const struct policy *p, const char *maker)
{
	struct facts f = {.known = FACT_ALL, .zone = 0, .remote_zone = ZONE_NONE, .proto = IPPROTO_TCP, .has_port = true, .port = 443, .wall_s = 1795403400};

	f.maker = catalogue_maker(policy_catalogue(p), maker);
	assert_true(addr_parse("10.20.0.5", &f.local) && addr_parse("193.0.0.1", &f.remote));
	f.place = (struct place){.country = "NO", .asn = 64500};
	return f;
}

/* ---- the index ---- */

static void
rules_of_makers(char text[TEXT])
{
	static const char *const makers[] = {"hikvision", "dahua", "uniview", "axis", "bosch"};
	size_t n = (size_t)snprintf(text, TEXT, HEAD "rules:\n");

	for (unsigned i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, TEXT - n, "  - {name: r%u, from: {maker: [%s, %s]%s}, to: any, port: tcp/%u, action: %s}\n", i,
				      makers[i % 5], makers[(i + 1 + i / 5 % 3) % 5], i % 7 == 0 ? ", covered: true" : i % 11 == 0 ? ", unmasked: true" : "",
				      440 + i % 9, i % 2 ? "allow" : "block");
	snprintf(text + n, TEXT - n, "default: block\n");
}

static void
indexed_as_walked(void **state)
{
	static const char *const makers[] = {"hikvision", "dahua", "uniview", "axis", "bosch", "reolink", "nobody at all"};
	char text[TEXT];
	unsigned written = 0;
	(void)state;

	rules_of_makers(text);
	struct policy *p = load(text);
	assert_non_null(p->index);
	for (unsigned i = 0; i < 7 * 9 * 4; i++) {
		struct facts f = usual(p, makers[i % 7]);
		struct judgement indexed, walked;
		f.port = (uint16_t)(440 + i / 7 % 9);
		f.covered = i / 63 & 1;
		f.unmasked = i / 126 & 1;
		policy_judge(p, &f, &indexed);
		judge_walking(p, &f, &walked);
		if (indexed.rule != walked.rule || indexed.decision != walked.decision)
			fail_msg("%s, port %u: indexed %s, walked %s", makers[i % 7], f.port, indexed.rule->name, walked.rule->name);
		written += indexed.rule->kind == RULE_WRITTEN;
	}
	assert_in_range(written, 50, 7 * 9 * 4 - 50);
	policy_free(p);
}

/* ---- the words ---- */

struct words {
	char text[4096];
};

static bool
note(void *arg, const struct explained_rule *r)
{
	struct words *w = arg;

	for (size_t i = 0; i < r->n; i++) {
		const struct explained_condition *c = &r->conditions[i];
		size_t n = strlen(w->text);
		if (strcmp(c->key, "maker") == 0 || strcmp(c->key, "device") == 0 || strcmp(c->key, "cloud") == 0 || strcmp(c->key, "to") == 0)
			snprintf(w->text + n, sizeof w->text - n, "%s: %s = %s / %s%s\n", r->info->name, c->key, c->wanted, c->found,
				 c->state == EXPLAINED_YES ? " yes" : "");
	}
	return true;
}

static void
explained(void **state)
{
	struct policy *p = load(HEAD "sets:\n  axis: {cloud: axis}\n  vendors: {cloud: [hikvision, ezviz]}\n"
				     "rules:\n"
				     "  - {name: a, from: {maker: [dahua, uniview]}, to: any, action: block}\n"
				     "  - {name: b, from: {device: yard}, to: any, action: block}\n"
				     "  - {name: c, from: any, to: axis, action: block}\n"
				     "  - {name: d, from: {maker: hikvision}, to: {cloud: ezviz}, action: block}\n"
				     "default: block\n");
	struct facts f = usual(p, "hikvision");
	struct judgement j;
	struct words w = {""};
	(void)state;

	f.protocol = "tls";
	f.name = "open.ys7.com";
	policy_explain(p, &f, 0, &j, note, &w);
	assert_string_equal(w.text, "a: maker = dahua, uniview / hikvision\n"
				    "b: device = yard / door\n"
				    "c: to = axis / cloud tls, open.ys7.com, not proved by DNS\n"
				    "d: maker = hikvision / hikvision yes\n"
				    "d: cloud = ezviz / tls, open.ys7.com, not proved by DNS yes\n");
	/* Nothing is known of it: each says so. */
	w.text[0] = 0;
	f.maker = catalogue_maker(policy_catalogue(p), "nobody at all");
	f.device = DEVICE_UNKNOWN;
	f.known = FACT_ALL & ~(uint32_t)FACT_PROTOCOL;
	f.name = NULL;
	policy_explain(p, &f, 0, &j, note, &w);
	assert_non_null(strstr(w.text, "a: maker = dahua, uniview / unknown\n"));
	assert_non_null(strstr(w.text, "b: device = yard / not in the inventory\n"));
	assert_non_null(strstr(w.text, "d: cloud = ezviz / not known yet: protocol"));
	policy_free(p);
}

/* ---- many names ---- */

/* The same twelve patterns one by one, and in one condition: more than are walked. */
static void
many_names(void **state)
{
	static const char *const patterns[] = {"a1.example.com", "*.b.example.com", "c.example.org", "*.d.test", "e.test", "*.e.test",
					       "f.example.net",	 "g.example.net",   "*.h.example",   "i.test",	 "j.test", "k.test"};
	static const struct {
		const char *name;
		bool hit;
	} rows[] = {
		{"a1.example.com", true}, {"x.a1.example.com", false}, {"b.example.com", false}, {"x.b.example.com", true}, {"y.x.b.example.com", true},
		{"xb.example.com", false}, {"c.example.org", true},    {"e.test", true},	 {"x.e.test", true},	    {"d.test", false},
		{"k.test", true},	   {"l.test", false},	       {"test", false},
	};
	char text[TEXT];
	(void)state;

	for (int any = 0; any < 2; any++) {
		size_t n = (size_t)snprintf(text, sizeof text, HEAD "rules:\n  - {name: many, from: any, port: udp/53, query: [");
		for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "\"%s\", ", patterns[i]);
		snprintf(text + n, sizeof text - n, "%s], to: any, action: allow}\ndefault: block\n", any ? "\"*\"" : "");
		struct policy *p = load(text);
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			struct facts f = usual(p, "axis");
			struct judgement j;
			f.proto = IPPROTO_UDP;
			f.port = 53;
			f.protocol = "dns";
			f.query = rows[i].name;
			policy_judge(p, &f, &j);
			if ((j.decision == DECISION_ALLOW) != (rows[i].hit || any))
				fail_msg("%s, %s", rows[i].name, any ? "any" : "listed");
		}
		policy_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indexed_as_walked),
		cmocka_unit_test(explained),
		cmocka_unit_test(many_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
