/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gate says: one small function a message, found in a table. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "budget.h"
#include "builder.h"
#include "bundle.h"
#include "chronicle.h"
#include "control.h"
#include "engine.h"
#include "jail.h"
#include "kinds.h"
#include "log.h"
#include "mark.h"
#include "metrics.h"

/* A look at conntrack is answered in steps, and both channels have room for a second of news at most. */
#define NEWS_LAG_US INT64_C(3000000)

enum {
	REFUSED_TEXT = 65536,
	BUILD_BESIDE_BYTES = 512 << 10, /* of a bundle: larger ones keep packets waiting too long, some 25 ms */
};

/* Tells the gate whether the next policy stands ready. */
static bool
answer_prepared(struct engine *e, uint32_t ticket, bool ok)
{
	struct channel_head reply = {.type = CH_PREPARED, .arg = ticket, .count = !ok};

	if (!ok) {
		metrics_reload(e->metrics, true);
		control_reload_done(e->control, ticket, false,
				    e->refused[0] ? e->refused : "the engine could not build this policy; see its log");
	}
	return channel_send(e->channel, &reply, sizeof reply, NULL, 0) == 0;
}

static bool
take_built(struct engine *e, struct built *built)
{
	bool ok = built->policy;

	if (!ok)
		regime_problems(&built->diags);
	else
		ok = regime_around(e, built->wording, built->policy, &e->next);
	built->policy = NULL; /* the regime's, or gone with it */
	built->wording = NULL;
	uint32_t ticket = built->ticket;
	built_free(built);
	return answer_prepared(e, ticket, ok);
}

bool
engine_built(struct engine *e)
{
	struct built built;

	return !builder_take(e->builder, &built) || take_built(e, &built);
}

static bool
is_large(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size > BUILD_BESIDE_BYTES;
}

/* A small policy is built between two packets; where time comes from packets, every one is, so that a scenario knows when. */
static bool
on_prepare(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_head *head = m;
	struct built built = {0};

	if (e->builder && builder_take(e->builder, &built)) /* the gate has given up on that one */
		built_free(&built);
	if (e->next.policy)
		regime_free(&e->next, &e->now);
	e->refused[0] = '\0';
	if (n_fds != 1)
		return answer_prepared(e, head->arg, false);
	if (e->builder && !e->packet_clock && is_large(fds[0]) && builder_start(e->builder, fds[0], e->is.policy, head->arg))
		return true;
	builder_run(fds[0], e->is.policy, head->arg, &built);
	return take_built(e, &built);
}

/* For who asked, and for the history. */
static void
note_commit(struct engine *e, uint32_t ticket)
{
	char text[120] = "", told[200];

	if (e->terms.confirm_left_s)
		snprintf(text, sizeof text, "it goes in %u s unless `lenscap confirm` keeps it; then %.12s comes back", e->terms.confirm_left_s,
			 e->terms.back_id);
	control_reload_done(e->control, ticket, true, text);
	snprintf(told, sizeof told, "policy %s is in force, mode %s%s%s", policy_id(e->is.policy), mode_name(policy_mode(e->is.policy)),
		 *text ? "; " : "", text);
	chronicle_event(e, "policy", "", told);
}

static bool
on_commit(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_commit *c = m;
	(void)fds;
	(void)n_fds;

	/* What was judged before belongs to the old generation: it leaves under that. */
	engine_flush(e);
	if (c->head.count && e->next.policy) {
		engine_adopt(e, c->generation);
		e->stats.reloads++;
		metrics_reload(e->metrics, false);
		log_info("policy %s is in force, generation %u", policy_id(e->is.policy), c->generation);
		note_commit(e, c->head.arg);
	}
	e->generation = c->generation;
	e->asked_rejudge = false;
	return true;
}

/* Text written by the process that checked the policy, for whoever asked. */
static bool
on_refused(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_head *head = m;
	char *text = calloc(1, REFUSED_TEXT);

	e->stats.reloads_refused++;
	metrics_reload(e->metrics, true);
	if (!text)
		return true;
	size_t len = 0;
	ssize_t n;
	while (n_fds == 1 && len < REFUSED_TEXT - 1 &&
	       (n = pread(fds[0], text + len, REFUSED_TEXT - 1 - len, (off_t)len)) > 0)
		len += (size_t)n;
	control_reload_done(e->control, head->arg, false, text);
	free(text);
	return true;
}

