/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap top: who is busy now. A full screen on a terminal, a table again and again elsewhere. */
#include "top.h"

#include <curses.h>
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "client.h"
#include "listing.h"

enum {
	TIMEOUT_MS = 10000,
	TOP_ROWS = 40, /* of a table that is not a screen */
	LINE = 512,
};

struct view {
	const struct cli *cli;
	struct client *client;
	struct top *top;
	enum top_by by;
	long delay_ms, count; /* count 0: until it is stopped */
	bool screen;
	char status[LINE];
	uint64_t looked_ms;
	const struct top_row *rows;
	size_t n;
};

static uint64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Lines until the answer, which is returned; each event goes to the sums. NULL: the daemon is gone. */
static struct json_object *
ask(struct view *v, const char *cmd, bool sum)
{
	size_t len;
	char *line;

	if (!client_send(v->client, cmd, NULL))
		return NULL;
	while ((line = client_line(v->client, TIMEOUT_MS, &len)) || errno == EINTR) {
		struct json_object *o = line ? json_tokener_parse(line) : NULL, *event = client_member(o, "event");
		if (o && !event)
			return o;
		if (event && sum)
			top_flow(v->top, v->by, event);
		json_object_put(o);
	}
	return NULL;
}

static bool
look(struct view *v)
{
	uint64_t now = now_ms();
	struct json_object *status = ask(v, "status", false);

	if (!status)
		return false;
	snprintf(v->status, sizeof v->status, "mode %s, policy %s: %lld flows, %lld devices, %lld allowed, %lld blocked; alerts %lld high %lld medium",
		 client_text(status, "data.mode"), client_text(status, "data.policy_id"), client_number(status, "data.flows.active"),
		 client_number(status, "data.devices.seen"), client_number(status, "data.flows.allowed"),
		 client_number(status, "data.flows.blocked"), client_number(status, "data.alerts.high"),
		 client_number(status, "data.alerts.medium"));
	json_object_put(status);
	top_begin(v->top, v->looked_ms ? now - v->looked_ms : 0);
	v->looked_ms = now;
	struct json_object *end = ask(v, "flows", true);
	v->rows = top_end(v->top, &v->n);
	json_object_put(end);
	return end != NULL;
}

static void
print_table(const struct view *v)
{
	const char *const header[] = {top_by_names[v->by], "BYTES/S", "FLOWS", "BLOCKED", "BYTES", NULL};
	const struct listing_style style = listing_style(v->cli->colour, !v->cli->no_header);
	struct listing *l = listing_new(header, &style);

	for (size_t i = 0; i < v->n && i < TOP_ROWS; i++) {
		const struct top_row *r = &v->rows[i];
		char rate[LISTING_SIZE], bytes[LISTING_SIZE], flows[LISTING_SIZE], blocked[LISTING_SIZE];
		const char *cells[] = {r->key, listing_size(r->rate, false, rate), listing_size(r->flows, true, flows),
				       listing_size(r->blocked, true, blocked), listing_size(r->bytes, false, bytes)};
		listing_row(l, cells);
	}
	if (!v->cli->quiet)
		printf("%s\n", v->status);
	listing_print(l, stdout);
	printf("\n");
	fflush(stdout);
	listing_free(l);
}

static void
draw(const struct view *v)
{
	int key_width = COLS > 60 ? COLS - 44 : 16;
	char rate[LISTING_SIZE], bytes[LISTING_SIZE];

	erase();
	mvaddnstr(0, 0, v->status, COLS);
	attron(A_REVERSE);
	mvprintw(2, 0, "%-*.*s %9s %9s %9s %9s", key_width, key_width, top_by_names[v->by], "BYTES/S", "FLOWS", "BLOCKED", "BYTES");
	attroff(A_REVERSE);
	for (size_t i = 0; i < v->n && (int)i + 4 < LINES; i++) {
		const struct top_row *r = &v->rows[i];
		mvprintw((int)i + 3, 0, "%-*.*s %9s %9llu %9llu %9s", key_width, key_width, r->key, listing_size(r->rate, false, rate),
			 (unsigned long long)r->flows, (unsigned long long)r->blocked, listing_size(r->bytes, false, bytes));
	}
	mvaddnstr(LINES - 1, 0, "q quit   by: d device  c country  a asn  n name  r rule", COLS);
	refresh();
}

/* Waits for the next look or a key. False: quit. */
static bool
wait_screen(struct view *v)
{
	static const char keys[TOP_WAYS + 1] = "dcanr";
	uint64_t until = now_ms() + (uint64_t)v->delay_ms;

	for (uint64_t now = now_ms(); now < until; now = now_ms()) {
		timeout((int)(until - now));
		int key = getch();
		const char *way = key > 0 && key < 128 ? strchr(keys, key) : NULL;
		if (key == 'q' || key == 3)
			return false;
		if (key == KEY_RESIZE)
			draw(v);
		if (way) {
			v->by = (enum top_by)(way - keys);
			return true;
		}
	}
	return true;
}

static bool
show(struct view *v)
{
	if (v->screen) {
		draw(v);
		return wait_screen(v);
	}
	/* The first look has no rates: it is not a table yet. */
	struct timespec pause = {v->delay_ms / 1000, v->delay_ms % 1000 * 1000000};
	nanosleep(&pause, NULL);
	return true;
}

static int
watch(struct view *v)
{
	bool good = look(v);

	for (long n = 0; good && (v->count == 0 || n < v->count); n++) {
		if (!show(v))
			return EXIT_OK;
		good = look(v);
		if (good && !v->screen)
			print_table(v);
	}
	return good ? EXIT_OK : EXIT_UNREACHABLE;
}

static int
run_top(struct view *v)
{
	v->client = client_open(v->cli, false);
	if (!v->client)
		return client_unreachable(v->cli, errno);
	v->top = top_new();
	SCREEN *screen = v->screen && v->top ? newterm(NULL, stdout, stdin) : NULL;
	v->screen = screen != NULL;
	if (screen) {
		set_term(screen);
		cbreak();
		noecho();
		keypad(stdscr, TRUE);
		curs_set(0);
	}
	int code = v->top ? watch(v) : EXIT_NEGATIVE;
	if (screen) {
		endwin();
		delscreen(screen);
	}
	if (code == EXIT_UNREACHABLE)
		fprintf(stderr, "lenscap: the daemon went away\n");
	top_free(v->top);
	client_close(v->client);
	return code;
}

static bool
read_by(const char *text, enum top_by *ret)
{
	for (size_t i = 0; i < TOP_WAYS; i++)
		if (strcmp(text, top_by_names[i]) == 0) {
			*ret = (enum top_by)i;
			return true;
		}
	return false;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"by", required_argument, NULL, 'b'}, {NULL, 0, NULL, 0}};
	struct view v = {.cli = cli, .delay_ms = 2000, .screen = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
	bool good = true;
	double delay;
	int opt;

	while (good && (opt = getopt_long(argc, argv, "d:n:", options, NULL)) != -1)
		switch (opt) {
		case 'd':
			delay = atof(optarg);
			good = delay >= 0.1 && delay <= 3600;
			v.delay_ms = good ? (long)(delay * 1000) : 0;
			break;
		case 'n':
			v.count = atol(optarg);
			good = v.count > 0;
			break;
		case 'b':
			good = read_by(optarg, &v.by);
			break;
		default:
			good = false;
		}
	return good && optind == argc ? run_top(&v) : cli_usage(&command_top);
}

const struct command command_top = {"top", "[-d SECONDS] [--by device|country|asn|name|rule] [-n COUNT]", "who is busy now", run};
