/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys under which a condition is filed and a flow is looked up. One row a condition: whatever condition_answer() does not answer
 * with no, one of the flow's keys must be among the condition's.
 */
#ifndef LENSCAP_POLICY_INDEX_COVER_H
#define LENSCAP_POLICY_INDEX_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condition.h"

/* What was filed at all: the rest need not be looked up. */
struct cover_shape {
	uint32_t kinds;			/* bits of enum kind in index_cover.c */
	uint32_t facts;			/* enum fact that a flow is looked up by, beside the packet's */
	uint64_t local[3], remote[3];	/* lengths of networks */
	uint64_t depths[2];		/* numbers of labels of suffixes */
};

struct cover {
	uint64_t *keys;
	size_t n, cap, limit;
	struct cover_shape shape;
};

void cover_reset(struct cover *c);
/* False: the condition cannot be filed, or has more than c->limit keys, or memory is short. */
bool cover_condition(struct cover *c, const struct condition *cond);
bool cover_join(struct cover *c, const struct cover *more);
void cover_shape_add(struct cover_shape *s, const struct cover_shape *more);
/* device, group or brand: its items are devices. */
bool cover_is_device(const struct condition *cond);
/* Calls look for each key of the flow. */
void cover_facts(const struct cover_shape *s, const struct facts *f, void (*look)(void *arg, uint64_t key), void *arg);

#endif
