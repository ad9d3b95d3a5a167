/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap mud: a manufacturer's usage description (RFC 8520) as rules, and what a device did as such a description. Nothing is ever applied. */
#include "mud.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "in_force.h"
#include "learn.h"
#include "policy.h"

enum { DAY_S = 86400, URL_MAX = 200 };

/* The whole file, to free; NULL: told why. */
static char *
read_file(const char *path, size_t *ret_len)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	char *text = f ? malloc(MUD_BYTES_MAX + 1) : NULL;

	if (!text) {
		fprintf(stderr, "lenscap: %s: %s\n", path, strerror(errno));
	} else {
		*ret_len = fread(text, 1, MUD_BYTES_MAX + 1, f);
		if (ferror(f)) {
			fprintf(stderr, "lenscap: %s: %s\n", path, strerror(errno));
			free(text);
			text = NULL;
		}
	}
	if (f && f != stdin)
		fclose(f);
	return text;
}

static int
tell_faults(const struct mud *m, const char *path)
{
	for (size_t i = 0; i < m->n_faults && i < MUD_FAULTS_MAX; i++)
		fprintf(stderr, "%s: %s: %s\n", path, m->faults[i].path, m->faults[i].text);
	if (m->n_faults > MUD_FAULTS_MAX)
		fprintf(stderr, "and %zu more\n", m->n_faults - MUD_FAULTS_MAX);
	if (!m->partial)
		fprintf(stderr, "No rules were made. With --partial entries that allow something a policy cannot say are left out.\n");
	return EXIT_NEGATIVE;
}

static int
import(const char *path, const struct mud_import *how, bool quiet)
{
	struct mud m;
	size_t len = 0, out_len = 0;
	char *text = read_file(path, &len), *rules = NULL;

	if (!text)
		return EXIT_NEGATIVE;
	bool good = mud_read(&m, text, len, how->partial);
	FILE *out = good ? open_memstream(&rules, &out_len) : NULL;
	if (out) {
		good = mud_write_rules(&m, how, out);
		good &= fclose(out) == 0;
	}
	int code = good && out ? EXIT_OK : tell_faults(&m, path);
	if (code == EXIT_OK && (fwrite(rules, 1, out_len, stdout) != out_len || fflush(stdout) != 0)) {
		fprintf(stderr, "lenscap: standard output: %s\n", strerror(errno));
		code = EXIT_NEGATIVE;
	}
	size_t left_out = 0;
	for (size_t i = 0; i < m.n_remarks && i < MUD_FAULTS_MAX; i++)
		left_out += m.remarks[i].left_out;
	if (code == EXIT_OK && left_out && !quiet)
		fprintf(stderr, "lenscap: entries were left out; remarks at the end of the rules say which.\n");
	free(rules);
	free(text);
	mud_free(&m);
	return code;
}

/* ---- export ---- */

static bool
is_device(const struct policy *p, struct lesson *l, const struct history_flow *f, const char *who)
{
	size_t n;
	struct facts facts;
	const struct policy_device *list = policy_devices(p, &n);

	if (strcasecmp(f->device, who) == 0 || strcasecmp(f->mac, who) == 0 || (!*f->mac && strcmp(f->local, who) == 0))
		return true;
	row_facts(l->judge, f, &facts);
	return facts.device < n && strcmp(list[facts.device].name, who) == 0;
}

/* Only what this device did stays in the history. */
static void
keep_device(struct lesson *l, const char *who)
{
	struct history *h = l->history;
	size_t n = 0;

	for (size_t i = 0; i < h->n_flows; i++)
		if (is_device(l->policy, l, &h->flows[i], who))
			h->flows[n++] = h->flows[i];
	h->n_flows = n;
}

