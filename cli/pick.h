/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for texts that are kept once each (history_text()), from 0 on in order of their first coming: a table's key. */
#ifndef LENSCAP_PICK_H
#define LENSCAP_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PICK_NONE = -1 };

struct pick {
	const char **keys; /* by place in the table */
	uint32_t *number;
	size_t size, n;
};

/* The number of key; *ret_new when it had none before. PICK_NONE: memory is short. Compares places, not letters. */
long pick(struct pick *p, const char *key, bool *ret_new);
/* PICK_NONE: it has none. */
long pick_find(const struct pick *p, const char *key);
void pick_free(struct pick *p);

/* A place for item `n` in a list that grows by doubling; zeroed. NULL: memory is short. */
void *list_place(void *list, size_t n, size_t item);

#endif
