/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three-valued matching of clauses, for judging and for explaining. */
#ifndef LENSCAP_POLICY_JUDGE_H
#define LENSCAP_POLICY_JUDGE_H

#include "model.h"

enum answer { ANSWER_NO, ANSWER_UNKNOWN, ANSWER_YES };

/* What was looked at on the way to an answer. */
struct look {
	uint32_t used, missing; /* enum fact */
	bool scheduled;
	bool claims; /* inside a set that is asked for a reason to refuse; see struct condition */
};

/* One condition; a reference to sets is the OR over them. Adds to *look. */
enum answer condition_answer(const struct condition *c, const struct facts *f, struct look *look);
/* AND over the clause's conditions, left at the first that says no. Adds to *look. */
enum answer clause_answer(const struct clause *c, const struct facts *f, struct look *look);

/* policy_judge() without the index: every rule is asked. The same answer; more may be said to have been looked at. For tests. */
void judge_walking(const struct policy *p, const struct facts *f, struct judgement *ret);

#endif
