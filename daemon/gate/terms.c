/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On what terms the policy is in force, and how they change: a reload that must be confirmed, going back when
 * nobody confirmed it, undoing, another mode for a while. What a change comes to is written down before the kernel
 * has it, so that whenever we die the next start knows; reload.c brings it into force.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "state.h"

enum {
	RETRY_MS = 1000,
	WHEN = 32,
};

static const char *const mode_names[] = {"policy", "monitor", "enforce"};

static struct history *
history(struct gate *g)
{
	return &g->terms.now.history;
}

static bool
waits(const struct gate *g)
{
	return g->terms.now.confirm.seconds != 0;
}

static uint32_t
left_s(struct gate *g, const struct lease *l)
{
	lease_clock_read(&g->terms.clock);
	return lease_left_s(l, &g->terms.clock);
}

static const char *
when(int64_t s, char out[WHEN])
{
	struct tm tm;
	time_t t = (time_t)s;

	if (!gmtime_r(&t, &tm) || strftime(out, WHEN, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, WHEN, "an unknown time");
	return out;
}

static int
save(struct gate *g, const struct standing *s)
{
	int rc = standing_save(g->place.state_fd, s);

	if (rc < 0)
		log_warn("%s/standing: cannot be written; a restart will not know on what terms the policy is in force",
			 g->o->state_dir);
	return rc;
}

/* The nearest policy below the one in force that can be read, with those that cannot be forgotten. -1: none. */
static int
open_before(struct gate *g, struct history *h)
{
	int fd = -1;

	while (h->at > 0 && (fd = versions_load(g->terms.versions_fd, &h->v[h->at - 1])) < 0)
		history_drop(h, h->at - 1);
	return fd;
}

/* ---- what a request comes to ---- */

static bool
prepare_reload(struct gate *g, const struct request *q, struct standing *next, int *ret_source, char *text, size_t len)
{
	(void)next;
	*ret_source = -1;
	if (!waits(g) || q->seconds)
		return true;
	snprintf(text, len,
		 "policy %s waits for confirmation (%u s left): `lenscap confirm` keeps it, `lenscap undo` leaves it; "
		 "then reload, or reload with --confirm",
		 g->plan.policy_id, left_s(g, &g->terms.now.confirm));
	return false;
}

static bool
prepare_back(struct gate *g, const struct request *q, struct standing *next, int *ret_source, char *text, size_t len)
{
	*ret_source = open_before(g, &next->history);
	if (*ret_source >= 0) {
		next->history.at--;
		next->confirm = (struct lease){0};
		return true;
	}
	*history(g) = next->history; /* without what could not be read */
	if (q->kind == REQUEST_BACK) {
		snprintf(text, len, "policy %s was not confirmed, but no earlier one can be read: it stays in force",
			 g->plan.policy_id);
		g->terms.now.confirm = (struct lease){0};
		log_warnx("%s", text);
		keeper_event(g, EVENT_NOT_CONFIRMED, 1, "%s", text);
	} else {
		snprintf(text, len, "nothing to undo: no earlier policy than %s is kept", g->plan.policy_id);
	}
	(void)save(g, &g->terms.now);
	terms_tell(g);
	return false;
}

static bool
prepare_mode(struct gate *g, const struct request *q, struct standing *next, int *ret_source, char *text, size_t len)
{
	next->mode = q->kind == REQUEST_MODE ? (uint8_t)q->mode : CHANNEL_MODE_POLICY;
	next->mode_for = (struct lease){0};
	if (next->mode != CHANNEL_MODE_POLICY && q->seconds)
		next->mode_for = lease_grant(q->seconds, &g->terms.clock);
	*ret_source = versions_copy(g->bundle_fd);
	if (*ret_source < 0)
		snprintf(text, len, "the policy in force cannot be read again: %s", strerror(errno));
	return *ret_source >= 0;
}

static bool (*const prepare[])(struct gate *g, const struct request *q, struct standing *next, int *ret_source, char *text,
			       size_t len) = {
	[REQUEST_RELOAD] = prepare_reload, [REQUEST_UNDO] = prepare_back,	[REQUEST_BACK] = prepare_back,
	[REQUEST_MODE] = prepare_mode,	   [REQUEST_MODE_OVER] = prepare_mode,
};

bool
terms_prepare(struct gate *g, const struct request *q, int *ret_source, char *text, size_t len)
{
	lease_clock_read(&g->terms.clock);
	g->reload.next = g->terms.now;
	return prepare[q->kind](g, q, &g->reload.next, ret_source, text, len);
}

/* The files hold this policy: the one in force again, or a new version of it. */
static void
take_files(struct gate *g, struct standing *next, const char *id, const struct request *q)
{
	struct history *h = &next->history;
	struct version v = {.seq = history_next(h), .time_s = g->terms.clock.wall_s, .uid = q->uid};
	bool waited = next->confirm.seconds != 0, same = h->n && strcmp(h->v[h->at].id, id) == 0;

	memcpy(v.id, id, strlen(id) + 1);
	history_settle(h);
	next->confirm = (struct lease){0};
	if (same && !waited)
		return; /* nothing has changed, so there is nothing to confirm */
	if (!same) {
		if (waited) {
			h->at--; /* what nobody confirmed is nothing to go back to */
			history_settle(h);
		}
		history_push(h, &v);
	}
	if (q->seconds && h->at > 0)
		next->confirm = lease_grant(q->seconds, &g->terms.clock);
}

/* version: the policy's file is to be written too. */
static bool
write_down(struct gate *g, const struct standing *s, const struct plan *plan, int bundle_fd, bool version)
{
	const struct history *h = &s->history;
	const struct scribe_order order = {.state_fd = g->place.state_fd,
					   .versions_fd = g->terms.versions_fd,
					   .bundle_fd = bundle_fd,
					   .state_dir = g->o->state_dir,
					   .version = version && h->n ? &h->v[h->at] : NULL,
					   .standing = s,
					   .plan = plan};

	return scribe_start(&g->scribe, &order, g->now_ns);
}

bool
terms_begin(struct gate *g)
{
	struct reload *r = &g->reload;
	bool files = r->now.kind == REQUEST_RELOAD;

	lease_clock_read(&g->terms.clock);
	if (files)
		take_files(g, &r->next, r->plan.policy_id, &r->now);
	if (r->now.kind == REQUEST_MODE && r->next.mode_for.seconds)
		r->next.mode_for = lease_grant(r->now.seconds, &g->terms.clock);
	r->begun = true;
	return write_down(g, &r->next, &r->plan, r->bundle_fd, files);
}

bool
terms_begun(const struct gate *g, unsigned lacks)
{
	return !(lacks & (SCRIBE_VERSION | SCRIBE_STANDING)) || !g->reload.next.confirm.seconds;
}

void
terms_revert(struct gate *g)
{
	scribe_stop(&g->scribe);
	g->reload.begun = false;
	(void)save(g, &g->terms.now);
	versions_keep(g->terms.versions_fd, history(g));
	if (place_save_plan(&g->place, &g->plan) < 0)
		log_warn("%s/plan: cannot save the plan for a start with a broken policy", g->o->state_dir);
}

static void
say_what_became(struct gate *g)
{
	const struct request *q = &g->reload.now;
	const struct history *h = history(g);

	if (q->kind == REQUEST_BACK) {
		log_warnx("policy %s was not confirmed in time: went back to %s", h->v[h->at + 1].id, h->v[h->at].id);
		keeper_event(g, EVENT_NOT_CONFIRMED, 1, "policy %s was not confirmed in time: went back to %s",
			     h->v[h->at + 1].id, h->v[h->at].id);
	} else if (q->kind == REQUEST_UNDO) {
		log_info("policy %s was undone by uid %u, pid %u: %s is in force again", h->v[h->at + 1].id, q->uid, q->pid,
			 h->v[h->at].id);
	} else if (q->kind == REQUEST_MODE) {
		log_info("mode %s until %s, asked by uid %u, pid %u", mode_names[q->mode],
			 q->mode == CHANNEL_MODE_POLICY ? "the policy says otherwise" :
			 q->seconds ? "its time is over" : "`lenscap mode policy`", q->uid, q->pid);
	} else if (q->kind == REQUEST_MODE_OVER) {
		log_info("the time of the other mode is over: the policy's own is in force");
	} else if (waits(g)) {
		log_info("policy %s goes in %u s unless `lenscap confirm` keeps it (asked by uid %u, pid %u)",
			 h->v[h->at].id, q->seconds, q->uid, q->pid);
	}
}

void
terms_commit(struct gate *g)
{
	g->terms.now = g->reload.next;
	g->reload.begun = false;
	versions_keep(g->terms.versions_fd, history(g));
	say_what_became(g);
	terms_tell(g);
}

void
terms_failed(struct gate *g, bool unreadable)
{
	const struct request *q = &g->reload.now;
	bool back = q->kind == REQUEST_BACK || q->kind == REQUEST_UNDO;

	g->reload.again_ns = g->now_ns + (uint64_t)RETRY_MS * MS;
	if (!back || !unreadable || g->reload.next.history.n == 0)
		return;
	/* The one that was tried: what stood between could not be read either. */
	struct history h = g->reload.next.history;
	h.at++;
	history_drop(&h, h.at - 1);
	log_warnx("policy %s, which was in force once, is refused now and forgotten", g->reload.next.history.v[h.at].id);
	*history(g) = h;
	(void)save(g, &g->terms.now);
	terms_tell(g);
}

bool
terms_due(struct gate *g, struct request *ret)
{
	const struct standing *s = &g->terms.now;

	if (g->now_ns < g->reload.again_ns || (!s->confirm.seconds && !s->mode_for.seconds))
		return false;
	lease_clock_read(&g->terms.clock);
	bool back = s->confirm.seconds && lease_left_ms(&s->confirm, &g->terms.clock) == 0;
	bool over = s->mode_for.seconds && lease_left_ms(&s->mode_for, &g->terms.clock) == 0;
	*ret = (struct request){.kind = back ? REQUEST_BACK : REQUEST_MODE_OVER};
	return back || over;
}

static void __attribute__((format(printf, 4, 5)))
answer(struct gate *g, uint32_t ticket, bool ok, const char *fmt, ...)
{
	struct channel_done d = {.head = {.type = CH_DONE, .arg = ticket}, .ok = ok};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d.text, sizeof d.text, fmt, ap);
	va_end(ap);
	(void)keeper_send(g, &d, sizeof d, -1, false);
}

