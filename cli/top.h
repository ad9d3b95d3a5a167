/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `top` knows of two looks at the flow table; top.c shows it. */
#ifndef LENSCAP_TOP_H
#define LENSCAP_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

enum top_by { TOP_DEVICE, TOP_COUNTRY, TOP_ASN, TOP_NAME, TOP_RULE, TOP_WAYS };
extern const char *const top_by_names[TOP_WAYS];
enum { TOP_KEY = 128 };

struct top_row {
	char key[TOP_KEY];
	uint64_t flows, blocked;
	uint64_t rate; /* bytes a second since the look before */
	uint64_t bytes; /* of the flows that are open now */
};

struct top;

struct top *top_new(void);
void top_free(struct top *t);

/* A look: begin, each flow (a row of the verb `flows`), end. ms: since the look before; 0: there was none, and every rate is 0. */
void top_begin(struct top *t, uint64_t ms);
void top_flow(struct top *t, enum top_by by, struct json_object *flow);
/* The rows, busiest first; the top's own, until the next look. */
const struct top_row *top_end(struct top *t, size_t *ret_n);

#endif
