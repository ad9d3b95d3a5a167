/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine tells the store; see chronicle.h. Records pile up in one datagram, which leaves when it is full, a moment after a batch
 * of packets and each second. While there is no store yet, or it does not keep up, some more of them wait. What comes back from the store is chronicle_read.c.
 */
#include "chronicle.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chronicle_private.h"
#include "log.h"

enum {
	DEVICES_AT_ONCE = 2000, /* told a second: a full inventory takes five */
	LAST_WORD_MS = 1000,	/* in which the store may take what is said at the end */
	NAMES = 8,		/* that DNS gave an address, of one flow */
	QUESTIONS = 600,	/* of one device at once: each name that it asks for is a row an hour */
	QUESTION_US = 500000,	/* after which it may be told of one more */
};

_Static_assert(STORE_NAME == POLICY_NAME_MAX + 1, "names fit");
_Static_assert((int)STORE_FACTS == (int)IDENTITY_FACTS && (int)STORE_FACT == (int)IDENTITY_TEXT, "facts fit");

/* ---- the datagram ---- */

/* At the end every flow ends at once, and nobody waits for a verdict any more: then the store gets a moment. */
static bool
has_room(struct engine *e)
{
	struct chronicle *c = e->chronicle;
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};
	struct now before, after;

	if (!e->stopping || c->patience_ms <= 0)
		return false;
	clock_read(&before);
	int n = poll(&p, 1, c->patience_ms);
	clock_read(&after);
	c->patience_ms -= (int)((after.mono_ns - before.mono_ns) / 1000000);
	return n > 0;
}

static bool
try_send(struct engine *e)
{
	struct chronicle *c = e->chronicle;

	while (send(c->fd, c->out.bytes, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EAGAIN || !has_room(e))
			return false;
	c->out_len = 0;
	return true;
}

/* What waits goes into the datagram, as far as it fits. */
static void
refill(struct chronicle *c)
{
	size_t at = 0;

	while (at < c->late_len) {
		const struct store_head *h = (const void *)(c->late + at);
		if (h->len > sizeof c->out.bytes - c->out_len)
			break;
		memcpy(c->out.bytes + c->out_len, h, h->len);
		c->out_len += h->len;
		at += h->len;
	}
	if (at)
		memmove(c->late, c->late + at, c->late_len - at);
	c->late_len -= at;
}

void
chronicle_flush(struct engine *e)
{
	struct chronicle *c = e->chronicle;

	if (!c || c->fd < 0)
		return;
	do
		refill(c);
	while (c->out_len && try_send(e)); /* what is not taken stays, and is tried again with what comes next */
}

/* A record at the end of what has piled up. late: of what waits behind the datagram. */
static bool
append(struct chronicle *c, bool late, const void *fixed, size_t fixed_len, const char *const *texts, size_t n)
{
	size_t *used = late ? &c->late_len : &c->out_len, room = (late ? CHRONICLE_LATE : sizeof c->out.bytes) - *used;
	size_t len = store_put((late ? c->late : c->out.bytes) + *used, room < STORE_MAX ? room : STORE_MAX, fixed, fixed_len, texts, n);

	*used += len;
	return len > 0;
}

bool
chronicle_put(struct engine *e, const void *fixed, size_t fixed_len, const char *const *texts, size_t n)
{
	struct chronicle *c = e->chronicle;

	for (int tries = 0; c && tries < 2; tries++) {
		if (c->fd >= 0 && !c->late_len && append(c, false, fixed, fixed_len, texts, n))
			return true;
		if ((c->fd < 0 || tries > 0 || c->late_len) && append(c, true, fixed, fixed_len, texts, n))
			return true;
		chronicle_flush(e);
	}
	if (c) {
		e->stats.chronicle_dropped++;
		c->lost_us = e->now.wall_us;
	}
	return false;
}

bool
chronicle_listens(const struct engine *e)
{
	return e->chronicle != NULL;
}

static void
cut(char *out, size_t cap, const char *text)
{
	snprintf(out, cap, "%s", text);
}

/* ---- devices ---- */

static void
fill_key(const struct engine *e, const struct device *d, struct store_key *ret)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	*ret = (struct store_key){.addr = d->addr, .by_address = d->by_address};
	if (!d->by_address)
		ret->mac = d->mac;
	cut(ret->zone, sizeof ret->zone, d->zone < n ? zones[d->zone].name : "");
}

