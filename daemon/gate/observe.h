/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket on which the kernel's packet log copies what cameras announce on their link. The gate binds it and never reads it: the engine
 * does. Copies wait for nobody, so whatever becomes of an engine, no announcement is ever held up.
 */
#ifndef LENSCAP_GATE_OBSERVE_H
#define LENSCAP_GATE_OBSERVE_H

struct observe;

/* Binds this log group. NULL with errno: this kernel has no packet log, or another program owns the group. */
struct observe *observe_open(unsigned group);
void observe_close(struct observe *o);
int observe_fd(const struct observe *o);
/* Another group, when the policy has moved it. 0, or -1 with errno. */
int observe_move(struct observe *o, unsigned group);

#endif
