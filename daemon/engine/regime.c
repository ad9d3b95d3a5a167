/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy and all that hangs from it: built beside the one in force, swapped as a whole. */
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "bundle.h"
#include "chronicle.h"
#include "confine.h"
#include "diag.h"
#include "engine.h"
#include "identity.h"
#include "log.h"
#include "wording.h"

enum { ROLLUP_KEYS = 4096 };

static bool
same_outputs(const struct policy *a, const struct policy *b)
{
	size_t n, m;
	const struct policy_output *x = policy_outputs(a, &n), *y = policy_outputs(b, &m);

	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (x[i].kind != y[i].kind || x[i].facility != y[i].facility || x[i].types != y[i].types ||
		    strcmp(x[i].path ? x[i].path : "", y[i].path ? y[i].path : "") != 0)
			return false;
	return true;
}

void
regime_problems(const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		if (diags->list[i].severity == DIAG_ERROR)
			log_warnx("%s:%u:%u: %s [%s]", diags->list[i].file, diags->list[i].line, diags->list[i].col, diags->list[i].message,
				  diags->list[i].code);
}

bool
regime_build(struct engine *e, const struct bundle *b, struct regime *ret)
{
	struct diags diags = {0};
	struct policy *p = e->early.policy ? e->early.policy : policy_load_sharing(b, &diags, e->is.policy);
	struct wording *w = e->early.wording ? e->early.wording : wording_new(b);

	e->early.policy = NULL;
	e->early.wording = NULL;
	if (!p) {
		regime_problems(&diags);
		wording_unref(w);
	}
	diags_free(&diags);
	return p && regime_around(e, w, p, ret);
}

static struct geo *
open_geo(const struct engine *e, const struct policy *p, bool quiet)
{
	struct geo_config config;

	policy_geo(p, &config);
	config.copy_dir = e->state_dir;
	config.previous = e->is.geo;
	config.quiet |= quiet;
	return geo_open(&config, e->now.wall_us / 1000000);
}

void
regime_early(struct engine *e, const struct bundle *b)
{
	struct diags diags = {0};

	e->early.policy = policy_load(b, &diags);
	diags_free(&diags); /* whoever checks it says the same */
	if (e->early.policy)
		e->early.wording = wording_new(b);
	if (e->early.policy && engine_confine(e, e->early.policy))
		e->early.geo = open_geo(e, e->early.policy, true);
}

/* The databases of a policy: opened already, but nobody was told, or now. */
static struct geo *
take_geo(struct engine *e, const struct policy *p)
{
	struct geo *g = e->early.geo;

	e->early.geo = NULL;
	if (!g)
		return open_geo(e, p, false);
	geo_tell(g);
	return g;
}

bool
regime_around(struct engine *e, struct wording *w, struct policy *p, struct regime *ret)
{
	struct regime r = {.policy = p, .wording = w};
	size_t n;

	if (!engine_confine(e, r.policy)) {
		regime_free(&r, &e->now);
		return false;
	}
	r.geo = take_geo(e, r.policy);
	r.book = rulebook_new(r.policy);
	r.rollup = rollup_new(ROLLUP_KEYS, policy_options(r.policy)->rollup_s, report_copy_max, report_rolled, e);
	/* Outputs that stay as they are keep their open files and what waits in their rings: engine_adopt() hands them over. */
	bool keep = e->is.policy && same_outputs(e->is.policy, r.policy);
	if (!keep) {
		const struct policy_output *out = policy_outputs(r.policy, &n);
		r.sinks = sinks_new(out, e->recorder ? 0 : n, e->syslog_fd, !e->offline && !e->packet_clock, report_first_record, e,
				    &e->now);
	}
	if (!r.geo || !r.book || !r.rollup || (!keep && !r.sinks)) {
		log_warnx("policy %s: not enough memory", policy_id(p));
		regime_free(&r, &e->now);
		return false;
	}
	rollup_on_forget(r.rollup, report_forgotten);
	*ret = r;
	return true;
}

void
regime_free(struct regime *r, const struct now *now)
{
	rollup_free(r->rollup); /* first: it writes what it still holds */
	sinks_free(r->sinks, now);
	if (r->geo)
		geo_close(r->geo);
	rulebook_unref(r->book);
	wording_unref(r->wording);
	policy_free(r->policy);
	memset(r, 0, sizeof *r);
}

void
report_geo(struct engine *e)
{
	size_t n;
	const struct geo_database *db = geo_databases(e->is.geo, &n);
	char text[512];

	for (size_t i = 0; i < n; i++) {
		if (db[i].state == GEO_OK)
			continue;
		snprintf(text, sizeof text, "geo database %s: %s", db[i].path, db[i].problem);
		log_warnx("%s", text);
		report_event(e, SID_GEO_PROBLEM, ALERT_MEDIUM, text);
	}
}

/* Where nothing is ever dropped, nothing needs to wait. */
static bool
may_enforce(const struct policy *p)
{
	size_t n;
	const struct rule_info *const *rules = policy_rules(p, &n);

	for (size_t i = 0; i < n; i++)
		if (rules[i]->mode == MODE_ENFORCE)
			return true;
	return false;
}

/* What stays goes on; what goes writes the rest without us, and what it lost stays counted. */
static void
hand_over_outputs(struct engine *e, struct sinks *old)
{
	size_t n;

	sinks_inherit(e->is.sinks, old);
	const struct sink_status *s = sinks_status(old, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < RECORD_TYPES; k++)
			e->unprinted[k] += s[i].dropped[k];
	sinks_retire(old, e->is.sinks, &e->now);
}

void
engine_adopt(struct engine *e, uint32_t generation)
{
	struct regime old = e->is;

	if (old.rollup) {
		rollup_free(old.rollup);
		old.rollup = NULL;
	}
	e->is = e->next;
	memset(&e->next, 0, sizeof e->next);
	if (!e->is.sinks)
		e->is.sinks = old.sinks;
	else if (old.sinks)
		hand_over_outputs(e, old.sinks);
	old.sinks = NULL;
	struct catalogue *before = old.policy ? catalogue_ref((struct catalogue *)policy_catalogue(old.policy)) : NULL;
	regime_free(&old, &e->now);
	e->generation = generation;
	e->policy_since_us = e->now.wall_us;
	e->may_hold = may_enforce(e->is.policy) && !e->offline;
	e->watch_all = policy_mode(e->is.policy) == MODE_MONITOR || e->offline;
	const struct policy_options *o = policy_options(e->is.policy);
	hold_set_limits(e->hold, o->queue_length / 2, &(struct hold_limits){o->hold_packets, o->hold_bytes, o->hold_ms});
	e->next_edge_s = policy_next_edge(e->is.policy, e->now.wall_us / 1000000);
	budget_adopt(e);
	links_rezone(e);
	device_rematch(e->devices, e->is.policy);
	if (before)
		observe_rebase(e, before);
	catalogue_unref(before);
	chronicle_adopt(e);
	report_geo(e);
}
