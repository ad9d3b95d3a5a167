/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices behind the guarded interfaces: who sent this packet, and who has this address.
 *
 * A device is known by its MAC, or by its address where a router stands between (identify-by: address). Capacity is fixed; when
 * it is used up the longest silent device without flows makes room, and where there is none everybody new shares the anonymous
 * device 0, which is counted.
 */
#ifndef LENSCAP_DEVICE_H
#define LENSCAP_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "clock.h"
#include "policy.h"

struct identity;

enum {
	DEVICE_ANONYMOUS = 0,
	DEVICE_ADDRESSES = 4, /* that were used lately */
};

struct device {
	uint32_t hash_next, newer, older; /* the table's own */
	bool by_address;	/* then `addr` is its identity and `mac` is not */
	uint8_t zone;
	uint16_t vlan;		/* that its frames came with across a bridge; 0: none */
	bool alerted;		/* told once that it is not in the inventory */
	bool placed;		/* this slot is somebody's */
	bool restored;		/* came out of the inventory that was kept: not new, whenever it is seen */
	bool introduced;	/* known by its neighbours alone: no packet of its or towards it was seen */
	uint32_t life;		/* which of the devices that have had this slot */
	uint16_t inventory;	/* index into the policy's inventory or DEVICE_UNKNOWN */
	uint32_t flows;		/* references by live flows */
	struct mac mac;
	struct addr addr;	/* identity, or the address last used */
	int64_t first_us, last_us;
	uint32_t watched;	/* of these flows, those whose first bytes are remembered */
	uint64_t flows_seen, flows_blocked;
	struct identity *who;	/* owned; NULL: nothing is known of who made it */
	char label[POLICY_NAME_MAX + 1]; /* given by an operator at run time; "" none */
	struct addr recent[DEVICE_ADDRESSES]; /* before `addr`, newest first */
	uint8_t n_recent;
	uint32_t ifindex;	/* where it was seen last; 0: nowhere yet */
	uint8_t identifying;	/* flows that are looked at only to find out who made it */
	uint16_t looked;	/* such flows since looked_s */
	int64_t looked_s;
	uint64_t telling;	 /* the flow whose bytes are being looked at just now; 0: none, what it says is announced */
	int64_t request_told_us; /* last alert of a management request */
};

struct device_table;

struct device_table *device_table_new(size_t capacity);
void device_table_free(struct device_table *t);

/*
 * The device that sent a packet with this MAC (NULL: none was seen) and this source address through an interface of `zone`.
 * New ones are looked up in the inventory of p. Never NULL. *ret_new: first time seen.
 */
struct device *device_by_packet(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *src,
				uint8_t zone, const struct now *now, bool *ret_new);

/*
 * The same where a packet has no address of its own yet (DHCP, DAD). A device that is new has the unspecified address until it uses another.
 */
struct device *device_by_mac(struct device_table *t, const struct policy *p, const struct mac *mac, uint8_t zone, const struct now *now,
			     bool *ret_new);

/* The device that last used this address, for flows that somebody else opens towards it; made by address when nobody has. Never NULL. */
struct device *device_by_address(struct device_table *t, const struct policy *p, const struct addr *a, uint8_t zone,
				 const struct now *now, bool *ret_new);

/* device_by_address() would find this one. */
bool device_has_address(struct device_table *t, const struct device *d, const struct addr *a, uint8_t zone);

/*
 * The kernel's neighbour table says who has this address: device_by_address() will find the device of that MAC. It does not count as
 * seen, and where the table is full nobody makes room for it.
 */
void device_introduce(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *a, uint8_t zone);

/* The highest index that was ever used, for who walks by device_at(): only those that are `placed` are devices. */
uint32_t device_last(const struct device_table *t);
uint32_t device_index(const struct device_table *t, const struct device *d);
struct device *device_at(struct device_table *t, uint32_t index);

/* A flow of this device begins or ends. */
void device_hold(struct device *d);
void device_release(struct device *d);

/*
 * A device that was known before this run: placed as seen then (its times come with it), unless it is here already, whose first time is then
 * the earlier one. NULL: there is no room.
 */
struct device *device_restore(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *a, uint8_t zone,
			      int64_t first_us, int64_t last_us);
/* Takes it out of the table. False: it has flows, or it is the anonymous one; then only what is known of it was forgotten. */
bool device_forget(struct device_table *t, struct device *d);
/* Allocates what is known of it. NULL: no memory, or it is the anonymous device. */
struct identity *device_identity(struct device_table *t, struct device *d);
/* Every device, the newest first, introduced ones left out. visit returns false to stop. It must not take any out. */
void device_walk(struct device_table *t, bool (*visit)(void *arg, struct device *d), void *arg);
/* By its name (declared or given), MAC or address, if need be one of those used lately; NULL: none. */
struct device *device_find(struct device_table *t, const struct policy *p, const char *text);

/* After a reload: finds every device's place in the new inventory. */
void device_rematch(struct device_table *t, const struct policy *p);

size_t device_count(const struct device_table *t); /* seen ones */
size_t device_unknown_count(const struct device_table *t);
uint64_t device_evictions(const struct device_table *t);
uint64_t device_shared(const struct device_table *t); /* packets that the anonymous device stood in for */

/* The name that people read: the inventory's, else the operator's, else the MAC or the address. out[ADDR_TEXT]. */
const char *device_name(const struct device *d, const struct policy *p, char out[ADDR_TEXT]);

#endif
