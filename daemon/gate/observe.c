/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NFLOG over raw libmnl; see observe.h. linux/netfilter/nfnetlink_log.h */
#include "observe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "netlink.h"

enum {
	COPY_BYTES = 2048,    /* an announcement is one datagram; what is longer is video */
	BUFFER_BYTES = 1 << 20,
	TIMEOUT_CS = 10,      /* hundredths of a second that the kernel gathers copies for */
	THRESHOLD = 16,	      /* copies that it gathers at most */
	GATHER_BYTES = 16384, /* in one datagram */
};

struct observe {
	struct netlink *netlink;
	unsigned group;
};

static struct nlmsghdr *
message(struct observe *o, unsigned group)
{
	return netlink_nf(o->netlink, NFNL_SUBSYS_ULOG, NFULNL_MSG_CONFIG, 0, AF_UNSPEC, group);
}

typedef int send_message(struct netlink *n, struct nlmsghdr *m);

static int
send_command(struct observe *o, unsigned group, uint8_t command, send_message *send)
{
	struct nfulnl_msg_config_cmd c = {.command = command};
	struct nlmsghdr *m = message(o, group);

	mnl_attr_put(m, NFULA_CFG_CMD, sizeof c, &c);
	return send(o->netlink, m);
}

static int
configure(struct observe *o, unsigned group, send_message *send)
{
	struct nfulnl_msg_config_mode mode = {.copy_range = htonl(COPY_BYTES), .copy_mode = NFULNL_COPY_PACKET};
	struct nlmsghdr *m = message(o, group);

	mnl_attr_put(m, NFULA_CFG_MODE, sizeof mode, &mode);
	mnl_attr_put_u32(m, NFULA_CFG_TIMEOUT, htonl(TIMEOUT_CS));
	mnl_attr_put_u32(m, NFULA_CFG_QTHRESH, htonl(THRESHOLD));
	mnl_attr_put_u32(m, NFULA_CFG_NLBUFSIZ, htonl(GATHER_BYTES));
	mnl_attr_put_u16(m, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ)); /* so that what is lost can be counted */
	return send(o->netlink, m);
}

static int
bind_group(struct observe *o, unsigned group, send_message *send)
{
	if (send_command(o, group, NFULNL_CFG_CMD_BIND, send) < 0 || configure(o, group, send) < 0)
		return -1;
	o->group = group;
	return 0;
}

struct observe *
observe_open(unsigned group)
{
	struct observe *o = calloc(1, sizeof *o);
	int one = 1;

	if (!o)
		return NULL;
	o->netlink = netlink_open(NETLINK_NETFILTER, BUFFER_BYTES);
	if (!o->netlink || bind_group(o, group, netlink_talk) < 0) {
		int saved = errno;
		observe_close(o);
		errno = saved;
		return NULL;
	}
	/* An overrun shows in the sequence numbers; the error would only stop the reader. */
	(void)setsockopt(observe_fd(o), SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one);
	return o;
}

void
observe_close(struct observe *o)
{
	if (!o)
		return;
	netlink_close(o->netlink);
	free(o);
}

int
observe_fd(const struct observe *o)
{
	return o ? netlink_fd(o->netlink) : -1;
}

/* Without waiting for answers: an engine reads this socket by now. */
int
observe_move(struct observe *o, unsigned group)
{
	unsigned old = o->group;

	if (group == old)
		return 0;
	if (bind_group(o, group, netlink_ask) < 0)
		return -1;
	return send_command(o, old, NFULNL_CFG_CMD_UNBIND, netlink_ask);
}
