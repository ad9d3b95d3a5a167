/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the store says: the inventory, how the database does, and answers. It read them from a file that may be damaged, so nothing of it is
 * believed further than a packet would be. An answer comes in pieces, and the next one is asked for when the client has read the last.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "chronicle_private.h"
#include "control.h"
#include "log.h"

enum {
	AT_ONCE = 4,		 /* datagrams a turn: packets wait behind them */
	LOST_US = 600000000,	 /* how long something dropped is worth a line in status */
};

/* ---- the inventory ---- */

static uint8_t
zone_named(const struct engine *e, const char *name)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	for (size_t i = 0; i < n; i++)
		if (zones[i].n_interfaces && strcmp(zones[i].name, name) == 0)
			return (uint8_t)i;
	return ZONE_NONE;
}

/* NULL: its zone is gone, it is known in another way now, or there is no room. Whoever is here already only gets an earlier first time. */
static struct device *
restore(struct engine *e, const struct store_key *k, int64_t first_us, int64_t last_us)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);
	uint8_t zone = zone_named(e, k->zone);

	if (zone == ZONE_NONE || (zones[zone].by_address && !k->by_address))
		return NULL;
	return device_restore(e->devices, e->is.policy, k->by_address ? NULL : &k->mac, &k->addr, zone, first_us, last_us);
}

static void
restore_facts(struct engine *e, struct device *d, const struct store_device *v)
{
	for (size_t i = 0; i < STORE_FACTS; i++) {
		struct span text = {(const uint8_t *)v->fact[i], strnlen(v->fact[i], STORE_FACT)};
		struct identity *w = text.len ? device_identity(e->devices, d) : NULL;
		if (w && !w->fact[i][0])
			(void)identity_learn(w, (enum identity_fact)i, text);
	}
}

static void
on_device(struct engine *e, const struct store_head *h)
{
	const struct store_device *v = (const void *)h;
	bool sane = v->first_us > 0 && v->last_us >= v->first_us && v->first_us <= e->now.wall_us;
	struct device *d = e->chronicle->loaded || !sane ? NULL : restore(e, &v->key, v->first_us, v->last_us);

	if (!d)
		return;
	if (!d->label[0])
		snprintf(d->label, sizeof d->label, "%s", v->label);
	d->flows_seen += v->flows_seen;
	d->flows_blocked += v->flows_blocked;
	restore_facts(e, d, v);
	e->chronicle->restored++;
}

static bool
find_channel(const char *name, uint8_t *ret)
{
	unsigned c = evidence_channel(name);

	*ret = (uint8_t)c;
	return c < EVIDENCE_CHANNELS;
}

static void
on_evidence(struct engine *e, const struct store_head *h)
{
	const struct store_evidence *v = (const void *)h;
	const struct catalogue *c = policy_catalogue(e->is.policy);
	struct evidence ev = {.first_us = v->first_us, .last_us = v->last_us, .times = v->times, .flow = v->flow, .weight = v->weight,
			      .answered = v->answered != 0, .weak = v->weak != 0, .maker = catalogue_maker(c, v->maker)};

	/* A row whose maker or channel the catalogue no longer has says nothing. */
	if (e->chronicle->loaded || ev.maker == MAKER_UNKNOWN || !find_channel(v->channel, &ev.channel) || v->weight < 1 || v->weight > 99)
		return;
	struct device *d = restore(e, &v->key, v->first_us, v->last_us);
	struct identity *w = d ? device_identity(e->devices, d) : NULL;
	if (!w)
		return;
	snprintf(ev.pattern, sizeof ev.pattern, "%s", v->pattern);
	snprintf(ev.excerpt, sizeof ev.excerpt, "%s", v->excerpt);
	if (ev.flow > FLOW_ID_MASK)
		ev.flow = 0;
	(void)identity_add(w, c, &ev);
	w->news = 0; /* told in an earlier run */
}

static bool
tell_all(void *arg, struct device *d)
{
	if (!d->restored)
		chronicle_device(arg, d);
	return true;
}

static void
on_loaded(struct engine *e, const struct store_head *h)
{
	(void)h;
	if (e->chronicle->loaded)
		return;
	e->chronicle->loaded = true;
	log_debug("%llu devices of earlier runs are known again", (unsigned long long)e->chronicle->restored);
	device_walk(e->devices, tell_all, e);
	observe_restored(e);
}

/* ---- how it does ---- */

static void
on_state(struct engine *e, const struct store_head *h)
{
	struct chronicle *c = e->chronicle;
	const struct store_state *v = (const void *)h;

	e->stats.store_dropped += v->dropped > c->state.dropped ? v->dropped - c->state.dropped : 0;
	e->stats.store_refused += v->refused > c->state.refused ? v->refused - c->state.refused : 0;
	e->stats.store_bytes = v->bytes;
	if (v->dropped > c->state.dropped)
		c->lost_us = e->now.wall_us;
	if (v->text[0] && !c->state.text[0])
		report_event(e, SID_STORE, ALERT_MEDIUM, v->text);
	c->state = *v;
}

/* The file was put aside. */
static void
on_event(struct engine *e, const struct store_head *h)
{
	(void)h;
	report_event(e, SID_STORE, ALERT_HIGH, e->chronicle->walk.text[2]);
}