void
terms_confirm(struct gate *g, const struct request *q)
{
	struct standing next = g->terms.now;

	if (!waits(g)) {
		answer(g, q->ticket, false, "nothing waits for confirmation: policy %s is in force", g->plan.policy_id);
		return;
	}
	next.confirm = (struct lease){0};
	if (save(g, &next) < 0) {
		answer(g, q->ticket, false, "the confirmation could not be written down: %s", strerror(errno));
		return;
	}
	g->terms.now = next;
	log_info("policy %s is confirmed by uid %u, pid %u", g->plan.policy_id, q->uid, q->pid);
	terms_tell(g);
	gate_status(g, "");
	answer(g, q->ticket, true, "policy %s is confirmed", g->plan.policy_id);
}

/* ---- telling ---- */

void
terms_tell(struct gate *g)
{
	struct channel_terms t = {.head = {.type = CH_TERMS}};
	const struct standing *s = &g->terms.now;
	const struct history *h = history(g);

	t.confirm_left_s = left_s(g, &s->confirm);
	t.mode = s->mode;
	t.mode_left_s = left_s(g, &s->mode_for);
	t.back = (uint32_t)h->at;
	if (h->n) {
		t.uid = h->v[h->at].uid;
		t.since_s = h->v[h->at].time_s;
		memcpy(t.back_id, h->at ? h->v[h->at - 1].id : "", h->at ? sizeof t.back_id : 1);
		if (h->n > h->at + 1)
			memcpy(t.undone_id, h->v[h->n - 1].id, sizeof t.undone_id);
	}
	snprintf(t.config, sizeof t.config, "%s", g->o->config);
	(void)keeper_send(g, &t, sizeof t, -1, false);
}

