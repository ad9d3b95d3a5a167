/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See budget.h. Rows are reached by number and serial, since a row may be another's when a flow comes back to it. */
#include "budget_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define SECOND UINT64_C(1000000000)
#define LINE_RATE UINT64_C(12500000)	  /* bytes a second: what a camera's 100 Mbit/s can move before anybody has looked */
#define SETTLE_LEFT UINT64_C(50000000) /* less is counted packet by packet */
#define RETURN_LEFT UINT64_C(25000000)

enum {
	SETTLE_S = 4, /* at the present rate */
	RETURN_S = 2,
	IDLE_S = 30, /* a budget without news: none of its flows is worth a look */
	STALE_WINDOW_S = 10,
	PACKETS_FOR_RATE_MS = 500,
	LOOK_MIN_MS = 250,
	LOOK_MAX_MS = 5000,
	MS = 1000000,
};

struct budgets *
budgets_new(void)
{
	struct budgets *b = calloc(1, sizeof *b);

	if (b)
		hash_key_random(&b->key);
	return b;
}

void
budgets_free(struct budgets *b)
{
	free(b);
}

size_t
budgets_count(const struct budgets *b)
{
	return b->count;
}

static uint32_t
bucket_of(const struct budgets *b, const struct budget_key *key)
{
	return (uint32_t)(hash_bytes(&b->key, key, sizeof *key) % BUDGET_ROWS);
}

struct budget *
budget_find(const struct budgets *b, const struct budget_key *key)
{
	for (uint32_t i = b->buckets[bucket_of(b, key)]; i; i = b->rows[i].next)
		if (memcmp(&b->rows[i].key, key, sizeof *key) == 0)
			return (struct budget *)&b->rows[i];
	return NULL;
}

struct budget *
budget_make(struct budgets *b, const struct budget_key *key)
{
	uint32_t i = b->unused, *bucket = &b->buckets[bucket_of(b, key)];

	if (i)
		b->unused = b->rows[i].next;
	else if (b->highest < BUDGET_ROWS)
		i = ++b->highest;
	else
		return NULL;
	if (++b->serial == 0)
		b->serial = 1;
	b->rows[i] = (struct budget){.key = *key, .next = *bucket, .serial = b->serial, .limit = NO_LIMIT};
	*bucket = i;
	b->count++;
	return &b->rows[i];
}

static void
drop_row(struct budgets *b, uint32_t i)
{
	uint32_t *link = &b->buckets[bucket_of(b, &b->rows[i].key)];

	while (*link != i)
		link = &b->rows[*link].next;
	*link = b->rows[i].next;
	b->settled -= b->rows[i].settled;
	b->rows[i] = (struct budget){.next = b->unused};
	b->unused = i;
	b->count--;
}

static const struct policy_limit *
limit_of(const struct engine *e, const struct budget *row)
{
	size_t n;
	const struct policy_limit *const *limits = policy_limits(e->is.policy, &n);

	return row->limit < n ? limits[row->limit] : NULL;
}

/* A clock that is set back by less than a period makes no new one. */
static bool
is_over(const struct engine *e, const struct budget *row, const struct policy_limit *l)
{
	int64_t period = policy_limit_period(l, e->now.wall_us / 1000000);

	return row->period != period && row->period != period + 1;
}

/* Room for others: budgets of periods that are over, and of rules that are gone. Not more than once a second, however many ask. */
static void
sweep(struct engine *e)
{
	struct budgets *b = e->budgets;

	if (b->swept_ns && e->now.mono_ns - b->swept_ns < SECOND)
		return;
	b->swept_ns = e->now.mono_ns;
	for (uint32_t i = 1; i <= b->highest; i++) {
		const struct policy_limit *l = b->rows[i].serial ? limit_of(e, &b->rows[i]) : NULL;
		if (b->rows[i].serial && (!l || is_over(e, &b->rows[i], l)))
			drop_row(b, i);
	}
}

