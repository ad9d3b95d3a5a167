/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See news.h. Entries without our field belong to flows that are none of our business. */
#include "news.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "clock.h"
#include "mark.h"
#include "repeats.h"
#include "walk.h"

enum {
	EVENT_BUFFER = 4 << 20,
	STEP_DATAGRAMS = 32,
	LAST_EVENTS = 64,
	/*
	 * A turn's share of a look. 80,000 rows a second cost the engine some 5 % of a processor, and a million entries take 13 s; in one go they
	 * would stand before the next ping, and before every packet.
	 */
	PACE_ROWS = 4096,
};

struct news {
	struct netlink *events, *dump, *ask;
	bool looking;
	unsigned granted; /* rows of the look that may still be read */
	uint64_t began_ns, rest_until_ns; /* the look */
	struct repeats repeats;
	bool again; /* rows that were told often enough are told as well */
	unsigned shift;
	news_sink *sink;
	void *arg;
	size_t n;
	struct channel_flow_news batch[CHANNEL_NEWS];
};

struct news *
news_open(void)
{
	struct news *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->events = netlink_open(NETLINK_NETFILTER, EVENT_BUFFER);
	n->dump = netlink_open(NETLINK_NETFILTER, 0);
	n->ask = netlink_open(NETLINK_NETFILTER, 0);
	if (!n->events || !n->dump || !n->ask || netlink_join(n->events, NFNLGRP_CONNTRACK_DESTROY) < 0) {
		int saved = errno;
		news_close(n);
		errno = saved;
		return NULL;
	}
	return n;
}

void
news_close(struct news *n)
{
	if (!n)
		return;
	netlink_close(n->events);
	netlink_close(n->dump);
	netlink_close(n->ask);
	free(n);
}

int
news_event_fd(const struct news *n)
{
	return netlink_fd(n->events);
}

int
news_dump_fd(const struct news *n)
{
	return netlink_fd(n->dump);
}

static void
begin(struct news *n, unsigned shift, news_sink *sink, void *arg)
{
	n->shift = shift;
	n->sink = sink;
	n->arg = arg;
}

static void
deliver(struct news *n)
{
	if (n->n)
		n->sink(n->batch, n->n, n->arg);
	n->n = 0;
}

static void
add(struct news *n, const struct walk_entry *e, uint32_t flag)
{
	if (!walk_news(e, &n->batch[n->n]))
		return;
	n->batch[n->n++].flags |= flag;
	if (n->n == CHANNEL_NEWS)
		deliver(n);
}

static bool
read_ours(const struct news *n, const struct nlmsghdr *m, struct walk_entry *ret_entry)
{
	return walk_read(m, ret_entry) && (ret_entry->mark & mark_mask(n->shift));
}

static int
each_event(const struct nlmsghdr *m, void *arg)
{
	struct walk_entry e;

	if ((m->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE && m->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK && read_ours(arg, m, &e))
		add(arg, &e, NEWS_END);
	return MNL_CB_OK;
}

/* Also those that are none of ours: reading them takes time as well. */
static int
each_entry(const struct nlmsghdr *m, void *arg)
{
	struct news *n = arg;
	struct walk_entry e;
	uint32_t left_s;

	n->granted -= n->granted > 0;
	if (read_ours(n, m, &e) && (!walk_waits(&e, &left_s) || !repeats_enough(&n->repeats, left_s) || n->again))
		add(n, &e, 0);
	return MNL_CB_OK;
}

unsigned
news_events(struct news *n, unsigned shift, news_sink *sink, void *arg)
{
	unsigned overruns = 0;

	begin(n, shift, sink, arg);
	for (unsigned i = 0; i < STEP_DATAGRAMS; i++) {
		ssize_t len = recv(netlink_fd(n->events), n->events->in, sizeof n->events->in, MSG_DONTWAIT);
		if (len < 0 && errno == ENOBUFS) {
			overruns++;
			continue;
		}
		if (len <= 0)
			break;
		netlink_each(n->events->in, (size_t)len, each_event, n);
	}
	deliver(n);
	return overruns;
}

void
news_look(struct news *n, uint64_t now_ns, bool hurry)
{
	if (n->looking || (!hurry && now_ns < n->rest_until_ns))
		return;
	n->looking = walk_start(n->dump, 0, 0) == 0;
	if (n->looking)
		repeats_begin(&n->repeats, now_ns);
	n->began_ns = now_ns;
	n->granted = PACE_ROWS;
}

void
news_look_step(struct news *n, unsigned shift, uint64_t now_ns, news_sink *sink, void *arg)
{
	begin(n, shift, sink, arg);
	enum netlink_progress p = netlink_step(n->dump, 1, each_entry, n);
	n->looking = p == NETLINK_MORE;
	deliver(n);
	if (p == NETLINK_DONE)
		repeats_end(&n->repeats);
	if (!n->looking)
		n->rest_until_ns = now_ns + (now_ns - n->began_ns);
}

void
news_again(struct news *n)
{
	repeats_forget(&n->repeats);
}

void
news_pace(struct news *n)
{
	n->granted = PACE_ROWS;
}

bool
news_looks(const struct news *n)
{
	return n->looking && n->granted;
}

static bool
is_readable_until(int fd, uint64_t until_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct now now;

	clock_read(&now);
	int left_ms = now.mono_ns < until_ns ? (int)((until_ns - now.mono_ns) / 1000000) : 0;
	return left_ms > 0 && poll(&p, 1, left_ms) > 0;
}

bool
news_look_all(struct news *n, unsigned shift, uint64_t until_ns, news_sink *sink, void *arg)
{
	enum netlink_progress p = NETLINK_MORE;

	for (unsigned i = 0; i < LAST_EVENTS; i++)
		(void)news_events(n, shift, sink, arg);
	begin(n, shift, sink, arg);
	if (walk_start(n->ask, 0, 0) < 0)
		return false;
	n->again = true;
	while (p == NETLINK_MORE && is_readable_until(netlink_fd(n->ask), until_ns))
		p = netlink_step(n->ask, 1, each_entry, n);
	n->again = false;
	deliver(n);
	return p == NETLINK_DONE;
}

struct size {
	uint32_t entries, max;
};

static int
each_size(const struct nlmsghdr *m, void *arg)
{
	struct size *s = arg;
	const struct nlattr *a;

	mnl_attr_for_each(a, m, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_validate(a, MNL_TYPE_U32) < 0)
			continue;
		if (mnl_attr_get_type(a) == CTA_STATS_GLOBAL_ENTRIES)
			s->entries = ntohl(mnl_attr_get_u32(a));
		if (mnl_attr_get_type(a) == CTA_STATS_GLOBAL_MAX_ENTRIES)
			s->max = ntohl(mnl_attr_get_u32(a));
	}
	return MNL_CB_OK;
}

void
news_table_size(struct news *n, uint32_t *ret_entries, uint32_t *ret_max)
{
	struct size s = {0};
	struct nlmsghdr *m =
		netlink_nf(n->ask, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, AF_UNSPEC, 0);
	(void)netlink_dump(n->ask, m, each_size, &s);
	*ret_entries = s.entries;
	*ret_max = s.max;
}