const char *
terms_words(struct gate *g, char *out, size_t len)
{
	const struct standing *s = &g->terms.now;

	snprintf(out, len, "%s%s%s", s->mode ? ", mode set by hand" : "", waits(g) ? ", waits for confirmation" : "",
		 s->history.n > s->history.at + 1 ? ", a newer policy was undone" : "");
	return out;
}

/* ---- the start ---- */

void
terms_open(struct gate *g)
{
	struct standing *s = &g->terms.now;

	g->terms.versions_fd = versions_open(g->place.state_fd, g->o->state_dir);
	standing_load(g->place.state_fd, g->terms.versions_fd, s);
	lease_clock_read(&g->terms.clock);
	if (s->mode_for.seconds && lease_left_ms(&s->mode_for, &g->terms.clock) == 0) {
		log_info("the time of mode %s is over: the policy's own is in force", mode_names[s->mode]);
		s->mode = CHANNEL_MODE_POLICY;
		s->mode_for = (struct lease){0};
	}
}

void
terms_close(struct gate *g)
{
	if (g->terms.versions_fd >= 0)
		close(g->terms.versions_fd);
	g->terms.versions_fd = -1;
}

/* With the mode that was set by hand, or without it where the policy cannot be used so. */
static enum plan_result
plan_with_mode(struct gate *g, int source, struct plan *ret)
{
	struct standing *s = &g->terms.now;
	enum plan_result result = plan_one(g, source, s->mode, ret);

	if (result == PLAN_GOOD || s->mode == CHANNEL_MODE_POLICY)
		return result;
	enum plan_result own = plan_one(g, source, CHANNEL_MODE_POLICY, ret);
	if (own != PLAN_GOOD)
		return own;
	log_warnx("the policy cannot be used in mode %s, which was set by hand: its own mode is in force",
		  mode_names[s->mode]);
	s->mode = CHANNEL_MODE_POLICY;
	s->mode_for = (struct lease){0};
	return own;
}

