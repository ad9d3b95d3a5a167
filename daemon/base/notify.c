/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One datagram a message; see notify.h. A manager that does not listen is its own problem. */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Our own process id must be meant when the manager names one. */
static uint64_t
watchdog_interval(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;

	if (!us || (pid && strtoimax(pid, NULL, 10) != getpid()))
		return 0;
	errno = 0;
	uintmax_t n = strtoumax(us, &end, 10);
	return errno || *end ? 0 : n;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if ((*path != '/' && *path != '@') || len < 2 || len >= sizeof a.sun_path)
		return -1;
	memcpy(a.sun_path, path, len);
	if (*path == '@')
		a.sun_path[0] = '\0'; /* abstract */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
notify_open(uint64_t *ret_watchdog_us)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = path ? connect_to(path) : -1;

	*ret_watchdog_us = fd >= 0 ? watchdog_interval() : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return fd;
}

void
notify_send(int fd, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (fd < 0)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof text)
		(void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
}
