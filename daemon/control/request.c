/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "request.h"

#include <json-c/json.h>
#include <string.h>

/* Requests are flat: {"id":…,"cmd":"…","args":{…}}. Deeper ones are somebody's attempt at our stack. */
enum {
	DEPTH = 8,
	KEYS = 64, /* more than any request has */
};

static void
take_id(struct json_object *root, struct request_id *ret)
{
	struct json_object *id = NULL;

	if (!json_object_object_get_ex(root, "id", &id))
		return;
	if (json_object_is_type(id, json_type_int)) {
		ret->kind = ID_NUMBER;
		ret->number = json_object_get_int64(id);
	} else if (json_object_is_type(id, json_type_string) && (size_t)json_object_get_string_len(id) < sizeof ret->text) {
		ret->kind = ID_TEXT;
		strcpy(ret->text, json_object_get_string(id));
	}
}

/* A key of which json-c had no memory for a copy: it would use what it does not have at the end of the value. */
static bool
lost_key(const struct json_tokener *t)
{
	const struct json_tokener_srec *s = &t->stack[t->depth];

	return (s->state == json_tokener_state_object_value || s->saved_state == json_tokener_state_object_value) && !s->obj_field_name;
}

/* Up to the end of each key, then what belongs to it. A colon within a string parts it as well, and does no harm. */
static struct json_object *
parse_text(struct json_tokener *t, const char *line, size_t len)
{
	struct json_object *root = NULL;
	size_t at = 0, n = 0;

	for (unsigned keys = 0; at <= len && !root; keys++, at += n) {
		n = keys < KEYS ? strcspn(line + at, ":") + 1 : len + 1 - at;
		root = json_tokener_parse_ex(t, line + at, (int)n);
		if (json_tokener_get_error(t) != json_tokener_continue || lost_key(t))
			break;
	}
	/* One value and nothing behind it. */
	if (root && at + json_tokener_get_parse_end(t) < len) {
		json_object_put(root);
		root = NULL;
	}
	return root;
}

static struct json_object *
parse(const char *line)
{
	struct json_tokener *t = json_tokener_new_ex(DEPTH);
	struct json_object *root = t ? parse_text(t, line, strlen(line)) : NULL;

	if (t)
		json_tokener_free(t);
	return root;
}

const char *
request_parse(const char *line, struct request *ret)
{
	struct json_object *cmd = NULL, *args = NULL;
	const char *error = NULL;

	memset(ret, 0, sizeof *ret);
	struct json_object *root = parse(line);
	if (!json_object_is_type(root, json_type_object)) {
		error = "a request is one JSON object on one line";
	} else {
		take_id(root, &ret->id);
		json_object_object_get_ex(root, "cmd", &cmd);
		if (!json_object_is_type(cmd, json_type_string))
			error = "cmd must be a string";
		else if (json_object_object_get_ex(root, "args", &args) && !json_object_is_type(args, json_type_object))
			error = "args must be an object";
	}
	if (error) {
		json_object_put(root);
		return error;
	}
	ret->json = root;
	ret->cmd = json_object_get_string(cmd);
	return NULL;
}

void
request_free(struct request *r)
{
	json_object_put(r->json);
	r->json = NULL;
}

static struct json_object *
member(const struct request *r, const char *name, enum json_type type)
{
	struct json_object *value = NULL;
	char part[32];

	if (!json_object_object_get_ex(r->json, "args", &value))
		return NULL;
	for (;;) {
		size_t n = strcspn(name, ".");
		if (n >= sizeof part || !json_object_is_type(value, json_type_object))
			return NULL;
		memcpy(part, name, n);
		part[n] = 0;
		if (!json_object_object_get_ex(value, part, &value))
			return NULL;
		if (!name[n])
			break;
		name += n + 1;
	}
	return json_object_is_type(value, type) ? value : NULL;
}

bool
request_has(const struct request *r, const char *name)
{
	struct json_object *args = NULL;
	return json_object_object_get_ex(r->json, "args", &args) && json_object_object_get_ex(args, name, NULL);
}

const char *
request_text(const struct request *r, const char *name)
{
	struct json_object *v = member(r, name, json_type_string);
	return v ? json_object_get_string(v) : NULL;
}

int64_t
request_number(const struct request *r, const char *name, int64_t otherwise)
{
	struct json_object *v = member(r, name, json_type_int);
	return v ? json_object_get_int64(v) : otherwise;
}

bool
request_flag(const struct request *r, const char *name)
{
	struct json_object *v = member(r, name, json_type_boolean);
	return v && json_object_get_boolean(v);
}

size_t
request_list(const struct request *r, const char *name)
{
	struct json_object *v = member(r, name, json_type_array);
	return v ? json_object_array_length(v) : 0;
}

const char *
request_listed(const struct request *r, const char *name, size_t i)
{
	struct json_object *v = member(r, name, json_type_array), *one = v ? json_object_array_get_idx(v, i) : NULL;
	return json_object_is_type(one, json_type_string) ? json_object_get_string(one) : NULL;
}
