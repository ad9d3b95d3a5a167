/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the bytes of a usage description to entries: RFC 8520 section 3 (the container), RFC 8519 section 4 (the lists). Whoever wrote it may be hostile. */
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mud.h"

#define ACLS "ietf-access-control-list:acls"
#define MUD "ietf-mud:mud"

enum { TEXT_MAX = 1024 };

const char *
mud_bare(const char *key)
{
	static const char *const modules[] = {"ietf-mud:", "ietf-acldns:", "ietf-access-control-list:", "ietf-packet-fields:"};

	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
		if (strncmp(key, modules[i], strlen(modules[i])) == 0)
			return key + strlen(modules[i]);
	return key;
}

__attribute__((format(printf, 4, 0))) static void
note(struct mud_fault *f, const char *path, const char *leaf, const char *format, va_list args)
{
	size_t n = (size_t)snprintf(f->path, sizeof f->path, "%s%s%s", path, leaf ? "/" : "", leaf ? leaf : "");

	for (size_t i = 0; i < n && i < sizeof f->path - 1; i++)
		if (f->path[i] < 0x21 || f->path[i] > 0x7e)
			f->path[i] = '?';
	vsnprintf(f->text, sizeof f->text, format, args);
}

bool
mud_fault(struct mud *m, const char *path, const char *leaf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (m->left_out_now) {
		if (m->n_remarks < MUD_FAULTS_MAX)
			note(&m->remarks[m->n_remarks], path, leaf, format, args);
		if (m->n_remarks < MUD_FAULTS_MAX)
			m->remarks[m->n_remarks].left_out = true;
		m->n_remarks++;
	} else {
		if (m->n_faults < MUD_FAULTS_MAX)
			note(&m->faults[m->n_faults], path, leaf, format, args);
		m->n_faults++;
	}
	va_end(args);
	return false;
}

void
mud_remark(struct mud *m, const char *path, const char *leaf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (m->n_remarks < MUD_FAULTS_MAX)
		note(&m->remarks[m->n_remarks], path, leaf, format, args);
	m->n_remarks++;
	va_end(args);
}

/* ---- JSON, without trust ---- */

static struct json_object *
member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

static const char *
member_text(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key, json_type_string);
	const char *text = v && json_object_get_string_len(v) <= TEXT_MAX ? json_object_get_string(v) : "";

	return v && strlen(text) == (size_t)json_object_get_string_len(v) ? text : "";
}

static struct json_object *
member_list(struct json_object *o, const char *container, const char *list)
{
	return member(member(o, container, json_type_object), list, json_type_array);
}

/* ---- the container ---- */

static void
read_head(struct mud *m, struct json_object *mud)
{
	static const char *const known[] = {"mud-version",  "mud-url",	    "last-update", "mud-signature",	 "cache-validity",     "is-supported",
					    "systeminfo",   "mfg-name",	    "model-name",  "firmware-rev",	 "software-rev",       "documentation",
					    "extensions",   "from-device-policy", "to-device-policy"};
	struct json_object *v = member(mud, "mud-version", json_type_int);

	if (!v || json_object_get_int(v) != 1)
		(void)mud_fault(m, "/" MUD, "mud-version", "only version 1 (RFC 8520) is known");
	m->url = member_text(mud, "mud-url");
	m->last_update = member_text(mud, "last-update");
	m->systeminfo = member_text(mud, "systeminfo");
	m->mfg = member_text(mud, "mfg-name");
	m->model = member_text(mud, "model-name");
	if (strncmp(m->url, "https://", 8) != 0)
		(void)mud_fault(m, "/" MUD, "mud-url", "an https URL is required");
	if (!*m->last_update)
		(void)mud_fault(m, "/" MUD, "last-update", "a date is required");
	v = member(mud, "is-supported", json_type_boolean);
	if (!v)
		(void)mud_fault(m, "/" MUD, "is-supported", "true or false is required");
	m->supported = v && json_object_get_boolean(v);
	if (v && !m->supported)
		mud_remark(m, "/" MUD, "is-supported", "its maker does not support this device any more");
	json_object_object_foreach(mud, raw, value) {
		bool is_known = false;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			is_known |= strcmp(known[i], mud_bare(raw)) == 0;
		if (!is_known)
			mud_remark(m, "/" MUD, raw, "this is not known and was not read");
		(void)value;
	}
}

