/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a camera showed, cut into the texts that the catalogue's channels are about. Private to observe.c. */
#ifndef LENSCAP_SIGHTS_H
#define LENSCAP_SIGHTS_H

#include "catalogue.h"
#include "addr.h"
#include "cursor.h"
#include "probe.h"

typedef void sight_visit(void *arg, enum channel channel, struct span text);

/* What the probes read. serves: it is the camera's answer or announcement; else the camera is the client. */
void sights_app(const struct app *app, bool serves, sight_visit *visit, void *arg);
/* The first bytes that the camera itself sent. */
void sights_bytes(const struct app *app, uint8_t l4, struct span own, bool serves, sight_visit *visit, void *arg);
/* This datagram tells of its sender; it is no question to others. */
bool sights_tells(const struct app *app, struct span payload);
/* The camera's answer may still tell more. */
bool sights_more(const struct app *app, const struct probe_input *in);
/* The banner of this protocol is the firmware's version. */
bool sights_banner_is_firmware(const struct app *app);
/* Text of an element by its local name: <tds:Model>…; empty when there is none. */
struct span sights_element(struct span doc, const char *name);
/* The value of a TXT string of multicast DNS, by its key with '='; empty when there is none. */
struct span sights_txt(struct span payload, const char *key);
/* The MAC that the device says it has. *ret_derived: cut out of a longer identifier. False: it says none; ret is untouched. */
bool sights_mac(const struct app *app, struct span payload, struct mac *ret, bool *ret_derived);
/* A word that stands on a box, not one that firmware has where nobody filled it in. */
bool sights_is_label(struct span label);
/* One value of app->detail: "model=…; serial=…". Empty when there is none. */
struct span sights_detail(const struct app *app, const char *key);

#endif
