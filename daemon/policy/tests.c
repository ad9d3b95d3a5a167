/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests: – what the owner expects of the policy, checked before anything runs on it. */
#include <string.h>

#include "catalogue.h"
#include "catalogued.h"
#include "countries.h"
#include "loader.h"
#include "spoken.h"
#include "zoneinfo.h"

/* While a test is read. */
struct test_draft {
	struct test test;
	bool has_from, has_to, has_asn, has_covered;
};

static bool
fits_label(struct test_draft *d, const struct labels *names, const char *text)
{
	size_t n;
	const struct label *hit = labels_find(names, text, &n);
	if (hit)
		d->test.facts.device = hit->device;
	return hit;
}

/* A device's name, an address or a MAC: whichever it is, the others follow from the inventory. */
static void
load_test_from(struct loader *l, const struct node *value, void *into)
{
	struct test_draft *d = into;
	struct facts *f = &d->test.facts;
	const char *text;
	struct mac mac;
	if (!read_text(l, value, &text))
		return;
	if (addr_parse(text, &f->local)) {
		f->device = policy_device_by_addr(l->p, &f->local);
		f->zone = policy_zone_by_addr(l->p, &f->local);
	} else if (mac_parse(text, &mac)) {
		f->device = policy_device_by_mac(l->p, &mac);
	} else if (!fits_label(d, &l->p->names, text)) {
		unknown_label(l, value, &l->p->names, "is called");
		return;
	}
	d->test.from = region_text(&l->p->region, text);
	d->has_from = d->test.from;
}

static void
load_test_to(struct loader *l, const struct node *value, void *into)
{
	struct test_draft *d = into;
	d->has_to = read_addr(l, value, &d->test.facts.remote);
}

static void
load_test_port(struct loader *l, const struct node *value, void *into)
{
	struct facts *f = &((struct test_draft *)into)->test.facts;
	const char *text;
	if (!read_text(l, value, &text))
		return;
	if (!port_single(text, &f->proto, &f->has_port, &f->port))
		diag_hint(load_error(l, value, "E126", "\"%.64s\" is not one port", text),
			  "as in tcp/443, udp/123 or icmp");
}

static void
load_test_country(struct loader *l, const struct node *value, void *into)
{
	read_country(l, value, ((struct test_draft *)into)->test.facts.place.country);
}

static void
load_test_registered(struct loader *l, const struct node *value, void *into)
{
	read_country(l, value, ((struct test_draft *)into)->test.facts.place.registered);
}

static void
load_test_asn(struct loader *l, const struct node *value, void *into)
{
	struct test_draft *d = into;
	d->has_asn = read_asn(l, value, &d->test.facts.place.asn);
}

static void
load_test_anycast(struct loader *l, const struct node *value, void *into)
{
	read_bool(l, value, &((struct test_draft *)into)->test.facts.place.anycast);
}

static void
load_test_direction(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {{"outbound", false}, {"inbound", true}};
	unsigned v;
	if (read_choice(l, value, choices, 2, &v))
		((struct test_draft *)into)->test.facts.inbound = v;
}

static void
load_test_zone(struct loader *l, const struct node *value, void *into)
{
	struct test_draft *d = into;
	const char *text;
	if (!read_text(l, value, &text))
		return;
	int zone = zone_find(l->p, text);
	if (zone < 0)
		unknown_zone(l, value);
	else
		d->test.facts.zone = (uint8_t)zone;
}

/* Fixed places: "2026-11-23 03:00". */
static bool
parse_moment(const char *t, int64_t *ret_s)
{
	static const char shape[] = "dddd-dd-dd dd:dd";
	static const unsigned char month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned v[5] = {0}, field = 0;
	if (strlen(t) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		bool digit = t[i] >= '0' && t[i] <= '9';
		if (shape[i] == 'd' ? !digit : t[i] != shape[i])
			return false;
		if (digit)
			v[field] = v[field] * 10 + (unsigned)(t[i] - '0');
		else
			field++;
	}
	if (v[0] < 1970 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > month_days[v[1] - 1] || v[3] > 23 ||
	    v[4] > 59)
		return false;
	*ret_s = civil_days(v[0], v[1], v[2]) * 86400 + (int64_t)v[3] * 3600 + (int64_t)v[4] * 60;
	return true;
}

