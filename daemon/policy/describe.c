/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy's language as a JSON Schema (draft 7), made by asking the loader itself: each key's own load function is called, and the
 * readers note what they would take instead of reading. So a key, a word or a range cannot be in the one and not in the other. What is
 * written by hand here are the patterns of texts that a condition reads by itself, and a few sentences about keys that need each other.
 *
 * All values are text, as this loader reads YAML: a program that types scalars by itself sees strings where it would see numbers.
 */
#include "describe.h"

#include <ctype.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "countries.h"
#include "json.h"
#include "list.h"
#include "loader.h"
#include "options.h"
#include "probe.h"

enum {
	RANGE_MAX = 4096,
	PROTOCOLS_MAX = 128,
	SAID_MAX = 65536, /* what a section's load function may write to */
};

struct describer {
	struct loader *l;
	struct json *j;
	void *into;
	bool failed; /* the loader takes something that has no words here */
};

/* Texts that their key's function reads by itself: by the key, or by map and key. */
static const struct {
	const char *map, *key, *pattern;
} texts[] = {
	{"the policy", "version", "^1$"},
	{"a test", "port", NULL}, /* described apart */
	{"a test", "from", "^.+$"},
	{"a test", "name", "^" NAME "$"},
	{"a test", "query", "^" NAME "$"},
	{"when", "days", "^" DAY "(-" DAY ")?$"},
	{"when", "time", "^(?!(.{5})-\\1$)" HOUR "-(" HOUR "|24:00)$"},
	{"when", "zone", "^.+$"},
	{"position", "before", "^.+$"},
	{"a list", "file", "^.{1,1023}$"},
	{NULL, "zone", "^.+$"},
	{NULL, "device", "^.+$"},
	{NULL, "group", "^.+$"},
	{NULL, "brand", "^.+$"},
	{NULL, "maker", "^.+$"},
	{NULL, "cloud", "^.+$"},
	{NULL, "rule", "^.+$"},
	{NULL, "continent", "^(AF|AN|AS|EU|NA|OC|SA)$"},
	{NULL, "port", NULL},
	{NULL, "name", "^(\\*|(\\*\\.)?" NAME ")$"},
	{NULL, "query", "^(\\*|(\\*\\.)?" NAME ")$"},
	{NULL, "at", "^" DATE " " HOUR "$"},
};

static void describe_map(struct describer *d, const struct schema *s);

static void
put_type(struct describer *d, const char *type)
{
	json_str(d->j, "type", type);
}

static void
put_pattern(struct describer *d, const char *pattern)
{
	put_type(d, "string");
	json_str(d->j, "pattern", pattern);
}

/* Every protocol by its name, in either case: tcp/443, or icmp alone. one: neither ranges nor both transports at once. */
static void
put_port(struct describer *d, bool one)
{
	char pattern[RANGE_MAX], number[1024];
	size_t len = 0;
	describe_range(0, UINT16_MAX, number, sizeof(number));
	len += (size_t)snprintf(pattern, sizeof(pattern), "^(");
	for (unsigned i = 1; i < 256 && len < sizeof(pattern); i++) {
		const char *names[] = {proto_name((uint8_t)i), i == 58 ? "icmpv6" : NULL};
		for (int k = 0; k < 2 && names[k]; k++) {
			for (const char *c = names[k]; *c && len < sizeof(pattern); c++)
				len += (size_t)snprintf(pattern + len, sizeof(pattern) - len, isalpha((unsigned char)*c) ? "[%c%c]" : "%c",
							*c, toupper((unsigned char)*c));
			if (!proto_has_ports((uint8_t)i) || !one)
				len += (size_t)snprintf(pattern + len, len < sizeof(pattern) ? sizeof(pattern) - len : 0, "|");
			if (!proto_has_ports((uint8_t)i))
				continue;
			for (const char *c = one ? "" : names[k]; *c && len < sizeof(pattern); c++)
				len += (size_t)snprintf(pattern + len, sizeof(pattern) - len, "[%c%c]", *c, toupper((unsigned char)*c));
			len += (size_t)snprintf(pattern + len, len < sizeof(pattern) ? sizeof(pattern) - len : 0, one ? "/%s|" : "/%s(-%s)?|",
						number, number);
		}
	}
	if (!one)
		len += (size_t)snprintf(pattern + len, len < sizeof(pattern) ? sizeof(pattern) - len : 0, "%s(-%s)?|", number, number);
	if (len >= sizeof(pattern)) {
		d->failed = true;
		return;
	}
	snprintf(pattern + len - 1, sizeof(pattern) - len, ")$");
	put_pattern(d, pattern);
}

