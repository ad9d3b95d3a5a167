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

enum {
	DEVICE_ANONYMOUS = 0,
};

struct device {
	uint32_t hash_next, newer, older; /* the table's own */
	bool by_address;	/* then `addr` is its identity and `mac` is not */
	uint8_t zone;
	bool alerted;		/* told once that it is not in the inventory */
	bool introduced;	/* known by its neighbours alone: no packet of its or towards it was seen */
	uint32_t life;		/* which of the devices that have had this slot */
	uint16_t inventory;	/* index into the policy's inventory or DEVICE_UNKNOWN */
	uint32_t flows;		/* references by live flows */
	struct mac mac;
	struct addr addr;	/* identity, or the address last used */
	int64_t first_us, last_us;
	uint32_t watched;	/* of these flows, those whose first bytes are remembered */
	uint64_t flows_seen, flows_blocked;
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

/* The device that last used this address, for flows that somebody else opens towards it; made by address when nobody has. Never NULL. */
struct device *device_by_address(struct device_table *t, const struct policy *p, const struct addr *a, uint8_t zone,
				 const struct now *now, bool *ret_new);

/*
 * The kernel's neighbour table says who has this address: device_by_address() will find the device of that MAC. It does not count as
 * seen, and where the table is full nobody makes room for it.
 */
void device_introduce(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *a, uint8_t zone);

uint32_t device_index(const struct device_table *t, const struct device *d);
struct device *device_at(struct device_table *t, uint32_t index);

/* A flow of this device begins or ends. */
void device_hold(struct device *d);
void device_release(struct device *d);

/* After a reload: finds every device's place in the new inventory. */
void device_rematch(struct device_table *t, const struct policy *p);

size_t device_count(const struct device_table *t); /* seen ones */
size_t device_unknown_count(const struct device_table *t);
uint64_t device_evictions(const struct device_table *t);
uint64_t device_shared(const struct device_table *t); /* packets that the anonymous device stood in for */

/* The name that people read: the inventory's, else the MAC or the address. out[ADDR_TEXT]. */
const char *device_name(const struct device *d, const struct policy *p, char out[ADDR_TEXT]);

#endif
