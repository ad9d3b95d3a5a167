/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap replay: a capture instead of the kernel's queue, and beyond that the engine as it runs behind the gate. It needs no daemon
 * and no privileges, and its clock is the capture's.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bundle.h"
#include "cli.h"
#include "control.h"
#include "devices.h"
#include "diag.h"
#include "engine.h"
#include "log.h"
#include "replay.h"
#include "replay_flow.h"

enum { TERMINAL_WIDTH = 100, DEVICE_BYTES = 65536 };

struct replay {
	struct engine *engine;
	struct capture *capture;
	struct side side;
	struct flow_output out;
	const char *path, *policy;
	uint64_t elsewhere; /* packets in which no camera has part */
	bool broken;
	struct heard *heard;
	struct device_list *devices; /* NULL: flows are told */
	bool json;
};

/* What a capture is looked at with when nobody says what to look for. */
static const char builtin[] = "version: 1\n"
			      "mode: monitor\n"
			      "zones: {cameras: {interfaces: [capture]}}\n"
			      "default: {action: allow}\n"
			      "options: {flows: 262144, watched-flows: 65536, watched-bytes: 268435456, stats: 86400s}\n";

/* NULL: told on stderr, as `lenscap check` tells it. */
static struct bundle *
read_policy(const char *path, bool colour)
{
	struct diags diags = {0};
	char *file = NULL;
	struct bundle *b = path ? policy_read(path, &file) : bundle_from_text("built-in", builtin, sizeof builtin - 1);

	if (b && !path && !bundle_add_catalogue(b, &file)) { /* a policy brings its own */
		bundle_free(b);
		b = NULL;
	}
	if (!b) {
		log_warn("%s", file ? file : path ? path : "policy");
		free(file);
		return NULL;
	}
	struct policy *p = policy_load(b, &diags);
	if (!p) {
		diags_sort(&diags);
		diags_print(&diags, stderr, colour);
		bundle_free(b);
		b = NULL;
	}
	policy_free(p);
	diags_free(&diags);
	return b;
}

/* now_us: the first packet's time, by which schedules and the age of databases are judged. */
static bool
start_engine(struct replay *r, const struct bundle *policy, int64_t now_us)
{
	static struct channel_link links[CHANNEL_LINKS];
	const struct channel_start start = {.generation = 1};
	struct engine *e = engine_new(NULL, NULL, -1, true);

	r->engine = e;
	if (!e)
		return false;
	e->offline = true;
	e->recorder = flow_output_record;
	e->recorder_arg = &r->out;
	e->now = (struct now){.wall_us = now_us, .mono_ns = (uint64_t)now_us * 1000};
	e->start_us = now_us;
	if (engine_start(e, &start, (struct bundle *)policy, -1) < 0)
		return false;
	size_t n = side_links(&r->side, e->is.policy, links, CHANNEL_LINKS);
	links_set(e, links, n);
	return true;
}

static void
take_frame(struct replay *r, struct frame *f)
{
	if (f->ethertype) {
		heard_take(r->heard, r->engine, f);
		return;
	}
	if (side_choose(&r->side, r->engine->is.policy, f))
		engine_queued(r->engine, &f->q);
	else
		r->elsewhere++;
	heard_take(r->heard, r->engine, f);
}

static bool
add_device(void *arg, struct device *d)
{
	struct replay *r = arg;
	static char text[DEVICE_BYTES];
	size_t len = control_device(r->engine, d, text, sizeof text);

	r->out.failed |= len == 0 || !device_list_add(r->devices, text, len);
	return true;
}

/* False: it could not even begin; told. */
static bool
play(struct replay *r, const struct bundle *policy)
{
	struct frame f;
	enum capture_next next = capture_next(r->capture, &f);

	if (!start_engine(r, policy, next < CAPTURE_END ? f.q.stamp_us : 0))
		return false;
	for (; next < CAPTURE_END && !ferror(stdout); next = capture_next(r->capture, &f))
		take_frame(r, &f);
	heard_end(r->heard, r->engine);
	r->broken = next == CAPTURE_BROKEN;
	return true;
}

