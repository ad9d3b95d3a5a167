/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop: what can become readable, what is due when, and nothing else. One thread; every source and
 * every chore does a bounded amount of work a turn, so none of them can keep the verdicts from flowing.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "denied.h"
#include "groups.h"
#include "links.h"
#include "mark.h"
#include "neighbours.h"
#include "netlink.h"
#include "news.h"
#include "notify.h"
#include "quarantine.h"
#include "queue.h"
#include "ruleset.h"
#include "state.h"
#include "sweep.h"
#include "table.h"
#include "turn.h"
#include "watch.h"

enum {
	VERIFY_MS = 20,	  /* a commit announces itself in many pieces */
	RESTORE_MS = 250, /* between two repairs: somebody may be fighting us */
	RETRY_MS = 500,
	LINKS_MS = 50,
	LAST_NEWS_MS = 1000,
	CLOCK_STEP_S = 2, /* more than that between two looks: somebody has set it */
	AGREE = 2,	  /* readings, when the waiting packets are known */
	AGREE_BLIND = 10, /* when they are not: none waits that long */
};

static void
read_clock(struct gate *g)
{
	struct now now;
	clock_read(&now);
	g->now_ns = now.mono_ns;
	int64_t wall_s = now.wall_us / 1000000, mono_s = (int64_t)(now.mono_ns / 1000000000u);
	int64_t by_s = wall_s - mono_s - g->clock_offset_s;
	/* A clock that is set neither ends a quarantine nor makes it longer. */
	if (g->now_s && g->quarantine && (by_s > CLOCK_STEP_S || by_s < -CLOCK_STEP_S))
		quarantine_shift(g->quarantine, by_s);
	g->clock_offset_s = wall_s - mono_s;
	g->now_s = wall_s;
	g->wall_ns = (int64_t)now.wall_us * 1000;
}

/* ---- what others of the four files ask for ---- */

unsigned
gate_next_generation(const struct gate *g)
{
	return g->generation >= MARK_GENERATION_MAX ? 1 : g->generation + 1;
}

void
gate_status(struct gate *g, const char *state)
{
	char terms[96];

	notify_send(g->notify, "%sSTATUS=%s, fail %s, policy %s, generation %u%s", state,
		    g->plan.enforce ? "enforce" : "monitor", g->plan.fail_closed ? "closed" : "open",
		    g->plan.policy_id, g->generation, terms_words(g, terms, sizeof terms));
}

void
gate_committed(struct gate *g, unsigned generation, uint32_t ticket, bool policy)
{
	struct channel_commit c = {.head = {.type = CH_COMMIT, .count = policy, .arg = ticket},
				   .generation = generation};

	g->generation = generation;
	if (policy)
		log_info("policy %s is in force, generation %u", g->plan.policy_id, generation);
	if (keeper_send(g, &c, sizeof c, -1, true) && policy)
		gate_tell_links(g); /* others may be guarded now */
}

void
gate_table_anew(struct gate *g)
{
	struct queue_stats s;

	queue_stats(g->queue, &s);
	tally_reset(&g->tally, s.waiting);
	denied_reset(g->denied);
	g->denied_seen = g->tally.c[C_DENIED].packets;
}

static void
tell_neighbours(const struct channel_neighbour *row, size_t n, void *arg)
{
	struct {
		struct channel_head head;
		struct channel_neighbour n[CHANNEL_NEIGHBOURS];
	} m = {.head = {.type = CH_NEIGHBOURS, .count = (uint16_t)n}};

	struct gate *g = arg;
	quarantine_neighbours(g->quarantine, row, n);
	memcpy(m.n, row, n * sizeof *row);
	(void)keeper_send(arg, &m, sizeof m.head + n * sizeof *row, -1, false);
}

void
gate_tell_links(struct gate *g)
{
	struct {
		struct channel_head head;
		struct channel_link link[CHANNEL_LINKS];
	} m = {.head = {.type = CH_LINKS}};
	size_t n = links_read(g->links, &g->plan, m.link);

	m.head.count = (uint16_t)n;
	(void)keeper_send(g, &m, sizeof m.head + n * sizeof *m.link, -1, false);
	(void)groups_follow(g->groups, &g->plan, m.link, n);
	neighbours_guard(g->neighbours, &g->plan, m.link, n);
	neighbours_read(g->neighbours, tell_neighbours, g);
}

/* ---- sources ---- */

static int
signal_source(const struct gate *g)
{
	return g->signals;
}

static void
on_signal(struct gate *g)
{
	struct signalfd_siginfo s;

	if (read(g->signals, &s, sizeof s) != sizeof s)
		return;
	if (s.ssi_signo != SIGHUP) {
		log_info("signal %u: stopping", s.ssi_signo);
		g->ending = true;
		return;
	}
	struct channel_head reopen = {.type = CH_REOPEN};
	(void)keeper_send(g, &reopen, sizeof reopen, -1, false);
	reload_ask(g, &(struct request){.kind = REQUEST_RELOAD, .uid = s.ssi_uid, .pid = s.ssi_pid});
}

