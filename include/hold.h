/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that wait in the kernel's queue for their flow's answer. Only their ids are here; the kernel keeps the bytes. Bounded a
 * flow and in total; what goes over a limit is the caller's to decide, and is counted here.
 */
#ifndef LENSCAP_HOLD_H
#define LENSCAP_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "nfq.h"

struct hold;

/* A flow's own list; zero is empty. */
struct held {
	uint32_t first, last; /* 0: none */
	uint16_t packets;
	uint32_t bytes;
};

struct hold_limits {
	uint32_t packets, bytes; /* a flow */
	uint32_t time_ms;	 /* of a flow's first held packet */
};

struct hold_counts {
	uint64_t held, released, dropped;		 /* packets */
	uint64_t over_packets, over_bytes, over_total, over_time; /* limits met */
	size_t waiting;					 /* gauge */
};

enum hold_result { HOLD_KEPT, HOLD_OVER_PACKETS, HOLD_OVER_BYTES, HOLD_OVER_TOTAL };

/* total: packets of all flows together; below the kernel's queue length, or the kernel decides instead of us. */
struct hold *hold_new(size_t total, const struct hold_limits *limits);
void hold_free(struct hold *h);

/* A reload: new limits; total counts for packets that are added from now on, and is at most what hold_new() was given. */
void hold_set_limits(struct hold *h, size_t total, const struct hold_limits *limits);

/* Keeps this packet of the flow `owner` (any number that the caller can find it by). Anything but KEPT: it was not kept. */
enum hold_result hold_add(struct hold *h, struct held *list, uint32_t owner, const struct queued *q, const struct now *now);

/* Called for each packet of a list, in order of arrival. */
typedef void hold_visit(void *arg, uint32_t id, uint32_t mark, uint16_t queue);

/* Hands out all packets in order, and the list is empty. dropped only says how they are counted. */
void hold_release(struct hold *h, struct held *list, bool dropped, hold_visit *visit, void *arg);

/* The owner of the packet that waits longest, if it is over its time (counted); false: nobody is. */
bool hold_overdue(struct hold *h, const struct now *now, uint32_t *ret_owner);

const struct hold_counts *hold_counts(const struct hold *h);

#endif
