/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path from a datagram of the queue socket to a verdict: decode → orient → flow → judge → report → answer.
 * engine_packet() is all of it on one screen.
 */
#include <netinet/in.h>
#include <string.h>

#include "budget.h"
#include "chronicle.h"
#include "engine.h"
#include "identity.h"
#include "kinds.h"
#include "mark.h"
#include "metrics.h"
#include "orient.h"

enum { DNS_PORT = 53 };

static void
count_packet(struct flow *f, const struct orientation *o, const struct packet *p)
{
	f->packets[o->reply]++;
	f->bytes[o->reply] += p->ip_len;
}

/*
 * A flow refused at its first packet: the kernel remembers it without its source port and has no connection for it, and so do we. Its
 * counts of what it refused without us arrive under the same key.
 */
static void
refuse(struct engine *e, const struct flow *seed)
{
	struct flow key = *seed;

	key.tuple.sport = 0;
	if (!proto_has_ports(key.tuple.proto))
		key.tuple.dport = 0;
	struct flow *f = flow_find(e->denied, &key.tuple);
	if (f) {
		flow_take_answer(f, seed);
		f->packets[0] += seed->packets[0];
		f->bytes[0] += seed->bytes[0];
	} else {
		f = flow_insert(e->denied, &key, &e->now);
		device_hold(device_at(e->devices, f->device));
		rulebook_ref(f->book);
	}
	flow_touch(e->denied, f, FLOW_PATIENT, &e->now);
	device_at(e->devices, f->device)->flows_blocked++;
	report_denied(e, seed, 1);
}

/* Judges a flow that is new, or whose answer is of an older policy. */
void
engine_decide(struct engine *e, struct flow *f, bool mid_stream)
{
	unsigned before = f->decision;

	flow_judge(e, f, &e->judged);
	if (f->tricked)
		f->decision = DECISION_BLOCK;
	f->sent = (uint8_t)flow_verdict(f, mid_stream);
	e->stats.decided[f->decision]++;
	if (f->decision != before)
		metrics_decided(e->metrics, f->decision, f->mode, &f->place);
	e->stats.would_block += f->sent == DECISION_ALLOW && f->decision != DECISION_ALLOW;
}

static bool
is_refusal(unsigned decision)
{
	return decision == DECISION_BLOCK || decision == DECISION_REJECT;
}

/* Its answer stands, but where nothing is at stake it is still worth knowing what it speaks. */
static bool
may_watch(const struct engine *e, const struct flow *f)
{
	bool dns = f->tuple.dport == DNS_PORT && proto_has_ports(f->tuple.proto); /* names are learnt there */

	return (e->watch_all || dns || f->identifying) && !f->known && flow_can_be_watched(f) &&
	       (f->sent == DECISION_ALLOW || (e->offline && f->sent != DECISION_PENDING));
}

/* It is seen from its beginning, it goes on, and its device still has some flows to be known by. */
static bool
may_identify(struct engine *e, const struct flow *f, struct device *d, bool mid_stream)
{
	bool dns = f->tuple.dport == DNS_PORT && proto_has_ports(f->tuple.proto);

	return !mid_stream && !f->known && !dns && proto_has_ports(f->tuple.proto) && flow_can_be_watched(f) && !is_refusal(f->sent) &&
	       observe_wants(e, d);
}

