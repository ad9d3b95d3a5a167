/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `lenscap` object, of one shape on every record: a field has one type for ever, an array is always an array, no key is made of
 * data, and a part that does not apply is absent as a whole. What changes incompatibly raises `v`.
 */
#include <string.h>

#include "printer.h"
#include "text.h"

enum {
	LENSCAP_RECORD_VERSION = 1,
	FIRST_RECORD_BYTES = 1024, /* what log shippers read to tell files apart */
};

/* About 31 years: a gap that is longer is a broken clock. */
#define GAP_MAX_S 1e9

static void
print_decision(struct printer *p, const struct record_decision *d)
{
	json_str(&p->j, "mode", mode_name(d->mode));
	json_str(&p->j, "decision", decision_name(d->decision));
	json_str(&p->j, "would", decision_name(d->would));
	print_name(p, "rule", d->rule ? d->rule->name : NULL);
	print_name(p, "rule_file", d->rule ? d->rule->file : NULL);
	json_uint(&p->j, "rule_line", d->rule ? d->rule->line : 0);
	print_name(p, "policy_id", d->policy_id);
	print_line(p, "reason", d->reason);
}

static void
print_groups(struct printer *p, const struct record_device *d)
{
	json_array(&p->j, "groups");
	for (size_t i = 0; i < d->n_groups && i < p->limits->list; i++)
		print_name(p, NULL, d->groups[i]);
	json_array_end(&p->j);
	p->cut |= d->n_groups > p->limits->list;
}

static void
print_identity(struct printer *p, const struct record_device *d)
{
	print_name(p, "maker", d->maker);
	json_uint(&p->j, "score", d->score);
	json_bool(&p->j, "covered", d->covered);
	json_bool(&p->j, "unmasked", d->unmasked);
	print_name(p, "platform", d->platform);
	print_name(p, "label", d->label);
	print_name(p, "model", d->model);
	print_name(p, "firmware", d->firmware);
	print_name(p, "serial", d->serial);
}

static void
print_device(struct printer *p, const struct record_device *d)
{
	json_object(&p->j, "device");
	print_name(p, "name", d->name);
	print_name(p, "vendor", d->vendor);
	print_groups(p, d);
	json_bool(&p->j, "known", d->known);
	print_name(p, "zone", d->zone);
	if (d->identified)
		print_identity(p, d);
	json_object_end(&p->j);
}

static void
print_evidence(struct printer *p, const struct record *r)
{
	json_array(&p->j, "evidence");
	for (size_t i = 0; i < r->n_evidence && i < p->limits->list; i++) {
		const struct record_evidence *ev = &r->evidence[i];
		json_object(&p->j, NULL);
		json_str(&p->j, "channel", ev->channel);
		print_name(p, "maker", ev->maker);
		json_uint(&p->j, "weight", ev->weight);
		print_name(p, "pattern", ev->pattern);
		print_name(p, "excerpt", ev->excerpt);
		json_time(&p->j, "time", ev->seen_us);
		if (ev->flow_id)
			json_uint(&p->j, "flow_id", ev->flow_id);
		json_object_end(&p->j);
	}
	json_array_end(&p->j);
	p->cut |= r->n_evidence > p->limits->list;
}

/* country is "??" when no source knows it and "" for a special range, which has none. */
static void
print_place(struct printer *p, const struct record *r)
{
	const struct place *where = r->place;
	bool special = where->special != SPECIAL_NONE;

	print_name(p, "country", special ? "" : place_word(where));
	print_name(p, "country_source", r->place_source);
	print_name(p, "registered_country", where->registered);
	print_name(p, "continent", where->continent);
	json_uint(&p->j, "asn", where->asn);
	print_name(p, "asn_source", r->asn_source);
	print_name(p, "as_name", r->as_name);
	json_bool(&p->j, "anycast", where->anycast);
	json_str(&p->j, "special", special_name(where->special));
}

/* The far side, also when it was the far side that opened the flow. */
static void
print_dest(struct printer *p, const struct record *r)
{
	if (!r->remote && !r->place)
		return;
	json_object(&p->j, "dest");
	if (r->remote)
		print_addr(p, "ip", r->remote);
	print_name(p, "name", r->dest_name);
	print_name(p, "name_from", r->dest_name ? r->dest_name_from : NULL);
	if (r->place)
		print_place(p, r);
	json_object_end(&p->j);
}

static void
print_boot(struct printer *p, uint32_t boot)
{
	static const char hex[] = "0123456789abcdef";
	char text[8];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = hex[boot >> (28 - 4 * i) & 15];
	json_strn(&p->j, "boot", text, sizeof text, sizeof text);
}

/* boot and opened come early: they make the first bytes of a file unique. */
static void
print_run(struct printer *p, const struct record *r)
{
	print_boot(p, r->boot);
	if (r->opened_us != 0)
		json_time(&p->j, "opened", r->opened_us);
	if (r->gap_s >= 0)
		json_milli(&p->j, "gap_s", (int64_t)((r->gap_s < GAP_MAX_S ? r->gap_s : GAP_MAX_S) * 1000));
	print_counters(p, r);
}

static void
print_repeat(struct printer *p, const struct record *r)
{
	if (r->repeat == 0)
		return;
	json_uint(&p->j, "repeat", r->repeat);
	json_uint(&p->j, "suppressed_s", r->suppressed_s);
}

static void
print_type_facts(struct printer *p, const struct record *r)
{
	if (r->flow && (r->type & (RECORD_ALERT | RECORD_FLOW)))
		json_str(&p->j, "counts", r->flow->exact ? "kernel" : "seen");
	if (r->flow && r->type == RECORD_FLOW)
		json_str(&p->j, "ended", flow_end_name(r->flow->end));
	if (r->type == RECORD_FLOW)
		print_known(p, "ja4", r->ja4);
	if (r->type == RECORD_DROP)
		json_str(&p->j, "drop", drop_reason_name(r->drop));
	if (r->type == RECORD_STATS)
		print_run(p, r);
}

/* Counts what is still to come behind the padding: its own quotes and key, and two braces and '\n'. */
static void
print_padding(struct printer *p)
{
	static const char key[] = "pad";
	char fill[FIRST_RECORD_BYTES];
	size_t rest = sizeof ",\"pad\":\"\"}}\n" - 1;

	if (p->j.len + rest >= FIRST_RECORD_BYTES)
		return;
	memset(fill, '-', sizeof fill);
	json_strn(&p->j, key, fill, FIRST_RECORD_BYTES - p->j.len - rest, sizeof fill);
}

void
print_lenscap(struct printer *p, const struct record *r)
{
	json_object(&p->j, "lenscap");
	json_uint(&p->j, "v", LENSCAP_RECORD_VERSION);
	if (r->decision)
		print_decision(p, r->decision);
	if (r->flow && r->type != RECORD_DROP)
		json_bool(&p->j, "inbound", r->inbound);
	if (r->device)
		print_device(p, r->device);
	if (r->n_evidence)
		print_evidence(p, r);
	print_dest(p, r);
	if (r->app && (r->type & (RECORD_TLS | RECORD_QUIC | RECORD_HTTP)))
		print_app(p, r->app);
	print_repeat(p, r);
	print_type_facts(p, r);
	if (p->cut)
		json_bool(&p->j, "truncated", true);
	if (r->opened_us != 0)
		print_padding(p);
	json_object_end(&p->j);
}
