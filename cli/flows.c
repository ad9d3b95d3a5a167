/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap flows: what is open now, and what was refused lately; the latest last. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "client.h"
#include "listing.h"

enum {
	CELL = 320,
	COLUMNS = 10,
	TIMEOUT_S = 15,
	LIMIT = 1000, /* on a terminal nobody reads more */
};

struct all {
	struct json_object **rows;
	size_t n, cap;
	bool failed;
};

static bool
keep(void *arg, struct json_object *event)
{
	struct all *a = arg;

	if (a->n == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 256;
		struct json_object **more = realloc(a->rows, cap * sizeof *more);
		if (!more) {
			a->failed = true;
			return false;
		}
		a->rows = more;
		a->cap = cap;
	}
	a->rows[a->n++] = json_object_get(event);
	return true;
}

static int
by_last(const void *a, const void *b)
{
	long long x = client_number(*(struct json_object *const *)a, "last"), y = client_number(*(struct json_object *const *)b, "last");
	return x < y ? -1 : x > y;
}

static const char *
decision(struct json_object *f)
{
	const char *done = client_text(f, "decision"), *would = client_text(f, "would");
	bool stops = strcmp(would, "block") == 0 || strcmp(would, "reject") == 0;

	if (strcmp(done, "pending") == 0 && !stops)
		return "PENDING";
	if (strcmp(done, "allow") == 0 || strcmp(done, "pending") == 0)
		return stops ? "WOULD" : "ALLOW";
	return strcmp(done, "reject") == 0 ? "REJECT" : "BLOCK";
}

static void
add_row(struct listing *l, struct json_object *f, const struct listing_style *style)
{
	char last[LISTING_TIME], size[LISTING_SIZE], far[CELL], as[CELL];
	const char *ip = client_text(f, "dest_ip"), *place = client_text(f, "country");
	const char *name = client_text(f, "name");

	listing_time(client_number(f, "last"), false, last);
	listing_size((uint64_t)(client_number(f, "bytes_toserver") + client_number(f, "bytes_toclient")), style->bytes_exact, size);
	snprintf(far, sizeof far, strchr(ip, ':') ? "%s [%s]:%lld/%s" : "%s %s:%lld/%s", client_flag(f, "inbound") ? "<-" : "->", ip,
		 client_number(f, "dest_port"), client_text(f, "proto"));
	snprintf(as, sizeof as, "AS%lld", client_number(f, "asn"));
	const char *cells[COLUMNS] = {last + (*last ? 11 : 0), decision(f), client_text(f, "device"), far,
				      *place ? place : client_text(f, "special"), client_number(f, "asn") ? as : "", client_text(f, "app_proto"),
				      name, client_text(f, "rule"), size};
	listing_row(l, cells);
}

static void
print(const struct all *a, const struct listing_style *style)
{
	static const char *const header[] = {"LAST", "DECISION", "DEVICE", "FAR SIDE", "CC", "AS", "PROTOCOL", "NAME", "RULE", "BYTES", NULL};
	struct listing *l = listing_new(header, style);

	for (size_t i = 0; i < a->n; i++)
		add_row(l, a->rows[i], style);
	if (!listing_print(l, stdout))
		fprintf(stderr, "lenscap: memory is short, rows are missing\n");
	listing_free(l);
}

static void
print_json(const struct all *a)
{
	for (size_t i = 0; i < a->n; i++)
		printf("%s%s", i ? ",\n " : "[", json_object_to_json_string_ext(a->rows[i], JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	printf(a->n ? "]\n" : "[]\n");
}

static int
show(struct json_object *args, const struct cli *cli, bool json, bool exact, long limit)
{
	struct all a = {0};
	int code = EXIT_UNREACHABLE;
	struct listing_style style = listing_style(cli->colour, !cli->no_header);

	style.bytes_exact = exact;
	if (!limit && style.width && !json)
		limit = LIMIT;
	if (limit)
		json_object_object_add(args, "limit", json_object_new_int64(limit));
	struct json_object *answer = client_stream(cli, "flows", args, false, keep, &a, TIMEOUT_S, &code);
	code = a.failed ? EXIT_NEGATIVE : client_verdict(answer, code);
	if (code == EXIT_OK) {
		if (a.n)
			qsort(a.rows, a.n, sizeof *a.rows, by_last);
		if (json)
			print_json(&a);
		else
			print(&a, &style);
		if (limit && a.n == (size_t)limit && !cli->quiet)
			fprintf(stderr, "lenscap: there may be more than these %ld; see --limit\n", limit);
	}
	for (size_t i = 0; i < a.n; i++)
		json_object_put(a.rows[i]);
	free(a.rows);
	json_object_put(answer);
	return code;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"blocked", no_argument, NULL, 'b'}, {"device", required_argument, NULL, 'd'},
						{"limit", required_argument, NULL, 'l'}, {"json", no_argument, NULL, 'j'},
						{"bytes", no_argument, NULL, 'B'},	 {NULL, 0, NULL, 0}};
	struct json_object *args = json_object_new_object();
	bool json = false, exact = false, good = true;
	long limit = 0;
	int opt;

	while (good && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (opt) {
		case 'b': json_object_object_add(args, "blocked", json_object_new_boolean(true)); break;
		case 'd': json_object_object_add(args, "device", json_object_new_string(optarg)); break;
		case 'l':
			limit = strtol(optarg, NULL, 10);
			good = limit > 0;
			break;
		case 'j': json = true; break;
		case 'B': exact = true; break;
		default: good = false;
		}
	int code = good && optind == argc ? show(args, cli, json, exact, limit) : cli_usage(&command_flows);
	json_object_put(args);
	return code;
}

const struct command command_flows = {"flows", "[--blocked] [--device DEVICE] [--limit N] [--bytes] [--json]",
				      "flows that are open now, and what was refused lately", run};
