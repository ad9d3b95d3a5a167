/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscapd: options, and the life of the gate with the loss of power visible between the lines. See gate.h.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate.h"
#include "log.h"

enum { EXIT_USAGE = 2, OPT_RUN_DIR = 256, OPT_STATE_DIR, OPT_USER, OPT_NO_SANDBOX, OPT_HELP, OPT_VERSION };

static const char usage[] =
	"usage: lenscapd [-c FILE] [-f] [-n] [-v] [--run-dir DIR] [--state-dir DIR] [--user NAME] [--no-sandbox]\n"
	"\n"
	"  -c, --config FILE    the policy (" LENSCAP_SYSCONFDIR "/lenscap/lenscap.yaml)\n"
	"  -f, --foreground     stay in the foreground; it always does\n"
	"  -n, --check          only check the policy and say what is wrong; exit 0 or 1\n"
	"  -v, --verbose        say more\n"
	"      --run-dir DIR    sockets and lock (/run/lenscap)\n"
	"      --state-dir DIR  what survives a restart (/var/lib/lenscap)\n"
	"      --user NAME      become this user when started as root (lenscap)\n"
	"      --no-sandbox     restrict no process; only to look for an error\n"
	"      --version, --help\n"
	"\n"
	"Start the guard by hand:       lenscapd -v\n"
	"Try another policy:            lenscapd -n -c ./lenscap.yaml\n"
	"Read the policy again:         lenscap reload, or SIGHUP\n";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"foreground", no_argument, NULL, 'f'},
	{"check", no_argument, NULL, 'n'},
	{"verbose", no_argument, NULL, 'v'},
	{"run-dir", required_argument, NULL, OPT_RUN_DIR},
	{"state-dir", required_argument, NULL, OPT_STATE_DIR},
	{"user", required_argument, NULL, OPT_USER},
	{"no-sandbox", no_argument, NULL, OPT_NO_SANDBOX},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static void
print_version(void)
{
	printf("lenscapd %s%s%s\n", LENSCAP_VERSION, *LENSCAP_REVISION ? " " : "", LENSCAP_REVISION);
}

/* Does not return when the program has nothing left to do. */
static void
read_options(int argc, char **argv, struct gate_options *o, bool *ret_check)
{
	int c;
	while ((c = getopt_long(argc, argv, "c:fnv", long_options, NULL)) != -1)
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'f':
			break;
		case 'n':
			*ret_check = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case OPT_RUN_DIR:
			o->run_dir = optarg;
			o->run_dir_given = true;
			break;
		case OPT_STATE_DIR:
			o->state_dir = optarg;
			break;
		case OPT_USER:
			o->user = optarg;
			break;
		case OPT_NO_SANDBOX:
			o->no_sandbox = true;
			break;
		case OPT_VERSION:
			print_version();
			exit(0);
		case OPT_HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(EXIT_USAGE);
		}
	if (optind < argc) {
		fprintf(stderr, "lenscapd: %s: no such argument\n%s", argv[optind], usage);
		exit(EXIT_USAGE);
	}
}

/* A descriptor that we open must never be taken for one of the three. */
static void
open_standard_streams(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/*
 * JOURNAL_STREAM names the journal's socket by device and inode; stderr may have been sent elsewhere since.
 */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == dev && st.st_ino == ino;
}

static int
serve(const struct gate_options *o)
{
	struct gate *g = gate_open(o);
	if (!g)
		return 1;
	int rc = gate_drop(g);
	if (rc == 0)
		rc = gate_confine(g);
	if (rc == 0)
		rc = gate_start(g);
	if (rc == 0) {
		gate_run(g);
		gate_stop(g);
	}
	gate_free(g);
	return rc == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct gate_options o = {
		.config = LENSCAP_SYSCONFDIR "/lenscap/lenscap.yaml",
		.run_dir = "/run/lenscap",
		.state_dir = "/var/lib/lenscap",
	};
	bool check = false;

	open_standard_streams();
	read_options(argc, argv, &o, &check);
	log_init("lenscapd", o.verbose);
	log_set_priorities(is_journal());
	return check ? gate_check(&o) : serve(&o);
}
