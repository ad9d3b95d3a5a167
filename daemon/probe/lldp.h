/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a neighbour on the wire says of itself: LLDP (IEEE 802.1AB) with the inventory of LLDP-MED (ANSI/TIA-1057). */
#ifndef LENSCAP_PROBE_LLDP_H
#define LENSCAP_PROBE_LLDP_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"

enum { LLDP_ETHERTYPE = 0x88cc };

/* Views of the frame; empty: not said. */
struct lldp {
	bool has_mac;	     /* the chassis is named by its MAC */
	struct mac mac;
	struct span chassis; /* where it is named otherwise, as text */
	struct span port;    /* its name, where that is text */
	struct span name, description;
	bool has_capabilities;
	uint16_t capabilities, enabled; /* bits of 802.1AB, table 8-4: 2 bridge, 3 access point, 4 router, 5 telephone, 7 station */
	struct span firmware, software, serial, manufacturer, model; /* LLDP-MED */
};

/* payload: what follows the Ethernet type. False: it is malformed, and *ret is not to be used. */
bool lldp_read(struct span payload, struct lldp *ret);

#endif
