/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knows what a match of the catalogue is worth as evidence; see evidence.h. */
#include "evidence.h"

#include <stdio.h>

#include "addr.h"

enum { WEIGHT_OUI = 50, WEIGHT_OUI_WEAK = 25, WEIGHT_LABEL = 40 };

struct evidence
evidence_of_row(const struct fingerprint *row, struct span shown)
{
	struct evidence ev = {.maker = row->maker, .channel = (uint8_t)row->channel, .weight = row->weight, .weak = row->weak};

	ev.answered = channel_answers(ev.channel);
	snprintf(ev.pattern, sizeof ev.pattern, "%s", row->pattern);
	span_text(shown, ev.excerpt, sizeof ev.excerpt);
	return ev;
}

bool
evidence_of_label(const struct catalogue *c, struct span label, struct evidence *ret)
{
	const struct brand_row *rows;
	char text[IDENTITY_TEXT];

	span_text(label, text, sizeof text);
	if (catalogue_brand(c, text, &rows) != 1 || rows->maker == MAKER_UNKNOWN)
		return false;
	*ret = (struct evidence){.maker = rows->maker, .channel = EVIDENCE_LABEL, .weight = WEIGHT_LABEL, .weak = true, .answered = true};
	snprintf(ret->pattern, sizeof ret->pattern, "%s", rows->brand);
	snprintf(ret->excerpt, sizeof ret->excerpt, "%s", text);
	return true;
}

bool
evidence_of_mac(const struct catalogue *c, const struct mac *mac, bool announced, struct evidence *ret)
{
	const struct oui_row *row = catalogue_oui(c, mac);
	char text[MAC_TEXT];

	if (!row || row->maker == MAKER_UNKNOWN)
		return false;
	*ret = (struct evidence){.maker = row->maker, .channel = EVIDENCE_OUI, .weak = row->weak};
	ret->weight = row->weak ? WEIGHT_OUI_WEAK : WEIGHT_OUI;
	snprintf(ret->pattern, sizeof ret->pattern, "%s%s/%u", announced ? IDENTITY_ANNOUNCED : "", mac_print(&row->prefix, text), row->bits);
	snprintf(ret->excerpt, sizeof ret->excerpt, "%s%s%s", announced ? mac_print(mac, text) : "", announced ? " " : "", row->organisation);
	return true;
}

const char *
evidence_behind_label(const struct catalogue *c, struct evidence *ev)
{
	static const uint8_t sure[] = {[CONFIDENCE_LOW] = 20, [CONFIDENCE_MEDIUM] = 50, [CONFIDENCE_HIGH] = 80};
	const struct maker *makers;
	const struct brand_row *rows;
	size_t n = catalogue_makers(c, &makers);

	if (ev->maker >= n || !makers[ev->maker].label)
		return NULL;
	const char *label = makers[ev->maker].name;
	if (catalogue_brand(c, label, &rows) == 1 && rows->maker != MAKER_UNKNOWN) {
		ev->maker = rows->maker;
		if (ev->weight > sure[rows->confidence])
			ev->weight = sure[rows->confidence];
	}
	return label;
}
