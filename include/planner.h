/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LENSCAP_PLANNER_H
#define LENSCAP_PLANNER_H

#include <stdio.h>

/* Exit status of `lenscap-engine --plan`. */
enum {
	PLAN_GOOD = 0,
	PLAN_REFUSED = 1,
	PLAN_SALVAGED = 3, /* refused, but a plan that keeps `fail: closed` was written */
};

/* Writes struct plan to plan_fd, the serialised bundle to bundle_fd, and what people should read to text. Returns one of the above. */
int planner_run(const char *path, int plan_fd, int bundle_fd, FILE *text);

#endif
