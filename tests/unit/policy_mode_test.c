/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mode that was set by hand travels with the policy's bytes and stands in place of what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bundle.h"
#include "diag.h"
#include "plan.h"
#include "policy.h"

#define HEAD "version: 1\nzones:\n  cameras: {interfaces: [cam0], networks: [\"10.20.0.0/16\"]}\n"
#define RULES                                                                                                        \
	"rules:\n"                                                                                                   \
	"  - {name: own, from: cameras, to: any, port: 1, action: block, mode: enforce}\n"                           \
	"  - {name: global, from: cameras, to: any, port: 2, action: block}\n"                                       \
	"default: block\n"

static const char enforcing[] = HEAD "mode: enforce\nfail: open\n" RULES;
static const char watching[] = HEAD "mode: monitor\ndefault: block\n";

static struct bundle *
of(const char *text)
{
	struct bundle *b = bundle_from_text("lenscap.yaml", text, strlen(text));
	assert_non_null(b);
	return b;
}

/* Through the serialised form, as the gate keeps it. */
static struct bundle *
passed_on(const struct bundle *b)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(bundle_save(b, fd), 0);
	struct bundle *again = bundle_load(fd);
	close(fd);
	assert_non_null(again);
	assert_string_equal(again->id, b->id);
	return again;
}

static void
it_travels(void **state)
{
	(void)state;
	for (unsigned m = BUNDLE_MODE_OWN; m <= BUNDLE_MODE_ENFORCE; m++) {
		struct bundle *b = of(enforcing);
		char id[sizeof b->id];
		memcpy(id, b->id, sizeof id);
		b->mode = (enum bundle_mode)m;
		struct bundle *again = passed_on(b);
		assert_int_equal(again->mode, m);
		assert_string_equal(again->id, id); /* the same policy in another mode */
		bundle_free(again);
		bundle_free(b);
	}
}

static void
it_stands_in_place_of_the_policys(void **state)
{
	struct bundle *b = of(enforcing);
	struct diags d = {0};
	struct plan plan;
	size_t n;
	(void)state;
	b->mode = BUNDLE_MODE_MONITOR;
	struct policy *p = policy_load(b, &d);
	assert_non_null(p);
	assert_int_equal(policy_mode(p), MODE_MONITOR);
	const struct rule_info *const *rules = policy_rules(p, &n);
	assert_string_equal(rules[0]->name, "own");
	assert_int_equal(rules[0]->mode, MODE_ENFORCE);
	assert_int_equal(rules[1]->mode, MODE_MONITOR);
	for (size_t i = 2; i < n; i++)
		assert_int_equal(rules[i]->mode, MODE_MONITOR);
	policy_plan(p, &plan);
	assert_int_equal(plan.enforce, 1); /* the rule's own */
	policy_free(p);
	diags_free(&d);
	bundle_free(b);
}

static void
enforcing_needs_a_fail_mode(void **state)
{
	struct bundle *b = of(watching);
	struct diags d = {0};
	(void)state;
	struct policy *p = policy_load(b, &d);
	assert_non_null(p);
	policy_free(p);
	b->mode = BUNDLE_MODE_ENFORCE;
	assert_null(policy_load(b, &d));
	assert_int_equal(d.errors, 1);
	bool told = false;
	for (size_t i = 0; i < d.n; i++)
		told |= strcmp(d.list[i].code, "E136") == 0;
	assert_true(told);
	diags_free(&d);
	bundle_free(b);
}

static void
other_lines_are_no_mode(void **state)
{
	static const char *const texts[] = {"lenscap-bundle 1\nmode policy\n1 1\nab", "lenscap-bundle 1\nmode \n1 1\nab",
					    "lenscap-bundle 1\nmode monitor", "lenscap-bundle 1\nmode monitor\nmode enforce\n1 1\nab",
					    "lenscap-bundle 1\nmode monitor\n"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int fd = memfd_create("bundle", MFD_CLOEXEC);
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), (ssize_t)strlen(texts[i]));
		assert_null(bundle_load(fd));
		close(fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_travels),
		cmocka_unit_test(it_stands_in_place_of_the_policys),
		cmocka_unit_test(enforcing_needs_a_fail_mode),
		cmocka_unit_test(other_lines_are_no_mode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
