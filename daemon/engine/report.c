/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened becomes records for the sinks. A refusal or an alert that repeats is rolled up by device, rule and far side;
 * what a roll-up keeps may point into the policy in force, because a reload closes every window before it swaps. A flow of an
 * older policy may be told of after that, so a window holds its rulebook.
 */
#include <stdio.h>
#include <string.h>

#include "chronicle.h"
#include "engine.h"
#include "identity.h"
#include "ring.h"

/* Everything a record points to, in one place on the stack. */
struct parts {
	struct record r;
	struct record_flow flow;
	struct record_device device;
	struct record_decision decision;
	struct place place;
	struct addr remote;
	char device_name[ADDR_TEXT], as_name[RECORD_NAME + 1], reason[384];
};

enum rolled_kind { ROLLED_ALERT, ROLLED_FLOW, ROLLED_DROP };

/* What a window keeps of its first event. */
struct rolled {
	enum rolled_kind kind;
	struct flow flow;     /* of its references the rulebook's is counted */
	struct device device;
	enum signature sid;   /* 0: the rule's own */
	enum drop_reason drop;
	size_t packet_len;
	const struct dns_message *dns; /* the first event's question; gone when the window closes */
	union {
		struct known known; /* with its name: the flow may be over when the window closes */
		char room[sizeof(struct known) + KNOWN_TEXT];
	} spoken;
};

const size_t report_copy_max = sizeof(struct rolled);

static unsigned
type_bit(uint32_t type)
{
	return (unsigned)__builtin_ctz(type);
}

/* For who reads over the control socket. */
static void
keep(struct engine *e, const struct record *r, const char *line, size_t len)
{
	struct ring_info info = {.type = r->type, .wall_us = r->wall_us};

	if (r->decision) {
		info.decision = (uint8_t)r->decision->decision;
		info.would = (uint8_t)r->decision->would;
	}
	if (r->place && r->place->special == SPECIAL_NONE)
		memcpy(info.country, r->place->country[0] ? r->place->country : "??", sizeof info.country);
	if (r->device) {
		info.mac = r->device->mac;
		strncpy(info.device, r->device->name, sizeof info.device - 1); /* the last byte is 0 */
	}
	if (r->flow)
		info.local = r->inbound ? r->flow->tuple.dst : r->flow->tuple.src;
	ring_put(e->ring, &info, line, len);
}

static void
emit(struct engine *e, struct record *r)
{
	char line[RECORD_BYTES];

	r->wall_us = e->now.wall_us;
	r->host = e->host;
	size_t len = e->recorder ? 1 : record_print(r, line, sizeof line);
	if (!len) {
		e->unprinted[type_bit(r->type)]++;
		return;
	}
	e->stats.records[type_bit(r->type)]++;
	if (r->type == RECORD_ALERT) {
		e->stats.alerts[r->level]++;
		e->last_alert_us = e->now.wall_us;
	}
	if (e->recorder)
		e->recorder(e->recorder_arg, r);
	else
		sinks_write(e->is.sinks, r->type, r->level, &e->now, line, len);
	if (e->ring)
		keep(e, r, line, len);
}

static const char *
maker_id(const struct engine *e, uint16_t maker)
{
	const struct maker *makers;

	return maker < catalogue_makers(policy_catalogue(e->is.policy), &makers) ? makers[maker].id : "";
}

static void
fill_identity(const struct engine *e, const struct identity *w, struct record_device *d)
{
	if (!w)
		return;
	d->identified = true;
	d->maker = maker_id(e, identity_maker(w));
	d->platform = maker_id(e, identity_platform(w));
	d->score = identity_score(w);
	d->covered = identity_covered(w);
	d->unmasked = identity_unmasked(w, policy_catalogue(e->is.policy), d->vendor);
	d->label = w->fact[IDENTITY_BRAND];
	d->model = w->fact[IDENTITY_MODEL];
	d->firmware = w->fact[IDENTITY_FIRMWARE];
	d->serial = w->fact[IDENTITY_SERIAL];
}

