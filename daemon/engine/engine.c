/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet path from a datagram of the queue socket to a verdict, and the engine's clock; see engine.h. */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "log.h"
#include "mark.h"
#include "plan.h"

#define SECOND 1000000000ull
#define SEARCH_GAP_NS 20000000ull

enum {
	EXPIRE_AT_ONCE = 4096, /* flows a tick: a full table empties in seconds without holding a packet up */
	DENIED_IDLE_S = 120,   /* well over the kernel's own memory of a refusal, so that its counts find their flow */
	IMPATIENT_S = 30,
	GEO_CHECK_S = 3600,
	DNS_PORT = 53,
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
	if (e->offline)
		inspect_conclude(e, f);
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
	e->names = names_new(o->names, o->name_grace_s);
	e->tunnels = tunnels_new();
	if (!e->flows || !e->denied || !e->devices || !e->hold || !e->streams || !e->names || !e->tunnels) {
		log_warnx("options: %u flows and %u devices do not fit in memory", o->flows, o->devices);
		return -1;
	}
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
	if (e->next.policy)
		regime_free(&e->next);
	regime_free(&e->is);
	flow_table_free(e->flows);
	flow_table_free(e->denied);
	device_table_free(e->devices);
	hold_free(e->hold);
	stream_pool_free(e->streams);
	names_free(e->names);
	tunnels_free(e->tunnels);
	free(e);
}

void
engine_flush(struct engine *e)
{
	if (e->verdicts.head.count)
		send_verdicts(e);
	sinks_flush(e->is.sinks, &e->now);
}

void
engine_answer(struct engine *e, const struct queued *q, unsigned decision)
{
	static const uint8_t counted_as[] = {
		[DECISION_PENDING] = DECISION_PENDING, [DECISION_ALLOW] = DECISION_ALLOW,    [DECISION_BLOCK] = DECISION_BLOCK,
		[DECISION_REJECT] = DECISION_REJECT,   [VERDICT_DROP_ONCE] = DECISION_BLOCK, [VERDICT_WATCH] = DECISION_PENDING,
		[VERDICT_REJECT_ONCE] = DECISION_REJECT,
	};
	e->stats.verdict[counted_as[decision]]++;
	if (e->offline)
		return;
	e->verdicts.v[e->verdicts.head.count++] =
		(struct channel_verdict){.id = q->id, .mark = q->mark, .queue = q->queue, .decision = (uint8_t)decision};
	if (e->verdicts.head.count == CHANNEL_VERDICTS)
		send_verdicts(e);
}

/* Which way a packet goes, and who is the camera. */
struct orientation {
	struct tuple tuple; /* as the initiator opened it */
	bool reply;	    /* the packet travels towards the initiator */
	bool inbound;	    /* the far side opened it */
	bool from_camera;   /* the packet left the camera side */
	uint8_t zone, remote_zone;
	uint32_t ifindex;
};

/* A zone that has interfaces is believed only when the packet uses one of them: addresses alone can be forged. */
static uint8_t
remote_zone(const struct engine *e, const struct addr *a, uint8_t by_interface)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);
	uint8_t z = policy_zone_by_addr(e->is.policy, a);

	if (by_interface != ZONE_NONE)
		return by_interface;
	return z < n && zones[z].n_interfaces ? ZONE_NONE : z;
}

/* The first guarded zone: where a packet's interfaces are not known yet (they have just been made), it still is a camera's. */
static uint8_t
any_guarded_zone(const struct engine *e)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	for (size_t i = 0; i < n; i++)
		if (zones[i].n_interfaces)
			return (uint8_t)i;
	return 0;
}

/* What the kernel says of a packet: MARK_HINT_*. */
static bool
hinted(const struct engine *e, const struct queued *q, unsigned hint)
{
	unsigned shift = policy_options(e->is.policy)->mark_shift;

	return mark_generation(shift, q->mark) == 0 && (mark_decision(shift, q->mark) & hint);
}

