/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SMTP (RFC 5321): a 220 greeting that says SMTP, or EHLO, HELO as the client's first word. */
#include <netinet/in.h>

#include "greeting.h"
#include "probes.h"

static const struct greeting smtp = {
	.protocol = "smtp",
	.ready = (const char *const[]){"220 ", "220-", "421 ", "554 ", NULL},
	.words = (const char *const[]){"SMTP", "ESMTP", NULL},
	.rivals = (const char *const[]){"FTP", "FTPD", NULL},
	.commands = (const char *const[]){"EHLO", "HELO", "LHLO", NULL},
	.command_proves = true,
};

static enum probe_result
smtp_inspect(const struct probe_input *in, struct app *app)
{
	return greeting_inspect(in, &smtp, app);
}

const struct probe probe_smtp = {
	"smtp", IPPROTO_TCP, PROVES_EITHER, smtp_inspect, "SMTP by greeting or EHLO: the greeting",
};
