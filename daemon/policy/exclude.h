/* SPDX-License-Identifier: GPL-2.0-or-later */
/* W317 and W318: rules and sets that can never match, whatever stands around them. */
#ifndef LENSCAP_POLICY_EXCLUDE_H
#define LENSCAP_POLICY_EXCLUDE_H

struct loader;

void warn_exclusions(struct loader *l);

#endif