static void
fill_device(const struct engine *e, const struct device *d, struct parts *p)
{
	size_t n, nz;
	const struct policy_device *list = policy_devices(e->is.policy, &n);
	const struct policy_zone *zones = policy_zones(e->is.policy, &nz);

	p->device = (struct record_device){.name = device_name(d, e->is.policy, p->device_name),
					   .vendor = "",
					   .zone = d->zone < nz ? zones[d->zone].name : "",
					   .known = d->inventory < n,
					   .mac = d->mac};
	if (p->device.known) {
		p->device.vendor = list[d->inventory].brand;
		p->device.groups = list[d->inventory].groups;
		p->device.n_groups = list[d->inventory].n_groups;
	}
	fill_identity(e, d->who, &p->device);
	p->r.device = &p->device;
}

static const char *
flow_state(const struct flow *f)
{
	if (f->closed)
		return "closed";
	return f->kernel_packets[1] || f->packets[1] || f->established ? "established" : "new";
}

/* The kernel's counts where it gave some, else what passed through the queue. */
static void
fill_flow(const struct flow *f, struct parts *p)
{
	const uint64_t *packets = f->exact ? f->kernel_packets : f->packets;
	const uint64_t *bytes = f->exact ? f->kernel_bytes : f->bytes;

	p->flow = (struct record_flow){.id = f->id,
				       .tuple = f->tuple,
				       .packets_toserver = packets[0],
				       .packets_toclient = packets[1],
				       .bytes_toserver = bytes[0],
				       .bytes_toclient = bytes[1],
				       .exact = f->exact,
				       .alerted = f->alerted,
				       .start_us = f->start_us,
				       .end_us = f->last_us,
				       .state = flow_state(f)};
	p->r.flow = &p->flow;
	p->r.inbound = f->inbound;
}

static void
fill_decision(const struct flow *f, struct parts *p)
{
	const struct rule_info *rule = f->book && f->rule != RULE_NO ? &f->book->rules[f->rule] : NULL;
	bool enforced = f->mode == MODE_ENFORCE;

	p->decision = (struct record_decision){.decision = enforced ? f->decision : f->sent,
					       .would = f->decision,
					       .mode = f->mode,
					       .rule = rule,
					       .policy_id = f->book ? f->book->policy_id : "",
					       .reason = p->reason};
	if (f->decision == DECISION_PENDING)
		snprintf(p->reason, sizeof p->reason, "not decided yet");
	else if (rule)
		snprintf(p->reason, sizeof p->reason, "%s%.200s %s at %.90s:%u", f->spent ? "budget used up: " : f->revoked ? "policy changed: " : "", rule->name,
			 f->decision == DECISION_ALLOW ? "allows" : f->decision == DECISION_REJECT ? "rejects" : "blocks",
			 rule->file, rule->line);
	p->r.decision = &p->decision;
}

static void
fill_place(struct engine *e, const struct flow *f, struct parts *p)
{
	p->place = f->place;
	p->remote = f->inbound ? f->tuple.src : f->tuple.dst;
	geo_as_name(e->is.geo, &p->remote, &f->place, p->as_name, sizeof p->as_name);
	p->r.place = &p->place;
	p->r.remote = &p->remote;
	p->r.as_name = p->as_name;
	p->r.place_source = geo_source_name(e->is.geo, f->place.country_source);
	p->r.asn_source = geo_source_name(e->is.geo, f->place.asn_source);
}

/* What it speaks, and the name under which the far side is known: the client's own word where it gave one, else the latest binding. */
static void
fill_app(struct engine *e, const struct flow *f, struct parts *p)
{
	const char *bound = NULL;

	if (f->known) {
		p->r.app_proto = f->known->protocol == protocol_unknown ? "failed" : f->known->protocol;
		p->r.ja4 = f->known->ja4[0] ? f->known->ja4 : NULL;
		if (f->known->has_name && !f->known->ech) {
			p->r.dest_name = f->known->name;
			p->r.dest_name_from = strcmp(f->known->protocol, "http") == 0 ? "http" : "sni";
			return;
		}
	}
	if (names_of(e->names, f->device, &p->remote, &e->now, &bound, 1)) {
		p->r.dest_name = bound;
		p->r.dest_name_from = "dns";
	}
}

