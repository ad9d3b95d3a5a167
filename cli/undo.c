/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap undo: the policy that was in force before comes back; the files stay as they are. */
#include <stddef.h>

#include "cli.h"

static int
run(int argc, char **argv, struct cli *cli)
{
	(void)argv;
	return argc == 1 ? cli_policy_answer(cli, "undo", NULL, false) : cli_usage(&command_undo);
}

const struct command command_undo = {"undo", "", "back to the policy before, up to five times", run};
