/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what a device showed to rows of evidence and facts. Private to observe.c and frames.c. */
#ifndef LENSCAP_WITNESS_H
#define LENSCAP_WITNESS_H

#include <string.h>

#include "identity.h"

struct mac;

/* Whose words are matched: the argument of witness_match(). */
struct witness {
	struct engine *e;
	struct device *d;
	struct span text; /* witness_match()'s own */
};

static inline struct span
witness_text(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

/* A row, seen now. Tells the store: a new one at once, one that is known at most once a minute. */
void witness_add(struct engine *e, struct device *d, struct evidence *ev);
void witness_learn(struct engine *e, struct device *d, enum identity_fact fact, struct span value);
/* Every row of the catalogue that this text matches. arg: a struct witness. */
void witness_match(void *arg, enum channel channel, struct span text);
/* A row whose maker is a label becomes one of the maker behind it, as far as that is known. */
void witness_behind_label(struct engine *e, struct device *d, struct evidence *ev);
/* The label that it says it bears. */
void witness_label(struct engine *e, struct device *d, struct span value);
/* The MAC of its frames. */
void witness_mac(struct engine *e, struct device *d, const struct mac *mac);
/*
 * A device that is known by its address says which MAC it has. derived: out of a longer identifier, so it never contradicts an earlier one.
 * serial: what it says in the same breath, or empty. Another MAC with another serial number means that the address is another device's now:
 * everything that was known is dropped and told.
 */
void witness_announces(struct engine *e, struct device *d, const struct mac *mac, bool derived, struct span serial, const struct flow *f);

#endif
