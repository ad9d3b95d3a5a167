/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap explain: what would become of a flow and why, rule by rule; or why a flow of the log was judged as it was. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "client.h"
#include "explain.h"
#include "explain_ask.h"

enum {
	TIMEOUT_S = 10,
	COLUMNS = 100,
	LINE_MAX_BYTES = 2048,
	PAGES_MAX = 4096, /* more than there can be rules */
};

struct wish {
	struct explain_args args;
	char dest[300];
	const char *policy;
	const char *flow;
	bool exit_code, json;
};

/* "2026-11-23 03:00" or with T, UTC; or seconds since 1970. */
static bool
parse_time(const char *text, int64_t *ret_s)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%s"};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		if (!end || strcmp(end, strcmp(forms[i], "%s") != 0 && *end == 'Z' ? "Z" : "") != 0)
			continue;
		*ret_s = strcmp(forms[i], "%s") == 0 ? strtoll(text, NULL, 10) : timegm(&tm);
		return *ret_s >= 0;
	}
	return false;
}

static bool
parse_port(char *text, struct explain_args *a)
{
	char *slash = strchr(text, '/'), *end;
	if (slash) {
		*slash = 0;
		a->transport = slash + 1;
	}
	if (!slash && (*text < '0' || *text > '9')) {
		a->transport = text; /* 10.0.0.1:icmp */
		return *text != 0;
	}
	a->port = strtol(text, &end, 10);
	return end != text && *end == 0 && a->port <= UINT16_MAX && (!slash || slash[1]);
}

/* ADDRESS, ADDRESS:PORT, ADDRESS:PORT/PROTO, [IPv6]:PORT/PROTO, or a name in place of the address. */
static bool
parse_dest(const char *text, struct wish *w)
{
	struct addr plain;
	char *colon;
	w->args.dest = w->dest;
	w->args.port = -1;
	if (strlen(text) >= sizeof w->dest)
		return false;
	strcpy(w->dest, text);
	if (addr_parse(text, &plain))
		return true;
	if (text[0] == '[') {
		char *close = strchr(w->dest, ']');
		if (!close || (close[1] && close[1] != ':'))
			return false;
		w->args.dest = w->dest + 1;
		*close = 0;
		return !close[1] || parse_port(close + 2, &w->args);
	}
	colon = strchr(w->dest, ':');
	if (!colon)
		return w->dest[0] != 0;
	*colon = 0;
	return colon != w->dest && parse_port(colon + 1, &w->args);
}

static void
add_text(struct json_object *o, const char *key, const char *text)
{
	if (text)
		json_object_object_add(o, key, json_object_new_string(text));
}

static struct json_object *
request_args(const struct explain_args *a)
{
	struct json_object *o = json_object_new_object();
	add_text(o, "device", a->device);
	add_text(o, "dest", a->dest);
	add_text(o, "proto", a->transport);
	add_text(o, "name", a->name);
	add_text(o, "protocol", a->protocol);
	add_text(o, "query", a->query);
	json_object_object_add(o, "port", json_object_new_int64(a->port));
	json_object_object_add(o, "at", json_object_new_int64(a->at_s));
	json_object_object_add(o, "from", json_object_new_int64(a->from));
	json_object_object_add(o, "ech", json_object_new_boolean(a->ech));
	json_object_object_add(o, "inbound", json_object_new_boolean(a->inbound));
	return o;
}

/* The data of one answer, owned by the caller; NULL: the reason was printed. */
static struct json_object *
ask_daemon(const struct cli *cli, const struct explain_args *a, int *ret_exit)
{
	struct json_object *args = request_args(a), *answer = client_ask(cli, "explain", args, false, TIMEOUT_S, ret_exit);
	struct json_object *data = client_member(answer, "data");
	json_object_put(args);
	if (!answer)
		return NULL;
	if (!client_flag(answer, "ok") || !data) {
		fprintf(stderr, "lenscap: %s\n", client_text(answer, "error"));
		*ret_exit = EXIT_NEGATIVE;
		data = NULL;
	}
	data = json_object_get(data);
	json_object_put(answer);
	return data;
}

static struct json_object *
ask(const struct cli *cli, const struct wish *w, int *ret_exit)
{
	if (!w->policy)
		return ask_daemon(cli, &w->args, ret_exit);
	char *text = explain_offline(w->policy, &w->args, ret_exit);
	struct json_object *data = text ? json_tokener_parse(text) : NULL;
	free(text);
	return data;
}

