/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's own certificate, as TLS up to 1.2 shows it in the clear. */
#ifndef LENSCAP_PROBE_CERTIFICATE_H
#define LENSCAP_PROBE_CERTIFICATE_H

#include "probe.h"

/*
 * Reads the first certificate of a server's first flight into app->tls_subject and app->tls_issuer, written as RFC 4514 does:
 * CN=www.example.com,O=Example,C=CN. Sets app->tls_certificate where there is one. server: all that the server sent. Anything odd leaves
 * app as it was.
 */
void certificate_read(struct cursor server, struct app *app);

#endif
