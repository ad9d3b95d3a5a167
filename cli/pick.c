/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for texts; see pick.h. */
#include "pick.h"

#include <stdlib.h>
#include <string.h>

static size_t
place_of(const struct pick *p, const char *key)
{
	uint64_t h = (uintptr_t)key * 0x9e3779b97f4a7c15u;
	size_t at = (h ^ h >> 32) & (p->size - 1);

	while (p->keys[at] && p->keys[at] != key)
		at = (at + 1) & (p->size - 1);
	return at;
}

static bool
grow(struct pick *p)
{
	struct pick more = {.size = p->size ? p->size * 2 : 256};

	more.keys = calloc(more.size, sizeof *more.keys);
	more.number = calloc(more.size, sizeof *more.number);
	if (!more.keys || !more.number) {
		pick_free(&more);
		return false;
	}
	for (size_t i = 0; i < p->size; i++) {
		if (!p->keys[i])
			continue;
		size_t at = place_of(&more, p->keys[i]);
		more.keys[at] = p->keys[i];
		more.number[at] = p->number[i];
	}
	free(p->keys);
	free(p->number);
	p->keys = more.keys;
	p->number = more.number;
	p->size = more.size;
	return true;
}

long
pick(struct pick *p, const char *key, bool *ret_new)
{
	*ret_new = false;
	if (p->n * 2 >= p->size && !grow(p))
		return PICK_NONE;
	size_t at = place_of(p, key);
	if (!p->keys[at]) {
		p->keys[at] = key;
		p->number[at] = (uint32_t)p->n++;
		*ret_new = true;
	}
	return p->number[at];
}

long
pick_find(const struct pick *p, const char *key)
{
	size_t at = p->size ? place_of(p, key) : 0;

	return p->size && p->keys[at] ? (long)p->number[at] : PICK_NONE;
}

void
pick_free(struct pick *p)
{
	free(p->keys);
	free(p->number);
	*p = (struct pick){0};
}

void *
list_place(void *list, size_t n, size_t item)
{
	char **base = list;

	if ((n & (n - 1)) == 0) {
		char *more = realloc(*base, (n ? n * 2 : 1) * item);
		if (!more)
			return NULL;
		*base = more;
	}
	return memset(*base + n * item, 0, item);
}
