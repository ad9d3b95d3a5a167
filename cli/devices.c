/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap devices: who is there, who made it, and what says so. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "devices.h"
#include "listing.h"

enum { COLUMNS = 9, CELL = 160, TIMEOUT_S = 15 };

struct all {
	struct json_object *list; /* an array */
};

static bool
keep(void *arg, struct json_object *event)
{
	struct all *a = arg;

	return json_object_array_add(a->list, json_object_get(event)) == 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(client_text(*(struct json_object *const *)a, "name"), client_text(*(struct json_object *const *)b, "name"));
}

/* "dahua 98%": decided; "dahua? 45%": what most speaks for. */
static void
maker_cell(struct json_object *d, char out[CELL])
{
	const char *maker = client_text(d, "maker"), *likely = client_text(d, "maker_likely");
	long long score = client_number(d, "score");

	if (*maker)
		snprintf(out, CELL, "%s %lld%%", maker, score);
	else if (*likely)
		snprintf(out, CELL, "%s? %lld%%", likely, score);
	else
		out[0] = 0;
}

/* What an operator should look at. */
static void
notes_cell(struct json_object *d, char out[CELL])
{
	const char *contradiction = client_text(d, "contradiction");

	snprintf(out, CELL, "%s%s%s%s%s", client_flag(d, "known") ? "" : "UNKNOWN ", client_flag(d, "covered") ? "COVERED " : "",
		 client_flag(d, "unmasked") ? "UNMASKED " : "", *contradiction ? "or " : "", contradiction);
}

static const char *
first_text(struct json_object *list)
{
	bool some = json_object_is_type(list, json_type_array) && json_object_array_length(list) > 0;

	return some ? json_object_get_string(json_object_array_get_idx(list, 0)) : "";
}

static void
add_row(struct listing *l, struct json_object *d)
{
	char maker[CELL], notes[CELL], last[LISTING_TIME], flows[32];
	const char *brand = client_text(d, "brand"), *mac = client_text(d, "mac");
	char announced[CELL];

	/* Behind a router it is what the device says. */
	snprintf(announced, sizeof announced, *client_text(d, "announced_mac") ? "(%s)" : "%s", client_text(d, "announced_mac"));
	maker_cell(d, maker);
	notes_cell(d, notes);
	listing_time(client_number(d, "last"), false, last);
	snprintf(flows, sizeof flows, "%lld/%lld", client_number(d, "flows"), client_number(d, "blocked"));
	const char *cells[COLUMNS] = {client_text(d, "name"), *mac ? mac : announced, first_text(client_member(d, "addresses")),
				      *brand ? brand : client_text(d, "label"), maker, client_text(d, "model"), notes, flows, last};
	listing_row(l, cells);
}

static void
print_list(struct json_object *list, const struct listing_style *style)
{
	static const char *const header[] = {"NAME", "=MAC", "=ADDRESS", "BRAND", "=MAKER", "~MODEL", "=NOTE", "FLOWS", "~LAST SEEN", NULL};
	struct listing *l = listing_new(header, style);

	json_object_array_sort(list, by_name);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		add_row(l, json_object_array_get_idx(list, i));
	listing_print(l, stdout);
	listing_free(l);
}

static void
print_json(struct json_object *o)
{
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

struct device_list {
	struct json_object *list;
};

struct device_list *
device_list_new(void)
{
	struct device_list *l = calloc(1, sizeof *l);

	if (l)
		l->list = json_object_new_array();
	return l;
}

void
device_list_free(struct device_list *l)
{
	if (l)
		json_object_put(l->list);
	free(l);
}

bool
device_list_add(struct device_list *l, const char *json, size_t len)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o = t ? json_tokener_parse_ex(t, json, (int)len) : NULL;

	json_tokener_free(t);
	if (json_object_is_type(o, json_type_object) && json_object_array_add(l->list, o) == 0)
		return true;
	json_object_put(o);
	return false;
}

void
device_list_print(struct device_list *l, bool json, bool colour, bool header)
{
	struct listing_style style = listing_style(colour, header);

	json_object_array_sort(l->list, by_name);
	if (json)
		print_json(l->list);
	else
		print_list(l->list, &style);
}

static int
list(const struct cli *cli, bool json)
{
	struct all a = {.list = json_object_new_array()};
	int code = EXIT_UNREACHABLE;
	struct json_object *answer = client_stream(cli, "devices", NULL, false, keep, &a, TIMEOUT_S, &code);
	struct listing_style style = listing_style(cli->colour, !cli->no_header);

	code = client_verdict(answer, code);
	if (code == EXIT_OK && json)
		print_json(a.list);
	else if (code == EXIT_OK)
		print_list(a.list, &style);
	json_object_put(a.list);
	json_object_put(answer);
	return code;
}

static void
line(const char *what, const char *text)
{
	char clean[512];

	if (*text)
		printf("%-13s %s\n", what, listing_text(text, clean, sizeof clean));
}

