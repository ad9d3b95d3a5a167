/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap diff: what another policy would have made of the connections that were recorded. Both policies judge each of them from the same
 * facts, so that a difference is the policies' and not the record's; where the policy in force no longer says what was done then, that is told.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bundle.h"
#include "cli.h"
#include "client.h"
#include "history.h"
#include "in_force.h"
#include "judge_row.h"
#include "listing.h"
#include "policy.h"
#include "policy_file.h"

enum change { CHANGE_BLOCKED, CHANGE_ALLOWED, CHANGE_OPEN, CHANGE_OTHER, CHANGES, CHANGE_NONE = CHANGES };

static const struct {
	const char *key, *title, *none;
} changes[CHANGES] = {
	[CHANGE_BLOCKED] = {"newly_blocked", "would newly block", "would newly block nothing"},
	[CHANGE_ALLOWED] = {"newly_allowed", "would newly allow", "would newly allow nothing"},
	[CHANGE_OPEN] = {"cannot_tell", "cannot tell from the record, of", NULL},
	[CHANGE_OTHER] = {"changed", "would treat otherwise", NULL},
};

enum { LABEL = 80 };

/* Equal changes of one device and one destination. */
struct group {
	enum change change;
	const char *device, *dest, *name, *proto, *country, *query;
	uint16_t port;
	uint32_t missing;
	struct row_answer before, after;
	uint64_t flows, bytes, rows;
	int64_t first_us, last_us;
};

struct comparison {
	struct history *history;
	struct row_judge *old, *candidate;
	struct group *groups;
	size_t n, size;
	uint32_t *table; /* of groups: place + 1; size is a power of two */
	size_t table_size;
	uint64_t flows[CHANGES], judged, otherwise_then, skipped;
	bool short_of_memory, same_policy;
};

static bool
refuses(enum row_deed d)
{
	return d == ROW_BLOCK || d == ROW_REJECT || d == ROW_QUARANTINE;
}

/* What differs, from the most to the least important. */
static enum change
compare(const struct row_answer *a, const struct row_answer *b, bool same_policy)
{
	if (a->deed == ROW_OPEN || b->deed == ROW_OPEN)
		return same_policy ? CHANGE_NONE : CHANGE_OPEN;
	if (refuses(a->deed) != refuses(b->deed))
		return refuses(b->deed) ? CHANGE_BLOCKED : CHANGE_ALLOWED;
	return a->deed != b->deed || a->would != b->would || a->alert != b->alert ? CHANGE_OTHER : CHANGE_NONE;
}

/* ---- groups ---- */

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* Texts are kept once each, so their places tell them apart. */
static uint64_t
group_hash(const struct group *g)
{
	uint64_t h = mix(g->change, g->port);
	const void *const texts[] = {g->device, g->dest, g->name, g->proto, g->query, g->before.rule, g->after.rule};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		h = mix(h, (uintptr_t)texts[i]);
	return mix(h, (uint64_t)g->before.deed << 8 | (uint64_t)g->after.deed << 4 | g->after.would);
}

static bool
same_group(const struct group *a, const struct group *b)
{
	return a->change == b->change && a->device == b->device && a->dest == b->dest && a->name == b->name && a->proto == b->proto &&
	       a->query == b->query && a->port == b->port && a->before.rule == b->before.rule && a->after.rule == b->after.rule &&
	       a->before.deed == b->before.deed && a->after.deed == b->after.deed && a->after.would == b->after.would;
}

static bool
make_table(struct comparison *c)
{
	size_t size = c->table_size ? c->table_size * 2 : 1024;
	uint32_t *table = calloc(size, sizeof *table);
	struct group *more = realloc(c->groups, size / 2 * sizeof *more);

	if (more)
		c->groups = more;
	if (!table || !more) {
		free(table);
		c->short_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < c->n; i++) {
		size_t at = group_hash(&c->groups[i]) & (size - 1);
		while (table[at])
			at = (at + 1) & (size - 1);
		table[at] = (uint32_t)i + 1;
	}
	free(c->table);
	c->table = table;
	c->table_size = size;
	return true;
}

static struct group *
find_group(struct comparison *c, const struct group *key)
{
	if (c->n * 2 >= c->table_size && !make_table(c))
		return NULL;
	size_t at = group_hash(key) & (c->table_size - 1);
	for (; c->table[at]; at = (at + 1) & (c->table_size - 1))
		if (same_group(&c->groups[c->table[at] - 1], key))
			return &c->groups[c->table[at] - 1];
	c->table[at] = (uint32_t)c->n + 1;
	c->groups[c->n] = *key;
	return &c->groups[c->n++];
}

