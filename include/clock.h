/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time is an argument. Only the main loops read a clock; scenarios and replay take it from their input. */
#ifndef LENSCAP_CLOCK_H
#define LENSCAP_CLOCK_H

#include <stdint.h>

struct now {
	uint64_t mono_ns; /* never goes back: expiry, limits, ages */
	int64_t wall_us;  /* microseconds since 1970 UTC: what records and schedules say; may jump */
};

void clock_read(struct now *ret_now);

#endif