static void
fill(struct engine *e, uint32_t type, const struct flow *f, const struct device *d, struct parts *p)
{
	memset(p, 0, sizeof *p);
	p->r.type = type;
	p->r.in_iface = link_find(e, f->ifindex)->name;
	p->r.vlan = f->vlan ? f->vlan : d->vlan;
	fill_device(e, d, p);
	fill_flow(f, p);
	fill_decision(f, p);
	fill_place(e, f, p);
	fill_app(e, f, p);
}

static const char *
alert_category(const struct flow *f, enum signature sid)
{
	if (sid == SID_UNKNOWN_DEVICE)
		return "Unknown Traffic";
	return f->decision == DECISION_ALLOW ? "Not Suspicious Traffic" : "Potential Corporate Privacy Violation";
}

/* The decision in the words of every other alert. */
static const char *
done(const struct record_decision *d)
{
	bool would = d->decision == DECISION_ALLOW;

	switch (d->would) {
	case DECISION_BLOCK:
		return would ? "would block" : "block";
	case DECISION_REJECT:
		return would ? "would reject" : "reject";
	case DECISION_PENDING:
	case DECISION_ALLOW:
		break;
	}
	return "alert";
}

static void
alert(struct engine *e, const struct rolled *k, uint64_t repeat, uint32_t seconds)
{
	struct parts p;
	char text[512];

	fill(e, RECORD_ALERT, &k->flow, &k->device, &p);
	const struct rule_info *rule = p.decision.rule;
	p.r.signature_id = k->sid ? (uint32_t)k->sid : rule ? rule->signature_id : 0;
	p.r.level = k->sid ? ALERT_MEDIUM : rule ? rule->alert : ALERT_LOW;
	p.r.category = alert_category(&k->flow, k->sid);
	p.r.repeat = repeat;
	p.r.suppressed_s = seconds;
	if (k->dns) {
		snprintf(text, sizeof text, "LENSCAP %s %s: %s asks for %.255s", done(&p.decision), rule ? rule->name : "",
			 p.device.name, k->dns->query);
		p.r.signature = text;
	}
	if (k->sid == SID_UNKNOWN_DEVICE) {
		snprintf(text, sizeof text, "LENSCAP unknown device: %s on %s is not in the inventory", p.device.name, p.r.in_iface);
		p.r.signature = text;
	}
	emit(e, &p.r);
}

static void
drop(struct engine *e, const struct rolled *k, uint64_t repeat, uint32_t seconds)
{
	struct parts p;

	memset(&p, 0, sizeof p);
	p.r.type = RECORD_DROP;
	p.r.in_iface = link_find(e, k->flow.ifindex)->name;
	p.r.vlan = k->flow.vlan;
	fill_flow(&k->flow, &p);
	p.r.drop = k->drop;
	p.r.packet_len = k->packet_len;
	p.r.repeat = repeat;
	p.r.suppressed_s = seconds;
	bool enforced = policy_mode(e->is.policy) == MODE_ENFORCE;
	snprintf(p.reason, sizeof p.reason, "malformed: %s", drop_reason_name(k->drop));
	p.decision = (struct record_decision){.decision = enforced ? DECISION_BLOCK : DECISION_ALLOW,
					      .would = DECISION_BLOCK,
					      .mode = policy_mode(e->is.policy),
					      .policy_id = policy_id(e->is.policy),
					      .reason = p.reason};
	p.r.decision = &p.decision;
	emit(e, &p.r);
}

/* The record of a refused flow whose rule asks for no alert. */
static void
denied_flow(struct engine *e, const struct rolled *k, uint64_t repeat, uint32_t seconds)
{
	struct parts p;

	fill(e, RECORD_FLOW, &k->flow, &k->device, &p);
	p.flow.end = FLOW_END_DENIED;
	p.r.repeat = repeat;
	p.r.suppressed_s = seconds;
	emit(e, &p.r);
}

