/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nf_tables events; see watch.h. */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netlink.h"
#include "ruleset.h"

enum {
	STEP_DATAGRAMS = 64,
	TABLE_NAME = 1, /* attribute 1 of every message about a table, chain, rule, set, element or object */
};

struct watch {
	struct netlink *netlink;
};

struct watch *
watch_open(void)
{
	struct watch *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->netlink = netlink_open(NETLINK_NETFILTER, 0);
	if (!w->netlink || netlink_join(w->netlink, NFNLGRP_NFTABLES) < 0) {
		watch_close(w);
		return NULL;
	}
	return w;
}

void
watch_close(struct watch *w)
{
	if (!w)
		return;
	netlink_close(w->netlink);
	free(w);
}

int
watch_fd(const struct watch *w)
{
	return netlink_fd(w->netlink);
}

/* Elements that come and go without us as well. */
static bool
is_of_kinds(const struct nlmsghdr *m)
{
	const struct nlattr *a;

	if ((m->nlmsg_type & 0xff) != NFT_MSG_NEWSETELEM)
		return false;
	mnl_attr_for_each(a, m, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_SET &&
							     mnl_attr_validate(a, MNL_TYPE_NUL_STRING) ==
								     0) return ruleset_is_kind_set(mnl_attr_get_str(a));
	return false;
}

static bool
is_about_us(const struct nlmsghdr *m)
{
	const struct nlattr *a;

	if (m->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || (m->nlmsg_type & 0xff) == NFT_MSG_NEWGEN ||
	    mnl_nlmsg_get_payload_len(m) < sizeof(struct nfgenmsg))
		return false;
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(m);
	if (g->nfgen_family != NFPROTO_INET && g->nfgen_family != NFPROTO_BRIDGE)
		return false;
	mnl_attr_for_each(a, m, sizeof *g) if (mnl_attr_get_type(a) == TABLE_NAME &&
					       mnl_attr_validate(a, MNL_TYPE_NUL_STRING) ==
						       0) return strcmp(mnl_attr_get_str(a), RULESET_TABLE) == 0 &&
		!is_of_kinds(m);
	return false;
}

static int
each_event(const struct nlmsghdr *m, void *arg)
{
	bool *touched = arg;
	*touched |= is_about_us(m);
	return MNL_CB_OK;
}

bool
watch_touched(struct watch *w)
{
	bool touched = false;

	for (unsigned i = 0; i < STEP_DATAGRAMS; i++) {
		ssize_t len = recv(watch_fd(w), w->netlink->in, sizeof w->netlink->in, MSG_DONTWAIT);
		if (len < 0 && errno == ENOBUFS) {
			touched = true;
			continue;
		}
		if (len <= 0)
			break;
		netlink_each(w->netlink->in, (size_t)len, each_event, &touched);
	}
	return touched;
}
