/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens by the clock: expiry, roll-ups, gauges, stats, schedules, ages of databases; and what asks for a new generation. */
#include <inttypes.h>
#include <string.h>

#include "budget.h"
#include "chronicle.h"
#include "engine.h"
#include "identity.h"
#include "log.h"
#include "mark.h"

#define SEARCH_GAP_NS 20000000ull
#define SECOND_NS 1000000000ull
#define CLOCK_STEP_US INT64_C(2000000)

enum {
	EXPIRE_AT_ONCE = 4096, /* flows a tick: a full table empties in seconds without holding a packet up */
	GEO_CHECK_S = 3600,
};

/* Databases grow old while we run. */
static void
check_geo(struct engine *e, int64_t now_s)
{
	if (e->last_geo_ns && e->now.mono_ns - e->last_geo_ns < GEO_CHECK_S * SECOND_NS)
		return;
	e->last_geo_ns = e->now.mono_ns;
	if (geo_age(e->is.geo, now_s))
		report_geo(e);
}

/* What the outputs lost, and what did not fit in a line. */
static void
count_lost_records(struct engine *e)
{
	size_t n;
	const struct sink_status *s = sinks_status(e->is.sinks, &n);
	const uint64_t *lost = sinks_lost(e->is.sinks);

	for (size_t k = 0; k < RECORD_TYPES; k++) {
		e->stats.records_dropped[k] = e->unprinted[k] + lost[k];
		for (size_t i = 0; i < n; i++)
			e->stats.records_dropped[k] += s[i].dropped[k];
	}
}

static bool
count_identity(void *arg, struct device *d)
{
	struct engine *e = arg;

	e->stats.devices_identified += identity_maker(d->who) != MAKER_UNKNOWN;
	e->stats.devices_covered += identity_covered(d->who);
	e->stats.devices_unmasked += d->who && d->who->unmask_told;
	return true;
}

static void
gauges(struct engine *e)
{
	count_lost_records(e);
	e->stats.flows_active = flow_count(e->flows);
	e->stats.devices = device_count(e->devices);
	e->stats.devices_unknown = device_unknown_count(e->devices);
	e->stats.devices_evicted = device_evictions(e->devices);
	e->stats.devices_identified = e->stats.devices_covered = e->stats.devices_unmasked = 0;
	device_walk(e->devices, count_identity, e);
	e->stats.flows_pending = stream_pool_flows(e->streams);
	e->stats.streams_refused = stream_pool_refused(e->streams);
	e->stats.budgets = budgets_count(e->budgets);
	e->stats.names_bound = names_count(e->names);
	e->stats.names_evicted = names_evicted(e->names);
	const struct hold_counts *h = hold_counts(e->hold);
	e->stats.held_packets = h->held;
	e->stats.held_released = h->released;
	e->stats.held_dropped = h->dropped;
	e->stats.held_over_packets = h->over_packets;
	e->stats.held_over_bytes = h->over_bytes;
	e->stats.held_over_total = h->over_total;
	e->stats.held_over_time = h->over_time;
	e->stats.held_waiting = h->waiting;
}

bool
engine_ask_rejudge(struct engine *e)
{
	struct channel_head ask = {.type = CH_REJUDGE};

	if (e->offline) { /* there is no kernel that would have to follow */
		e->generation = e->generation % MARK_GENERATION_MAX + 1;
		return true;
	}
	return channel_send(e->channel, &ask, sizeof ask, NULL, 0) == 0;
}

void
engine_identity_changed(struct engine *e)
{
	e->identity_changed = true;
}

/* At most once a second, however many devices it was: what was decided while nobody knew who made a camera is decided again. */
static void
check_identity(struct engine *e)
{
	if (!e->identity_changed || e->asked_rejudge)
		return;
	if (!policy_uses_identity(e->is.policy))
		e->identity_changed = false;
	else if (engine_ask_rejudge(e))
		e->identity_changed = false;
}

/* Looks for a refusal of this generation, which the kernel still remembers, of an address that an answer has just named. */
struct refused {
	uint32_t device;
	uint8_t generation;
	const struct dns_message *answer;
	bool found;
};

