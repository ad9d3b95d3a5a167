/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of one flow. `known` says which facts are settled; settled may mean settled to be absent (no SNI will ever come).
 * Policy reads facts and nothing else.
 *
 * The camera side is `device`, the far side is `remote`, whoever opened the flow: `inbound` says who did.
 */
#ifndef LENSCAP_FACTS_H
#define LENSCAP_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "geo.h"

enum fact {
	FACT_PACKET = 1 << 0,	/* device, its maker, zones, addresses, port, direction, time: always known */
	FACT_PLACE = 1 << 1,	/* geography of the far side */
	FACT_PROTOCOL = 1 << 2, /* what it speaks */
	FACT_NAME = 1 << 3,	/* the far side's proved name */
	FACT_QUERY = 1 << 4,	/* the DNS name asked for */
	FACT_ECH = 1 << 5,	/* Encrypted ClientHello offered */
	FACT_ALL = (1 << 6) - 1,
};

enum {
	DEVICE_UNKNOWN = 0xffff, /* facts.device: not in the policy's inventory */
	ZONE_NONE = 0xff,	 /* facts.zone, facts.remote_zone */
	FACTS_BOUND = 8,	 /* names of one address that count */
};

struct facts {
	uint32_t known;	     /* enum fact */
	uint16_t device;     /* index into the policy's inventory, or DEVICE_UNKNOWN */
	uint16_t maker;	     /* who built the device, as far as is known now: index into the catalogue, or MAKER_UNKNOWN */
	bool covered;	     /* that maker is covered by section 889 */
	bool unmasked;	     /* the device's label says another maker than the evidence does */
	uint8_t zone;	     /* the camera side's zone: index into the policy's zones */
	uint8_t remote_zone; /* the far side's zone, or ZONE_NONE */
	bool inbound;	     /* opened by the far side */
	bool unseen;	     /* the connection was there before us, and only its camera's address is known so far, not who has it */
	uint8_t proto;	     /* IPPROTO_* */
	bool has_port;
	uint16_t port;	    /* the port that was opened, on whichever side */
	struct addr local;  /* the camera side */
	struct addr remote; /* the far side */
	struct place place; /* of the far side */
	int64_t wall_s;	    /* for schedules: seconds since 1970 UTC */

	const uint64_t *used; /* what the device has used of each of policy_limits() in its period; behind n_used: nothing */
	size_t n_used;
	unsigned counted;     /* place plus one of the limit under which this very flow was counted; 0: none */
	bool used_up;	      /* every limit is (tests) */

	const char *protocol; /* FACT_PROTOCOL: what it speaks; "unknown" is a value */
	const char *name;     /* FACT_NAME: what the client called its server in clear (SNI, Host), lower case; NULL: it did not say */
	bool ech;	      /* FACT_ECH; `name` is then the outer one and says nothing */
	const char *query;    /* FACT_QUERY: the DNS name asked for; NULL: this is no question */
	const char *bound[FACTS_BOUND]; /* always known: names under which this device was given `remote` in DNS answers, newest first */
	size_t n_bound;
};

#endif
