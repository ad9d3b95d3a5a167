/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams to the local log socket, in the form in which syslog(3) writes them, so that every daemon there can read them:
 *
 *	<170>Nov 23 05:40:00 lenscapd: @cee: {…}
 *
 * A process that may not open sockets borrows one. The time is local time, as syslog(3) has it, of the event and not of the sending.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "sink_kind.h"
#include "text.h"

/* RFC 5424, table 2. */
enum { SEVERITY_CRITICAL = 2, SEVERITY_WARNING = 4, SEVERITY_NOTICE = 5, SEVERITY_INFO = 6 };

static int
syslog_open(struct sink *s)
{
	if (s->syslog_fd < 0) {
		errno = ENOTCONN;
		return -1;
	}
	if (strlen(s->path) >= sizeof((struct sockaddr_un *)0)->sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	s->fd = s->syslog_fd;
	return 0;
}

static unsigned
severity_of(const struct line_info *info)
{
	if (info->type != RECORD_ALERT)
		return SEVERITY_INFO;
	return info->level == ALERT_HIGH     ? SEVERITY_CRITICAL
	       : info->level == ALERT_MEDIUM ? SEVERITY_WARNING
					     : SEVERITY_NOTICE;
}

/* "Nov 23 05:40:00 ", the names of the months in English whatever the locale is (RFC 3164, 4.1.2). */
static void
add_time(struct text *t, int64_t wall_us)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t at = (time_t)(wall_us / 1000000);
	struct tm tm = {0};

	localtime_r(&at, &tm);
	text_add(t, months[tm.tm_mon % 12]);
	text_add(t, " ");
	text_two(t, (unsigned)tm.tm_mday, ' ');
	text_add(t, " ");
	text_two(t, (unsigned)tm.tm_hour, '0');
	text_add(t, ":");
	text_two(t, (unsigned)tm.tm_min, '0');
	text_add(t, ":");
	text_two(t, (unsigned)tm.tm_sec, '0');
	text_add(t, " ");
}

static void
header(struct text *t, const struct sink *s, const struct line_info *info)
{
	text_init(t);
	text_add(t, "<");
	text_uint(t, s->facility * 8 + severity_of(info));
	text_add(t, ">");
	add_time(t, info->wall_us);
	text_add(t, "lenscapd: @cee: ");
}

static bool
last_is_newline(const struct iovec *v)
{
	return ((const char *)v->iov_base)[v->iov_len - 1] == '\n';
}

/* Without the '\n', which would be part of the message. */
static ssize_t
send_line(const struct sink *s, const struct line_info *info)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct iovec iov[2];
	struct text head;
	size_t n = 1 + lane_view(s->lane, iov + 1, 1);

	header(&head, s, info);
	iov[0] = (struct iovec){head.b, head.len};
	iov[n - 1].iov_len -= last_is_newline(&iov[n - 1]);
	memcpy(to.sun_path, s->path, strlen(s->path) + 1);
	struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = iov, .msg_iovlen = n};
	return sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A datagram goes as a whole or not at all. One that the system finds too long would find no way later either. */
static ssize_t
syslog_push(struct sink *s)
{
	size_t len;
	const struct line_info *info = lane_next(s->lane, &len);

	if (!info)
		return 0;
	ssize_t m = send_line(s, info);
	if (m < 0 && errno == EMSGSIZE) {
		lane_drop_next(s->lane, s->refused);
		return 1;
	}
	if (m < 0)
		return -1;
	s->bytes += (size_t)m;
	lane_took(s->lane, len, s->written);
	return m;
}

static void
syslog_close(struct sink *s)
{
	s->fd = -1;
}

const struct sink_kind sink_syslog = {
	.name = "syslog",
	.default_path = "/dev/log",
	.open = syslog_open,
	.push = syslog_push,
	.close = syslog_close,
};
