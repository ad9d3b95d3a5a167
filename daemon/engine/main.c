/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap-engine: started by the gate, never by hand. It takes its policy and its sockets from the channel, and ends as soon as
 * the channel closes: while it holds the queue socket the kernel believes that somebody listens.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "announce.h"
#include "budget.h"
#include "builder.h"
#include "bundle.h"
#include "chronicle.h"
#include "control.h"
#include "engine.h"
#include "log.h"
#include "metrics.h"
#include "plan.h"
#include "planner.h"
#include "probe.h"
#include "sandbox.h"
#include "store.h"

enum {
	BATCH = 64,	    /* datagrams a recvmmsg */
	ROUNDS = 8,	    /* batches before the other events get their turn */
	LAST_WORDS_MS = 1000, /* how long who reads over the control socket may take for what is written at the end */
	HEADROOM = 4096,    /* netlink attributes around the copied bytes */
	START_FDS = 6,
	ENGINE_DESCRIPTORS = 1024, /* clients of the control sockets, logs, databases */
	OTHER_DESCRIPTORS = 256,
	OWN_MAPPING = 128 << 10, /* bytes; glibc's own choice, before it learns */
};

struct loop {
	struct engine *engine;
	struct event_base *base;
	int queue, observe; /* observe -1: announcements are not heard */
	struct event *store, *resume, *write; /* store NULL: there is none now */
	int store_fd;
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	uint8_t *buffers;
	size_t buffer_len;
};

/* The batch's verdicts leave, and it is noted how long they took. */
static void
answer_batch(struct engine *e, uint64_t packets)
{
	struct now end;

	engine_send(e);
	if (e->packet_clock)
		return;
	clock_read(&end);
	metrics_verdicts(e->metrics, packets, end.mono_ns - e->now.mono_ns);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	(void)fd;
	(void)what;
	engine_clock(l->engine);
	engine_flush(l->engine);
}

/* What a batch has to tell waits a moment for the next one's: a write for each packet costs as much as the packet. */
static void
write_soon(struct loop *l)
{
	static const struct timeval soon = {0, 10000};

	if (!evtimer_pending(l->write, NULL))
		evtimer_add(l->write, &soon);
}

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
		uint64_t before = l->engine->stats.packets;
		for (int i = 0; i < n; i++)
			engine_datagram(l->engine, l->buffers + (size_t)i * l->buffer_len, l->messages[i].msg_len);
		answer_batch(l->engine, l->engine->stats.packets - before);
		if (n < BATCH)
			break;
	}
	write_soon(l);
}

/* Bounded: what is left comes in the next turn, and what overruns is lost to nobody but us. */
static void
on_observe(evutil_socket_t fd, short what, void *arg)
{
	static _Alignas(8) uint8_t buf[ANNOUNCE_BYTES];
	struct loop *l = arg;
	(void)what;

	engine_clock(l->engine);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
		if (n <= 0)
			break;
		announce_datagram(l->engine, buf, (size_t)n);
	}
	engine_flush(l->engine);
}

static void follow_store(struct loop *l);

/* Clients that read slowly get the rest of their answer bit by bit. */
static void
watch_readers(struct loop *l)
{
	static const struct timeval soon = {0, 20000};

	if (chronicle_resume(l->engine) && !evtimer_pending(l->resume, NULL))
		evtimer_add(l->resume, &soon);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watch_readers(arg);
}

static void
on_store(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	(void)fd;
	(void)what;
	engine_clock(l->engine);
	chronicle_read(l->engine);
	watch_readers(l);
	follow_store(l);
}

/* The gate has sent another store's socket, or the one that we had has closed. */
static void
follow_store(struct loop *l)
{
	int fd = chronicle_fd(l->engine);

	if (l->store && fd == l->store_fd && event_initialized(l->store))
		return;
	if (l->store)
		event_free(l->store);
	l->store = fd < 0 ? NULL : event_new(l->base, fd, EV_READ | EV_PERSIST, on_store, l);
	l->store_fd = fd;
	if (l->store && (event_priority_set(l->store, 1) < 0 || event_add(l->store, NULL) < 0))
		fatalx("event loop");
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
			break;
		if (n <= 0 || !engine_message(l->engine, buf, (size_t)n, fds, n_fds)) {
			event_base_loopbreak(l->base);
			return;
		}
	}
	follow_store(l);
}

