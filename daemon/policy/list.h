/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists: many addresses or names, in a file of their own with one item a line, or inline and too many to walk. A list is read once for
 * all conditions that name it, and taken over from the policy before where its bytes are the same.
 */
#ifndef LENSCAP_POLICY_LIST_H
#define LENSCAP_POLICY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;
struct bundle;
struct list;
struct loader;
struct name_pattern;
struct node;
struct policy;
struct schema;

enum list_kind {
	LIST_NONE,
	LIST_NETS,
	LIST_NAMES,
};

/* {file: PATH}; what describes it. */
extern const struct schema list_schema;

/* The list that {file: PATH} names; reports what is wrong. NULL: there was an error. Owned by the policy. */
const struct list *list_load(struct loader *l, const struct node *map, enum list_kind kind);
/* Patterns of a condition that stand in the policy itself. NULL when memory is short. Owned by the policy. */
const struct list *list_of_patterns(struct loader *l, const struct name_pattern *patterns, size_t n);
bool list_has_addr(const struct list *list, const struct addr *a, uint32_t *ret_line);
bool list_has_name(const struct list *list, const char *name, uint32_t *ret_line);
/* The file's name; NULL: the items stand in the policy itself. */
const char *list_name(const struct list *list);
void list_unref(struct list *list);

#endif
