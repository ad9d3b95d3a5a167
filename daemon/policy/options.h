/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of options:, for the loader and for listings. */
#ifndef LENSCAP_POLICY_OPTIONS_H
#define LENSCAP_POLICY_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum option_unit { OPTION_COUNT, OPTION_SECONDS, OPTION_MILLISECONDS, OPTION_BYTES };

struct option_row {
	const char *key;
	enum option_unit unit;
	size_t offset;		     /* in struct policy_options */
	uint32_t min, max, standard; /* in the unit of the field */
	const char *help;
};

const struct option_row *option_rows(size_t *ret_n);

#endif
