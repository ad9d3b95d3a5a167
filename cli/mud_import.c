/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of a usage description become the rules of one device, in their order; then what RFC 8520 allows every device (local DNS and
 * NTP), then the refusal of all else. Texts of the file stand in rules only where they were checked to be names or networks, and in remarks as ASCII.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "learn.h"
#include "mud.h"

enum { BASE_MAX = 40, NAME_MAX = 63 };

struct writer {
	struct mud *m;
	const struct mud_import *how;
	FILE *out;
	char base[BASE_MAX + 1];
	unsigned count[2];
	bool said_dns, said_ntp;
};

static const char *const place_names[MUD_PLACES] = {
	[MUD_ANYWHERE] = "", [MUD_LOCAL] = "local-networks", [MUD_CONTROLLER] = "controller", [MUD_MY_CONTROLLER] = "my-controller",
	[MUD_SAME_MANUFACTURER] = "same-manufacturer", [MUD_MANUFACTURER] = "manufacturer", [MUD_MODEL] = "model"};

/* All of IPv6 but the first eighth, where the IPv6 form of IPv4 addresses is, and of that eighth the networks of NAT64. */
static const char all_v6[] = "\"2000::/3\", \"4000::/2\", \"8000::/1\", \"64:ff9b::/32\"";
static const char all_v4[] = "\"0.0.0.0/0\"";

const char *
mud_place_name(enum mud_place p)
{
	return place_names[p];
}

bool
mud_name_fits(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++)
		if (!isalnum((unsigned char)name[n]) && !strchr("._-", name[n]))
			return false;
	return n > 0 && n <= NAME_MAX;
}

/* ---- places ---- */

/* The next piece of "a,b,c" in out; NULL: none is left. */
static const char *
next_piece(const char *list, char out[NAME_MAX + 1])
{
	size_t n = strcspn(list, ",");

	if (!*list)
		return NULL;
	snprintf(out, NAME_MAX + 1, "%.*s", (int)(n > NAME_MAX ? NAME_MAX : n), list);
	return list + n + (list[n] == ',');
}

static bool
is_place(const char *where, bool *ret_zones)
{
	char piece[NAME_MAX + 1];
	struct prefix p;
	size_t n = 0, networks = 0;

	for (const char *s = where; (s = next_piece(s, piece)); n++) {
		bool network = prefix_parse(piece, &p) == 0;
		networks += network;
		if (!network && !mud_name_fits(piece))
			return false;
	}
	*ret_zones = networks == 0;
	return n > 0 && (networks == 0 || networks == n) && strlen(where) < 1024;
}

bool
mud_map_add(struct mud_import *how, char *text)
{
	char *cut = strrchr(text, '=');
	bool zones;

	if (!cut || cut == text || how->n_maps == MUD_PLACES_MAX || !is_place(cut + 1, &zones))
		return false;
	*cut = 0;
	how->maps[how->n_maps++] = (struct mud_map){text, cut + 1};
	return true;
}

static const char *
map_of(const struct mud_import *how, const struct mud_entry *e)
{
	const char *what = e->place_value ? e->place_value : mud_place_name(e->place);

	for (size_t i = 0; i < how->n_maps; i++)
		if (strcasecmp(how->maps[i].what, what) == 0)
			return how->maps[i].where;
	return NULL;
}

/* Those that every network has somewhere inside. */
static bool
is_local(const struct mud_entry *e)
{
	return e->place == MUD_LOCAL ||
	       (e->place == MUD_CONTROLLER && (strcmp(e->place_value, MUD_DNS) == 0 || strcmp(e->place_value, MUD_NTP) == 0));
}

