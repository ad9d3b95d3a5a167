/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a flow is judged as it is, in words. Whether a condition holds is asked of judge.c and of nobody else: this file only says
 * what was wanted, in the owner's own words, and what the flow has in its place, by a row for each condition.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "explain.h"
#include "catalogue.h"
#include "condition.h"
#include "judge.h"
#include "list.h"
#include "spoken.h"

enum {
	FOUND_MAX = 200,     /* bytes of what a flow has in place of one condition */
	CONDITIONS_MAX = 32, /* of a rule: more keys than there are */
	NEAR_MAX = 2,	     /* a rule that fails in more conditions than this is not near */
	TOLD_MAX = 3,
	SENTENCE_MAX = 600,
};

typedef void found(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX]);

static void
put(char out[FOUND_MAX], const char *text)
{
	snprintf(out, FOUND_MAX, "%s", text && *text ? text : "unknown");
}

static void
put_bool(char out[FOUND_MAX], bool v)
{
	put(out, v ? "true" : "false");
}

static const struct policy_device *
device_of(const struct policy *p, const struct facts *f)
{
	return f->device < p->n_devices ? &p->devices[f->device] : NULL;
}

static void
found_direction(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put(out, f->inbound ? "inbound" : "outbound");
}

static void
found_zone(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	uint8_t zone = c->local ? f->zone : f->remote_zone;
	put(out, zone < p->n_zones ? p->zones[zone].name : "no zone");
}

static void
found_port(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	const char *name = proto_name(f->proto);
	char number[16];
	(void)p;
	(void)c;
	snprintf(number, sizeof(number), "%u", f->proto);
	if (f->has_port)
		snprintf(out, FOUND_MAX, "%s/%u", name ? name : number, f->port);
	else
		put(out, name ? name : number);
}

static void
found_device(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	const struct policy_device *d = device_of(p, f);
	(void)c;
	put(out, d ? d->name : "not in the inventory");
}

static void
found_group(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	const struct policy_device *d = device_of(p, f);
	size_t len = 0;
	(void)c;
	put(out, d ? "none" : "not in the inventory");
	for (size_t i = 0; d && i < d->n_groups && len < FOUND_MAX; i++)
		len += (size_t)snprintf(out + len, FOUND_MAX - len, "%s%s", i ? ", " : "", d->groups[i]);
}

static void
found_brand(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	const struct policy_device *d = device_of(p, f);
	(void)c;
	put(out, !d ? "not in the inventory" : d->brand[0] ? d->brand : "not declared");
}

static void
found_known(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_bool(out, f->device != DEVICE_UNKNOWN);
}

static void
found_address(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	addr_print(c->local ? &f->local : &f->remote, out);
}

static void
found_private(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	if (f->place.special != SPECIAL_NONE)
		snprintf(out, FOUND_MAX, "true, %s", special_name(f->place.special));
	else
		put_bool(out, false);
}

static void
put_code(const struct facts *f, const char *code, char out[FOUND_MAX])
{
	put(out, f->place.special != SPECIAL_NONE ? "none, the address is not on the internet" : code);
}

static void
found_country(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_code(f, f->place.country, out);
}

static void
found_continent(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_code(f, f->place.continent, out);
}

static void
found_registered(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_code(f, f->place.registered, out);
}

static void
found_anycast(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_bool(out, f->place.anycast);
}

static void
found_asn(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	if (f->place.asn)
		snprintf(out, FOUND_MAX, "AS%u", f->place.asn);
	else
		put(out, NULL);
}

static bool
is_bound(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_bound; i++)
		if (strcmp(f->bound[i], name) == 0) /* NOLINT(clang-analyzer-core.NonNullParamChecker): n_bound counts them */
			return true;
	return false;
}

/* What the client says, and what DNS has told the device. */
static void
found_name(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	bool said = f->known & FACT_NAME && f->name && !f->ech;
	(void)p;
	(void)c;
	if (said)
		snprintf(out, FOUND_MAX, "%.120s, %s", f->name, is_bound(f, f->name) ? "proved by DNS" : "not proved by DNS");
	else if (f->n_bound > 0)
		snprintf(out, FOUND_MAX, "%.120s by DNS", f->bound[0]);
	else
		put(out, "no name proved by DNS");
}

static void
found_protocol(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put(out, f->protocol);
}

static void
found_query(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put(out, f->query ? f->query : "no question");
}

static void
found_ech(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_bool(out, f->ech);
}

static void
found_when(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	time_t at = (time_t)f->wall_s;
	struct tm tm;
	(void)p;
	(void)c;
	if (!gmtime_r(&at, &tm) || !strftime(out, FOUND_MAX, "%a %Y-%m-%d %H:%M UTC", &tm))
		put(out, NULL);
}

