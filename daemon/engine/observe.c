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

enum {
	WEIGHT_OUI = 50,
	WEIGHT_NAME = 40,    /* a name asked for: firmware asks for its maker's cloud, and for others' */
	WEIGHT_CONTACT = 45, /* a flow to that cloud */
	WEIGHT_OUI_WEAK = 25,
	WEIGHT_LABEL = 40,
	WEIGHT_HINT_WEAK = 20,
	AT_ONCE = 8,	      /* flows of one device that are looked at for this at the same time */
	SETTLED_SCORE = 90,   /* known well enough; from then on only a few flows are looked at, in case it becomes another one */
	SETTLED_FLOWS = 2,    /* an hour */
	TELL_GAP_S = 60,      /* between two alerts of management requests to one device */
	CONTACT_GAP_S = 86400,
	CHANGE_GAP_S = 3600,
};

#define SECOND_US 1000000

static bool
is_mac_zone(const struct engine *e, uint8_t zone)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	return zone < n && !zones[zone].by_address;
}

bool
observe_wants(struct engine *e, struct device *d)
{
	uint32_t most = policy_options(e->is.policy)->identify_flows;
	int64_t now_s = e->now.wall_us / SECOND_US;

	if (identity_score(d->who) >= SETTLED_SCORE && identity_maker(d->who) != MAKER_UNKNOWN && most > SETTLED_FLOWS)
		most = SETTLED_FLOWS;
	if (now_s - d->looked_s >= 3600 || now_s < d->looked_s) {
		d->looked_s = now_s;
		d->looked = 0;
	}
	if (d->looked >= most || d->identifying >= AT_ONCE || device_index(e->devices, d) == DEVICE_ANONYMOUS)
		return false;
	d->looked++;
	d->identifying++;
	return true;
}

/* Whose words are matched. */
struct sight {
	struct engine *e;
	struct device *d;
	struct span text;
};

