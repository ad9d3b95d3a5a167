/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device was told that which name has which address: from the DNS answers that it received. A name in a policy holds only when
 * such a binding proves it. Memory is bounded: the binding that expires first makes room, and no device can take more than its share.
 *
 * A binding is worth what its answer is worth. The caller lets in only answers of resolvers that the owner trusts, to questions that the
 * device asked. Then a camera and a friend who runs a domain can bind names of that domain to any address, and that is what owning
 * a domain means; they must not be able to bind a foreign name. So of an answer only what leads from the question to an address
 * counts, never what is merely in the message; a CNAME's target is bound because a resolver looks the target up itself, while the
 * target of SVCB and HTTPS records is never bound by the hints that stand beside it: whoever owns the record wrote both.
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
	DNS_CHAIN = 16,	     /* names of one answer: the question's and those that CNAMEs and service bindings lead to */
};

/* Record types that are kept; the others are stepped over. */
enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16, /* without its text */
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_ANY = 255, /* in questions */
};

/*
 * Names are text in lower case without the last dot, the root is "". A byte that is not a visible character, and any dot, backslash or
 * quote inside a label, is \DDD. A name whose text does not fit ends in a single backslash, so that it is nobody's suffix.
 */
struct dns_record {
	char name[DNS_NAME];
	bool additional;	/* from the additional section, else from the answer; authorities are not kept */
	uint16_t type, class;
	uint32_t ttl;
	struct addr addr;	/* A, AAAA, and one record for each SVCB/HTTPS address hint; all zero: none, or an IPv4 one in IPv6 form */
	char target[DNS_NAME];	/* of CNAME, PTR, NS, MX, SRV, SVCB, HTTPS */
	bool ech;		/* SVCB/HTTPS carries an ech parameter (RFC 9460, draft-ietf-tls-svcb-ech) */
};

struct dns_message {
	uint16_t id, flags; /* as on the wire */
	bool response;
	uint8_t rcode, opcode;
	unsigned questions, answers, authorities, additionals; /* as the header says */
	char query[DNS_NAME];	/* of the first question */
	uint16_t query_type, query_class;
	size_t query_len;	/* of the name on the wire, uncompressed; 0: there is no question */
	size_t n;		/* records below */
	struct dns_record record[DNS_ANSWERS];
	bool truncated_list;	/* more records than fit */
	size_t trailing;	/* bytes behind the last record */
};

/*
 * Reads one message without its TCP length. False when it is not DNS: header not sane, counts that cannot fit, names that do not parse
 * (compression loops and forward pointers are refused), data that is not what its type says. *ret_message then holds nothing that may be
 * used, and it is not cleared first: it is 18 KiB, of which an ordinary answer fills one or two.
 */
bool dns_parse(struct span message, struct dns_message *ret_message);

struct names;

/*
 * capacity: bindings, with 64 bytes of text each; grace_s: added to each TTL, of which 7 days count at most. A device has at most an
 * eighth of either (but 32 bindings), and gives up its own beyond that, the one that was not refreshed for longest. NULL when memory
 * is short.
 */
struct names *names_new(size_t capacity, uint32_t grace_s);
void names_free(struct names *n);

/*
 * Learns from an answer that this device received: for the question's name, each address at the end of its CNAME chain. Also the names
 * inside the chain. Only addresses of the type that was asked for, and nothing from a message with an error or without one question.
 * HTTPS and SVCB: the question's name and those before it, for hints and for what is said of the target's addresses.
 * Returns the number of bindings made or refreshed. A binding that is refreshed never ends earlier than before.
 */
size_t names_learn(struct names *n, uint32_t device, const struct dns_message *answer, const struct now *now);

/* True when `device` was given `addr` for exactly this name, and it is not over. */
bool names_proves(struct names *n, uint32_t device, const struct addr *addr, const char *name, const struct now *now);

/*
 * The names under which this device was given this address, newest first; returns how many of at most max were written (there are never
 * more than 32). Views until the next names_learn(), names_expire() or names_forget().
 */
size_t names_of(struct names *n, uint32_t device, const struct addr *addr, const struct now *now, const char **ret_names, size_t max);

/* The addresses that this device was given for a name, last refreshed first, each once; returns how many of at most max. */
size_t names_addresses(struct names *n, uint32_t device, const char *name, const struct now *now, struct addr *ret_addrs, size_t max);

/* The moment at which the last binding of this device and address ends; 0: there is none. */
uint64_t names_until(struct names *n, uint32_t device, const struct addr *addr, const struct now *now);

/* This device is gone and its number may come again for another one. Work in proportion to what it had. */
void names_forget(struct names *n, uint32_t device);
/* Takes out at most max bindings that are over. */
void names_expire(struct names *n, const struct now *now, size_t max);
size_t names_count(const struct names *n);
uint64_t names_evicted(const struct names *n); /* bindings that were taken out or not made for want of room */

#endif
