/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of flows that the engine knows before their first packet (CH_KINDS): puts them into the kernel's sets, all rows of a message in one
 * transaction. The table's rules and their generation are not touched.
 */
#ifndef LENSCAP_GATE_AHEAD_H
#define LENSCAP_GATE_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ahead;
struct channel_kind;

/* NULL with errno. */
struct ahead *ahead_open(void);
void ahead_close(struct ahead *a);

/* Some packet could be of this kind. */
bool ahead_valid(const struct channel_kind *k);
/*
 * n: at most CHANNEL_KINDS valid ones; memory_s: longer they are not remembered. All of them, or none: -1 with errno, ENFILE where a set is full.
 * Of what is there already, older kernels keep the time that it had (before Linux 6.12), newer ones take this one.
 */
int ahead_put(struct ahead *a, const struct channel_kind *k, size_t n, uint32_t memory_s);

#endif
