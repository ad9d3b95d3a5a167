/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new policy comes into force: read and checked by a process of its own → built by the engine → written
 * down by another process → stale marks swept → one kernel transaction with the next generation → the engine
 * swaps. Until that transaction the old policy stands, whatever fails. One at a time; the others wait their
 * turn and each gets its answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netlink.h"
#include "notify.h"
#include "queue.h"
#include "ruleset.h"
#include "state.h"
#include "sweep.h"
#include "table.h"

enum {
	REJUDGE_MS = 1000, /* at most one in this time */
	PRINT_LINES = 60,
	TEXT = 400,
};

void
reload_print(int text_fd)
{
	char *text = planner_read_text(text_fd), *save = NULL;
	unsigned lines = 0;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line && lines < PRINT_LINES;
	     line = strtok_r(NULL, "\n", &save), lines++)
		log_warnx("%s", line);
	free(text);
}

static void
enter(struct gate *g, enum reload_state state)
{
	g->reload.state = state;
	g->reload.since_ns = g->now_ns;
}

static void
finish(struct gate *g)
{
	struct reload *r = &g->reload;

	planner_stop(&r->planner);
	sweep_stop(g->sweep);
	if (r->begun)
		terms_revert(g);
	if (r->bundle_fd >= 0)
		close(r->bundle_fd);
	r->bundle_fd = -1;
	enter(g, RELOAD_IDLE);
	gate_status(g, "READY=1\n");
}

static void
answer_refused(struct gate *g, uint32_t ticket, int text_fd)
{
	struct channel_head h = {.type = CH_REFUSED, .arg = ticket};
	(void)keeper_send(g, &h, sizeof h, text_fd, false);
}

/* Ends the reload in hand with the checker's words, or ours. */
static void
refuse(struct gate *g, int text_fd)
{
	char first[200];
	char *text = planner_read_text(text_fd);

	planner_first_error(text ? text : "", first, sizeof first);
	log_warnx("the policy was refused, %s stays in force", g->plan.policy_id);
	reload_print(text_fd);
	answer_refused(g, g->reload.now.ticket, text_fd);
	keeper_event(g, EVENT_RELOAD_REFUSED, 1, "reload refused, policy %s stays in force: %s",
		     g->plan.policy_id, first);
	free(text);
	g->reload.rejudge_wanted |= g->reload.now.kind == REQUEST_REJUDGE; /* the hour has passed all the same */
	finish(g);
}

static void
refuse_saying(struct gate *g, const char *text)
{
	int fd = planner_text(text);
	refuse(g, fd);
	if (fd >= 0)
		close(fd);
}

void
reload_ask(struct gate *g, const struct request *q)
{
	struct reload *r = &g->reload;

	if (r->n_waiting < RELOAD_TICKETS) {
		r->waiting[r->n_waiting++] = *q;
		return;
	}
	int fd = planner_text("error: too many reloads are waiting; try again\n");
	answer_refused(g, q->ticket, fd);
	if (fd >= 0)
		close(fd);
}

void
reload_rejudge(struct gate *g)
{
	g->reload.rejudge_wanted = true;
}

static void
start_sweep(struct gate *g)
{
	struct reload *r = &g->reload;

	r->sweeping = gate_next_generation(g);
	if (sweep_start(g->sweep, g->plan.mark_shift, r->sweeping) == 0)
		enter(g, RELOAD_SWEEPING);
	else
		refuse_saying(g, "error: the connection tracking table cannot be read\n");
}

/* What is not even tried: told to who asked, and no alert. */
static void
decline(struct gate *g, const char *text)
{
	char line[TEXT];
	int fd;

	if (g->reload.now.kind == REQUEST_BACK)
		return;
	log_warnx("%s", text);
	snprintf(line, sizeof line, "error: %s\n", text);
	fd = planner_text(line);
	answer_refused(g, g->reload.now.ticket, fd);
	if (fd >= 0)
		close(fd);
}

