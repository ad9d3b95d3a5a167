/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap reopen: log files were rotated. */
#include <json-c/json.h>
#include <stdio.h>

#include "cli.h"
#include "client.h"

static int
run(int argc, char **argv, struct cli *cli)
{
	int code = EXIT_UNREACHABLE;
	(void)argv;

	if (argc != 1)
		return cli_usage(&command_reopen);
	struct json_object *answer = client_ask(cli, "reopen", NULL, true, 10, &code);
	if (!answer)
		return code;
	bool ok = client_flag(answer, "ok");
	if (!ok)
		fprintf(stderr, "lenscap: %s\n", client_text(answer, "error"));
	json_object_put(answer);
	return ok ? EXIT_OK : EXIT_REFUSED;
}

const struct command command_reopen = {"reopen", "", "close and open the log files again, after a rotation", run};