static int
write_description(struct lesson *l, const char *who, const char *url)
{
	char date[40], made[URL_MAX + 64];
	time_t now = time(NULL);
	struct tm tm;

	if (l->n_learners != 1) {
		if (l->n_learners)
			fprintf(stderr, "lenscap: %s is more than one device; say its MAC address\n", who);
		else
			fprintf(stderr, "lenscap: nothing was seen of %s in this time; a flow enters the history when it ends\n", who);
		return EXIT_NEGATIVE;
	}
	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(made, sizeof made, "https://lenscap.invalid/%.60s.json", l->learners[0].name);
	struct json_object *o = mud_describe(l, url ? url : made, date, stderr);
	if (!o)
		return EXIT_UNREACHABLE;
	if (l->history->cut || l->history->bad)
		fprintf(stderr, "lenscap: not complete: there is more history than fits, or rows that made no sense\n");
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return EXIT_OK;
}

static int
export(const struct cli *cli, const char *who, long days, const char *url)
{
	int code = EXIT_UNREACHABLE;
	int64_t now = time(NULL);
	struct policy *p = policy_in_force(cli, NULL, &code);
	struct lesson l = {.policy = p, .since_us = (now - days * DAY_S) * 1000000, .until_us = (now + 1) * 1000000};

	if (!p)
		return code;
	l.history = history_new(now - days * DAY_S, 0);
	if (l.history && history_fetch(l.history, cli, HISTORY_FLOWS | HISTORY_DEVICES, &code)) {
		l.judge = row_judge_new(p, p, l.history);
		if (l.judge)
			keep_device(&l, who);
		if (l.judge && learn_sort(&l)) {
			code = write_description(&l, who, url);
		} else {
			fprintf(stderr, "lenscap: not enough memory\n");
			code = EXIT_UNREACHABLE;
		}
	}
	row_judge_free(l.judge);
	learn_free(&l);
	history_free(l.history);
	policy_free(p);
	return code;
}

/* ---- words ---- */

static bool
is_url(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x21 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\')
			return false;
	return n > 8 && n <= URL_MAX && strncmp(s, "https://", 8) == 0 && s[8] != '/';
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"device", required_argument, NULL, 'd'}, {"zone", required_argument, NULL, 'z'},
						{"map", required_argument, NULL, 'm'},	  {"partial", no_argument, NULL, 'p'},
						{"days", required_argument, NULL, 'n'},	  {"url", required_argument, NULL, 'u'},
						{NULL, 0, NULL, 0}};
	struct mud_import how = {.device = NULL};
	const char *url = NULL;
	long days = 0;
	char *end;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		bool good = opt != '?';
		if (opt == 'd')
			good = mud_name_fits(how.device = optarg);
		else if (opt == 'z')
			good = mud_name_fits(how.zone = optarg);
		else if (opt == 'm' && !(good = mud_map_add(&how, optarg)))
			fprintf(stderr, "lenscap: --map takes WHAT=WHERE, where WHERE is addresses and networks or zones, with commas\n");
		else if (opt == 'p')
			how.partial = true;
		else if (opt == 'u')
			good = is_url(url = optarg);
		else if (opt == 'n')
			good = (days = strtol(optarg, &end, 10)) >= 1 && days <= MUD_DAYS_MAX && !*end;
		if (!good)
			return cli_usage(&command_mud);
	}
	bool imports = optind + 2 == argc && strcmp(argv[optind], "import") == 0, exports = optind + 2 == argc && strcmp(argv[optind], "export") == 0;
	if (imports && !how.device && !how.zone) {
		fprintf(stderr, "lenscap: say whose rules these are: --device NAME, --zone NAME, or both\n");
		return EXIT_USAGE;
	}
	if (imports && !days && !url)
		return import(argv[optind + 1], &how, cli->quiet);
	if (exports && !how.device && !how.zone && !how.n_maps && !how.partial)
		return export(cli, argv[optind + 1], days ? days : MUD_DAYS, url);
	return cli_usage(&command_mud);
}

const struct command command_mud = {"mud",
				    "import|export FILE|DEVICE [--device DEVICE] [--zone ZONE] [--map WHAT=WHERE] [--partial] [--days N] [--url URL]",
				    "rules from a manufacturer's description (RFC 8520), and back", run};
