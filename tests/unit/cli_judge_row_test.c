/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of history: what is read of them, which facts they become, and what a policy says of these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cli/learn.h"
#include "bundle.h"
#include "diag.h"
#include "history.h"
#include "judge_row.h"
#include "policy.h"

#define HEAD                                                                                            \
	"version: 1\nmode: enforce\nfail: open\nunknown-devices: block\nzones:\n"                        \
	"  cameras: {interfaces: [cam0], networks: [10.20.0.0/16]}\n  video: {networks: [10.30.0.0/24]}\n" \
	"devices:\n  - {name: gate, mac: \"ac:cc:8e:00:00:01\", brand: Axis}\n"
#define ROW                                                                                                                              \
	"{\"device\":\"gate\",\"mac\":\"ac:cc:8e:00:00:01\",\"zone\":\"cameras\",\"local\":\"10.20.0.11\",\"dest_ip\":\"9.9.9.9\","        \
	"\"dest_port\":443,\"proto\":\"TCP\",\"country\":\"NO\",\"continent\":\"EU\",\"registered\":\"SE\",\"asn\":64547,\"decision\":\"allow\"," \
	"\"would\":\"allow\",\"flows\":3,\"bytes_toserver\":10,\"bytes_toclient\":20,\"hour\":1795000000,\"first\":1795000001000000,"         \
	"\"last\":1795000002000000"

static struct policy *
load(const char *rest)
{
	struct diags diags = {0};
	char text[8192];

	snprintf(text, sizeof text, HEAD "%s", rest);
	struct bundle *b = bundle_from_text("t.yaml", text, strlen(text));
	struct policy *p = policy_load(b, &diags);
	if (!p)
		diags_print(&diags, stderr, false);
	assert_non_null(p);
	diags_free(&diags);
	bundle_free(b);
	return p;
}

static struct history *
history_of(const char *more)
{
	struct history *h = history_new(0, 0);
	char text[4096];

	snprintf(text, sizeof text, ROW "%s}", more);
	struct json_object *o = json_tokener_parse(text);
	assert_non_null(o);
	assert_true(history_take(h, "flows", o));
	json_object_put(o);
	assert_int_equal(h->n_flows, 1);
	return h;
}

struct lab {
	struct policy *in_force, *p;
	struct history *h;
	struct row_judge *j;
	struct facts facts;
	struct row_answer answer;
};

static struct lab
judge(const char *in_force, const char *candidate, const char *more)
{
	struct lab lab = {.in_force = load(in_force), .p = load(candidate), .h = history_of(more)};

	lab.j = row_judge_new(lab.p, lab.in_force, lab.h);
	assert_non_null(lab.j);
	row_facts(lab.j, lab.h->flows, &lab.facts);
	row_judge(lab.j, lab.h->flows, &lab.answer);
	return lab;
}

static void
done(struct lab *lab)
{
	row_judge_free(lab->j);
	history_free(lab->h);
	policy_free(lab->p);
	policy_free(lab->in_force);
}

#define ALL "default: {action: allow}\n"

static void
test_facts(void **state)
{
	(void)state;
	struct lab l = judge(ALL, ALL, ",\"app_proto\":\"tls\",\"name\":\"a.example\",\"name_from\":\"sni\",\"bound\":[\"b.example\"],\"proved\":true");

	assert_int_equal(l.facts.known, FACT_ALL);
	assert_int_equal(l.facts.device, 0);
	assert_int_equal(l.facts.zone, 0);
	assert_int_equal(l.facts.remote_zone, ZONE_NONE);
	assert_string_equal(l.facts.place.country, "NO");
	assert_string_equal(l.facts.place.registered, "SE");
	assert_string_equal(l.facts.place.continent, "EU");
	assert_int_equal(l.facts.place.asn, 64547);
	assert_string_equal(l.facts.name, "a.example");
	assert_int_equal(l.facts.n_bound, 2); /* what was proved is bound */
	assert_string_equal(l.facts.protocol, "tls");
	assert_int_equal(l.facts.wall_s, 1795000001);
	assert_int_equal(l.h->flows->flows, 3);
	done(&l);
}

