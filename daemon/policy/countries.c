/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ISO 3166-1 alpha-2 as officially assigned, with the continent that the common databases give (GeoNames'
 * seven). The list changes about once in five years; user-assigned codes such as XK are not in it, and
 * databases that use them yield a country that no list can name.
 */
#include "countries.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct country table[] = {
	{"AD", "EU"}, {"AE", "AS"}, {"AF", "AS"}, {"AG", "NA"}, {"AI", "NA"}, {"AL", "EU"}, {"AM", "AS"},
	{"AO", "AF"}, {"AQ", "AN"}, {"AR", "SA"}, {"AS", "OC"}, {"AT", "EU"}, {"AU", "OC"}, {"AW", "NA"},
	{"AX", "EU"}, {"AZ", "AS"}, {"BA", "EU"}, {"BB", "NA"}, {"BD", "AS"}, {"BE", "EU"}, {"BF", "AF"},
	{"BG", "EU"}, {"BH", "AS"}, {"BI", "AF"}, {"BJ", "AF"}, {"BL", "NA"}, {"BM", "NA"}, {"BN", "AS"},
	{"BO", "SA"}, {"BQ", "NA"}, {"BR", "SA"}, {"BS", "NA"}, {"BT", "AS"}, {"BV", "AN"}, {"BW", "AF"},
	{"BY", "EU"}, {"BZ", "NA"}, {"CA", "NA"}, {"CC", "AS"}, {"CD", "AF"}, {"CF", "AF"}, {"CG", "AF"},
	{"CH", "EU"}, {"CI", "AF"}, {"CK", "OC"}, {"CL", "SA"}, {"CM", "AF"}, {"CN", "AS"}, {"CO", "SA"},
	{"CR", "NA"}, {"CU", "NA"}, {"CV", "AF"}, {"CW", "NA"}, {"CX", "AS"}, {"CY", "AS"}, {"CZ", "EU"},
	{"DE", "EU"}, {"DJ", "AF"}, {"DK", "EU"}, {"DM", "NA"}, {"DO", "NA"}, {"DZ", "AF"}, {"EC", "SA"},
	{"EE", "EU"}, {"EG", "AF"}, {"EH", "AF"}, {"ER", "AF"}, {"ES", "EU"}, {"ET", "AF"}, {"FI", "EU"},
	{"FJ", "OC"}, {"FK", "SA"}, {"FM", "OC"}, {"FO", "EU"}, {"FR", "EU"}, {"GA", "AF"}, {"GB", "EU"},
	{"GD", "NA"}, {"GE", "AS"}, {"GF", "SA"}, {"GG", "EU"}, {"GH", "AF"}, {"GI", "EU"}, {"GL", "NA"},
	{"GM", "AF"}, {"GN", "AF"}, {"GP", "NA"}, {"GQ", "AF"}, {"GR", "EU"}, {"GS", "AN"}, {"GT", "NA"},
	{"GU", "OC"}, {"GW", "AF"}, {"GY", "SA"}, {"HK", "AS"}, {"HM", "AN"}, {"HN", "NA"}, {"HR", "EU"},
	{"HT", "NA"}, {"HU", "EU"}, {"ID", "AS"}, {"IE", "EU"}, {"IL", "AS"}, {"IM", "EU"}, {"IN", "AS"},
	{"IO", "AS"}, {"IQ", "AS"}, {"IR", "AS"}, {"IS", "EU"}, {"IT", "EU"}, {"JE", "EU"}, {"JM", "NA"},
	{"JO", "AS"}, {"JP", "AS"}, {"KE", "AF"}, {"KG", "AS"}, {"KH", "AS"}, {"KI", "OC"}, {"KM", "AF"},
	{"KN", "NA"}, {"KP", "AS"}, {"KR", "AS"}, {"KW", "AS"}, {"KY", "NA"}, {"KZ", "AS"}, {"LA", "AS"},
	{"LB", "AS"}, {"LC", "NA"}, {"LI", "EU"}, {"LK", "AS"}, {"LR", "AF"}, {"LS", "AF"}, {"LT", "EU"},
	{"LU", "EU"}, {"LV", "EU"}, {"LY", "AF"}, {"MA", "AF"}, {"MC", "EU"}, {"MD", "EU"}, {"ME", "EU"},
	{"MF", "NA"}, {"MG", "AF"}, {"MH", "OC"}, {"MK", "EU"}, {"ML", "AF"}, {"MM", "AS"}, {"MN", "AS"},
	{"MO", "AS"}, {"MP", "OC"}, {"MQ", "NA"}, {"MR", "AF"}, {"MS", "NA"}, {"MT", "EU"}, {"MU", "AF"},
	{"MV", "AS"}, {"MW", "AF"}, {"MX", "NA"}, {"MY", "AS"}, {"MZ", "AF"}, {"NA", "AF"}, {"NC", "OC"},
	{"NE", "AF"}, {"NF", "OC"}, {"NG", "AF"}, {"NI", "NA"}, {"NL", "EU"}, {"NO", "EU"}, {"NP", "AS"},
	{"NR", "OC"}, {"NU", "OC"}, {"NZ", "OC"}, {"OM", "AS"}, {"PA", "NA"}, {"PE", "SA"}, {"PF", "OC"},
	{"PG", "OC"}, {"PH", "AS"}, {"PK", "AS"}, {"PL", "EU"}, {"PM", "NA"}, {"PN", "OC"}, {"PR", "NA"},
	{"PS", "AS"}, {"PT", "EU"}, {"PW", "OC"}, {"PY", "SA"}, {"QA", "AS"}, {"RE", "AF"}, {"RO", "EU"},
	{"RS", "EU"}, {"RU", "EU"}, {"RW", "AF"}, {"SA", "AS"}, {"SB", "OC"}, {"SC", "AF"}, {"SD", "AF"},
	{"SE", "EU"}, {"SG", "AS"}, {"SH", "AF"}, {"SI", "EU"}, {"SJ", "EU"}, {"SK", "EU"}, {"SL", "AF"},
	{"SM", "EU"}, {"SN", "AF"}, {"SO", "AF"}, {"SR", "SA"}, {"SS", "AF"}, {"ST", "AF"}, {"SV", "NA"},
	{"SX", "NA"}, {"SY", "AS"}, {"SZ", "AF"}, {"TC", "NA"}, {"TD", "AF"}, {"TF", "AN"}, {"TG", "AF"},
	{"TH", "AS"}, {"TJ", "AS"}, {"TK", "OC"}, {"TL", "AS"}, {"TM", "AS"}, {"TN", "AF"}, {"TO", "OC"},
	{"TR", "AS"}, {"TT", "NA"}, {"TV", "OC"}, {"TW", "AS"}, {"TZ", "AF"}, {"UA", "EU"}, {"UG", "AF"},
	{"UM", "OC"}, {"US", "NA"}, {"UY", "SA"}, {"UZ", "AS"}, {"VA", "EU"}, {"VC", "NA"}, {"VE", "SA"},
	{"VG", "NA"}, {"VI", "NA"}, {"VN", "AS"}, {"VU", "OC"}, {"WF", "OC"}, {"WS", "OC"}, {"YE", "AS"},
	{"YT", "AF"}, {"ZA", "AF"}, {"ZM", "AF"}, {"ZW", "AF"},
};

static const struct {
	const char *code, *hint;
} hints[] = {
	{"UK", "the code for the United Kingdom is \"GB\""},
	{"EL", "the code for Greece is \"GR\""},
	{"EU", "the European Union is not a country; continent: EU means Europe"},
	{"AP", "not a country; continent: AS means Asia"},
	{"SU", "the code for Russia is \"RU\""},
	{"YU", "the code for Serbia is \"RS\""},
	{"XK", "Kosovo has no assigned code; databases disagree"},
	{"any", "leave country out to match every country"},
	{"any-country", "leave country out to match every country"},
	{"unknown", "write unknown-country: true beside it"},
};

const char *const continent_codes[CONTINENTS] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};

const struct country *
countries(size_t *ret_n)
{
	*ret_n = sizeof(table) / sizeof(table[0]);
	return table;
}

static int
by_code(const void *key, const void *row)
{
	return strcmp(key, ((const struct country *)row)->code);
}

const struct country *
country_find(const char *code)
{
	return bsearch(code, table, sizeof(table) / sizeof(table[0]), sizeof(table[0]), by_code);
}

const char *
country_hint(const char *code)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strcasecmp(code, hints[i].code) == 0)
			return hints[i].hint;
	return NULL;
}
