/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number over the table as the kernel has it: handles, hooks, rules, sets and the camera interfaces, but
 * no counter and no remembered flow. Two equal seals mean that nobody has touched it in between; even the
 * same rule put back has another handle.
 */
#ifndef LENSCAP_GATE_SEAL_H
#define LENSCAP_GATE_SEAL_H

#include <stdint.h>

struct netlink;

/* 0 in *ret_seal: there is no such table. Returns 0, or -1 with errno. */
int seal_read(struct netlink *n, uint64_t *ret_seal);

#endif
