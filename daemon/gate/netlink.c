/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink requests and dumps over libmnl; see netlink.h. */
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>

/* The kernel answers requests before send() returns; longer means that something else is wrong. */
enum { ANSWER_MS = 5000, ERRNO_MAX = 4095 };

struct netlink *
netlink_open(int bus, int buffer_bytes)
{
	struct netlink *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int saved = errno;
		netlink_close(n);
		errno = saved;
		return NULL;
	}
	n->port = mnl_socket_get_portid(n->socket);
	int fd = netlink_fd(n);
	if (buffer_bytes > 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
	return n;
}

void
netlink_close(struct netlink *n)
{
	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	free(n);
}

int
netlink_fd(const struct netlink *n)
{
	return mnl_socket_get_fd(n->socket);
}

int
netlink_join(struct netlink *n, int group)
{
	return mnl_socket_setsockopt(n->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
}

struct nlmsghdr *
netlink_nf(struct netlink *n, unsigned subsystem, unsigned type, unsigned flags, unsigned family,
	   unsigned res_id)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(n->out);
	m->nlmsg_type = (uint16_t)(subsystem << 8 | type);
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(m, sizeof *g);
	g->nfgen_family = (uint8_t)family;
	g->version = NFNETLINK_V0;
	g->res_id = htons((uint16_t)res_id);
	return m;
}

int
netlink_ask(struct netlink *n, struct nlmsghdr *m)
{
	m->nlmsg_seq = ++n->seq;
	n->interrupted = false;
	return mnl_socket_sendto(n->socket, m, m->nlmsg_len) < 0 ? -1 : 0;
}

/* libmnl takes a length of 2 GiB and more for a negative one, which fits everywhere. */
static bool
is_whole(const struct nlmsghdr *m, int left)
{
	return mnl_nlmsg_ok(m, left) && m->nlmsg_len <= (uint32_t)left;
}

void
netlink_each(const void *datagram, size_t len, mnl_cb_t each, void *arg)
{
	int left = (int)len;

	for (const struct nlmsghdr *m = datagram; is_whole(m, left); m = mnl_nlmsg_next(m, &left))
		if (m->nlmsg_type >= NLMSG_MIN_TYPE)
			each(m, arg);
}

/* An error's number is negative; another one is no answer that makes sense. */
static int
errno_of(const struct nlmsgerr *e)
{
	return e->error < 0 && e->error >= -ERRNO_MAX ? -e->error : EBADMSG;
}

/* One datagram. Answers to earlier requests that were given up carry an old sequence number. */
static enum netlink_progress
read_answers(struct netlink *n, size_t len, mnl_cb_t each, void *arg)
{
	int left = (int)len;

	for (const struct nlmsghdr *m = (const void *)n->in; is_whole(m, left); m = mnl_nlmsg_next(m, &left)) {
		if (m->nlmsg_seq != n->seq)
			continue;
		if (m->nlmsg_flags & NLM_F_DUMP_INTR)
			n->interrupted = true;
		if (m->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
			if (mnl_nlmsg_get_payload_len(m) < sizeof *e || e->error == 0)
				return NETLINK_DONE;
			errno = errno_of(e);
			return NETLINK_FAILED;
		}
		if (m->nlmsg_type == NLMSG_DONE) {
			errno = EINTR;
			return n->interrupted ? NETLINK_FAILED : NETLINK_DONE;
		}
		if (m->nlmsg_type >= NLMSG_MIN_TYPE && each)
			each(m, arg);
	}
	return NETLINK_MORE;
}

enum netlink_progress
netlink_step(struct netlink *n, unsigned datagrams, mnl_cb_t each, void *arg)
{
	for (unsigned i = 0; i < datagrams; i++) {
		ssize_t len = recv(netlink_fd(n), n->in, sizeof n->in, MSG_DONTWAIT);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? NETLINK_MORE : NETLINK_FAILED;
		enum netlink_progress p = read_answers(n, (size_t)len, each, arg);
		if (p != NETLINK_MORE)
			return p;
	}
	return NETLINK_MORE;
}

static int
wait_answer(struct netlink *n)
{
	struct pollfd p = {.fd = netlink_fd(n), .events = POLLIN};
	int rc;

	do
		rc = poll(&p, 1, ANSWER_MS);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		errno = ETIMEDOUT;
	return rc > 0 ? 0 : -1;
}

int
netlink_dump(struct netlink *n, struct nlmsghdr *m, mnl_cb_t each, void *arg)
{
	if (netlink_ask(n, m) < 0)
		return -1;
	for (;;) {
		if (wait_answer(n) < 0)
			return -1;
		switch (netlink_step(n, 1, each, arg)) {
		case NETLINK_DONE:
			return 0;
		case NETLINK_FAILED:
			return -1;
		case NETLINK_MORE:
			break;
		}
	}
}

int
netlink_talk(struct netlink *n, struct nlmsghdr *m)
{
	m->nlmsg_flags |= NLM_F_ACK;
	return netlink_dump(n, m, NULL, NULL);
}
