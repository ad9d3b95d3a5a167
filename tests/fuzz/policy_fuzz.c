/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: text to policy, and what a policy is asked for. The text may hold a main file and a
 * drop-in, one after the other, with a line of eight % between them. Seeds: tests/policy/good and
 * tests/policy/bad.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "plan.h"
#include "policy.h"

static const char cut[] = "\n%%%%%%%%\n";

static char *
copy(const uint8_t *data, size_t len)
{
	char *text = calloc(1, len + 1);
	if (text && len)
		memcpy(text, data, len);
	return text;
}

static struct bundle *
bundle_of(const uint8_t *data, size_t len)
{
	const uint8_t *second = memmem(data, len, cut, sizeof(cut) - 1);
	size_t first_len = second ? (size_t)(second - data) : len;
	struct bundle *b = calloc(1, sizeof(*b));
	b->files = calloc(2, sizeof(*b->files));
	b->files[b->n++] = (struct bundle_file){strdup("a.yaml"), copy(data, first_len), first_len};
	if (second) {
		second += sizeof(cut) - 1;
		size_t left = len - (size_t)(second - data);
		b->files[b->n++] = (struct bundle_file){strdup("policy.d/b.yaml"), copy(second, left), left};
	}
	memcpy(b->id, "0123456789ab", 13);
	return b;
}

static void
judge(const struct policy *p, struct facts *f)
{
	struct judgement j;
	f->known = FACT_ALL & ~FACT_PLACE;
	policy_judge(p, f, &j);
	assert((j.decision == DECISION_PENDING) == (j.rule == NULL));
	assert((j.decision == DECISION_PENDING) == (j.missing != 0));
	f->known = FACT_ALL;
	policy_judge(p, f, &j);
	assert(j.decision != DECISION_PENDING && j.rule && j.rule->name);
}

static void
ask(const struct policy *p)
{
	struct plan plan;
	struct geo_config geo;
	size_t n;
	struct facts f = {
		.proto = 6, .has_port = true, .port = 443, .wall_s = 1795401000, .remote_zone = ZONE_NONE};
	const uint16_t devices[] = {DEVICE_UNKNOWN, 0};
	(void)policy_devices(p, &n);
	for (size_t i = 0; i < 1 + (n > 0); i++) {
		f.device = devices[i];
		addr_from_v4(&f.remote, (const uint8_t[4]){192, 0, 2, 1});
		judge(p, &f);
		memcpy(f.place.country, "NO", 3);
		f.inbound = true;
		judge(p, &f);
	}
	policy_plan(p, &plan);
	assert(plan_valid(&plan));
	policy_geo(p, &geo);
	assert(geo.n_country > 0 && geo.n_asn > 0);
	int64_t edge = policy_next_edge(p, f.wall_s);
	assert(edge == 0 || edge > f.wall_s);
}

static void
print(const struct diags *d)
{
	static FILE *null;
	if (!null)
		null = fopen("/dev/null", "w");
	diags_print(d, null, false);
	diags_print_json(d, null);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct diags diags = {0};
	struct plan plan;
	struct bundle *b = bundle_of(data, len);
	struct policy *p = policy_load(b, &diags);
	assert(!p == (diags.errors > 0));
	for (size_t i = 0; i < diags.n; i++)
		assert(diags.list[i].line > 0);
	if (p) {
		ask(p);
		policy_run_tests(p, &diags);
	} else if (policy_salvage(b, &plan)) {
		assert(plan_valid(&plan));
	}
	policy_lint(b, &diags);
	diags_sort(&diags);
	print(&diags);
	policy_free(p);
	bundle_free(b);
	diags_free(&diags);
	return 0;
}