/* Rules come in pieces; all pieces must be of the same policy. */
static struct json_object *
ask_all(const struct cli *cli, struct wish *w, int *ret_exit)
{
	struct json_object *whole = ask(cli, w, ret_exit), *rules = client_member(whole, "rules");
	struct json_object *more = whole;
	for (int page = 0; more && client_number(more, "next") > w->args.from && page < PAGES_MAX; page++) {
		w->args.from = client_number(more, "next");
		struct json_object *next = ask(cli, w, ret_exit), *list = client_member(next, "rules");
		if (!next || strcmp(client_text(next, "policy_id"), client_text(whole, "policy_id")) != 0) {
			if (next)
				fprintf(stderr, "lenscap: the policy changed while it was asked; ask again\n");
			*ret_exit = EXIT_NEGATIVE;
			json_object_put(next);
			json_object_put(whole);
			return NULL;
		}
		for (size_t i = 0; list && i < json_object_array_length(list); i++)
			json_object_array_add(rules, json_object_get(json_object_array_get_idx(list, i)));
		json_object_object_add(whole, "next", json_object_get(client_member(next, "next")));
		more = client_member(whole, "next") ? whole : NULL;
		json_object_put(next);
	}
	if (whole)
		json_object_object_del(whole, "next");
	return whole;
}

/* Breaks at blanks, so that no line is wider than COLUMNS unless one word is; later lines stand under `indent`. */
static void
print_wrapped(const char *text, size_t indent)
{
	size_t col = 0, blanks = 0;
	while (*text) {
		size_t word = strcspn(text, " "), wide = 0;
		for (size_t i = 0; i < word; i++)
			wide += ((unsigned char)text[i] & 0xc0) != 0x80;
		bool breaks = col > indent && col + blanks + wide > COLUMNS;
		if (breaks)
			putchar('\n');
		col = breaks ? indent : col + blanks;
		printf("%*s", (int)(breaks ? indent : blanks), "");
		for (size_t i = 0; i < word; i++)
			putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
		col += wide;
		text += word;
		blanks = strspn(text, " ");
		text += blanks;
	}
	putchar('\n');
}

static size_t __attribute__((format(printf, 3, 4)))
append(char *line, size_t len, const char *fmt, ...)
{
	va_list ap;
	if (len >= LINE_MAX_BYTES)
		return len;
	va_start(ap, fmt);
	int n = vsnprintf(line + len, LINE_MAX_BYTES - len, fmt, ap);
	va_end(ap);
	return n < 0 ? len : len + (size_t)n;
}

/* The answer in a word that needs no colour. */
static const char *
verdict_word(struct json_object *d)
{
	bool monitor = strcmp(client_text(d, "mode"), "monitor") == 0;
	const char *decision = client_text(d, "decision");
	if (strcmp(decision, "allow") == 0)
		return "ALLOW";
	if (strcmp(decision, "pending") == 0)
		return "NOT DECIDED YET";
	return monitor ? "WOULD BLOCK" : strcmp(decision, "reject") == 0 ? "REJECT" : "BLOCK";
}

static void
print_list(const char *title, struct json_object *list, char *line)
{
	size_t n = list ? json_object_array_length(list) : 0, len = append(line, 0, "  %-9s ", title);
	for (size_t i = 0; i < n; i++)
		len = append(line, len, "%s%s", i ? ", " : "", json_object_get_string(json_object_array_get_idx(list, i)));
	if (n)
		print_wrapped(line, 12);
}

