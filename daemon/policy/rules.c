/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sets:, rules: and default:, and the answers that no rule is needed for. */
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "limit.h"
#include "loader.h"

enum {
	SID_FIRST = 1000000, /* what Suricata leaves to local rules */
	SID_LAST = 1999999,
	SID_HASHED = 1900000, /* ids that names get: SID_HASHED + hash mod SID_SPREAD */
	SID_SPREAD = 80000,
	SID_BUILTIN = 1990001, /* ids of what is detected without a rule */
	SID_BUILTIN_LAST = 1990099,
	QUARANTINE_USUAL_S = 3600,
};

static const char name_zones[] = "zones", name_default[] = "default", name_unknown[] = "unknown-devices";

/*
 * FNV-1a, 64 bits (Fowler, Noll, Vo): part of the documented interface, since it names rules in other
 * people's systems.
 */
static uint32_t
signature_of(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return SID_HASHED + (uint32_t)(h % SID_SPREAD);
}

struct set *
set_find(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_sets; i++)
		if (strcmp(p->sets[i]->name, name) == 0)
			return p->sets[i];
	return NULL;
}

/*
 * An address of no known country is outside a set that asks for one and does not say unknown-country: true.
 */
static bool
leaves_unknown(const struct clause *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->conditions[i].row->where & COND_COUNTRY && !c->conditions[i].widen)
			return true;
	return false;
}

static bool
set_name_fits(struct loader *l, const struct node *key, const char **ret_name)
{
	if (key->kind != NODE_TEXT || !read_name(l, key, "a set", ret_name))
		return false;
	int zone = zone_find(l->p, *ret_name);
	if (strcmp(*ret_name, "any") == 0)
		load_error(l, key, "E139",
			   "\"any\" stands for every address and cannot be the name of a set");
	else if (zone >= 0)
		diag_hint(load_error(l, key, "E133", "\"%s\" is already the name of a zone", *ret_name),
			  "the zone is defined at %s", spot_text(l, &l->zone_spots[zone]));
	else if (l->p->n_sets == SETS_MAX)
		load_error(l, key, "E115", "more than %d sets", SETS_MAX);
	else
		return !set_find(l->p, *ret_name); /* twice is told as a key that stands twice */
	return false;
}

static void
load_set(struct loader *l, const struct node *key)
{
	static const struct schema schema = {"a set", NULL, 0, COND_TO};
	struct vec conditions = {0};
	const char *name;
	if (!set_name_fits(l, key, &name))
		return;
	struct set *set = region_alloc(&l->p->region, sizeof(*set));
	if (!set)
		return;
	load_map(l, key->value, &schema, NULL);
	conditions_load(l, key->value, COND_TO, &conditions);
	if (key->value->kind == NODE_MAP && !key->value->first)
		load_error(l, key->value, "E140", "set \"%s\" is empty", name);
	set->name = name;
	set->spot = node_spot(key);
	set->clause = clause_of(&conditions);
	set->leaves_unknown = leaves_unknown(&set->clause);
	l->p->sets[l->p->n_sets++] = set;
}

void
load_sets(struct loader *l, const struct node *value, void *into)
{
	(void)into;
	if (!expect_map(l, value, "sets"))
		return;
	l->p->sets = region_alloc(&l->p->region, SETS_MAX * sizeof(struct set *));
	for (const struct node *k = l->p->sets ? value->first : NULL; k; k = k->next)
		if (k->value)
			load_set(l, k);
}

/* While a rule is read. */
struct rule_draft {
	struct rule *rule;
	struct vec conditions;
	struct vec refs; /* struct ref: the names in to: */
	bool has_action, has_alert;
};

/* "any", alone or in a list, leaves a side free. */
static bool
says_any(const struct node *value)
{
	if (value->kind == NODE_TEXT)
		return strcmp(value->text, "any") == 0;
	bool any = false;
	for (const struct node *n = value->kind == NODE_LIST ? value->first : NULL; n; n = n->next)
		any |= n->kind == NODE_TEXT && strcmp(n->text, "any") == 0;
	return any;
}

static void
load_side_map(struct loader *l, const struct node *value, const struct schema *schema, struct vec *conditions)
{
	load_map(l, value, schema, NULL);
	conditions_load(l, value, schema->conditions, conditions);
	if (!value->first)
		diag_hint(load_error(l, value, "E140", "%s is empty", schema->what), "say any");
}

static void
load_from(struct loader *l, const struct node *value, void *into)
{
	static const struct schema schema = {"from:", NULL, 0, COND_FROM};
	struct rule_draft *d = into;
	if (value->kind == NODE_MAP)
		load_side_map(l, value, &schema, &d->conditions);
	else if (!says_any(value))
		condition_load(l, condition_find("zone", COND_FROM), value, COND_FROM, &d->conditions);
}

