/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `lenscap-engine --plan FILE`: a process of its own that reads a policy, checks it and tells the gate what it must know. It has
 * never seen a packet, so the gate may believe it.
 */
#include "planner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "diag.h"
#include "plan.h"
#include "policy.h"

static bool
write_plan(int fd, const struct plan *plan)
{
	return write(fd, plan, sizeof *plan) == (ssize_t)sizeof *plan;
}

static int
refuse(const struct bundle *b, int plan_fd)
{
	struct plan plan;
	memset(&plan, 0, sizeof plan);
	return policy_salvage(b, &plan) && write_plan(plan_fd, &plan) ? PLAN_SALVAGED : PLAN_REFUSED;
}

/* "2 errors, 1 warning." as `lenscap check` says it; the one who asked adds what became of the policy. */
static void
summary(const struct diags *d, FILE *text)
{
	if (d->errors)
		fprintf(text, "%u error%s", d->errors, d->errors == 1 ? "" : "s");
	if (d->warnings)
		fprintf(text, "%s%u warning%s", d->errors ? ", " : "", d->warnings, d->warnings == 1 ? "" : "s");
	if (d->n)
		fprintf(text, ".\n");
}

static struct bundle *
read_bundle(const struct planner_input *in, char **ret_failed)
{
	struct bundle *b = in->bundle_fd >= 0 ? bundle_load(in->bundle_fd) : policy_read(in->path, ret_failed);

	if (b)
		b->mode = in->mode;
	return b;
}

/* Whoever waits for the bundle alone need not wait for the check; what it reads is what will be checked. */
static bool
write_bundle(const struct bundle *b, int bundle_fd, int bell_fd)
{
	if (bundle_save(b, bundle_fd) < 0)
		return false;
	/* A bundle that cannot be sealed is no memory file of the gate's: nobody waits for it. */
	if (bell_fd >= 0 && fcntl(bundle_fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0)
		(void)!write(bell_fd, "", 1);
	return true;
}

int
planner_run(const struct planner_input *in, int plan_fd, int bundle_fd, FILE *text)
{
	struct diags diags = {0};
	struct plan plan;
	char *failed = NULL;
	const char *path = in->bundle_fd >= 0 ? "the policy that was kept" : in->path;
	struct bundle *b = read_bundle(in, &failed);
	int result = PLAN_REFUSED;

	if (!b) {
		fprintf(text, "%s: error: %s [E191]\n1 error.\n", failed ? failed : path, strerror(errno));
		return PLAN_REFUSED;
	}
	bool written = write_bundle(b, bundle_fd, in->bell_fd);
	struct policy *p = policy_load(b, &diags);
	if (p)
		policy_run_tests(p, &diags);
	diags_print(&diags, text, false);
	summary(&diags, text);
	memset(&plan, 0, sizeof plan);
	if (!p || diags.errors) {
		result = refuse(b, plan_fd);
	} else {
		policy_plan(p, &plan);
		if (written && write_plan(plan_fd, &plan))
			result = PLAN_GOOD;
		else
			fprintf(text, "%s: error: the plan could not be written: %s\n", path, strerror(errno));
	}
	policy_free(p);
	diags_free(&diags);
	bundle_free(b);
	return result;
}
