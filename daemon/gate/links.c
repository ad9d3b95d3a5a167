/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink; see links.h. */
#include "links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "plan.h"

enum { STEP_DATAGRAMS = 64 };

struct links {
	struct netlink *events, *ask;
};

struct links *
links_open(void)
{
	struct links *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->events = netlink_open(NETLINK_ROUTE, 0);
	l->ask = netlink_open(NETLINK_ROUTE, 0);
	if (!l->events || !l->ask || netlink_join(l->events, RTNLGRP_LINK) < 0) {
		links_close(l);
		return NULL;
	}
	return l;
}

void
links_close(struct links *l)
{
	if (!l)
		return;
	netlink_close(l->events);
	netlink_close(l->ask);
	free(l);
}

int
links_fd(const struct links *l)
{
	return netlink_fd(l->events);
}

/* What changed does not matter: the table is read again as a whole, also after an overrun. */
bool
links_changed(struct links *l)
{
	bool changed = false;

	for (unsigned i = 0; i < STEP_DATAGRAMS; i++) {
		ssize_t len = recv(links_fd(l), l->events->in, sizeof l->events->in, MSG_DONTWAIT);
		if (len < 0 && errno != ENOBUFS && errno != EINTR)
			break;
		changed = true;
	}
	return changed;
}

struct reading {
	const struct plan *plan;
	bool guarded; /* this pass takes the guarded ones, else the others */
	size_t n;
	struct channel_link *out;
};

static bool
is_guarded(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_interfaces; i++)
		if (strncmp(p->interfaces[i], name, PLAN_IFNAME) == 0 || strncmp(p->bridges[i], name, PLAN_IFNAME) == 0)
			return true;
	return false;
}

static int
each_link(const struct nlmsghdr *m, void *arg)
{
	struct reading *r = arg;
	const struct nlattr *a;

	if (m->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(m) < sizeof(struct ifinfomsg))
		return MNL_CB_OK;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(m);
	mnl_attr_for_each(a, m, sizeof *info)
	{
		if (mnl_attr_get_type(a) != IFLA_IFNAME || mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0)
			continue;
		const char *name = mnl_attr_get_str(a);
		if (r->n == CHANNEL_LINKS || is_guarded(r->plan, name) != r->guarded)
			continue;
		struct channel_link *l = &r->out[r->n++];
		*l = (struct channel_link){.index = (uint32_t)info->ifi_index};
		memcpy(l->name, name, strnlen(name, sizeof l->name - 1));
	}
	return MNL_CB_OK;
}

static void
read_pass(struct links *l, struct reading *r)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(l->ask->out);
	m->nlmsg_type = RTM_GETLINK;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof *info);
	info->ifi_family = AF_UNSPEC;
	(void)netlink_dump(l->ask, m, each_link, r);
}

size_t
links_read(struct links *l, const struct plan *plan, struct channel_link ret_link[CHANNEL_LINKS])
{
	struct reading r = {.plan = plan, .guarded = true, .out = ret_link};

	read_pass(l, &r);
	r.guarded = false;
	read_pass(l, &r);
	return r.n;
}
