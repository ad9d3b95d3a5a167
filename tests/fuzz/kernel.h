/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of the gate's netlink sockets. What is opened through libmnl is one end of a pair here, and what a target writes into the other
 * end is what the kernel says. No socket of the real kernel is opened.
 */
#ifndef LENSCAP_FUZZ_KERNEL_H
#define LENSCAP_FUZZ_KERNEL_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "../../daemon/gate/netlink.h"

enum {
	KERNEL_SOCKETS = 32,
	KERNEL_DATAGRAM = 40000,
};

static struct {
	struct mnl_socket *near;
	int far;
} kernel_sockets[KERNEL_SOCKETS];
static size_t kernel_count;

/* A request that wants an answer; the target sends what it likes to `far`. kernel_done() or kernel_error() must come last. */
static void kernel_asked(int far, const struct nlmsghdr *request);

struct mnl_socket *
mnl_socket_open2(int bus, int flags)
{
	int pair[2];

	(void)bus;
	assert(kernel_count < KERNEL_SOCKETS);
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | flags, 0, pair) == 0);
	kernel_sockets[kernel_count].far = pair[1];
	return kernel_sockets[kernel_count++].near = mnl_socket_fdopen(pair[0]);
}

int
mnl_socket_bind(struct mnl_socket *s, unsigned groups, pid_t pid)
{
	(void)s;
	(void)groups;
	(void)pid;
	return 0;
}

int
mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *value, socklen_t len)
{
	(void)s;
	(void)type;
	(void)value;
	(void)len;
	return 0;
}

static int
kernel_far(int near_fd)
{
	for (size_t i = 0; i < kernel_count; i++)
		if (mnl_socket_get_fd(kernel_sockets[i].near) == near_fd)
			return kernel_sockets[i].far;
	abort();
}

/* What we say to the kernel is well formed, whatever we were told. */
ssize_t
mnl_socket_sendto(const struct mnl_socket *s, const void *bytes, size_t len)
{
	const struct nlmsghdr *m = bytes;
	int left = (int)len;

	for (; mnl_nlmsg_ok(m, left) && m->nlmsg_len <= (uint32_t)left; m = mnl_nlmsg_next(m, &left)) {
		assert(m->nlmsg_len <= NETLINK_OUT); /* each is made in a buffer of that size */
		if (m->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP))
			kernel_asked(kernel_far(mnl_socket_get_fd(s)), m);
	}
	assert(left <= 0);
	return (ssize_t)len;
}

static inline void
kernel_says(int far, const void *bytes, size_t len)
{
	if (len)
		(void)!send(far, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The end of an answer: error 0 acknowledges. */
static inline void
kernel_error(int far, uint32_t seq, int error)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} m = {.h = {.nlmsg_len = sizeof m, .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = seq}, .e = {.error = error}};

	kernel_says(far, &m, sizeof m);
}

static inline void
kernel_done(int far, uint32_t seq)
{
	struct {
		struct nlmsghdr h;
		int zero;
	} m = {.h = {.nlmsg_len = sizeof m, .nlmsg_type = NLMSG_DONE, .nlmsg_flags = NLM_F_MULTI, .nlmsg_seq = seq}};

	kernel_says(far, &m, sizeof m);
}

/* Gives each message of a datagram the number of the request that it answers. */
static inline void
kernel_number(uint8_t *bytes, size_t len, uint32_t seq)
{
	struct nlmsghdr *m = (void *)bytes;
	int left = (int)len;

	for (; mnl_nlmsg_ok(m, left) && m->nlmsg_len <= (uint32_t)left; m = mnl_nlmsg_next(m, &left))
		m->nlmsg_seq = seq;
}

/* What nobody has read yet is gone. */
static inline void
kernel_drain(void)
{
	char byte;

	for (size_t i = 0; i < kernel_count; i++)
		while (recv(mnl_socket_get_fd(kernel_sockets[i].near), &byte, 1, MSG_DONTWAIT) > 0)
			;
}

#endif
