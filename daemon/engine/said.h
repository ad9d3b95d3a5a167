/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between inspect.c, which decides, and said.c: the bytes that an answer rests on, until the far side is known to have them and no others. */
#ifndef LENSCAP_SAID_H
#define LENSCAP_SAID_H

#include "engine.h"

/* The flow has just been allowed. f->said: the kernel will see it confirmed. */
void said_remember(struct engine *e, struct flow *f);
/* Payload of the camera before that, where only a hash is kept. Answers the packet or keeps it. */
void said_again(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p);
/* Other bytes came: no policy lets the flow go on. */
void said_otherwise(struct engine *e, struct flow *f, const char *trick);

/* inspect.c, for said.c. */
bool inspect_by_camera(const struct flow *f);
/* True: the flow has a stream. */
bool inspect_remember(struct engine *e, struct flow *f);
/* What is wrong with bytes of which a stream says this; NULL: nothing. */
const char *inspect_trick(unsigned notes);
unsigned inspect_verdict(struct engine *e, struct flow *f);
void inspect_give(struct engine *e, struct flow *f, const struct queued *q, unsigned verdict);

#endif
