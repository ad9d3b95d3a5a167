/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one device did, as the usage description (RFC 8520) that its maker might have written: two lists for each IP version, every connection in
 * the list of its opener and its answers in the other one. Only what `learn` would propose; what it would not is told, and not in the file.
 */
#include <json-c/json.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "learn.h"
#include "mud.h"

enum { CACHE_HOURS = 48, INFO_MAX = 60, MODEL_MAX = 64, HINTS = 64 };

struct describing {
	struct lesson *lesson;
	struct json_object *lists[2][2]; /* [to the device][IPv6] */
	FILE *told;
	char origin[200];		  /* of the URL */
	const char *hinted[HINTS];
	size_t n_hinted;
	unsigned n;
};

static struct json_object *
text(const char *s)
{
	return json_object_new_string(s);
}

static void
put(struct json_object *o, const char *key, struct json_object *v)
{
	json_object_object_add(o, key, v);
}

/* Printable ASCII, cut: what a device says of itself may be anything. */
static void
put_clean(struct json_object *o, const char *key, const char *value, size_t max)
{
	char clean[128];
	size_t n = strnlen(value, max < sizeof clean ? max : sizeof clean - 1);

	for (size_t i = 0; i < n; i++)
		clean[i] = (char)(value[i] >= 0x20 && value[i] < 0x7f ? value[i] : '?');
	clean[n] = 0;
	if (n)
		put(o, key, text(clean));
}

/* ---- one entry ---- */

/* The far side of an entry: one of these. */
struct far {
	const char *name, *address, *controller;
	bool v4, v6;
};

static struct json_object *
ports_json(uint32_t low, uint32_t high)
{
	struct json_object *o = json_object_new_object();

	if (low == high) {
		put(o, "operator", text("eq"));
		put(o, "port", json_object_new_int((int)low));
	} else {
		put(o, "lower-port", json_object_new_int((int)low));
		put(o, "upper-port", json_object_new_int((int)high));
	}
	return o;
}

static struct json_object *
ip_json(const struct destination *d, const struct far *f, bool v6, bool to_device)
{
	struct json_object *ip = json_object_new_object();
	char network[PREFIX_TEXT];

	put(ip, "protocol", json_object_new_int(d->ip_proto));
	if (f->name)
		put(ip, to_device ? "ietf-acldns:src-dnsname" : "ietf-acldns:dst-dnsname", text(f->name));
	if (f->address) {
		snprintf(network, sizeof network, "%s/%d", f->address, v6 ? 128 : 32);
		put(ip, v6 ? to_device ? "source-ipv6-network" : "destination-ipv6-network"
			   : to_device ? "source-ipv4-network" : "destination-ipv4-network", text(network));
	}
	return ip;
}

/* Protocols on top of a port, and which resolver was asked, are nothing that such a file tells apart. */
static bool
was_said(struct json_object *list, struct json_object *matches)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (json_object_equal(json_object_object_get(json_object_array_get_idx(list, i), "matches"), matches))
			return true;
	return false;
}

static void
add_entry(struct describing *x, const struct destination *d, const struct far *f, bool v6, bool to_device, uint32_t low, uint32_t high)
{
	struct json_object *ace = json_object_new_object(), *matches = json_object_new_object(), *actions = json_object_new_object();
	bool answers = to_device != d->inbound;
	char name[32];

	put(ace, "name", NULL); /* the first to be read */
	put(matches, v6 ? "ipv6" : "ipv4", ip_json(d, f, v6, to_device));
	if (d->has_port) {
		struct json_object *l4 = json_object_new_object();
		if (d->ip_proto == IPPROTO_TCP)
			put(l4, "ietf-mud:direction-initiated", text(d->inbound ? "to-device" : "from-device"));
		put(l4, answers ? "source-port" : "destination-port", ports_json(low, high));
		put(matches, d->ip_proto == IPPROTO_TCP ? "tcp" : "udp", l4);
	}
	if (f->controller) {
		struct json_object *mud = json_object_new_object();
		put(mud, "controller", text(f->controller));
		put(matches, "ietf-mud:mud", mud);
	}
	if (was_said(x->lists[to_device][v6], matches)) {
		json_object_put(ace);
		json_object_put(matches);
		json_object_put(actions);
		return;
	}
	put(actions, "forwarding", text("accept"));
	snprintf(name, sizeof name, "%s-%u", to_device ? "to" : "from", x->n);
	put(ace, "name", text(name));
	put(ace, "matches", matches);
	put(ace, "actions", actions);
	json_object_array_add(x->lists[to_device][v6], ace);
}

