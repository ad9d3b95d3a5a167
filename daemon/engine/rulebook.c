/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counted copies of a policy's rule names; see rulebook.h. */
#include "rulebook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
rulebook_free(struct rulebook *b)
{
	for (size_t i = 0; b->rules && i < b->n; i++) {
		free((char *)b->rules[i].name);
		free((char *)b->rules[i].file);
	}
	free(b->rules);
	free(b->hits);
	free(b);
}

struct rulebook *
rulebook_new(const struct policy *p)
{
	size_t n;
	const struct rule_info *const *rules = policy_rules(p, &n);
	struct rulebook *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->refs = 1;
	b->n = n;
	snprintf(b->policy_id, sizeof b->policy_id, "%s", policy_id(p));
	b->rules = calloc(n ? n : 1, sizeof *b->rules);
	b->hits = calloc(n ? n : 1, sizeof *b->hits);
	bool ok = b->rules && b->hits;
	for (size_t i = 0; ok && i < n; i++) {
		b->rules[i] = *rules[i];
		b->rules[i].name = strdup(rules[i]->name);
		b->rules[i].file = strdup(rules[i]->file);
		ok = b->rules[i].name && b->rules[i].file;
	}
	if (ok)
		return b;
	rulebook_free(b);
	return NULL;
}

struct rulebook *
rulebook_ref(struct rulebook *b)
{
	b->refs++;
	return b;
}

void
rulebook_unref(struct rulebook *b)
{
	if (b && --b->refs == 0)
		rulebook_free(b);
}
