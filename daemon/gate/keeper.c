/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's life. One that dies, hangs or talks nonsense is replaced at once on the same queue socket;
 * until the new one is ready the gate gives every waiting packet the fail mode's answer. Settled flows
 * never notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "news.h"
#include "observe.h"
#include "queue.h"
#include "state.h"

enum {
	READY_MS = 30000, /* ten thousand rules and a million names, beside other work */
	PING_MS = 200,
	QUICK_DEATH_MS = 1000, /* within this of its start, and */
	POISON_MS = 150,       /* within this of its first work: then the next one waits longer */
	BACKOFF_MS = 100,
	BACKOFF_MAX_MS = 500,
	CHANNEL_BUFFER = 1 << 20,
};

bool
keeper_send(struct gate *g, const void *message, size_t len, int fd, bool vital)
{
	if (g->keeper.channel < 0)
		return false;
	if (channel_send(g->keeper.channel, message, len, &fd, fd >= 0) == 0)
		return true;
	g->messages_lost++;
	if (vital)
		keeper_lost(g,
			    errno == EAGAIN ? "it does not read what it is told" : "its channel is broken");
	return false;
}

/* The kernel calls a UNIX socket writable up to a quarter of its buffer. */
bool
keeper_has_room(const struct gate *g)
{
	struct pollfd p = {.fd = g->keeper.channel, .events = POLLOUT};

	return p.fd < 0 || (poll(&p, 1, 0) > 0 && (p.revents & POLLOUT));
}

void
keeper_event(struct gate *g, enum gate_event event, uint64_t count, const char *fmt, ...)
{
	struct channel_event e = {.head = {.type = CH_EVENT, .arg = event}, .count = count};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof e.text, fmt, ap);
	va_end(ap);
	(void)keeper_send(g, &e, sizeof e, -1, false);
}

/* A datagram socket is the one thing for syslog that the engine cannot make itself. */
static int
syslog_socket(const struct gate *g)
{
	return g->plan.wants_syslog ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
}

static int
send_start(struct gate *g)
{
	struct keeper *k = &g->keeper;
	struct channel_start s = {
		.head = {.type = CH_START, .arg = CHANNEL_VERSION},
		.generation = g->generation,
		.has_control = 1,
		.has_view = 1,
		.restarted = k->restarts > 0,
		.restarts = k->restarts,
		.boot = g->boot,
	};
	int syslog_fd = syslog_socket(g);
	int fds[CHANNEL_FDS] = {g->bundle_fd, queue_fd(g->queue), g->place.control_fd, g->place.view_fd};
	size_t n_fds = 4;

	s.has_syslog = syslog_fd >= 0;
	if (syslog_fd >= 0)
		fds[n_fds++] = syslog_fd;
	s.has_observe = g->observe != NULL;
	if (g->observe)
		fds[n_fds++] = observe_fd(g->observe);
	int rc = channel_send(k->channel, &s, sizeof s, fds, n_fds);
	if (syslog_fd >= 0)
		close(syslog_fd);
	return rc;
}

static int
spawn(struct gate *g)
{
	struct keeper *k = &g->keeper;
	int pair[2], bytes = CHANNEL_BUFFER;
	char *argv[] = {"lenscap-engine",
			"--channel",
			"3",
			"--state-dir",
			g->place.engine_dir,
			"--run-dir",
			(char *)g->o->run_dir,
			NULL,
			NULL,
			NULL};

	child_options(argv + 7, g->o->verbose, g->o->no_sandbox);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
	/* The engine waits for its first message before it has a loop. */
	(void)fcntl(pair[1], F_SETFL, fcntl(pair[1], F_GETFL) & ~O_NONBLOCK);
	int rc = child_start(g->program, argv, &pair[1], 1, &k->child);
	close(pair[1]);
	if (rc < 0) {
		close(pair[0]);
		return -1;
	}
	k->channel = pair[0];
	return 0;
}

void
keeper_early(struct gate *g)
{
	g->keeper.early = g->keeper.state == ENGINE_DOWN && !g->keeper.early && spawn(g) == 0;
}

