/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap reload: asks the daemon to take the policy files as they are now, and waits for its verdict. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>

#include "cli.h"
#include "client.h"

enum { RELOAD_TIMEOUT_S = 60 };

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"wait", no_argument, NULL, 'w'}, {"quiet", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
	int opt, code = EXIT_UNREACHABLE;
	bool quiet = false;

	while ((opt = getopt_long(argc, argv, "wq", options, NULL)) != -1) {
		if (opt == 'q')
			quiet = true;
		else if (opt != 'w') /* --wait is what it always does; service files say it for their readers */
			return cli_usage(&command_reload);
	}
	if (optind != argc)
		return cli_usage(&command_reload);
	struct json_object *answer = client_ask(cli, "reload", NULL, true, RELOAD_TIMEOUT_S, &code);
	if (!answer)
		return code;
	struct json_object *data = client_member(answer, "data");
	if (client_flag(answer, "ok")) {
		if (!quiet)
			printf("policy %s is in force (generation %lld)\n", client_text(data, "policy_id"), client_number(data, "generation"));
		code = EXIT_OK;
	} else if (data) {
		fprintf(stderr, "%s", client_text(data, "text"));
		fprintf(stderr, "the running policy %s was kept.\n", client_text(data, "policy_id"));
		code = EXIT_NEGATIVE;
	} else {
		fprintf(stderr, "lenscap: %s\n", client_text(answer, "error"));
		code = EXIT_REFUSED;
	}
	json_object_put(answer);
	return code;
}

const struct command command_reload = {"reload", "[--wait] [-q]", "take over the edited policy; says why when it is refused", run};