static void
note(struct comparison *c, enum change change, const struct history_flow *f, const struct row_answer *a, const struct row_answer *b)
{
	struct group key = {.change = change, .device = f->device, .dest = f->dest_ip, .name = f->name, .proto = f->proto, .query = f->query,
			    .country = f->country, .port = f->dest_port, .before = *a, .after = *b, .first_us = f->first_us};

	if (*key.name)
		key.dest = ""; /* many addresses, one destination */
	if (!*key.name && f->n_bound)
		key.name = f->bound[0];
	struct group *g = find_group(c, &key);
	c->flows[change] += f->flows;
	if (!g)
		return;
	g->flows += f->flows;
	g->bytes += f->bytes_toserver + f->bytes_toclient;
	g->rows++;
	g->first_us = f->first_us < g->first_us ? f->first_us : g->first_us;
	g->last_us = f->last_us > g->last_us ? f->last_us : g->last_us;
}

/* ---- resolvers ---- */

static int
by_place(const void *a, const void *b)
{
	const struct history_flow *x = *(const struct history_flow *const *)a, *y = *(const struct history_flow *const *)b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->dest_ip != y->dest_ip)
		return x->dest_ip < y->dest_ip ? -1 : 1;
	return 0;
}

/* Who asked which resolver, sorted. *ret_n of them; NULL also when there are none. */
static const struct history_flow **
find_questions(const struct history *h, size_t *ret_n)
{
	const struct history_flow **list = malloc((h->n_flows + 1) * sizeof *list);

	*ret_n = 0;
	for (size_t i = 0; list && i < h->n_flows; i++)
		if (*h->flows[i].query)
			list[(*ret_n)++] = &h->flows[i];
	if (list)
		qsort(list, *ret_n, sizeof *list, by_place);
	return list;
}

/* ---- comparing ---- */

static void
compare_row(struct comparison *c, const struct history_flow *f)
{
	struct row_answer a, b;

	row_judge(c->old, f, &a);
	row_judge(c->candidate, f, &b);
	a.rule = history_text(c->history, a.rule);
	b.rule = history_text(c->history, b.rule);
	c->judged += f->flows;
	bool then = strcmp(f->decision, "allow") != 0;
	if (a.deed != ROW_OPEN && strcmp(f->decision, "pending") != 0 && refuses(a.deed) != then)
		c->otherwise_then += f->flows;
	enum change change = compare(&a, &b, c->same_policy);
	if (change != CHANGE_NONE)
		note(c, change, f, &a, &b);
}

static void
compare_all(struct comparison *c)
{
	size_t n;
	const struct history_flow **questions = find_questions(c->history, &n);

	for (size_t i = 0; i < c->history->n_flows; i++) {
		const struct history_flow *f = &c->history->flows[i];
		bool resolver = strcmp(f->app_proto, "dns") == 0 && !*f->query && !f->inbound;
		if (resolver && n && bsearch(&f, questions, n, sizeof *questions, by_place))
			c->skipped += f->flows; /* its questions were judged */
		else
			compare_row(c, f);
	}
	free(questions);
}

/* ---- telling ---- */

static int
by_weight(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int device = strcmp(x->device, y->device);

	if (x->change != y->change)
		return x->change < y->change ? -1 : 1;
	if (device)
		return device;
	return x->flows < y->flows ? 1 : x->flows > y->flows ? -1 : strcmp(x->name, y->name);
}

static size_t
count_devices(const struct comparison *c, enum change change)
{
	size_t n = 0;
	const char *last = NULL;

	for (size_t i = 0; i < c->n; i++)
		if (c->groups[i].change == change && c->groups[i].device != last) {
			last = c->groups[i].device;
			n++;
		}
	return n;
}

static const char *
say(const struct row_answer *a, char out[LABEL])
{
	const char *would = a->deed == ROW_ALLOW && refuses(a->would) ? " (would " : "";

	snprintf(out, LABEL, "%s%s%s%s%s%.40s", row_deed_name(a->deed), would, *would ? row_deed_name(a->would) : "", *would ? ")" : "",
		 *a->rule ? " by " : "", a->rule);
	return out;
}