static void
cut_maker(const struct engine *e, uint16_t maker, char out[STORE_NAME])
{
	const struct maker *all = NULL;
	size_t n = catalogue_makers(policy_catalogue(e->is.policy), &all);

	cut(out, STORE_NAME, maker < n ? all[maker].id : "");
}

static bool
tell_device(struct engine *e, const struct device *d)
{
	struct store_device v = {.head = {.type = ST_DEVICE}};
	char name[ADDR_TEXT];
	size_t n;
	const struct policy_device *list = policy_devices(e->is.policy, &n);
	const char *brand = d->inventory < n ? list[d->inventory].brand : "";

	fill_key(e, d, &v.key);
	cut(v.name, sizeof v.name, device_name(d, e->is.policy, name));
	cut(v.label, sizeof v.label, d->label);
	cut_maker(e, identity_maker(d->who), v.maker);
	v.score = identity_score(d->who);
	v.covered = identity_covered(d->who);
	v.unmasked = identity_unmasked(d->who, policy_catalogue(e->is.policy), brand);
	v.in_policy = d->inventory < n;
	for (size_t i = 0; d->who && i < STORE_FACTS; i++)
		cut(v.fact[i], STORE_FACT, d->who->fact[i]);
	v.first_us = d->first_us;
	v.last_us = d->last_us;
	v.flows_seen = d->flows_seen;
	v.flows_blocked = d->flows_blocked;
	return chronicle_put(e, &v, sizeof v, NULL, 0);
}

void
chronicle_device(struct engine *e, const struct device *d)
{
	struct chronicle *c = e->chronicle;
	uint32_t i = c ? device_index(e->devices, d) : DEVICE_ANONYMOUS;

	if (i == DEVICE_ANONYMOUS || i >= c->capacity || c->changed[i])
		return;
	c->changed[i] = true;
	c->queue[(c->first + c->waiting++) % c->capacity] = i;
}

/* Not before the inventory has come: what was known of a device then would be overwritten by what is known now. */
static void
tell_devices(struct engine *e)
{
	struct chronicle *c = e->chronicle;

	for (unsigned n = 0; n < DEVICES_AT_ONCE && c->waiting && c->loaded; n++) {
		uint32_t i = c->queue[c->first];
		const struct device *d = device_at(e->devices, i);
		if (d->first_us && !d->introduced && !tell_device(e, d))
			return; /* the store does not keep up: next second */
		c->changed[i] = false;
		c->first = (c->first + 1) % c->capacity;
		c->waiting--;
	}
}

void
chronicle_evidence(struct engine *e, const struct device *d, const struct evidence *ev)
{
	struct store_evidence v = {.head = {.type = ST_EVIDENCE}};

	if (!chronicle_listens(e) || device_index(e->devices, d) == DEVICE_ANONYMOUS || ev->channel >= EVIDENCE_CHANNELS)
		return;
	fill_key(e, d, &v.key);
	cut(v.channel, sizeof v.channel, evidence_channel_name(ev->channel));
	cut_maker(e, ev->maker, v.maker);
	cut(v.pattern, sizeof v.pattern, ev->pattern);
	cut(v.excerpt, sizeof v.excerpt, ev->excerpt);
	v.weight = ev->weight;
	v.weak = ev->weak;
	v.answered = ev->answered;
	v.times = ev->times;
	v.first_us = ev->first_us;
	v.last_us = ev->last_us;
	v.flow = ev->flow;
	chronicle_put(e, &v, sizeof v, NULL, 0);
}

void
chronicle_forget(struct engine *e, const struct device *d)
{
	struct store_forget v = {.head = {.type = ST_FORGET}};

	if (!chronicle_listens(e))
		return;
	fill_key(e, d, &v.key);
	chronicle_put(e, &v, sizeof v, NULL, 0);
}

/* ---- flows ---- */

