/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What flows were found to speak, kept once for all flows that speak the same: cameras say the same few names in the same words thousands
 * of times. Entries are counted and never change, so what holds for one flow alone (a proved name) stands in the flow.
 *
 * All memory is set aside at the start, and what was never used is never touched. There is an entry for each flow, whatever hostile clients
 * make of their names, so none is ever refused.
 */
#ifndef LENSCAP_KNOWN_H
#define LENSCAP_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe.h"

enum {
	KNOWN_BOUND = 80, /* with its NUL */
	KNOWN_TEXT = APP_NAME + KNOWN_BOUND,
};

struct known {
	struct {
		uint32_t next, refs, number;
	} entry; /* the table's own */
	bool fixed;	      /* one for all, in no table */
	bool ech, has_name, is_dns;
	const char *protocol; /* static; "unknown" when nothing matched or it could not be seen */
	uint16_t bound_at;    /* see known_bound() */
	char ja4[APP_JA4];    /* of its ClientHello; "" none */
	char name[];	      /* what the client called its server; "" when it did not */
};

extern const char protocol_unknown[];

/* For who was not looked at: its protocol is unknown. */
extern const struct known known_nothing;

/* One name of the far side's address when this was learnt, for the history; "" none, or it was longer than KNOWN_BOUND. */
static inline const char *
known_bound(const struct known *k)
{
	return k->name + k->bound_at;
}

/* Bytes of one with all its text, for who keeps a copy: at most sizeof(struct known) + KNOWN_TEXT. */
size_t known_bytes(const struct known *k);

struct known_table;

/* flows: how many references there may be at a time. NULL when memory is short. */
struct known_table *known_table_new(size_t flows);
void known_table_free(struct known_table *t);

/* A counted reference. app NULL: nothing but the protocol is known. bound: "" for none. */
const struct known *known_take(struct known_table *t, const char *protocol, const struct app *app, const char *bound);
/* Gives it back; NULL and fixed ones are fine. */
void known_give(struct known_table *t, const struct known *k);

/* Different entries, and the memory that they take. */
size_t known_count(const struct known_table *t);
size_t known_memory(const struct known_table *t);

#endif
