/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of a plan before anybody acts on it; see plan.h. Both programs need them: one before sending, one
 * after receiving.
 */
#include "plan.h"

#include <string.h>

#include "mark.h"

bool
plan_ifname_valid(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strnlen(name, PLAN_IFNAME);
	return len > 0 && len < PLAN_IFNAME && strspn(name, letters) == len && name[0] != '.' &&
	       name[0] != '-';
}

static bool
bridge_valid(const char *bridge, const char *port)
{
	if (bridge[0] == '\0')
		return true;
	return memchr(bridge, 0, PLAN_IFNAME) != NULL && plan_ifname_valid(bridge) && strcmp(bridge, port) != 0;
}

static bool
names_valid(const struct plan *p)
{
	if (p->n_interfaces == 0 || p->n_interfaces > PLAN_INTERFACES)
		return false;
	for (uint32_t i = 0; i < p->n_interfaces; i++)
		if (memchr(p->interfaces[i], 0, PLAN_IFNAME) == NULL || !plan_ifname_valid(p->interfaces[i]) ||
		    p->by_address[i] > 1 || !bridge_valid(p->bridges[i], p->interfaces[i]))
			return false;
	return true;
}

static bool
id_valid(const char id[16])
{
	return memchr(id, 0, 16) && strspn(id, "0123456789abcdef") == strlen(id) && strlen(id) == 12;
}

static bool
between(uint32_t v, uint32_t min, uint32_t max)
{
	return v >= min && v <= max;
}

bool
plan_valid(const struct plan *p)
{
	if (p->magic != PLAN_MAGIC || p->version != PLAN_VERSION || p->size != sizeof(*p))
		return false;
	if (!id_valid(p->policy_id) || !names_valid(p))
		return false;
	if (p->enforce > 1 || p->fail_closed > 1 || p->reject_used > 1 || p->wants_syslog > 1)
		return false;
	return p->queue <= PLAN_QUEUE_MAX &&
	       between(p->queue_length, PLAN_QUEUE_LENGTH_MIN, PLAN_QUEUE_LENGTH_MAX) &&
	       between(p->queue_buffer, PLAN_QUEUE_BUFFER_MIN, PLAN_QUEUE_BUFFER_MAX) &&
	       between(p->copy_range, PLAN_COPY_RANGE_MIN, PLAN_COPY_RANGE_MAX) &&
	       p->mark_shift <= MARK_SHIFT_MAX &&
	       between(p->deny_memory_s, PLAN_DENY_MEMORY_MIN_S, PLAN_DENY_MEMORY_MAX_S) &&
	       p->kind_memory_s <= PLAN_KIND_MEMORY_MAX_S &&
	       between(p->engine_deadline_ms, PLAN_DEADLINE_MIN_MS, PLAN_DEADLINE_MAX_MS) &&
	       between(p->new_flows, PLAN_NEW_FLOWS_MIN, PLAN_NEW_FLOWS_MAX) &&
	       between(p->flood_hold_s, PLAN_FLOOD_HOLD_MIN_S, PLAN_FLOOD_HOLD_MAX_S) &&
	       p->watch_lists_s <= PLAN_WATCH_LISTS_MAX_S;
}
