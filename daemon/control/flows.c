/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flows: what the flow table holds now, then what was refused lately; walked in slices, because there may be a million. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_private.h"
#include "ring.h"

enum {
	LOOK_AT_ONCE = 1024, /* places of the table in one step */
	SEND_AT_ONCE = 32,
	ROW_BYTES = 8192,
};

struct walk {
	struct control *control;
	struct engine *engine;
	uint32_t ticket;
	bool blocked, by_mac, by_addr;
	struct mac mac;
	struct addr addr;
	char device[RING_DEVICE];
	uint64_t limit, sent;
	uint64_t id; /* only this one; 0: all */
	unsigned sent_now;
	bool refused; /* in the second table */
	uint32_t at;
};

static bool
stops(unsigned decision)
{
	return decision == DECISION_BLOCK || decision == DECISION_REJECT;
}

static void
print_far(struct json *j, const struct record *r)
{
	const struct place *p = r->place;
	bool special = p->special != SPECIAL_NONE;

	json_strn(j, "name", r->dest_name ? r->dest_name : "", r->dest_name ? strlen(r->dest_name) : 0, RECORD_NAME);
	json_str(j, "name_from", r->dest_name ? r->dest_name_from : "");
	json_str(j, "country", special ? "" : p->country[0] ? p->country : "??");
	json_uint(j, "asn", p->asn);
	json_strn(j, "as_name", r->as_name, strlen(r->as_name), 96);
	json_str(j, "special", special_name(p->special));
	json_bool(j, "anycast", p->anycast);
}

static void
print_decision(struct json *j, const struct record_decision *d)
{
	json_str(j, "decision", decision_name(d->decision));
	json_str(j, "would", decision_name(d->would));
	json_str(j, "rule", d->rule ? d->rule->name : "");
	json_str(j, "rule_file", d->rule ? d->rule->file : "");
	json_uint(j, "rule_line", d->rule ? d->rule->line : 0);
	json_str(j, "policy_id", d->policy_id);
	json_str(j, "reason", d->reason ? d->reason : "");
}

static void
print_row(struct json *j, const struct record *r, bool refused)
{
	const struct record_flow *f = r->flow;
	const struct addr *local = r->inbound ? &f->tuple.dst : &f->tuple.src;
	char text[ADDR_TEXT], mac[MAC_TEXT], number[8];
	const char *proto = proto_name(f->tuple.proto);

	snprintf(number, sizeof number, "%u", f->tuple.proto);
	json_object(j, NULL);
	json_uint(j, "flow_id", f->id);
	json_str(j, "state", refused ? "refused" : f->state);
	json_str(j, "device", r->device->name);
	json_str(j, "mac", mac_is_zero(&r->device->mac) ? "" : mac_print(&r->device->mac, mac));
	json_str(j, "zone", r->device->zone);
	json_bool(j, "inbound", r->inbound);
	json_str(j, "local", addr_print(local, text));
	json_uint(j, "local_port", r->inbound ? f->tuple.dport : f->tuple.sport);
	json_str(j, "dest_ip", addr_print(r->remote, text));
	json_uint(j, "dest_port", r->inbound ? f->tuple.sport : f->tuple.dport);
	json_str(j, "proto", proto ? proto : number);
	json_str(j, "app_proto", r->app_proto ? r->app_proto : "");
	print_far(j, r);
	print_decision(j, r->decision);
	json_uint(j, "packets", f->packets_toserver + f->packets_toclient);
	json_uint(j, "bytes_toserver", f->bytes_toserver);
	json_uint(j, "bytes_toclient", f->bytes_toclient);
	json_bool(j, "exact", f->exact);
	json_int(j, "first", f->start_us);
	json_int(j, "last", f->end_us);
	json_object_end(j);
}

static void
send_row(void *arg, const struct record *r)
{
	struct walk *w = arg;
	char buf[ROW_BYTES];
	struct json j;

	if (w->device[0] && !w->by_mac && !w->by_addr && strcmp(w->device, r->device->name) != 0)
		return;
	json_init(&j, buf, sizeof buf);
	print_row(&j, r, w->refused);
	if (j.full)
		return; /* its parts are bounded: names of 255 bytes, escaped, fit */
	control_event(w->control, w->ticket, j.buf, j.len);
	w->sent++;
	w->sent_now++;
}

static bool
device_fits(const struct walk *w, const struct flow *f)
{
	if (w->by_mac)
		return memcmp(&device_at(w->engine->devices, f->device)->mac, &w->mac, sizeof w->mac) == 0;
	if (w->by_addr)
		return addr_cmp(f->inbound ? &f->tuple.dst : &f->tuple.src, &w->addr) == 0;
	return true; /* a name is compared when it is known */
}

static bool
visit(void *arg, const struct flow *f)
{
	struct walk *w = arg;

	bool asked = !w->id || (f->id & FLOW_ID_MASK) == w->id;

	if (asked && (!w->blocked || stops(f->decision)) && device_fits(w, f))
		report_describe(w->engine, f, send_row, w);
	return w->sent_now < SEND_AT_ONCE && (!w->limit || w->sent < w->limit);
}

static void
answer(struct walk *w)
{
	char buf[256];
	struct json j;

	json_init(&j, buf, sizeof buf);
	json_object(&j, NULL);
	json_uint(&j, "shown", w->sent);
	json_uint(&j, "active", flow_count(w->engine->flows));
	json_uint(&j, "refused", flow_count(w->engine->denied));
	json_uint(&j, "capacity", flow_capacity(w->engine->flows));
	json_object_end(&j);
	buf[j.len] = 0;
	control_answer(w->control, w->ticket, true, NULL, buf);
}

static enum control_step
step(struct control *k, struct engine *e, uint32_t ticket, void *state)
{
	struct walk *w = state;
	struct flow_table *t = w->refused ? e->denied : e->flows;

	w->control = k;
	w->engine = e;
	w->ticket = ticket;
	w->sent_now = 0;
	bool more = flow_slice(t, &w->at, LOOK_AT_ONCE, visit, w);
	if (w->limit && w->sent >= w->limit) {
		more = false;
		w->refused = true;
	}
	if (more)
		return STEP_MORE;
	if (!w->refused) {
		w->refused = true;
		w->at = 0;
		return STEP_MORE;
	}
	answer(w);
	return STEP_DONE;
}

static const struct control_pump pump = {step, free};

static enum control_result
run(struct control_call *call)
{
	const char *device = request_text(call->request, "device");
	int64_t limit = request_number(call->request, "limit", 0), id = request_number(call->request, "id", 0);
	struct walk *w;

	if (device && strlen(device) >= sizeof w->device) {
		call->error = "device: the name is too long";
		return CONTROL_ERROR;
	}
	w = calloc(1, sizeof *w);
	if (!w) {
		call->error = "memory is short";
		return CONTROL_ERROR;
	}
	if (device) {
		w->by_mac = mac_parse(device, &w->mac);
		w->by_addr = !w->by_mac && addr_parse(device, &w->addr);
		strcpy(w->device, device);
	}
	w->blocked = request_flag(call->request, "blocked");
	w->limit = limit > 0 ? (uint64_t)limit : 0;
	w->id = id > 0 ? (uint64_t)id : 0;
	call->pump = &pump;
	call->state = w;
	return CONTROL_LATER;
}

const struct control_command control_flows = {"flows", false, run};
