/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap confirm: the policy that waits for this may stay. */
#include <stddef.h>

#include "cli.h"

static int
run(int argc, char **argv, struct cli *cli)
{
	(void)argv;
	return argc == 1 ? cli_policy_answer(cli, "confirm", NULL, true) : cli_usage(&command_confirm);
}

const struct command command_confirm = {"confirm", "", "keep the policy that came with reload --confirm", run};
