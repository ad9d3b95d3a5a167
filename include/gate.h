/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: lenscapd, the side with power. It owns the nft table `inet lenscap`, the marks, the packet
 * queue's verdicts, what conntrack tells, the engine's life and the fail mode. It never holds a byte that a
 * camera sent: packets go from the kernel straight to the engine, and everything the engine says back is
 * checked like bytes from the wire.
 *
 *	gate_open()	lock, sockets, netlink, kernel switches	(root, when started as root)
 *	gate_drop()						(from here on: CAP_NET_ADMIN and nothing else)
 *	gate_confine()						(from here on: the calls of base/calls.c and no others)
 *	gate_start()	plan, queue, table, engine; an engine builds the policy while it is checked and the rules are put in place
 *	gate_run()	until SIGTERM
 *	gate_stop()	what the fail mode says
 *
 * daemon/gate/, one idea a file: ruleset (the rules as text), table (puts them into the kernel), compat
 * (queue rule on kernels without the native one), seal and watch (did somebody change them), queue
 * (verdicts), quarantine, flood and warden (who is cut off), observe and groups (what cameras announce),
 * walk, sweep and news (conntrack), denied and tally (counts), links, place and privilege
 * (start), child and planner (other processes), keeper (the engine's life), inbox (what it says), reload (a
 * new policy), terms (whether it may stay), standing, versions and lease (what a restart must know of
 * that), gate (the loop), life (start and stop).
 */
#ifndef LENSCAP_GATE_H
#define LENSCAP_GATE_H

#include <stdbool.h>

struct gate;

struct gate_options {
	const char *config;    /* the policy's main file */
	const char *run_dir;   /* sockets and lock */
	const char *state_dir; /* what survives a restart */
	const char *user;      /* to become when started as root */
	bool verbose;
	bool no_sandbox;
	bool run_dir_given; /* not the system's own place: no log directory is made */
};

/*
 * Everything that needs more than CAP_NET_ADMIN. NULL: logged. The options are borrowed for the gate's
 * life.
 */
struct gate *gate_open(const struct gate_options *o);
/*
 * Gives what must belong to the user (directories, sockets) to it and drops all other power. 0, or -1 when
 * it must not go on: logged.
 */
int gate_drop(struct gate *g);
/* Closes the sandbox, which every process that it starts inherits and narrows, unless the options say otherwise. The same return. */
int gate_confine(struct gate *g);
/*
 * Instead of all that: reads the policy without any power and prints what is wrong with it. The program's
 * exit code.
 */
int gate_check(const struct gate_options *o);
/* Returns 0 when the engine judges packets; -1: logged, and the network is as the fail mode says. */
int gate_start(struct gate *g);
/* Serves until a signal ends it. */
void gate_run(struct gate *g);
void gate_stop(struct gate *g);
void gate_free(struct gate *g);

#endif
