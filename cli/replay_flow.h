/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of a replay as people and programs want them on standard output. */
#ifndef LENSCAP_REPLAY_FLOW_H
#define LENSCAP_REPLAY_FLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "replay.h"

struct record;

enum flow_format {
	FLOW_HUMAN,  /* one line a flow, in columns */
	FLOW_LABELS, /* one line a flow, separated by tabs */
	FLOW_EVE,    /* every record */
	FLOW_NONE,   /* nothing: devices are told instead */
};

struct flow_output {
	enum flow_format format;
	struct table table;
	bool failed; /* memory was short */
};

/* judged: there is a policy whose decisions are worth a column. width: of the terminal; 0: lines have no end. */
void flow_output_start(struct flow_output *o, enum flow_format format, bool judged, size_t width);
/* The engine's recorder; arg: the struct flow_output. */
void flow_output_record(void *arg, const struct record *r);
/* Writes what was kept back, and frees it. */
void flow_output_end(struct flow_output *o);

#endif