static void
put_countries(struct describer *d)
{
	size_t n;
	const struct country *list = countries(&n);
	json_array(d->j, "enum");
	for (size_t i = 0; i < n; i++)
		json_str(d->j, NULL, list[i].code);
	json_array_end(d->j);
}

static void
put_protocols(struct describer *d)
{
	size_t n;
	const struct probe *const *list = probe_list(&n);
	json_array(d->j, "enum");
	for (size_t i = 0; i < n; i++) {
		bool twice = false;
		for (size_t k = 0; k < i && !twice; k++)
			twice = strcmp(list[k]->name, list[i]->name) == 0;
		if (!twice)
			json_str(d->j, NULL, list[i]->name);
	}
	json_str(d->j, NULL, "unknown");
	json_array_end(d->j);
}

static void
put_words(struct describer *d, const struct asked *a)
{
	json_array(d->j, "enum");
	for (size_t i = 0; i < a->n_choices; i++)
		json_str(d->j, NULL, a->choices[i].word);
	json_array_end(d->j);
}

/* "(number)unit|(number)unit": for each unit the numbers whose value lies between min and max. */
struct scale {
	const char *unit;
	uint64_t factor;
	bool thousands; /* the number must end in 000, or be 0 */
};

static void
put_scaled(struct describer *d, const struct scale *scales, size_t n, uint64_t min, uint64_t max)
{
	char pattern[2 * RANGE_MAX] = "^(", number[RANGE_MAX];
	const char *join = "";
	for (size_t i = 0; i < n; i++) {
		uint64_t lo = (min + scales[i].factor - 1) / scales[i].factor, hi = max / scales[i].factor;
		size_t len = strlen(pattern);
		if (lo > hi)
			continue;
		if (scales[i].thousands && lo == 0)
			lo = 1;
		d->failed |= !describe_range(lo, hi, number, sizeof(number));
		if (scales[i].thousands && min == 0)
			snprintf(pattern + len, sizeof(pattern) - len, "%s0%s|%s000%s", join, scales[i].unit, number, scales[i].unit);
		else
			snprintf(pattern + len, sizeof(pattern) - len, "%s%s%s%s", join, number, scales[i].thousands ? "000" : "",
				 scales[i].unit);
		join = "|";
	}
	size_t len = strlen(pattern);
	snprintf(pattern + len, sizeof(pattern) - len, ")$");
	put_pattern(d, pattern);
}

/* Whole seconds; milliseconds only where they are full seconds. */
static void
put_seconds(struct describer *d, uint64_t min, uint64_t max)
{
	static const struct scale scales[] = {{"ms", 1, true}, {"s", 1, false}, {"m", 60, false}, {"h", 3600, false}, {"d", 86400, false}};
	put_scaled(d, scales, 5, min, max);
}

static void
put_milliseconds(struct describer *d, uint64_t min, uint64_t max)
{
	static const struct scale scales[] = {
		{"ms", 1, false}, {"s", 1000, false}, {"m", 60000, false}, {"h", 3600000, false}, {"d", 86400000, false}};
	put_scaled(d, scales, 5, min, max);
}

static void
put_bytes(struct describer *d, uint64_t min, uint64_t max)
{
	static const struct scale scales[] = {{"B?", 1, false},		{"kB", 1000, false},	 {"MB", 1000000, false},
					      {"GB", 1000000000, false}, {"KiB", 1 << 10, false}, {"MiB", 1 << 20, false},
					      {"GiB", 1 << 30, false}};
	put_scaled(d, scales, 7, min, max);
}

static void
put_number(struct describer *d, uint64_t min, uint64_t max, const char *but)
{
	char pattern[RANGE_MAX + 64], number[RANGE_MAX];
	d->failed |= !describe_range(min, max, number, sizeof(number));
	snprintf(pattern, sizeof(pattern), "^%s%s$", but, number);
	put_pattern(d, pattern);
}

