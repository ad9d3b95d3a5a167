/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap metrics: for Prometheus, printed, or written for node_exporter's textfile collector. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "client.h"

enum { TIMEOUT_S = 10 };

/* What a file says whose daemon does not answer: a file that stays as it was would say that all is well. */
static const char down[] = "# HELP lenscap_up 1: the daemon answers. Written as 0 by `lenscap metrics --textfile` when it does not.\n"
			   "# TYPE lenscap_up gauge\n"
			   "lenscap_up 0\n";

static bool
keep(void *arg, struct json_object *event)
{
	fputs(client_text(event, "text"), arg);
	return true;
}

static bool
write_all(FILE *f, const char *text, mode_t mode)
{
	bool good = fputs(text, f) >= 0 && fflush(f) == 0 && fchmod(fileno(f), mode) == 0 && fsync(fileno(f)) == 0;
	int error = errno;

	if (fclose(f) == 0)
		errno = error;
	else
		good = false;
	return good;
}

/* Whoever reads the file sees the old one or the new one, whole. The collector takes only names that end in .prom: not this one's, half done. */
static bool
replace(const char *path, const char *text)
{
	char *name;

	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return false;
	int fd = mkstemp(name);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool good = f && write_all(f, text, 0644) && rename(name, path) == 0;
	int error = errno;
	if (fd >= 0 && !f)
		close(fd);
	if (fd >= 0 && !good)
		unlink(name);
	free(name);
	errno = error;
	return good;
}

static int
put(const char *path, const char *text, int code)
{
	if (!path) {
		if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
			return code;
		fprintf(stderr, "lenscap: standard output: %s\n", strerror(errno));
		return EXIT_NEGATIVE;
	}
	if (replace(path, text))
		return code;
	fprintf(stderr, "lenscap: %s: %s\n", path, strerror(errno));
	return EXIT_NEGATIVE;
}

static int
show(const struct cli *cli, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	int code = EXIT_UNREACHABLE;
	FILE *f = open_memstream(&text, &len);

	if (!f) {
		fprintf(stderr, "lenscap: memory is short\n");
		return EXIT_NEGATIVE;
	}
	struct json_object *answer = client_stream(cli, "metrics", NULL, false, keep, f, TIMEOUT_S, &code);
	code = client_verdict(answer, code);
	if (fclose(f) != 0)
		code = EXIT_NEGATIVE;
	if (code == EXIT_OK)
		code = put(path, text, code);
	else if (path && code == EXIT_UNREACHABLE)
		code = put(path, down, code);
	json_object_put(answer);
	free(text);
	return code;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"textfile", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
	const char *path = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 't')
			return cli_usage(&command_metrics);
		path = optarg;
	}
	if (optind < argc || (path && !*path))
		return cli_usage(&command_metrics);
	return show(cli, path);
}

const struct command command_metrics = {"metrics", "[--textfile PATH]", "counters and gauges in the text format of Prometheus", run};
