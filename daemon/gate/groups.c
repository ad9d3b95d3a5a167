/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See groups.h. One pair of sockets an interface: the kernel allows a socket 20 IPv4 groups (igmp_max_memberships). */
#include "groups.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "discovery.h"
#include "log.h"
#include "plan.h"

struct member {
	uint32_t index; /* 0: this place is free */
	int v4, v6;	/* -1: none */
	bool seen;	/* by the pass under way */
};

struct groups {
	struct member members[PLAN_INTERFACES];
};

struct groups *
groups_new(void)
{
	return calloc(1, sizeof(struct groups));
}

static void
leave(struct member *m)
{
	if (m->index == 0)
		return;
	if (m->v4 >= 0)
		close(m->v4);
	if (m->v6 >= 0)
		close(m->v6);
	*m = (struct member){0};
}

void
groups_free(struct groups *g)
{
	for (size_t i = 0; g && i < PLAN_INTERFACES; i++)
		leave(&g->members[i]);
	free(g);
}

static int
open_socket(int family)
{
	int off = 0, fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		(void)setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
				 family == AF_INET ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, &off, sizeof off);
	return fd;
}

static int
join_one(const struct member *m, const char *address)
{
	struct ip_mreqn v4 = {.imr_ifindex = (int)m->index};
	struct ipv6_mreq v6 = {.ipv6mr_interface = m->index};

	if (inet_pton(AF_INET, address, &v4.imr_multiaddr) == 1)
		return m->v4 < 0 ? 0 : setsockopt(m->v4, IPPROTO_IP, IP_ADD_MEMBERSHIP, &v4, sizeof v4);
	if (inet_pton(AF_INET6, address, &v6.ipv6mr_multiaddr) == 1)
		return m->v6 < 0 ? 0 : setsockopt(m->v6, IPPROTO_IPV6, IPV6_JOIN_GROUP, &v6, sizeof v6);
	errno = EINVAL;
	return -1;
}

static void
join(struct member *m, const struct channel_link *link)
{
	*m = (struct member){.index = link->index, .v4 = open_socket(AF_INET), .v6 = open_socket(AF_INET6), .seen = true};
	if (m->v4 < 0)
		log_warn("%.15s: no multicast groups: what cameras announce may stay unheard", link->name);
	for (size_t i = 0; i < discovery_n_groups; i++)
		if (join_one(m, discovery_groups[i].address) < 0)
			log_warn("%.15s: cannot join %s (%s)", link->name, discovery_groups[i].address, discovery_groups[i].why);
}

static bool
is_guarded(const struct plan *p, const char *name)
{
	/* A bridge takes everything in, and forwards it as its switch would: it joins nothing for that. */
	for (uint32_t i = 0; i < p->n_interfaces; i++)
		if (!p->bridges[i][0] && strncmp(p->interfaces[i], name, PLAN_IFNAME) == 0)
			return true;
	return false;
}

static struct member *
place_of(struct groups *g, uint32_t index)
{
	for (size_t i = 0; i < PLAN_INTERFACES; i++)
		if (g->members[i].index == index)
			return &g->members[i];
	return NULL;
}

size_t
groups_follow(struct groups *g, const struct plan *plan, const struct channel_link *link, size_t n_links)
{
	size_t joined = 0;

	for (size_t i = 0; i < PLAN_INTERFACES; i++)
		g->members[i].seen = false;
	for (size_t i = 0; i < n_links; i++) {
		struct member *m = link[i].index ? place_of(g, link[i].index) : NULL;
		if (m && is_guarded(plan, link[i].name))
			m->seen = true;
	}
	for (size_t i = 0; i < PLAN_INTERFACES; i++)
		if (!g->members[i].seen)
			leave(&g->members[i]);
	for (size_t i = 0; i < n_links; i++) {
		if (link[i].index == 0 || !is_guarded(plan, link[i].name))
			continue;
		struct member *m = place_of(g, link[i].index), *room = m ? NULL : place_of(g, 0);
		if (room)
			join(room, &link[i]);
		joined += m || room;
	}
	return joined;
}