static void
look_for_refused(void *arg, struct flow *f)
{
	struct refused *r = arg;
	const struct addr *remote = f->inbound ? &f->tuple.src : &f->tuple.dst;

	if (r->found || f->device != r->device || f->generation != r->generation)
		return;
	for (size_t i = 0; i < r->answer->n && !r->found; i++)
		r->found = addr_cmp(&r->answer->record[i].addr, remote) == 0;
}

/*
 * A camera that tried an address before it asked for its name was refused, and the kernel goes on refusing without us. Now that the
 * address has a name the answer may be another one: one new generation, however many names came. The search goes through every refusal;
 * where answers come too fast for that, the new generation is asked for without it (the gate grants one a second).
 */
void
engine_names_changed(struct engine *e, const struct flow *f, const struct dns_message *answer)
{
	struct refused r = {.device = f->device, .generation = (uint8_t)e->generation, .answer = answer};

	if (e->asked_rejudge || device_at(e->devices, f->device)->flows_blocked == 0)
		return;
	if (e->now.mono_ns - e->refused_search_ns >= SEARCH_GAP_NS) {
		e->refused_search_ns = e->now.mono_ns;
		flow_walk(e->denied, look_for_refused, &r);
		if (!r.found)
			return;
	}
	e->asked_rejudge = engine_ask_rejudge(e) && !e->offline;
}

/* Set by hand or by a time service, not slowed down or sped up; a suspended machine looks the same. */
static void
watch_clock(struct engine *e)
{
	int64_t offset_us = e->now.wall_us - (int64_t)(e->now.mono_ns / 1000), by_us = offset_us - e->clock_offset_us;

	if ((e->last_tick_s || !e->offline) && (by_us > CLOCK_STEP_US || by_us < -CLOCK_STEP_US)) {
		log_info("the clock was set by %" PRId64 " s: schedules and budgets follow it, what has a length keeps it", by_us / 1000000);
		e->clock_set = true;
		e->start_us += by_us;
		e->policy_since_us += by_us;
	}
	e->clock_offset_us = offset_us;
}

/*
 * The hour at which some `when:` changes its answer: every flow must be judged again, and the kernel must forget what it knows. The
 * same when the clock was set: it may have jumped over such an hour, or back behind one.
 */
static void
check_schedule(struct engine *e, int64_t now_s)
{
	bool set = e->clock_set;

	if (!e->next_edge_s)
		e->clock_set = set = false;
	if (!e->next_edge_s || (!set && now_s < e->next_edge_s))
		return;
	if (!engine_ask_rejudge(e))
		return;
	e->next_edge_s = policy_next_edge(e->is.policy, now_s);
	e->clock_set = false;
}

/* At fixed distances, whatever the wall clock does. */
static void
check_stats(struct engine *e)
{
	uint64_t every_ns = policy_options(e->is.policy)->stats_s * SECOND_NS;

	if (!e->last_stats_ns)
		e->last_stats_ns = e->now.mono_ns;
	if (every_ns == 0 || e->now.mono_ns - e->last_stats_ns < every_ns)
		return;
	e->last_stats_ns = e->now.mono_ns;
	report_stats(e);
}

void
engine_tick(struct engine *e)
{
	int64_t now_s = e->now.wall_us / 1000000;

	flow_expire(e->flows, &e->now, EXPIRE_AT_ONCE);
	flow_expire(e->denied, &e->now, EXPIRE_AT_ONCE);
	rollup_tick(e->is.rollup, &e->now);
	names_expire(e->names, &e->now, EXPIRE_AT_ONCE);
	inspect_tick(e);
	budget_pace(e);
	if (now_s == e->last_tick_s)
		return;
	watch_clock(e);
	e->last_tick_s = now_s;
	gauges(e);
	check_schedule(e, now_s);
	check_identity(e);
	budget_tick(e);
	check_geo(e, now_s);
	check_stats(e);
	sinks_tick(e->is.sinks, &e->now);
	chronicle_tick(e);
}
