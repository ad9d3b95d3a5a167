/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy looks at, for who has to judge again when that changes, and for who judges before anybody comes. */
#include <netinet/in.h>
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

static size_t
add_port(struct policy_port *list, size_t n, size_t max, const struct port_item *item)
{
	if (n == max || item->any || item->from != item->to || (item->proto && item->proto != IPPROTO_TCP && item->proto != IPPROTO_UDP))
		return n;
	for (size_t i = 0; i < n; i++)
		if (list[i].proto == item->proto && list[i].port == item->from)
			return n;
	list[n] = (struct policy_port){item->proto, item->from};
	return n + 1;
}

size_t
policy_ports(const struct policy *p, struct policy_port *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_rules && n < max; i++) {
		const struct clause *c = &p->rules[i]->clause;
		for (size_t k = 0; k < c->n; k++) {
			const struct port_item *item = c->conditions[k].items;
			if (strcmp(c->conditions[k].row->key, "port") != 0)
				continue;
			for (size_t j = 0; j < c->conditions[k].n; j++)
				n = add_port(ret, n, max, &item[j]);
		}
	}
	return n;
}
