/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live engine knows its cameras by the interface they are behind. A capture has no interfaces, so each packet is given the one it would
 * have had: by what the user named, else by the networks of the policy's guarded zones, else by private address against public one.
 */
#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "cursor.h"
#include "geo.h"
#include "policy.h"
#include "replay.h"

bool
side_add(struct side *s, const char *text)
{
	struct camera c = {0};

	if (s->n_cameras == SIDE_CAMERAS)
		return false;
	c.is_mac = mac_parse(text, &c.mac);
	if (!c.is_mac && prefix_parse(text, &c.prefix) < 0)
		return false;
	s->n_macs += c.is_mac;
	s->camera[s->n_cameras++] = c;
	return true;
}

size_t
side_links(struct side *s, const struct policy *p, struct channel_link *out, size_t max)
{
	size_t n_zones, n = 0;
	const struct policy_zone *zones = policy_zones(p, &n_zones);
	bool networks = false;

	for (size_t i = 0; i < n_zones && n < max; i++) {
		if (zones[i].n_interfaces == 0)
			continue;
		out[n].index = (uint32_t)i + 1;
		snprintf(out[n++].name, sizeof out->name, "%s", zones[i].interfaces[0]);
		networks |= zones[i].n_networks > 0;
	}
	s->by_zone = s->n_cameras == 0 && networks;
	return n;
}

/* The link of the guarded zone that holds this address; without one, fallback. */
static uint32_t
link_of(const struct policy *p, const struct addr *a, uint32_t fallback)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(p, &n);
	uint8_t z = policy_zone_by_addr(p, a);

	return z < n && zones[z].n_interfaces ? z + 1u : fallback;
}

static uint32_t
first_link(const struct policy *p)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(p, &n);

	for (size_t i = 0; i < n; i++)
		if (zones[i].n_interfaces)
			return (uint32_t)i + 1;
	return 0;
}

static bool
is_named(const struct side *s, const struct addr *a, const struct mac *m)
{
	for (size_t i = 0; i < s->n_cameras; i++) {
		const struct camera *c = &s->camera[i];
		if (c->is_mac ? m && memcmp(m, &c->mac, sizeof *m) == 0 : prefix_covers(&c->prefix, a))
			return true;
	}
	return false;
}

/* What people number their own networks with. Ranges for documentation are not: examples use them for the far side. */
static bool
is_home(const struct addr *a)
{
	uint8_t len;

	switch (special_of(a, &len)) {
	case SPECIAL_PRIVATE:
	case SPECIAL_SHARED:
	case SPECIAL_LINK_LOCAL:
	case SPECIAL_UNIQUE_LOCAL:
		return true;
	default:
		return false;
	}
}

static bool
addresses(struct span ip, struct addr *src, struct addr *dst)
{
	struct cursor c = cursor_span(ip);
	uint8_t v4[2][4];

	if (cursor_peek(&c, 0) >> 4 == 6) {
		cursor_skip(&c, 8);
		cursor_copy(&c, src->b, sizeof src->b);
		cursor_copy(&c, dst->b, sizeof dst->b);
		return !c.bad;
	}
	cursor_skip(&c, 12);
	cursor_copy(&c, v4, sizeof v4);
	if (c.bad)
		return false;
	addr_from_v4(src, v4[0]);
	addr_from_v4(dst, v4[1]);
	return true;
}

bool
side_choose(const struct side *s, const struct policy *p, struct frame *f)
{
	struct queued *q = &f->q;
	struct addr src, dst;

	if (!addresses(q->ip, &src, &dst))
		return true; /* the engine says what is wrong with it */
	if (s->n_cameras) {
		if (is_named(s, &src, q->has_mac ? &q->mac : NULL))
			q->in = link_of(p, &src, first_link(p));
		if (is_named(s, &dst, f->has_to ? &f->to : NULL))
			q->out = link_of(p, &dst, first_link(p));
		return q->in || q->out;
	}
	if (s->by_zone) {
		q->in = link_of(p, &src, 0);
		q->out = link_of(p, &dst, 0);
		return q->in || q->out;
	}
	bool from_home = is_home(&src), to_home = is_home(&dst);
	if (from_home && !to_home)
		q->in = first_link(p);
	if (to_home && !from_home)
		q->out = first_link(p);
	return true;
}
