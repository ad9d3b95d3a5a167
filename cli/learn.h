/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what devices did to what they may do: rows of history become destinations of groups of like devices (learn_sort.c), and these a policy
 * (learn_write.c). What is proposed is never wider than what was seen, but for names under one registered domain.
 */
#ifndef LENSCAP_LEARN_H
#define LENSCAP_LEARN_H

#include <stdio.h>

#include "history.h"
#include "judge_row.h"
#include "pick.h"

enum {
	LEARN_ITEMS = 64,	/* of each list of a destination; more are counted only */
	LEARN_ADDRESSES = 16,	/* more unnamed addresses of one operator are no destination that could be listed */
	LEARN_PORTS = 8,	/* more ports of one local destination become a range */
};

enum learn_kind {
	LEARN_ZONE,    /* a declared zone */
	LEARN_LOCAL,   /* an address that is not on the internet */
	LEARN_NAME,    /* names under one registered domain */
	LEARN_UNNAMED, /* public addresses of one operator */
	LEARN_QUERY,   /* names that a resolver was asked for */
};

/* A few different texts, each kept once by the history. */
struct texts {
	const char *list[LEARN_ITEMS];
	size_t n, more;
};

struct numbers {
	uint32_t list[LEARN_ITEMS];
	size_t n, more;
};

struct destination {
	enum learn_kind kind;
	bool inbound, has_port, guess; /* guess: the name is only what the client said */
	bool unrecognised;		/* what was spoken is no protocol that is known */
	uint8_t ip_proto;
	uint16_t port; /* of LEARN_ZONE and LEARN_LOCAL: see ports */
	size_t group;
	const char *label;  /* zone, address, registered domain, operator or resolver */
	bool label_is_zone; /* of a resolver */
	const char *why;    /* it is not proposed; "" it is */
	struct texts names, protocols, addresses, devices, countries, operators;
	struct numbers asns, ports;
	uint64_t flows, bytes;
	int64_t first_us, last_us;
};

struct learner {
	const char *name;     /* in the proposed inventory */
	const char *mac, *addr; /* "" where it is known by the other one */
	const char *brand, *model, *maker;
	size_t group;
	bool added;    /* it is not in the inventory */
	bool stranger; /* and the policy in force refuses such */
	uint16_t inventory;
};

struct device_group {
	const char *title;
	struct texts devices; /* names */
	int64_t first_us, newest_us; /* the first row, and the first time of the newest destination */
	uint64_t flows;
};

struct lesson {
	struct history *history;
	const struct policy *policy;
	struct row_judge *judge;
	struct pick who, groups_by_key, by_key, asked; /* asked: names of questions */
	struct learner *learners;
	struct device_group *groups;
	struct destination *list;
	size_t n_learners, n_groups, n;
	int64_t since_us, until_us;
	uint64_t rows;
	bool short_of_memory;
	void *psl; /* libpsl's, NULL: names are never joined */
};

bool texts_add(struct texts *t, const char *text);
bool texts_have(const struct texts *t, const char *text);

/* Sorts every flow of the history. False: memory is short. */
bool learn_sort(struct lesson *l);
void learn_free(struct lesson *l);
/* Names as patterns: "*.example.com" where several hosts of one registered domain were seen, which no other customer's hosts share. */
void learn_patterns(const struct lesson *l, struct history *h, const struct texts *names, struct texts *ret);
/* The whole policy file. */
void learn_write(struct lesson *l, FILE *out);
/* zones, devices, geo and the rest, as they are in force. */
void learn_write_head(struct lesson *l, FILE *out);
void learn_write_tail(struct lesson *l, FILE *out);
/* As a double-quoted scalar; as a part of a comment: printable ASCII only. */
void yaml_quoted(FILE *out, const char *text);
void yaml_remark(FILE *out, const char *text);

#endif
