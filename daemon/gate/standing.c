/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See standing.h. The file, one line each:
 *
 *	lenscap-standing 1
 *	history AT SEQ…
 *	confirm SECONDS BOOT-MS WALL-S BOOT
 *	mode MODE SECONDS BOOT-MS WALL-S BOOT
 */
#include "standing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "log.h"
#include "place.h"

#define FILE_NAME "standing"
#define MAGIC	  "lenscap-standing 1\n"

enum { TEXT = 1024 };

/* "-" stands for a clock that was never read: a lease that is none. */
static const char *
boot_text(const struct lease *l)
{
	return l->began.boot[0] ? l->began.boot : "-";
}

int
standing_save(int state_fd, const struct standing *s)
{
	char text[TEXT];
	const struct lease *c = &s->confirm, *m = &s->mode_for;
	int n = snprintf(text, sizeof text, MAGIC "history %zu", s->history.at);

	for (size_t i = 0; i < s->history.n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, " %" PRIu32, s->history.v[i].seq);
	n += snprintf(text + n, sizeof text - (size_t)n,
		      "\nconfirm %" PRIu32 " %" PRIu64 " %" PRId64 " %s\n"
		      "mode %u %" PRIu32 " %" PRIu64 " %" PRId64 " %s\n",
		      c->seconds, c->began.boot_ms, c->began.wall_s, boot_text(c), s->mode, m->seconds,
		      m->began.boot_ms, m->began.wall_s, boot_text(m));
	struct place_part part = {text, (size_t)n};
	return place_write(state_fd, FILE_NAME, &part, 1);
}

/* The rest of a line that holds a lease. */
static bool
parse_lease(const char *text, struct lease *ret)
{
	struct lease l = {0};
	int end = 0;

	if (sscanf(text, "%" SCNu32 " %" SCNu64 " %" SCNd64 " %43[-=~0-9a-f]%n", &l.seconds, &l.began.boot_ms,
		   &l.began.wall_s, l.began.boot, &end) != 4 || text[end])
		return false;
	if (l.seconds == 0)
		l = (struct lease){0};
	else if (!lease_valid(&l))
		return false;
	*ret = l;
	return true;
}

/* Numbers whose file is gone or damaged are left out; the one in force may be among them. */
static bool
parse_history(const char *text, int dir, struct history *ret)
{
	struct history h = {0};
	char *end;
	unsigned long said = strtoul(text, &end, 10), at = said, last = 0;
	bool lost = false;

	for (size_t i = 0; *end; i++) {
		unsigned long seq = *end == ' ' ? strtoul(end + 1, &end, 10) : 0;
		if (seq <= last || seq >= UINT32_MAX || i == VERSIONS_MAX)
			return false;
		last = seq;
		if (versions_describe(dir, (uint32_t)seq, &h.v[h.n])) {
			h.n++;
		} else {
			lost |= i == said;
			at -= i < said;
		}
	}
	h.at = h.n ? at : 0;
	if (lost || !history_valid(&h))
		return false;
	*ret = h;
	return true;
}

static bool
parse(char *text, int dir, struct standing *ret)
{
	struct standing s = {0};
	char *save = NULL, *line[4];
	unsigned mode = 0;
	int at = 0;

	if (strncmp(text, MAGIC, sizeof MAGIC - 1) != 0)
		return false;
	for (size_t i = 0; i < 4; i++)
		if (!(line[i] = strtok_r(i ? NULL : text, "\n", &save)))
			return false;
	if (strncmp(line[1], "history ", 8) != 0 || !parse_history(line[1] + 8, dir, &s.history) ||
	    strncmp(line[2], "confirm ", 8) != 0 || !parse_lease(line[2] + 8, &s.confirm) ||
	    sscanf(line[3], "mode %u %n", &mode, &at) != 1 || at == 0 || !parse_lease(line[3] + at, &s.mode_for) ||
	    mode > CHANNEL_MODE_ENFORCE)
		return false;
	if (s.confirm.seconds && s.history.at == 0) {
		log_warnx(FILE_NAME ": the policy before cannot be read, so nothing can go back to it");
		s.confirm = (struct lease){0};
	}
	s.mode = (uint8_t)mode;
	*ret = s;
	return true;
}

void
standing_load(int state_fd, int versions_dir, struct standing *ret)
{
	char text[TEXT];
	int fd = openat(state_fd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	bool missing = fd < 0 && errno == ENOENT;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	memset(ret, 0, sizeof *ret);
	text[n > 0 ? n : 0] = '\0';
	if (n > 0 && parse(text, versions_dir, ret))
		return;
	if (!missing)
		log_warnx(FILE_NAME ": damaged, or names a policy that cannot be read; nothing waits for confirmation "
				    "and the policy's own mode is in force");
	versions_scan(versions_dir, &ret->history);
}
