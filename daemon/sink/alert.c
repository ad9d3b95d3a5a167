/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `alert` object. Many readers show the signature and nothing else, so it tells the whole story:
 *
 *	LENSCAP block never: cam-dock-3 -> CN AS64500 udp/32100
 *	LENSCAP would block never: cam-dock-3 <- ?? tcp/80
 *	LENSCAP flow revoked, block never: cam-dock-3 -> CN AS64500 udp/32100
 */
#include <netinet/in.h>
#include <string.h>

#include "printer.h"
#include "text.h"

/* Categories are those of Suricata's classification.config, so that existing dashboards group them. */
static const char policy_category[] = "Potential Corporate Privacy Violation";

static const struct builtin {
	uint32_t id;
	const char *category;
	const char *story; /* when the caller has no better one */
} builtins[] = {
	{SID_UNKNOWN_DEVICE, policy_category, "unknown device"},
	{SID_HOOK_REMOVED, "Potentially Bad Traffic",
	 "hook removed: the nftables table was gone and is back"},
	{SID_SNI_CONTRADICTION, "Potentially Bad Traffic", "server name contradicts DNS"},
	{SID_RELOAD_REFUSED, "Misc activity", "reload refused: the old policy stays"},
	{SID_GEO_PROBLEM, "Misc activity", "geo database problem"},
	{SID_ENGINE_RESTARTED, "Misc activity", "engine restarted"},
	{SID_REVOKED, policy_category, "flow revoked"},
	{SID_DNS_TUNNEL, "Domain Observed Used for C2 Detected", "DNS questions look like a tunnel"},
	{SID_NOT_CONFIRMED, "Misc activity", "policy not confirmed: went back"},
	{SID_NEW_DEVICE, "Unknown Traffic", "new device"},
	{SID_UNMASKED, policy_category, "label and maker disagree"},
	{SID_COVERED, policy_category, "covered maker"},
	{SID_IDENTITY_CHANGED, "Potentially Bad Traffic", "device identity changed"},
	{SID_CLOUD_CONTACT, policy_category, "cloud contact"},
	{SID_MANAGEMENT, "Potentially Bad Traffic", "management request of a stranger"},
	{SID_BUDGET, policy_category, "budget used up"},
	{SID_UNINSPECTED, "Misc activity", "packets passed or dropped without a judgement"},
};

static const struct builtin *
builtin_find(uint32_t id)
{
	for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++)
		if (builtins[i].id == id)
			return &builtins[i];
	return NULL;
}

unsigned
alert_severity(enum alert_level l)
{
	return l == ALERT_HIGH ? 1 : l == ALERT_MEDIUM ? 2 : 3;
}

const char *
place_word(const struct place *place)
{
	if (!place)
		return "??";
	if (place->special != SPECIAL_NONE)
		return special_name(place->special);
	return place->country[0] ? place->country : "??";
}

static void
tell_decision(struct text *t, const struct record_decision *d)
{
	bool stops = d->would == DECISION_BLOCK || d->would == DECISION_REJECT;

	if (!decision_stops(d) && stops) {
		text_add(t, "would ");
		text_add(t, decision_name(d->would));
	} else {
		text_add(t, decision_stops(d) ? decision_name(d->decision) : "alert");
	}
	if (d->rule) {
		text_add(t, " ");
		text_addn(t, d->rule->name, RECORD_NAME);
	}
}

static void
tell_far_side(struct text *t, const struct record *r)
{
	text_add(t, r->inbound ? " <- " : " -> ");
	text_add(t, place_word(r->place));
	if (r->place && r->place->asn != 0) {
		text_add(t, " AS");
		text_uint(t, r->place->asn);
	}
}

/* "udp/32100", "icmp/8", "gre", "253" */
static void
tell_transport(struct text *t, const struct tuple *tuple)
{
	const char *name = proto_name(tuple->proto);

	text_add(t, " ");
	if (name)
		text_add(t, name);
	else
		text_uint(t, tuple->proto);
	if (proto_has_ports(tuple->proto)) {
		text_add(t, "/");
		text_uint(t, tuple->dport);
	} else if (tuple->proto == IPPROTO_ICMP || tuple->proto == IPPROTO_ICMPV6) {
		text_add(t, "/");
		text_uint(t, tuple->dport >> 8);
	}
}

static void
compose(struct text *t, const struct record *r, const struct builtin *b)
{
	text_init(t);
	text_add(t, "LENSCAP ");
	if (b)
		text_add(t, b->story);
	if (b && r->decision)
		text_add(t, ", ");
	if (r->decision)
		tell_decision(t, r->decision);
	if (r->device) {
		text_add(t, ": ");
		text_addn(t, r->device->name, RECORD_NAME);
	}
	if (r->flow) {
		tell_far_side(t, r);
		tell_transport(t, &r->flow->tuple);
	}
}

/* A list of one name, or of none. */
static void
print_fact(struct printer *p, const char *key, const char *fact)
{
	json_array(&p->j, key);
	if (fact && *fact)
		print_name(p, NULL, fact);
	json_array_end(&p->j);
}

/* The four facts that analysts filter on, where every EVE reader looks for them. A special range has no country. */
static void
print_metadata(struct printer *p, const struct record *r)
{
	bool has_country = r->place && r->place->special == SPECIAL_NONE;
	bool has_rule = r->decision && r->decision->rule;
	struct text asn;

	text_init(&asn);
	if (r->place && r->place->asn != 0)
		text_uint(&asn, r->place->asn);
	json_object(&p->j, "metadata");
	print_fact(p, "policy", has_rule ? r->decision->rule->name : NULL);
	print_fact(p, "lenscap_device", r->device ? r->device->name : NULL);
	print_fact(p, "lenscap_country", has_country ? place_word(r->place) : NULL);
	print_fact(p, "lenscap_asn", asn.b);
	json_object_end(&p->j);
}

void
print_alert(struct printer *p, const struct record *r)
{
	const struct builtin *b = builtin_find(r->signature_id);
	const char *category = r->category ? r->category : b ? b->category : policy_category;
	struct text story;

	if (!r->signature)
		compose(&story, r, b);
	json_object(&p->j, "alert");
	json_str(&p->j, "action", decision_stops(r->decision) ? "blocked" : "allowed");
	json_uint(&p->j, "gid", 1);
	json_uint(&p->j, "signature_id", r->signature_id);
	json_uint(&p->j, "rev", 1);
	print_line(p, "signature", r->signature ? r->signature : story.b);
	print_name(p, "category", category);
	json_uint(&p->j, "severity", alert_severity(r->level));
	print_metadata(p, r);
	json_object_end(&p->j);
}
