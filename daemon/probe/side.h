/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a row looks at its input: a stream's bytes, every datagram of a direction, and how two directions' answers join. */
#ifndef LENSCAP_PROBE_SIDE_H
#define LENSCAP_PROBE_SIDE_H

#include "probe.h"

/* TCP: the bytes of one direction from the first on; empty when none came. */
struct cursor side_stream(const struct probe_input *in, unsigned side);

/* One datagram's payload; never has a NULL pointer. */
struct cursor side_unit(const struct probe_side *s, size_t i);

/* Datagrams of one direction. NO: one of them does not fit; MORE: there are none; DONE: there are some and all fit. */
enum probe_result side_each(const struct probe_side *s, bool (*fits)(struct cursor c));

/* Both directions must fit as far as they are there; either one proves. */
enum probe_result side_join(enum probe_result a, enum probe_result b);

/* side_each() of both directions, joined. The same shape is often spoken by both. */
enum probe_result side_datagrams(const struct probe_input *in, bool (*client)(struct cursor c),
				 bool (*server)(struct cursor c));

/* The next bytes must be these: DONE and moved past them, MORE when what is there agrees, NO otherwise. */
enum probe_result side_bytes(struct cursor *c, const void *want, size_t n);

#endif
