/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From libyaml's events to a tree of text with places. Events rather than documents, because only events show
 * anchors, aliases, tags and document marks exactly where they stand. libyaml stops at its first syntax
 * error; that one is told in our words.
 */
#include <yaml.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

/* How far the file has been searched for tabs. */
struct scan {
	const char *p, *end;
	unsigned line, col;
	bool found;
};

struct builder {
	struct region *region;
	const struct source *source;
	struct diags *diags;
	size_t *nodes_left;
	struct scan scan;
	struct node *root;
	struct frame {
		struct node *container, *last;
		bool want_value; /* map: `last` is a key without its value */
	} stack[NODE_DEPTH_MAX];
	unsigned depth;
	unsigned documents;
	bool stop;
	bool cut; /* the file goes on, but nobody read it */
};

static struct diag *
complain(struct builder *b, const char *code, yaml_mark_t from, yaml_mark_t to, const char *text)
{
	struct place_in_file at = {b->source->name, (unsigned)from.line + 1, (unsigned)from.column + 1, 0};
	if (to.line == from.line && to.column > from.column)
		at.end_col = (unsigned)to.column + 1;
	return diag_add(b->diags, DIAG_ERROR, code, &at, b->source->text, "%s", text);
}

/* Only the first tab is told: a file indented with tabs has one on every line. */
static void
tab_found(struct builder *b)
{
	struct scan *s = &b->scan;
	if (s->found)
		return;
	s->found = true;
	struct place_in_file at = {b->source->name, s->line, s->col, s->col + 1};
	struct diag *g = diag_add(b->diags, DIAG_ERROR, "E110", &at, b->source->text, "a tab");
	diag_hint(g, "use spaces");
}

static void
scan_step(struct scan *s)
{
	unsigned char c = (unsigned char)*s->p++;
	if (c == '\n') {
		s->line++;
		s->col = 1;
	} else if ((c & 0xc0) != 0x80) { /* columns are characters: continuation bytes do not count */
		s->col++;
	}
	while (s->p < s->end && ((unsigned char)*s->p & 0xc0) == 0x80)
		s->p++;
}

/* Moves to a mark. look: between values, where a tab is refused and where # begins a comment. */
static void
scan_to(struct builder *b, size_t line, size_t column, bool between, bool look)
{
	struct scan *s = &b->scan;
	bool comment = false;
	while (s->p < s->end && (s->line < line + 1 || (s->line == line + 1 && s->col < column + 1))) {
		if (*s->p == '\n')
			comment = false;
		else if (*s->p == '#' && between)
			comment = true;
		else if (*s->p == '\t' && look && !comment)
			tab_found(b);
		scan_step(s);
	}
}

static struct node *
node_new(struct builder *b, enum node_kind kind, const yaml_event_t *e)
{
	if (*b->nodes_left == 0) {
		complain(b, "E115", e->start_mark, e->end_mark, "too many values in this policy");
		b->stop = b->cut = true;
		return NULL;
	}
	struct node *n = region_alloc(b->region, sizeof(*n));
	if (!n) {
		b->stop = true;
		return NULL;
	}
	(*b->nodes_left)--;
	n->kind = kind;
	n->source = b->source;
	n->line = (unsigned)e->start_mark.line + 1;
	n->col = (unsigned)e->start_mark.column + 1;
	if (kind == NODE_TEXT && e->end_mark.line == e->start_mark.line)
		n->end_col = (unsigned)e->end_mark.column + 1;
	return n;
}

static void
append(struct frame *f, struct node *n)
{
	if (f->last)
		f->last->next = n;
	else
		f->container->first = n;
	f->last = n;
	f->container->n++;
}

static void
place_key(struct builder *b, struct frame *f, struct node *n, const yaml_event_t *e)
{
	if (n->kind != NODE_TEXT && n->kind != NODE_BROKEN) {
		complain(b, "E103", e->start_mark, e->end_mark, "a key must be a plain word");
		b->stop = b->cut = true;
		return;
	}
	append(f, n);
	f->want_value = true;
}

/* Hangs a node where it belongs: root, list element, key or value. */
static void
place_node(struct builder *b, struct node *n, const yaml_event_t *e)
{
	if (b->depth == 0) {
		b->root = n;
		return;
	}
	struct frame *f = &b->stack[b->depth - 1];
	if (f->container->kind == NODE_LIST) {
		append(f, n);
	} else if (!f->want_value) {
		place_key(b, f, n, e);
	} else {
		f->last->value = n;
		f->want_value = false;
	}
}

