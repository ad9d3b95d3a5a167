/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy is built beside the packets: a large one takes a second, and no packet waits for it. One thread, one policy at a time; nothing
 * that it makes is shared before it is taken.
 */
#ifndef LENSCAP_ENGINE_BUILDER_H
#define LENSCAP_ENGINE_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

struct builder;
struct policy;
struct wording;

struct built {
	uint32_t ticket;
	struct policy *policy; /* NULL: it makes no sense or does not load; diags tell why */
	struct wording *wording; /* of the bundle, which may be large: its lists are read for it */
	struct diags diags;
};

/* NULL when it cannot start. */
struct builder *builder_new(void);
/* Waits for what is being built, and drops it. */
void builder_free(struct builder *b);
/* Readable when something is built. */
int builder_fd(const struct builder *b);
/*
 * Begins. bundle_fd is copied. previous: the policy in force or NULL; it must live until builder_take(). False: no thread, or busy.
 */
bool builder_start(struct builder *b, int bundle_fd, const struct policy *previous, uint32_t ticket);
/* What was built, to be freed by the caller; waits for its end. False: nothing was begun. */
bool builder_take(struct builder *b, struct built *ret);
/* The same at once and in the caller's thread. */
void builder_run(int bundle_fd, const struct policy *previous, uint32_t ticket, struct built *ret);
void built_free(struct built *built);

#endif
