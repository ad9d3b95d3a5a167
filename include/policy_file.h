/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy for a command that needs no daemon. */
#ifndef LENSCAP_POLICY_FILE_H
#define LENSCAP_POLICY_FILE_H

#include <stdbool.h>

struct bundle;
struct policy;

/*
 * Reads and loads a policy file as the daemon would. policy_free() it; *ret_bundle, to bundle_free(), is what it was read from (NULL: not
 * wanted). NULL: what is wrong was printed on stderr.
 */
struct policy *policy_from_file(const char *path, bool colour, struct bundle **ret_bundle);

#endif
