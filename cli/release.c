/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap release: lets a device back from quarantine. */
#include <json-c/json.h>
#include <stdio.h>

#include "cli.h"
#include "client.h"

static int
run(int argc, char **argv, struct cli *cli)
{
	int code = EXIT_UNREACHABLE;

	if (argc != 2 || argv[1][0] == '-')
		return cli_usage(&command_release);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "device", json_object_new_string(argv[1]));
	struct json_object *answer = client_ask(cli, "release", args, true, 15, &code);
	json_object_put(args);
	if (!answer)
		return code;
	code = client_verdict(answer, EXIT_OK);
	json_object_put(answer);
	return code;
}

const struct command command_release = {"release", "DEVICE", "let a device back from quarantine", run};