/* The first packet that we see of a flow. NULL: it was refused, and no flow came of it. */
static struct flow *
open_flow(struct engine *e, const struct orientation *o, const struct queued *q, const struct packet *p)
{
	/* A connection that began before us is in its middle: the kernel saw its reply, or TCP is past its SYN. */
	bool tcp = p->tuple.proto == IPPROTO_TCP, asked = tcp && !e->offline && hinted(e, q, MARK_HINT_ASKED);
	bool begins = tcp && !e->offline && !o->reply && hinted(e, q, MARK_HINT_BEGINS);
	bool mid_stream = asked || (o->reply && !e->offline) || (tcp && !p->icmp_error && !(p->tcp_flags & TCP_SYN));
	bool unread = mid_stream && !asked && !begins; /* so its first bytes may have gone by; the kernel knows of some that none has */
	bool new_device;
	struct device *d = attach_device(e, o, q, &new_device);
	struct flow seed, *f = NULL;

	if (new_device) /* its number may have been another's */
		names_forget(e->names, device_index(e->devices, d));
	e->stats.flows_new++;
	d->flows_seen++;
	chronicle_device(e, d);
	d->ifindex = o->ifindex;
	d->vlan = q->vlan;
	flow_init(e->flows, &seed, &o->tuple, &e->now);
	seed.device = device_index(e->devices, d);
	seed.ifindex = o->ifindex;
	seed.vlan = q->vlan;
	seed.zone = o->zone;
	seed.remote_zone = o->remote_zone;
	seed.inbound = o->inbound;
	seed.established = seed.passed = mid_stream;
	seed.carried_on = unread;
	seed.by_kind = asked;
	seed.loose = asked && !o->inbound;
	count_packet(&seed, o, p);
	engine_decide(e, &seed, mid_stream);
	if (seed.sent == DECISION_PENDING && unread && tcp) {
		inspect_never(&seed); /* its first bytes went by before us */
		engine_decide(e, &seed, true);
	}
	if (is_refusal(seed.sent) && !mid_stream && !e->offline) {
		engine_answer(e, q, seed.sent);
		refuse(e, &seed);
	} else {
		f = flow_insert(e->flows, &seed, &e->now);
		f->identifying = may_identify(e, f, d, mid_stream);
		f->watching = may_watch(e, f) && !(unread && tcp);
		f->kind = mid_stream ? FLOW_KIND_NONE : kinds_of(e, f, o, q, p);
		rulebook_ref(f->book);
		device_hold(d);
		report_decided(e, f);
	}
	if (!d->alerted && d->inventory == DEVICE_UNKNOWN && policy_unknown_devices(e->is.policy) == ACTION_ALERT) {
		d->alerted = true;
		report_unknown_device(e, d, &seed);
	}
	if (new_device)
		observe_device(e, d, &seed);
	observe_contact(e, &seed);
	rulebook_unref(seed.book);
	return f;
}

/* A flow whose answer is of an older generation: judged anew from what is remembered of it. */
static void
rejudge(struct engine *e, struct flow *f)
{
	bool allowed = f->sent == DECISION_ALLOW, watched = f->watching, spent = budget_is_used_up(e, f);

	e->stats.flows_rejudged++;
	f->strict |= f->confirming; /* whether the kernel has seen it confirmed is not known: each packet comes until we have */
	engine_decide(e, f, true);
	if (f->sent == DECISION_PENDING && allowed && !f->stream) {
		inspect_never(f); /* its first bytes went by unread: what they were stays unknown */
		engine_decide(e, f, true);
	}
	f->watching = watched && (may_watch(e, f) || (f->identifying && f->sent == DECISION_ALLOW));
	if (f->stream && f->sent != DECISION_PENDING && watched != f->watching)
		inspect_cut(e, f);
	else if (f->stream && f->sent != DECISION_PENDING && !f->watching)
		inspect_settle(e, f);
	if (!allowed || !is_refusal(f->sent))
		return;
	f->confirming = false;
	f->revoked = true;
	f->spent = spent;
	e->stats.flows_revoked++;
	report_revoked(e, f);
}

/* Who the camera is has become known since its flow was first seen: that changes what policy says. */
static void
recognise(struct engine *e, struct flow *f, const struct orientation *o, const struct queued *q)
{
	bool new_device;

	if (!flow_camera_unseen(e, f))
		return;
	struct device *d = attach_device(e, o, q, &new_device);
	uint32_t i = device_index(e->devices, d);
	if (i == f->device || i == DEVICE_ANONYMOUS)
		return;
	if (new_device)
		names_forget(e->names, i);
	struct device *before = device_at(e->devices, f->device);
	before->watched -= f->stream != NULL;
	d->watched += f->stream != NULL;
	before->identifying -= f->identifying;
	d->identifying += f->identifying;
	device_hold(d);
	device_release(before);
	f->device = i;
	f->generation = MARK_GENERATION_STALE;
	d->ifindex = o->ifindex;
	if (new_device)
		observe_device(e, d, f);
}

/* Each of its questions is judged when it is asked. */
static bool
speaks_dns(const struct flow *f)
{
	return f->known && f->known->is_dns;
}

static bool
is_watched(const struct flow *f)
{
	return f->sent == DECISION_PENDING || f->confirming || f->watching || speaks_dns(f);
}

/* A packet that belongs to no flow: counted and told by its reason, and in enforce mode it goes nowhere. */
static void
no_flow(struct engine *e, const struct queued *q, const struct packet *p, enum drop_reason reason)
{
	e->stats.drop[reason]++;
	report_drop(e, p, q, reason);
	engine_answer(e, q, policy_mode(e->is.policy) == MODE_MONITOR ? DECISION_PENDING : VERDICT_DROP_ONCE);
}