static bool
on_links(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_links *l = m;
	(void)fds;
	(void)n_fds;
	links_set(e, l->link, l->head.count);
	return true;
}

/* A zone behind a router has no MACs of its own: there the neighbour is the router. */
static void
neighbour(struct engine *e, const struct channel_neighbour *n)
{
	size_t n_zones;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n_zones);
	uint8_t zone = link_find(e, n->ifindex)->zone;

	if (zone < n_zones && !zones[zone].by_address)
		device_introduce(e->devices, e->is.policy, &n->mac, &n->addr, zone);
}

static bool
on_neighbours(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_neighbours *all = m;
	(void)fds;
	(void)n_fds;
	for (size_t i = 0; i < all->head.count; i++)
		neighbour(e, &all->n[i]);
	return true;
}

/* What is new since the kernel's last word. Its counters never go back within one connection. */
static void
count_bytes(struct engine *e, const struct flow *f, const struct channel_flow_news *n)
{
	const uint64_t now[2] = {n->orig_bytes, n->reply_bytes};

	for (size_t i = 0; i < 2; i++)
		if (now[i] > f->kernel_bytes[i])
			metrics_bytes(e->metrics, f->inbound == (i == 1), now[i] - f->kernel_bytes[i]);
}

/* The kernel has seen what we wait for: the server's answer to a ClientHello, or to a SYN. */
static void
learn_state(struct engine *e, struct flow *f, const struct channel_flow_news *n)
{
	unsigned shift = policy_options(e->is.policy)->mark_shift;

	if (f->confirming && f->said && mark_generation(shift, n->mark) == e->generation && mark_decision(shift, n->mark) == DECISION_ALLOW)
		inspect_confirmed(e, f);
	bool waits = f->sent == DECISION_PENDING && f->tuple.proto == IPPROTO_TCP && (n->flags & NEWS_REPLIED);
	flow_touch(e->flows, f, waits ? FLOW_PATIENT : f->list, &e->now);
}

/*
 * Late news of a connection that had the same ports before this flow. Its end lies before anything that we saw of the flow. A row of a look says
 * only when it began: where that was before our first packet it is the other's, or ours whose first packets passed in the kernel. News are never
 * older than NEWS_LAG_US, so once the flow is they are ours; until then they are left alone, for the next look repeats them. A connection that we
 * saw first in its middle is ours while it is open: conntrack lets a new one begin only where the old one is closed.
 */
static bool
is_of_earlier(const struct engine *e, const struct flow *f, const struct channel_flow_news *n)
{
	int64_t began_us = (int64_t)(n->start_ns / 1000), ended_us = (int64_t)(n->stop_ns / 1000), age_us = e->now.wall_us - f->start_us;

	if (n->flags & NEWS_END)
		return n->stop_ns && ended_us < f->start_us;
	bool in_its_middle = f->carried_on || f->by_kind;
	return n->start_ns && began_us < f->start_us && age_us >= 0 && age_us < NEWS_LAG_US && (!in_its_middle || (n->flags & NEWS_CLOSED));
}

