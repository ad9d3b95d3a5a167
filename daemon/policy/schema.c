/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps by a table of fields, lists by one function an element. */
#include <string.h>

#include "loader.h"

enum {
	NAMES_MAX = 48, /* keys that may stand in one map */
};

/* For messages: which map a condition belongs to. */
static const char *
condition_home(const struct condition_row *row)
{
	return row->where & COND_RULE	? "in the rule itself"
	       : row->where & COND_FROM ? "in from:"
					: "in to: or in a set";
}

bool
expect_map(struct loader *l, const struct node *n, const char *what)
{
	if (n->kind == NODE_TEXT || n->kind == NODE_LIST) {
		struct diag *g = load_error(l, n, "E103", "%s must be a map", what);
		diag_hint(g, "KEY: VALUE lines, or {KEY: VALUE, …}");
	}
	return n->kind == NODE_MAP;
}

bool
expect_list(struct loader *l, const struct node *n, const char *what)
{
	if (n->kind == NODE_TEXT || n->kind == NODE_MAP) {
		struct diag *g = load_error(l, n, "E103", "%s must be a list", what);
		diag_hint(g, "lines that begin with -, or […]");
	}
	return n->kind == NODE_LIST;
}

static const struct field *
field_find(const struct schema *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->fields[i].key, key) == 0)
			return &s->fields[i];
	return NULL;
}

static void
unknown_key(struct loader *l, const struct node *key, const struct schema *s)
{
	const char *names[NAMES_MAX];
	size_t n = 0, n_rows;
	const struct condition_row *rows = condition_rows(&n_rows);
	const struct condition_row *elsewhere =
		s->conditions ? condition_find(key->text, COND_FROM | COND_TO | COND_RULE) : NULL;
	if (elsewhere) {
		load_error(l, key, "E138", "\"%s\" does not belong to %s but %s", key->text, s->what,
			   condition_home(elsewhere));
		return;
	}
	for (size_t i = 0; i < s->n && n < NAMES_MAX; i++)
		names[n++] = s->fields[i].key;
	for (size_t i = 0; i < n_rows && n < NAMES_MAX; i++)
		if (rows[i].where & s->conditions)
			names[n++] = rows[i].key;
	struct diag *g = load_error(l, key, "E102", "unknown key \"%.64s\" in %s", key->text, s->what);
	hint_closest(g, key->text, names, n);
}

void
load_map(struct loader *l, const struct node *map, const struct schema *schema, void *into)
{
	if (l->asked && l->asked->kind == ASKED_NOTHING)
		l->asked->schema = schema;
	if (was_asked(l, ASKED_MAP))
		return;
	if (!expect_map(l, map, schema->what))
		return;
	for (const struct node *k = map->first; k; k = k->next)
		if (k->kind == NODE_TEXT && !field_find(schema, k->text) &&
		    !condition_find(k->text, schema->conditions))
			unknown_key(l, k, schema);
	for (size_t i = 0; i < schema->n; i++) {
		const struct field *f = &schema->fields[i];
		const struct node *value = node_get(map, f->key);
		if (value)
			f->load(l, value, into);
		else if (f->flags & FIELD_REQUIRED)
			load_error(l, map, "E107", "%s needs \"%s\"", schema->what, f->key);
	}
}

void
load_each(struct loader *l, const struct node *value,
	  void (*load)(struct loader *l, const struct node *value, void *into), void *into)
{
	if (l->asked && l->asked->kind == ASKED_NOTHING)
		l->asked->each = true;
	if (l->asked || value->kind != NODE_LIST) {
		load(l, value, into);
		return;
	}
	if (!value->first)
		load_error(l, value, "E140", "this list is empty");
	for (const struct node *n = value->first; n; n = n->next)
		load(l, n, into);
}
