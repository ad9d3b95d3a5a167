/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files the engine may open: the directories of the databases and logs that the policy names when the engine starts, those where
 * databases usually are, time zones, and its own state. What was given up does not come back, so a later policy that names a file elsewhere is
 * refused until lenscapd starts anew.
 */
#ifndef LENSCAP_CONFINE_H
#define LENSCAP_CONFINE_H

#include <stdbool.h>

struct confine;
struct engine;
struct policy;

/*
 * Before anything that this policy names is opened. The first time it gives everything else up; later it only compares. False: logged, and
 * e->refused says it for whoever asked for the reload.
 */
bool engine_confine(struct engine *e, const struct policy *p);
void confine_free(struct confine *c);

#endif
