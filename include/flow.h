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
	FLOW_QUESTIONS = 4, /* DNS questions of one flow that may wait for their answer: next_question counts round them */
};

enum flow_kind { FLOW_KIND_NONE, FLOW_KIND_ASK, FLOW_KIND_ALLOW };

/*
 * Ordered by use: what finding a flow and answering its next packet read is in front, what only some flows need is at the end. Flags are
 * bits; 320 bytes a flow is all there is, the table's buckets and a share of known.h included.
 */
struct flow {
	struct flow_slot {
		uint32_t hash_next, newer, older;
	} slot;		       /* the table's own, and so is list */
	unsigned list : 2;
	unsigned decision : 2; /* enum decision: what policy says */
	unsigned sent : 2;     /* enum decision: what the kernel was told */
	unsigned mode : 1;     /* enum mode of the rule */
	bool inbound : 1;
	bool exact : 1;	       /* kernel_* were reported */
	bool established : 1;  /* it was allowed, or was first seen in mid-stream */
	bool tricked : 1;      /* other bytes came under confirmation: no policy lets it go on */
	bool revoked : 1;      /* cut by a policy change; said so once */
	bool spent : 1;	       /* cut because its budget was used up */
	bool alerted : 1;
	bool closed : 1;       /* TCP is over: news of its end is on the way */
	bool proved : 1;       /* the name that its client said was its far side's own then: that holds for as long as the flow lives */
	bool has_news : 1;     /* budgets: the kernel has told of it */
	bool carried_on : 1;   /* it began before we saw it: its first news are where counting begins */
	bool settled : 1;      /* under a budget, and carried by the kernel */
	bool sent_payload : 1; /* confirm_seq is set */
	bool confirming : 1;   /* allowed; waits for the far side to acknowledge confirm_seq */
	bool watching : 1;     /* decided; watched only to learn what it speaks */
	bool identifying : 1;  /* watched also to learn who made its camera: one of the few that its device has for that */
	bool passed : 1;       /* at least one of its packets was let through, or the kernel knew it before us */
	bool agreed : 1;       /* TCP, opened by the camera: the server has answered the SYN that we saw */
	unsigned fins : 2;     /* offline: 1 << direction of each FIN that was seen */
	unsigned full : 2;     /* 1 << direction of which nothing more is remembered */
	unsigned next_question : 2;

	struct tuple tuple;    /* as its initiator opened it */
	const struct known *known; /* what it speaks; counted reference. NULL: not known yet, or never asked */
	uint64_t last_ns;      /* last packet or news from the kernel */
	int64_t start_us, last_us;
	uint64_t packets[2], bytes[2];	/* seen in the queue: to server, to client */
	struct stream *stream; /* while it is watched (inspect.h): its first bytes; owned */
	uint16_t rule;	       /* index in book, or RULE_NO */
	uint8_t generation;    /* under which it was judged */
	uint8_t zone, remote_zone;
	bool loose : 1;	       /* TCP: its SYN passed in the kernel, and nobody has said yet where its stream begins */
	bool strict : 1;       /* TCP: its camera may have named two beginnings: only the server's own word tells which one counts */
	bool by_kind : 1;      /* the kernel let it begin without us */
	uint8_t kind : 2;      /* enum flow_kind: what the kernel may be told of others of its kind, and has not been yet */
	bool said : 1;	       /* a ClientHello: the kernel sees it confirmed, and what was looked at is kept until we hear of that */
	uint16_t vlan;	       /* of its first packet, across a bridge; 0: none */
	uint32_t device;       /* index in the device table; counted reference */
	uint32_t ifindex;      /* the camera side's interface */
	struct place place;    /* of the far side */
	uint32_t confirm_seq;  /* one past the camera's last byte that was looked at */
	struct rulebook *book; /* whose rule `rule` is; counted reference */
	uint64_t id;	       /* at most 51 bits: JavaScript reads records too */
	uint64_t kernel_packets[2], kernel_bytes[2]; /* conntrack's latest */

	/* What it uses of a limit: (budget.h). */
	uint64_t charged;      /* bytes that were counted, or passed over because no limit was on them */
	uint64_t unqueued;     /* bytes that the kernel moved without us, as its latest news say */
	uint32_t budget, budget_serial; /* the row under which it is counted; 0: none */

	/* While it is watched. */
	struct held held;      /* its packets that wait in the kernel's queue */
	union {
		struct {
			uint32_t dns_done[2]; /* bytes of a TCP stream's DNS messages that were judged, by direction */
			uint64_t questions[FLOW_QUESTIONS];
		};
		struct {
			uint32_t said_from;   /* the sequence number of the first byte that was looked at; confirm_seq is behind the last */
			uint64_t said_hash;   /* 0: its bytes are kept */
		};
	};
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

/*
 * For who will look for many: called for each, flow_expect() and then, a little later, flow_expect_place() with what it returned bring the memory
 * that flow_find() will read. Nothing but time comes of it.
 */
uint32_t flow_expect(const struct flow_table *t, const struct tuple *tuple);
void flow_expect_place(const struct flow_table *t, uint32_t bucket);

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
/* How many flows the fullest bucket holds, for tests: walks the whole table. */
size_t flow_longest_chain(const struct flow_table *t);

/* Walks all flows; `visit` may end the one that it was given. */
void flow_walk(struct flow_table *t, void (*visit)(void *arg, struct flow *f), void *arg);

/*
 * A part of such a walk, for who cannot look at all flows at once: at most max places from *at on, which is 0 at the beginning. visit() returns
 * false to stop behind the flow that it was given. False: that was the end. A flow that comes or goes between two parts may be missed.
 */
bool flow_slice(struct flow_table *t, uint32_t *at, size_t max, bool (*visit)(void *arg, const struct flow *f), void *arg);

#endif
