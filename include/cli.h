/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command `lenscap`: one file and one row each. */
#ifndef LENSCAP_CLI_H
#define LENSCAP_CLI_H

#include <stdbool.h>

/* EXIT STATUS in lenscap(8); users script against these. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_NEGATIVE = 1, /* check has errors, reload was refused, nothing found */
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3, /* no daemon answers */
	EXIT_REFUSED = 4,     /* not allowed */
	EXIT_DEGRADED = 10,   /* status: it works, but something is wrong */
};

/* Options that stand before the command's name. */
struct cli {
	const char *run_dir; /* where the daemon's sockets are */
	bool colour;	     /* stdout is a terminal and nobody said no */
	bool quiet;	     /* -q: no remarks */
	bool no_header;	     /* tables without their first line */
};

struct command {
	const char *name;
	/*
	 * Arguments, for the usage line. Completion reads it too: [--option], [--option VALUE], [--option one|two], a|b as the first word, and DEVICE,
	 * FILE, DIR and PATH for what they are called.
	 */
	const char *usage;
	const char *help;  /* one line */
	/* argv[0] is the command's name. Returns an exit_code. */
	int (*run)(int argc, char **argv, struct cli *cli);
};

extern const struct command *const commands[]; /* ends with NULL */
extern const struct command command_devices, command_tail, command_top, command_flows, command_geo, command_debug_bundle, command_completion, command_version,
	command_candidates;
extern const struct command command_metrics;
extern const struct command command_explain, command_help, command_schema;
extern const struct command command_quarantine, command_release;
extern const struct command command_diff, command_learn, command_report, command_mud;
extern const struct command command_check, command_reload, command_reopen, command_replay, command_status;

/* Prints "usage: lenscap NAME USAGE" on stderr and returns EXIT_USAGE. */
int cli_usage(const struct command *c);

/* Asks devices what they are; needs no daemon. */
extern const struct command command_vet;

/* Commands that change the policy in force, and what they share. */
extern const struct command command_confirm, command_undo, command_mode;

struct json_object;

/* Asks for the change and prints what became of it. args stays the caller's. quiet: a success prints only what the daemon adds. */
int cli_policy_answer(const struct cli *cli, const char *cmd, struct json_object *args, bool quiet);
/* "90", "90s", "15m", "2h", "1d": from 1 to max_s seconds. False: it is none of these. */
bool cli_seconds(const char *text, long long max_s, long long *ret_s);

#endif