static void
write_rolled(struct engine *e, const struct rolled *k, uint64_t repeat, uint32_t seconds)
{
	static void (*const write[])(struct engine *e, const struct rolled *k, uint64_t repeat, uint32_t seconds) = {
		[ROLLED_ALERT] = alert, [ROLLED_FLOW] = denied_flow, [ROLLED_DROP] = drop};

	write[k->kind](e, k, repeat, seconds);
}

void
report_rolled(void *arg, const struct rollup_key *key, const void *copy, size_t copy_len, uint64_t n, uint32_t seconds,
	      const struct now *now)
{
	struct rolled k;
	(void)key;
	(void)now; /* e->now is the same clock */
	memcpy(&k, copy, copy_len < sizeof k ? copy_len : sizeof k);
	k.dns = NULL;
	k.flow.known = k.flow.known ? &k.spoken.known : NULL;
	/* What is known of a device goes with it, and its place may be another's by now. */
	const struct device *d = device_at(((struct engine *)arg)->devices, k.flow.device);
	k.device.who = d->life == k.device.life ? d->who : NULL;
	write_rolled(arg, &k, n, seconds);
}

void
report_forgotten(const void *copy)
{
	rulebook_unref(((const struct rolled *)copy)->flow.book);
}

/* Writes the first of its kind at once and counts the others; true when it was the first. */
static bool
roll(struct engine *e, const struct rolled *k, uint16_t device, uint32_t rule, const struct addr *local, const struct addr *remote,
     uint64_t count)
{
	struct rollup_key key = {.device = device, .inbound = k->flow.inbound, .rule = rule, .remote = *remote};

	if (local)
		key.local = *local;
	if (!rollup_add(e->is.rollup, &key, count, k, sizeof *k, &e->now)) {
		e->stats.alerts_rolled_up += count;
		return false;
	}
	if (k->flow.book)
		rulebook_ref(k->flow.book); /* the window's: an older policy's flow may be over before it closes */
	write_rolled(e, k, count, 0);
	return true;
}

static bool
roll_flow(struct engine *e, enum rolled_kind kind, const struct flow *f, const struct dns_message *m, uint64_t count)
{
	struct rolled k;

	memset(&k, 0, sizeof k);
	k.kind = kind;
	k.flow = *f;
	if (f->known)
		memcpy(k.spoken.room, f->known, known_bytes(f->known));
	k.dns = m;
	k.device = *device_at(e->devices, f->device);
	uint32_t rule = f->rule != RULE_NO ? f->book->rules[f->rule].signature_id : 0;
	return roll(e, &k, (uint16_t)f->device, rule, NULL, f->inbound ? &f->tuple.src : &f->tuple.dst, count);
}

static enum alert_level
alert_of(const struct flow *f)
{
	return f->rule != RULE_NO ? f->book->rules[f->rule].alert : ALERT_NONE;
}

/* Roll-ups forget ports, and come late: history counts for itself. */
static void
chronicle_denied(struct engine *e, const struct flow *f, uint64_t packets)
{
	struct parts p;

	if (!chronicle_listens(e))
		return;
	fill(e, RECORD_FLOW, f, device_at(e->devices, f->device), &p);
	chronicle_flow(e, f, FLOW_END_DENIED, packets, &p.r);
}

void
report_denied(struct engine *e, const struct flow *f, uint64_t packets)
{
	struct flow told = *f;

	chronicle_denied(e, f, packets);
	told.alerted = alert_of(f) != ALERT_NONE;
	if (!told.alerted)
		roll_flow(e, ROLLED_FLOW, &told, NULL, packets);
	else if (roll_flow(e, ROLLED_ALERT, &told, NULL, packets))
		report_flow_end(e, &told, FLOW_END_DENIED);
}

void
report_decided(struct engine *e, struct flow *f)
{
	if (f->decision == DECISION_PENDING || alert_of(f) == ALERT_NONE)
		return;
	f->alerted = true;
	roll_flow(e, ROLLED_ALERT, f, NULL, 1);
}

void
report_revoked(struct engine *e, struct flow *f)
{
	struct rolled k;

	f->alerted = true;
	memset(&k, 0, sizeof k);
	k.flow = *f;
	k.device = *device_at(e->devices, f->device);
	k.sid = SID_REVOKED;
	alert(e, &k, 0, 0);
}