/* Both ways: the connection, and its answers. Protocols without ports have no words for "answers", so there is only the way of the opener. */
static void
add_connection(struct describing *x, const struct destination *d, const struct far *f, uint32_t low, uint32_t high)
{
	x->n++;
	for (int v6 = 0; v6 < 2; v6++) {
		if (!(v6 ? f->v6 : f->v4))
			continue;
		add_entry(x, d, f, v6, d->inbound, low, high);
		if (d->has_port)
			add_entry(x, d, f, v6, !d->inbound, low, high);
	}
}

static void
add_ports(struct describing *x, const struct destination *d, const struct far *f)
{
	uint32_t low = UINT16_MAX, high = 0;

	for (size_t i = 0; i < d->ports.n; i++) {
		low = d->ports.list[i] < low ? d->ports.list[i] : low;
		high = d->ports.list[i] > high ? d->ports.list[i] : high;
	}
	if (!d->has_port || d->ports.n > LEARN_PORTS) {
		add_connection(x, d, f, low, high);
		return;
	}
	for (size_t i = 0; i < d->ports.n; i++)
		add_connection(x, d, f, d->ports.list[i], d->ports.list[i]);
}

/* ---- destinations ---- */

static void
leave_out(struct describing *x, const struct destination *d, const char *why)
{
	fputs("lenscap: not in the file: ", x->told);
	yaml_remark(x->told, d->names.n ? d->names.list[0] : d->addresses.n ? d->addresses.list[0] : d->label);
	if (d->names.n + d->addresses.n > 1)
		fprintf(x->told, " and %zu more", d->names.n + d->names.more + d->addresses.n + d->addresses.more - 1);
	fprintf(x->told, " %s/%u: ", proto_name(d->ip_proto) ? proto_name(d->ip_proto) : "?", d->port);
	yaml_remark(x->told, why);
	fputc('\n', x->told);
}

static void
add_addresses(struct describing *x, const struct destination *d)
{
	for (size_t i = 0; i < d->addresses.n; i++) {
		struct addr a;
		struct far f = {.address = d->addresses.list[i]};
		if (!addr_parse(f.address, &a))
			continue;
		f.v4 = addr_is_v4(&a);
		f.v6 = !f.v4;
		add_ports(x, d, &f);
	}
}

/* What the file does not know: where a class of hosts is on this network. Once for each. */
static void
hint(struct describing *x, const char *what, const char *where)
{
	for (size_t i = 0; i < x->n_hinted; i++)
		if (x->hinted[i] == where)
			return;
	if (x->n_hinted == HINTS)
		return;
	x->hinted[x->n_hinted++] = where;
	fprintf(x->told, "lenscap: to import the file on this network: --map '%s=%s'\n", what, where);
}

/* A zone is a class of the owner's own; whoever imports the file says again which zone it is. */
static void
add_zone(struct describing *x, const struct destination *d)
{
	char controller[300];
	struct far f = {.controller = controller, .v4 = true, .v6 = true};

	snprintf(controller, sizeof controller, "%s/class/%.63s", x->origin, d->label);
	add_ports(x, d, &f);
	hint(x, controller, d->label);
}

/* What learn proposes only with a remark or an operator beside it cannot be said in this form. */
static const char *
cannot(const struct destination *d)
{
	bool addresses = d->kind == LEARN_UNNAMED || d->kind == LEARN_LOCAL || d->guess;

	if (*d->why)
		return d->why;
	if (d->ip_proto != IPPROTO_TCP && d->ip_proto != IPPROTO_UDP && d->has_port)
		return "RFC 8519 has no words for the ports of this transport";
	if (d->names.more)
		return "too many names to list";
	if (addresses && d->addresses.n + d->addresses.more > LEARN_ADDRESSES)
		return "too many addresses without a proved name";
	return "";
}

