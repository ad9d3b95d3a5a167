/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions that others ask of a loaded policy. */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "plan.h"
#include "condition.h"
#include "schedule.h"

const char *
policy_id(const struct policy *p)
{
	return p->id;
}

const struct catalogue *
policy_catalogue(const struct policy *p)
{
	return p->catalogue;
}

enum mode
policy_mode(const struct policy *p)
{
	return p->mode;
}

enum fail_mode
policy_fail(const struct policy *p)
{
	return p->fail;
}

enum action
policy_unknown_devices(const struct policy *p)
{
	return p->unknown_devices;
}

const struct policy_options *
policy_options(const struct policy *p)
{
	return &p->options;
}

const struct policy_zone *
policy_zones(const struct policy *p, size_t *ret_n)
{
	*ret_n = p->n_zones;
	return p->zones;
}

const struct policy_device *
policy_devices(const struct policy *p, size_t *ret_n)
{
	*ret_n = p->n_devices;
	return p->devices;
}

const struct policy_output *
policy_outputs(const struct policy *p, size_t *ret_n)
{
	*ret_n = p->n_outputs;
	return p->outputs;
}

const struct rule_info *const *
policy_rules(const struct policy *p, size_t *ret_n)
{
	*ret_n = p->n_infos;
	return p->infos;
}

size_t
policy_tests(const struct policy *p)
{
	return p->n_tests;
}

void
policy_geo(const struct policy *p, struct geo_config *ret_config)
{
	*ret_config = p->geo;
}

static int
by_mac(const void *key, const void *entry)
{
	return memcmp(key, &((const struct mac_entry *)entry)->mac, sizeof(struct mac));
}

static int
by_addr(const void *key, const void *entry)
{
	return addr_cmp(key, &((const struct addr_entry *)entry)->addr);
}

uint16_t
policy_device_by_mac(const struct policy *p, const struct mac *mac)
{
	const struct mac_entry *e = p->n_macs ? bsearch(mac, p->macs, p->n_macs, sizeof(*e), by_mac) : NULL;
	return e ? e->device : DEVICE_UNKNOWN;
}

uint16_t
policy_device_by_addr(const struct policy *p, const struct addr *a)
{
	const struct addr_entry *e =
		p->n_addrs ? bsearch(a, p->addrs, p->n_addrs, sizeof(*e), by_addr) : NULL;
	return e ? e->device : DEVICE_UNKNOWN;
}

uint8_t
policy_zone_by_addr(const struct policy *p, const struct addr *a)
{
	for (size_t i = 0; i < p->n_networks; i++)
		if (prefix_covers(&p->networks[i].prefix, a))
			return p->networks[i].zone;
	return ZONE_NONE;
}

uint8_t
policy_zone_by_interface(const struct policy *p, const char *ifname)
{
	for (size_t i = 0; i < p->n_zones; i++)
		for (size_t j = 0; j < p->zones[i].n_interfaces; j++)
			if (strcmp(p->zones[i].interfaces[j], ifname) == 0)
				return (uint8_t)i;
	return ZONE_NONE;
}

uint8_t
policy_zone_by_bridge(const struct policy *p, const char *ifname)
{
	for (size_t i = 0; i < p->n_zones; i++)
		if (p->zones[i].bridge && strcmp(p->zones[i].bridge, ifname) == 0)
			return (uint8_t)i;
	return ZONE_NONE;
}

bool
policy_is_port(const struct policy *p, uint8_t zone)
{
	return zone < p->n_zones && p->zones[zone].bridge;
}

uint8_t
policy_far_zone_by_addr(const struct policy *p, const struct addr *a)
{
	uint8_t z = policy_zone_by_addr(p, a);
	return policy_is_port(p, z) ? ZONE_NONE : z;
}

static int64_t
rule_edge(const struct rule *r, int64_t now_s)
{
	int64_t best = 0;
	for (size_t i = 0; i < r->clause.n; i++) {
		const struct condition *c = &r->clause.conditions[i];
		const struct schedule *list = c->items;
		for (size_t j = 0; c->row->where & COND_TIME && j < c->n; j++) {
			int64_t at = schedule_edge(&list[j], now_s);
			if (at && (!best || at < best))
				best = at;
		}
	}
	return best;
}

