/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One record as a line for people. */
#ifndef LENSCAP_TAIL_LINE_H
#define LENSCAP_TAIL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_object;

struct tail_style {
	bool colour;
	size_t width; /* columns; 0: no limit */
};

/* record: an EVE object. Text that the network chose is made harmless for a terminal. */
void tail_print(const struct tail_style *style, struct json_object *record, FILE *out);

#endif