static void
add_destination(struct describing *x, const struct destination *d)
{
	struct far f = {.v4 = true, .v6 = true};
	const char *why = cannot(d);

	if (*why) {
		leave_out(x, d, why);
		return;
	}
	if (d->kind == LEARN_QUERY) {
		f.controller = MUD_DNS;
		add_ports(x, d, &f);
		if (!d->label_is_zone)
			hint(x, MUD_DNS, d->label);
	} else if (d->kind == LEARN_ZONE) {
		add_zone(x, d);
	} else if (d->kind == LEARN_NAME && !d->guess) {
		for (size_t i = 0; i < d->names.n; i++) {
			f.name = d->names.list[i];
			add_ports(x, d, &f);
		}
	} else {
		if (d->guess)
			leave_out(x, d, "no DNS answer proves the name, so its addresses are there instead");
		add_addresses(x, d);
	}
}

/* ---- the file ---- */

static struct json_object *
describe_head(struct lesson *l, const char *url, const char *last_update)
{
	struct json_object *mud = json_object_new_object();
	const struct learner *w = &l->learners[0];
	const struct history_device *d = NULL;
	char info[128];

	for (size_t i = 0; i < l->history->n_flows && !d; i++)
		d = history_device_of(l->history, &l->history->flows[i]);
	put(mud, "mud-version", json_object_new_int(1));
	put(mud, "mud-url", text(url));
	put(mud, "last-update", text(last_update));
	put(mud, "cache-validity", json_object_new_int(CACHE_HOURS));
	put(mud, "is-supported", json_object_new_boolean(true));
	snprintf(info, sizeof info, "%.40s, as seen by Lenscap", w->name);
	put_clean(mud, "systeminfo", info, INFO_MAX);
	put_clean(mud, "mfg-name", *w->maker ? w->maker : w->brand, INFO_MAX);
	put_clean(mud, "model-name", w->model, MODEL_MAX);
	put_clean(mud, "firmware-rev", d ? d->firmware : "", MODEL_MAX);
	return mud;
}

static void
put_lists(struct describing *x, struct json_object *mud, struct json_object *acls)
{
	static const char *const names[2][2] = {{"from-ipv4", "from-ipv6"}, {"to-ipv4", "to-ipv6"}};
	struct json_object *all = json_object_new_array();

	for (int to = 0; to < 2; to++) {
		struct json_object *used = json_object_new_array(), *lists = json_object_new_object(), *policy = json_object_new_object();
		for (int v6 = 0; v6 < 2; v6++) {
			struct json_object *acl = json_object_new_object(), *aces = json_object_new_object(), *name = json_object_new_object();
			if (json_object_array_length(x->lists[to][v6]) == 0) {
				json_object_put(x->lists[to][v6]);
				json_object_put(acl);
				json_object_put(aces);
				json_object_put(name);
				continue;
			}
			put(acl, "name", text(names[to][v6]));
			put(acl, "type", text(v6 ? "ipv6-acl-type" : "ipv4-acl-type"));
			put(aces, "ace", x->lists[to][v6]);
			put(acl, "aces", aces);
			json_object_array_add(all, acl);
			put(name, "name", text(names[to][v6]));
			json_object_array_add(used, name);
		}
		put(lists, "access-list", used);
		put(policy, "access-lists", lists);
		put(mud, to ? "to-device-policy" : "from-device-policy", policy);
	}
	put(acls, "acl", all);
}

struct json_object *
mud_describe(struct lesson *l, const char *url, const char *last_update, FILE *told)
{
	struct describing x = {.lesson = l, .told = told};
	struct json_object *root = json_object_new_object(), *acls = json_object_new_object();
	struct json_object *mud = describe_head(l, url, last_update);

	snprintf(x.origin, sizeof x.origin, "%.*s", (int)(8 + strcspn(url + 8, "/")), url);
	for (int to = 0; to < 2; to++)
		for (int v6 = 0; v6 < 2; v6++)
			x.lists[to][v6] = json_object_new_array();
	for (size_t i = 0; i < l->n; i++)
		add_destination(&x, &l->list[i]);
	put_lists(&x, mud, acls);
	put(root, "ietf-mud:mud", mud);
	put(root, "ietf-access-control-list:acls", acls);
	return root;
}
