/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue rule on kernels that have the xtables NFQUEUE target but not the nft queue expression. */
#ifndef LENSCAP_GATE_COMPAT_H
#define LENSCAP_GATE_COMPAT_H

#include <stdbool.h>
#include <stdint.h>

struct netlink;

/*
 * Replaces the content of chain `toq` in one transaction, so that no packet slips by. 0, or -1 with the
 * kernel's errno.
 */
int compat_toq(struct netlink *n, uint16_t queue, bool bypass);

#endif