static void
put_option(struct describer *d, const struct option_row *o)
{
	json_object(d->j, o->key);
	json_str(d->j, "description", o->help);
	switch (o->unit) {
	case OPTION_COUNT:
		put_number(d, o->min, o->max, "");
		break;
	case OPTION_SECONDS:
		put_seconds(d, o->min, o->max);
		break;
	case OPTION_MILLISECONDS:
		put_milliseconds(d, o->min, o->max);
		break;
	case OPTION_BYTES:
		put_bytes(d, o->min, o->max);
		break;
	}
	json_object_end(d->j);
}

static void
put_options(struct describer *d)
{
	size_t n;
	const struct option_row *rows = option_rows(&n);
	put_type(d, "object");
	json_bool(d->j, "additionalProperties", false);
	json_object(d->j, "properties");
	for (size_t i = 0; i < n; i++)
		put_option(d, &rows[i]);
	json_object_end(d->j);
}

static void
put_text(struct describer *d, const char *map, const char *key)
{
	if (strcmp(key, "protocol") == 0) {
		put_protocols(d);
		return;
	}
	if (strcmp(key, "port") == 0) {
		put_port(d, strcmp(map, "a test") == 0);
		return;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].key, key) == 0 && (!texts[i].map || strcmp(texts[i].map, map) == 0)) {
			put_pattern(d, texts[i].pattern);
			return;
		}
	fprintf(stderr, "lenscap: the loader takes \"%s\" in %s, and its schema has no words for that\n", key, map);
	d->failed = true;
}

static void
put_leaf(struct describer *d, const struct asked *a, const char *map, const char *key)
{
	switch (a->kind) {
	case ASKED_NOTHING:
	case ASKED_TEXT:
		put_text(d, map, key);
		break;
	case ASKED_NAME:
		put_pattern(d, "^(?![-.])[A-Za-z0-9._-]{1,63}$");
		break;
	case ASKED_LABEL:
		put_pattern(d, "^.{1,63}$");
		break;
	case ASKED_PATH:
		put_pattern(d, "^/.{0,1022}$");
		break;
	case ASKED_WORDS:
		put_words(d, a);
		break;
	case ASKED_NUMBER: /* what is a signature id is the only one outside of options: */
		put_number(d, a->min, a->max, strcmp(key, "id") == 0 ? "(?!19900[0-9][1-9]$|19900[1-9]0$)" : "");
		break;
	case ASKED_DURATION:
		if (strcmp(key, "for") == 0)
			put_seconds(d, 1, 3650 * 86400);
		else
			put_milliseconds(d, 0, (uint64_t)UINT32_MAX * 1000 + 999);
		break;
	case ASKED_SIZE: /* outside of options: only limits have one */
		put_bytes(d, 1, 100000000000000);
		break;
	case ASKED_PREFIX:
		put_pattern(d, "^(" V4 "(/([0-9]|[12][0-9]|3[0-2]))?|" V6 "(/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?)$");
		break;
	case ASKED_ADDR:
		put_pattern(d, "^(" V4 "|" V6 ")$");
		break;
	case ASKED_MAC:
		put_pattern(d, "^(?![0:-]+$)[0-9A-Fa-f][02468ACEace]([:-])[0-9A-Fa-f]{2}(\\1[0-9A-Fa-f]{2}){4}$");
		break;
	case ASKED_COUNTRY:
		put_countries(d);
		break;
	case ASKED_ASN:
		put_number(d, 1, UINT32_MAX, "(AS)?");
		break;
	case ASKED_IFNAME:
		put_pattern(d, "^(?![-.])[A-Za-z0-9._-]{1,15}$");
		break;
	case ASKED_MAP:
		describe_map(d, a->schema);
		break;
	}
}

/* One value, or the file that it stands in. */
static void
put_item(struct describer *d, const struct asked *a, const char *map, const char *key)
{
	if (!a->list) {
		put_leaf(d, a, map, key);
		return;
	}
	json_array(d->j, "anyOf");
	json_object(d->j, NULL);
	put_leaf(d, a, map, key);
	json_object_end(d->j);
	json_object(d->j, NULL);
	describe_map(d, &list_schema);
	json_object_end(d->j);
	json_array_end(d->j);
}