static struct span
text_span(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static void
add(struct engine *e, struct device *d, struct evidence *ev)
{
	struct identity *w = device_identity(e->devices, d);

	if (!w)
		return;
	ev->first_us = ev->last_us = e->now.wall_us;
	ev->times = 1;
	if (identity_add(w, policy_catalogue(e->is.policy), ev) & NEWS_EVIDENCE) {
		e->stats.evidence++;
		chronicle_evidence(e, d, ev);
		chronicle_device(e, d);
	}
}

static void
learn(struct engine *e, struct device *d, enum identity_fact fact, struct span value)
{
	struct identity *w = value.len ? device_identity(e->devices, d) : NULL;

	if (w && (identity_learn(w, fact, value) & NEWS_FACT))
		chronicle_device(e, d);
}

/*
 * Some makers of the catalogue are labels: what bears one may be anybody's. Where it is known whose, the row speaks for that maker, no more than
 * that is sure; the label is remembered as one.
 */
static void
see_behind_label(struct engine *e, struct device *d, struct evidence *ev)
{
	static const uint8_t sure[] = {[CONFIDENCE_LOW] = 20, [CONFIDENCE_MEDIUM] = 50, [CONFIDENCE_HIGH] = 80};
	const struct catalogue *c = policy_catalogue(e->is.policy);
	const struct maker *makers;
	const struct brand_row *rows;
	size_t n = catalogue_makers(c, &makers);

	if (ev->maker >= n || !makers[ev->maker].label)
		return;
	const char *label = makers[ev->maker].name;
	learn(e, d, IDENTITY_BRAND, text_span(label));
	if (catalogue_brand(c, label, &rows) != 1 || rows->maker == MAKER_UNKNOWN)
		return;
	ev->maker = rows->maker;
	if (ev->weight > sure[rows->confidence])
		ev->weight = sure[rows->confidence];
}

/* The part of the text that shows the pattern, if the pattern stands there as it is. */
static struct span
excerpt_of(struct span text, const struct fingerprint *row)
{
	enum { BEFORE = 16 };
	long at = row->match == MATCH_SUBSTR ? span_find(text, row->pattern) : 0;

	return at > BEFORE ? field_rest(text, (size_t)at - BEFORE) : text;
}

static void
on_match(void *arg, const struct fingerprint *row)
{
	struct sight *s = arg;
	struct evidence ev = {.maker = row->maker, .channel = (uint8_t)row->channel, .weight = row->weight, .weak = row->weak};

	ev.answered = channel_answers(ev.channel);
	see_behind_label(s->e, s->d, &ev);
	snprintf(ev.pattern, sizeof ev.pattern, "%s", row->pattern);
	span_text(excerpt_of(s->text, row), ev.excerpt, sizeof ev.excerpt);
	add(s->e, s->d, &ev);
}

static void
match(void *arg, enum channel channel, struct span text)
{
	struct sight *s = arg;

	s->text = text;
	if (text.len && device_index(s->e->devices, s->d) != DEVICE_ANONYMOUS)
		(void)catalogue_match(policy_catalogue(s->e->is.policy), channel, text, on_match, s);
}

/* The label that it says it bears: its own word of who sells it, and a hint of who made it where only one maker does so. */
static void
see_label(struct engine *e, struct device *d, struct span value)
{
	const struct brand_row *rows;
	struct evidence ev = {.channel = EVIDENCE_LABEL, .weight = WEIGHT_LABEL, .weak = true, .answered = true};
	char label[IDENTITY_TEXT];

	if (!sights_is_label(value))
		return;
	learn(e, d, IDENTITY_BRAND, value);
	span_text(value, label, sizeof label);
	if (catalogue_brand(policy_catalogue(e->is.policy), label, &rows) != 1 || rows->maker == MAKER_UNKNOWN)
		return;
	ev.maker = rows->maker;
	snprintf(ev.pattern, sizeof ev.pattern, "%s", rows->brand);
	snprintf(ev.excerpt, sizeof ev.excerpt, "%s", label);
	add(e, d, &ev);
}

/* What the device says of itself beside the patterns. */
static void
see_details(struct engine *e, struct device *d, const struct app *app)
{
	learn(e, d, IDENTITY_MODEL, sights_detail(app, "model"));
	learn(e, d, IDENTITY_SERIAL, sights_detail(app, "serial"));
	learn(e, d, IDENTITY_UID, sights_detail(app, "uid"));
	see_label(e, d, sights_detail(app, "vendor"));
	if (sights_banner_is_firmware(app))
		learn(e, d, IDENTITY_FIRMWARE, text_span(app->banner));
	if (app->protocol && strcmp(app->protocol, "dhcp") == 0) {
		struct sight s = {.e = e, .d = d};
		learn(e, d, IDENTITY_HOST, sights_detail(app, "name"));
		match(&s, CHANNEL_DHCP_HOSTNAME, sights_detail(app, "name"));
	}
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
		learn(e, d, rows[i].fact, sights_element(doc, rows[i].name));
	see_label(e, d, sights_element(doc, "Manufacturer"));
	see_label(e, d, sights_element(doc, "manufacturer"));
}

static void
see_mac(struct engine *e, struct device *d, const struct mac *mac)
{
	const struct oui_row *row = catalogue_oui(policy_catalogue(e->is.policy), mac);
	struct evidence ev = {.channel = EVIDENCE_OUI};
	char text[MAC_TEXT];

	if (!row || row->maker == MAKER_UNKNOWN)
		return;
	ev.maker = row->maker;
	ev.weak = row->weak;
	ev.weight = row->weak ? WEIGHT_OUI_WEAK : WEIGHT_OUI;
	see_behind_label(e, d, &ev);
	snprintf(ev.pattern, sizeof ev.pattern, "%s/%u", mac_print(&row->prefix, text), row->bits);
	snprintf(ev.excerpt, sizeof ev.excerpt, "%s", row->organisation);
	add(e, d, &ev);
}

/* Somebody who is not in the inventory wants to change this device. */
static void
check_request(struct engine *e, struct device *d, const struct app *app, const struct flow *f, const char *from, bool known)
{
	struct span request = sights_detail(app, "request");
	char text[400], what[64], name[ADDR_TEXT];

	if (!request.len || known)
		return;
	if (d->request_told_us && e->now.wall_us - d->request_told_us < (int64_t)TELL_GAP_S * SECOND_US) {
		e->stats.alerts_rolled_up++;
		return;
	}
	d->request_told_us = e->now.wall_us;
	span_text(request, what, sizeof what);
	snprintf(text, sizeof text, "LENSCAP management request: %s by %s, seen at %s; %s is not in the inventory", what, app->protocol,
		 device_name(d, e->is.policy, name), from);
	report_identity(e, d, f, SID_MANAGEMENT, ALERT_HIGH, text);
}

void
observe_app(struct engine *e, struct flow *f, const struct app *app, bool from_camera_answering)
{
	struct device *d = device_at(e->devices, f->device);
	struct sight s = {.e = e, .d = d};
	char from[ADDR_TEXT];

	if (!app->protocol)
		return;
	if (!f->inbound && app->has_name && !app->ech)
		observe_name(e, d, app->name);
	if (f->inbound)
		check_request(e, d, app, f, addr_print(&f->tuple.src, from), policy_device_by_addr(e->is.policy, &f->tuple.src) != DEVICE_UNKNOWN);
	if (f->inbound && !from_camera_answering)
		return;
	sights_app(app, f->inbound, match, &s);
	if (sights_detail(app, "request").len == 0)
		see_details(e, d, app);
}

bool
observe_bytes(struct engine *e, struct flow *f, const struct app *app, const struct probe_input *in)
{
	struct device *d = device_at(e->devices, f->device);
	const struct probe_side *own = &in->side[f->inbound ? PROBE_TO_CLIENT : PROBE_TO_SERVER];
	struct sight s = {.e = e, .d = d};
	char port[16];

	observe_app(e, f, app, f->inbound && own->n > 0);
	if (own->n > 0) {
		sights_bytes(app, in->l4, own->units[0], f->inbound, match, &s);
		if (f->inbound && in->l4 == IPPROTO_TCP)
			see_document(e, d, own->units[0]);
	}
	if (f->inbound && own->n > 0 && proto_name(in->l4)) {
		snprintf(port, sizeof port, "%u/%s", in->port, proto_name(in->l4));
		match(&s, CHANNEL_PORT, text_span(port));
	}
	return f->inbound && sights_more(app, in);
}

void
observe_announcement(struct engine *e, struct device *d, const struct packet *p, const struct app *app)
{
	struct sight s = {.e = e, .d = d};
	char from[ADDR_TEXT];
	struct mac mac;

	check_request(e, d, app, NULL, device_name(d, e->is.policy, from), d->inventory != DEVICE_UNKNOWN);
	if (sights_detail(app, "request").len == 0 && sights_tells(app, p->payload)) {
		sights_app(app, true, match, &s);
		sights_bytes(app, IPPROTO_UDP, p->payload, true, match, &s);
		see_details(e, d, app);
		/* Behind a router the MAC is where it says so itself. */
		span_text(sights_detail(app, "mac"), from, sizeof from);
		if (d->by_address && mac_parse(from, &mac))
			see_mac(e, d, &mac);
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
	see_behind_label(e, d, &ev);
	add(e, d, &ev);
}

void
observe_name(struct engine *e, struct device *d, const char *name)
{
	struct cloud_answer answers[4];
	const struct cloud_question q = {.names = &name, .n_names = 1};
	size_t n = catalogue_clouds_of(policy_catalogue(e->is.policy), &q, answers, 4);

	for (size_t i = 0; i < n; i++)
		add_hint(e, d, &answers[i], WEIGHT_NAME, name);
	struct sight s = {.e = e, .d = d};
	match(&s, CHANNEL_DNS, text_span(name));
}

void
observe_device(struct engine *e, struct device *d, const struct flow *f)
{
	struct sight s = {.e = e, .d = d};
	char text[512], name[ADDR_TEXT], addr[ADDR_TEXT];
	const struct oui_row *row = d->by_address ? NULL : catalogue_oui(policy_catalogue(e->is.policy), &d->mac);

	if (device_index(e->devices, d) == DEVICE_ANONYMOUS)
		return;
	if (!d->by_address)
		see_mac(e, d, &d->mac);
	match(&s, CHANNEL_FACTORY_IP, text_span(addr_print(&d->addr, name)));
	chronicle_device(e, d);
	/* The inventory's own were expected; in a zone of MACs an address alone is nobody's first appearance. */
	if (!d->restored && d->inventory == DEVICE_UNKNOWN && !(d->by_address && is_mac_zone(e, d->zone))) {
		snprintf(text, sizeof text, "LENSCAP new device: %s at %s on %s%s%.200s%s", device_name(d, e->is.policy, name),
			 addr_print(&d->addr, addr), link_find(e, d->ifindex)->name, row ? " (" : "", row ? row->organisation : "", row ? ")" : "");
		report_identity(e, d, NULL, SID_NEW_DEVICE, ALERT_LOW, text); /* whichever flow showed it has its own records */
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
	if (at && e->now.wall_us - at->told_us < (int64_t)CONTACT_GAP_S * SECOND_US)
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
	report_identity(e, d, f, SID_CLOUD_CONTACT, ALERT_MEDIUM, text);
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
		add_hint(e, d, &answers[i], WEIGHT_CONTACT, n_names ? names[n_names - 1] : addr_print(&facts.remote, where));
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
		report_identity(e, d, f, SID_COVERED, ALERT_HIGH, text);
	}
	if (!w->unmask_told && identity_unmasked(w, policy_catalogue(e->is.policy), label)) {
		d->who->unmask_told = true;
		snprintf(text, sizeof text, "LENSCAP unmasked: %s is labelled %.60s and made by %s (score %u)", device_name(d, e->is.policy, name),
			 identity_label(w, label), maker_name(e, w->best.maker), w->best.score);
		report_identity(e, d, f, SID_UNMASKED, ALERT_HIGH, text);
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

	if (d->who->change_told_us && e->now.wall_us - d->who->change_told_us < (int64_t)CHANGE_GAP_S * SECOND_US)
		return;
	if ((news & NEWS_SERIAL) && d->who->fact[IDENTITY_SERIAL][0])
		device_walk(e->devices, is_twin, &t);
	if (t.found)
		snprintf(text, sizeof text, "LENSCAP identity changed: %s has the serial number %s, which %s had", device_name(d, e->is.policy, name),
			 d->who->fact[IDENTITY_SERIAL], device_name(t.found, e->is.policy, other));
	else if (news & NEWS_CHANGED)
		snprintf(text, sizeof text, "LENSCAP identity changed: %s shows another fingerprint than before, now %s, serial number %s",
			 device_name(d, e->is.policy, name), maker_name(e, d->who->best.maker),
			 d->who->fact[IDENTITY_SERIAL][0] ? d->who->fact[IDENTITY_SERIAL] : "unknown");
	else
		return;
	d->who->change_told_us = e->now.wall_us;
	report_identity(e, d, f, SID_IDENTITY_CHANGED, ALERT_HIGH, text);
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
		see_mac(r->e, d, &d->mac);
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
