/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gate and engine say to each other: a SOCK_SEQPACKET pair, one message a datagram, host byte order, both ends of one build.
 *
 * Every message starts with struct channel_head. `count` is the number of array elements behind the fixed part;
 * the datagram's length must fit exactly, else the message is refused. The gate accepts from the engine
 * only the types marked E below; it never trusts a length, an id or a number in them.
 *
 *	gate → engine					engine → gate (E)
 *	CH_START	first message, with descriptors	CH_READY	the policy is loaded, packets may come
 *	CH_PREPARE	a new policy (bundle fd)	CH_PREPARED	built and ready to be swapped in (count 1: not)
 *	CH_COMMIT	the kernel has it: swap now	CH_VERDICTS	a batch of decisions
 *	CH_REFUSED	the plan failed (text fd)	CH_RELOAD	somebody asked for a reload
 *	CH_LINKS	interface names and indices	CH_REJUDGE	a schedule's edge: raise the generation
 *	CH_FLOW_NEWS	counters of flows from conntrack	CH_PONG		answer to CH_PING
 *	CH_DENIED	refusals that the kernel made
 *	CH_COUNTERS	queue and rule counters, each second
 *	CH_EVENT	something an operator must hear
 *	CH_NEIGHBOURS	whose MAC an address of the camera side is
 *	CH_PING, CH_STOP, CH_REOPEN
 *
 * A reload: [engine CH_RELOAD] → gate plans → CH_PREPARE(ticket, bundle fd) → CH_PREPARED(ticket) → the gate commits the kernel transaction →
 * CH_COMMIT(ticket, generation) → the engine swaps its pointer between two packets. CH_REFUSED(ticket, text fd) ends it early.
 */
#ifndef LENSCAP_CHANNEL_H
#define LENSCAP_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "addr.h"

enum {
	CHANNEL_VERSION = 1,
	CHANNEL_MAX = 32768, /* bytes of one message */
	CHANNEL_FDS = 8,
	CHANNEL_VERDICTS = 1024,
	CHANNEL_NEWS = 128,
	CHANNEL_LINKS = 256,
	CHANNEL_NEIGHBOURS = 1024,
};

enum channel_type {
	CH_START = 1,
	CH_PREPARE,
	CH_COMMIT,
	CH_REFUSED,
	CH_LINKS,
	CH_FLOW_NEWS,
	CH_DENIED,
	CH_COUNTERS,
	CH_EVENT,
	CH_PING,
	CH_STOP,
	CH_REOPEN,
	CH_NEIGHBOURS,
	CH_READY = 64,
	CH_PREPARED,
	CH_VERDICTS,
	CH_RELOAD,
	CH_REJUDGE,
	CH_PONG,
};

struct channel_head {
	uint16_t type;
	uint16_t count; /* elements of the array that follows the fixed part */
	uint32_t arg;	/* ticket, generation or number, by type */
};

/*
 * CH_START. Descriptors, in this order: bundle, queue socket, control listener (-1 is never sent: see has_*), view listener, syslog socket.
 */
struct channel_start {
	struct channel_head head; /* arg: CHANNEL_VERSION */
	uint32_t generation;	  /* in force */
	uint8_t has_control, has_view, has_syslog;
	uint8_t restarted; /* not the first engine of this gate */
	uint32_t restarts; /* how many engines have died before */
	uint32_t boot;	   /* random, one a gate process: goes into stats records */
};

/*
 * CH_COMMIT: arg is the ticket. count 1: the prepared policy comes into force with this generation; count 0: only the
 * generation has changed (a schedule's edge, the table was put back).
 */
struct channel_commit {
	struct channel_head head;
	uint32_t generation; /* 1..254 */
	uint32_t pad;
};

/* CH_VERDICTS: arg is the generation under which they were judged. */
enum {
	/* Beside enum decision: */
	VERDICT_DROP_ONCE = 4,	 /* drop this packet and remember nothing (mark: block, MARK_GENERATION_STALE) */
	VERDICT_WATCH = 5,	 /* it passes, and both directions of its connection go on coming (mark: pending, this generation) */
	VERDICT_REJECT_ONCE = 6, /* reject this packet and remember nothing (mark: reject, MARK_GENERATION_STALE) */
	VERDICT_LAST = VERDICT_REJECT_ONCE,
};

struct channel_verdict {
	uint32_t id;   /* NFQA packet id */
	uint32_t mark; /* the packet's mark as it came; the gate replaces only its own field */
	uint16_t queue;
	uint8_t decision; /* enum decision (PENDING passes and is remembered by nobody) or VERDICT_DROP_ONCE */
	uint8_t pad;
};

struct channel_verdicts {
	struct channel_head head;
	struct channel_verdict v[];
};