/* One value, or a list of at least one. */
static void
put_asked(struct describer *d, const struct asked *a, const char *map, const char *key)
{
	if (!a->each) {
		put_leaf(d, a, map, key);
		return;
	}
	json_array(d->j, "anyOf");
	json_object(d->j, NULL);
	put_item(d, a, map, key);
	json_object_end(d->j);
	json_object(d->j, NULL);
	put_type(d, "array");
	json_uint(d->j, "minItems", 1);
	json_object(d->j, "items");
	put_item(d, a, map, key);
	json_object_end(d->j);
	json_object_end(d->j);
	json_array_end(d->j);
}

/* The same function, asked with a value of this shape: of a list or a map what its only element would be is asked. */
static struct asked
ask(struct describer *d, const struct field *f, enum node_kind kind)
{
	static const struct source nowhere = {.name = "", .text = "", .len = 0};
	struct asked a = {.kind = ASKED_NOTHING, .keys = kind == NODE_MAP};
	struct node inner = {.kind = NODE_TEXT, .text = "x", .source = &nowhere, .line = 1, .col = 1};
	struct node child = {.kind = NODE_TEXT, .text = "x", .source = &nowhere, .line = 1, .col = 1, .value = &inner};
	struct node value = {.kind = kind, .text = "x", .source = &nowhere, .line = 1, .col = 1};
	if (kind != NODE_TEXT) {
		value.first = &child;
		value.n = 1;
	}
	memset(d->into, 0, SAID_MAX);
	d->l->p->n_zones = d->l->p->n_sets = 0;
	d->l->asked = &a;
	f->load(d->l, &value, d->into);
	d->l->asked = NULL;
	return a;
}

/* A list whose elements are maps of this schema. */
static void
put_list(struct describer *d, const struct field *f, unsigned min, unsigned max)
{
	struct asked a = ask(d, f, NODE_LIST);
	put_type(d, "array");
	if (min)
		json_uint(d->j, "minItems", min);
	json_uint(d->j, "maxItems", max);
	json_object(d->j, "items");
	if (a.kind == ASKED_MAP)
		describe_map(d, a.schema);
	else
		d->failed = true;
	json_object_end(d->j);
}

/* A map from names to maps of this schema. Zones and sets read the name first. */
static void
put_named(struct describer *d, const struct field *f)
{
	struct asked a = ask(d, f, NODE_MAP);
	put_type(d, "object");
	json_object(d->j, "propertyNames");
	put_pattern(d, "^(?!any$)(?![-.])[A-Za-z0-9._-]{1,63}$");
	json_object_end(d->j);
	json_object(d->j, "additionalProperties");
	if (a.kind == ASKED_MAP)
		describe_map(d, a.schema);
	else
		d->failed = true;
	json_object_end(d->j);
}

/* from: and to: – a name, names, or a map of conditions. */
static void
put_side(struct describer *d, const char *what, unsigned where)
{
	const struct schema s = {what, NULL, 0, where};
	json_array(d->j, "anyOf");
	json_object(d->j, NULL);
	put_pattern(d, "^.+$");
	json_object_end(d->j);
	json_object(d->j, NULL);
	put_type(d, "array");
	json_uint(d->j, "minItems", 1);
	json_object(d->j, "items");
	put_pattern(d, "^.+$");
	json_object_end(d->j);
	json_object_end(d->j);
	json_object(d->j, NULL);
	describe_map(d, &s);
	json_object_end(d->j);
	json_array_end(d->j);
}

/* default: – an action, or a map. */
static void
put_default(struct describer *d, const struct field *f)
{
	struct asked word = ask(d, f, NODE_TEXT), map = ask(d, f, NODE_MAP);
	json_array(d->j, "anyOf");
	json_object(d->j, NULL);
	put_leaf(d, &word, "default", f->key);
	json_object_end(d->j);
	json_object(d->j, NULL);
	put_leaf(d, &map, "default", f->key);
	json_object_end(d->j);
	json_array_end(d->j);
}

/* {before: RULE} or {after: RULE}, for drop-ins alone. */
static void
put_position(struct describer *d)
{
	put_type(d, "object");
	json_uint(d->j, "minProperties", 1);
	json_uint(d->j, "maxProperties", 1);
	json_bool(d->j, "additionalProperties", false);
	json_object(d->j, "properties");
	for (int i = 0; i < 2; i++) {
		json_object(d->j, i ? "after" : "before");
		put_pattern(d, "^.+$");
		json_object_end(d->j);
	}
	json_object_end(d->j);
}

