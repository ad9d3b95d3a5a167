/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a ClientHello to the facts that policy and records use. Encrypted DNS is named here: by ALPN, and DoH by its resolver's name. */
#include <string.h>

#include "hello.h"
#include "text.h"

enum { PORT_DOT = 853 };

static bool
offers(const struct app *app, const char *protocol)
{
	for (size_t i = 0; i < app->n_alpn; i++)
		if (strcmp(app->alpn[i], protocol) == 0)
			return true;
	return false;
}

static void
alpn_facts(const struct hello *h, struct app *app)
{
	struct cursor list = h->alpn.len ? cursor_span(h->alpn) : cursor_of("", 0);
	while (cursor_left(&list) && app->n_alpn < APP_ALPN)
		span_text(cursor_bytes(&list, cursor_u8(&list)), app->alpn[app->n_alpn++], sizeof app->alpn[0]);
}

/*
 * DoT clients rarely send ALPN (RFC 7858 asks for none), so TLS on DoT's own port without any counts as well. DoQ must send its
 * own (RFC 9250, section 4.1.1). DoH is HTTP: only who is asked tells it from other HTTP.
 */
static const char *
closer_name(const struct hello *h, const struct probe_input *in, const struct app *app)
{
	if (offers(app, "doq") && h->carrier == HELLO_QUIC)
		return "doq";
	if (h->carrier == HELLO_TLS && (offers(app, "dot") || (app->n_alpn == 0 && in->port == PORT_DOT)))
		return "dot";
	if (app->has_name && (offers(app, "h2") || offers(app, "h3") || offers(app, "http/1.1")) && resolver_known(app->name))
		return "doh";
	return NULL;
}

void
hello_facts(const struct hello *h, const struct probe_input *in, const char *plain, struct app *app)
{
	app->has_name = h->host[0] != 0;
	memcpy(app->name, h->host, strlen(h->host) + 1);
	app->ech = h->ech;
	app->encrypted = true;
	app->tls_version = h->version;
	alpn_facts(h, app);
	hello_ja4(h, app->ja4);
	const char *closer = closer_name(h, in, app);
	app->protocol = closer ? closer : plain;
}
