/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap quarantine: cuts a device off, or lists who is. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>

#include "cli.h"
#include "client.h"

enum { ANSWER_S = 15, FOR_MAX_S = 315360000 };

static void
print_row(struct json_object *row)
{
	const char *mac = client_text(row, "mac"), *address = client_text(row, "address"), *why = client_text(row, "why");
	long long left = client_number(row, "left_s"), dropped = client_number(row, "dropped");

	printf("%s", client_text(row, "device"));
	if (mac && *mac)
		printf("  %s", mac);
	if (address && *address)
		printf("  %s", address);
	printf("  %s", why);
	if (left > 0)
		printf("  %llds left", left);
	if (dropped > 0)
		printf("  %lld new connections dropped", dropped);
	putchar('\n');
}

static int
list(struct cli *cli, bool json)
{
	int code = EXIT_UNREACHABLE;
	struct json_object *answer = client_ask(cli, "quarantined", NULL, false, ANSWER_S, &code);
	struct json_object *devices = answer ? client_member(answer, "data.devices") : NULL;

	if (!answer)
		return code;
	if (devices && json)
		printf("%s\n", json_object_to_json_string_ext(devices, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	for (size_t i = 0; devices && !json && i < json_object_array_length(devices); i++)
		print_row(json_object_array_get_idx(devices, i));
	if (devices && !json && json_object_array_length(devices) == 0 && !cli->quiet)
		fprintf(stderr, "lenscap: nobody is in quarantine\n");
	code = client_verdict(answer, EXIT_OK);
	json_object_put(answer);
	return code;
}

static int
cut(struct cli *cli, const char *device, long long seconds, const char *reason)
{
	int code = EXIT_UNREACHABLE;
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "device", json_object_new_string(device));
	json_object_object_add(args, "for_s", json_object_new_int64(seconds));
	if (reason)
		json_object_object_add(args, "reason", json_object_new_string(reason));
	struct json_object *answer = client_ask(cli, "quarantine", args, true, ANSWER_S, &code);
	json_object_put(args);
	if (!answer)
		return code;
	code = client_verdict(answer, EXIT_OK);
	json_object_put(answer);
	return code;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {
		{"for", required_argument, NULL, 'f'}, {"reason", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	bool json = false;
	const char *reason = NULL;
	long long seconds = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'f' && !cli_seconds(optarg, FOR_MAX_S, &seconds)) {
			fprintf(stderr, "lenscap: --for %s: say 90s, 15m, 2h or 7d\n", optarg);
			return EXIT_USAGE;
		}
		if (opt == 'r')
			reason = optarg;
		json |= opt == 'j';
		if (opt == '?')
			return cli_usage(&command_quarantine);
	}
	if (optind == argc && !reason && !seconds)
		return list(cli, json);
	if (optind != argc - 1 || json)
		return cli_usage(&command_quarantine);
	return cut(cli, argv[optind], seconds, reason);
}

const struct command command_quarantine = {"quarantine", "[DEVICE [--for TIME] [--reason TEXT]] | [--json]",
					   "cut a device off from everything, or list who is", run};