void
keeper_early_end(struct gate *g)
{
	struct keeper *k = &g->keeper;

	if (!k->early)
		return;
	k->early = false;
	(void)child_end(&k->child);
	close(k->channel);
	k->channel = -1;
}

void
keeper_early_policy(struct gate *g, int bundle_fd)
{
	struct channel_head h = {.type = CH_EARLY, .arg = CHANNEL_VERSION};

	if (g->keeper.early && channel_send(g->keeper.channel, &h, sizeof h, &bundle_fd, 1) < 0)
		keeper_early_end(g);
}

void
keeper_start(struct gate *g)
{
	struct keeper *k = &g->keeper;

	conduct_begin(&k->conduct, g->tally.verdicts, g->tally.c[C_QUEUE].packets);
	k->pinged_ns = 0;
	k->ping_waits = false;
	k->stale = 0;
	k->started_ns = k->since_ns = g->now_ns;
	k->ready_ns = 0;
	bool spawned = k->early || spawn(g) == 0;
	k->early = false;
	if (!spawned) {
		log_warn("the engine cannot be started");
		k->state = ENGINE_DOWN;
		k->start_at_ns = g->now_ns + (uint64_t)BACKOFF_MAX_MS * MS;
		return;
	}
	k->state = ENGINE_STARTING;
	if (send_start(g) < 0) {
		keeper_lost(g, "it does not take its start message");
		return;
	}
	gate_tell_links(g);
}

/*
 * At once, then 100, 200, 400 ms and from then on 500 ms, as long as engines die right after their start.
 */
static uint64_t
backoff_ns(struct keeper *k, uint64_t now_ns)
{
	bool worked = k->ready_ns && now_ns - k->ready_ns >= (uint64_t)POISON_MS * MS;

	if (worked || now_ns - k->started_ns >= (uint64_t)QUICK_DEATH_MS * MS)
		k->quick_deaths = 0;
	unsigned n = k->quick_deaths++;
	if (n == 0)
		return 0;
	uint64_t ms = n > 3 ? BACKOFF_MAX_MS : (uint64_t)BACKOFF_MS << (n - 1);
	return (ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : ms) * MS;
}

static void
answer_waiting(struct gate *g)
{
	uint32_t n = queue_answer_all(g->queue, g->plan.fail_closed);

	g->keeper.answered += n;
	g->tally.answered += n;
}

/* In this order: what waits now is answered afterwards, and counts as not judged. */
static void
settle_account(struct gate *g)
{
	struct queue_stats s;

	queue_stats(g->queue, &s);
	if (g->installed && tally_read(&g->tally, g->ask, false) == 0)
		tally_settle(&g->tally, s.waiting);
	answer_waiting(g);
}

/* A death of its own is a better reason than what we saw of it. */
static void
note_reason(struct keeper *k, const char *reason, int status)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number == SIGSYS)
		snprintf(k->reason, sizeof k->reason, "killed by its sandbox for a forbidden system call (SIGSYS)");
	else if (number && number != SIGKILL)
		snprintf(k->reason, sizeof k->reason, "killed by signal %d, %s", number, strsignal(number));
	else
		snprintf(k->reason, sizeof k->reason, "%s", reason);
}

void
keeper_lost(struct gate *g, const char *reason)
{
	struct keeper *k = &g->keeper;
	int status = 0;

	if (k->state == ENGINE_DOWN)
		return;
	k->state = ENGINE_DOWN;
	k->since_ns = g->now_ns;
	if (!child_end_status(&k->child, &status)) /* it hangs in the kernel; keeper_tick() collects it before the next one starts */
		log_warnx("engine %d cannot be killed yet", (int)k->child.pid);
	note_reason(k, reason, status);
	close(k->channel);
	k->channel = -1;
	g->tally.stale += k->stale;
	k->stale = 0;
	if (g->ending)
		return;
	settle_account(g);
	k->restarts++;
	uint64_t wait_ns = backoff_ns(k, g->now_ns);
	k->start_at_ns = g->now_ns + wait_ns;
	log_warnx("engine lost: %s; undecided packets are %s until the next one judges (start in %u ms)",
		  k->reason, g->plan.fail_closed ? "dropped" : "passed", (unsigned)(wait_ns / MS));
	reload_engine_lost(g);
}

