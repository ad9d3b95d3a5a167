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
 *	CH_QUARANTINED	who is cut off		CH_QUARANTINE	cut a device off, or let it back
 *						CH_LOOK		read conntrack's counters now
 *						CH_KINDS	first packets that need no trip
 *	CH_TERMS	on what terms the policy is in force	CH_CONFIRM	the policy in force may stay
 *	CH_DONE		what became of a request		CH_UNDO		back to the policy before
 *						CH_MODE		another mode for a while
 *	CH_STORE	the store's socket (a descriptor; none: it is gone)
 *	CH_EARLY	before CH_START: a policy (bundle fd) that is still being checked; what takes long of it may be built
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
	CHANNEL_QUARANTINED = 512,
	CHANNEL_KINDS = 48,
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
	CH_QUARANTINED = 32,
	CH_TERMS = 40,
	CH_DONE,
	CH_STORE = 48,
	CH_EARLY,
	CH_READY = 64,
	CH_PREPARED,
	CH_VERDICTS,
	CH_RELOAD,
	CH_REJUDGE,
	CH_PONG,
	CH_QUARANTINE = 96,
	CH_LOOK,
	CH_KINDS,
	CH_CONFIRM = 104,
	CH_UNDO,
	CH_MODE,
};

struct channel_head {
	uint16_t type;
	uint16_t count; /* elements of the array that follows the fixed part */
	uint32_t arg;	/* ticket, generation or number, by type */
};

/*
 * CH_START. Descriptors, in this order: bundle, queue socket, control listener (-1 is never sent: see has_*), view listener, syslog socket,
 * announcement socket (the kernel's packet log, for reading only).
 */
