/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interface indices and the zones behind them. The gate tells: the engine has no socket to ask with. */
#include <stdio.h>
#include <string.h>

#include "engine.h"

void
links_rezone(struct engine *e)
{
	for (size_t i = 0; i < e->n_links; i++)
		e->links[i].zone = policy_zone_by_interface(e->is.policy, e->links[i].name);
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