/* What was refused at its first packet has said nothing. */
static void
test_pending(void **state)
{
	(void)state;
	static const char rules[] = "rules:\n  - {name: web, from: cameras, to: any, protocol: tls, action: allow}\ndefault: {action: block}\n";
	struct lab l = judge(ALL, rules, "");

	assert_int_equal(l.facts.known, FACT_PACKET | FACT_PLACE);
	assert_int_equal(l.answer.deed, ROW_OPEN);
	assert_int_equal(l.answer.missing, FACT_PROTOCOL);
	done(&l);
	l = judge(ALL, rules, ",\"app_proto\":\"failed\"");
	assert_int_equal(l.answer.deed, ROW_BLOCK);
	assert_string_equal(l.answer.rule, "default");
	done(&l);
}

static void
test_question(void **state)
{
	(void)state;
	static const char rules[] = "rules:\n  - {name: ask, from: cameras, to: any, protocol: dns, query: [\"*.good.example\"], action: allow}\n"
				    "default: {action: block}\n";
	static const struct {
		const char *more;
		enum row_deed deed;
	} cases[] = {
		{",\"app_proto\":\"dns\",\"query\":\"a.good.example\"", ROW_ALLOW},
		{",\"app_proto\":\"dns\",\"query\":\"a.bad.example\"", ROW_BLOCK},
		{",\"app_proto\":\"dns\"", ROW_OPEN},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lab l = judge(ALL, rules, cases[i].more);
		assert_int_equal(l.answer.deed, cases[i].deed);
		done(&l);
	}
}

static void
test_place(void **state)
{
	(void)state;
	static const char by_country[] = "rules:\n  - {name: home, from: cameras, to: {country: \"NO\"}, action: allow}\ndefault: {action: block}\n";
	static const char moved[] = "rules:\n  - {name: home, from: cameras, to: {country: \"NO\"}, action: allow}\ndefault: {action: block}\n"
				    "geo:\n  country: [/nowhere.mmdb]\n  asn: [/nowhere.mmdb]\n  overrides: [{network: 9.9.9.0/24, country: \"CN\"}]\n";
	static const char none[] = "rules:\n  - {name: home, from: cameras, to: {country: \"NO\"}, action: allow}\ndefault: {action: block}\n"
				   "geo:\n  country: [/nowhere.mmdb]\n  asn: [/nowhere.mmdb]\n";
	struct lab l = judge(by_country, by_country, "");
	assert_int_equal(l.answer.deed, ROW_ALLOW);
	done(&l);
	l = judge(none, moved, ""); /* the candidate's override */
	assert_int_equal(l.answer.deed, ROW_BLOCK);
	assert_int_equal(l.facts.place.asn, 64547);
	done(&l);
	l = judge(moved, none, ""); /* what the record says was an override's word, and no database is there to say more */
	assert_false(l.facts.known & FACT_PLACE);
	assert_int_equal(l.answer.deed, ROW_OPEN);
	done(&l);
}

static void
test_who(void **state)
{
	(void)state;
	struct lab l = judge(ALL, ALL, ",\"mac\":\"02:00:00:00:00:99\"");
	assert_int_equal(l.facts.device, DEVICE_UNKNOWN);
	assert_int_equal(l.answer.deed, ROW_BLOCK);
	assert_string_equal(l.answer.rule, "unknown-devices");
	done(&l);
	l = judge(ALL, ALL, ",\"dest_ip\":\"10.30.0.5\",\"special\":\"private\"");
	assert_int_equal(l.facts.remote_zone, 1);
	assert_int_equal(l.facts.place.special, SPECIAL_PRIVATE);
	done(&l);
}

