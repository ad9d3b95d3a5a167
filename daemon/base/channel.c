/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages with descriptors over a SOCK_SEQPACKET pair; see channel.h. */
#include "channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
};

int
channel_send(int fd, const void *message, size_t len, const int *fds, size_t n_fds)
{
	union control control = {0};
	struct iovec iov = {.iov_base = (void *)message, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > CHANNEL_FDS || len > CHANNEL_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (n_fds) {
		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	ssize_t n;
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* Takes the descriptors out of a received message; those that do not fit the caller's array cannot exist (the buffer is that big). */
static size_t
take_fds(struct msghdr *m, int *ret_fds)
{
	size_t n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t k = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < k; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (n < CHANNEL_FDS)
				ret_fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

ssize_t
channel_recv(int fd, void *buf, int *ret_fds, size_t *ret_n_fds)
{
	union control control;
	struct iovec iov = {.iov_base = buf, .iov_len = CHANNEL_MAX};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf};

	*ret_n_fds = 0;
	ssize_t n;
	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;
	*ret_n_fds = take_fds(&m, ret_fds); /* a message without a byte may carry some as well */
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (size_t)n < sizeof(struct channel_head)) {
		for (size_t i = 0; i < *ret_n_fds; i++)
			close(ret_fds[i]);
		*ret_n_fds = 0;
		errno = EBADMSG;
		return n ? -1 : 0;
	}
	return n;
}

bool
channel_fits(const void *message, size_t len, size_t fixed, size_t element, size_t max)
{
	struct channel_head head;
	if (len < sizeof head || len < fixed)
		return false;
	memcpy(&head, message, sizeof head);
	if (element == 0)
		return len == fixed;
	return head.count <= max && len == fixed + head.count * element;
}
