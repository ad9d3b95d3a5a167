/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items of the conditions about what a flow speaks; rows are in condition.c. */
#ifndef LENSCAP_POLICY_SPOKEN_H
#define LENSCAP_POLICY_SPOKEN_H

#include "condition.h"

/* "cam.example.com", or "*.example.com": everything under example.com, at any depth, and not that name itself. */
struct name_pattern {
	char text[256]; /* lower case, without the star and its dot; zero behind its end */
	bool under;
	bool any; /* "*" */
};

struct protocol_item {
	char name[32];
};

void parse_protocol(struct loader *l, const struct node *value, struct vec *items);
void parse_pattern(struct loader *l, const struct node *value, struct vec *items);
/* NULL when it is a name, without a star; else what is wrong with it. */
const char *name_wrong(const char *s);
int order_pattern(const void *a, const void *b);
int order_protocol(const void *a, const void *b);
bool match_protocol(const struct condition *c, const struct facts *f);
bool match_name(const struct condition *c, const struct facts *f);
/* No name of this address can ever be proved to be one of these. */
bool never_name(const struct condition *c, const struct facts *f);
bool match_query(const struct condition *c, const struct facts *f);
bool match_ech(const struct condition *c, const struct facts *f);

/* A protocol's name as probes give it, "unknown" included; static. NULL: there is none. */
const char *protocol_find(const char *name);
/* The transport that it is spoken over, where that is one alone; else 0. */
uint8_t protocol_transport(const char *name);

#endif
