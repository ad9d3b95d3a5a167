/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap check: loads a policy as the daemon would, runs its tests, and tells what it found. Needs no daemon
 * and no root.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bundle.h"
#include "cli.h"
#include "diag.h"
#include "geo.h"
#include "policy.h"

struct wish {
	const char *path;
	bool strict, lint, json;
	bool here; /* the policy of this machine, so its databases are those that will be asked */
};

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
unreadable(const char *path, const char *file, int error, struct diags *diags)
{
	struct place_in_file at = {file ? file : path, 0, 0, 0};
	const char *why = error == EFBIG ? "the policy is too large" : strerror(error);
	diag_add(diags, DIAG_ERROR, "E191", &at, NULL, "%s", why);
}

/* NULL: *diags says why. Warnings of a policy that loads are there as well. */
static struct policy *
load(const struct wish *w, struct diags *diags)
{
	char *file = NULL;
	struct bundle *b = policy_read(w->path, &file);
	if (!b) {
		unreadable(w->path, file, errno, diags);
		free(file);
		return NULL;
	}
	struct policy *p = policy_load(b, diags);
	if (w->lint)
		policy_lint(b, diags);
	bundle_free(b);
	return p;
}

/* A missing one may come before the daemon starts; an old one stays old until somebody does something. */
static void
check_ages(const struct policy *p, const char *path, struct diags *diags)
{
	struct place_in_file at = {path, 0, 0, 0};
	struct geo_config config;

	policy_geo(p, &config);
	config.quiet = true;
	struct geo *g = geo_open(&config, time(NULL));
	size_t n = 0;
	const struct geo_database *db = g ? geo_databases(g, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		if (db[i].state == GEO_STALE)
			diag_add(diags, DIAG_WARNING, "W401", &at, NULL, "geo database %s %s; `lenscap geo status` says how", db[i].path,
				 db[i].problem);
	if (g)
		geo_close(g);
}

static void
print_good(const struct policy *p)
{
	size_t rules, devices;
	policy_devices(p, &devices);
	policy_rules(p, &rules);
	rules -= POLICY_BUILTIN_RULES;
	size_t tests = policy_tests(p);
	printf("policy %s is good: %s mode, %zu rule%s, %zu device%s, %zu test%s passed", policy_id(p),
	       mode_name(policy_mode(p)), rules, plural(rules), devices, plural(devices), tests,
	       plural(tests));
}

static void
print_summary(const struct policy *p, const struct diags *d)
{
	if (d->errors)
		printf("%u error%s", d->errors, plural(d->errors));
	else
		print_good(p);
	if (d->warnings)
		printf(", %u warning%s", d->warnings, plural(d->warnings));
	if (d->errors > DIAG_MAX || d->warnings > DIAG_MAX)
		printf("; at most %d of each kind are shown", DIAG_MAX);
	printf(".\n");
}

static int
check(const struct wish *w, bool colour)
{
	struct diags diags = {0};
	struct policy *p = load(w, &diags);
	if (p)
		policy_run_tests(p, &diags);
	if (p && w->here)
		check_ages(p, w->path, &diags);
	diags_sort(&diags);
	if (w->json) {
		diags_print_json(&diags, stdout);
	} else {
		diags_print(&diags, stdout, colour);
		print_summary(p, &diags);
	}
	bool good = p && diags.errors == 0 && !(w->strict && diags.warnings);
	policy_free(p);
	diags_free(&diags);
	if (fflush(stdout) == EOF) {
		fprintf(stderr, "lenscap: cannot write: %s\n", strerror(errno));
		return EXIT_NEGATIVE;
	}
	return good ? EXIT_OK : EXIT_NEGATIVE;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"strict", no_argument, NULL, 's'},
						{"lint", no_argument, NULL, 'l'},
						{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	struct wish w = {.path = LENSCAP_SYSCONFDIR "/lenscap/lenscap.yaml", .here = true};
	int opt;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return cli_usage(&command_check);
		w.strict |= opt == 's';
		w.lint |= opt == 'l';
		w.json |= opt == 'j';
	}
	if (argc - optind > 1)
		return cli_usage(&command_check);
	if (optind < argc) {
		w.path = argv[optind];
		w.here = false;
	}
	return check(&w, cli->colour);
}

const struct command command_check = {"check", "[FILE|DIR] [--strict] [--lint] [--json]",
				      "check a policy and run its tests", run};
