/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions that ask the catalogue: who built the device, whose cloud the far side is. Rows are in condition.c. */
#ifndef LENSCAP_POLICY_CATALOGUED_H
#define LENSCAP_POLICY_CATALOGUED_H

#include "condition.h"
#include "judge.h"

struct cloud_item {
	const struct catalogue *catalogue;
	uint16_t cloud;
};

/* Pushes the maker and all that belong to it. */
void parse_maker(struct loader *l, const struct node *value, struct vec *items);
bool match_maker(const struct condition *c, const struct facts *f);
bool match_covered(const struct condition *c, const struct facts *f);
bool match_unmasked(const struct condition *c, const struct facts *f);

void parse_cloud(struct loader *l, const struct node *value, struct vec *items);
int order_cloud(const void *a, const void *b);
enum answer answer_cloud(const struct condition *c, const struct facts *f, struct look *look);

/* One maker by its id; MAKER_UNKNOWN after E146. */
uint16_t read_maker(struct loader *l, const struct node *value);

#endif
