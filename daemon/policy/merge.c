/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main file and its drop-ins become one tree. Every node keeps its own file and place, so all later
 * findings point to where the words stand.
 */
#include <stdlib.h>
#include <string.h>

#include "loader.h"

static struct node *
key_find(struct node *map, const char *key)
{
	for (struct node *k = map->first; k; k = k->next)
		if (k->kind == NODE_TEXT && strcmp(k->text, key) == 0)
			return k;
	return NULL;
}

/* Appends the children of `from` to `to`; both are lists or both are maps. */
static void
join(struct node *to, struct node *from)
{
	struct node **end = &to->first;
	while (*end)
		end = &(*end)->next;
	*end = from->first;
	to->n += from->n;
}

static void
twice(struct loader *l, const struct node *key, const struct node *first)
{
	struct spot spot = node_spot(first);
	struct place_in_file before = node_place(first);
	struct diag *g = load_error(l, key, "E108", "the key \"%.64s\" stands in two files", key->text);
	diag_hint(g, "first at %s", spot_text(l, &spot));
	diag_related(g, &before);
}

static int
by_key(const void *a, const void *b)
{
	return strcmp((*(const struct node *const *)a)->text, (*(const struct node *const *)b)->text);
}

/* Finds a key that `to` has already. Inside one file the reader has looked. */
static void
check_twice(struct loader *l, const struct node *to, const struct node *from)
{
	const struct node **keys = region_alloc(&l->scratch, (to->n + 1) * sizeof(struct node *));
	size_t n = 0;
	for (const struct node *k = keys ? to->first : NULL; k; k = k->next)
		if (k->kind == NODE_TEXT)
			keys[n++] = k;
	if (n == 0)
		return;
	qsort(keys, n, sizeof(struct node *), by_key);
	for (const struct node *k = from->first; k; k = k->next) {
		const struct node **hit =
			k->kind == NODE_TEXT ? bsearch(&k, keys, n, sizeof(struct node *), by_key) : NULL;
		if (hit)
			twice(l, k, *hit);
	}
}

static const struct field *
field_of(const struct schema *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->fields[i].key, key) == 0)
			return &s->fields[i];
	return NULL;
}

/* One top-level key that the tree so far has as well. */
static void
merge_key(struct loader *l, struct node *into, struct node *key, const struct schema *schema)
{
	const struct field *f = field_of(schema, key->text);
	unsigned flags = f ? f->flags : 0;
	struct node *have = into->value, *more = key->value;
	if (have->kind == NODE_BROKEN || more->kind == NODE_BROKEN || flags & FIELD_EACH)
		return;
	bool maps = have->kind == NODE_MAP && more->kind == NODE_MAP;
	bool lists = have->kind == NODE_LIST && more->kind == NODE_LIST;
	if (maps && flags & FIELD_MERGE) {
		check_twice(l, have, more);
		join(have, more);
	} else if (lists && flags & FIELD_APPEND) {
		join(have, more);
	} else if (flags & (FIELD_MERGE | FIELD_APPEND)) {
		load_error(l, more, "E103", "\"%s\" must be a %s in every file", key->text,
			   flags & FIELD_MERGE ? "map" : "list");
	} else {
		twice(l, key, into);
	}
}

/* The rule of this name in a list of rules, with the pointer that leads to it. */
static struct node **
rule_link(struct node *rules, const char *name)
{
	for (struct node **link = &rules->first; *link; link = &(*link)->next) {
		const struct node *have = node_get(*link, "name");
		if (have && have->kind == NODE_TEXT && strcmp(have->text, name) == 0)
			return link;
	}
	return NULL;
}

static void
unknown_rule(struct loader *l, const struct node *at, const struct node *rules)
{
	struct diag *g = load_error(l, at, "E134", "there is no rule \"%.64s\" in the files before this one",
				    at->text);
	const char *best = NULL;
	for (const struct node *r = rules->first; r && !best; r = r->next) {
		const struct node *have = node_get(r, "name");
		if (have && have->kind == NODE_TEXT)
			best = diag_closest(at->text, &have->text, 1);
	}
	if (best)
		diag_hint(g, "did you mean \"%s\"?", best);
}

/*
 * position: {before: RULE} or {after: RULE}. Returns the link where the drop-in's rules go; NULL: at the end.
 */
static struct node **
position_find(struct loader *l, const struct node *position, struct node *rules)
{
	const struct node *key = position->kind == NODE_MAP ? position->first : NULL;
	bool one = key && !key->next && key->kind == NODE_TEXT;
	bool before = one && strcmp(key->text, "before") == 0;
	if (position->kind == NODE_BROKEN)
		return NULL;
	if (!one || (!before && strcmp(key->text, "after") != 0)) {
		load_error(l, position, "E103", "position must be {before: RULE} or {after: RULE}");
		return NULL;
	}
	const char *name;
	if (!key->value || !read_text(l, key->value, &name))
		return NULL;
	struct node **link = rule_link(rules, name);
	if (!link)
		unknown_rule(l, key->value, rules);
	return !link || before ? link : &(*link)->next;
}

/*
 * Puts the drop-in's rules where its position says, by taking them out of its list before the lists are
 * joined.
 */
static void
place_rules(struct loader *l, struct node *into, struct node *file)
{
	struct node none = {.kind = NODE_LIST};
	struct node *have_key = key_find(into, "rules"), *more_key = key_find(file, "rules");
	struct node *have = have_key ? have_key->value : &none, *more = more_key ? more_key->value : &none;
	const struct node *position = node_get(file, "position");
	if (!position || have->kind != NODE_LIST)
		return;
	struct node **link = position_find(l, position, have);
	if (!link || more->kind != NODE_LIST || !more->first)
		return;
	struct node *last = more->first;
	while (last->next)
		last = last->next;
	last->next = *link;
	*link = more->first;
	have->n += more->n;
	more->first = NULL;
	more->n = 0;
}

static void
merge_file(struct loader *l, struct node *into, struct node *file, const struct schema *schema)
{
	place_rules(l, into, file);
	for (struct node *k = file->first, *next; k; k = next) {
		next = k->next;
		if (k->kind != NODE_TEXT || !k->value || strcmp(k->text, "position") == 0)
			continue;
		struct node *have = key_find(into, k->text);
		if (have) {
			merge_key(l, have, k, schema);
			continue;
		}
		k->next = NULL;
		join(into, &(struct node){.first = k, .n = 1});
	}
}

struct node *
merge_files(struct loader *l, struct node *const *roots, size_t n, const struct schema *schema)
{
	struct node *main_file = NULL;
	for (size_t i = 0; i < n; i++) {
		struct node *root = roots[i];
		if (!root || !expect_map(l, root, "a policy file"))
			continue;
		const struct node *position = node_get(root, "position");
		if (i == 0 && position)
			load_error(l, position, "E138", "position: is for the files in policy.d");
		if (main_file)
			merge_file(l, main_file, root, schema);
		else
			main_file = root;
	}
	return main_file;
}
