/* SPDX-License-Identifier: GPL-2.0-or-later */
/* when: days and hours in a time zone. */
#ifndef LENSCAP_POLICY_SCHEDULE_H
#define LENSCAP_POLICY_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "zoneinfo.h"

struct loader;
struct node;

/*
 * One window that opens on each of some weekdays, in local time. A window that ends at or before its start
 * ends on the next day. An hour that the clocks skip is not there, an hour that they repeat counts twice.
 */
struct schedule {
	const struct zoneinfo *zone;
	uint32_t days;	/* bit 0 Monday … bit 6 Sunday: the day on which the window opens */
	int32_t from_s; /* seconds after local midnight, 0..86400 */
	int32_t to_s;
};

/* A time zone by its name, each file read once; UTC where value is NULL. NULL: it was told. */
const struct zoneinfo *schedule_zone(struct loader *l, const struct node *value);
/* {days: mon-fri, time: "02:00-04:00", zone: Europe/Oslo}: pushes one schedule for each window. */
void parse_when(struct loader *l, const struct node *value, struct vec *items);
bool schedule_holds(const struct schedule *s, int64_t wall_s);
/* The first second after wall_s at which schedule_holds() changes; 0 when it never does. */
int64_t schedule_edge(const struct schedule *s, int64_t wall_s);

#endif