static void
start_request(struct gate *g, const struct request *q)
{
	struct reload *r = &g->reload;
	char text[TEXT - sizeof "error: \n"];
	int source = -1;

	r->now = *q;
	if (q->kind == REQUEST_CONFIRM) {
		terms_confirm(g, q);
		return;
	}
	if (!terms_prepare(g, q, &source, text, sizeof text)) {
		decline(g, text);
		return;
	}
	notify_send(g->notify, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(g->now_ns / 1000));
	if (q->kind != REQUEST_MODE && q->kind != REQUEST_MODE_OVER) /* these keep the lists that are in force */
		lists_begin(g->lists, g->wall_ns);
	enter(g, RELOAD_PLANNING);
	struct planner_order order = {.config = g->o->config, .bundle_fd = source, .mode = r->next.mode,
				      .no_sandbox = g->o->no_sandbox};
	if (planner_start(&r->planner, g->program, &order) < 0)
		refuse_saying(g, "error: the policy cannot be read: no process\n");
	if (source >= 0)
		close(source);
}

/*
 * A list has changed: the files are read again as if somebody had asked. Not while a policy waits for its confirmation, and not after an
 * undo, which a list would otherwise take back.
 */
static void
watch_lists(struct gate *g)
{
	const struct history *h = &g->terms.now.history;
	bool undone = h->n > 0 && h->at + 1 < h->n;

	lists_adopt(g->lists, g->plan.policy_id, g->bundle_fd);
	if (undone || g->terms.now.confirm.seconds || !lists_changed(g->lists, g->now_ns, g->plan.watch_lists_s))
		return;
	log_info("a list of the policy has changed: reading the policy again");
	reload_ask(g, &(struct request){.kind = REQUEST_RELOAD, .uid = g->id.uid});
}

/* What nobody confirmed goes before who asks now is heard. */
static void
start_next(struct gate *g)
{
	struct reload *r = &g->reload;
	struct request q;

	if (terms_due(g, &q)) {
		start_request(g, &q);
	} else if (r->n_waiting > 0) {
		q = r->waiting[0];
		memmove(r->waiting, r->waiting + 1, --r->n_waiting * sizeof *r->waiting);
		start_request(g, &q);
	} else if (r->rejudge_wanted && g->now_ns - r->rejudged_ns >= (uint64_t)REJUDGE_MS * MS) {
		r->rejudge_wanted = false;
		r->rejudged_ns = g->now_ns;
		r->now = (struct request){.kind = REQUEST_REJUDGE};
		start_sweep(g);
	}
}

void
reload_planned(struct gate *g)
{
	struct reload *r = &g->reload;
	enum plan_result result;

	if (r->state != RELOAD_PLANNING || !planner_wait(&r->planner, 0, &result, &r->plan))
		return;
	if (result == PLAN_BROKEN) {
		terms_failed(g, false);
		refuse_saying(g, "error: the process that reads the policy has failed\n");
		return;
	}
	int text_fd = planner_take_text(&r->planner);
	if (result == PLAN_GOOD) {
		struct channel_head h = {.type = CH_PREPARE, .arg = r->now.ticket};
		reload_print(text_fd); /* warnings */
		r->bundle_fd = planner_take_bundle(&r->planner);
		enter(g, RELOAD_PREPARING);
		(void)keeper_send(g, &h, sizeof h, r->bundle_fd, true);
	} else {
		terms_failed(g, true);
		refuse(g, text_fd);
	}
	if (text_fd >= 0)
		close(text_fd);
}

static void
written(struct gate *g, unsigned lacks)
{
	if (terms_begun(g, lacks)) {
		start_sweep(g);
		return;
	}
	terms_revert(g);
	refuse_saying(g, "error: the policy before cannot be kept, so nothing could go back to it; see the log of "
			 "lenscapd\n");
}

void
reload_written(struct gate *g)
{
	unsigned lacks;

	if (scribe_done(&g->scribe, &lacks) && g->reload.state == RELOAD_WRITING)
		written(g, lacks);
}

void
reload_prepared(struct gate *g, uint32_t ticket, bool ok)
{
	(void)ticket;
	if (ok) {
		enter(g, RELOAD_WRITING);
		if (!terms_begin(g))
			written(g, SCRIBE_ALL);
		return;
	}
	log_warnx("the engine could not build the new policy, %s stays in force", g->plan.policy_id);
	keeper_event(g, EVENT_RELOAD_REFUSED, 1,
		     "reload refused: the engine could not build the new policy; %s stays in force",
		     g->plan.policy_id);
	terms_failed(g, false);
	finish(g);
}

/* The queue rule first, so that a packet of the new rules never meets the old fail mode. */
static int
put_queue(struct gate *g, const struct plan *plan, const struct plan *now)
{
	if (queue_rebind(g->queue, plan) < 0) {
		log_warn("queue %u: cannot be taken into use", plan->queue);
		return -1;
	}
	if (plan->queue == now->queue && plan->fail_closed == now->fail_closed)
		return 0;
	return table_requeue(g->table, plan);
}