static void
print_flow(struct json_object *d)
{
	char line[LINE_MAX_BYTES];
	const char *name = client_text(d, "dest.name"), *ip = client_text(d, "dest.ip");
	size_t len = append(line, 0, "%s -> %s", client_text(d, "device.name"), *name ? name : ip);
	if (*name && *ip)
		len = append(line, len, " (%s)", ip);
	len = append(line, len, " %s", client_text(d, "dest.proto"));
	if (client_member(d, "dest.port"))
		len = append(line, len, "/%lld", client_number(d, "dest.port"));
	if (client_flag(d, "inbound"))
		len = append(line, len, ", opened by the far side");
	append(line, len, ", %.16s UTC", client_text(d, "at"));
	print_wrapped(line, 4);
	len = append(line, 0, "  device    %s%s, zone %s", client_flag(d, "device.known") ? "declared" : "not in the inventory",
		     client_flag(d, "device.seen") ? "" : ", not seen by a daemon", client_text(d, "device.zone"));
	if (*client_text(d, "device.brand"))
		len = append(line, len, ", brand %s", client_text(d, "device.brand"));
	if (*client_text(d, "device.maker"))
		len = append(line, len, ", made by %s (score %lld)", client_text(d, "device.maker"), client_number(d, "device.maker_score"));
	else
		len = append(line, len, ", maker not known");
	append(line, len, "%s%s", client_flag(d, "device.unmasked") ? ", UNMASKED" : "", client_flag(d, "device.covered") ? ", covered" : "");
	print_wrapped(line, 12);
	len = append(line, 0, "  dest      ");
	if (*client_text(d, "dest.special"))
		len = append(line, len, "%s address", client_text(d, "dest.special"));
	else if (*client_text(d, "dest.country"))
		len = append(line, len, "country %s by %s", client_text(d, "dest.country"), client_text(d, "dest.country_source"));
	else
		len = append(line, len, "no known country");
	if (client_number(d, "dest.asn"))
		len = append(line, len, ", AS%lld", client_number(d, "dest.asn"));
	if (client_flag(d, "dest.anycast"))
		len = append(line, len, ", anycast");
	if (*client_text(d, "dest.zone"))
		append(line, len, ", zone %s", client_text(d, "dest.zone"));
	print_wrapped(line, 12);
}

static void
print_known(struct json_object *d)
{
	char line[LINE_MAX_BYTES];
	struct json_object *geo = client_member(d, "geo");
	for (size_t i = 0; geo && i < json_object_array_length(geo); i++) {
		struct json_object *g = json_object_array_get_idx(geo, i);
		const char *country = client_text(g, "country");
		size_t len = append(line, 0, "  geo       %s: ", client_text(g, "path"));
		if (*client_text(g, "problem"))
			len = append(line, len, "(%s) ", client_text(g, "problem"));
		len = append(line, len, "country %s", *country ? country : "not known");
		if (client_number(g, "asn"))
			append(line, len, ", AS%lld", client_number(g, "asn"));
		print_wrapped(line, 12);
	}
	print_list("dns", client_member(d, "bindings"), line);
	if (client_member(d, "protocol")) {
		append(line, 0, "  speaks    %s", client_text(d, "protocol"));
		print_wrapped(line, 12);
	}
	if (client_member(d, "name")) {
		append(line, 0, "  names     %s", *client_text(d, "name") ? client_text(d, "name") : "nobody");
		print_wrapped(line, 12);
	}
	if (*client_text(d, "query")) {
		append(line, 0, "  asks for  %s", client_text(d, "query"));
		print_wrapped(line, 12);
	}
	print_list("unknown", client_member(d, "unknown"), line);
}

static void
print_verdict(struct json_object *d, bool colour)
{
	char line[LINE_MAX_BYTES];
	const char *word = verdict_word(d), *rule = client_text(d, "rule.name");
	size_t len = append(line, 0, "%s", word);
	if (*rule) {
		len = append(line, len, client_flag(d, "rule.built_in") ? " by %s" : " by rule \"%s\"", rule);
		if (client_number(d, "rule.line"))
			append(line, len, " (%s:%lld)", client_text(d, "rule.file"), client_number(d, "rule.line"));
	} else {
		append(line, len, ": it depends on what the flow shows of itself");
	}
	printf("\n%s", colour ? *word == 'A' ? "\033[32m" : *word == 'N' ? "\033[33m" : "\033[31m" : "");
	print_wrapped(line, 4);
	printf("%s", colour ? "\033[0m" : "");
	if (client_flag(d, "device.quarantined"))
		printf("But it is in quarantine: nothing of it passes until `lenscap release %s`.\n", client_text(d, "device.name"));
}

