/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap geo: which databases say where an address is, how old they are, and what each says of one. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "listing.h"

enum { TIMEOUT_S = 10, CELL = 320 };

/* Where Debian's package keeps the file to which the usual path is a link. It is as old as the release, whatever is upgraded. */
static const char packaged[] = "/usr/share/libloc-location/";

static bool
is_packaged(const char *path)
{
	char *target = realpath(path, NULL);
	bool is = target && strncmp(target, packaged, sizeof packaged - 1) == 0;

	free(target);
	return is;
}

/* How to get a newer one, by kind of file; NULL where another file would not help. */
static const char *
remedy(struct json_object *db)
{
	const char *path = client_text(db, "path");
	bool libloc = strcmp(client_text(db, "kind"), "libloc") == 0 || strncmp(path, "/var/lib/location/", 18) == 0;

	if (strcmp(client_text(db, "state"), "missing") == 0)
		return libloc ? "run `apt install location libloc-database`, then `location update`; no account is needed"
			      : "put it there (`geoipupdate`), or take it out of geo: in the policy";
	if (strcmp(client_text(db, "state"), "broken") == 0 && client_member(db, "built"))
		return NULL; /* it reads well, but is on the wrong list */
	if (is_packaged(path))
		return "this is the file of Debian's package, which no upgrade renews; run `apt install location`, then `location update`";
	if (libloc)
		return "run `location update`";
	return "run `geoipupdate`, or fetch it anew from where it came";
}

static const char *
age(struct json_object *db, char out[CELL])
{
	long long s = client_number(db, "age_s");

	if (!client_member(db, "age_s"))
		return "";
	snprintf(out, CELL, "%lldd", s > 0 ? s / 86400 : 0);
	return out;
}

static void
print_databases(struct json_object *list, const struct cli *cli)
{
	static const char *const header[] = {"STATE", "AGE", "TYPE", "FIELDS", "PATH", "PROBLEM", NULL};
	const struct listing_style style = listing_style(cli->colour, !cli->no_header);
	struct listing *l = listing_new(header, &style);
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	char text[CELL];
	bool renewed = false;

	for (size_t i = 0; i < n; i++) {
		struct json_object *db = json_object_array_get_idx(list, i);
		const char *cells[] = {client_text(db, "state"), age(db, text), client_text(db, "type"), client_text(db, "mapping"),
				       client_text(db, "path"), client_text(db, "problem")};
		listing_row(l, cells);
	}
	listing_print(l, stdout);
	listing_free(l);
	for (size_t i = 0; i < n; i++) {
		struct json_object *db = json_object_array_get_idx(list, i);
		const char *what = remedy(db);
		if (strcmp(client_text(db, "state"), "ok") == 0 || !what)
			continue;
		printf("%s: %s\n", client_text(db, "path"), what);
		renewed = true;
	}
	if (renewed)
		printf("A new file is read at the next `lenscap reload`; under systemd lenscap-geo.path does that by itself.\n");
}

static void
add_answer(struct listing *l, struct json_object *o, const char *source)
{
	char as[CELL];

	snprintf(as, sizeof as, "AS%lld", client_number(o, "asn"));
	const char *special = client_text(o, "special"), *country = client_text(o, "country");
	const char *cells[] = {source, *special ? special : *country ? country : "??", client_text(o, "registered_country"),
			       client_number(o, "asn") ? as : "", client_text(o, "as_name"), client_flag(o, "anycast") ? "anycast" : ""};
	listing_row(l, cells);
}

static void
print_answers(struct json_object *data, const struct cli *cli)
{
	static const char *const header[] = {"SOURCE", "COUNTRY", "REGISTERED", "AS", "AS NAME", "", NULL};
	const struct listing_style style = listing_style(cli->colour, !cli->no_header);
	struct listing *l = listing_new(header, &style);
	struct json_object *list = client_member(data, "databases"), *answer = client_member(data, "answer");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	char source[2 * CELL];

	for (size_t i = 0; i < n; i++) {
		struct json_object *db = json_object_array_get_idx(list, i), *says = client_member(db, "says");
		add_answer(l, says, client_text(db, "path"));
	}
	snprintf(source, sizeof source, "answer (%.200s, AS: %.200s)", client_text(answer, "country_source"), client_text(answer, "asn_source"));
	add_answer(l, answer, source);
	listing_print(l, stdout);
	listing_free(l);
	if (*client_text(answer, "zone"))
		printf("the policy has it in zone %s\n", client_text(answer, "zone"));
	if (*client_text(answer, "special"))
		printf("a special-purpose range (%s) is in no country: the databases are not asked; only an override inside the range changes that\n",
		       client_text(answer, "special"));
}

static bool
all_well(struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(client_text(json_object_array_get_idx(list, i), "state"), "ok") != 0)
			return false;
	return true;
}

static int
ask(const struct cli *cli, const char *address, bool json)
{
	int code = EXIT_UNREACHABLE;
	struct json_object *args = json_object_new_object();

	if (address)
		json_object_object_add(args, "address", json_object_new_string(address));
	struct json_object *answer = client_ask(cli, "geo", args, false, TIMEOUT_S, &code), *data = client_member(answer, "data");
	code = client_verdict(answer, code);
	if (code == EXIT_OK) {
		if (json)
			printf("%s\n", json_object_to_json_string_ext(data, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
		else if (address)
			print_answers(data, cli);
		else
			print_databases(client_member(data, "databases"), cli);
		if (!address && !all_well(client_member(data, "databases")))
			code = EXIT_DEGRADED;
	}
	json_object_put(args);
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
			return cli_usage(&command_geo);
		json = true;
	}
	argc -= optind;
	argv += optind;
	if (argc == 1 && strcmp(argv[0], "status") == 0)
		return ask(cli, NULL, json);
	if (argc == 2 && strcmp(argv[0], "test") == 0)
		return ask(cli, argv[1], json);
	return cli_usage(&command_geo);
}

const struct command command_geo = {"geo", "status|test [ADDRESS] [--json]", "databases and their age; where an address is, and who says so", run};
