/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what was seen to evidence of who made a device; see identity.h. Which text is which channel of the catalogue is a table in sights.c.
 *
 * Only the answering side proves anything: what a camera serves, announces or sends of its own accord. What others ask of it are their words.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "chronicle.h"
#include "engine.h"
#include "../probe/field.h"
#include "identity.h"
#include "sights.h"
#include "witness.h"

enum {
	WEIGHT_NAME = 40,    /* a name asked for: firmware asks for its maker's cloud, and for others' */
	WEIGHT_CONTACT = 45, /* a flow to that cloud */
	WEIGHT_HINT_WEAK = 20,
	AT_ONCE = 8,	      /* flows of one device that are looked at for this at the same time */
	SETTLED_SCORE = 90,   /* known well enough; from then on only a few flows are looked at, in case it becomes another one */
	SETTLED_FLOWS = 2,    /* an hour */
	TELL_GAP_S = 60,      /* between two alerts of management requests to one device */
	CONTACT_GAP_S = 86400,
	CHANGE_GAP_S = 3600,
	STRANGERS_MINUTE = 1000, /* alerts a minute of who those are that the policy does not name: MACs can be made up by the thousand */
};

#define SECOND_US 1000000

/* Told within the last gap_s. A clock that was set back does not silence anybody until that time comes again. */
static bool
is_recent(const struct engine *e, int64_t told_us, unsigned gap_s)
{
	return told_us && e->now.wall_us >= told_us && e->now.wall_us - told_us < (int64_t)gap_s * SECOND_US;
}

static bool
is_mac_zone(const struct engine *e, uint8_t zone)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	return zone < n && !zones[zone].by_address;
}

static bool
is_next_hour(const struct engine *e, const struct device *d)
{
	int64_t now_s = e->now.wall_us / SECOND_US;

	return now_s - d->looked_s >= 3600 || now_s < d->looked_s;
}

bool
observe_looks(const struct engine *e, const struct device *d)
{
	uint32_t most = policy_options(e->is.policy)->identify_flows;

	if (identity_score(d->who) >= SETTLED_SCORE && identity_maker(d->who) != MAKER_UNKNOWN && most > SETTLED_FLOWS)
		most = SETTLED_FLOWS;
	return (is_next_hour(e, d) ? 0 : d->looked) < most;
}

bool
observe_wants(struct engine *e, struct device *d)
{
	if (is_next_hour(e, d)) {
		d->looked_s = e->now.wall_us / SECOND_US;
		d->looked = 0;
	}
	if (!observe_looks(e, d) || d->identifying >= AT_ONCE || device_index(e->devices, d) == DEVICE_ANONYMOUS)
		return false;
	d->looked++;
	d->identifying++;
	return true;
}

/* What the device says of itself beside the patterns. */
static void
see_details(struct engine *e, struct device *d, const struct app *app)
{
	witness_learn(e, d, IDENTITY_MODEL, sights_detail(app, "model"));
	witness_learn(e, d, IDENTITY_SERIAL, sights_detail(app, "serial"));
	witness_learn(e, d, IDENTITY_UID, sights_detail(app, "uid"));
	witness_label(e, d, sights_detail(app, "vendor"));
	if (sights_banner_is_firmware(app))
		witness_learn(e, d, IDENTITY_FIRMWARE, witness_text(app->banner));
	if (app->protocol && strncmp(app->protocol, "dhcp", 4) == 0) {
		struct witness s = {.e = e, .d = d};
		witness_learn(e, d, IDENTITY_HOST, sights_detail(app, "name"));
		witness_match(&s, CHANNEL_DHCP_HOSTNAME, sights_detail(app, "name"));
	}
}

/* The MAC that it says it has, where its frames do not show it. Before all else that it says: it may be somebody else from here on. */
static void
see_own_mac(struct engine *e, struct device *d, const struct app *app, struct span payload, const struct flow *f)
{
	struct mac mac;
	bool derived;

	if (d->by_address && sights_mac(app, payload, &mac, &derived))
		witness_announces(e, d, &mac, derived, sights_detail(app, "serial"), f);
}

