/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's connection tracking tells a live engine, worked out from the packets of a capture: which way a packet travels,
 * and when a TCP connection is over. Nothing here says what a flow speaks: a port only breaks the tie between two ends of a
 * connection whose beginning was not captured.
 */
#include <netinet/in.h>

#include "engine.h"

enum { SYSTEM_PORTS = 1024 }; /* RFC 6335, 6: servers listen below, clients are not given any of them */

static bool
is_opening(const struct packet *p)
{
	return p->tuple.proto == IPPROTO_TCP && !p->icmp_error && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* The first packet of a flow: did its initiator send it? */
static bool
answers_unseen(const struct packet *p)
{
	if (p->tuple.proto != IPPROTO_TCP)
		return false;
	if (p->tcp_flags & TCP_SYN)
		return (p->tcp_flags & TCP_ACK) != 0;
	return p->tuple.sport < SYSTEM_PORTS && p->tuple.dport >= SYSTEM_PORTS;
}

bool
offline_is_reply(const struct engine *e, const struct packet *p)
{
	const struct tuple *t = p->icmp_error ? &p->inner : &p->tuple;
	struct tuple back = tuple_reverse(t);

	if (is_opening(p))
		return false;
	bool along = flow_find(e->flows, t) != NULL;
	bool against = !along && flow_find(e->flows, &back) != NULL;
	if (p->icmp_error)
		return !against; /* it travels against the packet that it quotes */
	return against || (!along && answers_unseen(p));
}

bool
offline_reopens(const struct flow *f, const struct packet *p)
{
	return f->closed && is_opening(p);
}

void
offline_follow(struct flow *f, bool reply, const struct packet *p)
{
	if (f->tuple.proto != IPPROTO_TCP || p->icmp_error)
		return;
	if (p->tcp_flags & TCP_FIN)
		f->fins |= (uint8_t)(1u << reply);
	f->closed |= (p->tcp_flags & TCP_RST) || f->fins == 3;
}
