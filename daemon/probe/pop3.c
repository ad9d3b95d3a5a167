/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POP3 (RFC 1939): a +OK greeting that says POP, or any +OK and one of its first commands. */
#include <netinet/in.h>

#include "greeting.h"
#include "probes.h"

static const struct greeting pop3 = {
	.protocol = "pop3",
	.ready = (const char *const[]){"+OK ", "+OK", NULL},
	.words = (const char *const[]){"POP3", "POP", "POP3S", NULL},
	.rivals = (const char *const[]){NULL},
	.commands = (const char *const[]){"USER", "CAPA", "APOP", "AUTH", "STLS", "QUIT", NULL},
};

static enum probe_result
pop3_inspect(const struct probe_input *in, struct app *app)
{
	return greeting_inspect(in, &pop3, app);
}

const struct probe probe_pop3 = {
	"pop3", IPPROTO_TCP, PROVES_EITHER, pop3_inspect, "POP3 by greeting and first command: the greeting",
};