/* ---- twins ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcasecmp(a, b) == 0);
}

static bool
are_twins(const struct mud_entry *a, const struct mud_entry *b)
{
	return a->to_device == b->to_device && a->v4 != b->v4 && a->action == b->action && a->log == b->log && a->place == b->place &&
	       a->proto == b->proto && !a->far_network && !b->far_network && !a->near_network && !b->near_network &&
	       same_text(a->place_value, b->place_value) && same_text(a->far_name, b->far_name) && a->ports.n == b->ports.n &&
	       memcmp(a->ports.list, b->ports.list, a->ports.n * sizeof *a->ports.list) == 0;
}

/* What a file says once for each IP version, a policy says once; not over the head of an entry of that version that decides otherwise. */
static void
join_twin(struct mud *m, size_t i)
{
	struct mud_entry *e = &m->entries[i];

	for (size_t k = i + 1; k < m->n_entries; k++) {
		struct mud_entry *other = &m->entries[k];
		if (other->answers || other->used || other->to_device != e->to_device || other->v4 == e->v4)
			continue;
		if (are_twins(e, other)) {
			e->v4 = e->v6 = other->used = true;
			return;
		}
		if (other->action != e->action)
			return;
	}
}

static void
join_twins(struct mud *m)
{
	for (size_t i = 0; i < m->n_entries; i++)
		if (!m->entries[i].answers && !m->entries[i].used)
			join_twin(m, i);
}

/* ---- one rule ---- */

static void
write_from(struct writer *w, const struct mud_entry *e)
{
	const char *comma = "";

	fputs("    from: {", w->out);
	if (w->how->device) {
		fputs("device: [", w->out);
		yaml_quoted(w->out, w->how->device);
		comma = "], ";
	}
	if (w->how->zone) {
		fprintf(w->out, "%szone: [", comma);
		yaml_quoted(w->out, w->how->zone);
		comma = "], ";
	}
	if (e && e->near_network) {
		fprintf(w->out, "%saddress: [", comma);
		yaml_quoted(w->out, e->near_network);
	}
	fputs("]}\n", w->out);
}

/* Addresses or zones of the owner's own, those of this entry's IP version. False: none is. */
static bool
write_mapped(FILE *out, const struct mud_entry *e, const char *where, bool zones)
{
	char piece[NAME_MAX + 1];
	struct prefix p;
	bool any = false;

	fprintf(out, zones ? "zone: [" : "address: [");
	for (const char *s = where; (s = next_piece(s, piece));) {
		if (!zones && (prefix_parse(piece, &p) != 0 || !(addr_is_v4(&p.addr) ? e->v4 : e->v6)))
			continue;
		fputs(any ? ", " : "", out);
		yaml_quoted(out, piece);
		any = true;
	}
	fputs("]", out);
	return any;
}

/* False: no place on this network fits, and no rule is needed. */
static bool
write_to(struct writer *w, const struct mud_entry *e, const char *where)
{
	const char *comma = "";
	bool zones = true, some = true;

	fputs("    to: ", w->out);
	if (where && !is_place(where, &zones))
		return false;
	if (!where && !e->far_name && !e->far_network && !is_local(e) && e->v4 && e->v6) {
		fputs("any\n", w->out);
		return true;
	}
	putc('{', w->out);
	if (where) {
		some = write_mapped(w->out, e, where, zones);
		comma = ", ";
	} else if (is_local(e)) {
		fputs("private: true", w->out);
		comma = ", ";
	}
	if (e->far_name) {
		fprintf(w->out, "%sname: [", comma);
		yaml_quoted(w->out, e->far_name);
		fputs("]", w->out);
		comma = ", ";
	}
	if (e->far_network) {
		fprintf(w->out, "%saddress: [", comma);
		yaml_quoted(w->out, e->far_network);
		fputs("]", w->out);
	} else if (!(e->v4 && e->v6) && zones) {
		fprintf(w->out, "%saddress: [%s]", comma, e->v4 ? all_v4 : all_v6);
	}
	fputs("}\n", w->out);
	return some;
}

