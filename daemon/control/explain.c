/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain: what would become of a flow, from what is known now: the device, its DNS answers, the databases, the clock. */
#include <string.h>

#include "control_private.h"
#include "explain.h"
#include "identity.h"

static void
take_args(const struct request *r, struct explain_args *ret)
{
	*ret = (struct explain_args){
		.device = request_text(r, "device"),
		.dest = request_text(r, "dest"),
		.transport = request_text(r, "proto"),
		.name = request_text(r, "name"),
		.protocol = request_text(r, "protocol"),
		.query = request_text(r, "query"),
		.port = request_number(r, "port", -1),
		.at_s = request_number(r, "at", -1),
		.from = request_number(r, "from", 0),
		.ech = request_flag(r, "ech"),
		.inbound = request_flag(r, "inbound"),
	};
}

/* Whom the inventory means by this; DEVICE_UNKNOWN: nobody, and then *ret_means says whether it could be a device at all. */
static uint16_t
declared(const struct policy *p, const char *text, struct addr *ret_local, bool *ret_means)
{
	size_t n;
	struct mac mac;
	const struct policy_device *list = policy_devices(p, &n);

	*ret_means = true;
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, text) == 0) {
			if (list[i].n_addresses)
				*ret_local = list[i].addresses[0];
			return (uint16_t)i;
		}
	if (mac_parse(text, &mac))
		return policy_device_by_mac(p, &mac);
	*ret_means = addr_parse(text, ret_local);
	return *ret_means ? policy_device_by_addr(p, ret_local) : DEVICE_UNKNOWN;
}

/* Where a device is that nobody has seen: where its address is, else in the first zone that is watched. */
static uint8_t
zone_of_unseen(const struct policy *p, const struct addr *local)
{
	static const struct addr none;
	size_t n;
	const struct policy_zone *zones = policy_zones(p, &n);
	uint8_t zone = addr_cmp(local, &none) != 0 ? policy_zone_by_addr(p, local) : ZONE_NONE;

	for (size_t i = 0; zone == ZONE_NONE && i < n; i++)
		if (zones[i].n_interfaces)
			zone = (uint8_t)i;
	return zone;
}

/* The destination, and its addresses where it is a name. NULL, or what is wrong. */
static const char *
take_dest(struct engine *e, struct explain_case *c, const char *dest, uint32_t device)
{
	if (addr_parse(dest, &c->facts.remote))
		return NULL;
	if (!explain_name(dest, c->dest_name))
		return "the destination is neither an address nor a host name";
	c->n_addresses = device == DEVICE_ANONYMOUS
				 ? 0
				 : names_addresses(e->names, device, c->dest_name, &e->now, c->addresses, EXPLAIN_ADDRESSES);
	if (!c->n_addresses)
		return "no DNS answer has told this device an address of that name; name an address";
	c->facts.remote = c->addresses[0];
	return NULL;
}

/* The facts that a flow of this device would have at its first packet, by the very function that gives them to flows. */
static void
first_packet(struct engine *e, struct explain_case *c, uint32_t device, uint16_t inventory)
{
	struct flow f = {.device = device, .zone = c->facts.zone, .inbound = c->facts.inbound};
	const struct facts *q = &c->facts;

	f.remote_zone = policy_far_zone_by_addr(e->is.policy, &q->remote);
	f.tuple = (struct tuple){.src = q->inbound ? q->remote : q->local,
				 .dst = q->inbound ? q->local : q->remote,
				 .dport = q->port,
				 .proto = q->proto};
	geo_lookup(e->is.geo, &q->remote, &f.place);
	flow_facts(e, &f, &c->facts);
	if (device == DEVICE_ANONYMOUS)
		c->facts.device = inventory;
}

static const char *
take_case(struct engine *e, struct explain_case *c, const struct explain_args *a, char name[ADDR_TEXT])
{
	struct device *d = device_find(e->devices, e->is.policy, a->device);
	uint32_t number = d ? device_index(e->devices, d) : DEVICE_ANONYMOUS;
	uint16_t inventory = DEVICE_UNKNOWN;
	bool means = true;

	c->seen = d != NULL;
	c->jailed = quarantine_holds(e, a->device);
	if (d) {
		c->facts.local = d->addr;
		c->facts.zone = d->zone;
		c->score = identity_score(d->who);
		c->device = device_name(d, e->is.policy, name);
	} else {
		inventory = declared(e->is.policy, a->device, &c->facts.local, &means);
		c->facts.zone = zone_of_unseen(e->is.policy, &c->facts.local);
		c->device = a->device;
	}
	if (!means)
		return "no such device: neither declared nor seen";
	const char *error = explain_take_port(c, a);
	if (!error)
		error = take_dest(e, c, a->dest, number);
	if (error)
		return error;
	first_packet(e, c, number, inventory);
	return explain_take_words(c, a);
}

static enum control_result
run(struct control_call *call)
{
	struct engine *e = call->engine;
	struct explain_case c = {.policy = e->is.policy, .geo = e->is.geo};
	struct explain_args a;
	char name[ADDR_TEXT];

	take_args(call->request, &a);
	if (!a.device || !a.dest)
		call->error = "explain needs a device and a dest";
	else if (a.from < 0 || a.from > UINT16_MAX)
		call->error = "from is the place of a rule";
	else
		call->error = take_case(e, &c, &a, name);
	if (call->error)
		return CONTROL_ERROR;
	json_object(call->reply, "data");
	explain_write(call->reply, &c, (size_t)a.from);
	json_object_end(call->reply);
	return CONTROL_OK;
}

const struct control_command control_explain = {"explain", false, run};
