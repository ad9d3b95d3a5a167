/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows whose answer depends on what they speak. Their first bytes go to the probes; payload from the camera waits in the kernel's queue
 * until policy knows, then all of it goes in order or none of it.
 *
 * After the answer is allow, a TCP flow stays watched until its server has acknowledged every byte that was looked at: before
 * that, a camera could let a packet die on the way and send another one in its place. Only then does the kernel carry it.
 *
 * What waits is not acknowledged, so a client can show as much as it may send at once: ten segments, about 14 KiB (RFC 6928). A longer
 * ClientHello is never complete; after hold-time its protocol is unknown.
 */
#ifndef LENSCAP_INSPECT_H
#define LENSCAP_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "decode.h"
#include "flow.h"
#include "known.h"
#include "nfq.h"
#include "probe.h"

struct engine;

/* Which way one packet of a watched flow goes; engine.c made it. */
struct way {
	bool from_camera, reply;
};

/*
 * One packet of a flow whose answer is pending, or that is allowed and not yet confirmed. Answers the packet or keeps it.
 */
void inspect_packet(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p);

/* One packet of a flow that is neither. */
void inspect_answer(struct engine *e, struct flow *f, const struct queued *q);

/* The flow's answer has changed for another reason (a reload, a limit): what waits goes or falls with it. */
void inspect_settle(struct engine *e, struct flow *f);

/* The kernel has seen the server's answer to what was looked at, and carries the flow. */
void inspect_confirmed(struct engine *e, struct flow *f);

/* Forgets the first bytes of this flow. */
void inspect_forget(struct engine *e, struct flow *f);

/* Nothing will ever be known of what this flow speaks: its first bytes went by unread. */
void inspect_never(struct flow *f);

/*
 * The flow is over, and what was missing will not come: it is judged without, if it carried anything. Offline nothing else ends the wait; and of a
 * connection that is left open the kernel passes the segments that end it.
 */
void inspect_conclude(struct engine *e, struct flow *f);

/* Gives up what is kept for this flow; what still waits is dropped, or passes where nothing is ever held. */
void inspect_end(struct engine *e, struct flow *f);

/* For DNS: what waits goes with this verdict; the flow is over for us. */
void inspect_release(struct engine *e, struct flow *f, unsigned verdict);
void inspect_cut(struct engine *e, struct flow *f);

/* dnsflow.c. True: this datagram to port 53 is a DNS question, and its flow is known from here on. */
bool dns_recognises(struct flow *f, const struct packet *p);
/* One packet of a flow that speaks DNS; added: the stream has it already. Answers or keeps it. */
void dns_packet(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p, bool added);
/* dnsstream.c. Part of a question has waited too long for the rest. */
void dns_overdue(struct engine *e, struct flow *f);

/* Flows that waited too long are judged without what is missing. */
void inspect_tick(struct engine *e);

#endif