static void
print_rule(struct json_object *r, size_t width)
{
	char line[LINE_MAX_BYTES];
	const char *state = client_text(r, "state"), *join = "";
	struct json_object *list = client_member(r, "conditions");
	size_t n = list ? json_object_array_length(list) : 0;
	const char *word = client_flag(r, "decides") ? "DECIDES" : client_flag(r, "behind") ? "not asked" : state;
	size_t len = append(line, 0, "  %-*s %-8s %-9s ", (int)width, client_text(r, "rule.name"), client_text(r, "rule.action"), word);
	size_t indent = len < COLUMNS / 2 ? len : COLUMNS / 2;
	if (client_flag(r, "behind") && strcmp(state, "yes") == 0)
		len = append(line, len, "would match");
	for (size_t i = 0; i < n; i++) {
		struct json_object *c = json_object_array_get_idx(list, i);
		bool yes = strcmp(state, "yes") == 0, to = strcmp(client_text(c, "key"), "to") == 0;
		if (yes && strcmp(client_text(c, "key"), "limit") == 0)
			continue;
		len = append(line, len, "%s%s%s %s", join, client_flag(c, "device") ? "device's " : "", client_text(c, "key"),
			     client_text(c, "wanted"));
		if (!yes || to)
			len = append(line, len, yes ? " (%s)" : to ? ": %s" : ": is %s", client_text(c, "found"));
		if (*client_text(c, "list"))
			len = append(line, len, " (%s:%lld)", client_text(c, "list"), client_number(c, "list_line"));
		join = "; ";
	}
	if (strcmp(state, "no") != 0 && *client_text(r, "limit.text"))
		len = append(line, len, "%slimit: %s", join, client_text(r, "limit.text"));
	while (len > 0 && line[len < LINE_MAX_BYTES ? len - 1 : 0] == ' ')
		line[--len] = 0;
	print_wrapped(line, indent);
}

static void
print(struct json_object *d, bool colour)
{
	enum { NAME_WIDE = 24 };
	struct json_object *rules = client_member(d, "rules"), *change = client_member(d, "change");
	size_t n = rules ? json_object_array_length(rules) : 0, width = 7;
	print_flow(d);
	print_known(d);
	print_verdict(d, colour);
	for (size_t i = 0; i < n; i++) {
		size_t wide = strlen(client_text(json_object_array_get_idx(rules, i), "rule.name"));
		width = wide > width && wide <= NAME_WIDE ? wide : width;
	}
	printf("\n");
	for (size_t i = 0; i < n; i++)
		print_rule(json_object_array_get_idx(rules, i), width);
	n = change ? json_object_array_length(change) : 0;
	for (size_t i = 0; i < n; i++) {
		char line[LINE_MAX_BYTES];
		append(line, 0, "  %s", json_object_get_string(json_object_array_get_idx(change, i)));
		printf("%s", i ? "" : "\nto allow it:\n");
		print_wrapped(line, 4);
	}
}

static bool
refuses(struct json_object *d)
{
	const char *decision = client_text(d, "decision");
	return strcmp(decision, "block") == 0 || strcmp(decision, "reject") == 0;
}

