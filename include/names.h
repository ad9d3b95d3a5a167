/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device was told that which name has which address: from the DNS answers that it received. A name in a policy holds only when
 * such a binding proves it. Memory is bounded: the binding that expires first makes room.
 */
#ifndef LENSCAP_NAMES_H
#define LENSCAP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "clock.h"
#include "cursor.h"

enum {
	DNS_NAME = 256,	     /* text with its NUL: RFC 1035, 2.3.4 */
	DNS_ANSWERS = 32,    /* records of one message that are kept */
	DNS_CHAIN = 16,	     /* CNAMEs followed */
};

struct dns_record {
	char name[DNS_NAME];
	uint16_t type, class;
	uint32_t ttl;
	struct addr addr;	/* A, AAAA, and one for each SVCB/HTTPS address hint */
	char target[DNS_NAME];	/* CNAME, PTR, NS, SRV target, SVCB target */
	bool ech;		/* SVCB/HTTPS carries an ech parameter (RFC 9460, draft-ietf-tls-svcb-ech) */
};

struct dns_message {
	uint16_t id, flags; /* as on the wire */
	bool response;
	uint8_t rcode, opcode;
	unsigned questions, answers, authorities, additionals; /* as the header says */
	char query[DNS_NAME];	/* of the first question, lower case, without the last dot; labels' odd bytes as \DDD */
	uint16_t query_type, query_class;
	size_t query_len;	/* of the name on the wire */
	size_t n;		/* records below */
	struct dns_record record[DNS_ANSWERS];
	bool truncated_list;	/* more records than fit */
};

/*
 * Reads one message without its TCP length. False when it is not DNS: header not sane, counts that cannot fit, names that do not parse (compression
 * loops and forward pointers are refused).
 */
bool dns_parse(struct span message, struct dns_message *ret_message);

struct names;

/* capacity: bindings; grace_s: added to each TTL. */
struct names *names_new(size_t capacity, uint32_t grace_s);
void names_free(struct names *n);

/*
 * Learns from an answer that this device received: for the question's name, each address at the end of its CNAME chain. Also the names inside the chain.
 * Returns the number of bindings made or refreshed.
 */
size_t names_learn(struct names *n, uint32_t device, const struct dns_message *answer, const struct now *now);

/* True when `device` was given `addr` for exactly this name, and it is not over. */
bool names_proves(struct names *n, uint32_t device, const struct addr *addr, const char *name, const struct now *now);

/* The names under which this device was given this address, newest first; returns how many of at most max were written. Views until the next learn. */
size_t names_of(struct names *n, uint32_t device, const struct addr *addr, const struct now *now, const char **ret_names, size_t max);

/* The moment at which the last binding of this device and address ends; 0: there is none. */
uint64_t names_until(struct names *n, uint32_t device, const struct addr *addr, const struct now *now);

void names_expire(struct names *n, const struct now *now, size_t max);
size_t names_count(const struct names *n);
uint64_t names_evicted(const struct names *n);

#endif
