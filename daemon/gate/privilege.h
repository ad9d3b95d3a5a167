/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the gate becomes, and the one capability it keeps. */
#ifndef LENSCAP_GATE_PRIVILEGE_H
#define LENSCAP_GATE_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

struct identity {
	uid_t uid;
	gid_t gid;
	bool change; /* false: stay who we are */
};

/* user: NULL for the default. Not started as root: our own identity. 0, or -1: logged. */
int privilege_find(const char *user, struct identity *ret_id);
/*
 * Becomes that user and keeps CAP_NET_ADMIN alone. Started without root: CAP_NET_ADMIN must have been given
 * (a service manager's ambient set), and nothing is changed. keep_net_admin false: keeps nothing and needs
 * nothing. 0, or -1: logged.
 */
int privilege_drop(const struct identity *id, bool keep_net_admin);

#endif
