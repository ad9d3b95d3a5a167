/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy looks at, for who has to judge again when that changes. */
#include <string.h>

#include "condition.h"


static bool
asks_who(const struct clause *c)
{
	static const char *const keys[] = {"maker", "covered", "unmasked"};

	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			if (strcmp(c->conditions[i].row->key, keys[k]) == 0)
				return true;
	return false;
}

bool
policy_uses_identity(const struct policy *p)
{
	for (size_t i = 0; i < p->n_sets; i++)
		if (asks_who(&p->sets[i]->clause))
			return true;
	for (size_t i = 0; i < p->n_rules; i++)
		if (asks_who(&p->rules[i]->clause))
			return true;
	return false;
}