static void
found_maker(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	const struct maker *makers;
	size_t n = catalogue_makers(policy_catalogue(p), &makers);
	(void)c;
	put(out, f->maker < n ? makers[f->maker].id : NULL);
}

static void
found_covered(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_bool(out, f->covered);
}

static void
found_unmasked(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	(void)p;
	(void)c;
	put_bool(out, f->unmasked);
}

static void
found_limit(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	const struct policy_limit *l = &(*(struct limit *const *)c->items)->is;
	(void)p;
	if (f->used_up)
		put(out, "used up");
	else
		policy_limit_used(l, l->index < f->n_used ? f->used[l->index] : 0, out, FOUND_MAX);
}

/* Whose cloud it is hangs on the name and on what is spoken. */
static void
found_cloud(const struct policy *p, const struct condition *c, const struct facts *f, char out[FOUND_MAX])
{
	char name[FOUND_MAX];
	found_name(p, c, f, name);
	if (f->known & FACT_PROTOCOL && f->protocol)
		snprintf(out, FOUND_MAX, "%.30s, %.150s", f->protocol, name);
	else
		put(out, name);
}

/* One row for each condition that is asked of a flow. */
static const struct {
	const char *key;
	found *found;
} words[] = {
	{"direction", found_direction},
	{"zone", found_zone},
	{"port", found_port},
	{"device", found_device},
	{"group", found_group},
	{"brand", found_brand},
	{"known", found_known},
	{"address", found_address},
	{"private", found_private},
	{"country", found_country},
	{"continent", found_continent},
	{"registered-country", found_registered},
	{"unknown-country", found_country},
	{"anycast", found_anycast},
	{"asn", found_asn},
	{"name", found_name},
	{"trust-sni", found_name},
	{"protocol", found_protocol},
	{"query", found_query},
	{"ech", found_ech},
	{"when", found_when},
	{"limit", found_limit},
	{"maker", found_maker},
	{"covered", found_covered},
	{"unmasked", found_unmasked},
	{"cloud", found_cloud},
};

enum {
	N_WORDS = sizeof(words) / sizeof(words[0]),
};

static found *
words_find(const char *key)
{
	for (size_t i = 0; i < N_WORDS; i++)
		if (strcmp(words[i].key, key) == 0)
			return words[i].found;
	return NULL;
}

bool
explain_speaks_of(const char *key)
{
	return words_find(key) != NULL;
}

const char *
fact_name(enum fact bit)
{
	switch (bit) {
	case FACT_PACKET:
		return "packet";
	case FACT_PLACE:
		return "place";
	case FACT_PROTOCOL:
		return "protocol";
	case FACT_NAME:
		return "name";
	case FACT_QUERY:
		return "query";
	case FACT_ECH:
		return "ech";
	case FACT_ALL:
		break;
	}
	return "";
}

/* "not known yet: protocol, name". */
static void
put_missing(uint32_t missing, char out[FOUND_MAX])
{
	size_t len = (size_t)snprintf(out, FOUND_MAX, "not known yet");
	const char *join = ": ";
	for (unsigned bit = 1; bit < FACT_ALL; bit <<= 1) {
		if (!(missing & bit))
			continue;
		len += (size_t)snprintf(out + len, FOUND_MAX - len, "%s%s", join, fact_name((enum fact)bit));
		join = ", ";
	}
}

static const char *
ref_name(const struct policy *p, const struct ref *r)
{
	if (r->set)
		return r->set->name;
	return p->zones[r->clause - p->zone_clauses].name;
}

static void
plain_found(const struct policy *p, const struct condition *c, const struct facts *f, enum answer a, uint32_t missing,
	    char out[FOUND_MAX])
{
	found *say = words_find(c->row->key);
	if (a == ANSWER_UNKNOWN)
		put_missing(missing, out);
	else if (say)
		say(p, c, f, out);
	else
		put(out, NULL);
}

/* What keeps the flow out of this set: the first of its conditions that fails. */
static void
outside_of(const struct policy *p, const struct ref *r, const struct facts *f, char out[FOUND_MAX])
{
	char has[FOUND_MAX];
	for (size_t i = 0; i < r->clause->n; i++) {
		const struct condition *c = &r->clause->conditions[i];
		struct look look = {0};
		enum answer a = condition_answer(c, f, &look);
		if (a != ANSWER_NO)
			continue;
		plain_found(p, c, f, a, look.missing, has);
		snprintf(out, FOUND_MAX, "%.30s %.160s", c->row->key, has);
		return;
	}
	put(out, NULL);
}