/* What the reader of the result must know, and would not see in it. */
static void
tell_rest(const struct replay *r, const struct stats *s)
{
	const struct capture_counts *c = capture_counts(r->capture);
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = {
		{c->not_ip, "not IP"},
		{r->elsewhere, "of no camera (see --camera)"},
		{s->drop[DROP_FRAGMENT], "fragments, which are not put together"},
		{s->drop[DROP_TRUNCATED], "cut short before their headers end"},
		{s->drop[DROP_BAD_HEADER] + s->drop[DROP_EXT_LIMIT] + s->drop[DROP_NOT_IP], "malformed"},
	};
	fprintf(stderr, "%s: %llu packets, %llu flows", r->path, (unsigned long long)c->frames, (unsigned long long)s->flows_new);
	const char *before = "; not judged: ";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!rows[i].n)
			continue;
		fprintf(stderr, "%s%llu %s", before, (unsigned long long)rows[i].n, rows[i].what);
		before = ", ";
	}
	if (c->backwards)
		fprintf(stderr, "; %llu went back in time", (unsigned long long)c->backwards);
	if (s->flows_evicted)
		fprintf(stderr, "; %llu flows ended early for want of room; raise flows in the policy's options",
			(unsigned long long)s->flows_evicted);
	fputc('\n', stderr);
}

static int
replay(struct replay *r, const struct cli *cli)
{
	struct bundle *policy = read_policy(r->policy, cli->colour);
	int code = EXIT_NEGATIVE;

	if (policy && policy->no_catalogue && r->devices)
		log_warnx("there is no catalogue beside this program, nor where it is installed: nobody's maker can be known");
	if (policy)
		r->capture = capture_open(r->path);
	if (r->capture && r->side.n_macs && !capture_has_macs(r->capture)) {
		log_warnx("%s: its frames do not say who receives them; name cameras by address", r->path);
	} else if (r->capture && play(r, policy)) {
		if (r->devices)
			device_walk(r->engine->devices, add_device, r);
		engine_end(r->engine);
		flow_output_end(&r->out);
		if (r->devices)
			device_list_print(r->devices, r->json, cli->colour, !cli->no_header);
		tell_rest(r, &r->engine->stats);
		code = r->broken ? EXIT_NEGATIVE : EXIT_OK;
	}
	if (r->engine)
		engine_free(r->engine);
	capture_close(r->capture);
	bundle_free(policy);
	if (r->out.failed || ferror(stdout) || fflush(stdout) == EOF) {
		log_warnx("cannot write: %s", r->out.failed ? "memory is short" : strerror(errno));
		code = EXIT_NEGATIVE;
	}
	return code;
}

/* On a terminal lines are kept to what it shows; into a pipe they go whole. */
static size_t
width(void)
{
	struct winsize w;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > TERMINAL_WIDTH ? w.ws_col : TERMINAL_WIDTH;
}

static bool
take_option(struct replay *r, int opt, const char *arg, enum flow_format *format)
{
	switch (opt) {
	case 'p':
		r->policy = arg;
		return true;
	case 'c':
		if (side_add(&r->side, arg))
			return true;
		log_warnx("--camera %s: neither an address, a prefix nor a MAC, or one too many", arg);
		return false;
	case 'o':
		*format = strcmp(arg, "eve") == 0 ? FLOW_EVE : FLOW_HUMAN;
		return *format == FLOW_EVE || strcmp(arg, "human") == 0;
	case 'l':
		*format = FLOW_LABELS;
		return true;
	case 'd':
		*format = FLOW_NONE;
		return true;
	case 'j':
		r->json = true;
		return true;
	}
	return false;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	static const struct option options[] = {{"policy", required_argument, NULL, 'p'},
						{"camera", required_argument, NULL, 'c'},
						{"output", required_argument, NULL, 'o'},
						{"labels", no_argument, NULL, 'l'},
						{"devices", no_argument, NULL, 'd'},
						{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	struct replay r = {0};
	enum flow_format format = FLOW_HUMAN;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		if (!take_option(&r, opt, optarg, &format))
			return cli_usage(&command_replay);
	if (argc - optind != 1 || (r.json && format != FLOW_NONE))
		return cli_usage(&command_replay);
	r.path = argv[optind];
	if (!probe_start())
		log_warnx("libcrypto lacks an algorithm; QUIC stays unread and JA4 empty");
	flow_output_start(&r.out, format, r.policy != NULL, width());
	r.heard = heard_new();
	r.devices = format == FLOW_NONE ? device_list_new() : NULL;
	int code = EXIT_NEGATIVE;
	if (r.heard && (r.devices || format != FLOW_NONE))
		code = replay(&r, cli);
	else
		log_warnx("memory is short");
	heard_free(r.heard);
	device_list_free(r.devices);
	return code;
}

const struct command command_replay = {"replay", "FILE.pcap[ng] [--policy P] [--camera PREFIX|MAC ...] [-o human|eve] [--labels]"
				       " [--devices [--json]]",
				       "judge a capture as if it came by", run};
