/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a copy to the device that sent it and what it said; see announce.h. */
#include "announce.h"

#include <netinet/in.h>
#include <string.h>

#include "discovery.h"
#include "engine.h"
#include "identity.h"
#include "sights.h"

enum { LOST_MAX = 1 << 20 };

/* The group's numbers start from nothing where it is bound anew, and go round. */
static void
count_lost(struct engine *e, const struct announced *a)
{
	uint32_t gap = a->seq - e->announced_seq - 1;

	if (!a->has_seq)
		return;
	if (e->announced_any && gap > 0 && gap < LOST_MAX)
		e->stats.announcements_lost += gap;
	e->announced_any = true;
	e->announced_seq = a->seq;
}

/* An address that others can send to; what a host uses before it has one, or on its link alone, tells nobody who it is. */
static bool
is_usable(const struct addr *a)
{
	static const struct addr none;
	struct addr v4_none = {.b = {[10] = 0xff, [11] = 0xff}};
	bool link_local6 = a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;

	return addr_cmp(a, &none) != 0 && addr_cmp(a, &v4_none) != 0 && !link_local6 && a->b[0] != 0xff;
}

/*
 * Behind a router the frame is the router's, and so is the source of what it relays (RFC 3046): then the address that the request is about
 * counts, if it is one of this zone; else whoever it is has none yet.
 */
static struct device *
remote_speaker(struct engine *e, const struct packet *p, const struct app *app, uint8_t zone, bool *ret_new)
{
	bool relayed = app->protocol && sights_detail(app, "relay").len > 0;
	struct addr addr = p->tuple.src;
	char text[ADDR_TEXT];

	span_text(sights_detail(app, "address"), text, sizeof text);
	if (relayed && (!addr_parse(text, &addr) || policy_zone_by_addr(e->is.policy, &addr) != zone))
		return NULL;
	return is_usable(&addr) ? device_by_packet(e->devices, e->is.policy, NULL, &addr, zone, &e->now, ret_new) : NULL;
}

static struct device *
local_speaker(struct engine *e, const struct announced *a, const struct packet *p, uint8_t zone, bool *ret_new)
{
	if (!a->has_mac || mac_is_zero(&a->mac) || a->mac.b[0] & 1)
		return NULL;
	return is_usable(&p->tuple.src) ? device_by_packet(e->devices, e->is.policy, &a->mac, &p->tuple.src, zone, &e->now, ret_new)
					: device_by_mac(e->devices, e->is.policy, &a->mac, zone, &e->now, ret_new);
}

/* NULL: whoever it is cannot be told from here. */
static struct device *
speaker(struct engine *e, const struct announced *a, const struct packet *p, const struct app *app)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);
	const struct link_zone *link = link_side(e, a->in, a->in_port);
	bool is_new = false;

	if (link->zone >= n)
		return NULL;
	struct device *d = zones[link->zone].by_address ? remote_speaker(e, p, app, link->zone, &is_new)
							: local_speaker(e, a, p, link->zone, &is_new);
	if (!d)
		return NULL;
	uint32_t i = device_index(e->devices, d);
	if (i == DEVICE_ANONYMOUS)
		return NULL;
	d->ifindex = link->index;
	if (is_new) { /* its number may have been another's */
		names_forget(e->names, i);
		observe_device(e, d, NULL);
	}
	return d;
}

/*
 * One datagram is all there is. It is read as what a client says; and as a server's answer where it comes from a port on which cameras answer.
 */
static void
read_words(const struct packet *p, struct app *ret)
{
	const struct probe_input said = {.l4 = IPPROTO_UDP, .port = p->tuple.dport, .side[PROBE_TO_SERVER] = {&p->payload, 1, true}},
				 answered = {.l4 = IPPROTO_UDP, .port = p->tuple.sport, .side[PROBE_TO_CLIENT] = {&p->payload, 1, true}};

	if (probe_inspect(&said, ret) == PROBE_DONE)
		return;
	if (!discovery_is_port(p->tuple.sport) || probe_inspect(&answered, ret) != PROBE_DONE)
		ret->protocol = NULL;
}

void
announce_packet(struct engine *e, const struct announced *a)
{
	struct packet p;
	struct app app;

	count_lost(e, a);
	if (decode(a->ip, a->wire_len, &p) != DROP_NONE || p.tuple.proto != IPPROTO_UDP || p.payload.len == 0) {
		e->stats.announcements_bad++;
		return;
	}
	memset(&app, 0, sizeof app);
	read_words(&p, &app);
	struct device *d = speaker(e, a, &p, &app);
	if (!d)
		return;
	e->stats.announcements++;
	observe_announcement(e, d, &p, &app);
}

void
announce_datagram(struct engine *e, const void *data, size_t len)
{
	struct cursor c = cursor_of(data, len);
	struct announced a;

	for (;;)
		switch (announce_next(&c, &a)) {
		case ANNOUNCE_PACKET:
			announce_packet(e, &a);
			break;
		case ANNOUNCE_NONE:
			break;
		case ANNOUNCE_BAD:
			e->stats.announcements_bad++;
			break;
		case ANNOUNCE_END:
			return;
		}
}
