/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LENSCAP_POLICY_COVERED_H
#define LENSCAP_POLICY_COVERED_H

struct coverage;
struct loader;
struct rule;

/* Lives as long as the loader's scratch region. NULL: memory is short, and the loader knows. */
struct coverage *coverage_new(struct loader *l);
/* W310 where a rule that was asked for before covers this one; to be called for each rule in order. */
void warn_covered(struct coverage *c, const struct rule *later);

#endif
