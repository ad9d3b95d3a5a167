/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conntrack entries as the kernel tells them, and walks over all of them in bounded steps. */
#ifndef LENSCAP_GATE_WALK_H
#define LENSCAP_GATE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

struct channel_flow_news;

struct walk_entry {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint32_t mark;
	const struct nlattr *original, *zone; /* as they came; zone may be NULL. Valid during the call */
	const struct nlattr *attributes[32];  /* by CTA_* type, NULL where absent */
};

/* Reads one IPCTNL_MSG_CT_NEW or CT_DELETE message. False: no tuple, or malformed. */
bool walk_read(const struct nlmsghdr *m, struct walk_entry *ret_entry);
/* What the engine is told of it. False: the entry is not of an address family or shape that we know. */
bool walk_news(const struct walk_entry *e, struct channel_flow_news *ret_news);
/* A TCP connection that is over. *ret_left_s: when the kernel forgets it; 0: it does not say. */
bool walk_waits(const struct walk_entry *e, uint32_t *ret_left_s);

/*
 * Asks for all entries, or with mask != 0 only for those whose mark & mask == value. 0, or -1 with errno.
 */
int walk_start(struct netlink *n, uint32_t value, uint32_t mask);

#endif