static struct budget_key
key_of(const struct device *d, const struct policy_limit *l)
{
	struct budget_key key;

	memset(&key, 0, sizeof key);
	key.limit = l->key;
	key.by_address = d->by_address;
	if (d->by_address)
		key.addr = d->addr;
	else
		key.mac = d->mac;
	return key;
}

static void
begin_period(const struct engine *e, struct budget *row, const struct policy_limit *l)
{
	row->period = policy_limit_period(l, e->now.wall_us / 1000000);
	row->used = row->window_used = 0;
	row->told = false;
}

/* The row of this device and limit, for its present period. NULL: it has none, or there is no room. */
static struct budget *
row_of(struct engine *e, const struct device *d, const struct policy_limit *l, bool make)
{
	const struct budget_key key = key_of(d, l);
	struct budget *row = budget_find(e->budgets, &key);

	if (!row && make) {
		row = budget_make(e->budgets, &key);
		if (!row) {
			sweep(e);
			row = budget_make(e->budgets, &key);
		}
		if (row) {
			row->limit = (uint16_t)l->index;
			begin_period(e, row, l);
		}
	}
	if (row && row->limit != NO_LIMIT && is_over(e, row, l) && make)
		begin_period(e, row, l);
	return row;
}

/* The row under which the flow is counted; NULL: none, or it is another's by now. */
static struct budget *
row_of_flow(const struct engine *e, const struct flow *f)
{
	struct budget *row = f->budget <= BUDGET_ROWS && f->budget ? &e->budgets->rows[f->budget] : NULL;

	return row && row->serial == f->budget_serial && row->limit != NO_LIMIT ? row : NULL;
}

void
budget_adopt(struct engine *e)
{
	struct budgets *b = e->budgets;
	size_t n;
	const struct policy_limit *const *limits = policy_limits(e->is.policy, &n);

	for (uint32_t i = 1; i <= b->highest; i++) {
		b->rows[i].limit = NO_LIMIT;
		for (size_t k = 0; b->rows[i].serial && k < n; k++)
			if (limits[k]->key == b->rows[i].key.limit)
				b->rows[i].limit = (uint16_t)k;
	}
}

void
budget_facts(const struct engine *e, const struct device *d, const struct flow *f, struct facts *ret)
{
	struct budgets *b = e->budgets;
	size_t n;
	const struct policy_limit *const *limits = policy_limits(e->is.policy, &n);

	if (n == 0)
		return;
	ret->used = b->used;
	ret->n_used = n < BUDGET_LIMITS ? n : BUDGET_LIMITS;
	for (size_t i = 0; i < ret->n_used; i++) {
		const struct budget_key key = key_of(d, limits[i]);
		const struct budget *row = budget_find(b, &key);
		b->used[i] = row && !is_over(e, row, limits[i]) ? row->used : 0;
	}
	const struct budget *counted = row_of_flow(e, f);
	ret->counted = counted ? counted->limit + 1u : 0;
}

static uint64_t
left_of(const struct budget *row, const struct policy_limit *l)
{
	return row->used < l->amount ? l->amount - row->used : 0;
}

/* A budget is used up: who hears it, and whose flows are to be judged again. */
static void
check_line(struct engine *e, struct budget *row, const struct policy_limit *l, const struct flow *f)
{
	char text[400], has[120], name[ADDR_TEXT];
	const struct device *d = device_at(e->devices, f->device);

	if (row->used < l->amount || row->told)
		return;
	row->told = row->over = true;
	e->stats.budgets_used_up++;
	policy_limit_used(l, row->used, has, sizeof has);
	snprintf(text, sizeof text, "LENSCAP budget used up: %s by %s under rule %.64s", has, device_name(d, e->is.policy, name), l->rule->name);
	report_budget(e, f, text);
}