/* Of several names the one that the answer hangs on: the first that holds, else the first. */
static void
refs_found(const struct policy *p, const struct condition *c, const struct facts *f, enum answer a, uint32_t missing,
	   char out[FOUND_MAX])
{
	const struct ref *refs = c->items, *hangs = refs;
	struct look ignored = {0};
	if (a == ANSWER_UNKNOWN) {
		put_missing(missing, out);
		return;
	}
	for (size_t i = 0; a == ANSWER_YES && i < c->n; i++) {
		enum answer one = clause_answer(refs[i].clause, f, &ignored);
		if (one == (refs[i].negate ? ANSWER_NO : ANSWER_YES)) {
			hangs = &refs[i];
			break;
		}
	}
	if ((a == ANSWER_YES) != hangs->negate)
		snprintf(out, FOUND_MAX, "in %s", ref_name(p, hangs));
	else
		outside_of(p, hangs, f, out);
}

/* The list of a condition that holds the name that is said, or else one of those that DNS told. */
static const struct list *
named_by(const struct condition *c, const struct facts *f, const char *said, uint32_t *ret_line)
{
	for (size_t i = 0; i < c->n_lists; i++)
		for (size_t k = 0; k < (said ? 1 : f->n_bound); k++)
			if (list_has_name(c->lists[i], said ? said : f->bound[k], ret_line))
				return c->lists[i];
	return NULL;
}

/* The list that holds what the flow has there; NULL: none does. */
static const struct list *
listed_by(const struct condition *c, const struct facts *f, uint32_t *ret_line)
{
	const struct ref *refs = c->row == &condition_ref ? c->items : NULL;
	const struct list *hit = NULL;
	for (size_t i = 0; refs && i < c->n && !hit; i++)
		for (size_t k = 0; k < refs[i].clause->n && !hit; k++)
			hit = listed_by(&refs[i].clause->conditions[k], f, ret_line);
	for (size_t i = 0; c->row->list == LIST_NETS && i < c->n_lists && !hit; i++)
		hit = list_has_addr(c->lists[i], c->local ? &f->local : &f->remote, ret_line) ? c->lists[i] : NULL;
	if (c->row->list == LIST_NAMES && strcmp(c->row->key, "query") == 0)
		return f->query ? named_by(c, f, f->query, ret_line) : NULL;
	if (c->row->list == LIST_NAMES)
		return named_by(c, f, f->known & FACT_NAME && !f->ech ? f->name : NULL, ret_line);
	return hit;
}

static void
explain_condition(const struct policy *p, const struct condition *c, const struct facts *f, char text[FOUND_MAX],
		  struct explained_condition *ret)
{
	struct look look = {0};
	enum answer a = condition_answer(c, f, &look);
	bool refers = c->row == &condition_ref;
	uint32_t line = 0;
	const struct list *list = listed_by(c, f, &line);
	(refers ? refs_found : plain_found)(p, c, f, a, look.missing, text);
	*ret = (struct explained_condition){
		.key = refers ? "to" : c->row->key,
		.wanted = c->written ? c->written : "",
		.found = text,
		.local = c->local,
		.state = (enum explained)a,
		.missing = a == ANSWER_UNKNOWN ? look.missing : 0,
		.list = list ? list_name(list) : NULL,
		.list_line = list ? line : 0,
	};
}

_Static_assert((int)EXPLAINED_NO == (int)ANSWER_NO && (int)EXPLAINED_OPEN == (int)ANSWER_UNKNOWN &&
		       (int)EXPLAINED_YES == (int)ANSWER_YES,
	       "one is cast to the other");

struct told {
	struct explained_condition list[CONDITIONS_MAX];
	char texts[CONDITIONS_MAX][FOUND_MAX];
};

static void
explain_rule(const struct policy *p, const struct rule *r, const struct facts *f, struct told *told, struct explained_rule *ret)
{
	struct look look = {0};
	size_t n = r->clause.n < CONDITIONS_MAX ? r->clause.n : CONDITIONS_MAX;
	enum answer a = clause_answer(&r->clause, f, &look);
	for (size_t i = 0; i < n; i++)
		explain_condition(p, &r->clause.conditions[i], f, told->texts[i], &told->list[i]);
	*ret = (struct explained_rule){
		.info = &r->info,
		.state = (enum explained)a,
		.conditions = told->list,
		.n = n,
		.missing = a == ANSWER_UNKNOWN ? look.missing : 0,
	};
}

/* Of an earlier rule than this one it is known that it holds, or no rule was asked at all. */
static bool
is_behind(const struct policy *p, const struct facts *f, const struct judgement *j, size_t place)
{
	struct look ignored = {0};
	bool behind = j->rule && j->rule->kind == RULE_UNKNOWN_DEVICE;
	for (size_t i = 0; i < place && i < p->n_rules && !behind; i++)
		behind = clause_answer(&p->rules[i]->clause, f, &ignored) == ANSWER_YES;
	return behind;
}

