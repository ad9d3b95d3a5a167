/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live engine hears announcements beside its queue (announce.h); of a capture they are picked out here. Frames that are not IP, and
 * requests of hosts that have no address yet, do not show whose zone they are of: the last one of each sender and kind is kept until the
 * capture has shown the sender by its other packets.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "announce.h"
#include "decode.h"
#include "discovery.h"
#include "engine.h"
#include "identity.h"
#include "replay.h"

enum { LATE_MAX = 1024, LATE_BYTES = 2048 };

struct late {
	struct mac mac;
	uint16_t ethertype; /* 0: IP, and then */
	uint16_t port;	    /* towards which */
	size_t len, wire_len;
	uint8_t bytes[LATE_BYTES];
};

struct heard {
	struct late *late[LATE_MAX];
	size_t n;
};

struct heard *
heard_new(void)
{
	return calloc(1, sizeof(struct heard));
}

void
heard_free(struct heard *h)
{
	for (size_t i = 0; h && i < h->n; i++)
		free(h->late[i]);
	free(h);
}

/* NULL: no room, or no memory; then this sender's is not heard. */
static struct late *
late_place(struct heard *h, const struct mac *mac, uint16_t ethertype, uint16_t port)
{
	for (size_t i = 0; i < h->n; i++)
		if (memcmp(&h->late[i]->mac, mac, sizeof *mac) == 0 && h->late[i]->ethertype == ethertype && h->late[i]->port == port)
			return h->late[i];
	struct late *l = h->n < LATE_MAX ? malloc(sizeof *l) : NULL;
	if (l)
		h->late[h->n++] = l;
	return l;
}

static void
keep(struct heard *h, const struct frame *f, uint16_t port)
{
	struct late *l = f->q.has_mac && f->q.ip.len <= LATE_BYTES ? late_place(h, &f->q.mac, f->ethertype, port) : NULL;

	if (!l)
		return;
	l->mac = f->q.mac;
	l->ethertype = f->ethertype;
	l->port = port;
	l->len = f->q.ip.len;
	l->wire_len = f->q.wire_len;
	memcpy(l->bytes, f->q.ip.p, l->len);
}

static bool
is_group(const struct addr *a)
{
	return addr_is_v4(a) ? a->b[12] >= 224 : a->b[0] == 0xff;
}

/* Who has no address yet sends from none. */
static bool
is_nobody(const struct addr *a)
{
	static const struct addr none, none4 = {{[10] = 0xff, [11] = 0xff}};

	return addr_cmp(a, &none) == 0 || addr_cmp(a, &none4) == 0;
}

/* Most packets are TCP, and not worth decoding twice. */
static bool
may_be_udp(struct span ip)
{
	struct cursor c = cursor_span(ip);

	return cursor_peek(&c, 0) >> 4 == 6 ? cursor_peek(&c, 6) != IPPROTO_TCP : cursor_peek(&c, 9) == IPPROTO_UDP;
}

/* To more than one host, or from a port on which devices answer a search. */
static bool
is_announcement(const struct frame *f, const struct packet *p)
{
	return p->tuple.proto == IPPROTO_UDP && p->payload.len > 0 &&
	       (is_group(&p->tuple.dst) || (f->has_to && f->to.b[0] & 1) || discovery_is_port(p->tuple.sport));
}

void
heard_take(struct heard *h, struct engine *e, const struct frame *f)
{
	struct packet p;

	if (f->ethertype) {
		keep(h, f, 0);
		return;
	}
	if (!may_be_udp(f->q.ip) || decode(f->q.ip, f->q.wire_len, &p) != DROP_NONE || !is_announcement(f, &p))
		return;
	if (is_nobody(&p.tuple.src)) {
		keep(h, f, p.tuple.dport);
	} else if (f->q.in) {
		const struct announced a = {.in = f->q.in, .has_mac = f->q.has_mac, .mac = f->q.mac, .ip = f->q.ip, .wire_len = f->q.wire_len};
		announce_packet(e, &a);
	}
}

void
heard_end(struct heard *h, struct engine *e)
{
	char text[MAC_TEXT];

	for (size_t i = 0; i < h->n; i++) {
		const struct late *l = h->late[i];
		struct device *d = device_find(e->devices, e->is.policy, mac_print(&l->mac, text));
		const struct span bytes = {l->bytes, l->len};
		if (!d)
			continue;
		if (l->ethertype)
			observe_frame(e, d, l->ethertype, bytes);
		const struct announced a = {.in = d->ifindex, .has_mac = true, .mac = l->mac, .ip = bytes, .wire_len = l->wire_len};
		if (!l->ethertype)
			announce_packet(e, &a);
	}
}
