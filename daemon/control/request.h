/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request line, read with json-c, which only this file's module knows: our writer's names and json-c's would meet otherwise. */
#ifndef LENSCAP_REQUEST_H
#define LENSCAP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_ID = 64 };

/* The client's own mark, given back with the answer. */
struct request_id {
	enum { ID_NONE, ID_NUMBER, ID_TEXT } kind;
	int64_t number;
	char text[REQUEST_ID];
};

struct request {
	void *json; /* json-c's tree */
	struct request_id id;
	const char *cmd;
};

/* NULL: *ret is good and must be freed. Else what is wrong with the line; ret->id is what could be read of it, nothing to free. */
const char *request_parse(const char *line, struct request *ret);
void request_free(struct request *r);

/* There is such a member of args, of whatever type. */
bool request_has(const struct request *r, const char *name);
/* A member of args, "after.seq" one within another; NULL and `otherwise` when it is absent or of another type. */
const char *request_text(const struct request *r, const char *name);
int64_t request_number(const struct request *r, const char *name, int64_t otherwise);
bool request_flag(const struct request *r, const char *name);
/* How many entries a list has, 0 when it is none; and one of them, NULL when it is no text. */
size_t request_list(const struct request *r, const char *name);
const char *request_listed(const struct request *r, const char *name, size_t i);

#endif