void
policy_explain(const struct policy *p, const struct facts *f, size_t from, struct judgement *ret,
	       bool (*visit)(void *arg, const struct explained_rule *r), void *arg)
{
	struct told told;
	struct explained_rule e;
	policy_judge(p, f, ret);
	bool behind = is_behind(p, f, ret, from);
	for (size_t i = from; i < p->n_rules; i++) {
		explain_rule(p, p->rules[i], f, &told, &e);
		e.decides = e.info == ret->rule;
		e.behind = behind;
		if (!visit(arg, &e))
			return;
		behind |= e.state == EXPLAINED_YES;
	}
	if (ret->rule && ret->rule->kind != RULE_WRITTEN) {
		e = (struct explained_rule){.info = ret->rule, .state = EXPLAINED_YES, .decides = true};
		visit(arg, &e);
	}
}

static bool
allows(const struct rule_info *r)
{
	return r->action == ACTION_ALLOW || r->action == ACTION_ALERT;
}

/* How many of its conditions do not hold; *ret_all: every one does, and is known to. */
static unsigned
failed(const struct clause *c, const struct facts *f, bool *ret_all)
{
	unsigned n = 0, holds = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct look ignored = {0};
		enum answer a = condition_answer(&c->conditions[i], f, &ignored);
		n += a == ANSWER_NO;
		holds += a == ANSWER_YES;
	}
	*ret_all = holds == c->n;
	return n;
}

/* rule "axis-firmware" would allow it if protocol were tls (it is http) and … */
static void
put_nearest(const struct explained_rule *e, char out[SENTENCE_MAX])
{
	size_t len = (size_t)snprintf(out, SENTENCE_MAX, "rule \"%s\" would allow it if", e->info->name);
	const char *join = "";
	for (size_t i = 0; i < e->n && len < SENTENCE_MAX; i++) {
		const struct explained_condition *c = &e->conditions[i];
		bool to = strcmp(c->key, "to") == 0;
		if (c->state == EXPLAINED_YES)
			continue;
		len += (size_t)snprintf(out + len, SENTENCE_MAX - len, "%s %s%s were %s (%s%s)", join,
					c->local ? "the device's " : to ? "the destination" : "", to ? "" : c->key, c->wanted,
					c->state == EXPLAINED_NO && !to ? "it is " : "", c->found);
		join = " and";
	}
}

/* The answer's place among the written rules; behind all of them for the others. */
static size_t
place_of(const struct policy *p, const struct judgement *j)
{
	if (j->rule && j->rule->kind == RULE_UNKNOWN_DEVICE)
		return 0;
	return j->rule && j->rule->kind == RULE_WRITTEN ? j->rule->index : p->n_rules;
}

static void
tell_nearest(const struct policy *p, const struct facts *f, size_t end, void (*tell)(void *arg, const char *text), void *arg)
{
	struct told told;
	struct explained_rule e;
	char text[SENTENCE_MAX];
	unsigned left = TOLD_MAX;
	for (unsigned distance = 0; distance <= NEAR_MAX && left == TOLD_MAX; distance++)
		for (size_t i = 0; i < end && left > 0; i++) {
			bool all;
			if (!allows(&p->rules[i]->info) || failed(&p->rules[i]->clause, f, &all) != distance || all)
				continue;
			explain_rule(p, p->rules[i], f, &told, &e);
			put_nearest(&e, text);
			tell(arg, text);
			left--;
		}
}

/* A rule that would allow it, and never gets to say so. */
static void
tell_behind(const struct policy *p, const struct facts *f, size_t from, const struct judgement *j,
	    void (*tell)(void *arg, const char *text), void *arg)
{
	char text[SENTENCE_MAX];
	for (size_t i = from; i < p->n_rules; i++) {
		struct look ignored = {0};
		if (!allows(&p->rules[i]->info) || clause_answer(&p->rules[i]->clause, f, &ignored) != ANSWER_YES)
			continue;
		snprintf(text, sizeof(text), "rule \"%s\" would allow it, but \"%s\" comes before it", p->rules[i]->info.name,
			 j->rule->name);
		tell(arg, text);
		return;
	}
}

void
policy_explain_change(const struct policy *p, const struct facts *f, void (*tell)(void *arg, const char *text), void *arg)
{
	struct judgement j;
	policy_judge(p, f, &j);
	if (j.decision == DECISION_ALLOW)
		return;
	size_t end = place_of(p, &j);
	if (j.rule && j.rule->kind == RULE_UNKNOWN_DEVICE)
		tell(arg, "the rules would be asked if the device were declared in devices:");
	tell_nearest(p, f, end, tell, arg);
	if (j.rule && j.rule->kind != RULE_DEFAULT)
		tell_behind(p, f, end, &j, tell, arg);
}

const char *
policy_protocol(const char *name)
{
	return protocol_find(name);
}
