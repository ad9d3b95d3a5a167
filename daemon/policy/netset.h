/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many addresses and networks of both families, asked in a time that does not grow with their number: a trie that looks at as many bits
 * at once as its items fill and passes over those that all of them share (Nilsson and Karlsson, "IP-Address Lookup Using LC-Tries", 1999).
 * Immutable. 24 bytes an item and, as lists are, 16 for the trie; never more than 64.
 */
#ifndef LENSCAP_POLICY_NETSET_H
#define LENSCAP_POLICY_NETSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct netset;

struct netset_item {
	struct addr addr;
	uint8_t len; /* as in struct prefix */
	uint32_t line;
};

/*
 * Takes the items, which malloc() gave, also when it fails, and orders them. What lies inside another is left out. ret_twice: how many
 * equal ones there were, *ret_line: the line of the first that stood there before. NULL when memory is short.
 */
struct netset *netset_new(struct netset_item *items, size_t n, size_t *ret_twice, uint32_t *ret_line);
/* ret_line: NULL, or of which line the network is that holds this address. */
bool netset_find(const struct netset *s, const struct addr *a, uint32_t *ret_line);
size_t netset_bytes(const struct netset *s);
void netset_free(struct netset *s);

#endif