static void
flow_news(struct engine *e, const struct channel_flow_news *n)
{
	struct flow *f = flow_find(e->flows, &n->tuple);

	if (!f)
		f = kinds_begin(e, n);
	if (!f || is_of_earlier(e, f, n)) {
		e->stats.news_unmatched++;
		return;
	}
	bool same = f->exact && f->kernel_packets[0] == n->orig_packets && f->kernel_packets[1] == n->reply_packets;
	f->exact = true;
	count_bytes(e, f, n);
	f->kernel_packets[0] = n->orig_packets;
	f->kernel_packets[1] = n->reply_packets;
	f->kernel_bytes[0] = n->orig_bytes;
	f->kernel_bytes[1] = n->reply_bytes;
	budget_news(e, f, (int64_t)(n->start_ns / 1000));
	if (n->start_ns && (int64_t)(n->start_ns / 1000) < f->start_us)
		f->start_us = (int64_t)(n->start_ns / 1000); /* it began before this engine did */
	learn_state(e, f, n);
	if (n->stop_ns)
		f->last_us = (int64_t)(n->stop_ns / 1000);
	/* A TCP connection in TIME_WAIT whose counters rest has said all it has to say; conntrack would keep it for minutes. */
	bool over = (n->flags & NEWS_END) || (f->closed && same && (n->flags & NEWS_CLOSED));
	f->closed |= (n->flags & NEWS_CLOSED) != 0;
	if (over) {
		f->closed |= f->tuple.proto == IPPROTO_TCP && (n->flags & NEWS_CLOSED);
		flow_end(e->flows, f, &e->now);
	}
}

/* In a large table each flow is a wait for memory: here all of a message are waited for at once. */
static void
expect_flows(const struct engine *e, const struct channel_news *news)
{
	uint32_t bucket[CHANNEL_NEWS];

	for (size_t i = 0; i < news->head.count; i++)
		bucket[i] = flow_expect(e->flows, &news->f[i].tuple);
	for (size_t i = 0; i < news->head.count; i++)
		flow_expect_place(e->flows, bucket[i]);
}

static bool
on_flow_news(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_news *news = m;
	(void)fds;
	(void)n_fds;
	expect_flows(e, news);
	for (size_t i = 0; i < news->head.count; i++) {
		const struct channel_flow_news *n = &news->f[i];
		e->news_id = n->id;
		flow_news(e, n);
		if (n->flags & NEWS_END)
			kinds_gone(e, n);
	}
	e->news_id = 0;
	return true;
}

static bool
on_denied(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_denied *d = m;
	(void)fds;
	(void)n_fds;
	for (size_t i = 0; i < d->head.count; i++) {
		struct flow *f = flow_find(e->denied, &d->f[i].tuple);
		if (!f) {
			e->stats.denied_unmatched += d->f[i].packets;
			continue;
		}
		f->packets[0] += d->f[i].packets;
		f->bytes[0] += d->f[i].bytes;
		flow_touch(e->denied, f, FLOW_PATIENT, &e->now);
		report_denied(e, f, d->f[i].packets);
	}
	return true;
}

static bool
on_counters(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	memcpy(&e->kernel, m, sizeof e->kernel);
	e->kernel_known = true;
	return true;
}

/* Gate events that become alerts. */
static const struct {
	enum gate_event event;
	enum signature sid;
	enum alert_level level;
} events[] = {
	{EVENT_HOOK_REMOVED, SID_HOOK_REMOVED, ALERT_HIGH},	  {EVENT_ENGINE_RESTARTED, SID_ENGINE_RESTARTED, ALERT_HIGH},
	{EVENT_RELOAD_REFUSED, SID_RELOAD_REFUSED, ALERT_MEDIUM}, {EVENT_UNINSPECTED, SID_UNINSPECTED, ALERT_HIGH},
	{EVENT_NEWS_LOST, SID_UNINSPECTED, ALERT_LOW},		  {EVENT_NOT_CONFIRMED, SID_NOT_CONFIRMED, ALERT_HIGH},
};

static bool
on_event(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	struct channel_event ev;
	(void)fds;
	(void)n_fds;

	memcpy(&ev, m, sizeof ev);
	ev.text[sizeof ev.text - 1] = 0;
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (events[i].event == ev.head.arg)
			report_event(e, events[i].sid, events[i].level, ev.text);
	if (ev.head.arg == EVENT_NOT_CONFIRMED)
		chronicle_event(e, "undo", "", ev.text);
	return true;
}

static bool
on_terms(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	struct channel_terms *t = &e->terms;
	(void)fds;
	(void)n_fds;

	memcpy(t, m, sizeof *t);
	t->back_id[sizeof t->back_id - 1] = t->undone_id[sizeof t->undone_id - 1] = t->config[sizeof t->config - 1] = 0;
	if (t->mode > CHANNEL_MODE_ENFORCE)
		t->mode = CHANNEL_MODE_POLICY;
	e->terms_ns = e->now.mono_ns;
	return true;
}

