/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap debug-bundle: one tar file for a report of a problem. It holds what the daemon says of itself, the policy and what the checker says of
 * it, the last records, and which system this is. Whatever cannot be had is a file that says why.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bundle.h"
#include "cli.h"
#include "client.h"
#include "tar.h"

enum {
	TIMEOUT_S = 10,
	LAST_RECORDS = 200,
	OUTPUT_MAX = 4 << 20, /* bytes of a program's output that are kept */
	NAME = 128,
};

struct making {
	const struct cli *cli;
	struct tar *tar;
	const char *policy;
	bool with_policy;
};

/* One verb's answer, or why there is none. */
static void
add_answer(const struct making *m, const char *cmd, const char *name)
{
	int code;
	struct json_object *answer = client_ask(m->cli, cmd, NULL, false, TIMEOUT_S, &code);
	const char *text = answer ? json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)
				  : "{\"error\":\"the daemon did not answer\"}";

	tar_add(m->tar, name, text, strlen(text));
	json_object_put(answer);
}

static bool
write_record(void *arg, struct json_object *event)
{
	struct json_object *record = client_member(event, "record");

	if (record)
		fprintf(arg, "%s\n", json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	return true;
}

static void
add_records(const struct making *m)
{
	char *text = NULL;
	size_t len = 0;
	int code;
	FILE *f = open_memstream(&text, &len);
	struct json_object *args = json_object_new_object();

	if (!f)
		return;
	json_object_object_add(args, "last", json_object_new_int(LAST_RECORDS));
	json_object_object_add(args, "end", json_object_new_boolean(true));
	struct json_object *answer = client_stream(m->cli, "events", args, false, write_record, f, TIMEOUT_S, &code);
	if (fclose(f) == 0)
		tar_add(m->tar, "records.json", text, len);
	free(text);
	json_object_put(answer);
	json_object_put(args);
}

/* Both streams of a program. It is killed when it takes too long. */
static void
add_output(const struct making *m, const char *name, const char *const *words)
{
	int ends[2];
	char *text = malloc(OUTPUT_MAX);
	size_t len = 0;
	ssize_t n;

	if (!text || pipe2(ends, O_CLOEXEC) < 0) {
		free(text);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		alarm(TIMEOUT_S);
		execvp(words[0], (char *const *)(void *)words);
		dprintf(2, "%s: %s\n", words[0], strerror(errno));
		_exit(127);
	}
	close(ends[1]);
	while (pid > 0 && len < OUTPUT_MAX && (n = read(ends[0], text + len, OUTPUT_MAX - len)) > 0)
		len += (size_t)n;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	tar_add(m->tar, name, text, len);
	free(text);
}

static void
add_policy(const struct making *m)
{
	char name[NAME];
	char why[512];
	char *file = NULL;
	struct bundle *b = bundle_read(m->policy, &file);

	if (!b) {
		int n = snprintf(why, sizeof why, "%.200s: %s\n", file ? file : m->policy, strerror(errno));
		free(file);
		tar_add(m->tar, "policy/error.txt", why, (size_t)n < sizeof why ? (size_t)n : sizeof why - 1);
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		const char *last = strrchr(b->files[i].name, '/');
		snprintf(name, sizeof name, "policy/%02zu-%.80s", i, last ? last + 1 : b->files[i].name);
		tar_add(m->tar, name, b->files[i].text, b->files[i].len);
	}
	bundle_free(b);
}

static void
add_system(const struct making *m)
{
	char text[1024];
	struct utsname u;
	time_t now = time(NULL);

	if (uname(&u) < 0)
		return;
	int n = snprintf(text, sizeof text, "lenscap %s %s\nkernel %s %s %s\nprocessors %ld\nmemory_bytes %lld\ntime %lld\nuid %u\n", LENSCAP_VERSION,
			 LENSCAP_REVISION, u.sysname, u.release, u.machine, sysconf(_SC_NPROCESSORS_ONLN),
			 (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), (long long)now, getuid());
	tar_add(m->tar, "system.txt", text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void
make(const struct making *m)
{
	const char *const check[] = {"/proc/self/exe", "check", "--lint", m->policy, NULL};
	const char *const table[] = {"nft", "list", "table", "inet", "lenscap", NULL};
	const char *const release[] = {"cat", "/etc/os-release", NULL};

	add_system(m);
	add_output(m, "os-release.txt", release);
	add_answer(m, "status", "status.json");
	add_answer(m, "geo", "geo.json");
	add_answer(m, "devices", "devices.json");
	add_records(m);
	add_output(m, "check.txt", check);
	add_output(m, "table.txt", table);
	if (m->with_policy)
		add_policy(m);
}

static int
save(struct making *m, const char *path)
{
	char made[NAME];
	time_t now = time(NULL);
	struct tm tm;

	if (!path) {
		if (!localtime_r(&now, &tm) || !strftime(made, sizeof made, "lenscap-debug-%Y%m%d-%H%M%S.tar", &tm))
			snprintf(made, sizeof made, "lenscap-debug.tar");
		path = made;
	}
	bool out = strcmp(path, "-") == 0;
	/* Its owner alone reads it: it holds addresses, names, and the policy. */
	int fd = out ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || !(m->tar = tar_new(fd, now))) {
		fprintf(stderr, "lenscap: %s: %s\n", path, strerror(errno));
		return EXIT_NEGATIVE;
	}
	make(m);
	if (!tar_end(m->tar)) {
		fprintf(stderr, "lenscap: %s: %s\n", path, strerror(errno));
		return EXIT_NEGATIVE;
	}
	if (!out && !m->cli->quiet)
		printf("%s\nIt holds the policy, names and addresses of devices and what they talked to: look at it before you pass it on.\n", path);
	return EXIT_OK;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"policy", required_argument, NULL, 'p'}, {"no-policy", no_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	struct making m = {.cli = cli, .policy = LENSCAP_SYSCONFDIR "/lenscap/lenscap.yaml", .with_policy = true};
	const char *path = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		switch (opt) {
		case 'o': path = optarg; break;
		case 'p': m.policy = optarg; break;
		case 'n': m.with_policy = false; break;
		default: return cli_usage(&command_debug_bundle);
		}
	return optind == argc ? save(&m, path) : cli_usage(&command_debug_bundle);
}

const struct command command_debug_bundle = {"debug-bundle", "[-o FILE] [--policy PATH] [--no-policy]",
					     "one file for a report of a problem", run};