static struct orientation
orient(const struct engine *e, const struct queued *q, const struct packet *p)
{
	bool hint = e->offline ? offline_is_reply(e, p) : hinted(e, q, MARK_HINT_REPLY);
	struct orientation o = {.reply = hint};

	/* An error speaks of the flow that it quotes, whose packet went the other way. */
	if (p->icmp_error)
		o.tuple = hint ? p->inner : tuple_reverse(&p->inner);
	else
		o.tuple = hint ? tuple_reverse(&p->tuple) : p->tuple;
	const struct link_zone *in = link_find(e, q->in), *out = link_find(e, q->out);
	const struct link_zone *first = hint ? out : in, *second = hint ? in : out;
	o.inbound = first->zone == ZONE_NONE && second->zone != ZONE_NONE;
	const struct link_zone *camera = o.inbound ? second : first, *other = o.inbound ? first : second;
	o.from_camera = o.inbound == o.reply;
	o.ifindex = camera->index;
	o.zone = camera->zone != ZONE_NONE ? camera->zone : any_guarded_zone(e);
	o.remote_zone = remote_zone(e, o.inbound ? &o.tuple.src : &o.tuple.dst, other->zone);
	return o;
}

static struct device *
attach_device(struct engine *e, const struct orientation *o, const struct queued *q, bool *ret_new)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);
	const struct addr *camera = o->inbound ? &o->tuple.dst : &o->tuple.src;

	if (!o->from_camera)
		return device_by_address(e->devices, e->is.policy, camera, o->zone, &e->now, ret_new);
	bool by_mac = q->has_mac && !(o->zone < n && zones[o->zone].by_address);
	return device_by_packet(e->devices, e->is.policy, by_mac ? &q->mac : NULL, camera, o->zone, &e->now, ret_new);
}

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
	struct judgement j;

	flow_judge(e, f, &j);
	if (f->tricked)
		f->decision = DECISION_BLOCK;
	f->sent = (uint8_t)flow_verdict(f, mid_stream);
	e->stats.decided[f->decision]++;
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

	return (e->watch_all || dns) && !f->known && flow_can_be_watched(f) &&
	       (f->sent == DECISION_ALLOW || (e->offline && f->sent != DECISION_PENDING));
}

/* The first packet that we see of a flow. NULL: it was refused, and no flow came of it. */
static struct flow *
open_flow(struct engine *e, const struct orientation *o, const struct queued *q, const struct packet *p)
{
	/* A connection that began before us is in its middle: the kernel saw its reply, or TCP is past its SYN. */
	bool mid_stream = (o->reply && !e->offline) || (p->tuple.proto == IPPROTO_TCP && !p->icmp_error && !(p->tcp_flags & TCP_SYN));
	bool new_device;
	struct device *d = attach_device(e, o, q, &new_device);
	struct flow seed, *f = NULL;

	if (new_device) /* its number may have been another's */
		names_forget(e->names, device_index(e->devices, d));
	e->stats.flows_new++;
	d->flows_seen++;
	flow_init(e->flows, &seed, &o->tuple, &e->now);
	seed.device = device_index(e->devices, d);
	seed.ifindex = o->ifindex;
	seed.zone = o->zone;
	seed.remote_zone = o->remote_zone;
	seed.inbound = o->inbound;
	seed.established = seed.passed = mid_stream;
	count_packet(&seed, o, p);
	engine_decide(e, &seed, mid_stream);
	if (seed.sent == DECISION_PENDING && mid_stream && p->tuple.proto == IPPROTO_TCP) {
		inspect_never(&seed); /* its first bytes went by before us */
		engine_decide(e, &seed, true);
	}
	if (is_refusal(seed.sent) && !mid_stream && !e->offline) {
		engine_answer(e, q, seed.sent);
		refuse(e, &seed);
	} else {
		f = flow_insert(e->flows, &seed, &e->now);
		f->watching = may_watch(e, f) && !(mid_stream && p->tuple.proto == IPPROTO_TCP);
		rulebook_ref(f->book);
		device_hold(d);
		report_decided(e, f);
	}
	if (!d->alerted && d->inventory == DEVICE_UNKNOWN && policy_unknown_devices(e->is.policy) == ACTION_ALERT) {
		d->alerted = true;
		report_unknown_device(e, d, &seed);
	}
	rulebook_unref(seed.book);
	return f;
}