static void
unknown_target(struct loader *l, const struct node *at, const char *name)
{
	const struct policy *p = l->p;
	struct diag *g = load_error(l, at, "E106", "there is no set or zone \"%.64s\"", name);
	const char **names = region_alloc(&l->scratch, (p->n_zones + p->n_sets + 1) * sizeof(char *));
	size_t n = 0;
	for (size_t i = 0; names && i < p->n_zones; i++)
		names[n++] = p->zones[i].name;
	for (size_t i = 0; names && i < p->n_sets; i++)
		names[n++] = p->sets[i]->name;
	if (names)
		hint_closest(g, name, names, n);
}

/* NAME or "!NAME". */
static void
load_target(struct loader *l, const struct node *value, void *into)
{
	struct rule_draft *d = into;
	const char *text;
	if (!read_text(l, value, &text))
		return;
	bool negate = text[0] == '!';
	struct set *set = set_find(l->p, text + negate);
	int zone = zone_find(l->p, text + negate);
	if (!set && zone < 0) {
		unknown_target(l, value, text + negate);
		return;
	}
	struct ref *ref = vec_push(&l->p->region, &d->refs, sizeof(*ref));
	if (!ref)
		return;
	ref->clause = set ? &set->clause : &l->p->zone_clauses[zone];
	ref->set = set;
	ref->negate = negate;
	if (set)
		set->used = true;
}

static void
load_to(struct loader *l, const struct node *value, void *into)
{
	static const struct schema schema = {"to:", NULL, 0, COND_TO};
	struct rule_draft *d = into;
	if (value->kind == NODE_MAP) {
		load_side_map(l, value, &schema, &d->conditions);
		return;
	}
	if (says_any(value))
		return;
	load_each(l, value, load_target, d);
	struct condition *c = d->refs.n ? vec_push(&l->p->region, &d->conditions, sizeof(*c)) : NULL;
	if (c)
		*c = (struct condition){.row = &condition_ref,
					.items = d->refs.items,
					.n = d->refs.n,
					.written = condition_written(l, value)};
}

static void
load_name(struct loader *l, const struct node *value, void *into)
{
	struct rule_draft *d = into;
	const char *name;
	if (!read_name(l, value, "a rule", &name))
		return;
	if (strcmp(name, name_zones) == 0 || strcmp(name, name_default) == 0 ||
	    strcmp(name, name_unknown) == 0)
		load_error(l, value, "E139", "\"%s\" is the name of an answer without a rule", name);
	d->rule->info.name = name;
	d->rule->spot = node_spot(value);
}

static void
load_action(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {{"allow", ACTION_ALLOW},
						{"alert", ACTION_ALERT},
						{"block", ACTION_BLOCK},
						{"reject", ACTION_REJECT},
						{"quarantine", ACTION_QUARANTINE}};
	struct rule_draft *d = into;
	unsigned v;
	if (!read_choice(l, value, choices, 5, &v))
		return;
	d->rule->info.action = (enum action)v;
	d->has_action = true;
	if (v == ACTION_QUARANTINE)
		d->rule->info.quarantine_s = QUARANTINE_USUAL_S;
}

/* How long a quarantine lasts. Comes after the action. */
static void
load_for(struct loader *l, const struct node *value, void *into)
{
	struct rule_draft *d = into;
	uint64_t ms;
	if (!read_duration(l, value, &ms))
		return;
	if (d->has_action && d->rule->info.action != ACTION_QUARANTINE)
		load_error(l, value, "E138", "for: belongs to action: quarantine alone");
	else if (ms % 1000 || ms == 0 || ms / 1000 > QUARANTINE_SECONDS_MAX)
		load_error(l, value, "E119", "\"%.64s\" is out of range: a quarantine lasts from 1s to 3650d",
			   value->text);
	else
		d->rule->info.quarantine_s = (uint32_t)(ms / 1000);
}

static void
load_alert(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {
		{"none", ALERT_NONE}, {"low", ALERT_LOW}, {"medium", ALERT_MEDIUM}, {"high", ALERT_HIGH}};
	struct rule_draft *d = into;
	unsigned v;
	if (!read_choice(l, value, choices, 4, &v))
		return;
	d->rule->info.alert = (enum alert_level)v;
	d->has_alert = true;
	if (v == ALERT_NONE && d->has_action && d->rule->info.action == ACTION_ALERT)
		diag_hint(load_error(l, value, "E144", "action: alert with alert: none says nothing"),
			  "write action: allow");
}

