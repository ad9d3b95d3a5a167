/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap version: of this command; with --json also what a script would compare. */
#include <getopt.h>
#include <stdio.h>

#include "cli.h"
#include "control.h"

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	bool json = false;
	int opt;
	(void)cli;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'j')
			return cli_usage(&command_version);
		json = true;
	}
	if (optind < argc)
		return cli_usage(&command_version);
	if (json)
		printf("{\"version\":\"%s\",\"revision\":\"%s\",\"protocol\":%d}\n", LENSCAP_VERSION, LENSCAP_REVISION, CONTROL_VERSION);
	else
		printf("lenscap %s%s%s\n", LENSCAP_VERSION, *LENSCAP_REVISION ? " " : "", LENSCAP_REVISION);
	return EXIT_OK;
}

const struct command command_version = {"version", "[--json]", "print the version", run};