static void
open_container(struct builder *b, enum node_kind kind, const yaml_event_t *e)
{
	if (b->depth == NODE_DEPTH_MAX) {
		complain(b, "E115", e->start_mark, e->end_mark, "nested too deeply");
		b->stop = b->cut = true;
		return;
	}
	struct node *n = node_new(b, kind, e);
	if (!n)
		return;
	place_node(b, n, e);
	if (!b->stop)
		b->stack[b->depth++] = (struct frame){.container = n};
}

/* True when the node carries something that a policy may not use; it was reported. */
static bool
has_properties(struct builder *b, const yaml_event_t *e, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		complain(b, "E111", e->start_mark, e->end_mark,
			 "anchors (&) are not used here: write the value out");
	if (tag) {
		struct diag *g =
			complain(b, "E112", e->start_mark, e->end_mark, "an unquoted ! begins a YAML tag");
		if (tag[0] == '!' && tag[1])
			diag_hint(g, "write it in quotes: \"%s\"", (const char *)tag);
		else
			diag_hint(g, "tags are not used here");
	}
	return anchor || tag;
}

static bool
has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return true;
	return false;
}

static void
take_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	scan_to(b, e->start_mark.line, e->start_mark.column, true, true);
	scan_to(b, e->end_mark.line, e->end_mark.column, false, plain);
	struct node *n = node_new(b, NODE_TEXT, e);
	if (!n)
		return;
	n->quoted = !plain;
	n->text = region_copy(b->region, text, len);
	if (has_properties(b, e, e->data.scalar.anchor, e->data.scalar.tag)) {
		n->kind = NODE_BROKEN;
	} else if (e->end_mark.line != e->start_mark.line) {
		complain(b, "E116", e->start_mark, e->end_mark, "a value must stand on one line");
		n->kind = NODE_BROKEN;
	} else if (has_control(text, len)) {
		complain(b, "E109", e->start_mark, e->end_mark, "a control character in a value");
		n->kind = NODE_BROKEN;
	}
	if (!n->text)
		b->stop = true;
	else
		place_node(b, n, e);
}

static void
take_alias(struct builder *b, const yaml_event_t *e)
{
	complain(b, "E111", e->start_mark, e->end_mark, "aliases (*) are not used here: write the value out");
	struct node *n = node_new(b, NODE_BROKEN, e);
	if (n)
		place_node(b, n, e);
}

static void
take_document(struct builder *b, const yaml_event_t *e)
{
	if (b->documents++ > 0) {
		complain(b, "E113", e->start_mark, e->end_mark,
			 "a second document begins here: one file is one document");
		b->stop = true;
	} else if (e->data.document_start.version_directive ||
		   e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end) {
		complain(b, "E113", e->start_mark, e->end_mark, "YAML directives (%) are not used here");
	}
}

static int
by_text(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
	int order = strcmp(x->text, y->text);
	if (order != 0)
		return order;
	return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
				  : (x->col > y->col) - (x->col < y->col);
}

static void
complain_twice(struct builder *b, const struct node *key, const struct node *first)
{
	struct place_in_file at = node_place(key), before = node_place(first);
	struct diag *g = diag_add(b->diags, DIAG_ERROR, "E108", &at, b->source->text,
				  "the key \"%.64s\" stands here twice", key->text);
	diag_hint(g, "first at line %u", first->line);
	diag_related(g, &before);
}

/* Sorted, so that a map with very many keys costs no more than it should. */
static void
check_keys(struct builder *b, const struct node *map)
{
	struct node **keys = map->n > 1 ? region_alloc(b->region, map->n * sizeof(struct node *)) : NULL;
	if (!keys)
		return;
	size_t n = 0;
	for (struct node *k = map->first; k; k = k->next)
		if (k->kind == NODE_TEXT)
			keys[n++] = k;
	qsort(keys, n, sizeof(struct node *), by_text);
	size_t first = 0;
	for (size_t i = 1; i < n; i++) {
		if (strcmp(keys[i]->text, keys[first]->text) == 0)
			complain_twice(b, keys[i], keys[first]);
		else
			first = i;
	}
}

static void
close_container(struct builder *b)
{
	assert(b->depth > 0); /* events are balanced */
	struct node *n = b->stack[--b->depth].container;
	if (n && n->kind == NODE_MAP)
		check_keys(b, n);
}

static void
take_container(struct builder *b, enum node_kind kind, const yaml_event_t *e, const yaml_char_t *anchor,
	       const yaml_char_t *tag)
{
	has_properties(b, e, anchor, tag);
	open_container(b, kind, e);
}

