/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table: what user space remembers of each flow, so that it can be judged again at any packet.
 *
 * Fixed capacity, all memory set aside at the start, keyed hash, no allocation per packet. Two lists in order of last news,
 * one a class of patience, make expiry and eviction O(1).
 */
#ifndef LENSCAP_FLOW_H
#define LENSCAP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "clock.h"
#include "geo.h"
#include "hold.h"
#include "policy.h"

struct rulebook;
struct known;
struct stream;

enum {
	FLOW_QUESTIONS = 4, /* DNS questions of one flow that may wait for their answer */
};

struct flow {
	struct flow_slot {
		uint32_t hash_next, newer, older;
		uint8_t list;
	} slot; /* the table's own */

	struct tuple tuple;    /* as its initiator opened it */
	uint64_t id;	       /* at most 51 bits: JavaScript reads records too */
	uint64_t last_ns;      /* last packet or news from the kernel */
	int64_t start_us, last_us;
	uint64_t packets[2], bytes[2];	      /* seen in the queue: to server, to client */
	uint64_t kernel_packets[2], kernel_bytes[2]; /* conntrack's latest */
	struct rulebook *book; /* whose rule `rule` is; counted reference */
	uint32_t device;       /* index in the device table; counted reference */
	uint32_t ifindex;      /* the camera side's interface */
	uint16_t rule;	       /* index in book, or RULE_NO */
	uint8_t generation;    /* under which it was judged */
	uint8_t zone, remote_zone;
	bool inbound;
	uint8_t decision;      /* enum decision: what policy says */
	uint8_t sent;	       /* enum decision: what the kernel was told */
	uint8_t mode;	       /* enum mode of the rule */
	bool exact;	       /* kernel_* were reported */
	bool established;      /* it was allowed, or was first seen in mid-stream */
	bool tricked;	       /* other bytes came under confirmation: no policy lets it go on */
	bool revoked;	       /* cut by a policy change; said so once */
	bool spent;	       /* cut because its budget was used up */
	bool alerted;
	bool closed;	       /* TCP is over: news of its end is on the way */
	uint8_t fins;	       /* offline: 1 << direction of each FIN that was seen */
	struct place place;    /* of the far side */

	/* What it uses of a limit: (budget.h). */
	uint32_t budget, budget_serial; /* the row under which it is counted; 0: none */
	uint64_t charged;      /* bytes that were counted, or passed over because no limit was on them */
	uint64_t unqueued;     /* bytes that the kernel moved without us, as its latest news say */
	bool has_news;	       /* there were some */
	bool carried_on;       /* it began before we saw it: its first news are where counting begins */
	bool settled;	       /* under a budget, and carried by the kernel */

	/* While it is watched (inspect.h). */
	struct known *known;   /* what it speaks; owned. NULL: not known yet, or never asked */
	struct stream *stream; /* its first bytes; owned */
	struct held held;      /* its packets that wait in the kernel's queue */
	uint32_t confirm_seq;  /* one past the camera's last byte that was looked at */
	bool sent_payload;     /* confirm_seq is set */
	bool confirming;       /* allowed; waits for the far side to acknowledge confirm_seq */
	uint8_t full;	       /* 1 << direction of which nothing more is remembered */
	bool watching;	       /* decided; watched only to learn what it speaks */
	bool identifying;      /* watched also to learn who made its camera: one of the few that its device has for that */
	bool passed;	       /* at least one of its packets was let through, or the kernel knew it before us */
	bool agreed;	       /* TCP, opened by the camera: the server has answered the SYN that we saw */
	uint8_t next_question;
	uint32_t dns_done[2];  /* bytes of a TCP stream's DNS messages that were judged, by direction */
	uint64_t questions[FLOW_QUESTIONS];
};

enum {
	RULE_NO = 0xffff,
	FLOW_PATIENT = 0,   /* settled: the kernel reports it every few seconds while it lives */
	FLOW_IMPATIENT = 1, /* refused or undecided: forgotten soon */
	FLOW_LISTS = 2,
};

struct flow_table;

/* Called for each flow that leaves the table, before its slot is reused. */
typedef void flow_ended(void *arg, struct flow *f, const struct now *now, bool evicted);

/* idle_ns: one a list. NULL when memory is short. */
struct flow_table *flow_table_new(size_t capacity, const uint64_t idle_ns[FLOW_LISTS], flow_ended *ended, void *arg);
/* Ends nothing: the caller has walked the flows before. */
void flow_table_free(struct flow_table *t);
void flow_table_set_idle(struct flow_table *t, const uint64_t idle_ns[FLOW_LISTS]);

/* The flow whose initiator's tuple this is; NULL when there is none. */
struct flow *flow_find(struct flow_table *t, const struct tuple *tuple);

/* Begins a flow outside the table: tuple, id and times are set, all else is zero. */
void flow_init(const struct flow_table *t, struct flow *ret, const struct tuple *tuple, const struct now *now);

/*
 * Puts a copy of `seed` into the table, on the impatient list; flow_find() must not know its tuple. When the table is full the flow
 * with the oldest news is evicted (impatient ones first). Never NULL. Valid until it ends.
 */
struct flow *flow_insert(struct flow_table *t, const struct flow *seed, const struct now *now);

/* There was news: refreshes its place in the list. list: FLOW_PATIENT or FLOW_IMPATIENT. */
void flow_touch(struct flow_table *t, struct flow *f, unsigned list, const struct now *now);

/* Takes it out and calls `ended`. */
void flow_end(struct flow_table *t, struct flow *f, const struct now *now);

/* Ends at most max flows whose idle time is over; returns how many. */
size_t flow_expire(struct flow_table *t, const struct now *now, size_t max);

/* A number for a flow that is in the table, and the way back. */
uint32_t flow_number(const struct flow_table *t, const struct flow *f);
struct flow *flow_at(struct flow_table *t, uint32_t number);

size_t flow_count(const struct flow_table *t);
size_t flow_capacity(const struct flow_table *t);

/* Walks all flows; `visit` may end the one that it was given. */
void flow_walk(struct flow_table *t, void (*visit)(void *arg, struct flow *f), void *arg);

/*
 * A part of such a walk, for who cannot look at all flows at once: at most max places from *at on, which is 0 at the beginning. visit() returns
 * false to stop behind the flow that it was given. False: that was the end. A flow that comes or goes between two parts may be missed.
 */
bool flow_slice(struct flow_table *t, uint32_t *at, size_t max, bool (*visit)(void *arg, const struct flow *f), void *arg);

#endif
