/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See kinds.h. Conntrack goes on telling of a closed connection until it forgets it, so flows that are over for us are remembered until then:
 * by the hash of their tuple and conntrack's own number, eight to a bucket. Where a bucket is full the oldest goes, and its connection could be
 * told of twice; that is counted.
 */
#include "kinds.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "chronicle.h"
#include "engine.h"
#include "hash.h"
#include "identity.h"
#include "mark.h"
#include "orient.h"

enum {
	DNS_PORT = 53,
	BUCKETS = 65536, /* with all their places as many as conntrack holds connections, and more: 8 MiB, of which little is touched as a rule */
	PLACES = 8,
};

struct kinds {
	struct hash_key key;
	struct place_of_ended {
		uint64_t hash; /* 0: nobody */
		uint32_t id;   /* 0: not known */
		uint32_t since_s; /* 0: conntrack is done with it, and the place is free for others */
	} ended[BUCKETS][PLACES];
};

struct kinds *
kinds_new(void)
{
	struct kinds *k = calloc(1, sizeof *k);

	if (k)
		hash_key_random(&k->key);
	return k;
}

void
kinds_free(struct kinds *k)
{
	free(k);
}

/* What news of a camera's flow tell of who it is and where it goes. */
static struct orientation
orient_news(const struct engine *e, const struct tuple *t)
{
	struct orientation o = {.tuple = *t, .from_camera = true};

	o.zone = guarded_zone_of(e, &t->src);
	o.remote_zone = far_zone_of(e, &t->dst);
	return o;
}

/* A rule with a limit that was asked, or stands before the one that answered: what is used up changes the answer. */
static bool
hangs_on_limits(const struct engine *e, const struct rule_info *rule)
{
	size_t n;
	const struct policy_limit *const *limits = policy_limits(e->is.policy, &n);

	for (size_t i = 0; i < n; i++)
		if (limits[i]->rule->index <= rule->index)
			return true;
	return false;
}

static bool
edge_is_near(const struct engine *e, const struct judgement *j)
{
	int64_t now_s = e->now.wall_us / 1000000;

	return j->scheduled && e->next_edge_s && e->next_edge_s - now_s <= (int64_t)policy_options(e->is.policy)->kind_memory_s;
}

/* Allowed by who it is and where it goes alone, and there is nothing to tell or to learn of each single one. */
static bool
allows_all(const struct engine *e, const struct flow *f, const struct judgement *j)
{
	return f->sent == DECISION_ALLOW && f->decision == DECISION_ALLOW && !f->watching && !f->identifying && j->rule && j->certain &&
	       j->rule->action == ACTION_ALLOW && j->rule->alert == ALERT_NONE && !(j->used & ~(uint32_t)(FACT_PACKET | FACT_PLACE)) &&
	       !f->budget && !hangs_on_limits(e, j->rule) && !edge_is_near(e, j);
}

/* Its payload comes in any case, so nothing is lost but a refusal that could have come one packet earlier. */
static bool
opens_all(const struct engine *e, const struct flow *f)
{
	return f->tuple.proto == IPPROTO_TCP && f->sent == DECISION_PENDING && e->may_hold;
}

/* The news of another one would be read as this packet was. */
static bool
news_will_do(struct engine *e, const struct flow *f)
{
	bool made;
	struct orientation o = orient_news(e, &f->tuple);

	if (o.zone != f->zone || o.remote_zone != f->remote_zone || f->device == DEVICE_ANONYMOUS)
		return false;
	const struct device *d = device_by_address(e->devices, e->is.policy, &f->tuple.src, o.zone, &e->now, &made);
	return device_index(e->devices, d) == f->device;
}

enum flow_kind
kinds_of(struct engine *e, const struct flow *f, const struct orientation *o, const struct queued *q, const struct packet *p)
{
	bool tcp = f->tuple.proto == IPPROTO_TCP, bare_syn = tcp && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && !p->payload_len;

	if (e->offline || !policy_options(e->is.policy)->kind_memory_s || f->inbound || !o->from_camera || !q->has_mac ||
	    !hinted(e, q, MARK_HINT_NEW) || f->vlan || f->tuple.dport == DNS_PORT || !(bare_syn || f->tuple.proto == IPPROTO_UDP))
		return FLOW_KIND_NONE;
	enum flow_kind kind = allows_all(e, f, &e->judged) ? FLOW_KIND_ALLOW : opens_all(e, f) ? FLOW_KIND_ASK : FLOW_KIND_NONE;
	return kind && news_will_do(e, f) ? kind : FLOW_KIND_NONE;
}

