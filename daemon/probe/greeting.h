/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line protocols where the server speaks first: FTP, SMTP, POP3, IMAP. Their greetings look alike; this is what tells them apart. */
#ifndef LENSCAP_PROBE_GREETING_H
#define LENSCAP_PROBE_GREETING_H

#include "probe.h"

struct greeting {
	const char *protocol;
	const char *const *ready;    /* how the server's first line begins; NULL at the end */
	const char *const *words;    /* a word of that line which proves the protocol by itself; NULL at the end */
	const char *const *rivals;   /* a word that forbids that */
	const char *const *commands; /* what a client may say first; NULL at the end */
	bool tagged;		     /* a command stands behind a tag (IMAP) */
	bool command_proves;	     /* such a command needs no greeting beside it */
};

/* A row's answer. Fills protocol and banner. */
enum probe_result greeting_inspect(const struct probe_input *in, const struct greeting *g, struct app *app);

#endif
