/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orientation: the kernel's hint, interfaces and zones; see orient.h. Second step of the packet path. */
#include "orient.h"

#include <netinet/in.h>

#include "mark.h"

/* A zone that has interfaces is believed only when the packet uses one of them: addresses alone can be forged. */
static uint8_t
remote_zone(const struct engine *e, const struct addr *a, uint8_t by_interface)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);
	uint8_t z = policy_zone_by_addr(e->is.policy, a);

	if (by_interface != ZONE_NONE)
		return by_interface;
	return z < n && zones[z].n_interfaces ? ZONE_NONE : z;
}

/*
 * The zone behind the interface of the far side. No port of a bridge is one: a camera chooses by the frame's MAC address by which port it
 * leaves, packet by packet, and one that nobody knows leaves by all of them. Which port that is must not change what policy says of a flow.
 */
static uint8_t
far_zone(const struct link_zone *far)
{
	return far->by_port || far->is_port ? ZONE_NONE : far->zone;
}

/* The first guarded zone: where a packet's interfaces are not known yet (they have just been made), it still is a camera's. */
static uint8_t
any_guarded_zone(const struct engine *e)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	for (size_t i = 0; i < n; i++)
		if (zones[i].n_interfaces)
			return (uint8_t)i;
	return 0;
}

uint8_t
guarded_zone_of(const struct engine *e, const struct addr *camera)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);
	uint8_t z = policy_zone_by_addr(e->is.policy, camera);

	return z < n && zones[z].n_interfaces ? z : any_guarded_zone(e);
}

uint8_t
far_zone_of(const struct engine *e, const struct addr *a)
{
	return remote_zone(e, a, ZONE_NONE);
}

/* What the kernel says of a packet: MARK_HINT_*. */
bool
hinted(const struct engine *e, const struct queued *q, unsigned hint)
{
	unsigned shift = policy_options(e->is.policy)->mark_shift;

	return mark_generation(shift, q->mark) == 0 && (mark_decision(shift, q->mark) & hint) == hint;
}

struct orientation
orient(const struct engine *e, const struct queued *q, const struct packet *p)
{
	bool hint = e->offline ? offline_is_reply(e, p) : hinted(e, q, MARK_HINT_REPLY);
	struct orientation o = {.reply = hint};

	/* An error speaks of the flow that it quotes, whose packet went the other way. */
	if (p->icmp_error)
		o.tuple = hint ? p->inner : tuple_reverse(&p->inner);
	else
		o.tuple = hint ? tuple_reverse(&p->tuple) : p->tuple;
	const struct link_zone *in = link_side(e, q->in, q->in_port), *out = link_side(e, q->out, q->out_port);
	const struct link_zone *first = hint ? out : in, *second = hint ? in : out;
	o.inbound = first->zone == ZONE_NONE && second->zone != ZONE_NONE;
	const struct link_zone *camera = o.inbound ? second : first, *other = o.inbound ? first : second;
	o.from_camera = o.inbound == o.reply;
	o.ifindex = camera->index;
	o.zone = camera->zone != ZONE_NONE ? camera->zone : any_guarded_zone(e);
	o.remote_zone = remote_zone(e, o.inbound ? &o.tuple.src : &o.tuple.dst, far_zone(other));
	return o;
}

struct device *
attach_device(struct engine *e, const struct orientation *o, const struct queued *q, bool *ret_new)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);
	const struct addr *camera = o->inbound ? &o->tuple.dst : &o->tuple.src;

	if (!o->from_camera)
		return device_by_address(e->devices, e->is.policy, camera, o->zone, &e->now, ret_new);
	bool by_mac = q->has_mac && !(o->zone < n && zones[o->zone].by_address);
	return device_by_packet(e->devices, e->is.policy, by_mac ? &q->mac : NULL, camera, o->zone, &e->now, ret_new);
}
