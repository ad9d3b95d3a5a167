/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap: finds the command in the table and runs it. Usage and help come from the same table. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "log.h"

/* In the order in which people want them. A name that begins with __ is for the shell, and not listed. */
const struct command *const commands[] = {
	&command_status,
	&command_tail,
	&command_top,
	&command_flows,
	&command_devices,
	&command_geo,
	&command_metrics,
	&command_check,
	&command_explain,
	&command_diff,
	&command_learn,
	&command_mud,
	&command_report,
	&command_vet,
	&command_replay,
	&command_reload,
	&command_confirm,
	&command_undo,
	&command_mode,
	&command_quarantine,
	&command_release,
	&command_reopen,
	&command_help,
	&command_schema,
	&command_debug_bundle,
	&command_completion,
	&command_version,
	&command_candidates,
	NULL,
};

/* Breaks between options, so that no line is wider than the others of this program. */
static void
command_usage(FILE *out, const struct command *c)
{
	enum { COLUMNS = 100, INDENT = 8 };
	size_t col = (size_t)fprintf(out, "usage: lenscap %s", c->name);

	for (const char *p = c->usage; *p;) {
		size_t n = 0;
		for (int depth = 0; p[n] && (depth > 0 || p[n] != ' '); n++)
			depth += (p[n] == '[') - (p[n] == ']');
		bool breaks = col + 1 + n > COLUMNS;
		fprintf(out, "%s%*s%.*s", breaks ? "\n" : "", breaks ? INDENT : 1, "", (int)n, p);
		col = (breaks ? INDENT : col + 1) + n;
		p += n;
		p += strspn(p, " ");
	}
	putc('\n', out);
}

int
cli_usage(const struct command *c)
{
	command_usage(stderr, c);
	return EXIT_USAGE;
}

/* Those that the summary only names, so that it fits on a screen. */
static const struct command *const rare[] = {
	&command_geo,	 &command_metrics, &command_mud, &command_confirm, &command_undo,	  &command_mode,       &command_release, &command_reopen,
	&command_help, &command_schema,  &command_debug_bundle, &command_completion, &command_version,
};

static bool
is_rare(const struct command *c)
{
	for (size_t i = 0; i < sizeof rare / sizeof *rare; i++)
		if (rare[i] == c)
			return true;
	return false;
}

/* At most 25 lines: tests/man/run counts them. */
static void
usage(FILE *out)
{
	fprintf(out, "usage: lenscap [--run-dir DIR] [--color=auto|always|never] [-q] [--no-header] COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->name[0] != '_' && !is_rare(commands[i]))
			fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->help);
	fprintf(out, "and:");
	for (size_t i = 0; i < sizeof rare / sizeof *rare; i++)
		fprintf(out, " %s", rare[i]->name);
	fprintf(out, "\n\nexamples:\n  lenscap status\n  lenscap tail -t alert --since 2h\n  lenscap check && lenscap reload --confirm 60\n"
		     "\nlenscap COMMAND --help says what a command takes; lenscap(8) says all\n");
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

static bool
wants_help(int argc, char **argv)
{
	return argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"run-dir", required_argument, NULL, 'r'},
						{"color", required_argument, NULL, 'c'},
						{"quiet", no_argument, NULL, 'q'},
						{"no-header", no_argument, NULL, 'n'},
						{"help", no_argument, NULL, 'h'},
						{"version", no_argument, NULL, 'V'},
						{NULL, 0, NULL, 0}};
	struct cli cli = {.run_dir = "/run/lenscap", .colour = wants_colour()};
	int opt;

	log_init("lenscap", false);
	while ((opt = getopt_long(argc, argv, "+hq", options, NULL)) != -1)
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
		case 'q':
			cli.quiet = true;
			break;
		case 'n':
			cli.no_header = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		case 'V':
			return command_version.run(1, argv, &cli);
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
		if (wants_help(argc - optind, argv + optind)) {
			command_usage(stdout, commands[i]);
			puts(commands[i]->help);
			return EXIT_OK;
		}
		argc -= optind;
		argv += optind;
		optind = 0; /* glibc: start over, with this command's own options */
		return commands[i]->run(argc, argv, &cli);
	}
	fprintf(stderr, "lenscap: no such command: %s\n", name);
	usage(stderr);
	return EXIT_USAGE;
}
