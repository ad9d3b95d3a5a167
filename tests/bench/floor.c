/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor under every verdict from user space: a queue whose packets are all accepted, as cheaply as is known. Packets as long as they
 * are (no segmentation), 64 a system call, their first bytes only, one verdict for the batch.
 *
 *	floor QUEUE [MARK]	with MARK every accepted packet carries it, so that a rule may settle the connection by it
 *
 * Prints how many packets it has answered when it is told to end.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "load.h"

enum { BATCH = 64, COPY = 256, ROOM = COPY + 1024, BUFFER = 4 << 20, LENGTH = 8192 };

static struct mnl_socket *netlink;
static uint16_t queue;

static struct nlmsghdr *
message(char *buf, int type)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	h->nlmsg_flags = NLM_F_REQUEST;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	*g = (struct nfgenmsg){.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(queue)};
	return h;
}

/* Waits for the kernel's answer: a queue of somebody else must not go unnoticed. */
static int
configure(struct nlmsghdr *h)
{
	char buf[4096];
	h->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(netlink, h, h->nlmsg_len) < 0)
		return -1;
	ssize_t n = mnl_socket_recvfrom(netlink, buf, sizeof buf);
	return n < 0 ? -1 : mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(netlink), NULL, NULL) < 0 ? -1 : 0;
}

static int
bind_queue(void)
{
	char buf[4096];
	struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_BIND};
	struct nfqnl_msg_config_params params = {htonl(COPY), NFQNL_COPY_PACKET};
	struct nlmsghdr *h = message(buf, NFQNL_MSG_CONFIG);

	mnl_attr_put(h, NFQA_CFG_CMD, sizeof command, &command);
	if (configure(h))
		return -1;
	h = message(buf, NFQNL_MSG_CONFIG);
	mnl_attr_put(h, NFQA_CFG_PARAMS, sizeof params, &params);
	mnl_attr_put_u32(h, NFQA_CFG_QUEUE_MAXLEN, htonl(LENGTH));
	mnl_attr_put_u32(h, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	mnl_attr_put_u32(h, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	return configure(h);
}

/* The packet's id, or 0. */
static uint32_t
packet_id(const char *buf, size_t length)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
	const struct nlattr *a;

	if (!mnl_nlmsg_ok(h, (int)length) || h->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return 0;
	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFQA_PACKET_HDR)
			return ntohl(((const struct nfqnl_msg_packet_hdr *)mnl_attr_get_payload(a))->packet_id);
	return 0;
}

static void
accept_up_to(uint32_t id, uint32_t mark)
{
	char buf[256];
	struct nfqnl_msg_verdict_hdr verdict = {htonl(NF_ACCEPT), htonl(id)};
	struct nlmsghdr *h = message(buf, NFQNL_MSG_VERDICT_BATCH);

	mnl_attr_put(h, NFQA_VERDICT_HDR, sizeof verdict, &verdict);
	if (mark)
		mnl_attr_put_u32(h, NFQA_MARK, htonl(mark));
	mnl_socket_sendto(netlink, h, h->nlmsg_len);
}

static unsigned long
loop(uint32_t mark)
{
	static char room[BATCH][ROOM] __attribute__((aligned(8)));
	struct iovec io[BATCH];
	struct mmsghdr m[BATCH];
	unsigned long packets = 0;

	memset(m, 0, sizeof m);
	for (int i = 0; i < BATCH; i++) {
		io[i] = (struct iovec){room[i], ROOM};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &io[i], .msg_iovlen = 1};
	}
	while (!load_stop) {
		int n = recvmmsg(mnl_socket_get_fd(netlink), m, BATCH, MSG_WAITFORONE, NULL);
		uint32_t last = 0;
		for (int i = 0; i < n; i++) {
			uint32_t id = packet_id(room[i], m[i].msg_len);
			last = id ? id : last;
			packets += id != 0;
		}
		if (last)
			accept_up_to(last, mark);
	}
	return packets;
}

int
main(int argc, char **argv)
{
	int size = BUFFER, on = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: floor QUEUE [MARK]\n");
		return 2;
	}
	queue = (uint16_t)atoi(argv[1]);
	load_signals();
	netlink = mnl_socket_open(NETLINK_NETFILTER);
	if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) || bind_queue()) {
		perror("floor");
		return 1;
	}
	setsockopt(mnl_socket_get_fd(netlink), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	mnl_socket_setsockopt(netlink, NETLINK_NO_ENOBUFS, &on, sizeof on);
	printf("ready\n");
	fflush(stdout);
	printf("%lu packets\n", loop(argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 0));
	mnl_socket_close(netlink);
	return 0;
}