/* ONVIF and ISAPI describe a device in elements of nearly the same names. */
static void
see_document(struct engine *e, struct device *d, struct span doc)
{
	static const struct {
		const char *name;
		enum identity_fact fact;
	} rows[] = {
		{"Model", IDENTITY_MODEL},		 {"model", IDENTITY_MODEL},	   {"SerialNumber", IDENTITY_SERIAL}, {"serialNumber", IDENTITY_SERIAL},
		{"FirmwareVersion", IDENTITY_FIRMWARE}, {"firmwareVersion", IDENTITY_FIRMWARE},
	};

	if (span_find(doc, "irmwareVersion>") < 0) /* a document of another kind has other models and numbers */
		return;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		witness_learn(e, d, rows[i].fact, sights_element(doc, rows[i].name));
	witness_label(e, d, sights_element(doc, "Manufacturer"));
	witness_label(e, d, sights_element(doc, "manufacturer"));
}

/* What multicast DNS says beside its services. */
static void
see_strings(struct engine *e, struct device *d, const struct app *app, struct span payload)
{
	if (strcmp(app->protocol, "mdns") != 0)
		return;
	witness_learn(e, d, IDENTITY_MODEL, sights_txt(payload, "md="));
	witness_label(e, d, sights_txt(payload, "manufacturer="));
}

/* What strangers are said to be is told as far as anybody could read it; the inventory's own are told always. */
static void
tell(struct engine *e, const struct device *d, const struct flow *f, enum signature sid, enum alert_level level, const char *text)
{
	int64_t minute = e->now.wall_us / SECOND_US / 60;

	if (d->inventory != DEVICE_UNKNOWN) {
		report_identity(e, d, f, sid, level, text);
		return;
	}
	if (e->strangers_minute != minute) {
		e->strangers_minute = minute;
		e->strangers_told = 0;
	}
	if (e->strangers_told++ < STRANGERS_MINUTE) {
		report_identity(e, d, f, sid, level, text);
		return;
	}
	if (e->strangers_told == STRANGERS_MINUTE + 1)
		report_event(e, SID_NEW_DEVICE, ALERT_HIGH,
			     "new devices: a thousand alerts of unknown devices within a minute, somebody may make them up; more of them are "
			     "only counted until it ends");
	e->stats.alerts_rolled_up++;
}

/* Somebody who is not in the inventory wants to change this device. */
static void
check_request(struct engine *e, struct device *d, const struct app *app, const struct flow *f, const char *from, bool known)
{
	struct span request = sights_detail(app, "request");
	char text[400], what[64], name[ADDR_TEXT];

	if (!request.len || known)
		return;
	if (is_recent(e, d->request_told_us, TELL_GAP_S)) {
		e->stats.alerts_rolled_up++;
		return;
	}
	d->request_told_us = e->now.wall_us;
	span_text(request, what, sizeof what);
	snprintf(text, sizeof text, "LENSCAP management request: %s by %s, seen at %s; %s is not in the inventory", what, app->protocol,
		 device_name(d, e->is.policy, name), from);
	tell(e, d, f, SID_MANAGEMENT, ALERT_HIGH, text);
}

/*
 * What the camera itself said, read alone: what its peer says of models, numbers and MACs is nobody's word. app itself where nobody else spoke,
 * or where one side alone does not show what it speaks; *ret_own is false then.
 */
static const struct app *
own_words(const struct app *app, const struct probe_input *in, unsigned side, struct app *room, bool *ret_own)
{
	struct probe_input own = *in;
	char detail[sizeof app->detail];

	*ret_own = in->side[!side].n == 0;
	if (*ret_own || !app->protocol || !app->detail[0])
		return app;
	own.side[!side] = (struct probe_side){0};
	*ret_own = probe_inspect(&own, room) == PROBE_DONE && strcmp(room->protocol, app->protocol) == 0;
	if (!*ret_own)
		return app;
	memcpy(detail, room->detail, sizeof detail);
	*room = *app;
	memcpy(room->detail, detail, sizeof detail);
	return room;
}

