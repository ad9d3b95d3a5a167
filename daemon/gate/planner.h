/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has a policy read and checked by a process without power that has never seen a packet, and takes over
 * what it says: the plan (checked), the policy's bytes (sealed), the errors as text.
 */
#ifndef LENSCAP_GATE_PLANNER_H
#define LENSCAP_GATE_PLANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "plan.h"

enum {
	PLANNER_MS = 10000, /* more than any policy needs */
	PLANNER_TEXT = 65536,
};

struct planner {
	struct child child;
	int plan_fd, bundle_fd, text_fd, bell_fd; /* -1: none */
};

#define PLANNER_NONE {.child = {.watch = -1}, .plan_fd = -1, .bundle_fd = -1, .text_fd = -1, .bell_fd = -1}

enum plan_result {
	PLAN_GOOD,
	PLAN_SALVAGED, /* refused, but what is needed to fail closed could be read */
	PLAN_REFUSED,
	PLAN_BROKEN, /* the process failed: killed, timed out, or its plan makes no sense */
};

struct planner_order {
	const char *config; /* the files, unless */
	int bundle_fd;	    /* a policy that was read before; -1: none. It stays the caller's */
	uint8_t mode;	    /* enum channel_mode: in place of the policy's own */
	bool no_sandbox;
};

/* Starts reading. 0, or -1: logged. */
int planner_start(struct planner *p, int program, const struct planner_order *order);
/* Waits for the end, at most timeout_ms. False: still at work. */
bool planner_wait(struct planner *p, int timeout_ms, enum plan_result *ret_result, struct plan *ret_plan);
/*
 * Waits at most timeout_ms until the files are read: p->bundle_fd holds them, sealed, while the child goes on checking. False: it has ended without,
 * or has not come so far.
 */
bool planner_wait_bundle(struct planner *p, int timeout_ms);
/* Whatever the child is doing. */
void planner_stop(struct planner *p);
/* The descriptors that remain. Taken ones belong to the caller and read from their start. */
int planner_take_bundle(struct planner *p);
int planner_take_text(struct planner *p);

/* Reads at most PLANNER_TEXT - 1 bytes into a string to free. Never NULL unless memory ends. */
char *planner_read_text(int fd);
/* The first line that is an error, else the first line, without its end, at most len - 1 bytes. */
void planner_first_error(const char *text, char *out, size_t len);
/* A descriptor that holds this text. -1 with errno. */
int planner_text(const char *text);

#endif
