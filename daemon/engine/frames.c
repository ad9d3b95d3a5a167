/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that are not IP, and what they say of who made their sender: LLDP, and Hikvision's search on layer 2, whose header is
 *   magic 21 | version 02 | series 1 | length 1 | sequence 4 | hardware length 6 | address length 4 | what 1 | code 1 | checksum 2 |
 *   sender's MAC 6, IPv4 4 | receiver's MAC 6, IPv4 4 | mask 4 | data; of an answer: serial number 48, four numbers of 4, software 48
 */
#include <stdio.h>

#include "../probe/field.h"
#include "../probe/lldp.h"
#include "engine.h"
#include "identity.h"
#include "witness.h"

enum {
	SADP_ETHERTYPE = 0x8033,
	SADP_WHAT = 10,
	SADP_DATA = 38,
	SADP_TEXT = 48,
	SADP_SOFTWARE = SADP_DATA + SADP_TEXT + 16,
};

static bool
see_lldp(struct engine *e, struct device *d, struct span payload)
{
	struct witness s = {.e = e, .d = d};
	struct lldp l;

	if (!lldp_read(payload, &l))
		return false;
	witness_learn(e, d, IDENTITY_HOST, l.name);
	witness_learn(e, d, IDENTITY_MODEL, l.model);
	witness_learn(e, d, IDENTITY_SERIAL, l.serial);
	witness_learn(e, d, IDENTITY_FIRMWARE, l.software.len ? l.software : l.firmware);
	witness_label(e, d, l.manufacturer);
	witness_match(&s, CHANNEL_MODEL, l.model);
	/* 802.1AB, 8.5.7: what SNMP would say. */
	witness_match(&s, CHANNEL_SNMP_SYSDESCR, l.description);
	return true;
}

/* Who asks, runs a program or a recorder; the device is who answers. */
static bool
sadp_answers(struct span p)
{
	static const uint8_t head[] = {0x21, 0x02}, lengths[] = {6, 4};
	static const uint8_t answers[] = {4 /* to a search */, 7 /* to a change of addresses */, 11 /* to a new password */};
	uint8_t what = field_u8(p, SADP_WHAT);

	if (!field_is(p, 0, head, sizeof head) || !field_is(p, 8, lengths, sizeof lengths))
		return false;
	for (size_t i = 0; i < sizeof answers; i++)
		if (answers[i] == what)
			return true;
	return false;
}

static bool
see_sadp(struct engine *e, struct device *d, struct span payload)
{
	if (!sadp_answers(payload))
		return false;
	if (field_u8(payload, SADP_WHAT) != 4)
		return true;
	struct span serial = field_text(payload, SADP_DATA, SADP_TEXT), software = field_text(payload, SADP_SOFTWARE, SADP_TEXT);
	if (field_printable(serial))
		witness_learn(e, d, IDENTITY_SERIAL, serial);
	if (field_printable(software))
		witness_learn(e, d, IDENTITY_FIRMWARE, software);
	return true;
}

/* Each says whether the frame is its sender's word about itself. */
static const struct {
	uint16_t ethertype;
	bool (*see)(struct engine *e, struct device *d, struct span payload);
} kinds[] = {
	{LLDP_ETHERTYPE, see_lldp},
	{SADP_ETHERTYPE, see_sadp},
};

void
observe_frame(struct engine *e, struct device *d, uint16_t ethertype, struct span payload)
{
	struct witness s = {.e = e, .d = d};
	char text[24];

	if (device_index(e->devices, d) == DEVICE_ANONYMOUS || d->by_address)
		return;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].ethertype == ethertype && !kinds[i].see(e, d, payload))
			return;
	snprintf(text, sizeof text, "ethertype %04x", ethertype);
	witness_match(&s, CHANNEL_LINK_LAYER, witness_text(text));
	observe_tell(e, d, NULL);
}
