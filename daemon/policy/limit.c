/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limit: reading, asking, and the periods of the calendar. How much was used is the engine's to count. */
#include "limit.h"

#include <stdio.h>
#include <string.h>

#include "loader.h"
#include "schedule.h"

#define LIMIT_BYTES_MAX UINT64_C(100000000000000)

enum {
	LIMITS_MAX = 256, /* each one is a question to a table whenever a flow is judged */
	LIMIT_FLOWS_MAX = 1000000000,
	DAY_S = 86400,
};

static const struct choice periods[] = {
	{"minute", PERIOD_MINUTE}, {"hour", PERIOD_HOUR}, {"day", PERIOD_DAY}, {"week", PERIOD_WEEK}, {"month", PERIOD_MONTH}};

struct limit_draft {
	struct limit *limit;
	bool has_period;
	unsigned amounts;
};

static void
load_bytes(struct loader *l, const struct node *value, void *into)
{
	struct limit_draft *d = into;
	uint64_t v;
	if (!read_size(l, value, &v))
		return;
	if (v == 0 || v > LIMIT_BYTES_MAX) {
		load_error(l, value, "E119", "\"%.64s\" is out of range: a limit is 1 byte to 100000 GB", value->text);
		return;
	}
	d->limit->is.kind = LIMIT_BYTES;
	d->limit->is.amount = v;
	d->amounts++;
}

static void
load_flows(struct loader *l, const struct node *value, void *into)
{
	struct limit_draft *d = into;
	uint32_t v;
	if (!read_number(l, value, 1, LIMIT_FLOWS_MAX, &v))
		return;
	d->limit->is.kind = LIMIT_FLOWS;
	d->limit->is.amount = v;
	d->amounts++;
}

static void
load_per(struct loader *l, const struct node *value, void *into)
{
	struct limit_draft *d = into;
	unsigned v;
	if (!read_choice(l, value, periods, sizeof(periods) / sizeof(periods[0]), &v))
		return;
	d->limit->is.period = (enum limit_period)v;
	d->has_period = true;
}

static void
load_zone(struct loader *l, const struct node *value, void *into)
{
	struct limit_draft *d = into;
	const struct zoneinfo *zone = schedule_zone(l, value);
	if (zone)
		d->limit->is.zone = zone;
}

static const struct field fields[] = {
	{"bytes", load_bytes, 0}, {"flows", load_flows, 0}, {"per", load_per, FIELD_REQUIRED}, {"zone", load_zone, 0}};
static const struct schema schema = {"limit", fields, sizeof(fields) / sizeof(fields[0]), 0};

void
parse_limit(struct loader *l, const struct node *value, struct vec *items)
{
	struct limit_draft d = {.limit = region_alloc(&l->p->region, sizeof(struct limit))};
	if (!d.limit)
		return;
	load_map(l, value, &schema, &d);
	if (l->asked || value->kind != NODE_MAP)
		return;
	bool bytes = node_get(value, "bytes"), flows = node_get(value, "flows");
	if (!bytes && !flows)
		load_error(l, value, "E107", "limit needs \"bytes\" or \"flows\"");
	if (bytes && flows)
		diag_hint(load_error(l, node_get(value, "flows"), "E138", "a limit counts bytes or flows, not both"),
			  "two rules may stand one behind the other");
	if (!node_get(value, "zone"))
		d.limit->is.zone = schedule_zone(l, NULL);
	if (!d.has_period || d.amounts != 1 || !d.limit->is.zone)
		return;
	if (l->p->n_limits == LIMITS_MAX) {
		load_error(l, value, "E115", "more than %d limits", LIMITS_MAX);
		return;
	}
	if (!l->p->limits)
		l->p->limits = region_alloc(&l->p->region, LIMITS_MAX * sizeof(*l->p->limits));
	struct limit **item = l->p->limits ? vec_push(&l->p->region, items, sizeof(struct limit *)) : NULL;
	if (!item)
		return;
	d.limit->spot = node_spot(value);
	d.limit->is.index = (unsigned)l->p->n_limits;
	l->p->limits[l->p->n_limits++] = &d.limit->is;
	*item = d.limit;
}

