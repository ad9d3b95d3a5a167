/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See builder.h. The thread reads the bundle and the policy before, which nobody changes, and rings when it is done. */
#include "builder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bundle.h"
#include "policy.h"
#include "wording.h"

struct builder {
	int bell, bundle_fd;
	bool busy;
	pthread_t thread;
	const struct policy *previous;
	struct built built; /* the thread's until the bell has rung */
};

struct builder *
builder_new(void)
{
	struct builder *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->bundle_fd = -1;
	b->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->bell >= 0)
		return b;
	free(b);
	return NULL;
}

int
builder_fd(const struct builder *b)
{
	return b->bell;
}

void
builder_run(int bundle_fd, const struct policy *previous, uint32_t ticket, struct built *ret)
{
	struct bundle *b = bundle_load(bundle_fd);

	*ret = (struct built){.ticket = ticket};
	if (b)
		ret->policy = policy_load_sharing(b, &ret->diags, previous);
	if (ret->policy)
		ret->wording = wording_new(b);
	bundle_free(b);
}

static void *
run(void *arg)
{
	struct builder *b = arg;
	const uint64_t one = 1;
	builder_run(b->bundle_fd, b->previous, b->built.ticket, &b->built);
	/* A counter of its own is never full. */
	while (write(b->bell, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

bool
builder_start(struct builder *b, int bundle_fd, const struct policy *previous, uint32_t ticket)
{
	sigset_t all, before;
	if (b->busy || (b->bundle_fd = fcntl(bundle_fd, F_DUPFD_CLOEXEC, 0)) < 0)
		return false;
	b->previous = previous;
	b->built = (struct built){.ticket = ticket};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
	b->busy = pthread_create(&b->thread, NULL, run, b) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (b->busy)
		return true;
	close(b->bundle_fd);
	return false;
}

bool
builder_take(struct builder *b, struct built *ret)
{
	uint64_t rings;
	if (!b->busy)
		return false;
	pthread_join(b->thread, NULL);
	(void)!read(b->bell, &rings, sizeof(rings));
	close(b->bundle_fd);
	b->busy = false;
	*ret = b->built;
	return true;
}

void
built_free(struct built *built)
{
	policy_free(built->policy);
	wording_unref(built->wording);
	diags_free(&built->diags);
	memset(built, 0, sizeof(*built));
}

void
builder_free(struct builder *b)
{
	struct built built;
	if (!b)
		return;
	if (builder_take(b, &built))
		built_free(&built);
	close(b->bell);
	free(b);
}
