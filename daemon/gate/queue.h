/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet queue's socket: settings and verdicts. The engine holds the same socket and is the only one
 * that reads from it; the gate only sends, because the kernel takes verdicts only from a sender with
 * CAP_NET_ADMIN.
 */
#ifndef LENSCAP_GATE_QUEUE_H
#define LENSCAP_GATE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel_verdict;
struct plan;
struct queue;

enum {
	QUEUE_VERDICT_BYTES = 40, /* one message: header 16, nfgenmsg 4, verdict 12, mark 8 */
	QUEUE_NUMBERS = 16,	  /* queues that one gate can have had in its life */
};

struct queue_stats {
	bool known; /* false: the kernel's list is not readable for this user */
	uint32_t waiting, sequence;
	uint64_t dropped, user_dropped;
};

/* Also opens the kernel's list of queues, which only root may open. NULL with errno. */
struct queue *queue_open(void);
void queue_close(struct queue *q);
int queue_fd(const struct queue *q);

/*
 * Binds plan->queue and sets it up, before the engine has the socket. 0, or -1: logged (EPERM: another
 * instance has it).
 */
int queue_bind(struct queue *q, const struct plan *plan);
/*
 * The same when the engine reads the socket already, so that no acknowledgement can be awaited. An earlier
 * number stays bound. 0, or -1 with errno: the kernel does not show the queue as ours, or QUEUE_NUMBERS is
 * reached (ENOSPC).
 */
int queue_rebind(struct queue *q, const struct plan *plan);

/* Writes one message into out[QUEUE_VERDICT_BYTES]; returns its end. */
char *queue_verdict(char *out, const struct channel_verdict *v, unsigned shift, unsigned generation);
/* True when a verdict names a queue of ours and a decision that exists. */
bool queue_accepts(const struct queue *q, const struct channel_verdict *v);
/* Sends n <= CHANNEL_VERDICTS of them in one system call. 0, or -1 with errno. */
int queue_send(struct queue *q, const struct channel_verdict *v, size_t n, unsigned shift,
	       unsigned generation);

void queue_stats(struct queue *q, struct queue_stats *ret_stats);
/*
 * Gives every waiting packet the fail mode's answer. Returns how many there were, as far as that is known.
 */
uint32_t queue_answer_all(struct queue *q, bool closed);

#endif
