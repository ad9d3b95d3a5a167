/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report says, and how: one row of forms[] a format. */
#ifndef LENSCAP_CLI_REPORT_H
#define LENSCAP_CLI_REPORT_H

#include <stdio.h>

#include "history.h"
#include "pick.h"

enum { REPORT_GAPS = 200 };

/* Where a device went, by operator, country and what became of it. */
struct report_place {
	size_t device;
	const char *country, *operator, *special;
	uint32_t asn;
	uint64_t flows, refused, bytes_out, bytes_in, refused_bytes, would_refuse;
	int64_t first_us, last_us;
	const char *example; /* a name, or an address */
	size_t n_examples;
	const char *examples[4];
};

struct report_device {
	const struct history_device *device; /* NULL: only its connections are known */
	const char *name, *mac, *addr;
	const char *maker_name; /* as the catalogue has it; "" not decided */
	const char *label;	/* the brand that the policy declares, else the one that it announces; "" none */
	uint64_t flows, refused, bytes, refused_bytes, would_refuse, unlooked; /* unlooked: of unknown protocol */
	size_t n_places;
};

/* A time in which nothing is known to have been recorded. until_us is the start after it. */
struct report_gap {
	int64_t from_us, until_us;
	const char *why;
};

struct report {
	struct history *history;
	const char *policy_id, *mode, *version;
	struct report_device *devices;
	struct report_place *places;
	struct report_gap gaps[REPORT_GAPS];
	size_t n_devices, n_places, n_gaps;
	struct pick who, where;
	int64_t since_us, until_us;
	size_t covered, unmasked, covered_elsewhere, undecided; /* covered_elsewhere: of covered makers under another label */
	uint64_t questions;
	bool complete, short_of_memory;
};

/* False: memory is short. */
bool report_fill(struct report *r);
void report_free(struct report *r);

void report_text(const struct report *r, FILE *out);
void report_csv(const struct report *r, FILE *out);
void report_json(const struct report *r, FILE *out);
void report_html(const struct report *r, FILE *out);

#endif
