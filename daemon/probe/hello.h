/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ClientHello's body (RFC 8446, section 4.1.2; RFC 9147, section 5.3), whatever carried it: TLS, DTLS or QUIC. */
#ifndef LENSCAP_PROBE_HELLO_H
#define LENSCAP_PROBE_HELLO_H

#include "probe.h"

enum {
	HELLO_CIPHERS = 256, /* fewer are registered; more is no client */
	HELLO_EXTENSIONS = 128,
	HELLO_SCHEMES = 128, /* signature algorithms */
	HELLO_HEADER = 4,    /* handshake type and length */
	HELLO_CLIENT = 1,
	HELLO_SERVER = 2,
	TLS_1_0 = 0x0301,
	TLS_1_3 = 0x0304,
};

enum hello_carrier { HELLO_TLS = 't', HELLO_DTLS = 'd', HELLO_QUIC = 'q' };

/* Spans point into the message. */
struct hello {
	enum hello_carrier carrier;
	uint16_t legacy_version, version; /* version: the highest that is offered */
	uint16_t ciphers[HELLO_CIPHERS], extensions[HELLO_EXTENSIONS], schemes[HELLO_SCHEMES]; /* without GREASE */
	size_t n_ciphers, n_extensions, n_schemes;
	struct span name; /* SNI as it was sent */
	bool has_sni, ech, quic_parameters;
	struct span alpn; /* the extension's list, without its length */
	char host[APP_NAME];
};

/* c: the whole body, without the handshake header. False: malformed, which is no ClientHello. */
bool hello_read(struct cursor c, enum hello_carrier carrier, struct hello *ret);

/* RFC 8701: values that mean nothing. */
bool hello_is_grease(uint16_t v);

/* The version a ServerHello chose; 0: malformed. c: its body. */
uint16_t hello_server_version(struct cursor c);

/* SNI, ALPN, version, ECH and JA4; sets protocol to `plain`, or to doh, dot, doq where ALPN and name say so. */
void hello_facts(const struct hello *h, const struct probe_input *in, const char *plain, struct app *app);

/* JA4 as published by FoxIO (BSD 3-Clause): 36 characters, or empty when libcrypto cannot. */
void hello_ja4(const struct hello *h, char out[APP_JA4]);

/* True for the names of public DoH resolvers. */
bool resolver_known(const char *name);

#endif
