/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nft table as text. Pure: no kernel, no state. */
#ifndef LENSCAP_GATE_RULESET_H
#define LENSCAP_GATE_RULESET_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

#define RULESET_TABLE "lenscap"
#define RULESET_TOQ   "toq"
#define RULESET_CAM   "cam"
#define RULESET_FAR   "far"

/* Named counters, in the order of ruleset_counters[]. */
enum ruleset_counter {
	C_QUEUE,
	C_OFFLOAD,
	C_CUT,
	C_DENIED,
	C_INVALID,
	C_REPLY,
	C_JAIL,	   /* of and to devices in quarantine */
	C_FLOOD,   /* new connections beyond what a device may open */
	C_UNHEARD, /* announcements beyond what is copied */
	C_BARE,	   /* TCP without payload of flows that are not decided */
	C_KIND,	   /* first packets that passed by their kind */
	RULESET_COUNTERS
};
extern const char *const ruleset_counters[RULESET_COUNTERS];

/* The sets that count what the kernel refuses from memory. */
struct ruleset_hits {
	const char *name;
	uint8_t address_bytes; /* 4 or 16 */
	bool ports;
};
enum {
	RULESET_HITS = 4,
	RULESET_HITS_TIMEOUT_S =
		97, /* well above the dump's period, and no period at which a device would retry */
};
extern const struct ruleset_hits ruleset_hits[RULESET_HITS];

/* The sets of who opens too many connections; each element counts what was cut. */
enum { RULESET_FLOODS = 3 };
extern const struct ruleset_flood {
	const char *suffix;    /* of the sets: flood4, rate4 */
	uint8_t address_bytes; /* 0: by MAC */
} ruleset_floods[RULESET_FLOODS];

/* The set of these kinds: proto TCP or UDP; ask: of TCP alone. Its keys are made by ahead.c, and by the kernel. */
const char *ruleset_kind_set(uint8_t proto, bool ask, bool v4);
/* The kernel and what ahead.c adds change its elements, and nobody needs to hear of that. */
bool ruleset_is_kind_set(const char *name);

struct quarantine;

struct ruleset {
	const struct plan *plan;
	const struct quarantine *quarantine; /* NULL: nobody */
	int64_t now_s;			     /* wall clock, for what is left of a quarantine */
	unsigned generation;
	bool hears;  /* this kernel can copy announcements */
	bool bridges; /* it has tables of the bridge family */
	bool bridged; /* hooks of an earlier plan's bridge may be there: to take one away makes the kernel drop all that waits in queues */
	bool forget; /* empties the memory of refusals: another policy answers from now on */
	bool fresh;  /* empties the hits too: nobody has counted them and nobody will */
};

/*
 * Table, sets, counters and the chain `toq` without a base chain: nothing passes through it yet.
 * Each of these returns text to free, NULL when memory ends.
 */
char *ruleset_base(void);
/* Replaces the content of `toq` by the native queue statement. */
char *ruleset_toq(const struct plan *plan);
/*
 * Everything else: adds what is missing, empties and refills every chain but `toq`. Running it again is
 * harmless; run as one transaction no packet sees a half of it.
 */
char *ruleset_rewrite(const struct ruleset *r);
/* Who is in quarantine, anew and in one transaction. */
char *ruleset_jail(const struct quarantine *q, int64_t now_s);
/*
 * Deletes the table and builds it anew, all in one. native: with the queue statement; else `toq` is left
 * empty for a moment, and the rule behind it speaks the fail mode.
 */
char *ruleset_recreate(const struct ruleset *r, bool native);
/* Takes all of it away. bridges: also what stands in the bridge family. */
char *ruleset_end(bool bridges);

#endif
