/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is freed all at once: the text tree while a policy is read, and the policy itself.
 * An allocation that fails makes the region `failed` for good, so the loader reads on and asks once at the
 * end.
 */
#ifndef LENSCAP_REGION_H
#define LENSCAP_REGION_H

#include <stdbool.h>
#include <stddef.h>

struct region {
	struct region_block *blocks;
	bool failed;
};

/* A growing array in a region. items may move at each push: keep indexes, or an array of pointers. */
struct vec {
	void *items;
	size_t n, cap;
};

/* Zeroed and aligned for any type; lives until region_free(). NULL when memory is short. */
void *region_alloc(struct region *r, size_t bytes);
/* A copy with a NUL behind it. */
char *region_copy(struct region *r, const void *bytes, size_t len);
char *region_text(struct region *r, const char *text);
/* Appends a zeroed item and returns it; NULL when memory is short. */
void *vec_push(struct region *r, struct vec *v, size_t item_bytes);
void region_free(struct region *r);

#endif