static void
on_built(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	(void)fd;
	(void)what;
	engine_clock(l->engine);
	if (!engine_built(l->engine))
		event_base_loopbreak(l->base);
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

/* Budgets near their line cannot wait for a second to pass. */
static void
on_pace(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	(void)fd;
	(void)what;
	engine_clock(l->engine);
	budget_pace(l->engine);
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

/* What the gate has sent before the start: it is still being checked. */
struct early {
	int fd; /* -1: there was none */
	struct bundle *bundle;
};

/* Of the first message, or of the one after a CH_EARLY. Returns its length. */
static ssize_t
receive_first(struct loop *l, int channel, uint8_t buf[CHANNEL_MAX], int fds[CHANNEL_FDS], size_t *ret_n_fds, struct early *ret_early)
{
	ssize_t n = channel_recv(channel, buf, fds, ret_n_fds);
	const struct channel_head *head = (const void *)buf;

	*ret_early = (struct early){.fd = -1};
	if (n <= 0 || head->type != CH_EARLY)
		return n;
	if (head->arg != CHANNEL_VERSION || *ret_n_fds != 1)
		fatalx("an early message that is none of this version: two builds mixed?");
	*ret_early = (struct early){fds[0], bundle_load(fds[0])};
	if (ret_early->bundle)
		regime_early(l->engine, ret_early->bundle);
	return channel_recv(channel, buf, fds, ret_n_fds);
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return a >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The bundle to start with: the early one, unless it is another. */
static struct bundle *
take_bundle(struct engine *e, struct early *early, int fd)
{
	struct bundle *b = early->bundle;

	if (!b || !same_file(early->fd, fd)) {
		regime_free(&e->early, &e->now);
		bundle_free(b);
		b = bundle_load(fd);
	}
	if (early->fd >= 0)
		close(early->fd);
	close(fd);
	return b;
}

/* The first message brings everything: the policy as it was checked, and every socket that this process will ever have. */
static void
receive_start(struct loop *l, int channel, int *ret_control, int *ret_view)
{
	static _Alignas(8) uint8_t buf[CHANNEL_MAX];
	int fds[CHANNEL_FDS], syslog_fd = -1;
	struct early early;
	size_t n_fds, next = 2;
	ssize_t n = receive_first(l, channel, buf, fds, &n_fds, &early);
	struct channel_start start;

	if (n <= 0)
		fatalx("the gate said nothing");
	if (!channel_fits(buf, (size_t)n, sizeof start, 0, 0))
		fatalx("the first message is no start: two builds mixed?");
	memcpy(&start, buf, sizeof start);
	size_t expected = 2u + (start.has_control != 0) + (start.has_view != 0) + (start.has_syslog != 0) + (start.has_observe != 0);
	if (start.head.type != CH_START || start.head.arg != CHANNEL_VERSION || n_fds != expected || n_fds > START_FDS)
		fatalx("the first message is no start of this version: two builds mixed?");
	l->queue = fds[1];
	*ret_control = start.has_control ? fds[next++] : -1;
	*ret_view = start.has_view ? fds[next++] : -1;
	syslog_fd = start.has_syslog ? fds[next++] : -1;
	l->observe = start.has_observe ? fds[next++] : -1;
	struct bundle *b = take_bundle(l->engine, &early, fds[0]);
	if (!b || engine_start(l->engine, &start, b, syslog_fd) < 0)
		fatalx("the policy could not be taken over from the gate");
	bundle_free(b);
	chronicle_connect(l->engine, -1); /* the gate sends it a store when we are ready */
}

/*
 * glibc raises the size from which a block is a mapping of its own as such blocks are freed, which each reload does. The next policy's tables
 * then lie in the heap: all of their pages are touched to clear them, and none of them goes back. A said size stays. And one heap for all
 * threads: what one of them allocates, a builder above all, another one frees, and hardly any of them allocates beside packets.
 */
static void
settle_allocator(void)
{
#ifdef M_ARENA_MAX
	mallopt(M_MMAP_THRESHOLD, OWN_MAPPING);
	mallopt(M_TRIM_THRESHOLD, OWN_MAPPING);
	mallopt(M_ARENA_MAX, 1);
#endif
}

/* The last thing before the first packet. What reads files by itself has done so. */
static void
close_sandbox(struct engine *e)
{
	tzset();
	if (!e->sandbox.on)
		return;
	if (sandbox_calls(SANDBOX_ENGINE) < 0)
		fatalx("the engine does not work without its sandbox; lenscapd --no-sandbox runs it so, for a while");
	e->sandbox.calls = true;
}

static int
engine_main(const char *run_dir, const char *state_dir, int channel, bool packet_clock, bool sandbox)
{
	struct loop l = {.base = event_base_new(), .engine = engine_new(run_dir, state_dir, channel, packet_clock)};
	int control, view;
	struct timeval second = {1, 0}, quarter = {0, 250000};
	struct channel_head ready = {.type = CH_READY};

	if (!l.base || !l.engine)
		fatal("start");
	l.engine->sandbox.on = sandbox;
	l.engine->metrics = metrics_new(); /* holds files of /proc open that no sandbox of ours covers */
	if (sandbox_drop(true, ENGINE_DESCRIPTORS) < 0)
		return 1;
	if (!probe_start())
		log_warnx("libcrypto lacks an algorithm: QUIC stays unread and JA4 empty");
	receive_start(&l, channel, &control, &view);
	make_buffers(&l);
	/* The channel before all others: a new generation takes effect before the packets that wait behind it. */
	event_base_priority_init(l.base, 2);
	l.engine->control = control_new(l.engine, l.base, control, view);
	l.engine->builder = builder_new();
	if (!l.engine->control || !l.engine->builder)
		fatal("control socket");
	fcntl(channel, F_SETFL, fcntl(channel, F_GETFL) | O_NONBLOCK);
	struct event *events[] = {
		event_new(l.base, channel, EV_READ | EV_PERSIST, on_channel, &l),
		event_new(l.base, l.queue, EV_READ | EV_PERSIST, on_queue, &l),
		event_new(l.base, -1, EV_PERSIST, on_tick, &l),
		event_new(l.base, -1, EV_PERSIST, on_pace, &l),
		event_new(l.base, l.observe, EV_READ | EV_PERSIST, on_observe, &l), /* never ready where there is none */
		event_new(l.base, builder_fd(l.engine->builder), EV_READ | EV_PERSIST, on_built, &l),
	};
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (!events[i] || event_priority_set(events[i], i > 0) < 0 || event_add(events[i], i == 2 ? &second : i == 3 ? &quarter : NULL) < 0)
			fatalx("event loop");
	l.resume = evtimer_new(l.base, on_resume, &l);
	l.write = evtimer_new(l.base, on_write, &l);
	if (!l.resume || !l.write || event_priority_set(l.resume, 1) < 0 || event_priority_set(l.write, 1) < 0)
		fatalx("event loop");
	close_sandbox(l.engine);
	if (channel_send(channel, &ready, sizeof ready, NULL, 0) < 0)
		fatal("the gate is gone");
	event_base_dispatch(l.base);

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		event_free(events[i]);
	event_free(l.resume);
	event_free(l.write);
	if (l.store)
		event_free(l.store);
	bool asked = l.engine->stopping;
	if (asked) {
		engine_end(l.engine);
		control_finish(l.engine->control, LAST_WORDS_MS);
	}
	control_free(l.engine->control);
	l.engine->control = NULL;
	engine_free(l.engine);
	event_base_free(l.base);
	free(l.buffers);
	return asked ? 0 : 1;
}

enum { OPT_PLAN = 256, OPT_PLAN_FROM, OPT_BELL, OPT_MODE, OPT_PLAN_FD, OPT_BUNDLE_FD, OPT_TEXT_FD, OPT_CHANNEL, OPT_RUN, OPT_STATE, OPT_CLOCK, OPT_STORE, OPT_NO_SANDBOX };

static const struct option options[] = {
	{"plan-from-fd", required_argument, NULL, OPT_PLAN_FROM}, {"mode", required_argument, NULL, OPT_MODE},
	{"plan", required_argument, NULL, OPT_PLAN},	     {"plan-fd", required_argument, NULL, OPT_PLAN_FD},
	{"bundle-fd", required_argument, NULL, OPT_BUNDLE_FD}, {"text-fd", required_argument, NULL, OPT_TEXT_FD},
	{"channel", required_argument, NULL, OPT_CHANNEL},   {"run-dir", required_argument, NULL, OPT_RUN},
	{"state-dir", required_argument, NULL, OPT_STATE},   {"clock", required_argument, NULL, OPT_CLOCK},
	{"store", no_argument, NULL, OPT_STORE},	     {"verbose", no_argument, NULL, 'v'},
	{"bell-fd", required_argument, NULL, OPT_BELL},
	{"no-sandbox", no_argument, NULL, OPT_NO_SANDBOX},
	{NULL, 0, NULL, 0},
};

/* It may read whatever its user may, because the owner says where files are, and write nothing but what it was given. */
static int
confine_planner(void)
{
	static const struct sandbox_path all = {"/", SANDBOX_READ | SANDBOX_LIST};
	int version;

	return sandbox_drop(false, OTHER_DESCRIPTORS) < 0 || sandbox_files(&all, 1, &version) < 0 ? -1 : sandbox_calls(SANDBOX_PLANNER);
}

/* The gate's word for a mode; any other is the policy's own. */
static enum bundle_mode
mode_of(const char *word)
{
	return strcmp(word, "monitor") == 0 ? BUNDLE_MODE_MONITOR : strcmp(word, "enforce") == 0 ? BUNDLE_MODE_ENFORCE : BUNDLE_MODE_OWN;
}

int
main(int argc, char **argv)
{
	struct planner_input plan = {.bundle_fd = -1, .bell_fd = -1};
	const char *run_dir = "/run/lenscap", *state_dir = "/var/lib/lenscap";
	int opt, channel = -1, plan_fd = -1, bundle_fd = -1, text_fd = 2;
	bool packet_clock = false, store = false, verbose = false, sandbox = sandbox_built();

	while ((opt = getopt_long(argc, argv, "v", options, NULL)) != -1)
		switch (opt) {
		case OPT_PLAN: plan.path = optarg; break;
		case OPT_PLAN_FROM: plan.bundle_fd = atoi(optarg); break;
		case OPT_MODE: plan.mode = mode_of(optarg); break;
		case OPT_BELL: plan.bell_fd = atoi(optarg); break;
		case OPT_PLAN_FD: plan_fd = atoi(optarg); break;
		case OPT_BUNDLE_FD: bundle_fd = atoi(optarg); break;
		case OPT_TEXT_FD: text_fd = atoi(optarg); break;
		case OPT_CHANNEL: channel = atoi(optarg); break;
		case OPT_RUN: run_dir = optarg; break;
		case OPT_STATE: state_dir = optarg; break;
		case OPT_CLOCK: packet_clock = strcmp(optarg, "packet") == 0; break;
		case OPT_STORE: store = true; break;
		case OPT_NO_SANDBOX: sandbox = false; break;
		case 'v': verbose = true; break;
		default: return 2;
		}
	log_init(store ? "lenscap-store" : "lenscap-engine", verbose);
	log_set_priorities(getenv("JOURNAL_STREAM") != NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group: the gate decides when we stop */
	signal(SIGTERM, SIG_IGN); /* and so does a service manager's TERM */
	signal(SIGHUP, SIG_IGN);
	if (plan.path || plan.bundle_fd >= 0) {
		if (sandbox && confine_planner() < 0)
			return PLAN_REFUSED;
		FILE *text = fdopen(text_fd, "w");
		int result = text ? planner_run(&plan, plan_fd, bundle_fd, text) : PLAN_REFUSED;
		return text && fclose(text) == 0 ? result : PLAN_REFUSED;
	}
	if (channel < 0) {
		fprintf(stderr, "lenscap-engine is started by lenscapd; see lenscapd(8)\n");
		return 2;
	}
	settle_allocator();
	if (store)
		return store_main(state_dir, channel, sandbox);
	return engine_main(run_dir, state_dir, channel, packet_clock, sandbox);
}
