/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What flows remember of a policy after it has been replaced: names, lines and actions of its rules. Flows hold counted
 * references, so a policy itself can be freed at the moment of the swap and old rulebooks go when their last flow does.
 */
#ifndef LENSCAP_RULEBOOK_H
#define LENSCAP_RULEBOOK_H

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct rulebook {
	uint64_t refs;
	char policy_id[16];
	size_t n;
	struct rule_info *rules; /* copies, in the order of policy_rules() */
	uint64_t *hits;		 /* flows decided, one a rule */
};

struct rulebook *rulebook_new(const struct policy *p); /* with one reference */
struct rulebook *rulebook_ref(struct rulebook *b);
void rulebook_unref(struct rulebook *b); /* NULL is fine */

#endif
