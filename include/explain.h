/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question of `lenscap explain`: what would become of a flow. The daemon answers it from what it knows, the command alone from a
 * policy and its databases; what is asked and what is told is the same here.
 */
#ifndef LENSCAP_EXPLAIN_H
#define LENSCAP_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts.h"
#include "names.h"

struct geo;
struct json;
struct policy;

enum {
	EXPLAIN_ADDRESSES = 8, /* of a destination that is a name */
	EXPLAIN_REPLY = 65536, /* bytes of JSON that one answer has room for */
};

/* As it was asked. NULL: not said. All texts are the asker's: they may hold anything. */
struct explain_args {
	const char *device; /* a name, a MAC or an address */
	const char *dest;   /* an address or a name */
	const char *transport; /* "tcp" … */
	const char *name;   /* what the client calls its server; "" says that it names nobody */
	const char *protocol, *query;
	int64_t port;	    /* -1: not said */
	int64_t at_s;	    /* -1: now */
	int64_t from;	    /* rules before this one were told already */
	bool ech, inbound;
};

/* The question with what is known about it. Zero it, fill in policy, geo and the device, then explain_take(). */
struct explain_case {
	const struct policy *policy;
	struct geo *geo;
	struct facts facts;	  /* device, zone and local are the caller's */
	const char *device;	  /* as people call it */
	bool seen;		  /* by the daemon, in this run or a former one */
	uint8_t score;		  /* of facts.maker, 0 to 100 */
	bool jailed;		  /* it is in quarantine: the rules do not matter */
	bool offline;		  /* asked of a policy, without a daemon */
	char dest_name[DNS_NAME]; /* the destination was given as a name; "" by its address */
	struct addr addresses[EXPLAIN_ADDRESSES];
	size_t n_addresses;	  /* of dest_name; facts.remote is the first */
	char name[DNS_NAME], query[DNS_NAME];
};

/* A name as a policy and the wire compare it: lower case, no last dot. False: it is none. */
bool explain_name(const char *text, char out[DNS_NAME]);
/*
 * What was asked about the flow: transport, port and direction, before flow_facts() or the like; then what it speaks and when, behind it.
 * NULL, or what is wrong with the question.
 */
const char *explain_take_port(struct explain_case *c, const struct explain_args *a);
const char *explain_take_words(struct explain_case *c, const struct explain_args *a);

/* The members of the answer, without braces; cap: bytes that the whole answer may have. As many rules as there is room for: "next" says where to go on. */
void explain_write(struct json *j, struct explain_case *c, size_t from);

#endif
