/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An append writer for Prometheus' text format (version 0.0.4) in a buffer of fixed size: no allocation, one pass. When the buffer is full
 * the sticky `full` is set and nothing more is written.
 *
 * Names and help are our own literals; values of labels may be anybody's: they are escaped, and what is not UTF-8 becomes '?'.
 */
#ifndef LENSCAP_EXPOSITION_H
#define LENSCAP_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXPOSITION_LABEL = 255, /* bytes of a label's value; of longer ones the end is kept, where paths differ */
};

enum exposition_type { EXPOSITION_GAUGE, EXPOSITION_COUNTER, EXPOSITION_HISTOGRAM };

struct exposition {
	char *buf;
	size_t cap, len;
	bool full;
	const char *name;    /* of the family in hand */
	bool headed, labels; /* its two first lines are out; the sample in hand has a label */
	const char *help;
	enum exposition_type type;
};

void exposition_init(struct exposition *x, char *buf, size_t cap);
/* A family begins. Its HELP and TYPE are written with its first sample: one without samples leaves no trace. */
void exposition_family(struct exposition *x, const char *name, enum exposition_type type, const char *help);

/* A sample: begin, any labels, one value. suffix: "" or, of a histogram, "_bucket", "_sum", "_count". */
void exposition_begin(struct exposition *x, const char *suffix);
void exposition_label(struct exposition *x, const char *key, const char *value);
void exposition_uint(struct exposition *x, uint64_t value);
/* So many thousandths, millionths …: value divided by 10 to the power of `decimals` (at most 9), exactly. */
void exposition_decimal(struct exposition *x, int64_t value, unsigned decimals);

#endif
