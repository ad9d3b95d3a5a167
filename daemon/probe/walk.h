/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same walk for every probe that judges one message at a time: all datagrams of both
 * directions, or the beginning of both streams.
 *
 * One message that cannot be the protocol's is enough to say no. One that proves it is enough to
 * say done; short or plain ones must be several. The check is called with app NULL to judge and,
 * once the answer is done, again with app to learn, so nothing is written unless all of it is the
 * protocol's.
 */
#ifndef LENSCAP_WALK_H
#define LENSCAP_WALK_H

#include "cursor.h"
#include "probe.h"

enum sign {
	SIGN_NONE,  /* not this protocol, whatever follows */
	SIGN_MORE,  /* a stream's beginning that fits; nothing for a datagram, which never grows */
	SIGN_FITS,  /* well-formed and whole, but some other protocol could say it */
	SIGN_PROOF, /* nobody else says this */
};

/*
 * bytes: a datagram, or what is there of one direction's stream; never empty. side: PROBE_TO_SERVER
 * or PROBE_TO_CLIENT.
 */
typedef enum sign walk_check(struct span bytes, int side, struct app *app);

/* need: how many SIGN_FITS make a proof; 0 when they never do. protocol goes to app->protocol. */
enum probe_result walk_units(const struct probe_input *in, struct app *app, const char *protocol,
			     unsigned need, walk_check *check);
/* For protocols that are spoken over both transports; PROBE_NO over any other. need is for both. */
enum probe_result walk_either(const struct probe_input *in, struct app *app, const char *protocol,
			      unsigned need, walk_check *stream, walk_check *datagram);

#endif