void
report_flow_end(struct engine *e, struct flow *f, enum flow_end end)
{
	struct parts p;

	fill(e, RECORD_FLOW, f, device_at(e->devices, f->device), &p);
	p.flow.end = end;
	emit(e, &p.r);
	if (end != FLOW_END_DENIED) /* history has had each try */
		chronicle_flow(e, f, end, 0, &p.r);
}

void
report_describe(struct engine *e, const struct flow *f, void (*visit)(void *arg, const struct record *r), void *arg)
{
	struct parts p;

	fill(e, RECORD_FLOW, f, device_at(e->devices, f->device), &p);
	visit(arg, &p.r);
}

void
report_drop(struct engine *e, const struct packet *p, const struct queued *q, enum drop_reason reason)
{
	struct rolled k;

	memset(&k, 0, sizeof k);
	k.kind = ROLLED_DROP;
	flow_init(e->flows, &k.flow, &p->tuple, &e->now);
	k.flow.ifindex = q->in;
	k.flow.packets[0] = 1;
	k.flow.bytes[0] = q->wire_len;
	k.drop = reason;
	k.packet_len = q->wire_len;
	roll(e, &k, DEVICE_UNKNOWN, reason, &p->tuple.src, &p->tuple.dst, 1);
}

void
report_unknown_device(struct engine *e, struct device *d, const struct flow *f)
{
	struct rolled k;

	memset(&k, 0, sizeof k);
	k.flow = *f;
	k.device = *d;
	k.sid = SID_UNKNOWN_DEVICE;
	alert(e, &k, 0, 0);
}

/* Protocols that have a record of their own; the others are a word on flow and alert. */
static const struct {
	const char *protocol;
	uint32_t type;
} app_records[] = {{"tls", RECORD_TLS}, {"quic", RECORD_QUIC}, {"http", RECORD_HTTP}, {"dot", RECORD_TLS}, {"doh", RECORD_TLS}};

void
report_app(struct engine *e, struct flow *f, const struct app *app)
{
	struct parts p;

	for (size_t i = 0; i < sizeof app_records / sizeof *app_records; i++) {
		if (strcmp(app_records[i].protocol, app->protocol) != 0)
			continue;
		fill(e, app_records[i].type, f, device_at(e->devices, f->device), &p);
		p.r.app = app;
		emit(e, &p.r);
	}
}

void
report_dns(struct engine *e, struct flow *f, const struct dns_message *m, bool is_answer)
{
	struct parts p;

	if (m->query_len == 0)
		return;
	fill(e, RECORD_DNS, f, device_at(e->devices, f->device), &p);
	p.r.dns = m;
	p.r.dns_answer = is_answer;
	emit(e, &p.r);
}

void
report_asked(struct engine *e, const struct flow *f, const char *query)
{
	struct parts p;

	if (!chronicle_listens(e))
		return;
	fill(e, RECORD_DNS, f, device_at(e->devices, f->device), &p);
	p.r.app_proto = "dns";
	chronicle_question(e, f, query, &p.r);
}

void
report_question(struct engine *e, struct flow *f, const struct dns_message *m)
{
	if (alert_of(f) == ALERT_NONE)
		return;
	f->alerted = true;
	roll_flow(e, ROLLED_ALERT, f, m, 1);
}

void
report_anomaly(struct engine *e, struct flow *f, enum anomaly kind, const char *event)
{
	struct parts p;

	fill(e, RECORD_ANOMALY, f, device_at(e->devices, f->device), &p);
	p.r.anomaly = kind;
	p.r.anomaly_event = event;
	emit(e, &p.r);
}

/* A built-in alert about a flow; one a flow, told in its own words. */
static void
flow_alert(struct engine *e, const struct flow *f, enum signature sid, enum alert_level level, const char *category, const char *text)
{
	struct parts p;

	fill(e, RECORD_ALERT, f, device_at(e->devices, f->device), &p);
	p.r.signature_id = sid;
	p.r.level = level;
	p.r.category = category;
	p.r.signature = text;
	emit(e, &p.r);
}