/* A rate is worth something when it was taken over some time, and nothing after a long silence. */
static void
note_rate(struct engine *e, struct budget *row)
{
	uint64_t past = e->now.mono_ns - row->window_ns;

	if (past > STALE_WINDOW_S * SECOND) {
		row->rate = 0;
	} else if (past >= (uint64_t)PACKETS_FOR_RATE_MS * MS) {
		row->rate = (uint64_t)((double)(row->used - row->window_used) * 1e9 / (double)past);
	} else {
		return;
	}
	row->window_ns = e->now.mono_ns;
	row->window_used = row->used;
}

static void
charge(struct engine *e, struct budget *row, const struct policy_limit *l, uint64_t bytes, const struct flow *f)
{
	if (is_over(e, row, l))
		begin_period(e, row, l);
	row->charged_ns = e->now.mono_ns;
	if (l->kind != LIMIT_BYTES || bytes == 0)
		return;
	row->used += bytes;
	e->budgets->dirty = true;
	note_rate(e, row);
	check_line(e, row, l, f);
}

/* What passed by the queue, and what the kernel moved beside it. */
static uint64_t
moved(const struct flow *f)
{
	return f->bytes[0] + f->bytes[1] + f->unqueued;
}

bool
budget_count(struct engine *e, struct flow *f)
{
	uint64_t total = moved(f);
	struct budget *row = row_of_flow(e, f);
	const struct policy_limit *l = row ? limit_of(e, row) : NULL;

	if (f->decision == DECISION_PENDING || total <= f->charged)
		return false; /* whose bytes they are is not known yet */
	if (l)
		charge(e, row, l, total - f->charged, f);
	f->charged = total;
	return l && l->kind == LIMIT_BYTES && f->sent == DECISION_ALLOW && row->used >= l->amount;
}

/*
 * The kernel's counters hold all that passed, by the queue or not. A connection that is older than this engine was counted by the one
 * before, up to some second: its first news are where the count begins.
 */
void
budget_news(struct engine *e, struct flow *f, int64_t began_us)
{
	uint64_t kernel = f->kernel_bytes[0] + f->kernel_bytes[1], seen = f->bytes[0] + f->bytes[1], before = f->unqueued;
	struct budget *row = row_of_flow(e, f);
	bool older = f->carried_on || (began_us && began_us < e->start_us);

	f->unqueued = kernel > seen ? kernel - seen : 0;
	if (!f->has_news && older)
		f->charged += f->unqueued;
	f->has_news = true;
	if (row && f->settled && f->unqueued > before)
		budget_settles(e, f);
	(void)budget_count(e, f);
}

void
budget_take(struct engine *e, struct flow *f, const struct judgement *j)
{
	size_t n;
	const struct policy_limit *const *limits = policy_limits(e->is.policy, &n);
	unsigned place = j->decision == DECISION_ALLOW && j->rule ? j->rule->limit : 0;

	if (j->decision == DECISION_PENDING)
		return;
	if (place == 0 || place > n) {
		f->budget = 0;
		return;
	}
	const struct policy_limit *l = limits[place - 1];
	struct budget *row = row_of(e, device_at(e->devices, f->device), l, true);
	if (!row) {
		e->stats.budgets_uncounted++;
		f->budget = 0;
		return;
	}
	uint32_t number = (uint32_t)(row - e->budgets->rows);
	if (f->budget == number && f->budget_serial == row->serial)
		return;
	f->budget = number;
	f->budget_serial = row->serial;
	if (l->kind != LIMIT_FLOWS)
		return;
	row->used++;
	e->budgets->dirty = true;
	check_line(e, row, l, f);
}

bool
budget_is_used_up(const struct engine *e, const struct flow *f)
{
	const struct budget *row = row_of_flow(e, f);
	const struct policy_limit *l = row ? limit_of(e, row) : NULL;

	return l && l->kind == LIMIT_BYTES && row->used >= l->amount && !is_over(e, row, l);
}

