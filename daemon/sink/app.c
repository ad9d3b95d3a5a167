/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a flow speaks: the `tls`, `quic` and `http` objects, and `lenscap.app` with what these have no field for. All text is what
 * a camera or a stranger wrote.
 */
#include <string.h>

#include "printer.h"
#include "probe.h"

static const char hex[] = "0123456789abcdef";

/* EVE's words. "UNDETERMINED" and never nothing: readers that split the version fail on records without one. */
static const struct {
	uint16_t version;
	const char *name;
} tls_versions[] = {
	{0x0000, "UNDETERMINED"}, {0x0002, "SSLv2"},   {0x0300, "SSLv3"},   {0x0301, "TLSv1"},
	{0x0302, "TLS 1.1"},	  {0x0303, "TLS 1.2"}, {0x0304, "TLS 1.3"},
};

static void
print_tls_version(struct printer *p, uint16_t version)
{
	char number[] = "0x0000";

	for (size_t i = 0; i < sizeof tls_versions / sizeof tls_versions[0]; i++)
		if (tls_versions[i].version == version) {
			json_str(&p->j, "version", tls_versions[i].name);
			return;
		}
	for (size_t i = 0; i < 4; i++)
		number[2 + i] = hex[version >> (12 - 4 * i) & 15];
	json_str(&p->j, "version", number);
}

void
print_tls(struct printer *p, const struct record *r)
{
	const struct app *a = r->app;

	json_object(&p->j, "tls");
	if (a && a->has_name)
		print_name(p, "sni", a->name);
	print_tls_version(p, a ? a->tls_version : 0);
	if (a)
		print_known(p, "ja4", a->ja4);
	if (a && a->n_alpn > 0)
		print_names(p, "client_alpns", a->alpn[0], a->n_alpn, sizeof a->alpn[0]);
	json_object_end(&p->j);
}

/* Google's versions are four letters such as "Q043". */
static bool
is_lettered(uint32_t version)
{
	for (int shift = 16; shift >= 0; shift -= 8)
		if ((version >> shift & 0xff) < '0' || (version >> shift & 0xff) > '9')
			return false;
	return version >> 24 == 'Q';
}

/* All others are hex digits without leading zeros: QUIC version 1 is "1". */
static void
print_quic_version(struct printer *p, uint32_t version)
{
	char text[8];
	size_t n = 0;
	bool lettered = is_lettered(version);

	for (int shift = 24; lettered && shift >= 0; shift -= 8)
		text[n++] = (char)(version >> shift & 0xff);
	for (int shift = 28; !lettered && shift >= 0; shift -= 4)
		if (n > 0 || shift == 0 || version >> shift != 0)
			text[n++] = hex[version >> shift & 15];
	json_strn(&p->j, "version", text, n, sizeof text);
}

void
print_quic(struct printer *p, const struct record *r)
{
	const struct app *a = r->app;

	json_object(&p->j, "quic");
	print_quic_version(p, a ? a->quic_version : 0);
	if (a && a->has_name)
		print_name(p, "sni", a->name);
	if (a)
		print_known(p, "ja4", a->ja4);
	json_object_end(&p->j);
}

void
print_http(struct printer *p, const struct record *r)
{
	const struct app *a = r->app;

	json_object(&p->j, "http");
	if (a && a->has_name)
		print_name(p, "hostname", a->name);
	if (a) {
		print_known(p, "url", a->http_path);
		print_known(p, "http_user_agent", a->http_user_agent);
		print_known(p, "http_method", a->http_method);
	}
	if (a && a->http_status != 0)
		json_uint(&p->j, "status", a->http_status);
	json_object_end(&p->j);
}

void
print_app(struct printer *p, const struct app *a)
{
	json_object(&p->j, "app");
	print_name(p, "name", a->has_name ? a->name : "");
	json_bool(&p->j, "ech", a->ech);
	json_bool(&p->j, "encrypted", a->encrypted);
	print_names(p, "alpn", a->alpn[0], a->n_alpn, sizeof a->alpn[0]);
	print_name(p, "server", a->http_server);
	print_name(p, "realm", a->http_realm);
	print_name(p, "detail", a->detail);
	json_object_end(&p->j);
}