static int
channel_source(const struct gate *g)
{
	return g->keeper.channel;
}

static int
engine_source(const struct gate *g)
{
	return g->keeper.state == ENGINE_DOWN ? -1 : g->keeper.child.watch;
}

static void
on_engine_end(struct gate *g)
{
	keeper_lost(g, "it has died");
}

static int
planner_source(const struct gate *g)
{
	return g->reload.planner.child.watch;
}

static int
scribe_source(const struct gate *g)
{
	return scribe_fd(&g->scribe);
}

static int
sweep_source(const struct gate *g)
{
	return g->reload.state == RELOAD_SWEEPING ? sweep_fd(g->sweep) : -1;
}

static int
watch_source(const struct gate *g)
{
	return watch_fd(g->watch);
}

static void
on_watch(struct gate *g)
{
	if (!watch_touched(g->watch) || g->verify_at_ns || !g->installed)
		return;
	uint64_t soon = g->now_ns + VERIFY_MS * MS, calm = g->restored_ns + RESTORE_MS * MS;
	g->verify_at_ns = soon > calm ? soon : calm;
}

static int
links_source(const struct gate *g)
{
	return links_fd(g->links);
}

static void
on_links(struct gate *g)
{
	if (links_changed(g->links) && !g->links_at_ns)
		g->links_at_ns = g->now_ns + LINKS_MS * MS;
}

static int
neighbour_source(const struct gate *g)
{
	return neighbours_fd(g->neighbours);
}

static void
on_neighbours(struct gate *g)
{
	neighbours_events(g->neighbours, tell_neighbours, g);
}

static int
event_source(const struct gate *g)
{
	return news_event_fd(g->news);
}

static int
entry_source(const struct gate *g)
{
	return news_looks(g->news) && keeper_has_room(g) ? news_dump_fd(g->news) : -1;
}

static void
tell_news(const struct channel_flow_news *f, size_t n, void *arg)
{
	struct {
		struct channel_head head;
		struct channel_flow_news f[CHANNEL_NEWS];
	} m = {.head = {.type = CH_FLOW_NEWS, .count = (uint16_t)n}};

	memcpy(m.f, f, n * sizeof *f);
	(void)keeper_send(arg, &m, offsetof(struct channel_news, f) + n * sizeof *f, -1, false);
}

static void
on_event(struct gate *g)
{
	unsigned lost = news_events(g->news, g->plan.mark_shift, tell_news, g);

	if (lost && g->news_lost == 0)
		keeper_event(g, EVENT_NEWS_LOST, lost,
			     "conntrack events were lost: some flows end without their last counters");
	if (lost)
		news_again(g->news);
	g->news_lost += lost;
}

static void
on_entry(struct gate *g)
{
	news_look_step(g->news, g->plan.mark_shift, g->now_ns, tell_news, g);
}

/* An engine that has much to do with the news before it is waited for, and what it says meanwhile is heard. */
static void
tell_last_news(const struct channel_flow_news *f, size_t n, void *arg)
{
	struct gate *g = arg;
	struct pollfd p = {.fd = g->keeper.channel, .events = POLLOUT};
	struct now now;

	for (clock_read(&now); p.fd >= 0 && now.mono_ns < g->last_news_ns; clock_read(&now)) {
		if (poll(&p, 1, 10) > 0)
			break;
		inbox_read(g);
		p.fd = g->keeper.channel;
	}
	tell_news(f, n, g);
}

void
gate_last_news(struct gate *g)
{
	if (g->keeper.state != ENGINE_READY)
		return;
	read_clock(g);
	g->last_news_ns = g->now_ns + LAST_NEWS_MS * MS;
	if (!news_look_all(g->news, g->plan.mark_shift, g->last_news_ns, tell_last_news, g))
		log_warnx("conntrack: not everything could be read; some flow records have the counts that were seen");
}

static int
denied_source(const struct gate *g)
{
	return denied_fd(g->denied);
}

static void
tell_denied(const struct channel_denied_flow *f, size_t n, void *arg)
{
	struct {
		struct channel_head head;
		struct channel_denied_flow f[CHANNEL_NEWS];
	} m = {.head = {.type = CH_DENIED, .count = (uint16_t)n}};

	memcpy(m.f, f, n * sizeof *f);
	(void)keeper_send(arg, &m, offsetof(struct channel_denied, f) + n * sizeof *f, -1, false);
}

static void
on_denied(struct gate *g)
{
	denied_step(g->denied, g->now_ns, tell_denied, g);
}

static int
store_source(const struct gate *g)
{
	return historian_fd(g);
}

