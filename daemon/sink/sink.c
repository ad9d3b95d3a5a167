/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All sinks of a policy, as the loop sees them; what touches a target is writer.c. Each has its own waiting lines, so a full disk does not
 * keep alerts from syslog.
 *
 * A line goes into the lane, and from there out. While the lane is full, or the target fails, lines wait in the backlog, where alerts
 * take the room of all else. The log hears of a failure once, and once more when the output works again.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sink_kind.h"

#define MS UINT64_C(1000000)
#define STALL_NS (5000 * MS)

enum {
	END_MS = 500,	  /* how long the end waits for a slow reader */
	RETIRE_MS = 5000, /* and how long a writer goes on whose output the policy does not have any more */
	WATCH_MS = 2,
	LEAVING = 32, /* such writers that are waited for, to know what they lost */
};

struct sinks {
	struct sink **list;
	struct sink_status *rows;
	size_t n;
	bool background;
	sink_first_record *first;
	void *arg;
	struct sink *leaving[LEAVING]; /* outputs of policies before, whose writers go on */
	size_t n_leaving;
	uint64_t lost[RECORD_TYPES]; /* by outputs that are gone */
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

/* What was lost is told when the reader or the disk is back, and at the end. */
static void
tell_losses(struct sink *s)
{
	uint64_t lost = total(s->dropped);

	for (size_t i = 0; i < RECORD_TYPES; i++)
		lost += s->refused[i];
	if (lost == s->losses)
		return;
	log_warnx("output %s: %" PRIu64 " records did not fit in memory and were dropped; see lenscap.stats",
		  label(s), lost - s->losses);
	s->losses = lost;
}

static void
tell_error(struct sink *s)
{
	int error = s->error;

	if (error == s->told_error)
		return;
	s->told_error = error;
	if (error == 0) {
		log_info("output %s: works again", label(s));
		return;
	}
	errno = error;
	log_warn("output %s: cannot %s, records wait in memory (check path, space and permissions)", label(s),
		 s->open_failed ? "open" : "write");
}

/* A writer that has not come back, or a reader that takes nothing. */
static void
tell_stall(struct sink *s, const struct now *now)
{
	uint64_t taken = lane_taken(s->lane);

	if (taken != s->taken || s->taken_ns == 0 || lane_lines(s->lane) == 0) {
		s->taken = taken;
		s->taken_ns = now->mono_ns;
		if (s->told_stall)
			log_info("output %s: records are taken again", label(s));
		s->told_stall = false;
	} else if (!s->told_stall && s->error == 0 && now->mono_ns - s->taken_ns >= STALL_NS) {
		s->told_stall = true;
		log_warnx("output %s: takes nothing, records wait in memory (is its reader stopped, does the disk hang?)", label(s));
	}
}

/* What the log has not heard yet. */
static void
tell(struct sink *s)
{
	unsigned moves = s->moves;

	if (moves != s->told_moves)
		log_info("output %s: was removed or renamed, is opened again", label(s));
	s->told_moves = moves;
	tell_error(s);
}

/* What waits at a target that fails stays where alerts can still take the room of others. */
void
sink_feed(struct sink *s)
{
	enum { PIECES = RECORD_BYTES / 128 };
	uint64_t moved[RECORD_TYPES] = {0};
	const struct line_info *info;
	struct iovec piece[PIECES];
	size_t len;

	while (s->error == 0 && (info = backlog_next(s->backlog, &len)) != NULL) {
		size_t n = backlog_view(s->backlog, piece, PIECES, 1);
		if (!lane_put(s->lane, info, piece, n))
			return;
		backlog_took(s->backlog, len, moved);
	}
}

static void
print_first(struct sinks *all, struct sink *s, const struct now *now)
{
	int wanted = PREFACE_WANTED;

	if (!atomic_compare_exchange_strong(&s->preface_state, &wanted, PREFACE_PRINTING))
		return;
	s->preface_len = all->first(all->arg, now, s->preface, sizeof s->preface);
	s->preface_state = s->preface_len ? PREFACE_READY : PREFACE_NONE;
	if (s->threaded)
		writer_ring(s);
}

/* Without a thread we write ourselves: as long as it makes room for more. */
static void
write_here(struct sinks *all, struct sink *s, const struct now *now)
{
	size_t before;

	do {
		before = backlog_lines(s->backlog);
		writer_turn(s, now);
		if (s->preface_state == PREFACE_WANTED) {
			print_first(all, s, now);
			writer_turn(s, now);
		}
		sink_feed(s);
	} while (backlog_lines(s->backlog) < before);
	writer_turn(s, now);
}

/* The writer starts with the first flush and not before: then we have given up what it must not have either. */
static void
urge(struct sinks *all, struct sink *s, const struct now *now)
{
	if (all->background && !s->threaded)
		s->threaded = writer_start(s);
	if (all->background && !s->threaded)
		all->background = false;
	if (s->threaded) {
		print_first(all, s, now);
		sink_feed(s);
		if (s->asked || (s->error == 0 && lane_lines(s->lane) > 0))
			writer_ring(s);
	} else {
		sink_feed(s);
		write_here(all, s, now);
	}
	tell(s);
}

static void
ask(struct sinks *all, struct sink *s, unsigned what, const struct now *now)
{
	atomic_fetch_or(&s->asked, what);
	urge(all, s, now);
}

static struct sink *
sink_new(const struct policy_output *o, int syslog_fd, bool wants_first)
{
	struct sink *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->kind = kinds[o->kind];
	s->fd = s->bell = -1;
	s->facility = o->facility;
	s->types = o->types;
	s->syslog_fd = syslog_fd;
	s->wants_first = wants_first;
	s->asked = ASK_OPEN;
	s->path = strdup(o->path && *o->path ? o->path : s->kind->default_path);
	s->backlog = backlog_new(BACKLOG_BYTES);
	s->lane = lane_new(LANE_BYTES);
	if (s->path && s->backlog && s->lane)
		return s;
	sink_release(s);
	return NULL;
}

void
sink_release(struct sink *s)
{
	free(s->path);
	backlog_free(s->backlog);
	lane_free(s->lane);
	if (s->bell >= 0)
		close(s->bell);
	free(s);
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
	free(s->list);
	free(s->rows);
	free(s);
}

struct sinks *
sinks_new(const struct policy_output *outputs, size_t n, int syslog_fd, bool background, sink_first_record *first, void *arg,
	  const struct now *now)
{
	struct sinks *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->background = background;
	s->first = first;
	s->arg = arg;
	s->list = calloc(n > 0 ? n : 1, sizeof(struct sink *));
	s->rows = calloc(n > 0 ? n : 1, sizeof *s->rows);
	for (; s->list && s->rows && s->n < n; s->n++) {
		s->list[s->n] = sink_new(&outputs[s->n], syslog_fd, first != NULL);
		if (!s->list[s->n])
			break;
	}
	if (!s->list || !s->rows || s->n < n) {
		while (s->n > 0)
			sink_release(s->list[--s->n]);
		release(s);
		return NULL;
	}
	ignore_sigpipe();
	for (size_t i = 0; i < n && !background; i++) {
		writer_turn(s->list[i], now);
		tell(s->list[i]);
	}
	return s;
}

/* ---- the end ---- */

static void
tell_left(const struct sink *s, uint64_t lines)
{
	if (lines > 0)
		log_warnx("output %s: %" PRIu64 " records could not be written and are lost", label(s), lines);
}

/* Nobody writes here any more: what is still there is lost. */
static void
count_left(struct sinks *all, struct sink *s)
{
	_Atomic uint64_t in_lane[RECORD_TYPES] = {0};
	uint64_t left[RECORD_TYPES] = {0};
	size_t len;

	while (backlog_lines(s->backlog) > 0)
		backlog_drop_next(s->backlog, left);
	while (lane_next(s->lane, &len))
		lane_drop_next(s->lane, in_lane);
	for (size_t i = 0; i < RECORD_TYPES; i++) {
		left[i] += in_lane[i];
		all->lost[i] += left[i];
	}
	tell_left(s, total(left));
}

/* The thread ends by itself; who of us two is the last one frees. */
static void
leave(struct sink *s)
{
	pthread_detach(s->thread);
	if (atomic_exchange(&s->life, SINK_LEFT) == SINK_FINISHED)
		sink_release(s);
}

static void
end_here(struct sinks *all, struct sink *s, const struct now *now)
{
	if (!all->background && !s->spent) {
		s->retry_ns = 0;
		sink_feed(s);
		write_here(all, s, now);
		tell_error(s);
	}
	if (s->fd >= 0)
		s->kind->close(s);
	tell_losses(s);
	count_left(all, s);
	sink_release(s);
}

static void
ask_to_end(struct sink *s, unsigned ms)
{
	s->end_ms = ms;
	atomic_fetch_or(&s->asked, ASK_END);
	writer_ring(s);
}

/* True when all writers are through. */
static bool
all_finished(struct sinks *all, const struct now *now)
{
	bool done = true;

	for (size_t i = 0; i < all->n; i++) {
		struct sink *s = all->list[i];
		if (!s->threaded || s->life == SINK_FINISHED)
			continue;
		print_first(all, s, now);
		done = false;
	}
	return done;
}

/* Its backlog may be in use, so what it holds was counted before. */
static void
end_threaded(struct sink *s, uint64_t held)
{
	bool finished = s->life == SINK_FINISHED;

	tell_error(s);
	tell_losses(s);
	tell_left(s, lane_lines(s->lane) + (finished ? backlog_lines(s->backlog) : held));
	leave(s);
}

static bool
has_lines(const struct sink *s)
{
	return lane_lines(s->lane) > 0 || backlog_lines(s->backlog) > 0;
}

static void
watch_leaving(struct sinks *all, const struct now *now)
{
	for (size_t i = 0; i < all->n_leaving;) {
		struct sink *s = all->leaving[i];
		if (s->life != SINK_FINISHED) {
			print_first(all, s, now);
			i++;
			continue;
		}
		for (size_t k = 0; k < RECORD_TYPES; k++)
			all->lost[k] += s->refused[k] - s->dropped[k]; /* see retire() */
		tell_error(s);
		count_left(all, s);
		leave(s);
		all->leaving[i] = all->leaving[--all->n_leaving];
	}
}

/* To who comes after us, and where that is nobody, or has enough of them, to themselves. */
static void
hand_on(struct sink *s, struct sinks *heir)
{
	if (heir && heir->n_leaving < LEAVING)
		heir->leaving[heir->n_leaving++] = s;
	else
		leave(s);
}

void
sinks_free(struct sinks *s, const struct now *now)
{
	if (!s)
		return;
	watch_leaving(s, now);
	for (size_t i = 0; i < s->n_leaving; i++)
		leave(s->leaving[i]);
	uint64_t *held = calloc(s->n > 0 ? s->n : 1, sizeof *held);
	for (size_t i = 0; i < s->n; i++) {
		if (held)
			held[i] = backlog_lines(s->list[i]->backlog);
		if (s->background && has_lines(s->list[i]))
			urge(s, s->list[i], now);
		if (s->list[i]->threaded)
			ask_to_end(s->list[i], END_MS);
	}
	for (unsigned waited = 0; waited < END_MS + 100 && !all_finished(s, now); waited += WATCH_MS)
		(void)poll(NULL, 0, WATCH_MS);
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i]->threaded)
			end_threaded(s->list[i], held ? held[i] : 0);
		else
			end_here(s, s->list[i], now);
	free(held);
	release(s);
}