/* 1795000001 is 2026-11-18 11:06:41 UTC. */
static void
test_when(void **state)
{
	(void)state;
	static const char rules[] = "rules:\n  - {name: night, from: cameras, to: any, when: {time: \"11:01-11:16\", zone: UTC}, action: allow}\n"
				    "default: {action: block}\n";
	struct lab l = judge(ALL, rules, ",\"last\":1795000002000000");
	assert_int_equal(l.facts.wall_s, 1795000001);
	enum row_deed first = l.answer.deed;
	done(&l);
	l = judge(ALL, rules, ",\"last\":1795003600000000");
	assert_int_equal(l.answer.deed, first == ROW_ALLOW ? ROW_OPEN : ROW_BLOCK);
	assert_int_equal(first, ROW_ALLOW);
	done(&l);
}

static void
test_hostile_rows(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{}", "{\"dest_ip\":1,\"local\":[],\"proto\":{}}", "{\"dest_ip\":\"9.9.9.9\",\"local\":\"10.0.0.1\",\"proto\":\"\"}",
		"{\"dest_ip\":\"9.9.9.9\",\"local\":\"10.0.0.1\",\"proto\":\"TCP\",\"bound\":7,\"clouds\":[1,null,{}],\"flows\":-5,\"asn\":-1}",
	};
	struct history *h = history_new(0, 0);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct json_object *o = json_tokener_parse(rows[i]);
		assert_true(history_take(h, "flows", o));
		assert_true(history_take(h, "devices", o));
		assert_true(history_take(h, "evidence", o));
		assert_true(history_take(h, "events", o));
		assert_true(history_take(h, "runs", o));
		json_object_put(o);
	}
	assert_int_equal(h->n_flows, 1);
	assert_int_equal(h->bad, 3);
	assert_int_equal(h->flows->flows, 0);
	assert_int_equal(h->flows->n_bound + h->flows->n_clouds, 0);
	assert_ptr_equal(history_text(h, "same"), history_text(h, "same"));
	history_free(h);
}

/* Like devices are one group; their names become patterns under one registered domain, but not under shared hosting. */
static void
test_grouping(void **state)
{
	(void)state;
	static const char *const names[] = {"a.maker.example.com", "b.maker.example.com", "x.amazonaws.com", "y.amazonaws.com", "one.example.org"};
	struct policy *p = load(ALL);
	struct history *h = history_new(0, 0);
	struct lesson l = {.history = h, .policy = p, .until_us = INT64_MAX};
	char text[4096];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(text, sizeof text, ROW ",\"app_proto\":\"tls\",\"name\":\"%s\",\"name_from\":\"sni\",\"proved\":true,\"rule\":\"default\"}", names[i]);
		struct json_object *o = json_tokener_parse(text);
		assert_true(history_take(h, "flows", o));
		json_object_put(o);
	}
	l.judge = row_judge_new(p, p, h);
	assert_true(learn_sort(&l));
	assert_int_equal(l.n_groups, 1);
	assert_int_equal(l.n_learners, 1);
	assert_int_equal(l.rows, 5);
	size_t wild = 0, exact = 0;
	for (size_t i = 0; i < l.n; i++) {
		struct texts patterns = {0};
		assert_int_equal(l.list[i].kind, LEARN_NAME);
		assert_string_equal(l.list[i].why, "");
		learn_patterns(&l, h, &l.list[i].names, &patterns);
		for (size_t k = 0; k < patterns.n; k++) {
			wild += strcmp(patterns.list[k], "*.example.com") == 0;
			exact += patterns.list[k][0] != '*';
		}
	}
	assert_int_equal(wild, 1);
	assert_int_equal(exact, 3);
	row_judge_free(l.judge);
	learn_free(&l);
	history_free(h);
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(test_facts), cmocka_unit_test(test_pending), cmocka_unit_test(test_question), cmocka_unit_test(test_place),
		cmocka_unit_test(test_who),   cmocka_unit_test(test_when),    cmocka_unit_test(test_hostile_rows), cmocka_unit_test(test_grouping),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
