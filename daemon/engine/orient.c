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

/* What the kernel says of a packet: MARK_HINT_*. */
bool
hinted(const struct engine *e, const struct queued *q, unsigned hint)
{
	unsigned shift = policy_options(e->is.policy)->mark_shift;

	return mark_generation(shift, q->mark) == 0 && (mark_decision(shift, q->mark) & hint);
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
	const struct link_zone *in = link_find(e, q->in), *out = link_find(e, q->out);
	const struct link_zone *first = hint ? out : in, *second = hint ? in : out;
	o.inbound = first->zone == ZONE_NONE && second->zone != ZONE_NONE;
	const struct link_zone *camera = o.inbound ? second : first, *other = o.inbound ? first : second;
	o.from_camera = o.inbound == o.reply;
	o.ifindex = camera->index;
	o.zone = camera->zone != ZONE_NONE ? camera->zone : any_guarded_zone(e);
	o.remote_zone = remote_zone(e, o.inbound ? &o.tuple.src : &o.tuple.dst, other->zone);
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
