/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys that need or exclude each other, for the JSON Schema of the language: what the loader says in words, and no reader can be asked. */
#include <string.h>

#include "describe.h"
#include "json.h"
#include "loader.h"

static void
put_required(struct json *j, const char *key)
{
	json_array(j, "required");
	json_str(j, NULL, key);
	json_array_end(j);
}

/* {"required": [key]} as an element. */
static void
put_needs(struct json *j, const char *key)
{
	json_object(j, NULL);
	put_required(j, key);
	json_object_end(j);
}

/* {KEY: {"const": VALUE}} among properties. */
static void
put_const(struct json *j, const char *key, const char *value)
{
	json_object(j, key);
	json_str(j, "const", value);
	json_object_end(j);
}

/* One of these keys at least (anyOf), or one and not the other (oneOf). */
static void
put_one_of(struct json *j, const char *a, const char *b, const char *how)
{
	json_array(j, how);
	put_needs(j, a);
	put_needs(j, b);
	json_array_end(j);
}

/* Interfaces, or a bridge with its ports, or networks; a bridge and interfaces are two zones. */
static void
put_zone_needs(struct json *j)
{
	static const char *const pairs[][2] = {{"bridge", "ports"}, {"ports", "bridge"}};

	json_array(j, "anyOf");
	put_needs(j, "interfaces");
	put_needs(j, "networks");
	put_needs(j, "bridge");
	json_array_end(j);
	json_object(j, "dependencies");
	for (size_t i = 0; i < 2; i++) {
		json_array(j, pairs[i][0]);
		json_str(j, NULL, pairs[i][1]);
		json_array_end(j);
	}
	json_object_end(j);
	json_object(j, "not");
	json_array(j, "required");
	json_str(j, NULL, "bridge");
	json_str(j, NULL, "interfaces");
	json_array_end(j);
	json_object_end(j);
}

/* action: alert with alert: none says nothing; for: belongs to a quarantine. */
static void
put_action_needs(struct json *j)
{
	json_array(j, "allOf");
	json_object(j, NULL);
	json_object(j, "not");
	json_object(j, "properties");
	put_const(j, "action", "alert");
	put_const(j, "alert", "none");
	json_object_end(j);
	json_array(j, "required");
	json_str(j, NULL, "action");
	json_str(j, NULL, "alert");
	json_array_end(j);
	json_object_end(j);
	json_object_end(j);
	json_object(j, NULL);
	json_object(j, "if");
	put_required(j, "for");
	json_object_end(j);
	json_object(j, "then");
	json_object(j, "properties");
	put_const(j, "action", "quarantine");
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_array_end(j);
}

/* Where anything is enforced, fail: must be said. */
static void
put_policy_needs(struct json *j)
{
	json_object(j, "if");
	json_array(j, "anyOf");
	for (int i = 0; i < 2; i++) {
		json_object(j, NULL);
		json_object(j, "properties");
		if (i) {
			json_object(j, "rules");
			json_object(j, "contains");
			json_object(j, "properties");
		}
		put_const(j, "mode", "enforce");
		json_object_end(j);
		if (i) {
			put_required(j, "mode");
			json_object_end(j);
			json_object_end(j);
			json_object_end(j);
		}
		put_required(j, i ? "rules" : "mode");
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_object(j, "then");
	put_required(j, "fail");
	json_object_end(j);
}

/* Keys that need each other, by the map they stand in. */
void
describe_needs(struct json *j, const struct schema *s)
{
	const char *what = s->what;
	if (s == &schema_policy)
		put_policy_needs(j);
	else if (strcmp(what, "a device") == 0)
		put_one_of(j, "mac", "address", "anyOf");
	else if (strcmp(what, "a zone") == 0)
		put_zone_needs(j);
	else if (strcmp(what, "an override") == 0)
		put_one_of(j, "country", "asn", "anyOf");
	else if (strcmp(what, "when") == 0)
		put_one_of(j, "days", "time", "anyOf");
	else if (strcmp(what, "limit") == 0)
		put_one_of(j, "bytes", "flows", "oneOf");
	else if (strcmp(what, "a rule") == 0 || strcmp(what, "default") == 0)
		put_action_needs(j);
	else if (strcmp(what, "an output") == 0)
		json_uint(j, "maxProperties", 1);
	if (strcmp(what, "an output") == 0 || (s->n == 0 && s->conditions))
		json_uint(j, "minProperties", 1);
	if (!(s->conditions & COND_TO))
		return;
	json_object(j, "dependencies");
	json_array(j, "trust-sni");
	json_str(j, NULL, "name");
	json_array_end(j);
	json_object_end(j);
}
