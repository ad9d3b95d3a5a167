/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Membership in the multicast groups in which cameras announce themselves, on every guarded interface: else network cards and switches that
 * filter would keep them from us. The sockets are never bound and never read; the copies come by the packet log.
 */
#ifndef LENSCAP_GATE_GROUPS_H
#define LENSCAP_GATE_GROUPS_H

#include <stddef.h>

#include "channel.h"

struct groups;
struct plan;

struct groups *groups_new(void);
void groups_free(struct groups *g);
/* Joins on guarded interfaces that are new among these, and forgets those that are gone. Returns how many are joined. */
size_t groups_follow(struct groups *g, const struct plan *plan, const struct channel_link *link, size_t n_links);

#endif
