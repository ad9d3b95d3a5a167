/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap tail: the records as they come, from the daemon's socket. When the daemon goes away it waits for the next one and goes on behind the
 * record that it had last, so that a restart loses none.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "client.h"
#include "listing.h"
#include "tail_line.h"

enum {
	BACKOFF_MS = 100, /* the first wait for a daemon, then twice as long, up to */
	BACKOFF_MAX_MS = 2000,
	ANSWER_MS = 10000, /* for the first line of a new daemon */
};

struct tail {
	const struct cli *cli;
	struct json_object *args;
	struct tail_style style;
	bool eve;
	char boot[64];	   /* of the daemon whose records these are; "" none yet */
	long long seq;	   /* of the last one */
	bool ended;	   /* the daemon said that it stops */
	int code;
};

/* What went wrong on the way goes to standard error: standard output holds records only. */
static bool
take_event(struct tail *t, struct json_object *event, const char *line, size_t len)
{
	static const char mark[] = "\"record\":";
	struct json_object *record = client_member(event, "record");

	if (*client_text(event, "boot")) {
		snprintf(t->boot, sizeof t->boot, "%s", client_text(event, "boot"));
		t->seq = client_number(event, "next") - 1;
	} else if (record) {
		const char *text = strstr(line, mark);
		t->seq = client_number(event, "seq");
		/* The bytes of the record as they were written, without the two braces around it. */
		if (t->eve && text && len > (size_t)(text - line) + sizeof mark + 1)
			printf("%.*s\n", (int)(len - (size_t)(text - line) - (sizeof mark - 1) - 2), text + sizeof mark - 1);
		else
			tail_print(&t->style, record, stdout);
	} else if (client_number(event, "lost") > 0) {
		fprintf(stderr, "lenscap: %lld records went by too fast and are lost here; the log files have them\n",
			client_number(event, "lost"));
	}
	return fflush(stdout) == 0;
}

/* False: no more lines are wanted, and t->code is the exit status unless the daemon ended. */
static bool
take_line(struct tail *t, const char *line, size_t len)
{
	struct json_object *o = json_tokener_parse(line), *event = client_member(o, "event");
	bool more = true;

	if (event) {
		more = take_event(t, event, line, len);
		t->code = more ? EXIT_OK : EXIT_NEGATIVE;
	} else if (client_flag(o, "ok")) {
		more = false;
		t->code = EXIT_OK;
	} else {
		t->ended = strcmp(client_text(o, "error"), "the daemon stops") == 0;
		if (!t->ended)
			t->code = client_verdict(o, EXIT_REFUSED);
		more = false;
	}
	json_object_put(o);
	return more;
}

static void
set_cursor(struct tail *t)
{
	if (!*t->boot)
		return;
	struct json_object *after = json_object_new_object();
	json_object_object_add(after, "boot", json_object_new_string(t->boot));
	json_object_object_add(after, "seq", json_object_new_int64(t->seq));
	json_object_object_add(t->args, "after", after);
}

/* One connection, as long as it lasts. True: the daemon went away, and the next one is to be asked. */
static bool
follow(struct tail *t, struct client *c)
{
	size_t len;
	char *line;
	int patience = ANSWER_MS;

	t->ended = false;
	set_cursor(t);
	if (!client_send(c, "events", t->args))
		return true;
	while ((line = client_line(c, patience, &len))) {
		patience = -1;
		if (!take_line(t, line, len))
			return t->ended;
	}
	if (errno != EPIPE && errno != ECONNRESET)
		fprintf(stderr, "lenscap: %s/control.sock: %s\n", t->cli->run_dir, strerror(errno));
	else
		fprintf(stderr, "lenscap: the daemon ended without a last word: what it wrote at its end may be missing here\n");
	return true;
}

static struct client *
wait_for_daemon(const struct tail *t)
{
	fprintf(stderr, "lenscap: the daemon went away; waiting for it to come back\n");
	for (long ms = BACKOFF_MS;; ms = ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS) {
		struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
		nanosleep(&pause, NULL);
		struct client *c = client_open(t->cli, false);
		if (c) {
			fprintf(stderr, "lenscap: it is back\n");
			return c;
		}
	}
}

static int
run_tail(struct tail *t)
{
	struct client *c = client_open(t->cli, false);

	if (!c)
		return client_unreachable(t->cli, errno);
	while (follow(t, c)) {
		client_close(c);
		c = wait_for_daemon(t);
	}
	client_close(c);
	return t->code;
}

static void
add_types(struct json_object *args, const char *list)
{
	struct json_object *types = json_object_new_array();

	while (*list) {
		size_t n = strcspn(list, ",");
		if (n > 0)
			json_object_array_add(types, json_object_new_string_len(list, (int)n));
		list += n + (list[n] == ',');
	}
	json_object_object_add(args, "types", types);
}

static bool
read_option(struct tail *t, int opt, const char *value)
{
	int64_t since;
	char *end;
	long n;

	switch (opt) {
	case 's':
		if (!listing_since(value, time(NULL), &since))
			return false;
		json_object_object_add(t->args, "since", json_object_new_int64(since));
		return true;
	case 't':
		add_types(t->args, value);
		return true;
	case 'd':
		json_object_object_add(t->args, "device", json_object_new_string(value));
		return true;
	case 'c':
		json_object_object_add(t->args, "country", json_object_new_string(value));
		return true;
	case 'D':
		json_object_object_add(t->args, "decision", json_object_new_string(value));
		return true;
	case 'n':
		n = strtol(value, &end, 10);
		json_object_object_add(t->args, "last", json_object_new_int64(n));
		return n > 0 && n < 1000000 && !*end;
	case 'e':
		json_object_object_add(t->args, "end", json_object_new_boolean(true));
		return true;
	case 'o':
		t->eve = strcmp(value, "eve") == 0;
		return t->eve || strcmp(value, "human") == 0;
	}
	return false;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"since", required_argument, NULL, 's'},    {"types", required_argument, NULL, 't'},
						{"device", required_argument, NULL, 'd'},   {"country", required_argument, NULL, 'c'},
						{"decision", required_argument, NULL, 'D'}, {"no-follow", no_argument, NULL, 'e'},
						{NULL, 0, NULL, 0}};
	struct tail t = {.cli = cli, .args = json_object_new_object(), .code = EXIT_UNREACHABLE};
	int opt;
	bool good = true;

	while (good && (opt = getopt_long(argc, argv, "t:o:n:", options, NULL)) != -1)
		good = read_option(&t, opt, optarg);
	t.style = (struct tail_style){.colour = cli->colour, .width = listing_style(false, false).width};
	int code = good && optind == argc ? run_tail(&t) : cli_usage(&command_tail);
	json_object_put(t.args);
	return code;
}

const struct command command_tail = {
	"tail",
	"[--since TIME] [-t TYPE,...] [--device DEVICE] [--country CC] [--decision allow|block|would] [-n LAST] [-o human|eve] [--no-follow]",
	"records as they come, across restarts of the daemon", run};
