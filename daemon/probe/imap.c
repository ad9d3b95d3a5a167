/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IMAP (RFC 9051): an untagged greeting that says IMAP, or any such greeting and a tagged command. */
#include <netinet/in.h>

#include "greeting.h"
#include "probes.h"

static const struct greeting imap = {
	.protocol = "imap",
	.ready = (const char *const[]){"* OK ", "* PREAUTH ", "* BYE ", NULL},
	.words = (const char *const[]){"IMAP", "IMAP4", "IMAP4rev1", "IMAP4rev2", NULL},
	.rivals = (const char *const[]){NULL},
	.commands = (const char *const[]){"CAPABILITY", "LOGIN", "STARTTLS", "AUTHENTICATE", "ID", "NOOP", "LOGOUT", NULL},
	.tagged = true,
};

static enum probe_result
imap_inspect(const struct probe_input *in, struct app *app)
{
	return greeting_inspect(in, &imap, app);
}

const struct probe probe_imap = {
	"imap", IPPROTO_TCP, PROVES_EITHER, imap_inspect, "IMAP by greeting and first command: the greeting",
};
