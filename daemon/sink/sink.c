/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All sinks of a policy. Each has its own waiting lines, so a full disk does not keep alerts from syslog.
 *
 * A sink that fails is left alone for a second; the log hears of it once, and once more when it works again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sink_kind.h"

#define RETRY_NS UINT64_C(1000000000)

struct sinks {
	struct sink *list;
	struct sink_status *rows;
	size_t n;
	struct sink_env env;
};

static const struct sink_kind *const kinds[] = {
	[OUTPUT_EVE] = &sink_eve,
	[OUTPUT_SYSLOG] = &sink_syslog,
	[OUTPUT_STDOUT] = &sink_stdout,
};

static const char *
label(const struct sink *s)
{
	return *s->path ? s->path : s->kind->name;
}

static uint64_t
total(const uint64_t counts[RECORD_TYPES])
{
	uint64_t n = 0;

	for (size_t i = 0; i < RECORD_TYPES; i++)
		n += counts[i];
	return n;
}

/* Says it when the error is a new one, not each second. */
static void
failed(struct sink *s, const struct now *now, const char *what)
{
	int error = errno;

	s->retry_ns = now->mono_ns + RETRY_NS;
	if (error == s->error)
		return;
	s->error = error;
	errno = error;
	log_warn("output %s: cannot %s, records wait in memory (check path, space and permissions)", label(s),
		 what);
}

/* What was lost is told when the reader or the disk is back, and at the end. */
static void
tell_losses(struct sink *s)
{
	uint64_t lost = total(s->dropped);

	if (lost == s->losses)
		return;
	log_warnx("output %s: %" PRIu64 " records did not fit in memory and were dropped; see lenscap.stats",
		  label(s), lost - s->losses);
	s->losses = lost;
}

static void
works(struct sink *s)
{
	if (s->error != 0)
		log_info("output %s: works again", label(s));
	s->error = 0;
	s->retry_ns = 0;
	if (backlog_lines(s->backlog) == 0)
		tell_losses(s);
}

static bool
may_try(const struct sink *s, const struct now *now)
{
	return s->fd >= 0 && now->mono_ns >= s->retry_ns;
}

/* A reader that went away is let go, so that the next open finds the new one. */
static void
push_failed(struct sink *s, const struct now *now)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return;
	failed(s, now, "write");
	if (s->error == EPIPE && s->kind->moved)
		s->kind->close(s);
}

static void
push(struct sink *s, const struct now *now)
{
	ssize_t n = 0;

	if (!may_try(s, now))
		return;
	do {
		n = s->kind->push(s);
		if (n > 0)
			works(s);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		push_failed(s, now);
}

static void
open_sink(struct sinks *all, struct sink *s, const struct now *now)
{
	if (s->kind->open(s, &all->env, now) < 0)
		failed(s, now, "open");
	else
		works(s);
}

static void
reopen(struct sinks *all, struct sink *s, const struct now *now)
{
	if (s->fd >= 0)
		s->kind->close(s);
	open_sink(all, s, now);
	push(s, now);
}

static bool
sink_init(struct sink *s, const struct policy_output *o)
{
	s->kind = kinds[o->kind];
	s->fd = -1;
	s->facility = o->facility;
	s->types = o->types;
	s->path = strdup(o->path && *o->path ? o->path : s->kind->default_path);
	s->backlog = backlog_new(BACKLOG_BYTES);
	return s->path && s->backlog;
}

/* A pipe whose reader went away is an error to handle, not the end of the program. */
static void
ignore_sigpipe(void)
{
	struct sigaction current;

	if (sigaction(SIGPIPE, NULL, &current) == 0 && current.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

static void
release(struct sinks *s)
{
	for (size_t i = 0; s->list && i < s->n; i++) {
		free(s->list[i].path);
		backlog_free(s->list[i].backlog);
	}
	free(s->list);
	free(s->rows);
	free(s);
}

struct sinks *
sinks_new(const struct policy_output *outputs, size_t n, int syslog_fd, sink_first_record *first, void *arg,
	  const struct now *now)
{
	struct sinks *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->n = n;
	s->env = (struct sink_env){syslog_fd, first, arg};
	s->list = calloc(n > 0 ? n : 1, sizeof *s->list);
	s->rows = calloc(n > 0 ? n : 1, sizeof *s->rows);
	bool ok = s->list && s->rows;
	for (size_t i = 0; ok && i < n; i++)
		ok = sink_init(&s->list[i], &outputs[i]);
	if (!ok) {
		release(s);
		return NULL;
	}
	ignore_sigpipe();
	for (size_t i = 0; i < n; i++)
		open_sink(s, &s->list[i], now);
	return s;
}

void
sinks_free(struct sinks *s)
{
	const struct now end = {.mono_ns = UINT64_MAX};

	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->list[i];
		push(k, &end);
		if (k->fd >= 0)
			k->kind->close(k);
		tell_losses(k);
		if (backlog_lines(k->backlog) > 0)
			log_warnx("output %s: %zu records could not be written and are lost", label(k),
				  backlog_lines(k->backlog));
	}
	release(s);
}

void
sinks_write(struct sinks *s, uint32_t type, enum alert_level level, const struct now *now, const char *line,
	    size_t len)
{
	const struct line_info info = {.type = type, .level = level, .wall_us = now->wall_us};

	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->list[i];
		if ((k->types & type) == 0)
			continue;
		if (backlog_half_full(k->backlog))
			push(k, now);
		if (len > RECORD_BYTES)
			k->dropped[__builtin_ctz(type)]++;
		else
			backlog_put(k->backlog, &info, line, len, k->dropped);
	}
}

void
sinks_flush(struct sinks *s, const struct now *now)
{
	for (size_t i = 0; i < s->n; i++)
		push(&s->list[i], now);
}

void
sinks_tick(struct sinks *s, const struct now *now)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->list[i];
		k->retry_ns = 0;
		if (k->fd < 0 || (k->kind->moved && k->kind->moved(k)))
			reopen(s, k, now);
		else
			push(k, now);
	}
}

void
sinks_reopen(struct sinks *s, const struct now *now)
{
	for (size_t i = 0; i < s->n; i++)
		reopen(s, &s->list[i], now);
}

static void
fill_row(struct sink_status *row, const struct sink *s)
{
	row->kind = s->kind->name;
	row->path = s->path;
	row->open = s->fd >= 0;
	row->last_errno = s->error;
	row->bytes = s->bytes;
	row->waiting = backlog_waiting(s->backlog);
	memcpy(row->written, s->written, sizeof row->written);
	memcpy(row->dropped, s->dropped, sizeof row->dropped);
}

const struct sink_status *
sinks_status(struct sinks *s, size_t *ret_n)
{
	for (size_t i = 0; i < s->n; i++)
		fill_row(&s->rows[i], &s->list[i]);
	*ret_n = s->n;
	return s->rows;
}