/*
 * A probe has read something of this flow. own: the camera said something; else only what its client said is there, and that proves nothing.
 * words: app, with the camera's own details.
 */
static void
observe_app(struct engine *e, struct flow *f, const struct app *app, const struct app *words, bool own)
{
	struct device *d = device_at(e->devices, f->device);
	struct witness s = {.e = e, .d = d};
	char from[ADDR_TEXT];

	if (!app->protocol)
		return;
	if (!f->inbound && app->has_name && !app->ech)
		observe_name(e, d, app->name);
	if (f->inbound)
		check_request(e, d, app, f, addr_print(&f->tuple.src, from), policy_device_by_addr(e->is.policy, &f->tuple.src) != DEVICE_UNKNOWN);
	if (f->inbound && !own)
		return;
	sights_app(words, f->inbound, witness_match, &s);
	if (sights_detail(app, "request").len == 0)
		see_details(e, d, words);
}

static bool
read_bytes(struct engine *e, struct flow *f, const struct app *app, const struct probe_input *in)
{
	struct device *d = device_at(e->devices, f->device);
	const struct probe_side *own = &in->side[f->inbound ? PROBE_TO_CLIENT : PROBE_TO_SERVER];
	struct witness s = {.e = e, .d = d};
	struct app room;
	bool is_own;
	char port[16];

	const struct app *words = own_words(app, in, f->inbound ? PROBE_TO_CLIENT : PROBE_TO_SERVER, &room, &is_own);
	if (own->n > 0 && is_own && sights_detail(words, "request").len == 0)
		see_own_mac(e, d, words, in->l4 == IPPROTO_UDP ? own->units[0] : (struct span){0}, f);
	observe_app(e, f, app, words, own->n > 0);
	if (own->n > 0) {
		sights_bytes(app, in->l4, own->units[0], f->inbound, witness_match, &s);
		if (f->inbound && in->l4 == IPPROTO_TCP)
			see_document(e, d, own->units[0]);
	}
	if (f->inbound && own->n > 0 && proto_name(in->l4)) {
		snprintf(port, sizeof port, "%u/%s", in->port, proto_name(in->l4));
		witness_match(&s, CHANNEL_PORT, witness_text(port));
	}
	return f->inbound && sights_more(app, in);
}

bool
observe_bytes(struct engine *e, struct flow *f, const struct app *app, const struct probe_input *in)
{
	struct device *d = device_at(e->devices, f->device);

	d->telling = f->id;
	bool more = read_bytes(e, f, app, in);
	d->telling = 0;
	return more;
}

void
observe_announcement(struct engine *e, struct device *d, const struct packet *p, const struct app *app)
{
	struct witness s = {.e = e, .d = d};
	char from[ADDR_TEXT];

	check_request(e, d, app, NULL, device_name(d, e->is.policy, from), d->inventory != DEVICE_UNKNOWN);
	if (sights_detail(app, "request").len == 0 && sights_tells(app, p->payload)) {
		see_own_mac(e, d, app, p->payload, NULL);
		sights_app(app, true, witness_match, &s);
		sights_bytes(app, IPPROTO_UDP, p->payload, true, witness_match, &s);
		see_details(e, d, app);
		see_strings(e, d, app, p->payload);
	}
	observe_tell(e, d, NULL);
}

