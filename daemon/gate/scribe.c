/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See scribe.h. Each file is replaced as a whole or not at all, so this process may be killed at any moment. */
#include "scribe.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "place.h"

static unsigned
write_all(const struct scribe_order *o)
{
	const struct place_part plan = {o->plan, sizeof *o->plan};
	unsigned lacks = 0;

	if (o->version && versions_save(o->versions_fd, o->version, o->bundle_fd) < 0)
		lacks |= SCRIBE_VERSION;
	if (standing_save(o->state_fd, o->standing) < 0) {
		log_warn("%s/standing: cannot be written; a restart will not know on what terms the policy is in force",
			 o->state_dir);
		lacks |= SCRIBE_STANDING;
	}
	if (place_write(o->state_fd, "plan", &plan, 1) < 0) {
		log_warn("%s/plan: cannot save the plan for a start with a broken policy", o->state_dir);
		lacks |= SCRIBE_PLAN;
	}
	return lacks;
}

bool
scribe_start(struct scribe *s, const struct scribe_order *order, uint64_t now_ns)
{
	const int keep[] = {order->state_fd, order->versions_fd, order->bundle_fd};
	unsigned before;

	if (s->child.pid && !scribe_done(s, &before)) {
		log_warnx("%s: the disk has not taken what was written before; this policy is not kept", order->state_dir);
		return false;
	}
	switch (child_branch(keep, sizeof keep / sizeof *keep, &s->child)) {
	case CHILD_HERE:
		_exit((int)write_all(order));
	case CHILD_FAILED:
		log_warn("%s: no process to write with; this policy is not kept", order->state_dir);
		s->child = (struct child){.watch = -1};
		return false;
	case CHILD_THERE:
		break;
	}
	s->since_ns = now_ns;
	return true;
}

bool
scribe_done(struct scribe *s, unsigned *ret_lacks)
{
	int status;

	if (!child_wait(&s->child, 0, &status))
		return false;
	*ret_lacks = WIFEXITED(status) && WEXITSTATUS(status) <= SCRIBE_ALL ? (unsigned)WEXITSTATUS(status) : SCRIBE_ALL;
	return true;
}

int
scribe_fd(const struct scribe *s)
{
	return s->child.pid ? s->child.watch : -1;
}

bool
scribe_busy(const struct scribe *s, uint64_t now_ns)
{
	return s->child.pid && now_ns - s->since_ns < (uint64_t)SCRIBE_MS * 1000000;
}

void
scribe_give_up(struct scribe *s)
{
	if (s->child.pid)
		kill(s->child.pid, SIGKILL);
}

void
scribe_stop(struct scribe *s)
{
	(void)child_end(&s->child);
}
