/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detects DNS tunnels by the number, length and entropy of a device's questions below one parent name. */
#ifndef LENSCAP_TUNNEL_H
#define LENSCAP_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct tunnels;

struct tunnels *tunnels_new(void);
void tunnels_free(struct tunnels *t);

/* One question of this device. True once a minute and parent name, when it looks like a tunnel. */
bool tunnel_note(struct tunnels *t, uint32_t device, const char *query, const struct now *now);

#endif
