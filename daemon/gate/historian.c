/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See historian.h. The gate keeps no end of the pair: when the engine is gone the store reads to the end of what it said, commits and ends, and
 * when the store is gone the engine sees that at once.
 */
#include "historian.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "state.h"

enum {
	BACKOFF_MS = 200,
	BACKOFF_MAX_MS = 10000,
	STEADY_MS = 10000, /* one that lived so long was no quick death */
	LAST_WRITES_MS = 5000,
	PAIR_BUFFER = 1 << 20, /* what the engine may say while the disk is slow */
};

static bool
is_orphan(const struct gate *g)
{
	return g->keeper.state != ENGINE_READY || g->historian.engine != g->keeper.restarts;
}

static int
spawn(struct gate *g, int pair[2])
{
	int bytes = PAIR_BUFFER;
	char *argv[] = {"lenscap-engine",      "--store", "--channel", "3", "--state-dir", g->place.history_dir,
			NULL, NULL, NULL};

	child_options(argv + 6, g->o->verbose, g->o->no_sandbox);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
	if (child_start(g->program, argv, &pair[1], 1, &g->historian.child) == 0)
		return 0;
	close(pair[0]);
	close(pair[1]);
	return -1;
}

static void
start(struct gate *g)
{
	struct historian *h = &g->historian;
	struct channel_head m = {.type = CH_STORE};
	int pair[2];

	h->start_at_ns = g->now_ns + (uint64_t)BACKOFF_MAX_MS * MS;
	if (spawn(g, pair) < 0) {
		log_warn("the store cannot be started; history is not kept, next try in %d s", BACKOFF_MAX_MS / 1000);
		return;
	}
	h->engine = g->keeper.restarts;
	h->started_ns = g->now_ns;
	h->deadline_ns = 0;
	(void)keeper_send(g, &m, sizeof m, pair[0], false); /* where that fails the store ends by itself, and the next one is tried */
	close(pair[0]);
	close(pair[1]);
}

void
historian_tick(struct gate *g)
{
	struct historian *h = &g->historian;

	if (h->child.pid == 0) {
		if (g->keeper.state == ENGINE_READY && !g->ending && g->now_ns >= h->start_at_ns)
			start(g);
		return;
	}
	if (!is_orphan(g))
		return;
	if (h->deadline_ns == 0)
		h->deadline_ns = g->now_ns + (uint64_t)LAST_WRITES_MS * MS;
	else if (g->now_ns >= h->deadline_ns && child_end(&h->child))
		log_warnx("the store did not end with its engine and was killed: the last second of history may be missing");
}

int
historian_fd(const struct gate *g)
{
	return g->historian.child.pid ? g->historian.child.watch : -1;
}

/* 0.2, 0.4 … 10 s as long as they die young; at once where only the engine was replaced. */
static uint64_t
backoff_ns(struct historian *h, uint64_t now_ns)
{
	if (now_ns - h->started_ns >= (uint64_t)STEADY_MS * MS)
		h->quick_deaths = 0;
	unsigned n = h->quick_deaths++;
	uint64_t ms = n > 6 ? BACKOFF_MAX_MS : (uint64_t)BACKOFF_MS << n;
	return (ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : ms) * MS;
}

void
historian_died(struct gate *g)
{
	struct historian *h = &g->historian;
	bool expected = is_orphan(g);
	int status;

	if (!child_wait(&h->child, 0, &status))
		return;
	h->start_at_ns = g->now_ns;
	if (expected)
		return;
	h->deaths++;
	uint64_t wait_ns = backoff_ns(h, g->now_ns);
	h->start_at_ns += wait_ns;
	log_warnx("the store has died; another one starts in %u ms, nothing that is judged waits for it", (unsigned)(wait_ns / MS));
}

void
historian_stop(struct gate *g)
{
	int status;

	if (g->historian.child.pid == 0 || child_wait(&g->historian.child, LAST_WRITES_MS, &status))
		return;
	log_warnx("the store does not end: the last records of history may be missing");
	(void)child_end(&g->historian.child);
}