static void
load_rule_mode(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {{"monitor", MODE_MONITOR}, {"enforce", MODE_ENFORCE}};
	struct rule_draft *d = into;
	unsigned v;
	if (read_choice(l, value, choices, 2, &v))
		d->rule->info.mode = (enum mode)v;
}

static void
load_id(struct loader *l, const struct node *value, void *into)
{
	struct rule_draft *d = into;
	uint32_t v;
	if (!read_number(l, value, SID_FIRST, SID_LAST, &v))
		return;
	if (v >= SID_BUILTIN && v <= SID_BUILTIN_LAST)
		load_error(l, value, "E137", "ids %d to %d belong to what is detected without rules",
			   SID_BUILTIN, SID_BUILTIN_LAST);
	d->rule->info.signature_id = v;
	d->rule->has_id = true;
}

/*
 * What a rule says when it does not speak of alerts: whoever is stopped is news, whoever is allowed is not.
 */
static enum alert_level
usual_alert(enum action a)
{
	return a == ACTION_ALLOW ? ALERT_NONE : ALERT_MEDIUM;
}

static void
finish_info(struct rule_draft *d, enum rule_kind kind, const struct node *at)
{
	struct rule_info *info = &d->rule->info;
	info->kind = kind;
	info->file = at->source->name;
	info->line = at->line;
	if (!d->has_alert)
		info->alert = usual_alert(info->action);
	if (!d->rule->has_id && info->name)
		info->signature_id = signature_of(info->name);
	d->rule->clause = clause_of(&d->conditions);
}

/* A rule speaks of what the camera side opens, unless it says otherwise. */
static void
outbound_unless_said(struct loader *l, const struct node *value, struct rule_draft *d)
{
	static const uint8_t outbound = 0;
	if (!node_get(value, "direction"))
		condition_push(l, &d->conditions, condition_find("direction", COND_RULE), &outbound, "outbound");
}

static const struct field rule_fields[] = {
	{"name", load_name, FIELD_REQUIRED},
	{"from", load_from, FIELD_REQUIRED},
	{"to", load_to, FIELD_REQUIRED},
	{"action", load_action, FIELD_REQUIRED},
	{"for", load_for, 0},
	{"alert", load_alert, 0},
	{"mode", load_rule_mode, 0},
	{"id", load_id, 0},
};

static const struct schema rule_schema = {"a rule", rule_fields, sizeof(rule_fields) / sizeof(rule_fields[0]),
					  COND_RULE};

/* Does it matter to this condition, or to a set that it names, why it is asked? */
static bool
minds_claims(const struct condition *c)
{
	const struct ref *refs = c->items;
	if (c->row != &condition_ref)
		return c->row->answer;
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < refs[i].clause->n; k++)
			if (refs[i].clause->conditions[k].row->answer)
				return true;
	return false;
}

/* What a flow says of itself is reason enough to refuse it, and none to allow it. */
static void
refuses(const struct rule_draft *d)
{
	struct condition *list = d->conditions.items;
	bool allows = d->rule->info.action == ACTION_ALLOW || d->rule->info.action == ACTION_ALERT;
	for (size_t i = 0; !allows && i < d->conditions.n; i++)
		list[i].claims = minds_claims(&list[i]);
}

static void
load_rule(struct loader *l, const struct node *value)
{
	struct rule_draft d = {.rule = region_alloc(&l->p->region, sizeof(struct rule))};
	if (!d.rule)
		return;
	d.rule->spot = node_spot(value);
	d.rule->info.mode = l->p->mode;
	conditions_load(l, value, COND_RULE, &d.conditions);
	outbound_unless_said(l, value, &d);
	load_map(l, value, &rule_schema, &d);
	finish_info(&d, RULE_WRITTEN, value);
	refuses(&d);
	if (d.rule->info.name)
		l->p->rules[l->p->n_rules++] = d.rule;
}

static int
by_name(const void *a, const void *b)
{
	const struct rule *x = *(const struct rule *const *)a, *y = *(const struct rule *const *)b;
	return strcmp(x->info.name, y->info.name);
}

static int
by_id(const void *a, const void *b)
{
	const struct rule *x = *(const struct rule *const *)a, *y = *(const struct rule *const *)b;
	uint32_t i = x->info.signature_id, j = y->info.signature_id;
	return (i > j) - (i < j);
}