/* Names apart by a space, as many as fit. */
static void
join_bound(struct engine *e, const struct flow *f, const struct addr *remote, char *out, size_t cap)
{
	const char *names[NAMES];
	size_t n = names_of(e->names, f->device, remote, &e->now, names, NAMES), len = 0;

	out[0] = 0;
	for (size_t i = 0; i < n; i++) {
		size_t more = strlen(names[i]);
		if (len + more + 2 > cap)
			break;
		len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? " " : "", names[i]);
	}
	if (n == 0 && f->known)
		snprintf(out, cap, "%s", known_bound(f->known));
}

/* Whose cloud the far side is, as far as more than a port says so. */
static void
join_clouds(struct engine *e, const struct flow *f, const struct record *r, char *out, size_t cap)
{
	const struct catalogue *c = policy_catalogue(e->is.policy);
	const struct cloud *list = NULL;
	const char *names[NAMES];
	struct cloud_answer answers[4];
	struct cloud_question q = {.names = names, .protocol = r->app_proto, .proto = f->tuple.proto, .port = f->tuple.dport,
				   .asn = f->place.asn, .remote = f->tuple.dst, .special = f->place.special != SPECIAL_NONE};
	size_t len = 0, n_list = catalogue_cloud_list(c, &list);

	out[0] = 0;
	if (f->inbound)
		return;
	q.n_names = names_of(e->names, f->device, &q.remote, &e->now, names, NAMES - 1);
	if (r->dest_name)
		names[q.n_names++] = r->dest_name;
	size_t n = catalogue_clouds_of(c, &q, answers, sizeof answers / sizeof *answers);
	for (size_t i = 0; i < n; i++)
		if (!answers[i].weak && answers[i].cloud < n_list && len + strlen(list[answers[i].cloud].id) + 2 <= cap)
			len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? " " : "", list[answers[i].cloud].id);
}

static const char *
or_empty(const char *text)
{
	return text ? text : "";
}

static void
fill_counts(struct store_flow *v, const struct flow *f, enum flow_end end, uint64_t repeat)
{
	const uint64_t *packets = f->exact ? f->kernel_packets : f->packets;
	const uint64_t *bytes = f->exact ? f->kernel_bytes : f->bytes;

	v->flows = 1;
	v->packets = packets[0] + packets[1];
	v->bytes_toserver = bytes[0];
	v->bytes_toclient = bytes[1];
	if (end != FLOW_END_DENIED)
		return;
	/* Each refused packet is a try; of those that the kernel refused by itself only all bytes together are known. */
	v->flows = v->packets = repeat;
	v->bytes_toserver = packets[0] ? bytes[0] / packets[0] * repeat : 0;
	v->bytes_toclient = 0;
}

static void
fill_flow(struct store_flow *ret, const struct engine *e, const struct flow *f, const struct rule_info *rule)
{
	struct store_flow v = *ret;

	fill_key(e, device_at(e->devices, f->device), &v.key);
	v.local = f->inbound ? f->tuple.dst : f->tuple.src;
	v.remote = f->inbound ? f->tuple.src : f->tuple.dst;
	v.src_port = f->tuple.sport;
	v.dest_port = f->tuple.dport;
	v.proto = f->tuple.proto;
	v.inbound = f->inbound;
	v.anycast = f->place.anycast;
	v.ech = f->known && f->known->ech;
	v.proved = f->proved;
	v.asn = f->place.asn;
	v.rule_line = rule ? rule->line : 0;
	*ret = v;
}

