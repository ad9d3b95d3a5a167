/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One netlink socket with its buffers: requests that are answered at once, dumps in one go or step by step,
 * and events.
 */
#ifndef LENSCAP_GATE_NETLINK_H
#define LENSCAP_GATE_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

enum {
	NETLINK_OUT = 4096,
	NETLINK_IN = 32768, /* the kernel fills a dump's datagram up to this size */
};

struct netlink {
	struct mnl_socket *socket;
	uint32_t seq, port;
	bool interrupted; /* the kernel's objects changed during the dump that is under way */
	_Alignas(8) char out[NETLINK_OUT];
	_Alignas(8) char in[NETLINK_IN];
};

/*
 * bus: NETLINK_NETFILTER or NETLINK_ROUTE. buffer_bytes: receive buffer wanted, 0 for the default; beyond
 * the system's limit where CAP_NET_ADMIN allows it. NULL with errno.
 */
struct netlink *netlink_open(int bus, int buffer_bytes);
void netlink_close(struct netlink *n);
int netlink_fd(const struct netlink *n);
/* Joins one multicast group. 0, or -1 with errno. */
int netlink_join(struct netlink *n, int group);

/* Each message of a datagram that the kernel sent unasked. What is malformed, and all behind it, is left out; each's return value is not used. */
void netlink_each(const void *datagram, size_t len, mnl_cb_t each, void *arg);

/* Starts a nfnetlink message in n->out. The caller appends attributes. */
struct nlmsghdr *netlink_nf(struct netlink *n, unsigned subsystem, unsigned type, unsigned flags,
			    unsigned family, unsigned res_id);

/* Sends it and waits for the acknowledgement: 0, or -1 with the kernel's errno. */
int netlink_talk(struct netlink *n, struct nlmsghdr *m);
/*
 * Sends a dump request (or one that is answered by one message) and feeds every answer to each (its return
 * value is not used). 0, or -1 with errno (EINTR: changed meanwhile).
 */
int netlink_dump(struct netlink *n, struct nlmsghdr *m, mnl_cb_t each, void *arg);

/* The same in steps. netlink_ask sends; then netlink_step reads at most `datagrams` without blocking. */
enum netlink_progress { NETLINK_MORE, NETLINK_DONE, NETLINK_FAILED };
int netlink_ask(struct netlink *n, struct nlmsghdr *m);
enum netlink_progress netlink_step(struct netlink *n, unsigned datagrams, mnl_cb_t each, void *arg);

#endif