/* Sections whose values are more than a reader's. */
static bool
put_section(struct describer *d, const struct schema *s, const struct field *f)
{
	static const struct {
		const char *key;
		unsigned min, max;
	} lists[] = {{"devices", 0, DEVICES_MAX}, {"rules", 0, RULES_MAX}, {"tests", 0, TESTS_MAX}, {"outputs", 1, OUTPUTS_MAX},
		     {"overrides", 0, GEO_OVERRIDES_MAX}};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i].key, f->key) == 0) {
			put_list(d, f, lists[i].min, lists[i].max);
			return true;
		}
	if (s == &schema_policy && (strcmp(f->key, "zones") == 0 || strcmp(f->key, "sets") == 0))
		put_named(d, f);
	else if (s == &schema_policy && strcmp(f->key, "options") == 0)
		put_options(d);
	else if (s == &schema_policy && strcmp(f->key, "default") == 0)
		put_default(d, f);
	else if (s == &schema_policy && strcmp(f->key, "position") == 0)
		put_position(d);
	else if (s->conditions & COND_RULE && strcmp(f->key, "from") == 0)
		put_side(d, "from:", COND_FROM);
	else if (s->conditions & COND_RULE && strcmp(f->key, "to") == 0)
		put_side(d, "to:", COND_TO);
	else
		return false;
	return true;
}

static void
put_field(struct describer *d, const struct schema *s, const struct field *f)
{
	json_object(d->j, f->key);
	if (!put_section(d, s, f)) {
		struct asked a = ask(d, f, NODE_TEXT);
		if (strcmp(s->what, "when") == 0) /* read by parse_when(): days and times may be lists */
			a.each = strcmp(f->key, "zone") != 0;
		put_asked(d, &a, s->what, f->key);
	}
	json_object_end(d->j);
}

static void
put_condition(struct describer *d, const struct schema *s, const struct condition_row *row)
{
	static const struct source nowhere = {.name = "", .text = "", .len = 0};
	const struct node value = {.kind = NODE_TEXT, .text = "x", .source = &nowhere, .line = 1, .col = 1};
	struct asked a = {.kind = ASKED_NOTHING};
	struct vec items = {0};
	d->l->asked = &a;
	row->parse(d->l, &value, &items);
	d->l->asked = NULL;
	a.each = !(row->where & COND_ONE);
	a.list = row->list != LIST_NONE;
	json_object(d->j, row->key);
	json_str(d->j, "description", row->help);
	put_asked(d, &a, s->what, row->key);
	json_object_end(d->j);
}

static void
describe_map(struct describer *d, const struct schema *s)
{
	size_t n_rows, required = 0;
	const struct condition_row *rows = condition_rows(&n_rows);
	put_type(d, "object");
	json_bool(d->j, "additionalProperties", false);
	json_object(d->j, "properties");
	for (size_t i = 0; i < s->n; i++)
		put_field(d, s, &s->fields[i]);
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].where & s->conditions)
			put_condition(d, s, &rows[i]);
	json_object_end(d->j);
	for (size_t i = 0; i < s->n; i++) {
		if (!(s->fields[i].flags & FIELD_REQUIRED))
			continue;
		if (required++ == 0)
			json_array(d->j, "required");
		json_str(d->j, NULL, s->fields[i].key);
	}
	if (required)
		json_array_end(d->j);
	describe_needs(d->j, s);
}

bool
policy_describe(struct json *j)
{
	struct loader l = {.p = describe_blank()};
	struct diags unread = {0};
	struct describer d = {.l = &l, .j = j, .into = malloc(SAID_MAX)};
	l.diags = &unread;
	if (l.p && d.into) {
		json_object(j, NULL);
		json_str(j, "$schema", "http://json-schema.org/draft-07/schema#");
		json_str(j, "title", "lenscap policy");
		json_str(j, "description", "lenscap.yaml(5); made by `lenscap schema`. All values are text.");
		describe_map(&d, &schema_policy);
		json_object_end(j);
	}
	bool ok = l.p && d.into && !d.failed && !l.p->region.failed;
	region_free(&l.scratch);
	diags_free(&unread);
	policy_free(l.p);
	free(d.into);
	return ok;
}
