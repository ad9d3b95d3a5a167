/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between explain.c, which asks and prints, and explain_offline.c, which answers from a file: json-c's names and our writer's clash. */
#ifndef LENSCAP_CLI_EXPLAIN_ASK_H
#define LENSCAP_CLI_EXPLAIN_ASK_H

struct explain_args;

/*
 * Answers from a policy and its databases: the JSON text of the answer's data, to be freed. NULL: the reason was printed, *ret_exit is the
 * exit status.
 */
char *explain_offline(const char *policy_path, const struct explain_args *a, int *ret_exit);

#endif
