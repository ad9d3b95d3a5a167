/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From files to a policy: read, merge, load section by section in the order in which they need each other,
 * then what can only be said of the whole. Nothing stops at the first error.
 */
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "catalogue.h"
#include "index.h"
#include "list.h"
#include "loader.h"

static void
load_version(struct loader *l, const struct node *value, void *into)
{
	const char *text;
	(void)into;
	if (read_text(l, value, &text) && strcmp(text, "1") != 0) {
		struct diag *g = load_error(
			l, value, "E141", "version \"%.64s\" of the policy language is not known here", text);
		diag_hint(g, "this program reads version 1");
	}
}

static void
load_mode(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {{"monitor", MODE_MONITOR}, {"enforce", MODE_ENFORCE}};
	unsigned mode;
	(void)into;
	if (!read_choice(l, value, choices, 2, &mode))
		return;
	if (l->mode != BUNDLE_MODE_OWN)
		mode = l->mode == BUNDLE_MODE_ENFORCE ? MODE_ENFORCE : MODE_MONITOR;
	l->p->mode = (enum mode)mode;
	l->p->mode_said = true;
}

static void
load_fail(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {{"open", FAIL_OPEN}, {"closed", FAIL_CLOSED}};
	unsigned fail;
	(void)into;
	if (!read_choice(l, value, choices, 2, &fail))
		return;
	l->p->fail = (enum fail_mode)fail;
	l->p->fail_said = true;
}

static void
load_unknown_devices(struct loader *l, const struct node *value, void *into)
{
	static const struct choice choices[] = {
		{"allow", ACTION_ALLOW}, {"alert", ACTION_ALERT}, {"block", ACTION_BLOCK}, {"quarantine", ACTION_QUARANTINE}};
	unsigned action;
	(void)into;
	if (read_choice(l, value, choices, 4, &action))
		l->p->unknown_devices = (enum action)action;
}

/* Judged by merge_files(). */
static void
load_position(struct loader *l, const struct node *value, void *into)
{
	(void)l;
	(void)value;
	(void)into;
}

/* In the order in which they are loaded: rules need sets, sets need zones, tests need all. */
static const struct field fields[] = {
	{"version", load_version, FIELD_REQUIRED | FIELD_EACH},
	{"mode", load_mode, FIELD_REQUIRED},
	{"fail", load_fail, 0},
	{"unknown-devices", load_unknown_devices, 0},
	{"options", load_options, FIELD_MERGE},
	{"zones", load_zones, FIELD_REQUIRED | FIELD_MERGE},
	{"devices", load_devices, FIELD_APPEND},
	{"sets", load_sets, FIELD_MERGE},
	{"position", load_position, FIELD_EACH},
	{"rules", load_rules, FIELD_APPEND},
	{"default", load_default, FIELD_REQUIRED},
	{"geo", load_geo, FIELD_MERGE},
	{"outputs", load_outputs, FIELD_APPEND},
	{"tests", load_tests, FIELD_APPEND},
};

const struct schema schema_policy = {"the policy", fields, sizeof(fields) / sizeof(fields[0]), 0};

struct policy *
policy_new(void)
{
	struct policy *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	options_defaults(&p->options);
	return p;
}

void
policy_free(struct policy *p)
{
	if (!p)
		return;
	catalogue_unref(p->catalogue);
	index_free(p->index);
	struct list **lists = p->lists.items;
	for (size_t i = 0; i < p->lists.n; i++)
		list_unref(lists[i]);
	region_free(&p->region);
	free(p);
}

/* The policy keeps its text: tests that fail later show their line. */
static bool
copy_sources(struct policy *p, const struct bundle *b)
{
	struct source *s = region_alloc(&p->region, b->n * sizeof(*s));
	for (size_t i = 0; s && i < b->n; i++) {
		s[i].name = region_text(&p->region, b->files[i].name);
		s[i].text = region_copy(&p->region, b->files[i].text, b->files[i].len);
		s[i].len = b->files[i].len;
		if (!s[i].name || !s[i].text)
			return false;
	}
	p->sources = s;
	p->n_sources = s ? b->n : 0;
	memcpy(p->id, b->id, sizeof(p->id));
	return s;
}

