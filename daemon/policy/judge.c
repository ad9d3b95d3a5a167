/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heart: facts in, decision out.
 *
 * A rule that cannot tell yet leaves its outcome possible; the search ends at the first rule that says yes,
 * or at default:, which always does. If all possible outcomes come to the same, the flow is decided now. It
 * is decided in the name of the rule that said yes: of that one alone it is proved that it holds. To name an
 * earlier rule would accuse a camera of something that nobody has seen.
 *
 * Outcomes come to the same when they are of the same mode, since a refusal that is only recorded is not one, and
 *  - both refuse: whether by drop or by reset, nothing will ever allow the flow, and its first packet must not pass; or
 *  - both allow and raise the same alert: an allowed flow is never looked at again, so an alert not raised now
 *    would be lost.
 */
#include "judge.h"

#include "condition.h"
#include "index.h"

static enum answer
plain_answer(const struct condition *c, const struct facts *f, struct look *look)
{
	const struct condition_row *row = c->row;
	look->scheduled |= (row->where & COND_TIME) != 0;
	if (row->answer)
		return row->answer(c, f, look);
	look->used |= row->needs;
	if ((f->known & row->needs) != row->needs) {
		if (row->never && row->never(c, f))
			return ANSWER_NO;
		look->missing |= row->needs & ~f->known;
		return ANSWER_UNKNOWN;
	}
	return row->match(c, f) ? ANSWER_YES : ANSWER_NO;
}

/* OR over names; a negated one turns yes into no and leaves "cannot tell" as it is. */
static enum answer
refs_answer(const struct condition *c, const struct facts *f, struct look *look)
{
	const struct ref *refs = c->items;
	enum answer any = ANSWER_NO;
	for (size_t i = 0; i < c->n && any != ANSWER_YES; i++) {
		look->claims = c->claims != refs[i].negate;
		enum answer a = clause_answer(refs[i].clause, f, look);
		look->claims = false;
		if (refs[i].negate)
			a = ANSWER_YES - a;
		any = a > any ? a : any;
	}
	return any;
}

enum answer
condition_answer(const struct condition *c, const struct facts *f, struct look *look)
{
	return c->row == &condition_ref ? refs_answer(c, f, look) : plain_answer(c, f, look);
}

enum answer
clause_answer(const struct clause *c, const struct facts *f, struct look *look)
{
	enum answer all = ANSWER_YES;
	for (size_t i = 0; i < c->n && all != ANSWER_NO; i++) {
		enum answer a = condition_answer(&c->conditions[i], f, look);
		all = a < all ? a : all;
	}
	return all;
}

static enum decision
decision_of(enum action a)
{
	switch (a) {
	case ACTION_ALLOW:
	case ACTION_ALERT:
		return DECISION_ALLOW;
	case ACTION_BLOCK:
	case ACTION_QUARANTINE:
		return DECISION_BLOCK;
	case ACTION_REJECT:
		return DECISION_REJECT;
	}
	return DECISION_BLOCK;
}

static bool
come_to_the_same(const struct rule_info *a, const struct rule_info *b)
{
	bool allows_a = decision_of(a->action) == DECISION_ALLOW,
	     allows_b = decision_of(b->action) == DECISION_ALLOW;
	bool counts = a->limit || b->limit; /* whose budget it is on is an outcome too */
	return a->mode == b->mode && allows_a == allows_b && (!allows_a || (a->alert == b->alert && !counts));
}

static bool
between_zones(const struct facts *f)
{
	return f->zone != ZONE_NONE && f->remote_zone != ZONE_NONE;
}

/* The answer when no written rule says yes. */
static const struct rule_info *
fallback(const struct policy *p, const struct facts *f)
{
	return between_zones(f) ? &p->rule_zones.info : &p->rule_default.info;
}

static void
decide(struct judgement *j, const struct rule_info *sure)
{
	j->decision = decision_of(sure->action);
	j->mode = sure->mode;
	j->rule = sure;
	j->missing = 0;
}

/* On the way down the rules: the first that may hold, and whether all that may agree with each other. */
struct search {
	struct look look;
	const struct rule_info *possible;
	bool disagree;
};

/* Asks one rule. True: it says yes. */
static bool
ask(struct search *s, const struct rule *r, const struct facts *f)
{
	struct look here = {0};
	enum answer a = clause_answer(&r->clause, f, &here);
	s->look.used |= here.used;
	s->look.scheduled |= here.scheduled;
	if (a != ANSWER_UNKNOWN)
		return a == ANSWER_YES;
	s->look.missing |= here.missing;
	s->disagree |= s->possible && !come_to_the_same(s->possible, &r->info);
	s->possible = s->possible ? s->possible : &r->info;
	return false;
}

/* Goes down the rules that may hold. Returns the first that says yes. */
static const struct rule_info *
search(const struct policy *p, const struct rule_index *index, const struct facts *f, struct search *s)
{
	struct candidates c;
	size_t place = 0;
	if (index && index_begin(index, f, &c)) {
		while ((place = index_next(&c)) < p->n_rules && !ask(s, p->rules[place], f))
			;
		s->look.used |= index_used(index, place);
	} else {
		while (place < p->n_rules && !ask(s, p->rules[place], f))
			place++;
	}
	return place < p->n_rules ? &p->rules[place]->info : fallback(p, f);
}

static void
judge(const struct policy *p, const struct rule_index *index, const struct facts *f, struct judgement *ret)
{
	struct search s = {.look = {.used = FACT_PACKET}};
	*ret = (struct judgement){.decision = DECISION_PENDING, .mode = p->mode, .used = FACT_PACKET};
	if ((p->unknown_devices == ACTION_BLOCK || p->unknown_devices == ACTION_QUARANTINE) && f->device == DEVICE_UNKNOWN && !f->unseen) {
		decide(ret, &p->rule_unknown.info);
		ret->certain = true;
		return;
	}
	const struct rule_info *sure = search(p, index, f, &s);
	ret->used = s.look.used;
	ret->missing = s.look.missing;
	ret->scheduled = s.look.scheduled;
	ret->certain = !s.possible;
	if (!s.possible || (!s.disagree && come_to_the_same(s.possible, sure)))
		decide(ret, sure);
}

void
policy_judge(const struct policy *p, const struct facts *f, struct judgement *ret)
{
	judge(p, p->index, f, ret);
}

void
judge_walking(const struct policy *p, const struct facts *f, struct judgement *ret)
{
	judge(p, NULL, f, ret);
}
