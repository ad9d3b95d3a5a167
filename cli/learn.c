/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap learn: marks a time of learning, and proposes a policy from what was seen in it. Nothing is ever applied. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "client.h"
#include "in_force.h"
#include "learn.h"
#include "policy.h"

enum { TIMEOUT_S = 10, DAYS = 7, DAYS_MAX = 3650, DAY_S = 86400 };

static int
mark(const struct cli *cli, const char *word)
{
	struct json_object *args = json_object_new_object();
	int code = EXIT_UNREACHABLE;

	json_object_object_add(args, "mark", json_object_new_string(word));
	struct json_object *answer = client_ask(cli, "learn", args, true, TIMEOUT_S, &code);
	code = client_verdict(answer, code);
	if (code == EXIT_OK && !cli->quiet)
		puts(strcmp(word, "start") == 0 ? "From now on is learnt; `lenscap learn report` says what. Nothing else changes."
						: "The time of learning ends here; `lenscap learn report` proposes a policy from it.");
	json_object_put(args);
	json_object_put(answer);
	return code;
}

/* The last time of learning, if one was marked; events are in order of time. */
static void
find_period(const struct history *h, int64_t *since_us, int64_t *until_us)
{
	for (size_t i = 0; i < h->n_events; i++) {
		const struct history_event *e = &h->events[i];
		if (strcmp(e->kind, "learn") != 0)
			continue;
		if (strcmp(e->text, "start") == 0) {
			*since_us = e->us;
			*until_us = INT64_MAX;
		} else if (*since_us && *until_us == INT64_MAX) {
			*until_us = e->us;
		}
	}
}

static int
propose(const struct cli *cli, const struct policy *p, int64_t since_us, int64_t until_us)
{
	int64_t now_us = (int64_t)time(NULL) * 1000000;
	struct lesson l = {.policy = p, .history = history_new(since_us / 1000000, 0), .since_us = since_us, .until_us = until_us};
	int code = EXIT_UNREACHABLE;

	if (l.until_us > now_us + 1000000)
		l.until_us = now_us + 1000000;
	if (l.history && history_fetch(l.history, cli, HISTORY_FLOWS | HISTORY_DEVICES | HISTORY_RUNS, &code)) {
		l.judge = row_judge_new(p, p, l.history);
		code = l.judge && learn_sort(&l) ? EXIT_OK : EXIT_UNREACHABLE;
		if (code != EXIT_OK)
			fprintf(stderr, "lenscap: not enough memory\n");
		else if (l.rows == 0)
			fprintf(stderr, "lenscap: nothing was seen in this time; a flow enters the history when it ends\n");
		else
			learn_write(&l, stdout);
		if (code == EXIT_OK && l.rows == 0)
			code = EXIT_NEGATIVE;
	}
	row_judge_free(l.judge);
	learn_free(&l);
	history_free(l.history);
	return code;
}

static int
report(const struct cli *cli, long days)
{
	struct history *marks = history_new(0, 0);
	int64_t since_us = 0, until_us = INT64_MAX;
	int code = EXIT_UNREACHABLE;
	struct policy *p = NULL;

	if (marks && history_fetch(marks, cli, HISTORY_EVENTS, &code))
		p = policy_in_force(cli, NULL, &code);
	if (p) {
		if (!days)
			find_period(marks, &since_us, &until_us);
		if (!since_us)
			since_us = ((int64_t)time(NULL) - (days ? days : DAYS) * DAY_S) * 1000000;
		code = propose(cli, p, since_us, until_us);
	}
	policy_free(p);
	history_free(marks);
	return code;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"days", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
	long days = 0;
	char *end;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'd')
			return cli_usage(&command_learn);
		days = strtol(optarg, &end, 10);
		if (end == optarg || *end || days < 1 || days > DAYS_MAX)
			return cli_usage(&command_learn);
	}
	if (optind + 1 != argc)
		return cli_usage(&command_learn);
	const char *word = argv[optind];
	if (strcmp(word, "report") == 0)
		return report(cli, days);
	if (days || (strcmp(word, "start") != 0 && strcmp(word, "stop") != 0))
		return cli_usage(&command_learn);
	return mark(cli, word);
}

const struct command command_learn = {"learn", "start|stop|report [--days N]", "propose a policy from what was seen", run};
