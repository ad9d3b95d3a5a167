/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who bought which block of MAC addresses. */
#include <stdlib.h>
#include <string.h>

#include "catalogue_private.h"

enum { OUI_PREFIX, OUI_MAKER, OUI_ORGANISATION, OUI_WEAK, OUI_SOURCE };

static struct mac
masked(const struct mac *mac, unsigned bits)
{
	struct mac m = *mac;
	for (unsigned i = 0; i < sizeof(m.b); i++) {
		unsigned left = bits > i * 8 ? bits - i * 8 : 0;
		m.b[i] &= left >= 8 ? 0xff : (uint8_t)(0xff00 >> left);
	}
	return m;
}

/* "AA:BB:CC", or "AA:BB:CC:D0:00:00/28" and /36. NULL, or what is wrong. */
static const char *
parse_prefix(const char *text, struct mac *ret_prefix, uint8_t *ret_bits)
{
	char full[MAC_TEXT];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned bits = !slash ? 24 : strcmp(slash, "/28") == 0 ? 28 : strcmp(slash, "/36") == 0 ? 36 : 0;
	struct mac mac;
	if (!bits || len != (slash ? 17 : 8))
		return "AA:BB:CC, or AA:BB:CC:D0:00:00/28 and /36";
	memcpy(full, text, len);
	memcpy(full + len, slash ? "" : ":00:00:00", slash ? 1 : 10);
	if (!mac_parse(full, &mac))
		return "AA:BB:CC, or AA:BB:CC:D0:00:00/28 and /36";
	struct mac cut = masked(&mac, bits);
	if (memcmp(&cut, &mac, sizeof(mac)) != 0)
		return "the bits behind the prefix must be zero";
	if (mac.b[0] & 3)
		return "no owner has group addresses or locally administered ones";
	*ret_prefix = mac;
	*ret_bits = (uint8_t)bits;
	return NULL;
}

void
oui_read(struct row *r)
{
	struct oui_row o = {.organisation = row_text(r, OUI_ORGANISATION), .source = row_text(r, OUI_SOURCE), .spot = r->spot};
	const char *wrong = parse_prefix(r->cells[OUI_PREFIX].text, &o.prefix, &o.bits);
	if (wrong)
		diag_hint(row_error(r, OUI_PREFIX, "E165", "\"%.64s\" is not a prefix of MAC addresses", r->cells[OUI_PREFIX].text),
			  "%s", wrong);
	o.maker = row_maker(r, OUI_MAKER);
	if (!row_weak(r, OUI_WEAK, &o.weak) || wrong || o.maker == MAKER_UNKNOWN)
		return;
	struct oui_row *row = build_push(r->b, sizeof(*row));
	if (row)
		*row = o;
}

static int
by_prefix(const void *a, const void *b)
{
	const struct oui_row *x = a, *y = b;
	int order = memcmp(&x->prefix, &y->prefix, sizeof(x->prefix));
	return order ? order : x->bits - y->bits;
}

void
oui_finish(struct build *b)
{
	struct catalogue *c = b->c;
	c->ouis = b->rows.items;
	c->n_ouis = build_tidy(b, c->ouis, b->rows.n, sizeof(*c->ouis), by_prefix, offsetof(struct oui_row, spot));
	for (size_t i = 0; i < c->n_ouis; i++)
		c->oui_bits |= UINT64_C(1) << c->ouis[i].bits;
}

const struct oui_row *
catalogue_oui(const struct catalogue *c, const struct mac *mac)
{
	if (mac->b[0] & 3)
		return NULL;
	for (unsigned bits = 48; bits >= 24; bits--) {
		if (!(c->oui_bits >> bits & 1))
			continue;
		struct oui_row key = {.prefix = masked(mac, bits), .bits = (uint8_t)bits};
		const struct oui_row *hit = bsearch(&key, c->ouis, c->n_ouis, sizeof(key), by_prefix);
		if (hit)
			return hit;
	}
	return NULL;
}

size_t
catalogue_ouis(const struct catalogue *c, const struct oui_row **ret)
{
	*ret = c->ouis;
	return c->n_ouis;
}