static int
explain(struct wish *w, const struct cli *cli)
{
	int code = EXIT_NEGATIVE;
	struct json_object *data = ask_all(cli, w, &code);
	if (!data)
		return code;
	if (w->json)
		printf("%s\n", json_object_to_json_string_ext(data, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		print(data, cli->colour);
	code = w->exit_code && (refuses(data) || client_flag(data, "device.quarantined")) ? EXIT_NEGATIVE : EXIT_OK;
	json_object_put(data);
	return code;
}

struct found_flow {
	const struct wish *wish;
	struct json_object *row;
};

static bool
take_flow(void *arg, struct json_object *event)
{
	struct found_flow *f = arg;
	json_object_put(f->row);
	f->row = json_object_get(event);
	return true;
}

/* The words of the log, as they were written then. */
static void
print_logged(struct json_object *row)
{
	char line[LINE_MAX_BYTES];
	const char *decision = client_text(row, "decision"), *would = client_text(row, "would");
	size_t len = append(line, 0, "%s -> %s %s/%lld", client_text(row, "device"), client_text(row, "dest_ip"), client_text(row, "proto"),
			    client_number(row, "dest_port"));
	if (*client_text(row, "name"))
		append(line, len, " (%s)", client_text(row, "name"));
	print_wrapped(line, 4);
	len = append(line, 0, "%s", decision);
	if (*would && strcmp(would, decision) != 0)
		len = append(line, len, ", in enforce mode %s", would);
	append(line, len, " by \"%s\" (%s:%lld, policy %s)", client_text(row, "rule"), client_text(row, "rule_file"),
	       client_number(row, "rule_line"), client_text(row, "policy_id"));
	print_wrapped(line, 4);
	if (*client_text(row, "reason"))
		print_wrapped(client_text(row, "reason"), 4);
}

/* From the history, or where it still goes on (`verb` flows) from the daemon's table. False: nobody answered, or not well. */
static bool
find_flow(const struct cli *cli, const char *verb, long long id, struct found_flow *found, int *ret_exit)
{
	struct json_object *args = json_object_new_object();

	if (strcmp(verb, "history") == 0)
		json_object_object_add(args, "kind", json_object_new_string("flow"));
	json_object_object_add(args, "id", json_object_new_int64(id));
	struct json_object *answer = client_stream(cli, verb, args, false, take_flow, found, TIMEOUT_S, ret_exit);
	bool ok = client_flag(answer, "ok");
	if (answer && !ok) {
		fprintf(stderr, "lenscap: %s\n", client_text(answer, "error"));
		*ret_exit = EXIT_NEGATIVE;
	}
	json_object_put(args);
	json_object_put(answer);
	return ok;
}

static int
explain_logged(const struct wish *w, const struct cli *cli)
{
	struct found_flow found = {.wish = w};
	char *end;
	int code = EXIT_NEGATIVE;
	errno = 0;
	long long id = strtoll(w->flow, &end, 10);
	if (end == w->flow || *end || id <= 0 || errno)
		return cli_usage(&command_explain);
	if (find_flow(cli, "history", id, &found, &code) && (found.row || find_flow(cli, "flows", id, &found, &code))) {
		code = EXIT_NEGATIVE;
		if (!found.row)
			fprintf(stderr, "lenscap: no flow %lld is remembered\n", id);
		else if (w->json)
			printf("%s\n", json_object_to_json_string_ext(found.row, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
		else
			print_logged(found.row);
		if (found.row)
			code = w->exit_code && refuses(found.row) ? EXIT_NEGATIVE : EXIT_OK;
	}
	json_object_put(found.row);
	return code;
}

enum { OPT_NAME = 256, OPT_PROTOCOL, OPT_QUERY, OPT_AT, OPT_POLICY, OPT_FLOW, OPT_ECH, OPT_INBOUND };

static const struct option options[] = {
	{"name", required_argument, NULL, OPT_NAME},	 {"protocol", required_argument, NULL, OPT_PROTOCOL},
	{"query", required_argument, NULL, OPT_QUERY},	 {"at", required_argument, NULL, OPT_AT},
	{"policy", required_argument, NULL, OPT_POLICY}, {"flow", required_argument, NULL, OPT_FLOW},
	{"ech", no_argument, NULL, OPT_ECH},		 {"inbound", no_argument, NULL, OPT_INBOUND},
	{"json", no_argument, NULL, 'j'},		 {NULL, 0, NULL, 0},
};

static bool
take_option(struct wish *w, int opt)
{
	switch (opt) {
	case OPT_NAME: w->args.name = strcmp(optarg, "-") == 0 ? "" : optarg; return true;
	case OPT_PROTOCOL: w->args.protocol = optarg; return true;
	case OPT_QUERY: w->args.query = optarg; return true;
	case OPT_AT: return parse_time(optarg, &w->args.at_s);
	case OPT_POLICY: w->policy = optarg; return true;
	case OPT_FLOW: w->flow = optarg; return true;
	case OPT_ECH: w->args.ech = true; return true;
	case OPT_INBOUND: w->args.inbound = true; return true;
	case 'e': w->exit_code = true; return true;
	case 'j': w->json = true; return true;
	default: return false;
	}
}

static int
run(int argc, char **argv, struct cli *cli)
{
	struct wish w = {.args = {.port = -1, .at_s = -1}};
	int opt;

	while ((opt = getopt_long(argc, argv, "e", options, NULL)) != -1)
		if (!take_option(&w, opt))
			return cli_usage(&command_explain);
	if (w.flow)
		return optind == argc && !w.policy ? explain_logged(&w, cli) : cli_usage(&command_explain);
	if (argc - optind != 2 || !parse_dest(argv[optind + 1], &w))
		return cli_usage(&command_explain);
	w.args.device = argv[optind];
	return explain(&w, cli);
}

const struct command command_explain = {
	"explain",
	"DEVICE DEST[:PORT[/PROTO]] [--name N] [--protocol P] [--query Q] [--ech] [--inbound] [--at TIME] [--policy FILE] [-e] [--json] | --flow ID",
	"what would become of a flow, rule by rule", run};
