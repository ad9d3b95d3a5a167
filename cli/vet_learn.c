/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an answer to evidence: the probes read it, the catalogue's rows are matched against it, the identity judges. What we said ourselves
 * proves nothing of the device, so a protocol counts only where the answer alone shows it.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../daemon/engine/sights.h"
#include "catalogue.h"
#include "evidence.h"
#include "vet.h"

/* Whose words are matched, and where what comes of it goes. */
struct hearing {
	struct vet_device *d;
	const struct catalogue *c;
	struct span text;
	bool proved; /* its own words show which protocol it is */
	int64_t now_us;
};

static struct span
span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static struct identity *
identity_of(struct vet_device *d)
{
	if (!d->who)
		d->who = identity_new();
	return d->who;
}

static void
learn(struct hearing *h, enum identity_fact fact, struct span value)
{
	struct identity *w = value.len ? identity_of(h->d) : NULL;

	if (w)
		(void)identity_learn(w, fact, value);
}

static void
add(struct hearing *h, struct evidence *ev)
{
	struct identity *w = ev->maker != MAKER_UNKNOWN ? identity_of(h->d) : NULL;

	ev->first_us = ev->last_us = h->now_us;
	ev->times = 1;
	if (w)
		(void)identity_add(w, h->c, ev);
}

/* The label behind which somebody else's device stands is remembered as one. */
static void
see_behind_label(struct hearing *h, struct evidence *ev)
{
	const char *label = evidence_behind_label(h->c, ev);

	if (label)
		learn(h, IDENTITY_BRAND, span_of(label));
}

static void
on_match(void *arg, const struct fingerprint *row)
{
	struct hearing *h = arg;
	struct evidence ev = evidence_of_row(row, h->text);

	see_behind_label(h, &ev);
	add(h, &ev);
}

static void
see_label(struct hearing *h, struct span value)
{
	struct evidence ev;

	if (!sights_is_label(value))
		return;
	learn(h, IDENTITY_BRAND, value);
	if (evidence_of_label(h->c, value, &ev))
		add(h, &ev);
}

/* The path was our word, and many a device answers 401 to every path there is. */
static bool
is_our_word(const struct hearing *h, enum channel channel)
{
	return channel == CHANNEL_HTTP_PATH || channel == CHANNEL_RTSP_PATH || (channel == CHANNEL_PROTOCOL && !h->proved);
}

static void
match(void *arg, enum channel channel, struct span text)
{
	struct hearing *h = arg;

	h->text = text;
	if (text.len && !is_our_word(h, channel))
		(void)catalogue_match(h->c, channel, text, on_match, h);
}

static void
see_details(struct hearing *h, const struct app *app)
{
	char text[32];
	struct mac mac;

	learn(h, IDENTITY_MODEL, sights_detail(app, "model"));
	learn(h, IDENTITY_SERIAL, sights_detail(app, "serial"));
	learn(h, IDENTITY_UID, sights_detail(app, "uid"));
	see_label(h, sights_detail(app, "vendor"));
	if (sights_banner_is_firmware(app))
		learn(h, IDENTITY_FIRMWARE, span_of(app->banner));
	span_text(sights_detail(app, "mac"), text, sizeof text);
	if (!h->d->has_mac && mac_parse(text, &mac))
		vet_learn_mac(h->d, h->c, &mac, h->now_us);
}

/* ONVIF's GetDeviceInformationResponse. */
static void
see_information(struct hearing *h, struct span doc)
{
	if (span_find(doc, "GetDeviceInformationResponse>") < 0)
		return;
	learn(h, IDENTITY_MODEL, sights_element(doc, "Model"));
	learn(h, IDENTITY_FIRMWARE, sights_element(doc, "FirmwareVersion"));
	learn(h, IDENTITY_SERIAL, sights_element(doc, "SerialNumber"));
	see_label(h, sights_element(doc, "Manufacturer"));
}

/* What the device says when nothing of ours is beside it; else what it says to our question. True: its own words prove the protocol. */
static bool
read_answer(const struct vet_question *q, struct span asked, struct span answer, struct app *app)
{
	struct probe_input in = {.l4 = q->l4, .port = q->port};

	in.side[PROBE_TO_SERVER].ended = in.side[PROBE_TO_CLIENT].ended = true;
	in.side[PROBE_TO_CLIENT].units = &answer;
	in.side[PROBE_TO_CLIENT].n = 1;
	if (probe_inspect(&in, app) == PROBE_DONE)
		return true;
	in.side[PROBE_TO_SERVER].units = &asked;
	in.side[PROBE_TO_SERVER].n = asked.len > 0;
	(void)probe_inspect(&in, app);
	return false;
}

static void
note_spoken(struct vet_device *d, const char *name)
{
	for (size_t i = 0; i < d->n_spoken; i++)
		if (strcmp(d->spoken[i], name) == 0)
			return;
	if (d->n_spoken < VET_SPOKEN)
		d->spoken[d->n_spoken++] = name;
}

void
vet_learn(struct vet_device *d, const struct catalogue *c, const struct vet_question *q, struct span asked, struct span answer, int64_t now_us)
{
	struct hearing h = {.d = d, .c = c, .now_us = now_us};
	struct app app;

	/* Who only sends back what was said has not spoken. */
	if (asked.len && answer.len >= asked.len && memcmp(answer.p, asked.p, asked.len) == 0)
		return;
	h.proved = read_answer(q, asked, answer, &app);
	note_spoken(d, q->name);
	sights_app(&app, true, match, &h);
	sights_bytes(&app, q->l4, answer, true, match, &h);
	see_details(&h, &app);
	if (q->l4 == IPPROTO_TCP)
		see_information(&h, answer);
}

void
vet_learn_mac(struct vet_device *d, const struct catalogue *c, const struct mac *mac, int64_t now_us)
{
	struct hearing h = {.d = d, .c = c, .now_us = now_us};
	struct evidence ev;

	d->has_mac = true;
	d->mac = *mac;
	if (!evidence_of_mac(c, mac, false, &ev))
		return;
	see_behind_label(&h, &ev);
	add(&h, &ev);
}

void
vet_forget(struct vet_device *d)
{
	identity_free(d->who);
	d->who = NULL;
}
