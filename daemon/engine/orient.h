/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a packet to the two sides of its flow: who opened it, which of them is the camera, and which device that is. */
#ifndef LENSCAP_ORIENT_H
#define LENSCAP_ORIENT_H

#include "engine.h"

/* Which way a packet goes, and who is the camera. */
struct orientation {
	struct tuple tuple; /* as the initiator opened it */
	bool reply;	    /* the packet travels towards the initiator */
	bool inbound;	    /* the far side opened it */
	bool from_camera;   /* the packet left the camera side */
	uint8_t zone, remote_zone;
	uint32_t ifindex;
};

struct orientation orient(const struct engine *e, const struct queued *q, const struct packet *p);
/* The device on the camera side; made when it is new. Never NULL. */
struct device *attach_device(struct engine *e, const struct orientation *o, const struct queued *q, bool *ret_new);
/* Where only addresses are known: the guarded zone of a camera, and the zone of the far side or ZONE_NONE. */
uint8_t guarded_zone_of(const struct engine *e, const struct addr *camera);
uint8_t far_zone_of(const struct engine *e, const struct addr *a);
/* True when the kernel's hint is in the packet's mark, which then holds no verdict. */
bool hinted(const struct engine *e, const struct queued *q, unsigned hint);

#endif
