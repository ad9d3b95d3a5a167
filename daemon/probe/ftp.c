/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FTP (RFC 959, 4217): a 220 greeting that says FTP, or any 220 and a command that opens FTP and not SMTP. */
#include <netinet/in.h>

#include "greeting.h"
#include "probes.h"

static const struct greeting ftp = {
	.protocol = "ftp",
	.ready = (const char *const[]){"220 ", "220-", NULL},
	.words = (const char *const[]){"FTP", "FTPD", "vsFTPd", "ProFTPD", "FTPServer", NULL},
	.rivals = (const char *const[]){"SMTP", "ESMTP", NULL},
	.commands = (const char *const[]){"USER", "AUTH", "FEAT", "SYST", "HOST", "OPTS", "CLNT", "PBSZ", NULL},
};

static enum probe_result
ftp_inspect(const struct probe_input *in, struct app *app)
{
	return greeting_inspect(in, &ftp, app);
}

const struct probe probe_ftp = {
	"ftp", IPPROTO_TCP, PROVES_EITHER, ftp_inspect, "FTP by greeting and first command: the greeting",
};