static bool
on_done(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	struct channel_done d;
	(void)fds;
	(void)n_fds;

	memcpy(&d, m, sizeof d);
	d.text[sizeof d.text - 1] = 0;
	if (d.head.count) /* it was no question of policy */
		control_answer(e->control, d.head.arg, d.ok != 0, d.text, NULL);
	else
		control_reload_done(e->control, d.head.arg, d.ok != 0, d.text);
	return true;
}

static bool
on_quarantined(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	return jail_message(e, m);
}

static bool
on_store(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	(void)m;
	chronicle_connect(e, n_fds == 1 ? fcntl(fds[0], F_DUPFD_CLOEXEC, 3) : -1); /* ours is closed when the message was handled */
	return true;
}

static bool
on_ping(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	const struct channel_head *head = m;
	struct channel_pong pong = {.head = {.type = CH_PONG, .arg = head->arg}, .stale_ids = e->stale_ids};
	(void)fds;
	(void)n_fds;
	return channel_send(e->channel, &pong, sizeof pong, NULL, 0) == 0 || errno == EAGAIN;
}

static bool
on_reopen(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	(void)m;
	(void)fds;
	(void)n_fds;
	sinks_reopen(e->is.sinks, &e->now);
	return true;
}

static bool
on_stop(struct engine *e, const void *m, const int *fds, size_t n_fds)
{
	(void)m;
	(void)fds;
	(void)n_fds;
	e->stopping = true;
	return false;
}

static const struct {
	uint16_t type;
	size_t fixed, element, max;
	bool (*handle)(struct engine *e, const void *m, const int *fds, size_t n_fds);
} handlers[] = {
	{CH_PREPARE, sizeof(struct channel_head), 0, 0, on_prepare},
	{CH_COMMIT, sizeof(struct channel_commit), 0, 0, on_commit},
	{CH_REFUSED, sizeof(struct channel_head), 0, 0, on_refused},
	{CH_LINKS, sizeof(struct channel_links), sizeof(struct channel_link), CHANNEL_LINKS, on_links},
	{CH_NEIGHBOURS, sizeof(struct channel_neighbours), sizeof(struct channel_neighbour), CHANNEL_NEIGHBOURS, on_neighbours},
	{CH_FLOW_NEWS, sizeof(struct channel_news), sizeof(struct channel_flow_news), CHANNEL_NEWS, on_flow_news},
	{CH_DENIED, sizeof(struct channel_denied), sizeof(struct channel_denied_flow), CHANNEL_NEWS, on_denied},
	{CH_COUNTERS, sizeof(struct channel_counters), 0, 0, on_counters},
	{CH_EVENT, sizeof(struct channel_event), 0, 0, on_event},
	{CH_QUARANTINED, sizeof(struct channel_quarantined), sizeof(struct channel_quarantined_row), CHANNEL_QUARANTINED, on_quarantined},
	{CH_TERMS, sizeof(struct channel_terms), 0, 0, on_terms},
	{CH_DONE, sizeof(struct channel_done), 0, 0, on_done},
	{CH_STORE, sizeof(struct channel_head), 0, 0, on_store},
	{CH_PING, sizeof(struct channel_head), 0, 0, on_ping},
	{CH_REOPEN, sizeof(struct channel_head), 0, 0, on_reopen},
	{CH_STOP, sizeof(struct channel_head), 0, 0, on_stop},
};

bool
engine_message(struct engine *e, const void *message, size_t len, int *fds, size_t n_fds)
{
	const struct channel_head *head = message;
	bool ok = false;

	engine_clock(e);
	for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
		if (handlers[i].type != head->type)
			continue;
		if (channel_fits(message, len, handlers[i].fixed, handlers[i].element, handlers[i].max))
			ok = handlers[i].handle(e, message, fds, n_fds);
		else
			log_warnx("message %u of the gate has a wrong length (%zu): two builds mixed?", head->type, len);
	}
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	return ok;
}
