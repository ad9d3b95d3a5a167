/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a test asks of explain.c; its work is in policy.h. */
#ifndef LENSCAP_POLICY_EXPLAIN_H
#define LENSCAP_POLICY_EXPLAIN_H

#include <stdbool.h>

/* There are words for what a flow has in place of this condition. Every condition's row needs them. */
bool explain_speaks_of(const char *key);

#endif
