/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many names and suffixes, asked in a time that does not grow with their number: a name costs one probe of a hash table for itself and one
 * for each number of labels that any of the suffixes has. Immutable once filled. About 45 bytes an item and the text.
 */
#ifndef LENSCAP_POLICY_NAMESET_H
#define LENSCAP_POLICY_NAMESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nameset;

enum {
	NAMESET_NAME_MAX = 253,		  /* characters of a name (RFC 1035, 2.3.4, without the last dot) */
	NAMESET_LINE_MAX = (1 << 30) - 1, /* lines that are told apart */
};

enum nameset_kind {
	NAMESET_EXACT, /* this name */
	NAMESET_UNDER, /* everything under it, and not itself */
	NAMESET_ANY,   /* every name; its text does not matter */
};

/* Room for n items whose names have text_bytes together; more than these are refused. NULL when memory is short. */
struct nameset *nameset_new(size_t n, size_t text_bytes);
/* name: lower case, at most NAMESET_NAME_MAX. line: what nameset_find() shall tell of it. False: it was there before, or there is no room. */
bool nameset_add(struct nameset *s, const char *name, size_t len, enum nameset_kind kind, uint32_t line);
/* Does an item fit this name, which is in lower case? ret_line: NULL, or of which line the item is. */
bool nameset_find(const struct nameset *s, const char *name, uint32_t *ret_line);
void nameset_free(struct nameset *s);

#endif
