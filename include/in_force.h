/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy that the daemon judges by, as it read it: not what the files say by now. */
#ifndef LENSCAP_IN_FORCE_H
#define LENSCAP_IN_FORCE_H

struct bundle;
struct cli;
struct policy;

/*
 * Asks the daemon. shipped: a bundle whose shipped catalogue goes with it, or NULL: the one that goes with this program. NULL: the reason was
 * printed and *ret_exit is the exit status. policy_free() it.
 */
struct policy *policy_in_force(const struct cli *cli, const struct bundle *shipped, int *ret_exit);
/* The main file that it was read from, to free. NULL as above. */
char *policy_path(const struct cli *cli, int *ret_exit);

/*
 * What would change for the recorded connections of the last `days` if this policy were in force: prints it. `json`: for programs. Returns
 * EXIT_OK without changes, EXIT_NEGATIVE with, or why there is no answer.
 */
int diff_run(const struct cli *cli, const char *path, long long seconds, int json);
/* The same of the files that a reload would read, for people, before it does. Never fails: a reload goes on without it. */
void diff_before_reload(const struct cli *cli);

#endif
