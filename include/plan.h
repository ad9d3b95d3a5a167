/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the gate needs to know of the policy, and all that it ever learns of it: fixed size, checked field by field.
 *
 * The gate does not parse YAML. It runs `lenscap-engine --plan` for each policy: a process without power that has never
 * seen a packet reads the files, checks them, and writes this structure. A running engine, which has read hostile bytes,
 * is not asked for it. (While both run as one user, one that was taken over could still write the copy in the state directory, which is
 * read when a policy does not load at a start.)
 */
#ifndef LENSCAP_PLAN_H
#define LENSCAP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PLAN_MAGIC = 0x4c43504c, /* "LCPL" */
	PLAN_VERSION = 1,
	PLAN_INTERFACES = 64,
	PLAN_IFNAME = 16, /* IFNAMSIZ */

	/* Ranges of the numbers, here so that the policy's options and the gate's check cannot differ. */
	PLAN_QUEUE_MAX = 65535,
	PLAN_QUEUE_LENGTH_MIN = 64,
	PLAN_QUEUE_LENGTH_MAX = 1048576,
	PLAN_QUEUE_BUFFER_MIN = 131072,
	PLAN_QUEUE_BUFFER_MAX = 268435456,
	PLAN_COPY_RANGE_MIN = 128,
	PLAN_COPY_RANGE_MAX = 65531, /* a netlink attribute's length is 16 bits, its header included */
	PLAN_DENY_MEMORY_MIN_S = 1,
	PLAN_DENY_MEMORY_MAX_S = 300,
	PLAN_KIND_MEMORY_MAX_S = 300,
	PLAN_DEADLINE_MIN_MS = 100,
	PLAN_DEADLINE_MAX_MS = 10000,
	PLAN_NEW_FLOWS_MIN = 10,
	PLAN_NEW_FLOWS_MAX = 1000000,
	PLAN_FLOOD_HOLD_MIN_S = 1,
	PLAN_FLOOD_HOLD_MAX_S = 3600,
	PLAN_WATCH_LISTS_MAX_S = 3600,
};

struct plan {
	uint32_t magic, version, size; /* size: sizeof(struct plan), both programs are of one build */
	char policy_id[16];
	uint8_t enforce;	 /* mode: enforce, or some rule says mode: enforce */
	uint8_t fail_closed;
	uint8_t reject_used;	 /* some rule rejects */
	uint8_t wants_syslog;	 /* the engine needs a datagram socket for /dev/log */
	uint32_t n_interfaces;	 /* of guarded zones */
	char interfaces[PLAN_INTERFACES][PLAN_IFNAME];
	char bridges[PLAN_INTERFACES][PLAN_IFNAME]; /* of which that interface is a port; "": it is none, and packets are routed from it */
	uint8_t by_address[PLAN_INTERFACES]; /* a router stands between: who is who, the address tells */
	uint32_t queue, queue_length, queue_buffer, copy_range;
	uint32_t mark_shift;
	uint32_t deny_memory_s;
	uint32_t kind_memory_s; /* 0: nothing is remembered of kinds of flows */
	uint32_t engine_deadline_ms;
	uint32_t new_flows; /* that one device may open a second */
	uint32_t flood_hold_s; /* how long it opens none after that */
	uint32_t watch_lists_s; /* a changed list is taken once it has stood still so long; 0: never */
};

/* True when every field is in range and every string ends and holds only characters that an interface name may have. */
bool plan_valid(const struct plan *p);
/* One interface name as a plan may hold it: 1..15 letters, digits, '.', '_' and '-', not beginning with '.' or '-'. */
bool plan_ifname_valid(const char *name);

#endif
