/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions: one row each in condition.c. To add one: a function that reads an item, a function that
 * matches, a row.
 */
#ifndef LENSCAP_POLICY_CONDITION_H
#define LENSCAP_POLICY_CONDITION_H

#include "judge.h"
#include "list.h"
#include "model.h"

struct loader;
struct look;

enum {
	COND_FROM = 1 << 0,    /* in from: maps */
	COND_TO = 1 << 1,      /* in to: maps and in sets */
	COND_RULE = 1 << 2,    /* in the rule itself */
	COND_ONE = 1 << 3,     /* a list of values makes no sense */
	COND_TIME = 1 << 4,    /* the answer changes with time alone */
	COND_COUNTRY = 1 << 5, /* widened by a condition with COND_WIDENS in the same map */
	COND_WIDENS = 1 << 6,
	COND_NAMED = 1 << 7,  /* trusting with a condition with COND_TRUSTS in the same map */
	COND_TRUSTS = 1 << 8,
};

struct condition_row {
	const char *key;
	unsigned where; /* COND_* */
	uint32_t needs; /* enum fact: without these the answer is "cannot tell yet" */
	size_t item_bytes;
	/* Reads one value and pushes its item (a group: one for each device); reports what is wrong. */
	void (*parse)(struct loader *l, const struct node *value, struct vec *items);
	/* For sorting, so that match may search; NULL keeps the order as written. */
	int (*order)(const void *a, const void *b);
	/* What a {file: PATH} among its values holds; LIST_NONE: it takes none. */
	enum list_kind list;
	bool (*match)(const struct condition *c, const struct facts *f);
	/* In place of match, needs and never: answers yes or no as early as it can, and adds to *look what it looked at and what it lacks. */
	enum answer (*answer)(const struct condition *c, const struct facts *f, struct look *look);
	/* NULL, or: the answer is no, whatever the facts that it still needs turn out to be. */
	bool (*never)(const struct condition *c, const struct facts *f);
	const char *help;
	size_t (*tidy)(
		void *items,
		size_t n); /* NULL, or what is left to do with sorted items; returns how many are left */
};

/* All rows, for listings; the reference is not among them. */
const struct condition_row *condition_rows(size_t *ret_n);
/* The row of this key at one of these places (COND_FROM, COND_TO, COND_RULE), or NULL. */
const struct condition_row *condition_find(const char *key, unsigned where);
/* from: NAME and to: NAME; its items are struct ref and its match is never called. */
extern const struct condition_row condition_ref;

/* "tcp/443" or "icmp": exactly one transport and at most one port. */
bool port_single(const char *text, uint8_t *ret_proto, bool *ret_has_port, uint16_t *ret_port);

/* Item of port:, a transport and a range of its ports. */
struct port_item {
	uint8_t proto; /* 0: TCP and UDP */
	bool any;      /* every packet of the transport, whether it has ports or not */
	uint16_t from, to;
};

/* The ports between which all items lie; false: one of them asks for no port. */
bool port_range(const struct condition *c, uint16_t *ret_low, uint16_t *ret_high);

/* The one transport that all items of a port: condition are of; 0: of several. */
uint8_t port_transport(const struct condition *c);

/* Reads one condition from its value and appends it. */
void condition_load(struct loader *l, const struct condition_row *row, const struct node *value,
		    unsigned where, struct vec *conditions);
/* Reads the conditions of `where` that this map has and appends them. */
void conditions_load(struct loader *l, const struct node *map, unsigned where, struct vec *conditions);
/* Appends one condition with one item that was made by hand. written: what it would look like in a policy; static or of the policy. */
void condition_push(struct loader *l, struct vec *conditions, const struct condition_row *row,
		    const void *item, const char *written);
/* A value as its owner wrote it, in one line, cut where it is long; of the policy. */
const char *condition_written(struct loader *l, const struct node *value);
struct clause clause_of(const struct vec *conditions);

#endif