static void
read_files(struct loader *l)
{
	size_t n = l->p->n_sources, nodes_left = NODES_MAX;
	struct node **roots = region_alloc(&l->scratch, n * sizeof(struct node *));
	for (size_t i = 0; roots && i < n; i++) {
		bool cut;
		roots[i] = yaml_read(&l->scratch, &l->p->sources[i], &nodes_left, l->diags, &cut);
		l->cut |= cut;
	}
	if (l->cut)
		l->diags = &l->ignored;
	if (roots)
		l->root = merge_files(l, roots, n, &schema_policy);
}

static bool
wants_enforcing(const struct policy *p)
{
	for (size_t i = 0; i < p->n_rules; i++)
		if (p->rules[i]->info.mode == MODE_ENFORCE)
			return true;
	return p->mode == MODE_ENFORCE;
}

/* In enforce mode nobody but the owner can know whether the cameras or their silence matter more. */
static void
check_fail(struct loader *l)
{
	if (node_get(l->root, "fail") || !wants_enforcing(l->p))
		return;
	const struct node *mode = node_get(l->root, "mode");
	struct diag *g = load_error(l, mode ? mode : l->root, "E136",
				    "\"fail\" must be said where anything is enforced");
	diag_hint(g, "fail: open lets traffic pass when lenscap cannot judge it, fail: closed drops it");
}

static void
load_tree(struct loader *l)
{
	load_map(l, l->root, &schema_policy, NULL);
	if (!node_get(l->root, "geo"))
		geo_defaults(l);
	if (!node_get(l->root, "outputs"))
		outputs_defaults(l);
	rules_finish(l);
	check_fail(l);
	if (l->diags->errors == 0) {
		warn_all(l);
		l->p->index = index_new(l->p);
	}
}

/* A reload that changes rules only does not read the catalogue anew. */
static bool
take_catalogue(struct policy *p, const struct bundle *b, struct diags *diags, const struct policy *previous)
{
	struct place_in_file whole = {b->n ? b->files[0].name : "", 0, 0, 0};
	bool same = previous && catalogue_is_of(previous->catalogue, b);
	p->catalogue = same ? catalogue_ref(previous->catalogue) : catalogue_new(b, diags);
	if (b->no_catalogue)
		diag_add(diags, DIAG_WARNING, "W316", &whole, NULL, "the catalogue of cameras is not installed");
	return p->catalogue;
}

struct policy *
policy_build(const struct bundle *b, struct diags *diags, const struct policy *previous)
{
	struct loader l = {.p = policy_new(), .diags = diags, .bundle = b, .previous = previous, .mode = b->mode};
	if (!l.p)
		return NULL;
	if (!take_catalogue(l.p, b, diags, previous)) {
		policy_free(l.p);
		return NULL;
	}
	if (copy_sources(l.p, b)) {
		read_files(&l);
		if (l.root)
			load_tree(&l);
	}
	if (l.p->region.failed || l.scratch.failed)
		diag_add(diags, DIAG_ERROR, "E190", NULL, NULL, "not enough memory for this policy");
	region_free(&l.scratch);
	diags_free(&l.ignored);
	diags_sort(diags);
	return l.p;
}

struct policy *
policy_load_sharing(const struct bundle *b, struct diags *diags, const struct policy *previous)
{
	unsigned before = diags->errors;
	struct policy *p = policy_build(b, diags, previous);
	if (!p)
		diag_add(diags, DIAG_ERROR, "E190", NULL, NULL, "not enough memory for this policy");
	if (diags->errors == before)
		return p;
	policy_free(p);
	return NULL;
}

struct policy *
policy_load(const struct bundle *b, struct diags *diags)
{
	return policy_load_sharing(b, diags, NULL);
}
