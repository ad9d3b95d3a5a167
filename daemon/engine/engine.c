/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's life, and the verdicts that leave it; see engine.h. The packet path is packet.c, the clock's work tick.c. */
#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ahead.h"
#include "budget.h"
#include "builder.h"
#include "bundle.h"
#include "chronicle.h"
#include "confine.h"
#include "jail.h"
#include "kinds.h"
#include "control.h"
#include "log.h"
#include "metrics.h"
#include "plan.h"
#include "ring.h"

#define SECOND 1000000000ull

enum {
	DENIED_IDLE_S = 120,   /* well over the kernel's own memory of a refusal, so that its counts find their flow */
	IMPATIENT_S = 30,
};

struct engine *
engine_new(const char *run_dir, const char *state_dir, int channel, bool packet_clock)
{
	struct engine *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->run_dir = run_dir;
	e->state_dir = state_dir;
	e->channel = channel;
	e->syslog_fd = -1;
	e->packet_clock = packet_clock;
	if (gethostname(e->host, sizeof e->host - 1) < 0)
		strcpy(e->host, "localhost");
	engine_clock(e);
	e->start_us = e->now.wall_us;
	e->clock_offset_us = e->now.wall_us - (int64_t)(e->now.mono_ns / 1000);
	return e;
}

void
engine_clock(struct engine *e)
{
	if (!e->packet_clock)
		clock_read(&e->now);
}

/* What is known of an ended flow goes to the log, unless it was refused at once: that was told then. */
static void
main_flow_ended(void *arg, struct flow *f, const struct now *now, bool evicted)
{
	struct engine *e = arg;
	enum flow_end end = f->revoked	 ? FLOW_END_REVOKED
			    : f->closed ? FLOW_END_CLOSED
			    : e->stopping ? FLOW_END_SHUTDOWN
			    : evicted ? FLOW_END_EVICTED
					: FLOW_END_TIMEOUT;
	(void)now;
	e->stats.flows_ended++;
	e->stats.flows_evicted += evicted;
	if (e->offline || !f->held.packets)
		inspect_conclude(e, f);
	(void)budget_count(e, f);
	kinds_ended(e, f);
	report_flow_end(e, f, end); /* still with what it spoke */
	inspect_end(e, f);
	device_release(device_at(e->devices, f->device));
	rulebook_unref(f->book);
	f->book = NULL;
}

static void
denied_flow_ended(void *arg, struct flow *f, const struct now *now, bool evicted)
{
	struct engine *e = arg;
	(void)now;
	(void)evicted;
	device_release(device_at(e->devices, f->device));
	rulebook_unref(f->book);
	f->book = NULL;
}

int
engine_start(struct engine *e, const struct channel_start *start, struct bundle *bundle, int syslog_fd)
{
	e->syslog_fd = syslog_fd;
	e->boot = start->boot;
	e->restarts = start->restarts;
	e->generation = start->generation;
	e->ring = e->offline ? NULL : ring_new(RING_BYTES);
	if (!e->offline && !e->ring)
		log_warnx("no memory for the last records: `lenscap tail` will not work");
	if (!e->offline && !e->metrics)
		e->metrics = metrics_new();
	if (!regime_build(e, bundle, &e->next))
		return -1;
	const struct policy_options *o = policy_options(e->next.policy);
	const uint64_t idle[FLOW_LISTS] = {o->idle_s * SECOND, IMPATIENT_S * SECOND};
	const uint64_t denied_idle[FLOW_LISTS] = {DENIED_IDLE_S * SECOND, DENIED_IDLE_S * SECOND};
	e->flows = flow_table_new(o->flows, idle, main_flow_ended, e);
	e->denied = flow_table_new(o->flows / 4 + 64, denied_idle, denied_flow_ended, e);
	e->devices = device_table_new(o->devices);
	e->hold = hold_new(PLAN_QUEUE_LENGTH_MAX / 2, &(struct hold_limits){0}); /* engine_adopt() says how much of it */
	e->streams = stream_pool_new(o->watched_flows, o->watched_bytes);
	e->known = known_table_new(o->flows + 1); /* a flow that is told of as it ends has one as well */
	e->names = names_new(o->names, o->name_grace_s);
	e->tunnels = tunnels_new();
	e->jail = jail_new();
	e->budgets = budgets_new();
	e->kinds = kinds_new();
	e->ahead = e->offline ? NULL : ahead_new();
	if ((!e->ahead && !e->offline) || !e->kinds || !e->flows || !e->denied || !e->devices || !e->hold || !e->streams || !e->known || !e->names || !e->tunnels || !e->jail ||
	    !e->budgets) {
		log_warnx("options: %u flows and %u devices do not fit in memory", o->flows, o->devices);
		return -1;
	}
	budget_load(e);
	engine_adopt(e, start->generation);
	return 0;
}