void
report_contradiction(struct engine *e, struct flow *f)
{
	char text[600], d[ADDR_TEXT];

	snprintf(text, sizeof text, "LENSCAP lying name: %s says %.255s, under which it was never given this address",
		 device_name(device_at(e->devices, f->device), e->is.policy, d), f->known->name);
	flow_alert(e, f, SID_SNI_CONTRADICTION, ALERT_HIGH, "Potentially Bad Traffic", text);
}

void
report_tunnel(struct engine *e, struct flow *f, const char *query)
{
	char text[600], d[ADDR_TEXT];

	snprintf(text, sizeof text, "LENSCAP DNS tunnel: %s asks for many long names of no language, like %.200s",
		 device_name(device_at(e->devices, f->device), e->is.policy, d), query);
	flow_alert(e, f, SID_DNS_TUNNEL, ALERT_HIGH, "Potential Corporate Privacy Violation", text);
}

void
report_budget(struct engine *e, const struct flow *f, const char *text)
{
	flow_alert(e, f, SID_BUDGET, ALERT_MEDIUM, "Potential Corporate Privacy Violation", text);
}

enum { EVIDENCE_TOLD = 8 }; /* rows of one alert */

/* The strongest rows first. */
static size_t
fill_evidence(const struct engine *e, const struct identity *w, struct record_evidence rows[EVIDENCE_TOLD])
{
	size_t n = 0;
	bool used[IDENTITY_EVIDENCE] = {false};

	while (w && n < EVIDENCE_TOLD) {
		size_t best = w->n;
		for (size_t i = 0; i < w->n; i++)
			if (!used[i] && (best == w->n || w->rows[i].weight > w->rows[best].weight))
				best = i;
		if (best == w->n)
			break;
		used[best] = true;
		const struct evidence *ev = &w->rows[best];
		rows[n++] = (struct record_evidence){.channel = evidence_channel_name(ev->channel),
						     .maker = maker_id(e, ev->maker),
						     .pattern = ev->pattern,
						     .excerpt = ev->excerpt,
						     .weight = ev->weight,
						     .seen_us = ev->last_us,
						     .flow_id = ev->flow};
	}
	return n;
}

void
report_identity(struct engine *e, const struct device *d, const struct flow *f, enum signature sid, enum alert_level level,
		const char *text)
{
	struct record_evidence rows[EVIDENCE_TOLD];
	struct parts p;

	if (f) {
		fill(e, RECORD_ALERT, f, d, &p);
	} else {
		memset(&p, 0, sizeof p);
		p.r.type = RECORD_ALERT;
		p.r.in_iface = link_find(e, d->ifindex)->name;
		p.r.vlan = d->vlan;
		fill_device(e, d, &p);
	}
	p.r.signature_id = sid;
	p.r.level = level;
	p.r.signature = text;
	p.r.evidence = rows;
	p.r.n_evidence = fill_evidence(e, d->who, rows);
	emit(e, &p.r);
}

void
report_event(struct engine *e, enum signature sid, enum alert_level level, const char *text)
{
	struct record r = {.type = RECORD_ALERT, .signature_id = sid, .level = level, .category = "Misc activity"};
	char line[600];

	snprintf(line, sizeof line, "LENSCAP %s", text);
	r.signature = line;
	r.in_iface = "";
	emit(e, &r);
}

static void
fill_stats(struct engine *e, struct record *r)
{
	r->type = RECORD_STATS;
	r->in_iface = "";
	r->host = e->host;
	r->stats = &e->stats;
	r->kernel = e->kernel_known ? &e->kernel : NULL;
	r->uptime_s = (e->now.wall_us - e->start_us) / 1000000;
	r->boot = e->boot;
	r->gap_s = -1;
}

void
report_stats(struct engine *e)
{
	struct record r = {0};

	fill_stats(e, &r);
	emit(e, &r);
}

size_t
report_first_record(void *arg, const struct now *now, char *out, size_t cap)
{
	struct engine *e = arg;
	struct record r = {0};

	fill_stats(e, &r);
	r.wall_us = r.opened_us = now->wall_us;
	return record_print(&r, out, cap);
}
