/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap reload: asks the daemon to take the policy files as they are now, and waits for its verdict. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "in_force.h"

enum {
	RELOAD_TIMEOUT_S = 60,
	CONFIRM_MAX_S = 86400,
};

int
cli_policy_answer(const struct cli *cli, const char *cmd, struct json_object *args, bool quiet)
{
	int code = EXIT_UNREACHABLE;
	struct json_object *answer = client_ask(cli, cmd, args, true, RELOAD_TIMEOUT_S, &code);

	if (!answer)
		return code;
	struct json_object *data = client_member(answer, "data");
	const char *text = client_text(data, "text");
	if (client_flag(answer, "ok")) {
		if (!quiet)
			printf("policy %s is in force (generation %lld)\n", client_text(data, "policy_id"), client_number(data, "generation"));
		if (*text)
			printf("%s\n", text);
		code = EXIT_OK;
	} else if (data) {
		fprintf(stderr, "%s%s", text, *text && text[strlen(text) - 1] != '\n' ? "\n" : "");
		fprintf(stderr, "the running policy %s was kept.\n", client_text(data, "policy_id"));
		code = EXIT_NEGATIVE;
	} else {
		fprintf(stderr, "lenscap: %s\n", client_text(answer, "error"));
		code = EXIT_REFUSED;
	}
	json_object_put(answer);
	return code;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"wait", no_argument, NULL, 'w'},
						{"quiet", no_argument, NULL, 'q'},
						{"confirm", required_argument, NULL, 'c'},
						{NULL, 0, NULL, 0}};
	long long confirm_s = 0;
	bool quiet = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "wq", options, NULL)) != -1) {
		if (opt == 'q')
			quiet = true;
		else if (opt == 'c' ? !cli_seconds(optarg, CONFIRM_MAX_S, &confirm_s) : opt != 'w')
			return cli_usage(&command_reload); /* --wait is what it always does; service files say it for their readers */
	}
	if (optind != argc)
		return cli_usage(&command_reload);
	struct json_object *args = json_object_new_object();
	if (confirm_s)
		json_object_object_add(args, "confirm", json_object_new_int64(confirm_s));
	if (confirm_s && !quiet)
		diff_before_reload(cli);
	int code = cli_policy_answer(cli, "reload", args, quiet);
	json_object_put(args);
	return code;
}

const struct command command_reload = {"reload", "[--confirm SECONDS] [--wait] [-q]", "take over the edited policy; says why when it is refused",
				       run};