/* Of two rules that share something, the one further down is told. */
static void
clash(struct loader *l, const struct rule *a, const struct rule *b, const char *code, const char *what)
{
	const struct rule *first = a, *second = b;
	bool same_file = a->spot.source == b->spot.source;
	if (same_file ? a->spot.line > b->spot.line : a->spot.source > b->spot.source) {
		first = b;
		second = a;
	}
	struct place_in_file at = spot_place(&second->spot), before = spot_place(&first->spot);
	struct diag *g =
		diag_add(l->diags, DIAG_ERROR, code, &at, second->spot.source->text,
			 "rule \"%s\" has %s of rule \"%s\"", second->info.name, what, first->info.name);
	diag_hint(g, "first at %s", spot_text(l, &first->spot));
	diag_related(g, &before);
}

/* Names, and the ids by which other systems know rules, must be told apart; default: has an id as well. */
static void
check_rules(struct loader *l)
{
	size_t n = l->p->n_rules;
	struct rule **sorted = region_alloc(&l->scratch, (n + 1) * sizeof(struct rule *));
	if (!sorted)
		return;
	if (n > 0)
		memcpy(sorted, l->p->rules, n * sizeof(struct rule *));
	qsort(sorted, n, sizeof(struct rule *), by_name);
	for (size_t i = 1; i < n; i++)
		if (by_name(&sorted[i - 1], &sorted[i]) == 0)
			clash(l, sorted[i - 1], sorted[i], "E133", "the name");
	if (l->p->rule_default.info.name)
		sorted[n++] = &l->p->rule_default;
	qsort(sorted, n, sizeof(struct rule *), by_id);
	for (size_t i = 1; i < n; i++)
		if (by_id(&sorted[i - 1], &sorted[i]) == 0 && by_name(&sorted[i - 1], &sorted[i]) != 0)
			clash(l, sorted[i - 1], sorted[i], "E137", "the signature id");
}

void
load_rules(struct loader *l, const struct node *value, void *into)
{
	(void)into;
	if (!expect_list(l, value, "rules"))
		return;
	l->p->rules = region_alloc(&l->p->region, RULES_MAX * sizeof(struct rule *));
	for (const struct node *n = l->p->rules ? value->first : NULL; n; n = n->next) {
		if (l->p->n_rules == RULES_MAX) {
			load_error(l, n, "E115", "more than %d rules", RULES_MAX);
			break;
		}
		load_rule(l, n);
	}
}

/* default: block, or {action: block, alert: high} */
void
load_default(struct loader *l, const struct node *value, void *into)
{
	static const struct field fields[] = {{"action", load_action, FIELD_REQUIRED},
					      {"alert", load_alert, 0}};
	static const struct schema schema = {"default", fields, 2, 0};
	struct rule_draft d = {.rule = &l->p->rule_default};
	(void)into;
	d.rule->info.name = name_default;
	d.rule->info.mode = l->p->mode;
	d.rule->spot = node_spot(value);
	if (value->kind == NODE_TEXT)
		load_action(l, value, &d);
	else
		load_map(l, value, &schema, &d);
	finish_info(&d, RULE_DEFAULT, value);
}

static void
builtin(struct policy *p, struct rule *rule, enum rule_kind kind, const char *name, enum action action,
	enum alert_level alert)
{
	rule->info = (struct rule_info){
		.kind = kind,
		.name = name,
		.file = p->n_sources ? p->sources[0].name : "",
		.action = action,
		.mode = p->mode,
		.alert = alert,
		.signature_id = kind == RULE_UNKNOWN_DEVICE ? SID_BUILTIN : signature_of(name),
	};
}

/* Its place in the listing is also how flows remember it. */
static void
add_info(struct policy *p, struct rule_info *info)
{
	info->index = (unsigned)p->n_infos;
	p->infos[p->n_infos++] = info;
}

void
rules_finish(struct loader *l)
{
	struct policy *p = l->p;
	builtin(p, &p->rule_zones, RULE_ZONES, name_zones, ACTION_ALLOW, ALERT_NONE);
	bool cuts = p->unknown_devices == ACTION_QUARANTINE;
	builtin(p, &p->rule_unknown, RULE_UNKNOWN_DEVICE, name_unknown, cuts ? ACTION_QUARANTINE : ACTION_BLOCK, ALERT_HIGH);
	p->rule_unknown.info.quarantine_s = cuts ? QUARANTINE_USUAL_S : 0;
	const struct node *unknown = node_get(l->root, "unknown-devices");
	if (unknown)
		p->rule_unknown.info.line = unknown->line;
	p->infos = region_alloc(&p->region, (p->n_rules + POLICY_BUILTIN_RULES) * sizeof(struct rule_info *));
	if (!p->infos)
		return;
	for (size_t i = 0; i < p->n_rules; i++)
		add_info(p, &p->rules[i]->info);
	add_info(p, &p->rule_zones.info);
	add_info(p, &p->rule_default.info);
	add_info(p, &p->rule_unknown.info);
	limits_finish(l);
	check_rules(l);
}