enum flow_kind
kinds_expected(struct engine *e, struct flow *seed)
{
	struct judgement j;
	struct facts facts;
	size_t limits;

	flow_facts(e, seed, &facts);
	policy_judge(e->is.policy, &facts, &j);
	seed->decision = j.decision;
	seed->mode = j.mode;
	seed->sent = flow_verdict(seed, false);
	if (edge_is_near(e, &j) || !news_will_do(e, seed))
		return FLOW_KIND_NONE;
	if (allows_all(e, seed, &j))
		return FLOW_KIND_ALLOW;
	/* A limit counts a flow by its first packet; which rules may still answer is not known. */
	(void)policy_limits(e->is.policy, &limits);
	return opens_all(e, seed) && !limits ? FLOW_KIND_ASK : FLOW_KIND_NONE;
}

static struct place_of_ended *
find(struct kinds *k, const struct tuple *t, uint64_t *ret_hash)
{
	*ret_hash = hash_bytes(&k->key, t, sizeof *t) | 1;
	struct place_of_ended *bucket = k->ended[*ret_hash / 2 % BUCKETS];

	for (size_t i = 0; i < PLACES; i++)
		if (bucket[i].hash == *ret_hash)
			return &bucket[i];
	return NULL;
}

void
kinds_ended(struct engine *e, const struct flow *f)
{
	uint64_t hash;

	if (!f->by_kind || !e->kinds)
		return;
	struct place_of_ended *at = find(e->kinds, &f->tuple, &hash), *bucket = e->kinds->ended[hash / 2 % BUCKETS];
	for (size_t i = 0; i < PLACES && (!at || at->hash != hash); i++)
		if (!at || bucket[i].since_s < at->since_s)
			at = &bucket[i];
	e->stats.ended_forgotten += at->hash != hash && at->since_s;
	*at = (struct place_of_ended){.hash = hash, .id = e->news_id, .since_s = (uint32_t)(e->now.mono_ns / 1000000000) | 1};
}

void
kinds_gone(struct engine *e, const struct channel_flow_news *n)
{
	uint64_t hash;
	struct place_of_ended *at = find(e->kinds, &n->tuple, &hash);

	if (!at || (at->id && at->id != n->id))
		return;
	at->id = n->id;
	at->since_s = 0;
}

/* It was told of already: what comes now are the last words of conntrack. */
static bool
is_over(struct engine *e, const struct channel_flow_news *n)
{
	uint64_t hash;
	const struct place_of_ended *at = find(e->kinds, &n->tuple, &hash);

	return at && (!at->id || at->id == n->id);
}

/* What an engine before this one has told of, or a connection that nobody has answered yet. */
static bool
is_not_ours(const struct engine *e, const struct channel_flow_news *n, bool asked)
{
	bool before = e->restarts && n->start_ns && (int64_t)(n->start_ns / 1000) < e->start_us && (n->flags & (NEWS_CLOSED | NEWS_END));

	return before || (asked && !(n->flags & (NEWS_REPLIED | NEWS_END)));
}

struct flow *
kinds_begin(struct engine *e, const struct channel_flow_news *n)
{
	unsigned d = mark_decision(policy_options(e->is.policy)->mark_shift, n->mark);
	bool asked = d == (MARK_OPEN | MARK_KIND), new_device;
	struct flow seed;

	if (!(d & MARK_KIND) || is_not_ours(e, n, asked) || is_over(e, n))
		return NULL;
	struct orientation o = orient_news(e, &n->tuple);
	struct device *dev = device_by_address(e->devices, e->is.policy, &o.tuple.src, o.zone, &e->now, &new_device);
	if (new_device)
		names_forget(e->names, device_index(e->devices, dev));
	e->stats.flows_new++;
	e->stats.flows_by_kind++;
	dev->flows_seen++;
	chronicle_device(e, dev);
	flow_init(e->flows, &seed, &o.tuple, &e->now);
	if (n->start_ns && (int64_t)(n->start_ns / 1000) < seed.start_us)
		seed.start_us = (int64_t)(n->start_ns / 1000);
	seed.device = device_index(e->devices, dev);
	seed.ifindex = dev->ifindex;
	seed.zone = o.zone;
	seed.remote_zone = o.remote_zone;
	seed.established = seed.passed = seed.by_kind = true;
	seed.loose = asked;
	engine_decide(e, &seed, true);
	struct flow *f = flow_insert(e->flows, &seed, &e->now);
	rulebook_ref(f->book);
	device_hold(dev);
	report_decided(e, f);
	observe_contact(e, f);
	rulebook_unref(seed.book);
	return f;
}
