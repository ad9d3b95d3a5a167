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
};

struct command {
	const char *name;
	const char *usage; /* arguments, for the usage line */
	const char *help;  /* one line */
	/* argv[0] is the command's name. Returns an exit_code. */
	int (*run)(int argc, char **argv, struct cli *cli);
};

extern const struct command *const commands[]; /* ends with NULL */
extern const struct command command_check, command_reload, command_reopen, command_replay, command_status;

/* Prints "usage: lenscap NAME USAGE" on stderr and returns EXIT_USAGE. */
int cli_usage(const struct command *c);

#endif
