/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy file as a tree of text. Every node knows its place; nothing has a type yet, so `NO` is two
 * letters. What YAML offers and a policy does not need (anchors, tags, several documents, tabs, text over
 * several lines) is refused here.
 */
#ifndef LENSCAP_POLICY_NODE_H
#define LENSCAP_POLICY_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "region.h"

enum {
	NODE_DEPTH_MAX = 16,
	NODES_MAX = 1048576, /* in all files of a policy together */
};

enum node_kind {
	NODE_TEXT,
	NODE_LIST,
	NODE_MAP,
	NODE_BROKEN, /* an error has been reported for it: readers pass over it in silence */
};

/* One file's bytes. text has a NUL behind it. */
struct source {
	const char *name, *text;
	size_t len;
};

struct node {
	enum node_kind kind;
	bool quoted;
	const char *text; /* NODE_TEXT: no control bytes, valid UTF-8 */
	const struct source *source;
	unsigned line, col, end_col;
	struct node *first; /* the elements of a list, the keys of a map */
	struct node *next;  /* the next element or key */
	struct node *value; /* of a key */
	size_t n;	    /* elements or keys */
};

/*
 * Reads one file. Problems go to *diags. Returns the root, also when there were errors: then it is what came
 * before them. NULL when there is no root at all. *nodes_left is counted down. *ret_cut: reading ended before
 * the file did, so what is missing in the tree may well be in the file.
 */
struct node *yaml_read(struct region *region, const struct source *source, size_t *nodes_left,
		       struct diags *diags, bool *ret_cut);

/*
 * True when every byte belongs to valid UTF-8 and every character shows itself: no NULs, no control
 * characters, no line ends that only some programs see, nothing that turns the reading direction round.
 * Reports the first that does not.
 */
bool text_check(const struct source *source, struct diags *diags);

struct place_in_file node_place(const struct node *n);
/* The value of this key, or NULL. */
const struct node *node_get(const struct node *map, const char *key);

#endif
