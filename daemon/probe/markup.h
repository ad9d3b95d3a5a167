/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XML and JSON as far as a probe needs them: is this one whole document, and what is the first
 * value of that name?
 *
 * Neither is a parser. The documents of the camera protocols are flat, and a probe proves a
 * protocol by its framing and by the document's two ends; values go to people and are never acted
 * upon.
 */
#ifndef LENSCAP_MARKUP_H
#define LENSCAP_MARKUP_H

#include <stdbool.h>

#include "cursor.h"
#include "learn.h"

/*
 * One XML document whose outermost element is `root` (at most 40 letters): an optional declaration,
 * then the element up to its end tag, then only white space or NULs. No control bytes inside.
 * ret_open: the start tag's attributes; ret_body: what is between the tags.
 */
bool markup_xml(struct span doc, const char *root, struct span *ret_open, struct span *ret_body);
/* Text of the first element <tag>; {NULL, 0} when there is none or when it is empty. */
struct span markup_tag(struct span body, const char *tag);

/* One JSON object: brackets paired, strings closed, at most 32 levels; then only white space or NULs. */
bool markup_json(struct span doc);
/*
 * The first value of this key: a string's inside, or a number's or word's text; {NULL, 0} for
 * objects and lists, or when absent.
 */
struct span markup_key(struct span doc, const char *key);

/* Learns the rows that the document has. */
void markup_learn_tags(struct app *app, struct span body, const struct learn_row *rows);
void markup_learn_keys(struct app *app, struct span doc, const struct learn_row *rows);

#endif