/* A flow that was counted goes on: what it counts for is that it was opened. */
bool
match_limit(const struct condition *c, const struct facts *f)
{
	const struct policy_limit *l = &(*(struct limit *const *)c->items)->is;
	uint64_t used = l->index < f->n_used ? f->used[l->index] : 0;
	if (f->used_up)
		return false;
	return used < l->amount || (l->kind == LIMIT_FLOWS && f->counted == l->index + 1u);
}

/*
 * FNV-1a over what must stay the same for a count to go on: another amount is the same budget, another period is not. Part of what is kept
 * over restarts.
 */
static uint64_t
key_of(const char *rule, const struct policy_limit *l)
{
	const char *const parts[] = {rule, l->kind == LIMIT_BYTES ? "bytes" : "flows", periods[l->period].word, zoneinfo_name(l->zone)};
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (const char *p = parts[i]; *p; p++)
			h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
		h *= UINT64_C(0x100000001b3); /* the end of one */
	}
	return h;
}

static void
finish(struct loader *l, struct rule *r, struct limit *limit)
{
	bool allows = r->info.action == ACTION_ALLOW || r->info.action == ACTION_ALERT;
	if (!allows) {
		struct place_in_file at = spot_place(&limit->spot);
		struct diag *g = diag_add(l->diags, DIAG_ERROR, "E138", &at, limit->spot.source->text,
					  "a limit belongs to a rule that allows: what is refused uses nothing up");
		diag_hint(g, "put it on the rule that allows; what goes beyond falls to the rules behind it");
	}
	limit->is.rule = &r->info;
	limit->is.key = key_of(r->info.name, &limit->is);
	r->info.limit = (uint16_t)(limit->is.index + 1);
}

void
limits_finish(struct loader *l)
{
	for (size_t i = 0; i < l->p->n_rules && l->p->n_limits; i++) {
		struct rule *r = l->p->rules[i];
		for (size_t k = 0; k < r->clause.n; k++)
			if (r->clause.conditions[k].row->match == match_limit)
				finish(l, r, *(struct limit *const *)r->clause.conditions[k].items);
	}
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Months since March of the year 0 (Hinnant, chrono-compatible low-level date algorithms). */
static int64_t
month_of(int64_t day)
{
	int64_t z = day + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	return (era * 400 + yoe) * 12 + (5 * doy + 2) / 153;
}

int64_t
policy_limit_period(const struct policy_limit *l, int64_t wall_s)
{
	int32_t offset = zoneinfo_offset(l->zone, wall_s);
	int64_t day = floor_div(wall_s + offset, DAY_S);
	switch (l->period) {
	case PERIOD_MINUTE:
		return floor_div(wall_s, 60);
	case PERIOD_HOUR: /* an hour that the clocks repeat is two hours */
		return floor_div(wall_s + offset % 3600, 3600);
	case PERIOD_DAY:
		return day;
	case PERIOD_WEEK: /* from Monday on; 1970-01-01 was a Thursday */
		return floor_div(day + 3, 7);
	case PERIOD_MONTH:
		return month_of(day);
	}
	return 0;
}

static void
put_amount(const struct policy_limit *l, uint64_t v, char out[40])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double scaled = (double)v / 1000;
	unsigned unit = 0;
	if (l->kind == LIMIT_FLOWS || v < 1000) {
		snprintf(out, 40, "%llu %s", (unsigned long long)v, l->kind == LIMIT_FLOWS ? "flows" : "bytes");
		return;
	}
	for (; unit < 3 && scaled >= 999.95; unit++)
		scaled /= 1000;
	snprintf(out, 40, "%.1f %s", scaled, units[unit]);
}

void
policy_limit_used(const struct policy_limit *l, uint64_t used, char *out, size_t cap)
{
	char a[40], b[40];
	put_amount(l, used, a);
	put_amount(l, l->amount, b);
	snprintf(out, cap, "%s of %s used this %s", a, b, periods[l->period].word);
}

const struct policy_limit *const *
policy_limits(const struct policy *p, size_t *ret_n)
{
	*ret_n = p->n_limits;
	return (const struct policy_limit *const *)p->limits;
}
