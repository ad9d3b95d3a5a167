/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Something that ends by itself after some seconds, also when the program that granted it is not there any
 * more, and whatever somebody does to the clock on the wall meanwhile.
 */
#ifndef LENSCAP_GATE_LEASE_H
#define LENSCAP_GATE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LEASE_MAX_S = 2678400, /* 31 days */
	LEASE_BOOT = 44,
};

/*
 * The clocks by which a lease is measured. boot names this run of the kernel: "=ID" where the kernel says
 * so; where it may not be asked "~N", a name that only this process knows.
 */
struct lease_clock {
	uint64_t boot_ms; /* since the kernel started, sleep included */
	int64_t wall_s;
	char boot[LEASE_BOOT];
};

struct lease {
	uint32_t seconds; /* 0: none */
	struct lease_clock began;
};

/* Reads the clocks; the first time (boot is "") the name too. */
void lease_clock_read(struct lease_clock *c);
struct lease lease_grant(uint32_t seconds, const struct lease_clock *now);
/*
 * Milliseconds until it ends, never more than it was granted for; 0: it is over, or there is none. Where the
 * clocks disagree the one that says later is believed: what is temporary ends rather too early.
 */
uint64_t lease_left_ms(const struct lease *l, const struct lease_clock *now);
/* The same in seconds, the last one begun. */
uint32_t lease_left_s(const struct lease *l, const struct lease_clock *now);
/* What a file may hold. */
bool lease_valid(const struct lease *l);

#endif