/* "place, protocol": what the record does not have. */
static const char *
say_missing(uint32_t missing, char out[LABEL])
{
	size_t len = 0;

	out[0] = 0;
	for (uint32_t bit = 1; bit < FACT_ALL; bit <<= 1)
		if (missing & bit && len < LABEL - 16)
			len += (size_t)snprintf(out + len, LABEL - len, "%s%s", len ? ", " : "", fact_name((enum fact)bit));
	if (!missing)
		snprintf(out, LABEL, "the hour");
	return out;
}

static void
print_groups(const struct comparison *c, enum change change, const struct cli *cli)
{
	static const char *const header[] = {"DEVICE", "DESTINATION", "PORT", "COUNTRY", "FLOWS", "BYTES", "NOW", "THEN", NULL};
	const struct listing_style style = listing_style(cli->colour, !cli->no_header);
	struct listing *l = listing_new(header, &style);
	char port[LABEL], flows[LABEL], bytes[LISTING_SIZE], before[LABEL], after[2 * LABEL], missing[LABEL], dest[600];

	for (size_t i = 0; i < c->n; i++) {
		const struct group *g = &c->groups[i];
		if (g->change != change)
			continue;
		snprintf(port, sizeof port, "%s/%u", g->proto, g->port);
		snprintf(flows, sizeof flows, "%llu", (unsigned long long)g->flows);
		snprintf(dest, sizeof dest, "%s%s%s%s", *g->query ? "asks for " : "", *g->query ? g->query : *g->name ? g->name : g->dest,
			 *g->query ? " at " : "", *g->query ? g->dest : "");
		say(&g->after, after);
		if (g->after.deed == ROW_OPEN)
			snprintf(after, sizeof after, "cannot tell without %s", say_missing(g->after.missing, missing));
		const char *cells[] = {g->device, dest, port, g->country, flows, listing_size(g->bytes, style.bytes_exact, bytes),
				       say(&g->before, before), after};
		listing_row(l, cells);
	}
	listing_print(l, stdout);
	listing_free(l);
}

static void
print_notes(const struct comparison *c, const struct cli *cli)
{
	if (c->history->cut)
		printf("The history is longer than fits: only its oldest %zu rows were judged; say --since.\n", c->history->n_flows);
	if (c->short_of_memory)
		printf("Memory was short: not every change is listed.\n");
	if (cli->quiet)
		return;
	printf("%llu recorded connections and questions were judged", (unsigned long long)c->judged);
	if (c->otherwise_then)
		printf("; of %llu the policy in force says otherwise now than when they happened", (unsigned long long)c->otherwise_then);
	printf(".\n");
	if (c->history->bad)
		printf("%llu rows of the history made no sense and were left out.\n", (unsigned long long)c->history->bad);
}

static void
print_comparison(const struct comparison *c, const struct cli *cli)
{
	for (unsigned i = 0; i < CHANGES; i++) {
		size_t devices = count_devices(c, (enum change)i);
		if (!c->flows[i]) {
			if (changes[i].none)
				printf("%s.\n", changes[i].none);
			continue;
		}
		printf("%s %zu device%s / %llu flow%s:\n", changes[i].title, devices, devices == 1 ? "" : "s", (unsigned long long)c->flows[i],
		       c->flows[i] == 1 ? "" : "s");
		print_groups(c, (enum change)i, cli);
	}
	print_notes(c, cli);
}

