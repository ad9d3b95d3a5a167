/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what a device showed to rows of evidence and facts; see witness.h. */
#include "witness.h"

#include <stdio.h>
#include <string.h>

#include "chronicle.h"
#include "engine.h"
#include "evidence.h"
#include "../probe/field.h"
#include "sights.h"

enum {
	AGAIN_S = 60,	  /* between two words to the store of one row */
	TWO_FACES_S = 30, /* within so long two MACs are one device with two interfaces; nobody replaces a camera that fast */
};

/* A row that is known is told again from time to time, so that a later run knows how often and how lately it was seen. */
static void
tell_again(struct engine *e, struct device *d, const struct evidence *ev)
{
	struct evidence *row = identity_row(d->who, ev);

	if (!row || (row->told_us && e->now.wall_us - row->told_us < (int64_t)AGAIN_S * 1000000 && e->now.wall_us >= row->told_us))
		return;
	row->told_us = e->now.wall_us;
	chronicle_evidence(e, d, row);
}

void
witness_add(struct engine *e, struct device *d, struct evidence *ev)
{
	struct identity *w = device_identity(e->devices, d);

	if (!w)
		return;
	ev->first_us = ev->last_us = e->now.wall_us;
	ev->times = 1;
	ev->flow = d->telling;
	if (identity_add(w, policy_catalogue(e->is.policy), ev) & NEWS_EVIDENCE) {
		e->stats.evidence++;
		chronicle_device(e, d);
	}
	tell_again(e, d, ev);
}

void
witness_learn(struct engine *e, struct device *d, enum identity_fact fact, struct span value)
{
	struct identity *w = value.len ? device_identity(e->devices, d) : NULL;

	if (w && (identity_learn(w, fact, value) & NEWS_FACT))
		chronicle_device(e, d);
}

/* The label behind which somebody else's device stands is remembered as one. */
void
witness_behind_label(struct engine *e, struct device *d, struct evidence *ev)
{
	const char *label = evidence_behind_label(policy_catalogue(e->is.policy), ev);

	if (label)
		witness_learn(e, d, IDENTITY_BRAND, witness_text(label));
}

/* What an expression begins with that stands for itself; "" where that is too short to be looked for. */
static void
plain_beginning(const char *pattern, char out[EVIDENCE_PATTERN])
{
	enum { LEAST = 4 };
	size_t n = strcspn(pattern, ".[]()*+?{}|^$\\");

	if (pattern[n] && strchr("*+?{|", pattern[n])) /* which is about the character in front of it, or all of them */
		n = pattern[n] == '|' || n == 0 ? 0 : n - 1;
	if (n < LEAST || n >= EVIDENCE_PATTERN)
		n = 0;
	memcpy(out, pattern, n);
	out[n] = 0;
}

/* The part of the text that shows the pattern, if the pattern stands there as it is, or begins so. */
static struct span
excerpt_of(struct span text, const struct fingerprint *row)
{
	enum { BEFORE = 16 };
	char plain[EVIDENCE_PATTERN] = "";

	if (row->match == MATCH_REGEX)
		plain_beginning(row->pattern, plain);
	long at = row->match == MATCH_SUBSTR ? span_find(text, row->pattern) : *plain ? span_find(text, plain) : 0;

	return at > BEFORE ? field_rest(text, (size_t)at - BEFORE) : text;
}

static void
on_match(void *arg, const struct fingerprint *row)
{
	struct witness *s = arg;
	struct evidence ev = evidence_of_row(row, excerpt_of(s->text, row));

	witness_behind_label(s->e, s->d, &ev);
	witness_add(s->e, s->d, &ev);
}

void
witness_match(void *arg, enum channel channel, struct span text)
{
	struct witness *s = arg;

	s->text = text;
	if (text.len && device_index(s->e->devices, s->d) != DEVICE_ANONYMOUS)
		(void)catalogue_match(policy_catalogue(s->e->is.policy), channel, text, on_match, s);
}

/* The label that it says it bears: its own word of who sells it, and a hint of who made it where only one maker does so. */
void
witness_label(struct engine *e, struct device *d, struct span value)
{
	struct evidence ev;

	if (!sights_is_label(value))
		return;
	witness_learn(e, d, IDENTITY_BRAND, value);
	if (evidence_of_label(policy_catalogue(e->is.policy), value, &ev))
		witness_add(e, d, &ev);
}

static void
see_mac(struct engine *e, struct device *d, const struct mac *mac, bool announced)
{
	struct evidence ev;

	if (!evidence_of_mac(policy_catalogue(e->is.policy), mac, announced, &ev))
		return;
	witness_behind_label(e, d, &ev);
	witness_add(e, d, &ev);
}

void
witness_mac(struct engine *e, struct device *d, const struct mac *mac)
{
	see_mac(e, d, mac, false);
}

/* It had announced another MAC, for so long that the two are hardly one device, and does not show the serial number that it had. */
static bool
is_another(const struct engine *e, const struct identity *w, const struct mac *mac, struct span serial)
{
	bool same_serial = serial.len > 0 && span_equals(serial, w->fact[IDENTITY_SERIAL]);

	return w->has_mac && memcmp(mac, &w->mac, sizeof *mac) != 0 && !same_serial &&
	       e->now.wall_us - w->mac_us > (int64_t)TWO_FACES_S * 1000000;
}

/* The address is somebody else's now: nothing of what was known of the one before is its. */
static void
begin_anew(struct engine *e, struct device *d, const struct mac *mac, const struct flow *f)
{
	char text[400], name[ADDR_TEXT], before[MAC_TEXT], after[MAC_TEXT];

	snprintf(text, sizeof text, "LENSCAP identity changed: %s announced the MAC %s before and announces %s now; what was known of it is dropped",
		 device_name(d, e->is.policy, name), mac_print(&d->who->mac, before), mac_print(mac, after));
	report_identity(e, d, f, SID_IDENTITY_CHANGED, ALERT_HIGH, text);
	chronicle_forget(e, d);
	identity_free(d->who);
	d->who = NULL;
	d->first_us = e->now.wall_us;
	names_forget(e->names, device_index(e->devices, d));
	engine_identity_changed(e);
	chronicle_device(e, d);
}

void
witness_announces(struct engine *e, struct device *d, const struct mac *mac, bool derived, struct span serial, const struct flow *f)
{
	struct identity *w = d->by_address ? device_identity(e->devices, d) : NULL;

	if (!w || mac_is_zero(mac) || mac->b[0] & 1 || (derived && w->has_mac))
		return;
	if (w->mac_us > e->now.wall_us) /* the clock was set back */
		w->mac_us = e->now.wall_us;
	if (is_another(e, w, mac, serial)) {
		begin_anew(e, d, mac, f);
		w = device_identity(e->devices, d);
		if (!w)
			return;
	}
	if (!w->has_mac)
		w->mac = *mac;
	w->has_mac = true;
	if (memcmp(mac, &w->mac, sizeof *mac) == 0)
		w->mac_us = e->now.wall_us;
	see_mac(e, d, mac, true);
}