/* ---- lists ---- */

static bool
read_action(struct mud *m, struct mud_entry *e, struct json_object *ace, const char *at)
{
	static const char *const words[] = {[MUD_ACCEPT] = "accept", [MUD_DROP] = "drop", [MUD_REJECT] = "reject"};
	struct json_object *actions = member(ace, "actions", json_type_object);
	const char *word = mud_bare(member_text(actions, "forwarding")), *log = mud_bare(member_text(actions, "logging"));

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		e->action = (enum mud_action)i;
		e->log = strcmp(log, "log-syslog") == 0;
		if (*log && !e->log && strcmp(log, "log-none") != 0)
			return mud_fault(m, at, "actions/logging", "this is neither log-syslog nor log-none");
		return true;
	}
	return mud_fault(m, at, "actions/forwarding", "this is none of accept, drop and reject");
}

static void
read_ace(struct mud *m, const struct mud_entry *kind, struct json_object *ace, size_t i)
{
	struct mud_entry *e = &m->entries[m->n_entries];
	char at[MUD_PATH], matches[MUD_PATH + 16];

	*e = *kind;
	e->ace_at = i;
	e->ace = member_text(ace, "name");
	snprintf(at, sizeof at, "/" ACLS "/acl/%zu/aces/ace/%zu", e->acl_at, i);
	snprintf(matches, sizeof matches, "%s/matches", at);
	if (!json_object_is_type(ace, json_type_object)) {
		(void)mud_fault(m, at, NULL, "this has to be an object");
		return;
	}
	if (!read_action(m, e, ace, at))
		return;
	json_object_object_foreach(ace, raw, value) {
		(void)value;
		const char *key = mud_bare(raw);
		if (strcmp(key, "name") != 0 && strcmp(key, "matches") != 0 && strcmp(key, "actions") != 0 &&
		    strcmp(key, "statistics") != 0)
			mud_remark(m, at, raw, "this is not known and was not read");
	}
	struct json_object *what = NULL, *empty = json_object_new_object();
	(void)json_object_object_get_ex(ace, "matches", &what);
	/* Without an entry that allows less is allowed, so it can be left out; without one that refuses, more. */
	m->left_out_now = m->partial && e->action == MUD_ACCEPT;
	if (mud_match(m, e, what ? what : empty, matches))
		m->n_entries++;
	m->left_out_now = false;
	json_object_put(empty);
}

static void
read_acl(struct mud *m, struct json_object *acl, size_t at, bool to_device)
{
	struct mud_entry kind = {.acl_at = at, .to_device = to_device, .acl = member_text(acl, "name")};
	const char *type = mud_bare(member_text(acl, "type"));
	struct json_object *aces = member_list(acl, "aces", "ace");
	char path[MUD_PATH];

	snprintf(path, sizeof path, "/" ACLS "/acl/%zu", at);
	kind.v4 = strcmp(type, "ipv4-acl-type") == 0;
	kind.v6 = strcmp(type, "ipv6-acl-type") == 0;
	if (!kind.v4 && !kind.v6) {
		(void)mud_fault(m, path, "type", "only lists of the types ipv4-acl-type and ipv6-acl-type can become rules");
		return;
	}
	size_t n = aces ? json_object_array_length(aces) : 0;
	if (n == 0)
		mud_remark(m, path, NULL, "the list has no entries");
	for (size_t i = 0; i < n; i++) {
		if (m->n_entries == MUD_ENTRIES_MAX) {
			(void)mud_fault(m, path, "aces/ace", "more than %d entries", MUD_ENTRIES_MAX);
			return;
		}
		read_ace(m, &kind, json_object_array_get_idx(aces, i), i);
	}
}

