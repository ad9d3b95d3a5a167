/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detects DNS tunnels by the number, length and entropy of the different names that a device asks for below one parent. */
#ifndef LENSCAP_TUNNEL_H
#define LENSCAP_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct tunnels;

/* NULL when memory is short. */
struct tunnels *tunnels_new(void);
void tunnels_free(struct tunnels *t);

/*
 * One question of this device. query: a name as text, as dns_parse() writes it. True when it looks like a tunnel: once a minute, device
 * and parent name.
 */
bool tunnel_note(struct tunnels *t, uint32_t device, const char *query, const struct now *now);

#endif