/* The order is the order of service. fd -1: not now. */
static const struct source {
	int (*fd)(const struct gate *g);
	void (*ready)(struct gate *g);
} sources[] = {
	{channel_source, inbox_read}, {engine_source, on_engine_end},	{signal_source, on_signal},
	{watch_source, on_watch},     {planner_source, reload_planned}, {sweep_source, reload_sweep},
	{scribe_source, reload_written},
	{links_source, on_links},     {neighbour_source, on_neighbours}, {event_source, on_event},
	{entry_source, on_entry},     {denied_source, on_denied},
	{store_source, historian_died},
};
enum { SOURCES = sizeof sources / sizeof *sources };

/* ---- chores ---- */

static void
restore_table(struct gate *g, enum table_state state)
{
	unsigned generation = gate_next_generation(g);
	struct ruleset rules = {.plan = &g->plan, .quarantine = g->quarantine, .now_s = g->now_s, .generation = generation, .forget = true,
				.fresh = true};
	const char *what = state == TABLE_GONE ? "removed" : "changed";

	log_warnx("table inet " RULESET_TABLE " was %s by somebody else: putting it back", what);
	g->restored_ns = g->now_ns;
	if (sweep_run(g->sweep, g->plan.mark_shift, g->plan.mark_shift, generation) < 0)
		log_warn("conntrack: old marks cannot be swept");
	if (table_restore(g->table, &rules) < 0) {
		g->verify_at_ns = g->now_ns + RETRY_MS * MS;
		return;
	}
	gate_table_anew(g);
	gate_committed(g, generation, 0, false);
	keeper_event(g, EVENT_HOOK_REMOVED, 1,
		     "the nft table inet " RULESET_TABLE " was %s by somebody else and is back", what);
}

static void
verify_table(struct gate *g)
{
	g->verify_at_ns = 0;
	enum table_state state = table_verify(g->table);
	switch (state) {
	case TABLE_INTACT:
		break;
	case TABLE_UNKNOWN:
		g->verify_at_ns = g->now_ns + RETRY_MS * MS;
		break;
	case TABLE_CHANGED:
	case TABLE_GONE:
		restore_table(g, state);
		break;
	}
}

/* What was put off until it comes to rest. */
static void
do_postponed(struct gate *g)
{
	if (g->verify_at_ns && g->now_ns >= g->verify_at_ns)
		verify_table(g);
	if (g->links_at_ns && g->now_ns >= g->links_at_ns) {
		g->links_at_ns = 0;
		gate_tell_links(g);
	}
}

static void
do_supervise(struct gate *g)
{
	do_postponed(g);
	news_pace(g->news);
	warden_tick(g);
	keeper_tick(g);
	historian_tick(g);
	reload_tick(g);
}

static void
fill_usage(const struct gate *g, struct channel_counters *c)
{
	c->gate_cpu_us = usage_cpu_us();
	c->gate_rss_bytes = usage_rss_bytes(&g->usage);
	c->gate_fds = usage_fds(&g->usage);
	c->gate_start_us = g->start_us;
}

static void
fill_counters(const struct gate *g, const struct queue_stats *s, struct channel_counters *c)
{
	const struct tally_counter *t = g->tally.c;

	c->head = (struct channel_head){.type = CH_COUNTERS};
	c->generation = g->generation;
	c->queue_waiting = s->waiting;
	c->queue_dropped = s->dropped;
	c->queue_user_dropped = s->user_dropped;
	c->queued_packets = t[C_QUEUE].packets;
	c->queued_bytes = t[C_QUEUE].bytes;
	c->offloaded_packets = t[C_OFFLOAD].packets;
	c->offloaded_bytes = t[C_OFFLOAD].bytes;
	c->bare_packets = t[C_BARE].packets;
	c->kind_packets = t[C_KIND].packets;
	c->denied_packets = t[C_DENIED].packets;
	c->denied_bytes = t[C_DENIED].bytes;
	c->cut_packets = t[C_CUT].packets;
	c->reply_packets = t[C_REPLY].packets;
	c->invalid_packets = t[C_INVALID].packets;
	c->verdicts = g->tally.verdicts;
	c->verdicts_refused = g->verdicts_refused;
	c->kinds_refused = g->kinds_refused;
	c->uninspected = g->tally.uninspected + g->tally.unseen.packets;
	c->news_lost = g->news_lost;
	c->messages_lost = g->messages_lost;
	c->engine_restarts = g->keeper.restarts;
	c->fail_closed = g->plan.fail_closed;
	c->quarantined_packets = t[C_JAIL].packets;
	c->flooded_packets = t[C_FLOOD].packets;
	c->announcements_skipped = t[C_UNHEARD].packets;
	c->observing = g->observe != NULL;
	c->quarantined = (uint32_t)quarantine_count(g->quarantine);
}