struct channel_start {
	struct channel_head head; /* arg: CHANNEL_VERSION */
	uint32_t generation;	  /* in force */
	uint8_t has_control, has_view, has_syslog;
	uint8_t restarted; /* not the first engine of this gate */
	uint32_t restarts; /* how many engines have died before */
	uint32_t boot;	   /* random, one a gate process: goes into stats records */
	uint8_t has_observe;
	uint8_t pad[3];
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

/*
 * CH_RELOAD, CH_CONFIRM, CH_UNDO, CH_MODE: what somebody asked for over the control socket. arg: the ticket, never 0. A policy that came into
 * force is answered by CH_COMMIT, one that was refused by CH_REFUSED, everything else by CH_DONE.
 */
enum { CONFIRM_MAX_S = 86400, MODE_MAX_S = 2678400 };
enum channel_mode { CHANNEL_MODE_POLICY, CHANNEL_MODE_MONITOR, CHANNEL_MODE_ENFORCE };

struct channel_request {
	struct channel_head head;
	uint32_t seconds; /* CH_RELOAD: to be confirmed within, at most CONFIRM_MAX_S; CH_MODE: for how long, at most MODE_MAX_S; 0: no end */
	uint32_t mode;	  /* CH_MODE: enum channel_mode */
	uint32_t uid, pid; /* who asked, for the log and for the versions that are kept */
};

/* CH_DONE: arg is the ticket; count 1: of a request that was no question of policy. */
struct channel_done {
	struct channel_head head;
	uint32_t ok;
	char text[244]; /* NUL-terminated */
};

/* CH_TERMS: to each new engine, and before each CH_COMMIT and CH_DONE that changes them. */
struct channel_terms {
	struct channel_head head;
	uint32_t confirm_left_s; /* the policy in force goes in this time unless it is confirmed; 0: it stays */
	uint32_t mode;		 /* enum channel_mode: POLICY where nothing overrides the policy's own */
	uint32_t mode_left_s;	 /* 0: until it is taken back */
	uint32_t back;		 /* how many times `undo` can go back */
	uint32_t uid;		 /* who asked for the policy in force */
	uint32_t pad;
	int64_t since_s;	 /* when it came into force first, wall clock; 0: not known */
	char back_id[16];	 /* the policy before; "" none */
	char undone_id[16];	 /* the newest that was undone; "" none */
	char config[256];	 /* the policy's main file, cut to fit */
};

/* CH_VERDICTS: arg is the generation under which they were judged. */
enum {
	/* Beside enum decision: */
	VERDICT_DROP_ONCE = 4,	 /* drop this packet and remember nothing (mark: block, MARK_GENERATION_STALE) */
	VERDICT_WATCH = 5,	 /* it passes, and both directions of its connection go on coming (mark: pending, this generation) */
	VERDICT_REJECT_ONCE = 6, /* reject this packet and remember nothing (mark: reject, MARK_GENERATION_STALE) */
	VERDICT_OPEN = 7,	 /* TCP: it passes, as does what has no payload from here on; payload of both directions comes */
	VERDICT_CONFIRM = 8,	 /* the same of a ClientHello: when the server answers with its own, the kernel carries the connection */
	VERDICT_ALLOW_KIND = 9,	 /* allow, and for a while all of its kind: see ruleset_kinds.c */
	VERDICT_CONFIRM_KIND = 10, /* confirm, and for a while the SYNs of its kind pass unseen */
	VERDICT_LAST = VERDICT_CONFIRM_KIND,
};

struct channel_verdict {
	uint32_t id;   /* NFQA packet id */
	uint32_t mark; /* the packet's mark as it came; the gate replaces only its own field */
	uint16_t queue;
	uint8_t decision; /* enum decision (PENDING passes and is remembered by nobody) or VERDICT_* */
	uint8_t pad;
};

struct channel_verdicts {
	struct channel_head head;
	struct channel_verdict v[];
};

/*
 * CH_KINDS: arg is the generation under which they were judged; of another than the one in force nothing is taken. What a VERDICT_ALLOW_KIND or
 * VERDICT_CONFIRM_KIND says of others like its flow, before there is a flow.
 */
struct channel_kind {
	struct addr camera, remote;
	uint32_t ifindex; /* by which the camera's packets come */
	uint32_t ms;	  /* for so long, and never longer than kind-memory */
	uint16_t port;
	struct mac mac;
	uint8_t proto; /* TCP or UDP */
	uint8_t ask;   /* 1: TCP, and its payload is asked for; 0: all of it is allowed */
	uint8_t pad[2];
};

struct channel_kinds {
	struct channel_head head;
	struct channel_kind row[];
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
	uint32_t id;	    /* conntrack's own: tells two connections between the same ports apart */
	uint32_t pad;
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
	uint64_t bare_packets;	 /* TCP without payload of flows that are not decided, passed by the kernel */
	uint64_t kind_packets;	 /* first packets of flows that the kernel let begin by their kind */
	uint64_t cut_packets;	 /* of connections whose refusal is in their mark */
	uint64_t reply_packets;	 /* answers to a camera in flows that nobody has decided, passed by the kernel */
	uint64_t invalid_packets;		 /* ct state invalid */
	uint64_t verdicts;	  /* relayed */
	uint64_t verdicts_refused; /* malformed or unknown, from the engine */
	uint64_t kinds_refused;	   /* that an answer announced: of another generation, or the kernel has no room */
	uint64_t uninspected;	  /* answered by the fail mode or passed by bypass and fail-open */
	uint64_t news_lost;	  /* conntrack events that overran */
	uint64_t messages_lost;	  /* to the engine, its buffer full */
	uint64_t quarantined_packets; /* of devices that are cut off */
	uint64_t flooded_packets;     /* new connections beyond what a device may open */
	uint64_t announcements_skipped; /* beyond what is copied to the engine */
	uint64_t gate_cpu_us, gate_rss_bytes, gate_fds, gate_start_us; /* the gate itself: two gauges among them; start: wall clock */
	uint32_t engine_restarts;
	uint32_t fail_closed;
	uint32_t conntrack_entries, conntrack_max; /* gauges; 0 when unknown */
	uint32_t observing; /* gauge: 1 while announcements are heard */
	uint32_t quarantined; /* gauge: devices that are cut off */
};

/* CH_PONG: answers one CH_PING; arg is the ping's. */
struct channel_pong {
	struct channel_head head;
	uint64_t stale_ids; /* verdicts that the kernel refused because the packet had been answered already; since this engine started */
};

/*
 * CH_QUARANTINE: this device is cut off from everything across the gateway, or let back. arg: the ticket of whoever asked, 0: a rule of the
 * policy. The gate keeps the list, also over restarts, and answers by CH_QUARANTINED.
 */
enum { QUARANTINE_SECONDS_MAX = 315360000 }; /* ten years; 0: until it is released */

struct channel_quarantine {
	struct channel_head head;
	struct mac mac;	    /* zero where by_address */
	uint8_t by_address; /* identify-by: address: the address is the device */
	uint8_t release;
	struct addr addr; /* the address it used last, so that what is on its way to it is cut at once; zero: not known */
	uint32_t seconds;
};

/* CH_QUARANTINED: the whole list after each change and to each new engine, in as many messages as it takes. */
enum quarantine_why { QUARANTINE_OPERATOR, QUARANTINE_RULE, QUARANTINE_FLOOD, QUARANTINE_WHYS };
enum { /* head.arg */
	QUARANTINED_FIRST = 1,
	QUARANTINED_LAST = 2,
};
enum { /* row flags: told once each, for the records */
	QUARANTINED_BEGUN = 1,
	QUARANTINED_ENDED = 2,
	QUARANTINED_REFUSED = 4, /* the list is full, or the kernel refuses: it was not cut off */
};

struct channel_quarantined_row {
	struct mac mac;
	uint8_t by_address, why; /* enum quarantine_why */
	struct addr addr;
	uint32_t left_s; /* 0: until it is released */
	uint32_t flags;	 /* QUARANTINED_* */
	uint64_t packets; /* QUARANTINE_FLOOD: new connections that were cut so far */
};

struct channel_quarantined {
	struct channel_head head;
	struct channel_quarantined_row row[];
};

/* CH_EVENT */
enum gate_event {
	EVENT_HOOK_REMOVED = 1, /* somebody removed our table; it is back */
	EVENT_ENGINE_RESTARTED, /* count: packets answered by the fail mode meanwhile */
	EVENT_RELOAD_REFUSED,	/* text: the first error */
	EVENT_UNINSPECTED,	/* count: packets passed or dropped without a judgement since the last event */
	EVENT_NEWS_LOST,
	EVENT_NOT_CONFIRMED,	/* a policy was not confirmed: the one before is back */
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