static void
add_hint(struct engine *e, struct device *d, const struct cloud_answer *a, uint8_t weight, const char *what)
{
	const struct cloud *clouds;
	size_t n = catalogue_cloud_list(policy_catalogue(e->is.policy), &clouds);
	struct evidence ev = {.channel = EVIDENCE_CLOUD, .weight = a->weak ? WEIGHT_HINT_WEAK : weight};

	ev.maker = a->cloud < n ? clouds[a->cloud].maker : MAKER_UNKNOWN;
	if (ev.maker == MAKER_UNKNOWN)
		return;
	snprintf(ev.pattern, sizeof ev.pattern, "%s", a->by);
	snprintf(ev.excerpt, sizeof ev.excerpt, "%s", what);
	witness_behind_label(e, d, &ev);
	witness_add(e, d, &ev);
}

void
observe_name(struct engine *e, struct device *d, const char *name)
{
	struct cloud_answer answers[4];
	const struct cloud_question q = {.names = &name, .n_names = 1};
	size_t n = catalogue_clouds_of(policy_catalogue(e->is.policy), &q, answers, 4);

	for (size_t i = 0; i < n; i++)
		add_hint(e, d, &answers[i], WEIGHT_NAME, name);
	struct witness s = {.e = e, .d = d};
	witness_match(&s, CHANNEL_DNS, witness_text(name));
}

void
observe_device(struct engine *e, struct device *d, const struct flow *f)
{
	struct witness s = {.e = e, .d = d};
	char text[512], name[ADDR_TEXT], addr[ADDR_TEXT];
	const struct oui_row *row = d->by_address ? NULL : catalogue_oui(policy_catalogue(e->is.policy), &d->mac);

	if (device_index(e->devices, d) == DEVICE_ANONYMOUS)
		return;
	if (!d->by_address)
		witness_mac(e, d, &d->mac);
	witness_match(&s, CHANNEL_FACTORY_IP, witness_text(addr_print(&d->addr, name)));
	chronicle_device(e, d);
	/* The inventory's own were expected; in a zone of MACs an address alone is nobody's first appearance. */
	if (!d->restored && d->inventory == DEVICE_UNKNOWN && !(d->by_address && is_mac_zone(e, d->zone))) {
		snprintf(text, sizeof text, "LENSCAP new device: %s at %s on %s%s%.200s%s", device_name(d, e->is.policy, name),
			 addr_print(&d->addr, addr), link_find(e, d->ifindex)->name, row ? " (" : "", row ? row->organisation : "", row ? ")" : "");
		tell(e, d, NULL, SID_NEW_DEVICE, ALERT_LOW, text); /* whichever flow showed it has its own records */
	}
	observe_tell(e, d, f);
}

/* The first contact of its kind, or the first for a day. */
static bool
is_due(struct engine *e, struct identity *w, uint16_t cloud, bool refused)
{
	struct cloud_contact *at = NULL, *oldest = w->clouds;

	for (size_t i = 0; i < w->n_clouds && !at; i++) {
		if (w->clouds[i].cloud == cloud && w->clouds[i].refused == refused)
			at = &w->clouds[i];
		if (w->clouds[i].told_us < oldest->told_us)
			oldest = &w->clouds[i];
	}
	if (at && is_recent(e, at->told_us, CONTACT_GAP_S))
		return false;
	if (!at)
		at = w->n_clouds < IDENTITY_CLOUDS ? &w->clouds[w->n_clouds++] : oldest;
	*at = (struct cloud_contact){cloud, refused, e->now.wall_us};
	return true;
}

static bool
somebodys(const struct engine *e, const struct cloud_answer *answers, size_t n)
{
	const struct cloud *clouds;
	size_t all = catalogue_cloud_list(policy_catalogue(e->is.policy), &clouds);

	for (size_t i = 0; i < n; i++)
		if (!answers[i].weak && answers[i].cloud < all && clouds[answers[i].cloud].maker != MAKER_UNKNOWN)
			return true;
	return false;
}