int64_t
policy_next_edge(const struct policy *p, int64_t now_s)
{
	int64_t best = 0;
	for (size_t i = 0; i < p->n_rules; i++) {
		int64_t at = rule_edge(p->rules[i], now_s);
		if (at && (!best || at < best))
			best = at;
	}
	return best;
}

static void
plan_interfaces(const struct policy *p, struct plan *plan)
{
	for (size_t i = 0; i < p->n_zones; i++)
		for (size_t j = 0; j < p->zones[i].n_interfaces && plan->n_interfaces < PLAN_INTERFACES; j++) {
			plan->by_address[plan->n_interfaces] = p->zones[i].by_address;
			if (p->zones[i].bridge)
				strncpy(plan->bridges[plan->n_interfaces], p->zones[i].bridge, PLAN_IFNAME - 1);
			strncpy(plan->interfaces[plan->n_interfaces++], p->zones[i].interfaces[j],
				PLAN_IFNAME - 1);
		}
}

void
policy_plan(const struct policy *p, struct plan *ret_plan)
{
	struct plan plan = {.magic = PLAN_MAGIC, .version = PLAN_VERSION, .size = sizeof(plan)};
	memcpy(plan.policy_id, p->id, sizeof(p->id));
	plan.enforce = p->mode == MODE_ENFORCE;
	for (size_t i = 0; i < p->n_infos; i++) {
		plan.enforce |= p->infos[i]->mode == MODE_ENFORCE;
		plan.reject_used |= p->infos[i]->action == ACTION_REJECT;
	}
	for (size_t i = 0; i < p->n_outputs; i++)
		plan.wants_syslog |= p->outputs[i].kind == OUTPUT_SYSLOG;
	plan.fail_closed = p->fail == FAIL_CLOSED;
	plan_interfaces(p, &plan);
	plan.queue = p->options.queue;
	plan.queue_length = p->options.queue_length;
	plan.queue_buffer = p->options.queue_buffer;
	plan.copy_range = p->options.copy_range;
	plan.mark_shift = p->options.mark_shift;
	plan.deny_memory_s = p->options.deny_memory_s;
	plan.kind_memory_s = p->options.kind_memory_s;
	plan.engine_deadline_ms = p->options.engine_deadline_ms;
	plan.new_flows = p->options.new_flows;
	plan.flood_hold_s = p->options.flood_hold_s;
	plan.watch_lists_s = p->options.watch_lists_s;
	*ret_plan = plan;
}

/*
 * What does not say that it only watches is taken to enforce: this is asked when a policy is broken, and for
 * fail: closed.
 */
bool
policy_salvage(const struct bundle *b, struct plan *ret_plan)
{
	struct diags unread = {0};
	struct plan plan;
	struct policy *p = policy_build(b, &unread, NULL);
	diags_free(&unread);
	bool usable = p && p->fail_said;
	if (usable) {
		policy_plan(p, &plan);
		plan.enforce |= !p->mode_said;
		usable = plan_valid(&plan);
	}
	if (usable)
		*ret_plan = plan;
	policy_free(p);
	return usable;
}

const char *
action_name(enum action a)
{
	static const char *const names[] = {"allow", "alert", "block", "reject", "quarantine"};
	return names[a];
}

const char *
decision_name(enum decision d)
{
	static const char *const names[] = {"pending", "allow", "block", "reject"};
	return names[d];
}

const char *
alert_level_name(enum alert_level l)
{
	static const char *const names[] = {"none", "low", "medium", "high"};
	return names[l];
}

const char *
mode_name(enum mode m)
{
	return m == MODE_ENFORCE ? "enforce" : "monitor";
}

const char *
fail_name(enum fail_mode f)
{
	return f == FAIL_CLOSED ? "closed" : "open";
}