static void
load_test_at(struct loader *l, const struct node *value, void *into)
{
	struct test_draft *d = into;
	const char *text;
	if (!read_text(l, value, &text))
		return;
	d->test.has_time = parse_moment(text, &d->test.facts.wall_s);
	if (!d->test.has_time)
		diag_hint(load_error(l, value, "E130", "\"%.64s\" is not a moment", text),
			  "in UTC, as in \"2026-11-23 03:00\"");
}

static void
load_test_expect(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {{"allow", ACTION_ALLOW},
						{"alert", ACTION_ALERT},
						{"block", ACTION_BLOCK},
						{"reject", ACTION_REJECT},
						{"quarantine", ACTION_QUARANTINE}};
	unsigned v;
	if (read_choice(l, value, choices, 5, &v))
		((struct test_draft *)into)->test.expect = (enum action)v;
}

static void
load_test_rule(struct loader *l, const struct node *value, void *into)
{
	struct test_draft *d = into;
	const char *text;
	if (!read_text(l, value, &text))
		return;
	const char **names =
		region_alloc(&l->scratch, (l->p->n_rules + POLICY_BUILTIN_RULES) * sizeof(char *));
	size_t n = 0;
	if (!names)
		return;
	names[n++] = "zones";
	names[n++] = "default";
	names[n++] = "unknown-devices";
	for (size_t i = 0; i < l->p->n_rules; i++)
		names[n++] = l->p->rules[i]->info.name;
	for (size_t i = 0; i < n && !d->test.rule; i++)
		if (strcmp(names[i], text) == 0)
			d->test.rule = region_text(&l->p->region, text);
	if (!d->test.rule)
		hint_closest(load_error(l, value, "E134", "there is no rule \"%.64s\"", text), text, names,
			     n);
}

static void
load_test_protocol(struct loader *l, const struct node *value, void *into)
{
	struct vec one = {0};
	parse_protocol(l, value, &one);
	if (one.n)
		((struct test_draft *)into)->test.facts.protocol = protocol_find(((struct protocol_item *)one.items)->name);
}

/* A name in full, in lower case; NULL: there was an error. */
static const char *
load_test_text(struct loader *l, const struct node *value)
{
	struct vec one = {0};
	parse_pattern(l, value, &one);
	const struct name_pattern *p = one.n ? one.items : NULL;
	if (p && (p->any || p->under)) {
		diag_hint(load_error(l, value, "E145", "\"%.64s\" is not one name", value->text), "a flow has one name, without a star");
		return NULL;
	}
	return p ? p->text : NULL;
}

/* The client says it, and DNS has proved it. */
static void
load_test_name(struct loader *l, const struct node *value, void *into)
{
	struct facts *f = &((struct test_draft *)into)->test.facts;
	f->name = f->bound[0] = load_test_text(l, value);
	f->n_bound = f->name != NULL;
}

static void
load_test_query(struct loader *l, const struct node *value, void *into)
{
	((struct test_draft *)into)->test.facts.query = load_test_text(l, value);
}

static void
load_test_ech(struct loader *l, const struct node *value, void *into)
{
	read_bool(l, value, &((struct test_draft *)into)->test.facts.ech);
}

static void
load_test_maker(struct loader *l, const struct node *value, void *into)
{
	((struct test_draft *)into)->test.facts.maker = read_maker(l, value);
}

static void
load_test_covered(struct loader *l, const struct node *value, void *into)
{
	struct test_draft *d = into;
	d->has_covered = read_bool(l, value, &d->test.facts.covered);
}

static void
load_test_unmasked(struct loader *l, const struct node *value, void *into)
{
	read_bool(l, value, &((struct test_draft *)into)->test.facts.unmasked);
}

