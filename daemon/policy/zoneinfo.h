/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local time of a place on earth, from the system's time zone files; no environment, no global state. */
#ifndef LENSCAP_POLICY_ZONEINFO_H
#define LENSCAP_POLICY_ZONEINFO_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "region.h"

struct zoneinfo;

/*
 * Reads one zone, "Europe/Oslo", from /usr/share/zoneinfo; "UTC" needs no file. In the region.
 * NULL when there is no such zone or its file is damaged.
 */
struct zoneinfo *zoneinfo_read(struct region *region, const char *name);
/* The same from the bytes of a file (RFC 8536). */
struct zoneinfo *zoneinfo_parse(struct region *region, const char *name, struct span file);

const char *zoneinfo_name(const struct zoneinfo *z);
/* Seconds to add to UTC to get local time. */
int32_t zoneinfo_offset(const struct zoneinfo *z, int64_t wall_s);
/* The first change of the offset after wall_s; INT64_MAX when there is none. */
int64_t zoneinfo_next(const struct zoneinfo *z, int64_t wall_s);

/* Days since 1970-01-01 of a date in the Gregorian calendar. month: 1..12. */
int64_t civil_days(int64_t year, unsigned month, unsigned day);

#endif