const char *
chronicle_problem(const struct engine *e)
{
	struct chronicle *c = e->chronicle;

	if (!c)
		return "";
	if (c->fd < 0 && e->now.wall_us - c->down_us > CHRONICLE_DOWN_US)
		snprintf(c->problem, sizeof c->problem, "the store is not running: inventory and history are not kept");
	else if (c->state.text[0])
		snprintf(c->problem, sizeof c->problem, "%s", c->state.text);
	else if (c->lost_us && e->now.wall_us - c->lost_us < LOST_US)
		snprintf(c->problem, sizeof c->problem, "history is incomplete: %llu records were lost on their way into the store",
			 (unsigned long long)e->stats.chronicle_dropped + e->stats.store_dropped);
	else
		return "";
	return c->problem;
}

/* ---- answers ---- */

static struct question *
find_question(struct chronicle *c, uint32_t ticket)
{
	for (size_t i = 0; ticket && i < STORE_QUERIES; i++)
		if (c->question[i].ticket == ticket)
			return &c->question[i];
	return NULL;
}

static void
say(struct engine *e, enum store_type type, uint32_t ticket)
{
	const struct store_head h = {.type = (uint16_t)type, .ticket = ticket};

	chronicle_put(e, &h, sizeof h, NULL, 0);
	chronicle_flush(e);
}

static void
give_up(struct engine *e, struct question *q)
{
	say(e, ST_CANCEL, q->ticket);
	*q = (struct question){0};
}

static void
on_row(struct engine *e, const struct store_head *h)
{
	struct question *q = find_question(e->chronicle, h->ticket);
	const char *json = e->chronicle->walk.text[0];

	if (q && !control_event(e->control, q->ticket, json, strlen(json)))
		give_up(e, q);
}

/* Asks for the next piece if the client has read enough of the last one. */
static void
go_on(struct engine *e, struct question *q)
{
	size_t waiting = control_waiting(e->control, q->ticket);

	if (waiting == SIZE_MAX) {
		give_up(e, q);
	} else if (waiting < CONTROL_PAUSE) {
		q->paused = false;
		say(e, ST_NEXT, q->ticket);
	}
}

static void
on_pause(struct engine *e, const struct store_head *h)
{
	struct question *q = find_question(e->chronicle, h->ticket);

	if (!q)
		return;
	q->paused = true;
	go_on(e, q);
}

bool
chronicle_resume(struct engine *e)
{
	struct chronicle *c = e->chronicle;
	bool any = false;

	for (size_t i = 0; c && i < STORE_QUERIES; i++) {
		if (c->question[i].ticket && c->question[i].paused)
			go_on(e, &c->question[i]);
		any |= c->question[i].ticket && c->question[i].paused;
	}
	return any;
}

static void
on_done(struct engine *e, const struct store_head *h)
{
	const struct store_done *v = (const void *)h;
	struct question *q = find_question(e->chronicle, h->ticket);
	char data[48];

	if (!q)
		return;
	*q = (struct question){0};
	snprintf(data, sizeof data, "{\"rows\":%u}", v->rows);
	control_answer(e->control, h->ticket, v->ok != 0, v->text, v->ok ? data : NULL);
}

void
chronicle_end_queries(struct engine *e, const char *error)
{
	for (size_t i = 0; i < STORE_QUERIES; i++) {
		uint32_t ticket = e->chronicle->question[i].ticket;
		e->chronicle->question[i] = (struct question){0};
		if (ticket)
			control_answer(e->control, ticket, false, error, NULL);
	}
}

const char chronicle_none[] = "there is no history here: the store is not running";

bool
chronicle_query(struct engine *e, uint32_t ticket, const struct store_query *q, const char **ret_error)
{
	struct chronicle *c = e->chronicle;
	struct store_query v = *q;
	struct question *place = NULL;

	*ret_error = chronicle_none;
	if (!chronicle_expects(e))
		return false;
	for (size_t i = 0; i < STORE_QUERIES && !place; i++)
		place = c->question[i].ticket ? NULL : &c->question[i];
	*ret_error = "too many questions about history at once; try again";
	v.head = (struct store_head){.type = ST_QUERY, .ticket = ticket};
	if (!place || !ticket || !chronicle_put(e, &v, sizeof v, NULL, 0))
		return false;
	*place = (struct question){.ticket = ticket};
	chronicle_flush(e);
	return true;
}

/* ---- */

static void (*const handlers[ST_TYPES])(struct engine *e, const struct store_head *h) = {
	[ST_DEVICE] = on_device, [ST_EVIDENCE] = on_evidence, [ST_LOADED] = on_loaded, [ST_STATE] = on_state,
	[ST_EVENT] = on_event,	 [ST_ROW] = on_row,	      [ST_PAUSE] = on_pause,   [ST_DONE] = on_done,
};

void
chronicle_read(struct engine *e)
{
	struct chronicle *c = e->chronicle;

	for (int i = 0; i < AT_ONCE && c && c->fd >= 0; i++) {
		ssize_t n = recv(c->fd, c->in.bytes, sizeof c->in.bytes, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || (size_t)n > sizeof c->in.bytes) {
			chronicle_lost(e); /* the gate starts another one */
			return;
		}
		store_walk(&c->walk, c->in.bytes, (size_t)n);
		for (const struct store_head *h; (h = store_next(&c->walk));)
			if (handlers[h->type])
				handlers[h->type](e, h);
			else
				c->walk.refused++;
		e->stats.store_refused += c->walk.refused;
	}
}
