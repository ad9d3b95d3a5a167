/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap: finds the command in the table and runs it. Usage and help come from the same table. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "log.h"

static int
version(int argc, char **argv, struct cli *cli)
{
	(void)argc;
	(void)argv;
	(void)cli;
	printf("lenscap %s%s%s\n", LENSCAP_VERSION, *LENSCAP_REVISION ? " " : "", LENSCAP_REVISION);
	return EXIT_OK;
}

static const struct command command_version = {"version", "", "print the version", version};

const struct command *const commands[] = {
	&command_status, &command_check, &command_replay, &command_reload, &command_reopen, &command_version, NULL,
};

int
cli_usage(const struct command *c)
{
	fprintf(stderr, "usage: lenscap %s %s\n", c->name, c->usage);
	return EXIT_USAGE;
}

static void
usage(FILE *out)
{
	fprintf(out, "usage: lenscap [--run-dir DIR] [--color=auto|always|never] COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->help);
	fprintf(out, "\nexamples:\n  lenscap check /etc/lenscap/lenscap.yaml\n  lenscap reload\n  lenscap status --json\n\nsee lenscap(8)\n");
}

static bool
wants_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static bool
set_colour(struct cli *cli, const char *when)
{
	if (strcmp(when, "always") == 0)
		cli->colour = true;
	else if (strcmp(when, "never") == 0)
		cli->colour = false;
	else
		return strcmp(when, "auto") == 0;
	return true;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"run-dir", required_argument, NULL, 'r'},
						{"color", required_argument, NULL, 'c'},
						{"help", no_argument, NULL, 'h'},
						{"version", no_argument, NULL, 'V'},
						{NULL, 0, NULL, 0}};
	struct cli cli = {.run_dir = "/run/lenscap", .colour = wants_colour()};
	int opt;

	log_init("lenscap", false);
	while ((opt = getopt_long(argc, argv, "+h", options, NULL)) != -1)
		switch (opt) {
		case 'r':
			cli.run_dir = optarg;
			break;
		case 'c':
			if (!set_colour(&cli, optarg)) {
				usage(stderr);
				return EXIT_USAGE;
			}
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		case 'V':
			return version(0, NULL, &cli);
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	if (optind == argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	const char *name = argv[optind];
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) != 0)
			continue;
		argc -= optind;
		argv += optind;
		optind = 0; /* glibc: start over, with this command's own options */
		return commands[i]->run(argc, argv, &cli);
	}
	fprintf(stderr, "lenscap: no such command: %s\n", name);
	usage(stderr);
	return EXIT_USAGE;
}