/* A flow whose answer is of an older generation: judged anew from what is remembered of it. */
static void
rejudge(struct engine *e, struct flow *f)
{
	bool allowed = f->sent == DECISION_ALLOW, watched = f->watching;

	e->stats.flows_rejudged++;
	engine_decide(e, f, true);
	if (f->sent == DECISION_PENDING && allowed && !f->stream) {
		inspect_never(f); /* its first bytes went by unread: what they were stays unknown */
		engine_decide(e, f, true);
	}
	f->watching = watched && may_watch(e, f);
	if (f->stream && f->sent != DECISION_PENDING && watched != f->watching)
		inspect_cut(e, f);
	else if (f->stream && f->sent != DECISION_PENDING && !f->watching)
		inspect_settle(e, f);
	if (!allowed || !is_refusal(f->sent))
		return;
	f->confirming = false;
	f->revoked = true;
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
	device_hold(d);
	device_release(before);
	f->device = i;
	f->generation = MARK_GENERATION_STALE;
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
	if (f && reopens(e, f, q, &p)) {
		flow_end(e->flows, f, &e->now);
		f = NULL;
	}
	if (f) {
		count_packet(f, &o, &p);
		recognise(e, f, &o, q);
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

/* Databases grow old while we run. */
static void
check_geo(struct engine *e, int64_t now_s)
{
	if (now_s - e->last_geo_s < GEO_CHECK_S)
		return;
	e->last_geo_s = now_s;
	if (geo_age(e->is.geo, now_s))
		report_geo(e);
}

/* What the outputs lost, and what did not fit in a line. */
static void
count_lost_records(struct engine *e)
{
	size_t n;
	const struct sink_status *s = sinks_status(e->is.sinks, &n);

	memcpy(e->stats.records_dropped, e->unprinted, sizeof e->unprinted);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof e->unprinted / sizeof *e->unprinted; k++)
			e->stats.records_dropped[k] += s[i].dropped[k];
}

static void
gauges(struct engine *e)
{
	count_lost_records(e);
	e->stats.flows_active = flow_count(e->flows);
	e->stats.devices = device_count(e->devices);
	e->stats.devices_unknown = device_unknown_count(e->devices);
	e->stats.devices_evicted = device_evictions(e->devices);
	e->stats.flows_pending = stream_pool_flows(e->streams);
	e->stats.streams_refused = stream_pool_refused(e->streams);
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

static bool
ask_rejudge(struct engine *e)
{
	struct channel_head ask = {.type = CH_REJUDGE};

	if (e->offline) { /* there is no kernel that would have to follow */
		e->generation = e->generation % MARK_GENERATION_MAX + 1;
		return true;
	}
	return channel_send(e->channel, &ask, sizeof ask, NULL, 0) == 0;
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
	e->asked_rejudge = ask_rejudge(e) && !e->offline;
}

/* The hour at which some `when:` changes its answer: every flow must be judged again, and the kernel must forget what it knows. */
static void
check_schedule(struct engine *e, int64_t now_s)
{
	if (!e->next_edge_s || now_s < e->next_edge_s)
		return;
	if (ask_rejudge(e))
		e->next_edge_s = policy_next_edge(e->is.policy, now_s);
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
	if (now_s == e->last_tick_s)
		return;
	e->last_tick_s = now_s;
	gauges(e);
	check_schedule(e, now_s);
	check_geo(e, now_s);
	if (!e->last_stats_s)
		e->last_stats_s = now_s;
	uint32_t every = policy_options(e->is.policy)->stats_s;
	if (every && now_s - e->last_stats_s >= every) {
		e->last_stats_s = now_s;
		report_stats(e);
	}
	sinks_tick(e->is.sinks, &e->now);
}