/* What it dropped until now has been counted; what it will have lost in the end is known when its writer is through. */
static void
retire(struct sinks *all, struct sink *s, struct sinks *heir, const struct now *now)
{
	tell(s);
	print_first(all, s, now);
	for (size_t i = 0; i < RECORD_TYPES; i++)
		s->dropped[i] = s->refused[i];
	ask_to_end(s, RETIRE_MS);
	hand_on(s, heir);
}

void
sinks_retire(struct sinks *s, struct sinks *heir, const struct now *now)
{
	if (!s)
		return;
	watch_leaving(s, now);
	for (size_t i = 0; i < s->n_leaving; i++)
		hand_on(s->leaving[i], heir);
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i]->threaded)
			retire(s, s->list[i], heir, now);
		else
			end_here(s, s->list[i], now);
	for (size_t i = 0; i < RECORD_TYPES && heir; i++)
		heir->lost[i] += s->lost[i];
	release(s);
}

static bool
same_target(const struct sink *a, const struct sink *b)
{
	return a->kind == b->kind && a->facility == b->facility && strcmp(a->path, b->path) == 0;
}

static void
take_over(struct sink **mine, struct sink **theirs)
{
	struct sink *was = *mine;
	uint32_t types = was->types;

	*mine = *theirs;
	*theirs = was;
	(*mine)->types = types;
	was->spent = true;
}

