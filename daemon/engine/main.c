/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap-engine: started by the gate, never by hand. It takes its policy and its sockets from the channel, and ends as soon as
 * the channel closes: while it holds the queue socket the kernel believes that somebody listens.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bundle.h"
#include "control.h"
#include "engine.h"
#include "log.h"
#include "plan.h"
#include "planner.h"
#include "probe.h"

enum {
	BATCH = 64,	    /* datagrams a recvmmsg */
	ROUNDS = 8,	    /* batches before the other events get their turn */
	HEADROOM = 4096,    /* netlink attributes around the copied bytes */
	START_FDS = 5,
};

struct loop {
	struct engine *engine;
	struct event_base *base;
	int queue;
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	uint8_t *buffers;
	size_t buffer_len;
};

static void
on_queue(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	(void)what;

	for (int round = 0; round < ROUNDS; round++) {
		int n = recvmmsg(fd, l->messages, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == ENOBUFS) {
			l->engine->stats.overruns++;
			continue;
		}
		if (n <= 0)
			break;
		engine_clock(l->engine);
		for (int i = 0; i < n; i++)
			engine_datagram(l->engine, l->buffers + (size_t)i * l->buffer_len, l->messages[i].msg_len);
		engine_flush(l->engine);
		if (n < BATCH)
			break;
	}
}

static void
on_channel(evutil_socket_t fd, short what, void *arg)
{
	static _Alignas(8) uint8_t buf[CHANNEL_MAX];
	struct loop *l = arg;
	int fds[CHANNEL_FDS];
	size_t n_fds;
	(void)what;

	for (int i = 0; i < BATCH; i++) {
		ssize_t n = channel_recv(fd, buf, fds, &n_fds);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || !engine_message(l->engine, buf, (size_t)n, fds, n_fds)) {
			event_base_loopbreak(l->base);
			return;
		}
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	(void)fd;
	(void)what;
	engine_clock(l->engine);
	engine_tick(l->engine);
	engine_flush(l->engine);
}

static void
make_buffers(struct loop *l)
{
	l->buffer_len = PLAN_COPY_RANGE_MAX + HEADROOM; /* a reload may raise copy-range */
	l->buffers = malloc(BATCH * l->buffer_len);
	if (!l->buffers)
		fatal("receive buffers");
	for (size_t i = 0; i < BATCH; i++) {
		l->iov[i] = (struct iovec){l->buffers + i * l->buffer_len, l->buffer_len};
		l->messages[i].msg_hdr = (struct msghdr){.msg_iov = &l->iov[i], .msg_iovlen = 1};
	}
}

/* The first message brings everything: the policy as it was checked, and every socket that this process will ever have. */
static void
receive_start(struct loop *l, int channel, int *ret_control, int *ret_view)
{
	static _Alignas(8) uint8_t buf[CHANNEL_MAX];
	int fds[CHANNEL_FDS], syslog_fd = -1;
	size_t n_fds, next = 2;
	ssize_t n = channel_recv(channel, buf, fds, &n_fds);
	struct channel_start start;

	if (n <= 0)
		fatalx("the gate said nothing");
	if (!channel_fits(buf, (size_t)n, sizeof start, 0, 0))
		fatalx("the first message is no start: two builds mixed?");
	memcpy(&start, buf, sizeof start);
	size_t expected = 2u + (start.has_control != 0) + (start.has_view != 0) + (start.has_syslog != 0);
	if (start.head.type != CH_START || start.head.arg != CHANNEL_VERSION || n_fds != expected || n_fds > START_FDS)
		fatalx("the first message is no start of this version: two builds mixed?");
	l->queue = fds[1];
	*ret_control = start.has_control ? fds[next++] : -1;
	*ret_view = start.has_view ? fds[next++] : -1;
	syslog_fd = start.has_syslog ? fds[next++] : -1;
	struct bundle *b = bundle_load(fds[0]);
	close(fds[0]);
	if (!b || engine_start(l->engine, &start, b, syslog_fd) < 0)
		fatalx("the policy could not be taken over from the gate");
	bundle_free(b);
}