static void
write_ports(struct writer *w, const struct mud_entry *e)
{
	const char *name = e->proto >= 0 ? proto_name((uint8_t)e->proto) : NULL;

	if (!name)
		return;
	fputs("    port: [", w->out);
	if (e->ports.n == 0)
		fprintf(w->out, "\"%s\"", name);
	for (size_t i = 0; i < e->ports.n; i++) {
		const struct mud_range *r = &e->ports.list[i];
		fprintf(w->out, "%s\"%s/%u", i ? ", " : "", name, r->from);
		if (r->to != r->from)
			fprintf(w->out, "-%u", r->to);
		fputs("\"", w->out);
	}
	fputs("]\n", w->out);
}

/* The names that connections go to, and nothing else: questions can carry data. */
static size_t
write_queries(struct writer *w)
{
	const struct mud *m = w->m;
	size_t n = 0;

	for (size_t i = 0; i < m->n_entries; i++) {
		bool again = !m->entries[i].far_name;
		for (size_t k = 0; k < i && !again; k++)
			again = same_text(m->entries[k].far_name, m->entries[i].far_name);
		if (again)
			continue;
		fputs(n++ ? ", " : "    protocol: [\"dns\"]\n    query: [", w->out);
		yaml_quoted(w->out, m->entries[i].far_name);
	}
	fputs(n ? "]\n" : "", w->out);
	return n;
}

static void
write_action(struct writer *w, const struct mud_entry *e)
{
	static const char *const words[] = {[MUD_ACCEPT] = "allow", [MUD_DROP] = "block", [MUD_REJECT] = "reject"};

	if (e->to_device)
		fputs("    direction: inbound\n", w->out);
	fprintf(w->out, "    action: %s\n", words[e->action]);
	fputs(e->log ? "    alert: low\n" : "", w->out);
}

static void
entry_path(const struct mud_entry *e, char out[MUD_PATH])
{
	snprintf(out, MUD_PATH, "/ietf-access-control-list:acls/acl/%zu/aces/ace/%zu", e->acl_at, e->ace_at);
}

/* Whether an entry can become a rule here; its place on this network. */
static bool
find_place(struct writer *w, const struct mud_entry *e, const char **ret_where)
{
	const char *where = e->place == MUD_ANYWHERE ? NULL : map_of(w->how, e), *name = mud_place_name(e->place);
	char path[MUD_PATH], leaf[80];
	bool zones = true, said = true;

	entry_path(e, path);
	snprintf(leaf, sizeof leaf, "matches/ietf-mud:mud/%s", name);
	*ret_where = where;
	w->m->left_out_now = w->m->partial && e->action == MUD_ACCEPT;
	if (e->place != MUD_ANYWHERE && !where && !is_local(e))
		said = mud_fault(w->m, path, leaf, "where is that on this network? Say --map '%.120s=ADDRESS' or ZONE",
				 e->place_value ? e->place_value : name);
	else if (where && is_place(where, &zones) && !zones && e->far_network)
		said = mud_fault(w->m, path, leaf, "beside a network this place has to be a zone");
	w->m->left_out_now = false;
	return said;
}

static void
write_entry(struct writer *w, const struct mud_entry *e)
{
	char *text = NULL;
	size_t len;
	FILE *out = w->out;
	const char *where;

	if (e->answers || e->used || !find_place(w, e, &where))
		return;
	bool dns = e->place == MUD_CONTROLLER && strcmp(e->place_value, MUD_DNS) == 0 && !e->to_device;
	w->said_dns |= dns;
	w->said_ntp |= e->place == MUD_CONTROLLER && strcmp(e->place_value, MUD_NTP) == 0 && !e->to_device;
	/* Into memory first: what has no place here becomes a remark. */
	w->out = open_memstream(&text, &len);
	if (!w->out) {
		w->out = out;
		(void)mud_fault(w->m, "/", NULL, "not enough memory");
		return;
	}
	fprintf(w->out, "  - name: \"mud-%s-%s-%u\"\n    # list ", w->base, e->to_device ? "to" : "from", w->count[e->to_device] + 1);
	yaml_remark(w->out, e->acl);
	fputs(", entry ", w->out);
	yaml_remark(w->out, e->ace);
	fputs("\n", w->out);
	write_from(w, e);
	bool some = write_to(w, e, where);
	write_ports(w, e);
	if (dns && e->action == MUD_ACCEPT)
		(void)write_queries(w);
	write_action(w, e);
	fclose(w->out);
	w->out = out;
	if (some && text) {
		fputs(text, out);
		w->count[e->to_device]++;
	} else if (text) {
		char path[MUD_PATH];
		entry_path(e, path);
		mud_remark(w->m, path, NULL, "no IPv%d address was said for this place", e->v4 ? 4 : 6);
	}
	free(text);
}

