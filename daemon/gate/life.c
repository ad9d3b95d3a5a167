/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start and stop, in the order of gate.h. The order is the point: nothing here may be moved without a
 * reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ahead.h"
#include "denied.h"
#include "links.h"
#include "neighbours.h"
#include "netlink.h"
#include "news.h"
#include "notify.h"
#include "queue.h"
#include "ruleset.h"
#include "sandbox.h"
#include "state.h"
#include "sweep.h"
#include "table.h"
#include "turn.h"
#include "watch.h"

#define LOG_DIR "/var/log/lenscap"

enum {
	FIRST_READY_MS = 30000, /* as keeper.c gives each */
	FIRST_TRIES = 3, /* engines that may die before the start is given up */
	STOP_MS = 2000,
	FIRST_GENERATION = 1,
};

/* Conntrack's switches: exact counters, times, and events for every entry. */
static const char *const switches[] = {"nf_conntrack_acct", "nf_conntrack_timestamp", "nf_conntrack_events"};

static void
set_switch(const char *name)
{
	char path[96], value = 0;

	snprintf(path, sizeof path, "/proc/sys/net/netfilter/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0 && read(fd, &value, 1) == 1;
	if (fd >= 0)
		close(fd);
	if (known && value == '1')
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, "1\n", 2) == 2;
	if (fd >= 0)
		close(fd);
	if (!ok)
		log_warnx("flow counters will be incomplete: run sysctl -w net.netfilter.%s=1", name);
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool
open_netlink(struct gate *g)
{
	g->table = table_open();
	if (!g->table)
		return false;
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		set_switch(switches[i]); /* the table's probe has made the kernel load conntrack */
	g->queue = queue_open();
	g->sweep = sweep_new();
	g->news = news_open();
	g->denied = denied_open();
	g->links = links_open();
	g->neighbours = neighbours_open();
	g->watch = watch_open();
	g->lists = lists_new();
	g->ask = netlink_open(NETLINK_NETFILTER, 0);
	g->ahead = ahead_open();
	if (warden_open(g) && g->queue && g->sweep && g->news && g->denied && g->links && g->neighbours && g->watch &&
	    g->ask && g->ahead && g->lists)
		return true;
	log_warn("cannot open the kernel's packet filter; CAP_NET_ADMIN and netfilter's queue and conntrack "
		 "are needed");
	return false;
}

struct gate *
gate_open(const struct gate_options *o)
{
	struct gate *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->o = o;
	g->program = g->notify = g->signals = g->bundle_fd = -1;
	g->place = (struct place){.run_fd = -1, .state_fd = -1, .lock_fd = -1, .control_fd = -1, .view_fd = -1};
	g->keeper = (struct keeper){.child = {.watch = -1}, .channel = -1};
	g->historian = (struct historian){.child = {.watch = -1}};
	g->reload = (struct reload){.planner = PLANNER_NONE, .bundle_fd = -1};
	g->terms.versions_fd = -1;
	if ((g->program = child_program()) < 0 || privilege_find(o->user, &g->id) < 0 ||
	    place_open(&g->place, o->run_dir, o->state_dir,
		       geteuid() == 0 && !o->run_dir_given ? LOG_DIR : NULL, g->id.uid, g->id.gid) < 0 ||
	    !open_netlink(g)) {
		gate_free(g);
		return NULL;
	}
	g->notify = notify_open(&g->watchdog_us);
	g->signals = open_signals();
	if (g->signals < 0 || turn_init(g) < 0 || getrandom(&g->boot, sizeof g->boot, 0) != sizeof g->boot) {
		log_warn("cannot start");
		gate_free(g);
		return NULL;
	}
	return g;
}

int
gate_drop(struct gate *g)
{
	return privilege_drop(&g->id, true);
}

int
gate_confine(struct gate *g)
{
	int version;

	if (!sandbox_built() || g->o->no_sandbox) {
		log_warnx("NO SANDBOX (%s): whoever takes a process over may do what its user may",
			  g->o->no_sandbox ? "--no-sandbox" : "a build for debugging");
		return 0;
	}
	if (sandbox_keep_power() < 0 || sandbox_scope(&version) < 0 || sandbox_calls(SANDBOX_GATE) < 0) {
		log_warnx("not starting without a sandbox; --no-sandbox does, for a while");
		return -1;
	}
	return 0;
}

/* As the checker wrote it, so that editors find file, line and column. */
static void
print_raw(int text_fd)
{
	char *text = planner_read_text(text_fd);
	if (text)
		fputs(text, stderr);
	free(text);
}

int
gate_check(const struct gate_options *o)
{
	struct planner p;
	struct plan plan;
	struct identity id;
	enum plan_result result = PLAN_BROKEN;
	int program = child_program();

	if (program < 0 || privilege_find(o->user, &id) < 0 || privilege_drop(&id, false) < 0 ||
	    planner_start(&p, program, &(struct planner_order){.config = o->config, .bundle_fd = -1, .no_sandbox = o->no_sandbox}) < 0)
		return 1;
	if (!planner_wait(&p, PLANNER_MS, &result, &plan) || result == PLAN_BROKEN)
		log_warnx("%s: the process that reads the policy has failed", o->config);
	print_raw(p.text_fd);
	planner_stop(&p);
	close(program);
	return result == PLAN_GOOD ? 0 : 1;
}

/*
 * Nothing passes that is not settled, and nothing is: for a policy that cannot be used but says how to
 * fail.
 */
static void
block(struct gate *g, const struct plan *plan)
{
	struct ruleset rules = {.plan = plan, .quarantine = g->quarantine, .now_s = g->now_s, .generation = FIRST_GENERATION, .forget = true,
				.fresh = true};

	if (queue_bind(g->queue, plan) < 0)
		return; /* a gate that works owns the table */
	if (sweep_run(g->sweep, plan->mark_shift, plan->mark_shift, SWEEP_ALL) < 0)
		log_warn("conntrack: old marks cannot be swept");
	if (table_install(g->table, &rules) < 0)
		return;
	bridge_switch_on(&g->bridge, plan);
	log_warnx("fail: closed: the network behind %s is blocked until lenscapd starts with a good "
			  "policy",
		  plan->interfaces[0]);
}

static void
refuse_start(struct gate *g, enum plan_result result, struct plan *plan)
{
	log_warnx("%s: refused; not starting", g->o->config);
	if (result != PLAN_SALVAGED && place_load_plan(&g->place, plan) < 0)
		return;
	if (plan->fail_closed)
		block(g, plan);
}

enum plan_result
plan_one(struct gate *g, int source, uint8_t mode, struct plan *ret_plan)
{
	struct planner_order order = {.config = g->o->config, .bundle_fd = source, .mode = mode, .no_sandbox = g->o->no_sandbox};
	struct planner p;
	enum plan_result result = PLAN_BROKEN;

	keeper_early_end(g);
	if (planner_start(&p, g->program, &order) < 0)
		return result;
	/* While the policy is checked, an engine builds it and the kernel is asked what it can do. */
	keeper_early(g);
	if (planner_wait_bundle(&p, PLANNER_MS))
		keeper_early_policy(g, p.bundle_fd);
	table_probe(g->table);
	if (!planner_wait(&p, PLANNER_MS, &result, ret_plan) || result == PLAN_BROKEN)
		log_warnx("%s: the process that reads the policy has failed", g->o->config);
	print_raw(p.text_fd);
	if (result == PLAN_GOOD) {
		if (g->bundle_fd >= 0)
			close(g->bundle_fd);
		g->bundle_fd = planner_take_bundle(&p);
	}
	planner_stop(&p);
	return result;
}

/* 0 with g->plan and g->bundle_fd. */
static int
read_policy(struct gate *g)
{
	struct plan plan = {0};

	lists_begin(g->lists, g->wall_ns);
	terms_open(g);
	enum plan_result result = terms_choose(g, &plan);
	if (result != PLAN_GOOD) {
		keeper_early_end(g);
		refuse_start(g, result, &plan);
		return -1;
	}
	g->plan = plan;
	return 0;
}

/* Marks of an earlier instance, wherever its policy had put them. */
static int
sweep_leftovers(struct gate *g)
{
	struct plan old;

	if (place_load_plan(&g->place, &old) == 0 && old.mark_shift != g->plan.mark_shift &&
	    sweep_run(g->sweep, old.mark_shift, g->plan.mark_shift, SWEEP_ALL) < 0)
		return -1;
	if (sweep_run(g->sweep, g->plan.mark_shift, g->plan.mark_shift, SWEEP_ALL) < 0)
		return -1;
	log_debug("conntrack: %llu connections of an earlier run will be judged again",
		  (unsigned long long)sweep_rewritten(g->sweep));
	return 0;
}

/* later: what an earlier run has settled passes until the rules are in place, for verdicts wait while they are being written. */
static int
install(struct gate *g, bool later)
{
	struct ruleset rules = {.plan = &g->plan, .quarantine = g->quarantine, .now_s = g->now_s, .generation = FIRST_GENERATION, .forget = true,
				.fresh = true};

	if (!later && sweep_leftovers(g) < 0)
		log_warn("conntrack: marks of an earlier run cannot be swept");
	if (table_install(g->table, &rules) < 0) {
		if (!g->plan.fail_closed)
			(void)table_remove(g->table);
		return -1;
	}
	g->installed = true;
	if (later && sweep_leftovers(g) < 0)
		log_warn("conntrack: marks of an earlier run cannot be swept");
	bridge_switch_on(&g->bridge, &g->plan); /* behind the table, so that nothing is handed to nobody */
	warden_listen(g);
	return 0;
}

/*
 * The table of an earlier run, which still carries what was settled, and hands the rest to the queue that is ours now. Where its bits or its queue
 * are others, nobody could talk to it.
 */
static bool
finds_table(struct gate *g)
{
	struct plan old;

	return table_verify(g->table) == TABLE_CHANGED && place_load_plan(&g->place, &old) == 0 && old.mark_shift == g->plan.mark_shift &&
	       old.queue == g->plan.queue && old.fail_closed == g->plan.fail_closed;
}

static void
count_from_here(struct gate *g)
{
	if (tally_read(&g->tally, g->ask, true) < 0)
		log_warn("nftables: the counters cannot be read");
	g->denied_seen = g->tally.c[C_DENIED].packets;
}

static bool
wait_first_engine(struct gate *g)
{
	uint64_t until = g->now_ns + (uint64_t)FIRST_READY_MS * MS;

	keeper_start(g);
	while (g->keeper.state != ENGINE_READY && !g->ending) {
		if (g->keeper.restarts >= FIRST_TRIES || g->now_ns > until) {
			log_warnx("the engine does not start; its own lines above say why");
			return false;
		}
		gate_turn(g);
	}
	return !g->ending;
}

/*
 * Where nobody guards yet, the rules come first. Where a table of ours is in place, what it has settled flows on until there is an engine that
 * judges it again: a packet of it that waited for one would be lost to its stream.
 */
static int
take_over(struct gate *g)
{
	g->generation = FIRST_GENERATION;
	if (queue_bind(g->queue, &g->plan) < 0)
		return -1;
	bool later = finds_table(g);
	if (!later && install(g, false) < 0)
		return -1;
	count_from_here(g);
	terms_write(g);
	bool works = wait_first_engine(g);
	if (later && install(g, true) < 0)
		return -1;
	return works ? 0 : -1;
}

int
gate_start(struct gate *g)
{
	place_divide(&g->place, g->o->state_dir);
	warden_load(g);
	if (read_policy(g) < 0)
		return -1;
	if (take_over(g) < 0) {
		gate_stop(g);
		return -1;
	}
	terms_started(g);
	while (scribe_busy(&g->scribe, g->now_ns) && !g->ending)
		gate_turn(g);
	log_info("policy %s is in force: %s, fail %s, queue %u", g->plan.policy_id,
		 g->plan.enforce ? "enforce" : "monitor", g->plan.fail_closed ? "closed" : "open",
		 g->plan.queue);
	gate_status(g, "READY=1\n");
	return 0;
}

/*
 * fail: open takes the table away first, so that nobody waits for an engine that is about to go; removing a
 * hook makes the kernel drop what waits in the queue, so that is answered just before. fail: closed leaves
 * the table: undecided packets drop. Only then, when nothing waits for a verdict any more, the engine hears
 * the last counters of what still lives, and that it may go.
 */
void
gate_stop(struct gate *g)
{
	struct channel_head stop = {.type = CH_STOP};
	int status;

	keeper_early_end(g);
	notify_send(g->notify, "STOPPING=1");
	g->ending = true;
	if (g->installed && !g->plan.fail_closed) {
		(void)queue_answer_all(g->queue, false);
		bridge_switch_back(&g->bridge);
		if (table_remove(g->table) < 0)
			log_warnx("table inet " RULESET_TABLE
				  " cannot be removed; run nft delete table inet " RULESET_TABLE);
	} else if (g->installed) {
		log_info("fail: closed: the table stays and blocks what is not settled; nft delete table "
			 "inet " RULESET_TABLE " opens");
	}
	g->installed = false;
	gate_last_news(g);
	if (keeper_send(g, &stop, sizeof stop, -1, false) && child_wait(&g->keeper.child, STOP_MS, &status))
		g->keeper.state = ENGINE_DOWN;
	keeper_lost(g, "stopped");
	historian_stop(g);
	planner_stop(&g->reload.planner);
}

static void
close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void
gate_free(struct gate *g)
{
	if (!g)
		return;
	int fds[] = {g->program, g->notify, g->signals, g->bundle_fd, g->reload.bundle_fd, g->keeper.channel};
	close_all(fds, sizeof fds / sizeof *fds);
	warden_close(g);
	queue_close(g->queue);
	table_close(g->table);
	sweep_free(g->sweep);
	news_close(g->news);
	denied_close(g->denied);
	links_close(g->links);
	neighbours_close(g->neighbours);
	watch_close(g->watch);
	lists_free(g->lists);
	netlink_close(g->ask);
	ahead_close(g->ahead);
	terms_close(g);
	place_close(&g->place);
	if (g->chore_due_ns) /* opened together */
		usage_close(&g->usage);
	free(g->chore_due_ns);
	free(g);
}