static void
end_one(void *arg, struct flow *f)
{
	struct engine *e = arg;
	flow_end(e->flows, f, &e->now);
}

static void
end_denied(void *arg, struct flow *f)
{
	struct engine *e = arg;
	flow_end(e->denied, f, &e->now);
}

static void
send_verdicts(struct engine *e)
{
	ahead_send(e);
	e->verdicts.head.type = CH_VERDICTS;
	e->verdicts.head.arg = e->generation;
	size_t len = sizeof e->verdicts.head + e->verdicts.head.count * sizeof e->verdicts.v[0];
	/* The gate always reads; a verdict must not be lost, so wait for it. When it is gone, so are we. */
	while (channel_send(e->channel, &e->verdicts, len, NULL, 0) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS)
			fatal("verdicts: the gate does not take them");
		struct pollfd p = {.fd = e->channel, .events = POLLOUT};
		(void)poll(&p, 1, 100);
	}
	e->verdicts.head.count = 0;
}

void
engine_end(struct engine *e)
{
	if (!e->is.rollup)
		return;
	bool asked = e->stopping; /* else nobody is there to take verdicts */

	e->stopping = true;
	engine_clock(e);
	flow_walk(e->flows, end_one, e);
	budget_save(e, true);
	if (asked && e->verdicts.head.count)
		send_verdicts(e);
	rollup_free(e->is.rollup);
	e->is.rollup = NULL;
	report_stats(e);
	flow_walk(e->denied, end_denied, e);
}

void
engine_free(struct engine *e)
{
	engine_end(e);
	builder_free(e->builder);
	chronicle_free(e);
	if (e->next.policy)
		regime_free(&e->next, &e->now);
	regime_free(&e->early, &e->now);
	regime_free(&e->is, &e->now);
	flow_table_free(e->flows);
	flow_table_free(e->denied);
	device_table_free(e->devices);
	hold_free(e->hold);
	stream_pool_free(e->streams);
	known_table_free(e->known);
	names_free(e->names);
	tunnels_free(e->tunnels);
	jail_free(e->jail);
	budgets_free(e->budgets);
	kinds_free(e->kinds);
	ahead_free(e->ahead);
	ring_free(e->ring);
	metrics_free(e->metrics);
	confine_free(e->confine);
	free(e);
}

void
engine_send(struct engine *e)
{
	if (e->verdicts.head.count)
		send_verdicts(e);
}

void
engine_flush(struct engine *e)
{
	engine_send(e);
	sinks_flush(e->is.sinks, &e->now);
	chronicle_flush(e);
	control_news(e->control);
}

void
engine_answer(struct engine *e, const struct queued *q, unsigned decision)
{
	static const uint8_t counted_as[] = {
		[DECISION_PENDING] = DECISION_PENDING, [DECISION_ALLOW] = DECISION_ALLOW,    [DECISION_BLOCK] = DECISION_BLOCK,
		[DECISION_REJECT] = DECISION_REJECT,   [VERDICT_DROP_ONCE] = DECISION_BLOCK, [VERDICT_WATCH] = DECISION_PENDING,
		[VERDICT_REJECT_ONCE] = DECISION_REJECT, [VERDICT_OPEN] = DECISION_PENDING, [VERDICT_CONFIRM] = DECISION_PENDING,
		[VERDICT_ALLOW_KIND] = DECISION_ALLOW, [VERDICT_CONFIRM_KIND] = DECISION_PENDING,
	};
	e->stats.verdict[counted_as[decision]]++;
	if (e->offline)
		return;
	e->verdicts.v[e->verdicts.head.count++] =
		(struct channel_verdict){.id = q->id, .mark = q->mark, .queue = q->queue, .decision = (uint8_t)decision};
	if (e->verdicts.head.count == CHANNEL_VERDICTS)
		send_verdicts(e);
}
