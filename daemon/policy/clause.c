/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the keys of a map to a clause: what is the same for every condition. */
#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "list.h"
#include "loader.h"

enum {
	WALKED_MAX = 8,	   /* names of a condition that are walked rather than searched */
	WRITTEN_MAX = 200, /* bytes of a condition's values that are kept for explaining */
};

/* Keeps the first of equal items; equal means equal bytes, items are zeroed when made. */
static size_t
drop_equal(unsigned char *items, size_t n, size_t bytes)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || memcmp(items + (kept - 1) * bytes, items + i * bytes, bytes) != 0)
			memmove(items + kept++ * bytes, items + i * bytes, bytes);
	return kept;
}

static struct condition
condition_of(const struct condition_row *row, const struct vec *items, unsigned where)
{
	struct condition c = {.row = row, .items = items->items, .n = items->n, .local = where == COND_FROM};
	if (!row->order || c.n < 2)
		return c;
	qsort(items->items, items->n, row->item_bytes, row->order);
	c.n = drop_equal(items->items, items->n, row->item_bytes);
	if (row->tidy)
		c.n = row->tidy(items->items, c.n);
	return c;
}

/* While a value is written out again. */
struct line {
	char text[WRITTEN_MAX];
	size_t len;
	bool cut;
};

static void
line_add(struct line *line, const char *text)
{
	size_t len = strlen(text);
	if (line->cut || line->len + len + sizeof(" …") > sizeof(line->text)) {
		line->cut = true;
		return;
	}
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

/* Depth is bounded by NODE_DEPTH_MAX. */
static void
line_value(struct line *line, const struct node *n, bool inside)
{
	if (n->kind == NODE_TEXT)
		line_add(line, n->text);
	if (n->kind != NODE_LIST && n->kind != NODE_MAP)
		return;
	if (inside)
		line_add(line, n->kind == NODE_MAP ? "{" : "[");
	for (const struct node *child = n->first; child && !line->cut; child = child->next) {
		line_value(line, child, true);
		if (n->kind == NODE_MAP && child->value) {
			line_add(line, ": ");
			line_value(line, child->value, true);
		}
		if (child->next)
			line_add(line, ", ");
	}
	if (inside)
		line_add(line, n->kind == NODE_MAP ? "}" : "]");
}

const char *
condition_written(struct loader *l, const struct node *value)
{
	struct line line = {.len = 0};
	line_value(&line, value, false);
	if (line.cut)
		memcpy(line.text + line.len, " …", sizeof(" …"));
	else
		line.text[line.len] = 0;
	const char *copy = region_text(&l->p->region, line.text);
	return copy ? copy : "";
}

struct item_list {
	const struct condition_row *row;
	struct vec items, lists; /* lists: const struct list * */
};

static void
parse_item(struct loader *l, const struct node *value, void *into)
{
	struct item_list *list = into;
	if (value->kind != NODE_MAP || !list->row->list) {
		list->row->parse(l, value, &list->items);
		return;
	}
	const struct list *file = list_load(l, value, list->row->list);
	const struct list **slot = file ? vec_push(&l->p->region, &list->lists, sizeof(*slot)) : NULL;
	if (slot)
		*slot = file;
}

static bool
takes_value(struct loader *l, const struct condition_row *row, const struct node *value)
{
	if (row->where & COND_ONE && value->kind == NODE_LIST) {
		load_error(l, value, "E103", "%s takes one value, not a list", row->key);
		return false;
	}
	return true;
}

void
condition_load(struct loader *l, const struct condition_row *row, const struct node *value, unsigned where,
	       struct vec *conditions)
{
	struct item_list list = {.row = row};
	if (!takes_value(l, row, value))
		return;
	load_each(l, value, parse_item, &list);
	if (list.items.n + list.lists.n == 0)
		return; /* there was an error */
	struct condition *c = vec_push(&l->p->region, conditions, sizeof(*c));
	if (!c)
		return;
	*c = condition_of(row, &list.items, where);
	c->lists = list.lists.items;
	c->n_lists = list.lists.n;
	if (row->list == LIST_NAMES && c->n > WALKED_MAX)
		c->patterns = list_of_patterns(l, c->items, c->n);
	c->written = condition_written(l, value);
}

/*
 * "unknown-country: true" beside country keys means "or none known": both hold of no address, so AND would
 * never match. Then the keys are widened and the condition itself goes.
 */
static void
widen(struct condition *list, struct vec *v, size_t first)
{
	size_t unknown = SIZE_MAX, keys = 0;
	for (size_t i = first; i < v->n; i++) {
		if (list[i].row->where & COND_WIDENS && *(const uint8_t *)list[i].items)
			unknown = i;
		keys += (list[i].row->where & COND_COUNTRY) != 0;
	}
	if (unknown == SIZE_MAX || keys == 0)
		return;
	memmove(&list[unknown], &list[unknown + 1], (v->n - unknown - 1) * sizeof(*list));
	v->n--;
	for (size_t i = first; i < v->n; i++)
		list[i].widen = list[i].row->where & COND_COUNTRY;
}

/* "trust-sni: true" is about the names beside it. */
static void
trust(struct loader *l, const struct node *map, struct condition *list, const struct vec *v, size_t first)
{
	bool trusts = false;
	const struct node *said = node_get(map, "trust-sni");

	if (said && !node_get(map, "name")) /* it would hold for every place */
		diag_hint(load_error(l, said, "E138", "trust-sni is about the names beside it, and there are none"), "add name:");
	for (size_t i = first; i < v->n; i++)
		trusts |= list[i].row->where & COND_TRUSTS && *(const uint8_t *)list[i].items;
	for (size_t i = first; i < v->n; i++)
		list[i].trusts = trusts && list[i].row->where & COND_NAMED;
}

void
conditions_load(struct loader *l, const struct node *map, unsigned where, struct vec *conditions)
{
	size_t first = conditions->n, n_rows;
	const struct condition_row *rows = condition_rows(&n_rows);
	for (size_t i = 0; i < n_rows; i++) {
		const struct node *value = rows[i].where & where ? node_get(map, rows[i].key) : NULL;
		if (value)
			condition_load(l, &rows[i], value, where, conditions);
	}
	if (where == COND_TO) {
		widen(conditions->items, conditions, first);
		trust(l, map, conditions->items, conditions, first);
	}
}

void
condition_push(struct loader *l, struct vec *conditions, const struct condition_row *row, const void *item,
	       const char *written)
{
	void *copy = region_copy(&l->p->region, item, row->item_bytes);
	struct condition *c = vec_push(&l->p->region, conditions, sizeof(*c));
	if (c && copy)
		*c = (struct condition){.row = row, .items = copy, .n = 1, .written = written};
	else if (c)
		conditions->n--;
}

struct clause
clause_of(const struct vec *conditions)
{
	return (struct clause){conditions->items, conditions->n};
}