/* One text a line, the first behind its name. */
static void
lines(const char *what, struct json_object *list)
{
	for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++)
		line(i ? "" : what, json_object_get_string(json_object_array_get_idx(list, i)));
}

static void
print_evidence(struct json_object *list, const struct listing_style *style)
{
	static const char *const header[] = {"MAKER", "CHANNEL", "WEIGHT", "PATTERN", "SEEN", "TIMES", "LAST", NULL};
	struct listing *l = listing_new(header, style);

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *ev = json_object_array_get_idx(list, i);
		char weight[32], times[32], last[LISTING_TIME];
		snprintf(weight, sizeof weight, "%lld%s%s", client_number(ev, "weight"), client_flag(ev, "weak") ? " weak" : "",
			 client_flag(ev, "answered") ? "" : " hint");
		snprintf(times, sizeof times, "%lld", client_number(ev, "times"));
		listing_time(client_number(ev, "last"), false, last);
		const char *cells[] = {client_text(ev, "maker"), client_text(ev, "channel"), weight, client_text(ev, "pattern"),
				       client_text(ev, "excerpt"), times, last};
		listing_row(l, cells);
	}
	printf("\n");
	listing_print(l, stdout);
	listing_free(l);
}

static void
print_one(struct json_object *d, const struct listing_style *style)
{
	static const char *const facts[] = {"mac", "announced_mac", "zone", "interface", "brand", "label", "model", "firmware", "serial", "uid", "hostname", "platform"};
	char text[CELL], first[LISTING_TIME], last[LISTING_TIME];
	struct json_object *evidence = client_member(d, "evidence");

	line("name", client_text(d, "name"));
	maker_cell(d, text);
	line("maker", text);
	notes_cell(d, text);
	line("note", text);
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		line(facts[i], client_text(d, facts[i]));
	lines("groups", client_member(d, "groups"));
	lines("addresses", client_member(d, "addresses"));
	printf("%-13s %s to %s\n", "seen", listing_time(client_number(d, "first"), false, first), listing_time(client_number(d, "last"), false, last));
	printf("%-13s %lld, %lld of them refused, %lld open\n", "flows", client_number(d, "flows"), client_number(d, "blocked"),
	       client_number(d, "active"));
	if (json_object_is_type(evidence, json_type_array) && json_object_array_length(evidence) > 0)
		print_evidence(evidence, style);
	if (client_number(d, "evidence_lost"))
		printf("%lld more rows found no room\n", client_number(d, "evidence_lost"));
}

static int
show(const struct cli *cli, const char *device, bool json)
{
	struct json_object *args = json_object_new_object();
	int code = EXIT_UNREACHABLE;
	struct listing_style style = listing_style(cli->colour, !cli->no_header);

	json_object_object_add(args, "device", json_object_new_string(device));
	struct json_object *answer = client_ask(cli, "devices", args, false, TIMEOUT_S, &code);
	json_object_put(args);
	if (!answer)
		return code;
	code = client_verdict(answer, EXIT_OK);
	if (code == EXIT_OK && json)
		print_json(client_member(answer, "data"));
	else if (code == EXIT_OK)
		print_one(client_member(answer, "data"), &style);
	json_object_put(answer);
	return code;
}

/* name: NULL forgets it. */
static int
change(const struct cli *cli, const char *device, const char *name)
{
	struct json_object *args = json_object_new_object();
	int code = EXIT_UNREACHABLE;
	char text[512];

	json_object_object_add(args, "device", json_object_new_string(device));
	if (name)
		json_object_object_add(args, "name", json_object_new_string(name));
	struct json_object *answer = client_ask(cli, name ? "name" : "forget", args, true, TIMEOUT_S, &code);
	json_object_put(args);
	if (!answer)
		return code;
	code = client_verdict(answer, EXIT_OK);
	if (code == EXIT_OK && !cli->quiet)
		printf("%s\n", listing_text(client_text(answer, "data.text"), text, sizeof text));
	json_object_put(answer);
	return code;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'j')
			return cli_usage(&command_devices);
		json = true;
	}
	const char *what = optind < argc ? argv[optind] : "list";
	int left = optind < argc ? argc - optind - 1 : 0;
	char **rest = argv + argc - left;

	if (strcmp(what, "list") == 0 && left == 0)
		return list(cli, json);
	if (strcmp(what, "show") == 0 && left == 1)
		return show(cli, rest[0], json);
	if (strcmp(what, "name") == 0 && left == 2 && !json)
		return change(cli, rest[0], rest[1]);
	if (strcmp(what, "forget") == 0 && left == 1 && !json)
		return change(cli, rest[0], NULL);
	return cli_usage(&command_devices);
}

const struct command command_devices = {"devices", "[list | show DEVICE | name DEVICE NAME | forget DEVICE] [--json]",
					"who is there, who made it, and what says so", run};