static void
take_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		take_document(b, e);
		break;
	case YAML_SCALAR_EVENT:
		take_scalar(b, e);
		break;
	case YAML_ALIAS_EVENT:
		take_alias(b, e);
		break;
	case YAML_MAPPING_START_EVENT:
		take_container(b, NODE_MAP, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_START_EVENT:
		take_container(b, NODE_LIST, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		close_container(b);
		break;
	case YAML_STREAM_END_EVENT:
		scan_to(b, (size_t)-2, 0, true, true);
		b->stop = true;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

/* What libyaml says, and what it means to somebody who has never read the YAML specification. */
static const struct problem {
	const char *theirs, *ours, *hint;
	bool at_start; /* shown where the unfinished thing begins, not where libyaml gave up */
} problems[] = {
	{"could not find expected ':'", "a key without a colon", "write KEY: VALUE", true},
	{"mapping values are not allowed in this context", "a colon where none can be",
	 "is a quote missing, or the indentation wrong?", false},
	{"did not find expected key", "this line fits neither the lines above it nor their indentation", NULL,
	 false},
	{"did not find expected '-' indicator", "this line does not belong to the list above it",
	 "list entries begin with -", false},
	{"did not find expected ',' or ']'", "this list is not closed", "expected , or ]", false},
	{"did not find expected ',' or '}'", "this map is not closed", "expected , or }", false},
	{"did not find expected node content", "a value is missing here", NULL, false},
	{"block sequence entries are not allowed in this context", "a list entry (-) where none can be", NULL,
	 false},
	{"found unexpected end of stream", "a quoted text is not closed", NULL, true},
	{"found unexpected document indicator", "a quoted text is not closed", NULL, true},
	{"found character that cannot start any token", "this character cannot begin a value",
	 "put the value in quotes", false},
	{"found unknown escape character", "an unknown escape after \\", "in single quotes a \\ is only a \\",
	 false},
	{"did not find expected <document start>", "text after the end of the document", NULL, false},
};

/* The text from here on; "" past the end. */
static const char *
text_at(struct builder *b, const yaml_mark_t *at)
{
	scan_to(b, at->line, at->column, true, true);
	return b->scan.p;
}

static const struct problem *
problem_find(const char *theirs)
{
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		if (strcmp(problems[i].theirs, theirs) == 0)
			return &problems[i];
	return NULL;
}

static void
syntax_error(struct builder *b, const yaml_parser_t *parser)
{
	const char *theirs = parser->problem ? parser->problem : "unreadable";
	const struct problem *known = problem_find(theirs);
	b->cut = true;
	if (parser->error == YAML_MEMORY_ERROR) {
		b->region->failed = true;
		return;
	}
	if (*text_at(b, &parser->problem_mark) == '\t')
		tab_found(b);
	if (b->scan.found)
		return;
	const yaml_mark_t at =
		known && known->at_start && parser->context ? parser->context_mark : parser->problem_mark;
	struct diag *g = complain(b, "E101", at, at, known ? known->ours : theirs);
	if (known && known->hint)
		diag_hint(g, "%s", known->hint);
}

static void
build(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_t e;
	while (!b->stop && !b->region->failed) {
		if (!yaml_parser_parse(parser, &e)) {
			syntax_error(b, parser);
			return;
		}
		take_event(b, &e);
		yaml_event_delete(&e);
	}
}

/* A map that a syntax error cut off may hold a key without a value: readers shall not meet one. */
static void
close_cut(struct builder *b)
{
	while (b->depth > 0) {
		struct frame *f = &b->stack[--b->depth];
		if (f->want_value)
			f->last->kind = NODE_BROKEN;
	}
}

struct node *
yaml_read(struct region *region, const struct source *source, size_t *nodes_left, struct diags *diags,
	  bool *ret_cut)
{
	struct builder b = {.region = region, .source = source, .diags = diags, .nodes_left = nodes_left};
	b.scan = (struct scan){source->text, source->text + source->len, 1, 1, false};
	if (source->len >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0)
		b.scan.p += 3;
	*ret_cut = true;
	if (!text_check(source, diags))
		return NULL;
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser)) {
		region->failed = true;
		return NULL;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)source->text, source->len);
	unsigned before = diags->errors;
	build(&b, &parser);
	yaml_parser_delete(&parser);
	close_cut(&b);
	*ret_cut = b.cut;
	if (!b.root && diags->errors == before && !region->failed)
		diag_add(diags, DIAG_ERROR, "E114", &(struct place_in_file){source->name, 1, 1, 0},
			 source->text, "the file is empty");
	return b.root;
}

struct place_in_file
node_place(const struct node *n)
{
	return (struct place_in_file){n->source->name, n->line, n->col, n->end_col};
}

const struct node *
node_get(const struct node *map, const char *key)
{
	for (const struct node *k = map->kind == NODE_MAP ? map->first : NULL; k; k = k->next)
		if (k->kind == NODE_TEXT && strcmp(k->text, key) == 0)
			return k->value;
	return NULL;
}
