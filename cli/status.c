/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap status: is it well, and what is it doing. Exit status 0, or 10 when something is wrong. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "listing.h"

enum { AGE_TEXT = 64 };

/* "3d 4h", "4m 10s": two units are enough for an age. */
static const char *
age(long long s, char out[AGE_TEXT])
{
	static const struct {
		long long s;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	if (s < 0)
		s = 0;
	while (i < 3 && s < units[i].s)
		i++;
	if (i == 3)
		snprintf(out, AGE_TEXT, "%llds", s);
	else
		snprintf(out, AGE_TEXT, "%lld%c %lld%c", s / units[i].s, units[i].unit, s % units[i].s / units[i + 1].s, units[i + 1].unit);
	return out;
}

static void
print_geo(struct json_object *list)
{
	char text[AGE_TEXT];

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *db = json_object_array_get_idx(list, i);
		printf("geo        %s  %s", client_text(db, "path"), client_text(db, "state"));
		if (client_number(db, "age_s"))
			printf(", %s old", age(client_number(db, "age_s"), text));
		if (*client_text(db, "problem"))
			printf(": %s (how: lenscap geo status)", client_text(db, "problem"));
		printf("\n");
	}
}

static void
print_outputs(struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		printf("output     %s %s  %lld records", client_text(o, "kind"), client_text(o, "path"), client_number(o, "written"));
		if (client_number(o, "dropped"))
			printf(", %lld lost", client_number(o, "dropped"));
		if (*client_text(o, "problem"))
			printf(": %s", client_text(o, "problem"));
		printf("\n");
	}
}

static void
print_history(struct json_object *d)
{
	char bytes[LISTING_SIZE];

	printf("history    %s, %s", client_flag(d, "history.running") ? "kept" : "NOT KEPT",
	       listing_size((uint64_t)client_number(d, "history.bytes"), false, bytes));
	if (client_number(d, "history.lost"))
		printf(", %lld records lost", client_number(d, "history.lost"));
	printf("\n");
}

static void
print_sandbox(struct json_object *d)
{
	long long landlock = client_number(d, "sandbox.landlock");

	if (!client_flag(d, "sandbox.on"))
		printf("sandbox    OFF\n");
	else if (landlock)
		printf("sandbox    system calls filtered, files restricted (Landlock %lld)\n", landlock);
	else
		printf("sandbox    system calls filtered; files NOT restricted: the kernel has no Landlock\n");
}

/* Who is cut off from everything, by whom and for how long. */
static void
print_quarantine(struct json_object *d)
{
	struct json_object *list = client_member(d, "devices.quarantine");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	char left[AGE_TEXT];

	for (size_t i = 0; i < n; i++) {
		struct json_object *q = json_object_array_get_idx(list, i);
		printf("quarantine %s by %s", client_text(q, "device"), client_text(q, "why"));
		if (client_number(q, "left_s"))
			printf(", for %s more\n", age(client_number(q, "left_s"), left));
		else
			printf(", until it is released\n");
	}
	if (client_number(d, "devices.quarantined") > (long long)n)
		printf("quarantine %lld more: lenscap quarantine\n", client_number(d, "devices.quarantined") - (long long)n);
}

/* Only where the policy in force is not simply what was loaded last. */
static void
print_terms(struct json_object *d)
{
	char left[AGE_TEXT];

	if (client_number(d, "terms.confirm_left_s"))
		printf("terms      to be confirmed within %s, else %s comes back\n", age(client_number(d, "terms.confirm_left_s"), left),
		       client_text(d, "terms.goes_back_to"));
	if (!*client_text(d, "terms.mode_by_hand"))
		return;
	printf("terms      mode %s by hand", client_text(d, "terms.mode_by_hand"));
	if (client_number(d, "terms.mode_left_s"))
		printf(", for %s more", age(client_number(d, "terms.mode_left_s"), left));
	printf("\n");
}

static void
print(struct json_object *d, bool colour)
{
	struct json_object *problems = client_member(d, "problems");
	size_t n = json_object_is_type(problems, json_type_array) ? json_object_array_length(problems) : 0;
	char a[AGE_TEXT], b[AGE_TEXT];

	printf("lenscap    %s%s%s  mode %s, fail %s, up %s\n", colour ? n ? "\033[33m" : "\033[32m" : "", n ? "DEGRADED" : "OK",
	       colour ? "\033[0m" : "", client_text(d, "mode"), client_text(d, "fail"), age(client_number(d, "uptime_s"), a));
	printf("policy     %s, in force for %s, generation %lld\n", client_text(d, "policy_id"), age(client_number(d, "policy_age_s"), b),
	       client_number(d, "generation"));
	print_terms(d);
	printf("queue      %lld packets judged, %lld waiting, %lld dropped, %lld not inspected\n", client_number(d, "queue.verdicts"),
	       client_number(d, "queue.waiting"), client_number(d, "queue.dropped") + client_number(d, "queue.user_dropped"),
	       client_number(d, "queue.uninspected"));
	printf("kernel     %lld packets of settled flows, %lld refused from memory\n", client_number(d, "queue.offloaded_packets"),
	       client_number(d, "queue.denied_in_kernel"));
	printf("flows      %lld active of %lld; %lld allowed, %lld blocked, %lld revoked", client_number(d, "flows.active"),
	       client_number(d, "flows.capacity"), client_number(d, "flows.allowed"),
	       client_number(d, "flows.blocked") - client_number(d, "flows.would_block"), client_number(d, "flows.revoked"));
	if (client_number(d, "flows.would_block"))
		printf(", %lld WOULD be blocked", client_number(d, "flows.would_block"));
	printf("\ndevices    %lld seen, %lld of them not in the inventory\n", client_number(d, "devices.seen"), client_number(d, "devices.unknown"));
	print_quarantine(d);
	printf("alerts     %lld high, %lld medium, %lld low", client_number(d, "alerts.high"), client_number(d, "alerts.medium"),
	       client_number(d, "alerts.low"));
	if (*client_text(d, "alerts.last"))
		printf("; last %.19s UTC", client_text(d, "alerts.last"));
	printf("\n");
	print_geo(client_member(d, "geo"));
	print_history(d);
	print_sandbox(d);
	print_outputs(client_member(d, "outputs"));
	for (size_t i = 0; i < n; i++)
		printf("problem    %s\n", json_object_get_string(json_object_array_get_idx(problems, i)));
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	int opt, code = EXIT_UNREACHABLE;
	bool json = false;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'j')
			return cli_usage(&command_status);
		json = true;
	}
	if (optind != argc)
		return cli_usage(&command_status);
	struct json_object *answer = client_ask(cli, "status", NULL, false, 10, &code);
	if (!answer)
		return code;
	struct json_object *data = client_member(answer, "data"), *problems = client_member(data, "problems");
	if (!client_flag(answer, "ok") || !data) {
		fprintf(stderr, "lenscap: %s\n", client_text(answer, "error"));
		code = EXIT_REFUSED;
	} else {
		if (json)
			printf("%s\n", json_object_to_json_string_ext(data, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
		else
			print(data, cli->colour);
		bool wrong = json_object_is_type(problems, json_type_array) && json_object_array_length(problems) > 0;
		code = wrong ? EXIT_DEGRADED : EXIT_OK;
	}
	json_object_put(answer);
	return code;
}

const struct command command_status = {"status", "[--json]", "mode, policy, queue, flows, databases; exit status 10 when degraded", run};
