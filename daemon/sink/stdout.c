/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard output. The descriptor is shared with whoever gave it to us, so it is not made non-blocking: a pipe is asked by
 * poll(2) first, and then takes PIPE_BUF bytes without blocking (pipe(7)), as long as nobody else writes to it.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sink_kind.h"

static int
stdout_open(struct sink *s)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) < 0)
		return -1;
	s->fd = STDOUT_FILENO;
	s->mode = st.st_mode;
	return 0;
}

/* Shortens the vectors to max bytes in all; returns how many are left. */
static int
shorten(struct iovec *iov, int n, size_t max)
{
	int i = 0;

	for (; i < n && max > 0; i++) {
		if (iov[i].iov_len > max)
			iov[i].iov_len = max;
		max -= iov[i].iov_len;
	}
	return i;
}

static ssize_t
write_socket(int fd, struct iovec *iov, int n)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = (size_t)n};

	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t
write_stdout(const struct sink *s, struct iovec *iov, int n)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};

	if (S_ISSOCK(s->mode))
		return write_socket(s->fd, iov, n);
	if (S_ISREG(s->mode))
		return writev(s->fd, iov, n);
	int ready = poll(&p, 1, 0);
	if (ready <= 0) {
		errno = ready == 0 ? EAGAIN : errno;
		return -1;
	}
	return writev(s->fd, iov, shorten(iov, n, PIPE_BUF));
}

static ssize_t
stdout_push(struct sink *s)
{
	return stream_push(s, write_stdout);
}

static void
stdout_close(struct sink *s)
{
	stream_finish(s, write_stdout);
	s->fd = -1;
}

const struct sink_kind sink_stdout = {
	.name = "stdout",
	.default_path = "",
	.pollable = true,
	.open = stdout_open,
	.push = stdout_push,
	.close = stdout_close,
};