/* ---- what everybody may ---- */

static void
write_standard(struct writer *w, const char *what, const char *remark, const char *rest)
{
	struct mud_entry e = {.place = MUD_CONTROLLER, .place_value = what, .v4 = true, .v6 = true, .proto = -1};
	const char *where = map_of(w->how, &e);

	fprintf(w->out, "  - name: \"mud-%s-%s\"\n    # %s%s\n", w->base, strrchr(what, ':') + 1, remark, where ? "" : "; better one address: --map");
	write_from(w, NULL);
	(void)write_to(w, &e, where);
	fputs(rest, w->out);
	if (strcmp(what, MUD_DNS) == 0)
		(void)write_queries(w);
	fputs("    action: allow\n", w->out);
}

static void
write_defaults(struct writer *w)
{
	bool names = false;

	for (size_t i = 0; i < w->m->n_entries; i++)
		names |= w->m->entries[i].far_name != NULL;
	if (!w->said_dns && names)
		write_standard(w, MUD_DNS, "RFC 8520 allows local DNS; here for the names above only", "    port: [\"udp/53\", \"tcp/53\"]\n");
	if (!w->said_ntp)
		write_standard(w, MUD_NTP, "RFC 8520 allows local NTP", "    port: [\"udp/123\"]\n    protocol: [\"ntp\"]\n");
	fprintf(w->out, "  - name: \"mud-%s-rest\"\n    # what the file does not allow is refused, between zones too\n", w->base);
	write_from(w, NULL);
	fputs("    to: any\n    direction: any\n    action: block\n    alert: medium\n", w->out);
}

static void
write_head(struct writer *w)
{
	const struct mud *m = w->m;
	const struct {
		const char *what, *text;
	} lines[] = {{"", m->url}, {"of ", m->last_update}, {"for: ", m->systeminfo}, {"made by ", m->mfg}, {"model ", m->model}};

	fputs("# Made by `lenscap mud import` from a manufacturer's usage description (RFC 8520):\n", w->out);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		if (!*lines[i].text)
			continue;
		fprintf(w->out, "#   %s", lines[i].what);
		yaml_remark(w->out, lines[i].text);
		putc('\n', w->out);
	}
	fputs("# Nobody has checked that it comes from there: read it, then `lenscap check` and `lenscap diff` before it is put to use.\n", w->out);
}

bool
mud_write_rules(struct mud *m, const struct mud_import *how, FILE *out)
{
	struct writer w = {.m = m, .how = how, .out = out};

	snprintf(w.base, sizeof w.base, "%s", how->device ? how->device : how->zone);
	join_twins(m);
	write_head(&w);
	fputs("version: 1\nrules:\n", out);
	for (size_t i = 0; i < m->n_entries; i++)
		write_entry(&w, &m->entries[i]);
	write_defaults(&w);
	for (size_t i = 0; i < m->n_remarks && i < MUD_FAULTS_MAX; i++) {
		fprintf(out, "# %s", m->remarks[i].left_out ? "LEFT OUT " : "note: ");
		yaml_remark(out, m->remarks[i].path);
		fputs(": ", out);
		yaml_remark(out, m->remarks[i].text);
		putc('\n', out);
	}
	if (m->n_remarks > MUD_FAULTS_MAX)
		fprintf(out, "# and %zu more\n", m->n_remarks - MUD_FAULTS_MAX);
	return m->n_faults == 0;
}