void
sinks_inherit(struct sinks *s, struct sinks *old)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < old->n; k++)
			if (!old->list[k]->spent && same_target(s->list[i], old->list[k])) {
				take_over(&s->list[i], &old->list[k]);
				break;
			}
}

/* ---- day by day ---- */

void
sinks_write(struct sinks *s, uint32_t type, enum alert_level level, const struct now *now, const char *line,
	    size_t len)
{
	const struct line_info info = {.type = type, .level = level, .wall_us = now->wall_us};
	const struct iovec piece = {(char *)line, len};

	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = s->list[i];
		if ((k->types & type) == 0 || len == 0)
			continue;
		if (len > RECORD_BYTES) {
			k->dropped[__builtin_ctz(type)]++;
			continue;
		}
		if (lane_waiting(k->lane) > LANE_BYTES / 2 || backlog_half_full(k->backlog))
			urge(s, k, now);
		if (backlog_lines(k->backlog) > 0 || k->error || !lane_put(k->lane, &info, &piece, 1))
			backlog_put(k->backlog, &info, line, len, k->dropped);
	}
}

void
sinks_flush(struct sinks *s, const struct now *now)
{
	for (size_t i = 0; i < s->n; i++)
		urge(s, s->list[i], now);
}

void
sinks_tick(struct sinks *s, const struct now *now)
{
	watch_leaving(s, now);
	for (size_t i = 0; i < s->n; i++) {
		tell_stall(s->list[i], now);
		ask(s, s->list[i], ASK_CHECK, now);
		if (s->list[i]->error == 0 && backlog_lines(s->list[i]->backlog) == 0)
			tell_losses(s->list[i]);
	}
}

void
sinks_reopen(struct sinks *s, const struct now *now)
{
	for (size_t i = 0; i < s->n; i++)
		ask(s, s->list[i], ASK_REOPEN, now);
}

static void
fill_row(struct sink_status *row, const struct sink *s)
{
	row->kind = s->kind->name;
	row->path = s->path;
	row->open = s->is_open;
	row->stalled = s->told_stall;
	row->last_errno = s->error;
	row->bytes = s->bytes;
	row->waiting = backlog_waiting(s->backlog) + lane_waiting(s->lane);
	for (size_t i = 0; i < RECORD_TYPES; i++) {
		row->written[i] = s->written[i];
		row->dropped[i] = s->dropped[i] + s->refused[i];
	}
}

const uint64_t *
sinks_lost(const struct sinks *s)
{
	return s->lost;
}

const struct sink_status *
sinks_status(struct sinks *s, size_t *ret_n)
{
	for (size_t i = 0; i < s->n; i++)
		fill_row(&s->rows[i], s->list[i]);
	*ret_n = s->n;
	return s->rows;
}