static void
load_test_used_up(struct loader *l, const struct node *value, void *into)
{
	read_bool(l, value, &((struct test_draft *)into)->test.facts.used_up);
}

static const struct field test_fields[] = {
	{"from", load_test_from, FIELD_REQUIRED},
	{"to", load_test_to, FIELD_REQUIRED},
	{"port", load_test_port, FIELD_REQUIRED},
	{"expect", load_test_expect, FIELD_REQUIRED},
	{"country", load_test_country, 0},
	{"registered-country", load_test_registered, 0},
	{"asn", load_test_asn, 0},
	{"anycast", load_test_anycast, 0},
	{"direction", load_test_direction, 0},
	{"zone", load_test_zone, 0},
	{"protocol", load_test_protocol, 0},
	{"name", load_test_name, 0},
	{"query", load_test_query, 0},
	{"ech", load_test_ech, 0},
	{"maker", load_test_maker, 0},
	{"covered", load_test_covered, 0},
	{"unmasked", load_test_unmasked, 0},
	{"used-up", load_test_used_up, 0},
	{"at", load_test_at, 0},
	{"rule", load_test_rule, 0},
};

static const struct schema test_schema = {"a test", test_fields, sizeof(test_fields) / sizeof(test_fields[0]),
					  0};

/*
 * The place is what the test says; where it says nothing, what an override or the registries say. Databases
 * are not asked.
 */
static void
complete_place(struct geo *overrides, struct test_draft *d)
{
	struct place *said = &d->test.facts.place, found;
	geo_lookup(overrides, &d->test.facts.remote, &found);
	if (!d->has_asn)
		said->asn = found.asn;
	if (!said->country[0]) {
		memcpy(said->country, found.country, sizeof(said->country));
		said->special = found.special;
	}
	const struct country *c = said->country[0] ? country_find(said->country) : NULL;
	if (c)
		memcpy(said->continent, c->continent, sizeof(said->continent));
}

/* A maker says by itself whether it is covered. */
static void
complete_maker(const struct policy *p, struct test_draft *d)
{
	const struct maker *makers;
	size_t n = catalogue_makers(p->catalogue, &makers);
	if (!d->has_covered && d->test.facts.maker < n)
		d->test.facts.covered = makers[d->test.facts.maker].covered && !makers[d->test.facts.maker].platform;
}

static bool
addr_is_set(const struct addr *a)
{
	static const struct addr none;
	return addr_cmp(a, &none) != 0;
}

/* The zone of a device is where its address is; without one it is the only zone that is watched. */
static void
complete_zone(struct loader *l, struct test_draft *d, const struct node *value)
{
	struct facts *f = &d->test.facts;
	const struct policy *p = l->p;
	const struct policy_device *dev = f->device != DEVICE_UNKNOWN ? &p->devices[f->device] : NULL;
	unsigned watched = 0;
	if (!addr_is_set(&f->local) && dev && dev->n_addresses)
		f->local = dev->addresses[0];
	if (f->zone == ZONE_NONE && addr_is_set(&f->local))
		f->zone = policy_zone_by_addr(p, &f->local);
	for (size_t i = 0; i < p->n_zones && f->zone == ZONE_NONE; i++)
		watched += p->zones[i].n_interfaces > 0;
	for (size_t i = 0; watched == 1 && i < p->n_zones; i++)
		if (p->zones[i].n_interfaces > 0)
			f->zone = (uint8_t)i;
	if (f->zone == ZONE_NONE)
		diag_hint(load_error(l, value, "E151", "this test does not say in which zone the device is"),
			  "add zone: NAME");
}