/*
 * An established connection may be silent for long before its first payload, and the kernel's news keep it. Without a kernel that speaks of
 * it, one that is open is given as much time.
 */
static unsigned
list_of(const struct engine *e, const struct flow *f)
{
	bool waits = f->sent == DECISION_PENDING && f->established && f->packets[1] > 0;
	bool patient = e->offline ? !f->closed : f->sent == DECISION_ALLOW || waits;

	return patient ? FLOW_PATIENT : FLOW_IMPATIENT;
}

/*
 * A new connection between ports that had one before: what that one spoke, and was allowed, is not this one's. A SYN that comes again before
 * the kernel has its connection is no other.
 */
static bool
reopens(const struct engine *e, const struct flow *f, const struct queued *q, const struct packet *p)
{
	if (e->offline)
		return offline_reopens(f, p);
	return f->passed && hinted(e, q, MARK_HINT_NEW) && p->tuple.proto == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
	       !(f->stream && stream_seq(f->stream, PROBE_TO_SERVER) == p->tcp_seq + 1);
}

/*
 * A flow that has been decided has no connection whose SYN has just passed by its kind: this packet belongs to another between the same ports, or
 * was under way when the verdict was. The first is shown by where it begins; what is neither comes again, and finds the old one gone.
 */
static bool
replaces(const struct engine *e, const struct flow *f, const struct queued *q, const struct packet *p)
{
	return !e->offline && p->tuple.proto == IPPROTO_TCP && hinted(e, q, MARK_HINT_ASKED) && e->may_hold &&
	       (!f->by_kind || (f->known && f->sent != DECISION_PENDING));
}

static bool
is_other_beginning(const struct engine *e, const struct flow *f, const struct queued *q, const struct packet *p)
{
	return !f->by_kind || (hinted(e, q, MARK_HINT_BEGINS) && p->tcp_seq != f->said_from);
}

static void
engine_packet(struct engine *e, const struct queued *q)
{
	struct packet p;

	e->stats.packets++;
	e->stats.bytes += q->wire_len;
	enum drop_reason reason = decode(q->ip, q->wire_len, &p);
	if (reason != DROP_NONE) {
		no_flow(e, q, &p, reason);
		return;
	}
	struct orientation o = orient(e, q, &p);
	struct flow *f = flow_find(e->flows, &o.tuple);
	if (f && replaces(e, f, q, &p)) {
		if (!is_other_beginning(e, f, q, &p)) {
			engine_answer(e, q, VERDICT_DROP_ONCE);
			return;
		}
		flow_end(e->flows, f, &e->now);
		f = NULL;
	}
	if (f && reopens(e, f, q, &p)) {
		flow_end(e->flows, f, &e->now);
		f = NULL;
	}
	if (f) {
		count_packet(f, &o, &p);
		recognise(e, f, &o, q);
		if (budget_count(e, f))
			f->generation = MARK_GENERATION_STALE;
		if (f->generation != e->generation && !speaks_dns(f))
			rejudge(e, f);
		f->established = true;
	} else {
		f = open_flow(e, &o, q, &p);
	}
	if (!f)
		return;
	if (is_watched(f))
		inspect_packet(e, f, &(struct way){.from_camera = o.from_camera, .reply = o.reply}, q, &p);
	else
		inspect_answer(e, f, q);
	if (e->offline)
		offline_follow(f, o.reply, &p);
	flow_touch(e->flows, f, list_of(e, f), &e->now);
}

/* Scenarios carry their own time; it never goes back. */
static void
packet_time(struct engine *e, const struct queued *q)
{
	if (q->stamp_us > e->now.wall_us) {
		if (!e->start_us)
			e->start_us = q->stamp_us;
		e->now.wall_us = q->stamp_us;
		e->now.mono_ns = (uint64_t)q->stamp_us * 1000;
		engine_tick(e);
	}
}

void
engine_queued(struct engine *e, const struct queued *q)
{
	if (e->packet_clock)
		packet_time(e, q);
	engine_packet(e, q);
}

void
engine_datagram(struct engine *e, const void *data, size_t len)
{
	struct cursor c = cursor_of(data, len);
	struct queued q;
	int error = 0;

	for (;;) {
		switch (nfq_next(&c, &q, &error)) {
		case NFQ_PACKET:
			engine_queued(e, &q);
			break;
		case NFQ_STALE:
			e->stale_ids++;
			e->stats.stale_ids++;
			break;
		case NFQ_ERROR:
			e->stats.netlink_errors++;
			break;
		case NFQ_BAD:
			e->stats.netlink_bad++;
			break;
		case NFQ_END:
			return;
		}
	}
}
