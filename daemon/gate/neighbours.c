/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink; see neighbours.h. An entry that goes is not told: whoever gets its address next is. */
#include "neighbours.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "plan.h"

enum {
	STEP_DATAGRAMS = 64,
	READ_MAX = 8 * CHANNEL_NEIGHBOURS, /* of one table; the kernel's own limit is 1024 a family unless raised */
	HAS_MAC = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT,
};

struct neighbours {
	struct netlink *events, *ask;
	uint32_t guarded[PLAN_INTERFACES];
	size_t n_guarded;
	neighbours_sink *sink;
	void *arg;
	size_t n, told;
	struct channel_neighbour batch[CHANNEL_NEIGHBOURS];
};

struct neighbours *
neighbours_open(void)
{
	struct neighbours *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->events = netlink_open(NETLINK_ROUTE, 0);
	n->ask = netlink_open(NETLINK_ROUTE, 0);
	if (!n->events || !n->ask || netlink_join(n->events, RTNLGRP_NEIGH) < 0) {
		neighbours_close(n);
		return NULL;
	}
	return n;
}

void
neighbours_close(struct neighbours *n)
{
	if (!n)
		return;
	netlink_close(n->events);
	netlink_close(n->ask);
	free(n);
}

int
neighbours_fd(const struct neighbours *n)
{
	return netlink_fd(n->events);
}

static bool
is_in_plan(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_interfaces; i++)
		if (strncmp(p->interfaces[i], name, PLAN_IFNAME) == 0)
			return true;
	return false;
}

void
neighbours_guard(struct neighbours *n, const struct plan *plan, const struct channel_link *link, size_t n_links)
{
	n->n_guarded = 0;
	for (size_t i = 0; i < n_links && n->n_guarded < PLAN_INTERFACES; i++)
		if (is_in_plan(plan, link[i].name))
			n->guarded[n->n_guarded++] = link[i].index;
}

static bool
is_guarded(const struct neighbours *n, uint32_t ifindex)
{
	for (size_t i = 0; i < n->n_guarded; i++)
		if (n->guarded[i] == ifindex)
			return true;
	return false;
}

static bool
read_address(uint8_t family, const struct nlattr *a, struct addr *ret)
{
	const uint8_t *bytes = mnl_attr_get_payload(a);

	if (family == AF_INET && mnl_attr_get_payload_len(a) == 4) {
		addr_from_v4(ret, bytes);
		return true;
	}
	if (family != AF_INET6 || mnl_attr_get_payload_len(a) != sizeof ret->b)
		return false;
	memcpy(ret->b, bytes, sizeof ret->b);
	return !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80); /* link-local: never forwarded */
}

bool
neighbours_row(const struct nlmsghdr *m, struct channel_neighbour *ret_row)
{
	struct channel_neighbour row = {0};
	bool has_addr = false, has_mac = false;
	const struct nlattr *a;

	if (m->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(m) < sizeof(struct ndmsg))
		return false;
	const struct ndmsg *nd = mnl_nlmsg_get_payload(m);
	if (!(nd->ndm_state & HAS_MAC))
		return false;
	row.ifindex = (uint32_t)nd->ndm_ifindex;
	mnl_attr_for_each(a, m, sizeof *nd)
	{
		if (mnl_attr_get_type(a) == NDA_DST)
			has_addr = read_address(nd->ndm_family, a, &row.addr);
		if (mnl_attr_get_type(a) == NDA_LLADDR && mnl_attr_get_payload_len(a) == sizeof row.mac.b) {
			memcpy(row.mac.b, mnl_attr_get_payload(a), sizeof row.mac.b);
			has_mac = !mac_is_zero(&row.mac);
		}
	}
	if (!has_addr || !has_mac)
		return false;
	*ret_row = row;
	return true;
}

static void
begin(struct neighbours *n, neighbours_sink *sink, void *arg)
{
	n->sink = sink;
	n->arg = arg;
	n->told = 0;
}

static void
deliver(struct neighbours *n)
{
	if (n->n)
		n->sink(n->batch, n->n, n->arg);
	n->n = 0;
}

static int
each(const struct nlmsghdr *m, void *arg)
{
	struct neighbours *n = arg;
	struct channel_neighbour *row = &n->batch[n->n];

	if (n->told == READ_MAX || !neighbours_row(m, row) || !is_guarded(n, row->ifindex))
		return MNL_CB_OK;
	n->told++;
	if (++n->n == CHANNEL_NEIGHBOURS)
		deliver(n);
	return MNL_CB_OK;
}

void
neighbours_read(struct neighbours *n, neighbours_sink *sink, void *arg)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(n->ask->out);

	m->nlmsg_type = RTM_GETNEIGH;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(m, sizeof *nd);
	nd->ndm_family = AF_UNSPEC;
	begin(n, sink, arg);
	(void)netlink_dump(n->ask, m, each, n);
	deliver(n);
}

void
neighbours_events(struct neighbours *n, neighbours_sink *sink, void *arg)
{
	bool overrun = false;

	begin(n, sink, arg);
	for (unsigned i = 0; i < STEP_DATAGRAMS; i++) {
		ssize_t len = recv(neighbours_fd(n), n->events->in, sizeof n->events->in, MSG_DONTWAIT);
		overrun |= len < 0 && errno == ENOBUFS;
		if (len < 0 && errno != ENOBUFS && errno != EINTR)
			break;
		if (len > 0)
			netlink_each(n->events->in, (size_t)len, each, n);
	}
	deliver(n);
	if (overrun)
		neighbours_read(n, sink, arg);
}
