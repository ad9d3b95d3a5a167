/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rules may hold of a flow, so that judging does not ask all of them. Each rule is filed under the values of one of its conditions,
 * the one that fewest rules share; a flow is looked up by its own values, and what is found is asked in order. Rules without such a
 * condition are candidates always. Nothing is left out that could answer yes or "cannot tell yet".
 */
#ifndef LENSCAP_POLICY_INDEX_H
#define LENSCAP_POLICY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct facts;
struct policy;
struct rule_index;

enum {
	INDEX_RULES_MIN = 24, /* fewer are walked: that costs no more */
	INDEX_LISTS_MAX = 64,
};

/* Places of rules, in order; a flow's lists while they are merged. */
struct candidates {
	const struct rule_index *index;
	const struct facts *facts;
	struct candidate_list {
		const uint32_t *at, *end;
	} lists[INDEX_LISTS_MAX];
	size_t n;
};

/* NULL: there are few rules, or memory is short; then all are walked. */
struct rule_index *index_new(const struct policy *p);
/* False: it cannot be told without walking. */
bool index_begin(const struct rule_index *x, const struct facts *f, struct candidates *ret);
/* The place of the next rule that may hold; UINT32_MAX behind the last. */
uint32_t index_next(struct candidates *c);
/* The facts (enum fact) by which rules before this place have been left out. */
uint32_t index_used(const struct rule_index *x, size_t place);
void index_free(struct rule_index *x);

#endif