static int
engine_main(const char *run_dir, const char *state_dir, int channel, bool packet_clock)
{
	struct loop l = {.base = event_base_new(), .engine = engine_new(run_dir, state_dir, channel, packet_clock)};
	int control, view;
	struct timeval second = {1, 0};
	struct channel_head ready = {.type = CH_READY};

	if (!l.base || !l.engine)
		fatal("start");
	if (!probe_start())
		log_warnx("libcrypto lacks an algorithm: QUIC stays unread and JA4 empty");
	receive_start(&l, channel, &control, &view);
	make_buffers(&l);
	l.engine->control = control_new(l.engine, l.base, control, view);
	if (!l.engine->control)
		fatal("control socket");
	fcntl(channel, F_SETFL, fcntl(channel, F_GETFL) | O_NONBLOCK);
	/* The channel before the queue: a new generation takes effect before the packets that wait behind it. */
	event_base_priority_init(l.base, 2);
	struct event *events[] = {
		event_new(l.base, channel, EV_READ | EV_PERSIST, on_channel, &l),
		event_new(l.base, l.queue, EV_READ | EV_PERSIST, on_queue, &l),
		event_new(l.base, -1, EV_PERSIST, on_tick, &l),
	};
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (!events[i] || event_priority_set(events[i], i > 0) < 0 || event_add(events[i], i == 2 ? &second : NULL) < 0)
			fatalx("event loop");
	if (channel_send(channel, &ready, sizeof ready, NULL, 0) < 0)
		fatal("the gate is gone");
	event_base_dispatch(l.base);

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		event_free(events[i]);
	bool asked = l.engine->stopping;
	control_free(l.engine->control);
	engine_free(l.engine);
	event_base_free(l.base);
	free(l.buffers);
	return asked ? 0 : 1;
}

enum { OPT_PLAN = 256, OPT_PLAN_FD, OPT_BUNDLE_FD, OPT_TEXT_FD, OPT_CHANNEL, OPT_RUN, OPT_STATE, OPT_CLOCK };

static const struct option options[] = {
	{"plan", required_argument, NULL, OPT_PLAN},	     {"plan-fd", required_argument, NULL, OPT_PLAN_FD},
	{"bundle-fd", required_argument, NULL, OPT_BUNDLE_FD}, {"text-fd", required_argument, NULL, OPT_TEXT_FD},
	{"channel", required_argument, NULL, OPT_CHANNEL},   {"run-dir", required_argument, NULL, OPT_RUN},
	{"state-dir", required_argument, NULL, OPT_STATE},   {"clock", required_argument, NULL, OPT_CLOCK},
	{"verbose", no_argument, NULL, 'v'},		     {NULL, 0, NULL, 0},
};

int
main(int argc, char **argv)
{
	const char *plan = NULL, *run_dir = "/run/lenscap", *state_dir = "/var/lib/lenscap";
	int opt, channel = -1, plan_fd = -1, bundle_fd = -1, text_fd = 2;
	bool packet_clock = false, verbose = false;

	while ((opt = getopt_long(argc, argv, "v", options, NULL)) != -1)
		switch (opt) {
		case OPT_PLAN: plan = optarg; break;
		case OPT_PLAN_FD: plan_fd = atoi(optarg); break;
		case OPT_BUNDLE_FD: bundle_fd = atoi(optarg); break;
		case OPT_TEXT_FD: text_fd = atoi(optarg); break;
		case OPT_CHANNEL: channel = atoi(optarg); break;
		case OPT_RUN: run_dir = optarg; break;
		case OPT_STATE: state_dir = optarg; break;
		case OPT_CLOCK: packet_clock = strcmp(optarg, "packet") == 0; break;
		case 'v': verbose = true; break;
		default: return 2;
		}
	log_init("lenscap-engine", verbose);
	log_set_priorities(getenv("JOURNAL_STREAM") != NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group: the gate decides when we stop */
	signal(SIGTERM, SIG_IGN); /* and so does a service manager's TERM */
	signal(SIGHUP, SIG_IGN);
	if (plan) {
		FILE *text = fdopen(text_fd, "w");
		int result = text ? planner_run(plan, plan_fd, bundle_fd, text) : PLAN_REFUSED;
		return text && fclose(text) == 0 ? result : PLAN_REFUSED;
	}
	if (channel < 0) {
		fprintf(stderr, "lenscap-engine is started by lenscapd; see lenscapd(8)\n");
		return 2;
	}
	return engine_main(run_dir, state_dir, channel, packet_clock);
}