/* The counter first: what arrives between the readings then makes the difference smaller, never larger. */
static void
do_count(struct gate *g)
{
	struct queue_stats s;
	struct channel_counters c = {0};
	uint64_t stale = g->tally.stale;

	if (tally_read(&g->tally, g->ask, false) < 0)
		return; /* the table is being put back */
	keeper_count(g);
	warden_count(g);
	queue_stats(g->queue, &s);
	g->tally.stale += g->keeper.stale;
	uint64_t fresh = tally_uninspected(&g->tally, s.waiting, s.known ? AGREE : AGREE_BLIND);
	uint64_t unseen = tally_unseen(&g->tally);
	fresh += unseen;
	if (unseen)
		bridge_switch_again(&g->bridge, &g->plan, g->now_ns);
	g->tally.stale = stale;
	fill_counters(g, &s, &c);
	fill_usage(g, &c);
	news_table_size(g->news, &c.conntrack_entries, &c.conntrack_max);
	(void)keeper_send(g, &c, sizeof c, -1, false);
	if (fresh)
		keeper_event(g, EVENT_UNINSPECTED, fresh,
			     "%llu packets were %s without a judgement (fail %s)", (unsigned long long)fresh,
			     g->plan.fail_closed ? "dropped" : "passed",
			     g->plan.fail_closed ? "closed" : "open");
}

static void
do_refusals(struct gate *g)
{
	if (tally_read(&g->tally, g->ask, false) < 0)
		return;
	uint64_t seen = g->tally.c[C_DENIED].packets;
	if (seen == g->denied_seen)
		denied_quiet(g->denied, g->now_ns);
	else if (g->keeper.state == ENGINE_READY && denied_look(g->denied, g->now_ns))
		g->denied_seen = seen;
}

static void
do_look(struct gate *g)
{
	if (g->keeper.state == ENGINE_READY)
		news_look(g->news, g->now_ns, false);
}

static void
do_watchdog(struct gate *g)
{
	notify_send(g->notify, "WATCHDOG=1");
}

static const struct chore {
	unsigned every_ms;
	bool only_without_engine;
	void (*run)(struct gate *g);
} chores[] = {
	{5, true, keeper_answer},   {50, false, do_supervise}, {1000, false, do_count},
	{2000, false, do_refusals}, {5000, false, do_look},    {0, false, do_watchdog},
};
enum { CHORES = sizeof chores / sizeof *chores };

static uint64_t
period_ns(const struct gate *g, const struct chore *c)
{
	if (c->every_ms)
		return (uint64_t)c->every_ms * MS;
	return g->watchdog_us ? g->watchdog_us * 1000 / 3 : 3600000ull * MS;
}

static bool
is_wanted(const struct gate *g, const struct chore *c)
{
	return !c->only_without_engine || g->keeper.state != ENGINE_READY;
}

static void
run_chores(struct gate *g)
{
	for (size_t i = 0; i < CHORES; i++) {
		if (g->now_ns < g->chore_due_ns[i] || !is_wanted(g, &chores[i]))
			continue;
		g->chore_due_ns[i] = g->now_ns + period_ns(g, &chores[i]);
		chores[i].run(g);
	}
}

static struct timespec
time_to_next(const struct gate *g)
{
	uint64_t next = g->now_ns + 1000ull * MS;

	for (size_t i = 0; i < CHORES; i++)
		if (is_wanted(g, &chores[i]) && g->chore_due_ns[i] < next)
			next = g->chore_due_ns[i];
	uint64_t wait = next > g->now_ns ? next - g->now_ns : 0;
	return (struct timespec){.tv_sec = (time_t)(wait / 1000000000), .tv_nsec = (long)(wait % 1000000000)};
}

int
turn_init(struct gate *g)
{
	g->chore_due_ns = calloc(CHORES, sizeof *g->chore_due_ns);
	read_clock(g);
	g->start_us = (uint64_t)g->now_s * 1000000;
	usage_open(&g->usage);
	return g->chore_due_ns ? 0 : -1;
}

void
gate_turn(struct gate *g)
{
	struct pollfd p[SOURCES];

	for (size_t i = 0; i < SOURCES; i++)
		p[i] = (struct pollfd){.fd = sources[i].fd(g), .events = POLLIN};
	struct timespec wait = time_to_next(g);
	int n = ppoll(p, SOURCES, &wait, NULL);
	read_clock(g);
	/*
	 * A source that an earlier one has closed or replaced is not served with its old descriptor's news.
	 */
	for (size_t i = 0; n > 0 && i < SOURCES; i++)
		if (p[i].revents && sources[i].fd(g) == p[i].fd)
			sources[i].ready(g);
	run_chores(g);
}

void
gate_run(struct gate *g)
{
	while (!g->ending)
		gate_turn(g);
}
