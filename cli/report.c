/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap report: what was seen of each device, for people who must account for it. Facts only; what follows from them is for the reader. */
#include "report.h"

#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalogue.h"
#include "cli.h"
#include "client.h"
#include "in_force.h"
#include "listing.h"
#include "policy.h"

static const struct {
	const char *name;
	void (*print)(const struct report *r, FILE *out);
} forms[] = {{"text", report_text}, {"csv", report_csv}, {"json", report_json}, {"html", report_html}};

enum { DAYS = 30, DAY_S = 86400, KINDS = HISTORY_FLOWS | HISTORY_DEVICES | HISTORY_EVIDENCE | HISTORY_EVENTS | HISTORY_RUNS };

/* What the policy says that this device is sold as; "" when it does not say. */
static const char *
declared_brand(const struct policy *p, const struct history_device *d)
{
	size_t n;
	const struct policy_device *list = policy_devices(p, &n);

	for (size_t i = 0; d && d->in_policy && i < n; i++)
		if (strcmp(list[i].name, d->device) == 0)
			return list[i].brand;
	return "";
}

/* What only the policy and its catalogue know. */
static void
name_makers(struct report *r, const struct policy *p)
{
	const struct maker *makers;
	size_t n = catalogue_makers(policy_catalogue(p), &makers);

	for (size_t i = 0; i < r->n_devices; i++) {
		const struct history_device *d = r->devices[i].device;
		uint16_t maker = d && *d->maker ? catalogue_maker(policy_catalogue(p), d->maker) : MAKER_UNKNOWN;
		r->devices[i].maker_name = maker < n ? makers[maker].name : d ? d->maker : "";
		r->devices[i].label = *declared_brand(p, d) ? declared_brand(p, d) : d ? d->brand : "";
	}
}

/* -1: there is none of this name. */
static int
find_form(const char *name)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strcmp(forms[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int
make(const struct cli *cli, int form, int64_t since_s)
{
	struct report r = {.history = history_new(since_s, 0), .since_us = since_s * 1000000, .until_us = (int64_t)time(NULL) * 1000000};
	int code = EXIT_UNREACHABLE;
	struct policy *p = policy_in_force(cli, NULL, &code);

	if (p && r.history && history_fetch(r.history, cli, KINDS, &code)) {
		r.policy_id = policy_id(p);
		r.mode = mode_name(policy_mode(p));
		r.version = LENSCAP_VERSION;
		if (report_fill(&r)) {
			name_makers(&r, p);
			forms[form].print(&r, stdout);
		} else {
			fprintf(stderr, "lenscap: not enough memory\n");
			code = EXIT_UNREACHABLE;
		}
	}
	report_free(&r);
	history_free(r.history);
	policy_free(p);
	return code;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"since", required_argument, NULL, 's'}, {"format", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
	int64_t now = time(NULL), since = now - (int64_t)DAYS * DAY_S;
	int form = 0, opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'f')
			form = find_form(optarg);
		else if (opt != 's' || !listing_since(optarg, now, &since))
			return cli_usage(&command_report);
	}
	if (optind != argc || form < 0)
		return cli_usage(&command_report);
	return make(cli, form, since);
}

const struct command command_report = {"report", "[--since TIME] [--format text|csv|json|html]", "what was seen of each device, for the files", run};