/* others: more was told of this flow, or will be; then a cloud of nobody in particular is not worth a word. */
static void
tell_contact(struct engine *e, struct flow *f, struct device *d, const struct cloud_answer *a, bool others)
{
	const struct cloud *clouds;
	size_t n = catalogue_cloud_list(policy_catalogue(e->is.policy), &clouds);
	bool refused = f->decision == DECISION_BLOCK || f->decision == DECISION_REJECT;
	struct identity *w = device_identity(e->devices, d);
	char text[400], name[ADDR_TEXT];

	if (!w || a->cloud >= n || (others && clouds[a->cloud].maker == MAKER_UNKNOWN) || !is_due(e, w, a->cloud, refused))
		return;
	snprintf(text, sizeof text, "LENSCAP cloud contact: %s -> %s, %s%s; known by %.90s", device_name(d, e->is.policy, name),
		 clouds[a->cloud].name, refused && f->mode == MODE_MONITOR ? "would be " : "", refused ? "refused" : "allowed", a->by);
	tell(e, d, f, SID_CLOUD_CONTACT, ALERT_MEDIUM, text);
}

void
observe_contact(struct engine *e, struct flow *f)
{
	struct device *d = device_at(e->devices, f->device);
	struct cloud_answer answers[4];
	struct facts facts;

	if (f->inbound || device_index(e->devices, d) == DEVICE_ANONYMOUS || f->decision == DECISION_PENDING)
		return;
	flow_facts(e, f, &facts);
	const char *names[FACTS_BOUND + 1];
	size_t n_names = 0;
	for (size_t i = 0; i < facts.n_bound; i++)
		names[n_names++] = facts.bound[i];
	if (facts.name && !facts.ech)
		names[n_names++] = facts.name;
	const struct cloud_question q = {.names = names, .n_names = n_names, .protocol = facts.protocol, .proto = facts.proto, .port = facts.port,
					 .asn = facts.place.asn, .remote = facts.remote, .special = facts.place.special != SPECIAL_NONE};
	size_t n = catalogue_clouds_of(policy_catalogue(e->is.policy), &q, answers, 4);
	char where[ADDR_TEXT];
	for (size_t i = 0; i < n; i++) {
		if (answers[i].weak) /* a port alone */
			continue;
		d->telling = f->id;
		add_hint(e, d, &answers[i], WEIGHT_CONTACT, n_names ? names[n_names - 1] : addr_print(&facts.remote, where));
		d->telling = 0;
		tell_contact(e, f, d, &answers[i], i > 0 || somebodys(e, answers, n));
	}
	if (n)
		observe_tell(e, d, f);
}

static const char *
maker_name(const struct engine *e, uint16_t maker)
{
	const struct maker *makers;

	return maker < catalogue_makers(policy_catalogue(e->is.policy), &makers) ? makers[maker].name : "nobody known";
}

static const char *
declared_label(const struct engine *e, const struct device *d)
{
	size_t n;
	const struct policy_device *list = policy_devices(e->is.policy, &n);

	return d->inventory < n ? list[d->inventory].brand : "";
}

static void
tell_maker(struct engine *e, struct device *d, const struct flow *f, unsigned news)
{
	const struct identity *w = d->who;
	const char *label = declared_label(e, d);
	char text[400], name[ADDR_TEXT];

	if (news & NEWS_COVERED) {
		snprintf(text, sizeof text, "LENSCAP covered maker: %s is made by %s (score %u)", device_name(d, e->is.policy, name),
			 maker_name(e, w->best.maker), w->best.score);
		tell(e, d, f, SID_COVERED, ALERT_HIGH, text);
	}
	if (!w->unmask_told && identity_unmasked(w, policy_catalogue(e->is.policy), label)) {
		d->who->unmask_told = true;
		snprintf(text, sizeof text, "LENSCAP unmasked: %s is labelled %.60s and made by %s (score %u)", device_name(d, e->is.policy, name),
			 identity_label(w, label), maker_name(e, w->best.maker), w->best.score);
		tell(e, d, f, SID_UNMASKED, ALERT_HIGH, text);
	}
}

