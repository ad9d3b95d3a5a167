/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of budget.h, for its two files. */
#ifndef LENSCAP_BUDGET_PRIVATE_H
#define LENSCAP_BUDGET_PRIVATE_H

#include "addr.h"
#include "budget.h"
#include "hash.h"

enum {
	BUDGET_LIMITS = 256, /* of a policy */
	NO_LIMIT = 0xffff,
};

/* Identity of a row; no padding, since it is hashed. A device is the same in whatever zone it is. */
struct budget_key {
	uint64_t limit; /* policy_limit.key */
	struct addr addr; /* by_address: who it is; else zero */
	struct mac mac;	  /* else */
	uint8_t by_address, pad;
};

struct budget {
	struct budget_key key;
	uint32_t next, serial; /* serial: 0 while the row is free */
	uint16_t limit;	       /* place in the policy in force, or NO_LIMIT */
	bool told;	       /* that it is used up, in this period */
	bool over;	       /* somebody was refused for it, or may have been */
	bool settled;	       /* the kernel carries some of its flows */
	int64_t period;
	uint64_t used;
	uint64_t rate; /* bytes a second, lately */
	uint64_t window_ns, window_used; /* where the rate's window began */
	uint64_t charged_ns, looked_ns, look_gap_ns;
};

struct budgets {
	struct hash_key key;
	struct budget rows[BUDGET_ROWS + 1]; /* [0] is never used */
	uint32_t buckets[BUDGET_ROWS];
	uint32_t unused, highest, count, serial, settled;
	uint64_t swept_ns;
	uint64_t used[BUDGET_LIMITS]; /* what facts point to */
	bool dirty, want_rejudge, failed;
	uint64_t saved_ns, asked_ns;
};

/* The row of this key; NULL: there is none. */
struct budget *budget_find(const struct budgets *b, const struct budget_key *key);
/* Makes the row of a key that has none. NULL: there is no room. */
struct budget *budget_make(struct budgets *b, const struct budget_key *key);

#endif
