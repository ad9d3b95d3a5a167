/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limit: how much a rule allows each device in a period of the calendar. */
#ifndef LENSCAP_POLICY_LIMIT_H
#define LENSCAP_POLICY_LIMIT_H

#include "model.h"

struct loader;
struct vec;

/* {bytes: 200MB, per: day, zone: Europe/Oslo}: pushes one struct limit *. */
void parse_limit(struct loader *l, const struct node *value, struct vec *items);
/* Something is left of it. */
bool match_limit(const struct condition *c, const struct facts *f);
/* When all rules are there: whose limits they are. */
void limits_finish(struct loader *l);

#endif