static void
read_policy(struct mud *m, struct json_object *mud, struct json_object *acls, bool to_device)
{
	const char *key = to_device ? "to-device-policy" : "from-device-policy";
	struct json_object *names = member_list(member(mud, key, json_type_object), "access-lists", "access-list");
	size_t n = names ? json_object_array_length(names) : 0, n_acls = json_object_array_length(acls);
	char path[MUD_PATH];

	if (n > MUD_ACLS_MAX) {
		(void)mud_fault(m, "/" MUD, key, "more than %d lists", MUD_ACLS_MAX);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = member_text(json_object_array_get_idx(names, i), "name");
		size_t at = 0;
		while (at < n_acls && (!*name || strcmp(member_text(json_object_array_get_idx(acls, at), "name"), name) != 0))
			at++;
		snprintf(path, sizeof path, "/" MUD "/%s/access-lists/access-list/%zu/name", key, i);
		if (at == n_acls)
			(void)mud_fault(m, path, NULL, "there is no list of this name");
		else
			read_acl(m, json_object_array_get_idx(acls, at), at, to_device);
	}
}

/* ---- answers ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcasecmp(a, b) == 0);
}

static bool
belong_together(const struct mud_entry *answers, const struct mud_entry *opening)
{
	if (opening->answers || opening->action != MUD_ACCEPT || opening->to_device == answers->to_device || opening->v4 != answers->v4 ||
	    opening->proto != answers->proto || opening->place != answers->place || opening->ports.n != answers->ports.n)
		return false;
	for (size_t i = 0; i < opening->ports.n; i++)
		if (opening->ports.list[i].from != answers->ports.list[i].from || opening->ports.list[i].to != answers->ports.list[i].to)
			return false;
	return same_text(opening->place_value, answers->place_value) && same_text(opening->far_name, answers->far_name) &&
	       same_text(opening->far_network, answers->far_network) && same_text(opening->near_network, answers->near_network);
}

/* Answers belong to a connection that the other list allows. Where none does, they are packets that nobody asked for. */
static void
pair_answers(struct mud *m)
{
	char path[MUD_PATH];

	for (size_t i = 0; i < m->n_entries; i++) {
		struct mud_entry *e = &m->entries[i];
		for (size_t k = 0; e->answers && !e->used && k < m->n_entries; k++)
			e->used = belong_together(e, &m->entries[k]);
		if (!e->answers || e->used)
			continue;
		snprintf(path, sizeof path, "/" ACLS "/acl/%zu/aces/ace/%zu", e->acl_at, e->ace_at);
		m->left_out_now = m->partial;
		(void)mud_fault(m, path, NULL, "these are answers to a connection that no entry of %s-device-policy allows in the same words",
				e->to_device ? "from" : "to");
		m->left_out_now = false;
	}
}

bool
mud_read(struct mud *m, const char *text, size_t len, bool partial)
{
	struct json_tokener *tok = json_tokener_new_ex(MUD_DEPTH_MAX);

	*m = (struct mud){.partial = partial, .url = "", .last_update = "", .systeminfo = "", .mfg = "", .model = ""};
	m->entries = calloc(MUD_ENTRIES_MAX, sizeof *m->entries);
	if (!tok || !m->entries) {
		if (tok)
			json_tokener_free(tok);
		return mud_fault(m, "/", NULL, "not enough memory");
	}
	if (len > MUD_BYTES_MAX) {
		json_tokener_free(tok);
		return mud_fault(m, "/", NULL, "more than %d bytes", MUD_BYTES_MAX);
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	m->root = json_tokener_parse_ex(tok, text, (int)len);
	enum json_tokener_error error = json_tokener_get_error(tok);
	size_t end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	while (end < len && strchr(" \t\r\n", text[end]) && text[end])
		end++;
	if (error != json_tokener_success || end != len)
		return mud_fault(m, "/", NULL, "not JSON: %s, at byte %zu",
				 error == json_tokener_success ? "there is more behind its end" : json_tokener_error_desc(error), end);
	struct json_object *mud = member(m->root, MUD, json_type_object), *acls = member_list(m->root, ACLS, "acl");
	if (!mud)
		return mud_fault(m, "/" MUD, NULL, "missing: this is no usage description of RFC 8520");
	read_head(m, mud);
	if (!acls)
		return mud_fault(m, "/" ACLS, NULL, "missing: no access lists in the form of RFC 8519");
	read_policy(m, mud, acls, false);
	read_policy(m, mud, acls, true);
	if (m->n_faults == 0)
		pair_answers(m);
	return m->n_faults == 0;
}

void
mud_free(struct mud *m)
{
	json_object_put(m->root);
	free(m->entries);
	*m = (struct mud){.root = NULL};
}
