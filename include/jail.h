/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is cut off from everything across the gateway, as the gate tells it: the list is the gate's and outlives us. Here it is asked for, by
 * operators and by rules, and what changes becomes records.
 */
#ifndef LENSCAP_JAIL_H
#define LENSCAP_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

struct engine;
struct flow;
struct jail;
struct rule_info;

struct jail *jail_new(void);
void jail_free(struct jail *j);

/* CH_QUARANTINED. False: more rows than any gate would send. */
bool jail_message(struct engine *e, const struct channel_quarantined *m);
/* The list as it stands; floods too. */
const struct channel_quarantined_row *jail_rows(const struct engine *e, size_t *ret_n);
/* The name that people know this one by. out[ADDR_TEXT]. */
const char *jail_name(const struct engine *e, const struct channel_quarantined_row *row, char out[ADDR_TEXT]);

/*
 * Whom these words mean: a name, a MAC, an address. among: look among those who are in quarantine first. NULL: *ret names it, all but
 * release and seconds; else what is wrong.
 */
const char *jail_find(struct engine *e, const char *who, bool among, struct channel_quarantine *ret);
/* To the gate; the answer to m->head.arg comes by CH_DONE. False: the gate does not read. */
bool jail_send(struct engine *e, const struct channel_quarantine *m);

/* A rule that enforces says so: this flow's device goes. */
void jail_by_rule(struct engine *e, const struct flow *f, const struct rule_info *rule);

#endif