static void
put_flow(struct engine *e, const struct store_flow *v, const struct flow *f, const char *query, const struct record *r)
{
	const struct rule_info *rule = r->decision->rule;
	char bound[256], clouds[256];

	join_bound(e, f, &v->remote, bound, sizeof bound);
	join_clouds(e, f, r, clouds, sizeof clouds);
	size_t n_zones;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n_zones);
	const char *const texts[FLOW_TEXTS] = {
		[FLOW_TEXT_DEVICE] = r->device ? r->device->name : "",
		[FLOW_TEXT_APP_PROTO] = or_empty(r->app_proto),
		[FLOW_TEXT_NAME] = or_empty(r->dest_name),
		[FLOW_TEXT_NAME_FROM] = or_empty(r->dest_name ? r->dest_name_from : ""),
		[FLOW_TEXT_COUNTRY] = f->place.country,
		[FLOW_TEXT_AS_NAME] = or_empty(r->as_name),
		[FLOW_TEXT_SPECIAL] = special_name((enum special)f->place.special),
		[FLOW_TEXT_REMOTE_ZONE] = f->remote_zone < n_zones ? zones[f->remote_zone].name : "",
		[FLOW_TEXT_DECISION] = decision_name(r->decision->decision),
		[FLOW_TEXT_WOULD] = decision_name(r->decision->would),
		[FLOW_TEXT_RULE] = rule ? rule->name : "",
		[FLOW_TEXT_RULE_FILE] = rule ? rule->file : "",
		[FLOW_TEXT_POLICY] = or_empty(r->decision->policy_id),
		[FLOW_TEXT_REASON] = or_empty(r->decision->reason),
		[FLOW_TEXT_BOUND] = bound,
		[FLOW_TEXT_CLOUDS] = clouds,
		[FLOW_TEXT_QUERY] = query,
		[FLOW_TEXT_REGISTERED] = f->place.registered,
		[FLOW_TEXT_CONTINENT] = f->place.continent,
	};
	chronicle_put(e, v, sizeof *v, texts, FLOW_TEXTS);
}

void
chronicle_flow(struct engine *e, const struct flow *f, enum flow_end end, uint64_t repeat, const struct record *r)
{
	struct store_flow v = {.head = {.type = ST_FLOW}, .id = f->id & FLOW_ID_MASK, .first_us = f->start_us, .last_us = f->last_us};

	if (!chronicle_listens(e))
		return;
	fill_counts(&v, f, end, repeat);
	fill_flow(&v, e, f, r->decision->rule);
	v.end = (uint8_t)end;
	if (end == FLOW_END_DENIED)
		v.first_us = v.last_us = e->now.wall_us;
	put_flow(e, &v, f, "", r);
	chronicle_device(e, device_at(e->devices, f->device));
}

static bool
may_ask(struct engine *e, uint32_t device)
{
	struct asked *a = &e->chronicle->asked_of[device];
	int64_t more = (e->now.wall_us - a->us) / QUESTION_US;

	if (!a->us || more < 0 || more > QUESTIONS)
		more = QUESTIONS;
	if (more > 0) {
		a->left = a->left + more < QUESTIONS ? a->left + (uint32_t)more : QUESTIONS;
		a->us = e->now.wall_us;
	}
	a->left -= a->left > 0;
	return a->left > 0;
}

void
chronicle_question(struct engine *e, const struct flow *f, const char *query, const struct record *r)
{
	struct store_flow v = {.head = {.type = ST_FLOW}, .flows = 1, .first_us = e->now.wall_us, .last_us = e->now.wall_us};

	if (!chronicle_listens(e) || f->device >= e->chronicle->capacity)
		return;
	if (!may_ask(e, f->device)) {
		e->stats.chronicle_dropped++;
		return;
	}
	fill_flow(&v, e, f, r->decision->rule);
	put_flow(e, &v, f, query, r);
}

void
chronicle_event(struct engine *e, const char *kind, const char *who, const char *text)
{
	struct store_event v = {.head = {.type = ST_EVENT}, .time_us = e->now.wall_us};
	const char *const texts[] = {kind, who, text};

	if (chronicle_listens(e))
		chronicle_put(e, &v, sizeof v, texts, 3);
}

/* ---- life ---- */

struct hello {
	struct store_hello v;
	const char *texts[2];
};

static void
fill_hello(struct engine *e, struct hello *ret)
{
	const struct policy_options *o = policy_options(e->is.policy);
	struct chronicle *c = e->chronicle;

	*ret = (struct hello){.v = {.head = {.type = ST_HELLO},
				    .version = STORE_VERSION,
				    .boot = e->boot,
				    .restarts = e->restarts,
				    .devices = o->devices,
				    .days = o->history_days,
				    .wants = !c->loaded && !c->asked,
				    .bytes = o->history_bytes,
				    .time_us = e->now.wall_us},
			      .texts = {LENSCAP_VERSION, policy_id(e->is.policy)}};
	c->asked = true;
}

