/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The message format that DNS, mDNS, LLMNR and NetBIOS names share (RFC 1035, section 4), read strictly. */
#ifndef LENSCAP_PROBE_DNSMESSAGE_H
#define LENSCAP_PROBE_DNSMESSAGE_H

#include "probe.h"

enum {
	DNS_REPLY = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AUTHORITATIVE = 0x0400,
	DNS_TRUNCATED = 0x0200,
	DNS_RECURSION_DESIRED = 0x0100,
	DNS_RECURSION_AVAILABLE = 0x0080,
	DNS_ZERO = 0x0040, /* must be zero (RFC 1035, as narrowed by RFC 4035) */
	DNS_CLASS_IN = 1,
	DNS_TYPE_OPT = 41,
};

struct dns_message {
	uint16_t id, flags;
	uint16_t questions, answers, authorities, additionals;
	char name[APP_NAME]; /* of the first question, in lower case; other bytes than letters, digits, - and _ as \DDD */
	struct span label;   /* its first label, as it was sent */
	uint16_t type, class; /* of the first question */
};

/*
 * Reads one message that fills c. Records are walked by their lengths; names in them may be compressed, questions not. False: it is not one, or
 * its question's name does not fit into name.
 */
bool dns_message_read(struct cursor c, struct dns_message *ret);

/* Query name, type and class of a question into *app. */
void dns_message_facts(const struct dns_message *m, struct app *app);

#endif
