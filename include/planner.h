/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LENSCAP_PLANNER_H
#define LENSCAP_PLANNER_H

#include <stdio.h>

#include "bundle.h"

/* Exit status of `lenscap-engine --plan`. */
enum {
	PLAN_GOOD = 0,
	PLAN_REFUSED = 1,
	PLAN_SALVAGED = 3, /* refused, but a plan that keeps `fail: closed` was written */
};

struct planner_input {
	const char *path; /* the policy's files, unless */
	int bundle_fd;	  /* a serialised bundle; -1: none */
	enum bundle_mode mode; /* in place of the policy's own; what a bundle says of that does not count */
	int bell_fd; /* gets a byte when the bundle is written and sealed, before it is checked; -1: none */
};

/* Writes struct plan to plan_fd, the serialised bundle to bundle_fd, and what people should read to text. Returns one of the above. */
int planner_run(const struct planner_input *in, int plan_fd, int bundle_fd, FILE *text);

#endif
