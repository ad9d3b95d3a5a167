/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LLDP; see lldp.h. A frame is TLVs of type 7 bits, length 9 bits, value: chassis, port and time to live first, in this order and once
 * (IEEE 802.1AB, 9.2.7.7.1), then others, then an end of type 0, behind which padding may stand.
 *   chassis, port:  subtype 1 | identifier
 *   capabilities:   system 2 | enabled 2
 *   organisation's: OUI 3 | subtype 1 | value
 */
#include "lldp.h"

#include <string.h>

enum { END, CHASSIS, PORT, TTL, PORT_TEXT, NAME, DESCRIPTION, CAPABILITIES, MANAGEMENT, ORGANISATION = 127 };
enum { TLVS_MAX = 128, VALUE_MAX = 255, OUI_MED = 0x0012bb };
enum { CHASSIS_COMPONENT = 1, CHASSIS_ALIAS, CHASSIS_PORT, CHASSIS_MAC, CHASSIS_NETWORK, CHASSIS_INTERFACE, CHASSIS_LOCAL };
enum { PORT_ALIAS = 1, PORT_INTERFACE = 5, PORT_LOCAL = 7 };

static bool
read_chassis(struct cursor c, struct lldp *l)
{
	size_t len = cursor_left(&c);
	uint8_t kind = cursor_u8(&c);

	if (len < 2 || len > VALUE_MAX + 1)
		return false;
	l->has_mac = kind == CHASSIS_MAC && len == 1 + sizeof l->mac.b;
	if (l->has_mac)
		cursor_copy(&c, l->mac.b, sizeof l->mac.b);
	else if (kind != CHASSIS_MAC && kind != CHASSIS_NETWORK)
		l->chassis = cursor_rest(&c);
	return kind != CHASSIS_MAC || l->has_mac;
}

static bool
read_port(struct cursor c, struct lldp *l)
{
	size_t len = cursor_left(&c);
	uint8_t kind = cursor_u8(&c);

	if (kind == PORT_ALIAS || kind == PORT_INTERFACE || kind == PORT_LOCAL)
		l->port = cursor_rest(&c);
	return len >= 2 && len <= VALUE_MAX + 1;
}

static bool
read_ttl(struct cursor c, struct lldp *l)
{
	(void)l;
	return cursor_left(&c) >= 2;
}

/* The three that a frame begins with. */
static bool (*const first[])(struct cursor c, struct lldp *l) = {[CHASSIS] = read_chassis, [PORT] = read_port, [TTL] = read_ttl};

static void
read_med(struct cursor c, struct lldp *l)
{
	struct span *const inventory[] = {[6] = &l->firmware, [7] = &l->software, [8] = &l->serial, [9] = &l->manufacturer, [10] = &l->model};
	uint32_t oui = cursor_u24(&c);
	uint8_t kind = cursor_u8(&c);

	if (oui == OUI_MED && kind < sizeof inventory / sizeof *inventory && inventory[kind])
		*inventory[kind] = cursor_rest(&c);
}

static bool
read_other(unsigned type, struct cursor c, struct lldp *l)
{
	size_t len = cursor_left(&c);

	switch (type) {
	case CHASSIS:
	case PORT:
	case TTL:
		return false; /* once only */
	case NAME:
		l->name = cursor_rest(&c);
		return len <= VALUE_MAX;
	case DESCRIPTION:
		l->description = cursor_rest(&c);
		return len <= VALUE_MAX;
	case CAPABILITIES:
		l->capabilities = cursor_u16(&c);
		l->enabled = cursor_u16(&c);
		l->has_capabilities = len == 4;
		return len == 4;
	case ORGANISATION:
		read_med(c, l);
		return len >= 4;
	default:
		return true;
	}
}

bool
lldp_read(struct span payload, struct lldp *ret)
{
	struct cursor c = cursor_span(payload);

	memset(ret, 0, sizeof *ret);
	for (unsigned n = 1; n <= TLVS_MAX; n++) {
		uint16_t head = cursor_u16(&c);
		unsigned type = head >> 9;
		struct cursor value = cursor_take(&c, head & 0x1ff);
		if (value.bad)
			return false;
		if (n <= TTL) {
			if (type != n || !first[n](value, ret))
				return false;
			continue;
		}
		if (type == END)
			return cursor_left(&value) == 0;
		if (!read_other(type, value, ret))
			return false;
		if (cursor_left(&c) == 0)
			return true; /* 802.1AB-2009 and later: the end may be left out */
	}
	return false;
}
