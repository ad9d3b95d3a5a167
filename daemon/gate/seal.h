/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number over the table as the kernel has it: handles, hooks, rules, sets and the camera interfaces, but
 * no counter and no remembered flow. Two equal seals mean that nobody has touched it in between; even the
 * same rule put back has another handle.
 */
#ifndef LENSCAP_GATE_SEAL_H
#define LENSCAP_GATE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

struct netlink;

/*
 * bridges: ports of a bridge are guarded, so there must be a table of that family as well. 0 in *ret_seal: a table is not there. Returns 0,
 * or -1 with errno.
 */
int seal_read(struct netlink *n, bool bridges, uint64_t *ret_seal);

#endif
