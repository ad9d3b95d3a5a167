/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts of what the kernel refused from memory, key by key: the counters of the hits sets, read while they
 * live, told as differences. No count is lost: an element lives RULESET_HITS_TIMEOUT_S after its last hit
 * and is read every few seconds.
 */
#ifndef LENSCAP_GATE_DENIED_H
#define LENSCAP_GATE_DENIED_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"

struct denied;

/* Called with 1..CHANNEL_NEWS of them. */
typedef void denied_sink(const struct channel_denied_flow *f, size_t n, void *arg);

struct denied *denied_open(void);
void denied_close(struct denied *d);
int denied_fd(const struct denied *d);
/* Starts reading all sets; false when a reading is still under way. */
bool denied_look(struct denied *d, uint64_t now_ns);
/* A bounded part of it. */
void denied_step(struct denied *d, uint64_t now_ns, denied_sink *sink, void *arg);
/* The table has been made anew: nothing counted before is in it. */
void denied_reset(struct denied *d);

/* Nothing was refused since the last reading: what has run out by now is gone. */
void denied_quiet(struct denied *d, uint64_t now_ns);

/*
 * The memory under it, for tests too: what an element's counters add to its last reading. expires_ns: when
 * the kernel will drop the element unless it is hit again; after that the same key is a new element.
 */
struct denied_count {
	uint64_t packets, bytes;
};
struct denied_count denied_note(struct denied *d, const struct tuple *key, struct denied_count seen,
				uint64_t expires_ns);
size_t denied_size(const struct denied *d);

#endif
