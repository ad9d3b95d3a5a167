/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The country codes of ISO 3166-1 and the continents that databases put them on. */
#ifndef LENSCAP_POLICY_COUNTRIES_H
#define LENSCAP_POLICY_COUNTRIES_H

#include <stddef.h>

struct country {
	char code[3], continent[3];
};

/* The officially assigned codes, sorted. */
const struct country *countries(size_t *ret_n);
/* NULL when the code is not assigned. Codes are upper case. */
const struct country *country_find(const char *code);
/* What somebody who wrote this probably meant; NULL when we cannot say. */
const char *country_hint(const char *code);

enum {
	CONTINENTS = 7,
};
extern const char *const continent_codes[CONTINENTS];

#endif