void
keeper_ready(struct gate *g)
{
	struct keeper *k = &g->keeper;

	k->state = ENGINE_READY;
	k->since_ns = k->ready_ns = g->now_ns;
	if (k->ever_ready)
		keeper_event(
			g, EVENT_ENGINE_RESTARTED, k->answered,
			"engine restarted (number %u): %s; %llu packets were %s without a judgement meanwhile",
			k->restarts, k->reason, (unsigned long long)k->answered,
			g->plan.fail_closed ? "dropped" : "passed");
	terms_tell(g);
	warden_engine(g);
	news_again(g->news);
	k->answered = 0;
	k->ever_ready = true;
	log_debug("engine %d is ready after %llu ms", (int)k->child.pid,
		  (unsigned long long)((g->now_ns - k->started_ns) / MS));
}

/* The first engine gets its deadline before packets are let go; after a loss nobody waits. */
void
keeper_answer(struct gate *g)
{
	struct keeper *k = &g->keeper;
	uint64_t grace_ns = k->restarts ? 0 : (uint64_t)g->plan.engine_deadline_ms * MS;

	if (k->state == ENGINE_READY || g->ending || g->now_ns - k->since_ns < grace_ns)
		return;
	answer_waiting(g);
}

void
keeper_count(struct gate *g)
{
	struct keeper *k = &g->keeper;

	if (k->state == ENGINE_READY && conduct_invents(&k->conduct, g->tally.verdicts, g->tally.c[C_QUEUE].packets, g->plan.queue_length))
		keeper_lost(g, "it answers packets that never came");
}

static bool
has_mail(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 0) > 0;
}

/*
 * An answer that lies in the channel already is no lateness of the engine's, and one that goes on judging is not hanging: it has much to read
 * before our ping. Both up to a limit.
 */
static bool
is_late(struct gate *g)
{
	struct keeper *k = &g->keeper;
	uint64_t limit_ns = (uint64_t)g->plan.engine_deadline_ms * MS, waited = g->now_ns - k->pinged_ns;

	if (g->reload.state == RELOAD_PREPARING && limit_ns < (uint64_t)PREPARE_MS * MS)
		limit_ns = (uint64_t)PREPARE_MS * MS;
	if (k->pinged_ns == 0 || waited <= limit_ns)
		return false;
	bool lives = k->heard_ns > k->pinged_ns && g->now_ns - k->heard_ns <= limit_ns;
	return waited > 2 * limit_ns || (!lives && !has_mail(k->channel));
}

/* A channel that takes no ping counts as one that is not answered, from the first time on; but the engine must have its chance to answer. */
static void
ping(struct gate *g)
{
	struct keeper *k = &g->keeper;
	struct channel_head p = {.type = CH_PING, .arg = k->ping_waits ? k->ping : ++k->ping};

	k->ping_waits = !keeper_send(g, &p, sizeof p, -1, false);
	if (k->pinged_ns == 0)
		k->pinged_ns = g->now_ns;
	k->since_ns = g->now_ns;
}

static void
tick_ready(struct gate *g)
{
	struct keeper *k = &g->keeper;

	if (is_late(g))
		keeper_lost(g, "it does not answer");
	else if (k->ping_waits || (k->pinged_ns == 0 && g->now_ns - k->since_ns >= (uint64_t)PING_MS * MS))
		ping(g);
}

void
keeper_tick(struct gate *g)
{
	struct keeper *k = &g->keeper;

	switch (k->state) {
	case ENGINE_READY:
		tick_ready(g);
		break;
	case ENGINE_STARTING:
		if (g->now_ns - k->since_ns > (uint64_t)READY_MS * MS)
			keeper_lost(g, "it does not become ready");
		break;
	case ENGINE_DOWN:
		if (!g->ending && g->now_ns >= k->start_at_ns && (k->child.pid == 0 || child_end(&k->child)))
			keeper_start(g);
		break;
	}
}