/* CH_LINKS: the whole table of this network namespace, each time something changed. */
struct channel_link {
	uint32_t index;
	char name[16];
};

struct channel_links {
	struct channel_head head;
	struct channel_link link[];
};

/*
 * CH_NEIGHBOURS: what the kernel's neighbour table knows behind guarded interfaces; all of it after each CH_LINKS (in as many messages
 * as it takes), then what changes. Nothing is taken back: an address that moves is told again.
 */
struct channel_neighbour {
	struct addr addr;
	uint32_t ifindex;
	struct mac mac;
	uint8_t pad[2];
};

struct channel_neighbours {
	struct channel_head head;
	struct channel_neighbour n[];
};

/* CH_FLOW_NEWS */
enum {
	NEWS_END = 1,	 /* conntrack destroyed the entry: final */
	NEWS_CLOSED = 2, /* TCP is in TIME_WAIT or CLOSE */
	NEWS_REPLIED = 4, /* packets were seen both ways */
};

struct channel_flow_news {
	struct tuple tuple; /* as the forward hook sees the original direction: before SNAT, after DNAT */
	uint32_t mark;	    /* ct mark */
	uint32_t flags;	    /* NEWS_* */
	uint64_t orig_packets, orig_bytes, reply_packets, reply_bytes; /* IP bytes, from conntrack accounting */
	uint64_t start_ns, stop_ns; /* wall clock; 0: the kernel keeps no timestamps */
};

struct channel_news {
	struct channel_head head;
	struct channel_flow_news f[];
};

/* CH_DENIED: first packets that the kernel refused from memory, since the last message. */
struct channel_denied_flow {
	struct tuple tuple; /* sport 0; dport 0 where the transport has no ports */
	uint64_t packets, bytes;
};

struct channel_denied {
	struct channel_head head;
	struct channel_denied_flow f[];
};

/* CH_COUNTERS: running totals since the gate started, gauges where it says so. */
struct channel_counters {
	struct channel_head head;
	uint32_t generation;
	uint32_t queue_waiting;	   /* gauge */
	uint64_t queue_dropped;	   /* queue full */
	uint64_t queue_user_dropped; /* socket buffer full */
	uint64_t queued_packets, queued_bytes; /* counter c_queue: handed to the queue rule */
	uint64_t offloaded_packets, offloaded_bytes; /* settled flows, carried by the kernel */
	uint64_t denied_packets, denied_bytes;	 /* refused by the kernel from memory */
	uint64_t invalid_packets;		 /* ct state invalid */
	uint64_t verdicts;	  /* relayed */
	uint64_t verdicts_refused; /* malformed or unknown, from the engine */
	uint64_t uninspected;	  /* answered by the fail mode or passed by bypass and fail-open */
	uint64_t news_lost;	  /* conntrack events that overran */
	uint64_t messages_lost;	  /* to the engine, its buffer full */
	uint32_t engine_restarts;
	uint32_t fail_closed;
	uint32_t conntrack_entries, conntrack_max; /* gauges; 0 when unknown */
};

/* CH_PONG: answers one CH_PING; arg is the ping's. */
struct channel_pong {
	struct channel_head head;
	uint64_t stale_ids; /* verdicts that the kernel refused because the packet had been answered already; since this engine started */
};

/* CH_EVENT */
enum gate_event {
	EVENT_HOOK_REMOVED = 1, /* somebody removed our table; it is back */
	EVENT_ENGINE_RESTARTED, /* count: packets answered by the fail mode meanwhile */
	EVENT_RELOAD_REFUSED,	/* text: the first error */
	EVENT_UNINSPECTED,	/* count: packets passed or dropped without a judgement since the last event */
	EVENT_NEWS_LOST,
};

struct channel_event {
	struct channel_head head; /* arg: enum gate_event */
	uint64_t count;
	char text[240]; /* NUL-terminated, for the record */
};

/*
 * Sends one message with up to CHANNEL_FDS descriptors. Blocks when the socket does. 0, or -1 with errno
 * (EAGAIN: the other side does not read; EPIPE: it is gone).
 */
int channel_send(int fd, const void *message, size_t len, const int *fds, size_t n_fds);

/*
 * Receives one message into buf[CHANNEL_MAX]. Returns its length, 0 at end of file, -1 with errno (EAGAIN; EBADMSG: truncated or shorter
 * than a head). Descriptors land in ret_fds[CHANNEL_FDS] close-on-exec and belong to the caller; *ret_n_fds counts them.
 */
ssize_t channel_recv(int fd, void *buf, int *ret_fds, size_t *ret_n_fds);

/* True when the length is exactly `fixed` plus head.count times `element` and count is at most `max`. element 0: no array. */
bool channel_fits(const void *message, size_t len, size_t fixed, size_t element, size_t max);

#endif
