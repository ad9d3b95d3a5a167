/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap mode: another mode than the policy's, for a while or until `lenscap mode policy`. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MODE_MAX_S = 2678400 };

bool
cli_seconds(const char *text, long long max_s, long long *ret_s)
{
	static const struct {
		char unit;
		long long s;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 9 || (text[len] && text[len + 1]))
		return false;
	long long n = strtoll(text, NULL, 10);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (text[len] == units[i].unit && n > 0 && n <= max_s / units[i].s) {
			*ret_s = n * units[i].s;
			return true;
		}
	return false;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"for", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
	long long for_s = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (opt != 'f' || !cli_seconds(optarg, MODE_MAX_S, &for_s))
			return cli_usage(&command_mode);
	const char *mode = optind + 1 == argc ? argv[optind] : "";
	bool own = strcmp(mode, "policy") == 0;
	if ((!own && strcmp(mode, "monitor") != 0 && strcmp(mode, "enforce") != 0) || (own && for_s))
		return cli_usage(&command_mode);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "mode", json_object_new_string(mode));
	if (for_s)
		json_object_object_add(args, "for", json_object_new_int64(for_s));
	int code = cli_policy_answer(cli, "mode", args, false);
	json_object_put(args);
	return code;
}

const struct command command_mode = {"mode", "monitor|enforce|policy [--for TIME]", "another mode than the policy's, for a while", run};