/* A new store hears this before what waits for it. */
static void
greet(struct engine *e)
{
	_Alignas(8) uint8_t first[1024];
	struct hello h;

	fill_hello(e, &h);
	size_t len = store_put(first, sizeof first, &h.v, sizeof h.v, h.texts, 2);
	if (send(e->chronicle->fd, first, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		chronicle_lost(e); /* its socket is empty: it is gone already */
	else
		chronicle_flush(e);
}

static struct chronicle *
make(const struct engine *e)
{
	struct chronicle *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->fd = -1;
	c->patience_ms = LAST_WORD_MS;
	c->capacity = policy_options(e->is.policy)->devices + 1;
	c->changed = calloc(c->capacity, sizeof *c->changed);
	c->queue = calloc(c->capacity, sizeof *c->queue);
	c->asked_of = calloc(c->capacity, sizeof *c->asked_of);
	c->late = malloc(CHRONICLE_LATE);
	c->down_us = e->now.wall_us;
	if (c->changed && c->queue && c->asked_of && c->late)
		return c;
	free(c->late);
	free(c->asked_of);
	free(c->changed);
	free(c->queue);
	free(c);
	return NULL;
}

static bool
tell_again(void *arg, struct device *d)
{
	chronicle_device(arg, d);
	return true;
}

void
chronicle_connect(struct engine *e, int fd)
{
	if (!e->chronicle)
		e->chronicle = make(e);
	struct chronicle *c = e->chronicle;
	if (!c) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (c->fd >= 0)
		chronicle_lost(e);
	c->fd = fd;
	if (fd < 0)
		return;
	c->state = (struct store_state){0};
	greet(e);
	if (c->loaded) /* what the last one had not written is told again */
		device_walk(e->devices, tell_again, e);
}

/* Questions, and what belongs to them, are nobody's once their store is gone; all else waits for the next one. */
static void
forget_questions(uint8_t *bytes, size_t *len)
{
	size_t to = 0;

	for (size_t at = 0, next; at < *len; at = next) {
		const struct store_head h = *(const struct store_head *)(const void *)(bytes + at);
		next = at + h.len;
		if (h.type == ST_QUERY || h.type == ST_NEXT || h.type == ST_CANCEL || h.type == ST_HELLO)
			continue;
		memmove(bytes + to, bytes + at, h.len);
		to += h.len;
	}
	*len = to;
}

void
chronicle_lost(struct engine *e)
{
	struct chronicle *c = e->chronicle;

	if (c->fd >= 0) {
		close(c->fd);
		c->down_us = e->now.wall_us;
	}
	c->fd = -1;
	forget_questions(c->out.bytes, &c->out_len);
	forget_questions(c->late, &c->late_len);
	c->asked = c->loaded;
	chronicle_end_queries(e, "the store has stopped; ask again");
}

int
chronicle_fd(const struct engine *e)
{
	return e->chronicle ? e->chronicle->fd : -1;
}

void
chronicle_adopt(struct engine *e)
{
	struct hello h;

	if (chronicle_fd(e) < 0)
		return;
	fill_hello(e, &h);
	chronicle_put(e, &h.v, sizeof h.v, h.texts, 2);
	chronicle_flush(e);
}

bool
chronicle_expects(const struct engine *e)
{
	const struct chronicle *c = e->chronicle;
	return c && (c->fd >= 0 || e->now.wall_us - c->down_us <= CHRONICLE_DOWN_US);
}

void
chronicle_tick(struct engine *e)
{
	struct chronicle *c = e->chronicle;

	if (c && !chronicle_expects(e)) {
		forget_questions(c->late, &c->late_len);
		chronicle_end_queries(e, chronicle_none);
	}
	if (chronicle_fd(e) < 0)
		return;
	tell_devices(e);
	chronicle_flush(e);
}

/* The end of every flow has just been told: the store gets a moment for that. */
void
chronicle_free(struct engine *e)
{
	struct chronicle *c = e->chronicle;

	if (!c)
		return;
	if (c->fd >= 0) {
		chronicle_tick(e);
		close(c->fd);
	}
	free(c->changed);
	free(c->queue);
	free(c->asked_of);
	free(c->late);
	free(c);
	e->chronicle = NULL;
}
