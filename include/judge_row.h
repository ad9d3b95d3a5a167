/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row of history judged by a policy: what would become of this connection under it. Pure but for databases, which are asked only where the
 * record's own word does not count any more.
 *
 * Who opened it is looked up in the policy's own inventory, zones by its own interfaces and networks. Where the far side is: as recorded,
 * unless the policy's overrides say otherwise, or it has other databases than the policy in force, or that policy's override made the record.
 */
#ifndef LENSCAP_JUDGE_ROW_H
#define LENSCAP_JUDGE_ROW_H

#include <stdbool.h>

#include "facts.h"
#include "history.h"
#include "policy.h"

struct row_judge;

/* What becomes of it. */
enum row_deed { ROW_ALLOW, ROW_BLOCK, ROW_REJECT, ROW_QUARANTINE, ROW_OPEN };

struct row_answer {
	enum row_deed deed;  /* what is done */
	enum row_deed would; /* what the rules say; differs from deed in monitor mode */
	enum alert_level alert;
	const char *rule; /* "" while open */
	const char *file;
	unsigned line;
	uint32_t missing; /* ROW_OPEN: enum fact bits that the record does not have; 0: its hour lies on both sides of a `when:` */
};

/*
 * p: judges. in_force: under which zones and places were recorded; may be p itself. All three stay the caller's and must live longer.
 * NULL when memory is short.
 */
struct row_judge *row_judge_new(const struct policy *p, const struct policy *in_force, struct history *h);
void row_judge_free(struct row_judge *j);
/* What the record knows. The texts belong to the history. */
void row_facts(struct row_judge *j, const struct history_flow *f, struct facts *ret);
void row_judge(struct row_judge *j, const struct history_flow *f, struct row_answer *ret);

const char *row_deed_name(enum row_deed d); /* "allow" "block" "reject" "quarantine" "cannot tell" */

#endif
