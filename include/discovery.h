/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where cameras announce themselves on their own link: ports and multicast groups. Nothing of it is ever forwarded, so a router hears it
 * only where it listens for it. The gate asks the kernel for copies by these ports; the engine reads who answers from them.
 */
#ifndef LENSCAP_DISCOVERY_H
#define LENSCAP_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct discovery_port {
	uint16_t port; /* UDP */
	const char *why;
};

struct discovery_group {
	const char *address; /* IPv4 or IPv6 */
	const char *why;
};

extern const struct discovery_port discovery_ports[]; /* in order of the port */
extern const size_t discovery_n_ports;
extern const struct discovery_group discovery_groups[];
extern const size_t discovery_n_groups;

bool discovery_is_port(uint16_t port);

#endif
