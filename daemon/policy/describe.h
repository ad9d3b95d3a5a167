/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the JSON Schema of the language: the patterns of texts, and what the loader is asked with. */
#ifndef LENSCAP_POLICY_DESCRIBE_H
#define LENSCAP_POLICY_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define V4    "(" OCTET "\\.){3}" OCTET
#define H16   "[0-9A-Fa-f]{1,4}"
#define LS32  "(" H16 ":" H16 "|" V4 ")"
/* RFC 3986, 3.2.2 */
#define V6                                                                                                   \
	"((" H16 ":){6}" LS32 "|::(" H16 ":){5}" LS32 "|(" H16 ")?::(" H16 ":){4}" LS32 "|((" H16 ":){0,1}" H16 ")?::(" H16 ":){3}" LS32 \
	"|((" H16 ":){0,2}" H16 ")?::(" H16 ":){2}" LS32 "|((" H16 ":){0,3}" H16 ")?::" H16 ":" LS32 "|((" H16 ":){0,4}" H16 ")?::" LS32 \
	"|((" H16 ":){0,5}" H16 ")?::" H16 "|((" H16 ":){0,6}" H16 ")?::)"
#define LABEL "[A-Za-z0-9_-]{1,63}"
#define NAME  "(?=.{1,253}$)" LABEL "(\\." LABEL ")*"
#define DAY   "(mon|tue|wed|thu|fri|sat|sun)"
#define HOUR  "([01][0-9]|2[0-3]):[0-5][0-9]"
#define DATE                                                                                                 \
	"(19[7-9][0-9]|[2-9][0-9]{3})-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"

struct json;
struct policy;
struct schema;

/* A regular expression for the decimal numbers from min to max, without leading zeros and anchors, in parentheses. False: it does not fit. */
bool describe_range(uint64_t min, uint64_t max, char *out, size_t cap);
/* A policy to ask with: whatever load functions look at is there, and empty. NULL when memory is short. */
struct policy *describe_blank(void);

/* Adds what a map of this schema needs, beside its required keys. */
void describe_needs(struct json *j, const struct schema *s);

#endif
