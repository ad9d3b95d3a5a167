/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes down what must outlive us, in a process of its own: a disk may take seconds to say that it has something, and no verdict waits
 * for that. One at a time.
 */
#ifndef LENSCAP_GATE_SCRIBE_H
#define LENSCAP_GATE_SCRIBE_H

#include "child.h"
#include "plan.h"
#include "standing.h"

enum { SCRIBE_MS = 5000 }; /* then what is not written counts as not kept */

/* What could not be written, logged. */
enum scribe_lack { SCRIBE_VERSION = 1, SCRIBE_STANDING = 2, SCRIBE_PLAN = 4, SCRIBE_ALL = 7 };

struct scribe {
	struct child child;
	uint64_t since_ns;
};

struct scribe_order {
	int state_fd, versions_fd, bundle_fd;
	const char *state_dir;		/* for the log */
	const struct version *version;	/* NULL: its file is there already */
	const struct standing *standing;
	const struct plan *plan;
};

/* False: logged; the one before is not done, or there is no process. */
bool scribe_start(struct scribe *s, const struct scribe_order *order, uint64_t now_ns);
/* True: it is done, and *ret_lacks says what is not. */
bool scribe_done(struct scribe *s, unsigned *ret_lacks);
/* Readable once it is done; -1: nothing is being written. */
int scribe_fd(const struct scribe *s);
/* It writes, and has not done so for too long. */
bool scribe_busy(const struct scribe *s, uint64_t now_ns);
/* Nothing more of this is written, as far as the disk lets go of it. */
void scribe_give_up(struct scribe *s);
void scribe_stop(struct scribe *s);

#endif
