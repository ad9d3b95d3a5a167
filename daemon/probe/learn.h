/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a camera protocol gives away about the device, written into app.detail and app.banner.
 *
 * detail is a list of facts, "serial=4A0123; model=IPC-HDW2431; mac=3c:ef:8c:00:00:01". Keys in
 * use: serial, uid (an id in a vendor's peer-to-peer cloud), model, mac, vendor, name, id, request
 * (a management command that is more than a search), relay and address (DHCP: who asks for whom). The first value of a key stays; one that does
 * not fit any more is left out whole. A device cannot forge a second fact inside a value:
 * semicolons and control bytes become underscores.
 *
 * All of these do nothing when app is NULL: a probe judges first and learns in a second pass.
 */
#ifndef LENSCAP_LEARN_H
#define LENSCAP_LEARN_H

#include <stdint.h>

#include "cursor.h"
#include "probe.h"

/* Empty values are no facts. */
void learn_text(struct app *app, const char *key, struct span value);
void learn_number(struct app *app, const char *key, uint32_t value);
/* The six bytes at off of d; nothing when they are not there. */
void learn_mac(struct app *app, struct span d, size_t off);
/* A version or a vendor's own words; the first one stays. */
void learn_banner(struct app *app, struct span text);

/* A row {element or key of a document, key of the fact}. The last row's `from` is NULL. */
struct learn_row {
	const char *from, *key;
};

#endif