static void
add(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void
add_answer(struct json_object *o, const char *key, const struct row_answer *a)
{
	struct json_object *v = json_object_new_object();

	add(v, "does", row_deed_name(a->deed));
	add(v, "would", row_deed_name(a->would));
	add(v, "rule", a->rule);
	add(v, "alert", alert_level_name(a->alert));
	json_object_object_add(o, key, v);
}

static struct json_object *
group_json(const struct group *g)
{
	struct json_object *o = json_object_new_object();
	char missing[LABEL];

	add(o, "device", g->device);
	add(o, "dest_ip", g->dest);
	add(o, "name", g->name);
	add(o, "query", g->query);
	json_object_object_add(o, "dest_port", json_object_new_int(g->port));
	add(o, "proto", g->proto);
	add(o, "country", g->country);
	json_object_object_add(o, "flows", json_object_new_uint64(g->flows));
	json_object_object_add(o, "bytes", json_object_new_uint64(g->bytes));
	json_object_object_add(o, "first", json_object_new_int64(g->first_us));
	json_object_object_add(o, "last", json_object_new_int64(g->last_us));
	add_answer(o, "now", &g->before);
	add_answer(o, "then", &g->after);
	if (g->after.deed == ROW_OPEN)
		add(o, "missing", say_missing(g->after.missing, missing));
	return o;
}

static void
print_json(const struct comparison *c, const struct policy *old, const struct policy *candidate)
{
	struct json_object *o = json_object_new_object();

	add(o, "policy_now", policy_id(old));
	add(o, "policy_then", policy_id(candidate));
	json_object_object_add(o, "judged", json_object_new_uint64(c->judged));
	json_object_object_add(o, "otherwise_when_recorded", json_object_new_uint64(c->otherwise_then));
	json_object_object_add(o, "complete", json_object_new_boolean(!c->history->cut && !c->short_of_memory));
	for (unsigned i = 0; i < CHANGES; i++) {
		struct json_object *v = json_object_new_object(), *list = json_object_new_array();
		json_object_object_add(v, "devices", json_object_new_uint64(count_devices(c, (enum change)i)));
		json_object_object_add(v, "flows", json_object_new_uint64(c->flows[i]));
		for (size_t k = 0; k < c->n; k++)
			if (c->groups[k].change == i)
				json_object_array_add(list, group_json(&c->groups[k]));
		json_object_object_add(v, "list", list);
		json_object_object_add(o, changes[i].key, v);
	}
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static int
compare_policies(const struct cli *cli, const struct policy *old, const struct policy *candidate, long long seconds, int json)
{
	struct comparison c = {.history = history_new(time(NULL) - seconds, 0)};
	int code = EXIT_UNREACHABLE;

	c.same_policy = strcmp(policy_id(old), policy_id(candidate)) == 0 && policy_mode(old) == policy_mode(candidate);
	if (c.history && history_fetch(c.history, cli, HISTORY_FLOWS | HISTORY_DEVICES, &code)) {
		c.old = row_judge_new(old, old, c.history);
		c.candidate = row_judge_new(candidate, old, c.history);
	}
	if (c.old && c.candidate) {
		compare_all(&c);
		if (c.n)
			qsort(c.groups, c.n, sizeof *c.groups, by_weight);
		if (json)
			print_json(&c, old, candidate);
		else
			print_comparison(&c, cli);
		code = c.n || c.short_of_memory ? EXIT_NEGATIVE : EXIT_OK;
	} else if (code == EXIT_OK) {
		fprintf(stderr, "lenscap: not enough memory\n");
		code = EXIT_UNREACHABLE;
	}
	row_judge_free(c.old);
	row_judge_free(c.candidate);
	history_free(c.history);
	free(c.groups);
	free(c.table);
	return code;
}

int
diff_run(const struct cli *cli, const char *path, long long seconds, int json)
{
	struct bundle *b = NULL;
	struct policy *candidate = policy_from_file(path, cli->colour, &b);
	int code = EXIT_USAGE;

	if (!candidate)
		return EXIT_USAGE;
	struct policy *old = policy_in_force(cli, b, &code);
	if (old)
		code = compare_policies(cli, old, candidate, seconds, json);
	policy_free(old);
	policy_free(candidate);
	bundle_free(b);
	return code;
}

void
diff_before_reload(const struct cli *cli)
{
	int code = EXIT_OK;
	char *path = policy_path(cli, &code);

	/* A path that begins elsewhere is the daemon's to follow. */
	if (path && path[0] == '/' && access(path, R_OK) == 0) {
		printf("Of the connections of the last 7 days the new policy\n");
		code = diff_run(cli, path, 7 * 86400, 0);
	} else if (path) {
		printf("What would change cannot be told here: %s cannot be read.\n", path);
	}
	fflush(stdout);
	free(path);
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"since", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	int64_t now = time(NULL), since = now - 7 * 86400;
	int json = 0, opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'j')
			json = 1;
		else if (opt != 's' || !listing_since(optarg, now, &since))
			return cli_usage(&command_diff);
	}
	if (optind + 1 != argc)
		return cli_usage(&command_diff);
	return diff_run(cli, argv[optind], now - since, json);
}

const struct command command_diff = {"diff", "FILE [--since TIME] [--json]", "what another policy would have made of the recorded connections", run};
