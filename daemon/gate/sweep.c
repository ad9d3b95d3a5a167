/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sockets: a dump on one, rewrites on the other; see sweep.h. */
#include "sweep.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "child.h"
#include "log.h"
#include "mark.h"
#include "walk.h"

enum {
	STEP_DATAGRAMS = 16, /* about 2,000 entries */
	STALL_MS = 5000,
	ROOM = 512, /* the largest rewrite: two addresses, protocol, zone, mark */
};

struct sweep {
	struct netlink *dump, *rewrite;
	struct child child; /* that sweeps; pid 0: none does */
	unsigned shift, to_shift, generation;
	uint64_t rewritten;
	size_t used;
	_Alignas(8) char batch[16384];
};

struct sweep *
sweep_new(void)
{
	struct sweep *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->child.watch = -1;
	s->dump = netlink_open(NETLINK_NETFILTER, 0);
	s->rewrite = netlink_open(NETLINK_NETFILTER, 0);
	if (!s->dump || !s->rewrite) {
		sweep_free(s);
		return NULL;
	}
	return s;
}

void
sweep_free(struct sweep *s)
{
	if (!s)
		return;
	sweep_stop(s);
	netlink_close(s->dump);
	netlink_close(s->rewrite);
	free(s);
}

int
sweep_fd(const struct sweep *s)
{
	return s->child.pid ? s->child.watch : -1;
}

uint64_t
sweep_rewritten(const struct sweep *s)
{
	return s->rewritten;
}

/* An entry that has just ended is refused with ENOENT, and that is as good. */
static void
flush(struct sweep *s)
{
	if (s->used && mnl_socket_sendto(s->rewrite->socket, s->batch, s->used) < 0)
		log_warn("conntrack: cannot rewrite marks");
	s->used = 0;
	while (recv(netlink_fd(s->rewrite), s->rewrite->in, sizeof s->rewrite->in, MSG_DONTWAIT) > 0)
		;
}

static void
copy_attribute(struct nlmsghdr *m, const struct nlattr *a)
{
	mnl_attr_put(m, a->nla_type, mnl_attr_get_payload_len(a), mnl_attr_get_payload(a));
}

/* Original tuple, mark and mask alone: with more than that the kernel refuses entries that have NAT. */
static void
rewrite(struct sweep *s, const struct walk_entry *e)
{
	uint32_t stale = mark_of(s->to_shift, mark_decision(s->shift, e->mark), MARK_GENERATION_STALE);

	if (mnl_attr_get_payload_len(e->original) > ROOM / 2 || (e->zone && mnl_attr_get_payload_len(e->zone) != sizeof(uint16_t)))
		return;
	struct nlmsghdr *m =
		netlink_nf(s->rewrite, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, 0, e->family, 0);
	m->nlmsg_seq = ++s->rewrite->seq;
	copy_attribute(m, e->original);
	if (e->zone)
		copy_attribute(m, e->zone);
	mnl_attr_put_u32(m, CTA_MARK, htonl(stale));
	mnl_attr_put_u32(m, CTA_MARK_MASK, htonl(mark_mask(s->shift) | mark_mask(s->to_shift)));
	if (s->used + MNL_ALIGN(m->nlmsg_len) > sizeof s->batch)
		flush(s);
	memcpy(s->batch + s->used, m, m->nlmsg_len);
	s->used += MNL_ALIGN(m->nlmsg_len);
	s->rewritten++;
}

static int
each_entry(const struct nlmsghdr *m, void *arg)
{
	struct sweep *s = arg;
	struct walk_entry e;

	if (!walk_read(m, &e) || !(e.mark & mark_mask(s->shift)))
		return MNL_CB_OK;
	unsigned generation = mark_generation(s->shift, e.mark);
	bool stale = generation == MARK_GENERATION_STALE && s->to_shift == s->shift;
	if (!stale && (s->generation == SWEEP_ALL || generation == s->generation))
		rewrite(s, &e);
	return MNL_CB_OK;
}

static int
begin(struct sweep *s, unsigned shift, unsigned to_shift, unsigned generation)
{
	s->shift = shift;
	s->to_shift = to_shift;
	s->generation = generation;
	s->rewritten = 0;
	s->used = 0;
	if (generation == SWEEP_ALL)
		return walk_start(s->dump, 0, 0);
	return walk_start(s->dump, mark_of(shift, 0, generation), mark_of(shift, 0, 0xff));
}

static enum netlink_progress
step(struct sweep *s)
{
	enum netlink_progress p = netlink_step(s->dump, STEP_DATAGRAMS, each_entry, s);
	flush(s);
	return p;
}

int
sweep_run(struct sweep *s, unsigned shift, unsigned to_shift, unsigned generation)
{
	if (begin(s, shift, to_shift, generation) < 0)
		return -1;
	for (;;) {
		struct pollfd p = {.fd = netlink_fd(s->dump), .events = POLLIN};
		if (poll(&p, 1, STALL_MS) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		switch (step(s)) {
		case NETLINK_DONE:
			return 0;
		case NETLINK_FAILED:
			return -1;
		case NETLINK_MORE:
			break;
		}
	}
}

/* With sockets of its own: what it leaves unread when it is ended is nobody else's. */
static int
run_beside(unsigned shift, unsigned generation)
{
	struct sweep *own = sweep_new();

	return own && sweep_run(own, shift, shift, generation) == 0 ? 0 : 1;
}

int
sweep_start(struct sweep *s, unsigned shift, unsigned generation)
{
	sweep_stop(s);
	switch (child_branch(NULL, 0, &s->child)) {
	case CHILD_HERE:
		_exit(run_beside(shift, generation));
	case CHILD_FAILED:
		s->child = (struct child){.watch = -1};
		return -1;
	case CHILD_THERE:
		break;
	}
	return 0;
}

enum netlink_progress
sweep_progress(struct sweep *s)
{
	int status;

	if (!child_wait(&s->child, 0, &status))
		return s->child.pid ? NETLINK_MORE : NETLINK_FAILED;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NETLINK_DONE : NETLINK_FAILED;
}

void
sweep_stop(struct sweep *s)
{
	(void)child_end(&s->child);
}