static void
load_test(struct loader *l, const struct node *value, struct geo *overrides, struct vec *tests)
{
	struct test_draft d = {.test = {.spot = node_spot(value)}};
	unsigned before = l->diags->errors;
	d.test.facts.known = FACT_ALL;
	d.test.facts.protocol = "unknown";
	d.test.facts.device = DEVICE_UNKNOWN;
	d.test.facts.maker = MAKER_UNKNOWN;
	d.test.facts.zone = d.test.facts.remote_zone = ZONE_NONE;
	load_map(l, value, &test_schema, &d);
	if (!d.has_from || !d.has_to || l->diags->errors != before)
		return;
	d.test.facts.remote_zone = policy_far_zone_by_addr(l->p, &d.test.facts.remote);
	complete_place(overrides, &d);
	complete_maker(l->p, &d);
	complete_zone(l, &d, value);
	struct test *slot = vec_push(&l->p->region, tests, sizeof(*slot));
	if (slot)
		*slot = d.test;
}

void
load_tests(struct loader *l, const struct node *value, void *into)
{
	struct vec tests = {0};
	(void)into;
	if (!expect_list(l, value, "tests"))
		return;
	const struct geo_config without_databases = {.overrides = l->p->geo.overrides,
						     .n_overrides = l->p->geo.n_overrides};
	struct geo *overrides = geo_open(&without_databases, 0);
	if (!overrides) {
		l->p->region.failed = true;
		return;
	}
	for (const struct node *n = value->first; n; n = n->next) {
		if (tests.n == TESTS_MAX) {
			load_error(l, n, "E115", "more than %d tests", TESTS_MAX);
			break;
		}
		load_test(l, n, overrides, &tests);
	}
	geo_close(overrides);
	l->p->tests = tests.items;
	l->p->n_tests = tests.n;
}

/* "default", or rule "name". */
static const char *
rule_text(const struct rule_info *r, char out[NAME_MAX_LEN + 16])
{
	snprintf(out, NAME_MAX_LEN + 16, r->kind == RULE_WRITTEN ? "rule \"%s\"" : "%s", r->name);
	return out;
}

static const char *
port_text(const struct facts *f, char out[32])
{
	const char *name = proto_name(f->proto);
	if (f->has_port)
		snprintf(out, 32, "%s/%u", name ? name : "?", f->port);
	else
		snprintf(out, 32, "%s", name ? name : "?");
	return out;
}

static void
fail_test(const struct test *t, const struct judgement *j, struct diags *diags)
{
	char to[ADDR_TEXT], port[32], rule[NAME_MAX_LEN + 16], expected[NAME_MAX_LEN + 32] = "";
	struct place_in_file at = spot_place(&t->spot);
	if (t->rule)
		snprintf(expected, sizeof(expected), " by \"%s\"", t->rule);
	struct diag *g = diag_add(diags, DIAG_ERROR, "E150", &at, t->spot.source->text,
				  "test failed: %s -> %s %s is %s by %s, expected %s%s", t->from,
				  addr_print(&t->facts.remote, to), port_text(&t->facts, port),
				  action_name(j->rule->action), rule_text(j->rule, rule),
				  action_name(t->expect), expected);
	if (j->rule->line)
		diag_related(g, &(struct place_in_file){j->rule->file, j->rule->line, 1, 0});
}

static bool
run_test(const struct policy *p, const struct test *t, struct diags *diags)
{
	struct judgement j;
	struct place_in_file at = spot_place(&t->spot);
	policy_judge(p, &t->facts, &j);
	if (j.scheduled && !t->has_time) {
		diag_hint(diag_add(diags, DIAG_ERROR, "E152", &at, t->spot.source->text,
				   "what this test asks depends on the time"),
			  "add at: \"YYYY-MM-DD HH:MM\"");
		return false;
	}
	if (j.rule->action == t->expect && (!t->rule || strcmp(t->rule, j.rule->name) == 0))
		return true;
	fail_test(t, &j, diags);
	return false;
}

unsigned
policy_run_tests(const struct policy *p, struct diags *diags)
{
	unsigned failed = 0;
	for (size_t i = 0; i < p->n_tests; i++)
		failed += !run_test(p, &p->tests[i], diags);
	return failed;
}
