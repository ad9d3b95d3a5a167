/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An append writer for one JSON line in a buffer of fixed size: no allocation, one pass, commas placed by itself. When the
 * buffer is full the sticky `full` is set and nothing more is written; the caller drops or shortens the record.
 * Hostile text is escaped: control bytes, quotes, and every byte that is not part of valid UTF-8 (as \u00XX).
 *
 * json-c has types called json_object and json_bool: one file includes one of the two headers.
 */
#ifndef LENSCAP_JSON_H
#define LENSCAP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buf;
	size_t cap, len;
	bool comma, full;
};

void json_init(struct json *j, char *buf, size_t cap);
/* Keys are our own literals: never data. key NULL inside arrays. */
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_str(struct json *j, const char *key, const char *text);
/* At most max bytes of the text are written (names are 255); a character of several bytes is never cut in two. */
void json_strn(struct json *j, const char *key, const char *text, size_t len, size_t max);
void json_int(struct json *j, const char *key, int64_t v);
void json_uint(struct json *j, const char *key, uint64_t v);
/* A number with exactly three decimals, so that its type never looks like an integer: 1500 is 1.500. */
void json_milli(struct json *j, const char *key, int64_t thousandths);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
/* EVE time: "2026-11-23T05:40:00.123456+0000". */
void json_time(struct json *j, const char *key, int64_t wall_us);
/* Ends the line with '\n' and a NUL; false when the buffer was too small. */
bool json_line(struct json *j);

#endif