static int
put_rules(struct gate *g, const struct plan *plan, unsigned generation)
{
	struct ruleset rules = {
		.plan = plan, .quarantine = g->quarantine, .now_s = g->now_s, .generation = generation, .forget = true};

	if (table_rewrite(g->table, &rules) == 0)
		return 0;
	rules.fresh = true;
	if (table_restore(g->table, &rules) < 0)
		return -1;
	gate_table_anew(g);
	return 0;
}

static void
commit(struct gate *g, const struct plan *plan)
{
	struct reload *r = &g->reload;
	unsigned old_shift = g->plan.mark_shift, generation = r->sweeping;
	bool rejudge = r->now.kind == REQUEST_REJUDGE;

	if (put_queue(g, plan, &g->plan) < 0 || put_rules(g, plan, generation) < 0) {
		(void)put_queue(g, &g->plan, plan);
		if (!rejudge) {
			terms_revert(g);
			terms_failed(g, false);
		}
		refuse_saying(g, "error: the kernel has refused the new rules; see the log of lenscapd\n");
		return;
	}
	/* A field that has moved leaves its marks at the old place. */
	if (plan->mark_shift != old_shift && sweep_run(g->sweep, old_shift, plan->mark_shift, SWEEP_ALL) < 0)
		log_warn("conntrack: marks cannot be moved");
	if (!rejudge) {
		terms_commit(g);
		g->plan = *plan;
		bridge_switch_on(&g->bridge, plan);
		close(g->bundle_fd);
		g->bundle_fd = r->bundle_fd;
		r->bundle_fd = -1;
		warden_moved(g);
	}
	gate_committed(g, generation, r->now.ticket, !rejudge);
	finish(g);
}

void
reload_sweep(struct gate *g)
{
	struct reload *r = &g->reload;

	if (r->state != RELOAD_SWEEPING)
		return;
	switch (sweep_progress(g->sweep)) {
	case NETLINK_MORE:
		return;
	case NETLINK_FAILED:
		refuse_saying(g, "error: the connection tracking table cannot be read\n");
		return;
	case NETLINK_DONE:
		break;
	}
	if (r->sweeping != gate_next_generation(g)) {
		start_sweep(g); /* the table was put back meanwhile, which took that number */
		return;
	}
	struct plan plan = r->now.kind == REQUEST_REJUDGE ? g->plan : r->plan;
	commit(g, &plan);
}

void
reload_tick(struct gate *g)
{
	struct reload *r = &g->reload;
	uint64_t waited = g->now_ns - r->since_ns;

	switch (r->state) {
	case RELOAD_IDLE:
		if (g->keeper.state != ENGINE_READY || g->ending || scribe_busy(&g->scribe, g->now_ns))
			break;
		watch_lists(g);
		start_next(g);
		break;
	case RELOAD_PLANNING:
		if (waited > (uint64_t)PLANNER_MS * MS)
			refuse_saying(g, "error: reading the policy takes too long\n");
		break;
	case RELOAD_PREPARING:
		if (waited > (uint64_t)PREPARED_MS * MS)
			keeper_lost(g, "it does not finish the new policy");
		break;
	case RELOAD_WRITING:
		if (waited > (uint64_t)SCRIBE_MS * MS) {
			log_warnx("%s: the disk does not take what is written", g->o->state_dir);
			scribe_give_up(&g->scribe);
			written(g, SCRIBE_ALL);
		}
		break;
	case RELOAD_SWEEPING:
		/* The table was put back, which took that number and the sweep's answers. */
		if (r->sweeping != gate_next_generation(g))
			start_sweep(g);
		break;
	}
}

/* Those who asked through the engine are gone with it; a signal's reload still counts. */
void
reload_engine_lost(struct gate *g)
{
	struct reload *r = &g->reload;
	struct request signal = {.kind = REQUEST_RELOAD};
	bool busy = r->state != RELOAD_IDLE, again = busy && r->now.kind == REQUEST_RELOAD && r->now.ticket == 0;

	if (busy) {
		r->rejudge_wanted |= r->now.kind == REQUEST_REJUDGE;
		finish(g);
	}
	for (size_t i = 0; i < r->n_waiting; i++)
		again |= r->waiting[i].ticket == 0;
	r->n_waiting = again;
	r->waiting[0] = signal;
}
