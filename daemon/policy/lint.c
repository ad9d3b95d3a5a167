/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this loader reads as text and other YAML programs would read as something else. Only asked for by
 * check --lint.
 */
#include <string.h>
#include <strings.h>

#include "bundle.h"
#include "model.h"

/* The words that YAML 1.1 makes booleans and nulls of, in any case. */
static bool
is_word_of_old(const char *text)
{
	static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "null", "~"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return false;
}

/* 22:30 and 11:22:33:44:55:66 are numbers to the base of sixty in YAML 1.1. */
static bool
is_sexagesimal(const char *text)
{
	return text[0] >= '0' && text[0] <= '9' && strchr(text, ':') &&
	       strspn(text, "0123456789:") == strlen(text);
}

static void
lint_text(const struct node *n, struct diags *diags)
{
	struct place_in_file at = node_place(n);
	struct diag *g = NULL;
	if (n->quoted || !n->text)
		return;
	if (is_word_of_old(n->text))
		g = diag_add(diags, DIAG_HINT, "H501", &at, n->source->text,
			     "many YAML programs do not read \"%s\" as text", n->text);
	else if (is_sexagesimal(n->text))
		g = diag_add(diags, DIAG_HINT, "H502", &at, n->source->text,
			     "many YAML programs read \"%.64s\" as a number", n->text);
	diag_hint(g, "write it in quotes");
}

/* Depth is bounded by NODE_DEPTH_MAX. */
static void
lint_node(const struct node *n, struct diags *diags)
{
	if (n->kind == NODE_TEXT)
		lint_text(n, diags);
	if (n->kind != NODE_LIST && n->kind != NODE_MAP)
		return;
	for (const struct node *child = n->first; child; child = child->next) {
		if (n->kind == NODE_LIST || child->kind == NODE_TEXT)
			lint_node(child, diags);
		if (n->kind == NODE_MAP && child->value)
			lint_node(child->value, diags);
	}
}

void
policy_lint(const struct bundle *b, struct diags *diags)
{
	struct region region = {0};
	struct diags ignored = {0}; /* policy_load() tells them */
	size_t nodes_left = NODES_MAX;
	for (size_t i = 0; i < b->n; i++) {
		struct source source = {b->files[i].name, b->files[i].text, b->files[i].len};
		bool cut;
		const struct node *root = yaml_read(&region, &source, &nodes_left, &ignored, &cut);
		if (root)
			lint_node(root, diags);
	}
	diags_free(&ignored);
	region_free(&region);
}
