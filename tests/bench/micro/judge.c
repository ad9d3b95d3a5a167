/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy: judging flows that come at random under a few rules, under thousands, and with sets of a million items. */
#include "micro.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "diag.h"
#include "facts.h"
#include "policy.h"

enum { FLOWS = 65536, TEXT = 96 << 20 };

struct judging {
	struct policy *policy;
	struct facts *flows; /* 65,536 of them: 17 MiB */
	char (*names)[48];
	uint64_t random;
};

struct text {
	char *p;
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *t, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	t->len += (size_t)vsnprintf(t->p + t->len, TEXT - t->len, format, ap);
	va_end(ap);
	MICRO_CHECK(t->len < TEXT - 1);
}

static const char head[] = "version: 1\nmode: enforce\nfail: open\nzones: {cameras: {interfaces: [cam0]}}\ndefault: block\n";

/* Every kind of rule that owners write, n of them; most speak of an address, a port or a name that the flow does not have. */
static void
add_rules(struct text *t, size_t n)
{
	static const char *const countries[] = {"NO", "SE", "DE", "FR", "US", "JP", "CN", "RU"};

	add(t, "rules:\n");
	for (size_t i = 0; i < n; i++) {
		add(t, "  - {name: r%zu, id: %zu, from: cameras, to: ", i, 1000000 + i);
		switch (i % 4) {
		case 0:
			add(t, "{address: %zu.%zu.%zu.0/24}, port: tcp/443", 100 + i % 97, i / 97 % 250, i / 24250 % 250);
			break;
		case 1:
			add(t, "{name: \"h%zu.example.org\"}, protocol: tls", i);
			break;
		case 2:
			add(t, "{country: [\"%s\"]}, port: \"udp/%zu\"", countries[i / 4 % 8], 1024 + i % 60000);
			break;
		case 3:
			add(t, "{asn: %zu}", 64500 + i);
			break;
		}
		add(t, ", action: allow}\n");
	}
}

static struct policy *
load(struct bundle *b)
{
	struct diags diags = {0};
	struct policy *p = b ? policy_load(b, &diags) : NULL;

	for (size_t i = 0; !p && i < diags.n && i < 3; i++)
		fprintf(stderr, "micro: %s:%u: %s\n", diags.list[i].file, diags.list[i].line, diags.list[i].message);
	MICRO_CHECK(p);
	diags_free(&diags);
	bundle_free(b);
	return p;
}

static struct policy *
load_text(const struct text *t)
{
	return load(bundle_from_text("bench.yaml", t->p, t->len));
}

static void
make_flow(struct judging *j, uint32_t i)
{
	static const char countries[][3] = {"NO", "SE", "DE", "FR", "US", "JP", "CN", "RU"};
	struct facts *f = &j->flows[i];

	snprintf(j->names[i], sizeof j->names[i], "h%u.example.org", (unsigned)(micro_random(&j->random) % 20000));
	*f = (struct facts){.known = FACT_ALL,
			    .device = DEVICE_UNKNOWN,
			    .maker = 0xffff,
			    .zone = 0,
			    .remote_zone = ZONE_NONE,
			    .proto = i % 4 == 2 ? IPPROTO_UDP : IPPROTO_TCP,
			    .has_port = true,
			    .port = i % 4 == 2 ? (uint16_t)(1024 + micro_random(&j->random) % 60000) : 443,
			    .local = micro_v4(0x0a000001 + i % 200),
			    .remote = micro_v4((100 + (uint32_t)(micro_random(&j->random) % 97)) << 24 | (uint32_t)(micro_random(&j->random) & 0xffffff)),
			    .wall_s = 1795412400,
			    .protocol = i % 4 == 2 ? "unknown" : "tls",
			    .name = j->names[i]};
	memcpy(f->place.country, countries[i % 8], 3);
	f->place.asn = 64500 + (uint32_t)(micro_random(&j->random) % 20000);
	f->bound[f->n_bound++] = j->names[i];
}

static struct judging *
judging_new(struct policy *p)
{
	struct judging *j = micro_alloc(1, sizeof *j);

	j->policy = p;
	j->random = 1;
	j->flows = micro_alloc(FLOWS, sizeof *j->flows);
	j->names = micro_alloc(FLOWS, sizeof *j->names);
	for (uint32_t i = 0; i < FLOWS; i++)
		make_flow(j, i);
	return j;
}

static void *
open_rules(size_t rules)
{
	struct text t = {.p = micro_alloc(1, TEXT)};

	add(&t, "%s", head);
	add_rules(&t, rules);
	return judging_new(load_text(&t));
}

static void
judge(void *state, size_t n)
{
	struct judging *j = state;
	struct judgement answer;

	while (n--) {
		policy_judge(j->policy, &j->flows[micro_random(&j->random) % FLOWS], &answer);
		micro_sink += answer.decision;
	}
}

/* What a flow is worth whose protocol is still open: most rules cannot be told yet. */
static void *
open_undecided(size_t rules)
{
	struct judging *j = open_rules(rules);

	for (uint32_t i = 0; i < FLOWS; i++) {
		j->flows[i].known = FACT_PACKET | FACT_PLACE;
		j->flows[i].protocol = j->flows[i].name = NULL;
	}
	return j;
}

/* Two sets from files, of n names and n prefixes. */
static void *
open_sets(size_t items)
{
	struct text t = {.p = micro_alloc(1, TEXT)}, list = {.p = micro_alloc(1, TEXT)};

	add(&t, "%ssets:\n  listed: {address: {file: /list/addresses}}\n  named: {name: {file: /list/names}}\nrules:\n", head);
	add(&t, "  - {name: listed, from: cameras, to: listed, action: block}\n");
	add(&t, "  - {name: named, from: cameras, to: named, protocol: tls, action: allow}\n");
	struct bundle *b = bundle_from_text("bench.yaml", t.p, t.len);
	MICRO_CHECK(b);
	for (size_t i = 0; i < items; i++)
		add(&list, "%zu.%zu.%zu.%zu/%zu\n", 1 + i % 199, i / 199 % 256, i / 50944 % 256, i % 4 * 64, (size_t)26);
	MICRO_CHECK(bundle_add_list_text(b, "/list/addresses", list.p, list.len));
	list.len = 0;
	for (size_t i = 0; i < items; i++)
		add(&list, "%sh%zu.example.org\n", i % 2 ? "" : "*.", i);
	MICRO_CHECK(bundle_add_list_text(b, "/list/names", list.p, list.len));
	bundle_name_anew(b);
	return judging_new(load(b));
}

const struct micro_case judge_cases[] = {
	{"policy: judge a flow, 10 rules", NULL, 2000, open_rules, 10, judge, NULL},
	{"policy: judge a flow, 10,000 rules", NULL, 2000, open_rules, 10000, judge, NULL},
	{"policy: judge a flow that is open, 10,000 rules", NULL, 2000, open_undecided, 10000, judge, NULL},
	{"policy: judge a flow, sets of 1,000 items", NULL, 2000, open_sets, 1000, judge, NULL},
	{"policy: judge a flow, sets of 1,000,000 items", NULL, 2000, open_sets, 1000000, judge, NULL},
};
const size_t judge_cases_n = sizeof judge_cases / sizeof *judge_cases;
