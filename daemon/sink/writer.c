/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer of one output: a thread, because a disk may take seconds to say that it has something, and no verdict waits for that.
 * Each output has its own, so that a disk that hangs does not keep alerts from the log daemon.
 *
 * A target that fails is left alone for a second. The thread allocates nothing and logs nothing: it leaves what there is to tell to
 * the loop. All signals are blocked in it. It reads the clock itself, because it is a loop of its own.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"
#include "sink_kind.h"

#define RETRY_NS UINT64_C(1000000000)
#define MS	 UINT64_C(1000000)

enum {
	STACK_BYTES = 256 << 10,
	SOON_MS = 10,	   /* a slow reader that poll cannot watch is asked again */
	WATCHED_MS = 1000, /* and one that it can watch, should poll be wrong about it */
};

static void
failed(struct sink *s, const struct now *now, bool open)
{
	s->retry_ns = now->mono_ns + RETRY_NS;
	s->open_failed = open;
	s->error = errno;
}

static void
works(struct sink *s)
{
	s->retry_ns = 0;
	s->error = 0;
}

static bool
waits_for_first(const struct sink *s)
{
	int state = s->preface_state;

	return state == PREFACE_WANTED || state == PREFACE_PRINTING;
}

static bool
may_try(const struct sink *s, const struct now *now)
{
	return s->fd >= 0 && now->mono_ns >= s->retry_ns && !waits_for_first(s);
}

static void
close_target(struct sink *s)
{
	s->kind->close(s);
	s->is_open = false;
}

/* A reader that went away is let go, so that the next open finds the new one. */
static void
push_failed(struct sink *s, const struct now *now)
{
	s->slow = errno == EAGAIN || errno == EWOULDBLOCK;
	if (s->slow)
		return;
	failed(s, now, false);
	if (s->error == EPIPE && s->kind->moved)
		close_target(s);
}

static void
push(struct sink *s, const struct now *now)
{
	ssize_t n;

	s->slow = false;
	if (!may_try(s, now))
		return;
	do {
		n = s->kind->push(s);
		if (n > 0)
			works(s);
	} while ((n > 0 && !s->asked) || (n < 0 && errno == EINTR)); /* what is asked does not wait for a reader that is never done */
	if (n < 0)
		push_failed(s, now);
}

static void
open_target(struct sink *s, const struct now *now)
{
	if (s->kind->open(s) < 0) {
		failed(s, now, true);
		return;
	}
	s->is_open = true;
	works(s);
}

/* True: nobody was printing one, and nobody begins to. */
static bool
go_without_first(struct sink *s)
{
	int wanted = PREFACE_WANTED;

	return atomic_compare_exchange_strong(&s->preface_state, &wanted, PREFACE_NONE);
}

/* What a new file begins with is settled anew; while the loop prints it for the file before, that has to wait. */
static void
reopen(struct sink *s, const struct now *now)
{
	if (!go_without_first(s) && s->preface_state == PREFACE_PRINTING) {
		atomic_fetch_or(&s->asked, ASK_REOPEN);
		return;
	}
	if (s->fd >= 0)
		close_target(s);
	open_target(s, now);
}

void
writer_turn(struct sink *s, const struct now *now)
{
	unsigned asked = atomic_fetch_and(&s->asked, ASK_END);

	if (asked & ASK_CHECK) {
		s->retry_ns = 0;
		bool moved = s->fd >= 0 && s->kind->moved && s->kind->moved(s);
		s->moves += moved;
		if (s->fd < 0 || moved)
			asked |= ASK_REOPEN;
	}
	if (asked & (ASK_OPEN | ASK_REOPEN))
		reopen(s, now);
	push(s, now);
}

/* ---- the thread ---- */

/* Nothing that could be done now is left. */
static bool
nothing_to_do(struct sink *s, bool ending)
{
	size_t len;

	if (s->preface_state == PREFACE_PRINTING)
		return true; /* who prints it rings */
	if (s->asked & (ending ? ~(unsigned)ASK_END : ~0u))
		return false;
	if (s->slow || s->error || waits_for_first(s))
		return true;
	return s->preface_state == PREFACE_NONE && !lane_next(s->lane, &len);
}

static int
patience_ms(const struct sink *s, bool ending)
{
	if (ending || (s->slow && !s->kind->pollable))
		return SOON_MS;
	return s->slow ? WATCHED_MS : -1;
}

/* Until there is something to do. Who rings after the exchange is heard; what came before it is seen. */
static void
rest(struct sink *s, bool ending)
{
	struct pollfd p[] = {{.fd = s->bell, .events = POLLIN},
			     {.fd = s->slow && s->kind->pollable ? s->fd : -1, .events = POLLOUT}};
	uint64_t rung;

	atomic_exchange(&s->asleep, true);
	if (nothing_to_do(s, ending))
		(void)poll(p, sizeof p / sizeof *p, patience_ms(s, ending));
	atomic_exchange(&s->asleep, false);
	while (p[0].revents && read(s->bell, &rung, sizeof rung) < 0 && errno == EINTR)
		;
}

static bool
all_out(struct sink *s)
{
	size_t len;

	return !lane_next(s->lane, &len) && backlog_lines(s->backlog) == 0 && s->preface_state != PREFACE_READY;
}

/*
 * What the loop had is ours now. A target that fails gets one last attempt and no more. A first record that nobody has printed
 * by the end is not waited for any longer.
 */
static void
finish(struct sink *s)
{
	struct now now;

	clock_read(&now);
	const uint64_t end_ns = now.mono_ns + s->end_ms * MS;
	s->retry_ns = 0;
	if (s->fd < 0)
		atomic_fetch_or(&s->asked, ASK_OPEN);
	do {
		sink_feed(s);
		clock_read(&now);
		writer_turn(s, &now);
		if (all_out(s) || s->error)
			break;
		if (s->life == SINK_LEFT)
			go_without_first(s);
		if (s->slow || waits_for_first(s))
			rest(s, true);
	} while (now.mono_ns < end_ns);
	if (go_without_first(s))
		writer_turn(s, &now);
	if (s->fd >= 0)
		close_target(s);
}

static void *
writer_main(void *arg)
{
	struct sink *s = arg;
	struct now now;

	(void)prctl(PR_SET_NAME, "lenscap-writer");
	while (!(s->asked & ASK_END)) {
		clock_read(&now);
		writer_turn(s, &now);
		rest(s, false);
	}
	finish(s);
	if (atomic_exchange(&s->life, SINK_FINISHED) == SINK_LEFT)
		sink_release(s);
	return NULL;
}

bool
writer_start(struct sink *s)
{
	pthread_attr_t attr;
	sigset_t all, before;

	s->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = s->bell < 0 ? errno : pthread_create(&s->thread, &attr, writer_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (error == 0)
		return true;
	if (s->bell >= 0)
		close(s->bell);
	s->bell = -1;
	errno = error;
	log_warn("output %s: no thread to write with; a slow disk will delay packets", *s->path ? s->path : s->kind->name);
	return false;
}

void
writer_ring(struct sink *s)
{
	static const uint64_t one = 1;

	if (atomic_exchange(&s->asleep, false) && write(s->bell, &one, sizeof one) < 0)
		return; /* it has been rung often enough */
}
