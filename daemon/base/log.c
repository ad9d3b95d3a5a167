/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operational messages on stderr; see log.h. The program's name and the two switches are set once at start. */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program = "lenscap";
static bool verbose, priorities;
static unsigned unheard; /* lines for which there was no room */

/* syslog(3) levels, as the journal reads them. */
enum { LEVEL_ERR = 3, LEVEL_WARNING = 4, LEVEL_INFO = 6, LEVEL_DEBUG = 7 };

void
log_init(const char *name, bool be_verbose)
{
	program = name;
	verbose = be_verbose;
}

void
log_set_priorities(bool on)
{
	priorities = on;
}

/* A pipe or socket with room takes a whole line (pipe(7): PIPE_BUF); a file is always ready. */
static bool
has_room(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) != 0;
}

/* One write(2) a line, so that lines of two processes on one stderr never mix. Whoever reads us may stop; we do not. */
static void
put(const char *line, size_t n)
{
	char text[80];

	if (!has_room()) {
		unheard++;
		return;
	}
	if (unheard) {
		int m = snprintf(text, sizeof text, "%.20s: %u lines were lost: nobody read them\n", program, unheard);
		unheard = 0;
		if (write(STDERR_FILENO, text, (size_t)m) < 0 || !has_room()) {
			unheard++;
			return;
		}
	}
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nobody listens: there is no better place to say so */
}

static void
emit(int level, int error, const char *fmt, va_list ap)
{
	char line[2048];
	size_t n = 0;

	if (priorities)
		n += (size_t)snprintf(line, sizeof line, "<%d>", level);
	n += (size_t)snprintf(line + n, sizeof line - n, "%s: ", program);
	int m = vsnprintf(line + n, sizeof line - n, fmt, ap);
	n += m < 0 ? 0 : (size_t)m;
	if (error && n < sizeof line)
		n += (size_t)snprintf(line + n, sizeof line - n, ": %s", strerror(error));
	if (n > sizeof line - 2)
		n = sizeof line - 2;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	line[n++] = '\n';
	put(line, n);
}

#define EMIT(level, error)                                                                                   \
	do {                                                                                                 \
		int saved = errno;                                                                           \
		va_list ap;                                                                                  \
		va_start(ap, fmt);                                                                           \
		emit(level, (error) ? saved : 0, fmt, ap);                                                   \
		va_end(ap);                                                                                  \
		errno = saved;                                                                               \
	} while (0)

void
log_debug(const char *fmt, ...)
{
	if (verbose)
		EMIT(LEVEL_DEBUG, 0);
}

void
log_info(const char *fmt, ...)
{
	EMIT(LEVEL_INFO, 0);
}

void
log_warn(const char *fmt, ...)
{
	EMIT(LEVEL_WARNING, 1);
}

void
log_warnx(const char *fmt, ...)
{
	EMIT(LEVEL_WARNING, 0);
}

void
fatal(const char *fmt, ...)
{
	EMIT(LEVEL_ERR, 1);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	EMIT(LEVEL_ERR, 0);
	exit(1);
}

bool
log_allowed(struct log_limit *l, uint64_t now_ns, unsigned *ret_held)
{
	if (l->last_ns && now_ns - l->last_ns < 1000000000u) {
		l->held++;
		return false;
	}
	if (ret_held)
		*ret_held = l->held;
	l->last_ns = now_ns ? now_ns : 1;
	l->held = 0;
	return true;
}
