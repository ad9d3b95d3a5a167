/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a flow to policy's answer, and from the answer to what the kernel is told. */
#include <netinet/in.h>
#include <string.h>

#include "budget.h"
#include "catalogue.h"
#include "engine.h"
#include "identity.h"
#include "jail.h"

bool
flow_can_be_watched(const struct flow *f)
{
	uint8_t proto = f->tuple.proto;

	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

bool
flow_camera_unseen(const struct engine *e, const struct flow *f)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	return device_at(e->devices, f->device)->by_address && f->zone < n && !zones[f->zone].by_address;
}

/* The binding may be over by now; it was there when the connection began. */
static void
remember_proved(struct facts *f)
{
	for (size_t i = 0; i < f->n_bound; i++)
		if (strcmp(f->bound[i], f->name) == 0) /* NOLINT(clang-analyzer-core.NonNullParamChecker): n_bound counts them */
			return;
	if (f->n_bound == FACTS_BOUND)
		f->n_bound--;
	f->bound[f->n_bound++] = f->name;
}

/* What is known of it by now. Whatever becomes known later has every flow judged again. */
static void
facts_of_maker(const struct engine *e, const struct device *d, struct facts *ret)
{
	size_t n;
	const struct policy_device *list = policy_devices(e->is.policy, &n);

	ret->maker = identity_maker(d->who);
	ret->covered = identity_covered(d->who);
	ret->unmasked = d->who && identity_unmasked(d->who, policy_catalogue(e->is.policy), d->inventory < n ? list[d->inventory].brand : "");
}

void
flow_facts(const struct engine *e, const struct flow *f, struct facts *ret)
{
	const struct device *d = device_at(e->devices, f->device);

	memset(ret, 0, sizeof *ret);
	ret->known = FACT_PACKET | FACT_PLACE;
	ret->device = d->inventory;
	facts_of_maker(e, d, ret);
	ret->zone = f->zone;
	ret->remote_zone = f->remote_zone;
	ret->inbound = f->inbound;
	/* After a restart the far side may speak first. Not to know yet whose flow it is proves no stranger: the rules alone judge it. */
	ret->unseen = f->established && flow_camera_unseen(e, f);
	ret->proto = f->tuple.proto;
	ret->has_port = proto_has_ports(f->tuple.proto);
	ret->port = f->tuple.dport;
	ret->local = f->inbound ? f->tuple.dst : f->tuple.src;
	ret->remote = f->inbound ? f->tuple.src : f->tuple.dst;
	ret->place = f->place;
	ret->wall_s = e->now.wall_us / 1000000;
	budget_facts(e, d, f, ret);
	ret->n_bound = names_of(e->names, f->device, &ret->remote, &e->now, ret->bound, FACTS_BOUND);
	if (f->known) {
		ret->known = FACT_ALL;
		ret->protocol = f->known->protocol;
		ret->name = f->known->has_name ? f->known->name : NULL;
		ret->ech = f->known->ech;
		if (f->proved)
			remember_proved(ret);
	} else if (!flow_can_be_watched(f)) {
		ret->known = FACT_ALL;
		ret->protocol = protocol_unknown;
	}
}

static void
judge_facts(struct engine *e, struct flow *f, const struct facts *facts, struct judgement *ret)
{
	policy_judge(e->is.policy, facts, ret);
	if (f->book != e->is.book) {
		rulebook_unref(f->book);
		f->book = rulebook_ref(e->is.book);
	}
	f->rule = ret->rule ? (uint16_t)ret->rule->index : RULE_NO;
	if (f->rule != RULE_NO)
		f->book->hits[f->rule]++;
	f->decision = (uint8_t)ret->decision;
	f->mode = (uint8_t)ret->mode;
	f->generation = (uint8_t)e->generation;
	budget_take(e, f, ret);
	if (ret->rule && ret->certain && ret->rule->action == ACTION_QUARANTINE && ret->decision == DECISION_BLOCK && ret->mode == MODE_ENFORCE)
		jail_by_rule(e, f, ret->rule);
}

static void
flow_locate(struct engine *e, struct flow *f)
{
	geo_lookup(e->is.geo, f->inbound ? &f->tuple.src : &f->tuple.dst, &f->place);
	e->stats.geo_lookups++;
	e->stats.geo_unknown += f->place.special == SPECIAL_NONE && !f->place.country[0];
}

void
flow_judge_query(struct engine *e, struct flow *f, const char *query, struct judgement *ret)
{
	struct facts facts;

	if (f->generation != (uint8_t)e->generation)
		flow_locate(e, f);
	flow_facts(e, f, &facts);
	facts.query = query;
	if (!query)
		facts.protocol = protocol_unknown;
	judge_facts(e, f, &facts, ret);
}

void
flow_judge(struct engine *e, struct flow *f, struct judgement *ret)
{
	struct facts facts;

	flow_locate(e, f);
	flow_facts(e, f, &facts);
	judge_facts(e, f, &facts, ret);
}

void
flow_take_answer(struct flow *dst, const struct flow *src)
{
	rulebook_ref(src->book);
	rulebook_unref(dst->book);
	dst->book = src->book;
	dst->rule = src->rule;
	dst->generation = src->generation;
	dst->decision = src->decision;
	dst->sent = src->sent;
	dst->mode = src->mode;
	dst->place = src->place;
}

/*
 * Monitor mode never drops. A stream in its middle is reset even where the rule says block: silence hides nothing from a peer that
 * already talks, and a camera that waits for its timeout helps nobody.
 */
enum decision
flow_verdict(const struct flow *f, bool mid_stream)
{
	if (f->decision == DECISION_PENDING)
		return DECISION_PENDING;
	if (f->mode == MODE_MONITOR)
		return DECISION_ALLOW;
	if (f->decision == DECISION_BLOCK && mid_stream && f->tuple.proto == IPPROTO_TCP)
		return DECISION_REJECT;
	return f->decision;
}
