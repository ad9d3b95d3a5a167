/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interface indices and the zones behind them. The gate tells: the engine has no socket to ask with. */
#include <stdio.h>
#include <string.h>

#include "engine.h"

void
links_rezone(struct engine *e)
{
	for (size_t i = 0; i < e->n_links; i++) {
		struct link_zone *l = &e->links[i];
		uint8_t bridged = policy_zone_by_bridge(e->is.policy, l->name);
		l->by_port = bridged != ZONE_NONE;
		l->zone = l->by_port ? bridged : policy_zone_by_interface(e->is.policy, l->name);
		l->is_port = !l->by_port && policy_is_port(e->is.policy, l->zone);
	}
}

void
links_set(struct engine *e, const struct channel_link *link, size_t n)
{
	e->n_links = n < CHANNEL_LINKS ? n : CHANNEL_LINKS;
	for (size_t i = 0; i < e->n_links; i++) {
		e->links[i].index = link[i].index;
		snprintf(e->links[i].name, sizeof e->links[i].name, "%.15s", link[i].name);
	}
	links_rezone(e);
}

const struct link_zone *
link_find(const struct engine *e, uint32_t index)
{
	static const struct link_zone none = {.zone = ZONE_NONE};

	for (size_t i = 0; index && i < e->n_links; i++)
		if (e->links[i].index == index)
			return &e->links[i];
	return &none;
}

const struct link_zone *
link_side(const struct engine *e, uint32_t index, uint32_t port)
{
	const struct link_zone *l = link_find(e, index);

	return l->by_port && port ? link_find(e, port) : l;
}