static bool
plan_version(struct gate *g, const struct version *v, struct plan *ret)
{
	int fd = versions_load(g->terms.versions_fd, v);
	bool good = fd >= 0 && plan_with_mode(g, fd, ret) == PLAN_GOOD && strcmp(ret->policy_id, v->id) == 0;

	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !good)
		log_warnx("policy %s, which was in force once, is refused now", v->id);
	return good;
}

/* Its time is not over: it is in force again for what is left of it, whatever the files hold. */
static bool
choose_unconfirmed(struct gate *g, struct plan *ret)
{
	const struct standing *s = &g->terms.now;
	const struct version *v = &s->history.v[s->history.at];

	if (!waits(g) || lease_left_ms(&s->confirm, &g->terms.clock) == 0 || !plan_version(g, v, ret))
		return false;
	log_warnx("policy %s still waits for confirmation: it goes in %u s unless `lenscap confirm` keeps it", v->id,
		  left_s(g, &s->confirm));
	return true;
}

/* The policy in force, or the nearest before it. */
static bool
choose_kept(struct gate *g, struct plan *ret)
{
	struct history h = *history(g);

	for (; h.n; h.at--) {
		if (plan_version(g, &h.v[h.at], ret)) {
			*history(g) = h;
			return true;
		}
		if (h.at == 0)
			break;
	}
	return false;
}

enum plan_result
terms_choose(struct gate *g, struct plan *ret)
{
	struct standing *s = &g->terms.now;
	struct request by_us = {.kind = REQUEST_RELOAD, .uid = getuid()};
	char at[WHEN];

	if (choose_unconfirmed(g, ret))
		return PLAN_GOOD;
	struct history *h = &s->history;
	bool late = waits(g);
	if (late) {
		memcpy(g->terms.left_id, h->v[h->at].id, VERSION_ID);
		h->at--;
		s->confirm = (struct lease){0};
	}
	enum plan_result result = plan_with_mode(g, -1, ret);
	struct plan kept;
	if ((result == PLAN_GOOD ? history_undone(h, ret->policy_id) : late) && choose_kept(g, &kept)) {
		*ret = kept;
		const struct version *v = &h->v[h->at];
		g->terms.went_back = late;
		if (late)
			log_warnx("policy %s was not confirmed in time", g->terms.left_id);
		log_warnx("policy %s of %s is in force; %s has one that was undone: edit it and reload", v->id,
			  when(v->time_s, at), g->o->config);
		return PLAN_GOOD;
	}
	if (result == PLAN_GOOD)
		take_files(g, s, ret->policy_id, &by_us);
	return result;
}

void
terms_write(struct gate *g)
{
	/* The version also where it is there: what it was checked with may be newer. */
	(void)write_down(g, &g->terms.now, &g->plan, g->bundle_fd, true);
	versions_keep(g->terms.versions_fd, history(g));
}

void
terms_started(struct gate *g)
{
	if (g->terms.went_back)
		keeper_event(g, EVENT_NOT_CONFIRMED, 1, "policy %s was not confirmed in time: went back to %s",
			     g->terms.left_id, g->plan.policy_id);
	terms_tell(g);
}