/* Less than so many seconds at the present rate, or less than so many bytes. */
static bool
is_near(const struct budget *row, const struct policy_limit *l, uint64_t bytes, unsigned seconds)
{
	uint64_t left = left_of(row, l), soon = row->rate < UINT64_MAX / seconds ? row->rate * seconds : UINT64_MAX;

	return left <= bytes || left <= soon;
}

bool
budget_meters(const struct engine *e, const struct flow *f)
{
	const struct budget *row = row_of_flow(e, f);
	const struct policy_limit *l = row ? limit_of(e, row) : NULL;

	return l && l->kind == LIMIT_BYTES && e->may_hold && is_near(row, l, SETTLE_LEFT, SETTLE_S);
}

void
budget_settles(struct engine *e, struct flow *f)
{
	struct budget *row = row_of_flow(e, f);
	const struct policy_limit *l = row ? limit_of(e, row) : NULL;

	if (!l || l->kind != LIMIT_BYTES)
		return;
	f->settled = true;
	row->charged_ns = e->now.mono_ns;
	if (row->settled)
		return;
	row->settled = true;
	e->budgets->settled++;
	row->looked_ns = e->now.mono_ns;
	row->look_gap_ns = (uint64_t)LOOK_MIN_MS * MS;
}

static void
unsettle(struct budgets *b, struct budget *row)
{
	row->settled = false;
	b->settled--;
}

/* Looks come at twice the gap each time, as long as a quarter of what may be left in time is more than that. */
static bool
wants_look(struct engine *e, struct budget *row, const struct policy_limit *l)
{
	uint64_t rate = row->rate > LINE_RATE ? row->rate : LINE_RATE;
	uint64_t gap_ms = left_of(row, l) / (rate / 250 + 1); /* a quarter of the seconds that are left */
	uint64_t longest = (gap_ms < LOOK_MIN_MS ? LOOK_MIN_MS : gap_ms > LOOK_MAX_MS ? LOOK_MAX_MS : gap_ms) * MS;

	if (row->look_gap_ns > longest)
		row->look_gap_ns = longest;
	if (e->now.mono_ns - row->looked_ns < row->look_gap_ns)
		return false;
	row->looked_ns = e->now.mono_ns;
	row->look_gap_ns *= 2;
	return true;
}

/* True: counters are wanted now. */
static bool
pace_row(struct engine *e, struct budget *row)
{
	struct budgets *b = e->budgets;
	const struct policy_limit *l = limit_of(e, row);

	if (!l || e->now.mono_ns - row->charged_ns > IDLE_S * SECOND) {
		unsettle(b, row);
		return false;
	}
	if (e->may_hold && is_near(row, l, RETURN_LEFT, RETURN_S)) {
		b->want_rejudge = true;
		unsettle(b, row);
		return false;
	}
	return wants_look(e, row, l);
}

void
budget_pace(struct engine *e)
{
	const struct channel_head ask = {.type = CH_LOOK};
	struct budgets *b = e->budgets;
	bool look = false;

	for (uint32_t i = 1; b->settled && i <= b->highest; i++)
		if (b->rows[i].settled)
			look |= pace_row(e, &b->rows[i]);
	if (look && !e->offline)
		(void)channel_send(e->channel, &ask, sizeof ask, NULL, 0); /* one that is lost is asked again */
	if (b->want_rejudge && !e->asked_rejudge && engine_ask_rejudge(e)) {
		b->want_rejudge = false;
		e->asked_rejudge = !e->offline;
	}
}

/* Whoever was refused in a period that is over may open flows again, and the kernel must forget that it refused them. */
static bool
ended(struct engine *e, struct budget *row)
{
	const struct policy_limit *l = row->over ? limit_of(e, row) : NULL;

	if (!l || !is_over(e, row, l))
		return false;
	row->over = false;
	return true;
}

void
budget_tick(struct engine *e)
{
	struct budgets *b = e->budgets;

	for (uint32_t i = 1; i <= b->highest; i++)
		b->want_rejudge |= ended(e, &b->rows[i]);
	budget_pace(e);
	budget_save(e, false);
}