/* Another device that has this one's serial number. */
struct twin {
	const struct device *d;
	struct device *found;
};

static bool
is_twin(void *arg, struct device *other)
{
	struct twin *t = arg;

	if (other != t->d && other->who && strcmp(other->who->fact[IDENTITY_SERIAL], t->d->who->fact[IDENTITY_SERIAL]) == 0)
		t->found = other;
	return !t->found;
}

static void
tell_change(struct engine *e, struct device *d, const struct flow *f, unsigned news)
{
	struct twin t = {.d = d};
	char text[400], name[ADDR_TEXT], other[ADDR_TEXT];

	if (is_recent(e, d->who->change_told_us, CHANGE_GAP_S))
		return;
	if ((news & NEWS_SERIAL) && d->who->fact[IDENTITY_SERIAL][0])
		device_walk(e->devices, is_twin, &t);
	if (t.found)
		snprintf(text, sizeof text, "LENSCAP identity changed: %s has the serial number %s, which %s had", device_name(d, e->is.policy, name),
			 d->who->fact[IDENTITY_SERIAL], device_name(t.found, e->is.policy, other));
	else if ((news & NEWS_SECOND) && !(news & NEWS_CHANGED))
		snprintf(text, sizeof text, "LENSCAP identity changed: %s shows the fingerprint of %s (score %u) beside that of %s, serial number %s",
			 device_name(d, e->is.policy, name), maker_name(e, d->who->second.maker), d->who->second.score,
			 maker_name(e, d->who->best.maker), d->who->fact[IDENTITY_SERIAL][0] ? d->who->fact[IDENTITY_SERIAL] : "unknown");
	else if (news & NEWS_CHANGED)
		snprintf(text, sizeof text, "LENSCAP identity changed: %s shows another fingerprint than before, now %s, serial number %s",
			 device_name(d, e->is.policy, name), maker_name(e, d->who->best.maker),
			 d->who->fact[IDENTITY_SERIAL][0] ? d->who->fact[IDENTITY_SERIAL] : "unknown");
	else
		return;
	d->who->change_told_us = e->now.wall_us;
	tell(e, d, f, SID_IDENTITY_CHANGED, ALERT_HIGH, text);
}

void
observe_tell(struct engine *e, struct device *d, const struct flow *f)
{
	struct identity *w = d->who;

	if (!w || !w->news)
		return;
	unsigned news = w->news;
	w->news = 0;
	bool was = w->unmask_told;
	tell_maker(e, d, f, news);
	tell_change(e, d, f, news);
	if ((news & (NEWS_MAKER | NEWS_COVERED)) || w->unmask_told != was) {
		engine_identity_changed(e);
		chronicle_device(e, d);
	}
}

struct rebase {
	struct engine *e;
	const struct catalogue *before;
};

static bool
rebase_one(void *arg, struct device *d)
{
	struct rebase *r = arg;

	identity_rebase(d->who, r->before, policy_catalogue(r->e->is.policy));
	if (!d->by_address)
		witness_mac(r->e, d, &d->mac);
	else if (d->who && d->who->has_mac)
		witness_announces(r->e, d, &d->who->mac, false, (struct span){0}, NULL);
	return true;
}

void
observe_rebase(struct engine *e, const struct catalogue *before)
{
	struct rebase r = {e, before};

	if (before != policy_catalogue(e->is.policy))
		device_walk(e->devices, rebase_one, &r);
}

static bool
settle_restored(void *arg, struct device *d)
{
	struct engine *e = arg;

	if (!d->restored || !d->who)
		return true;
	d->who->news = 0;
	d->who->unmask_told = identity_unmasked(d->who, policy_catalogue(e->is.policy), declared_label(e, d));
	if (identity_maker(d->who) != MAKER_UNKNOWN)
		engine_identity_changed(e);
	return true;
}

void
observe_restored(struct engine *e)
{
	device_walk(e->devices, settle_restored, e);
}
