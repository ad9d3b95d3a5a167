/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes: what does a flow speak? One file and one row each; walked in order by probe_inspect().
 *
 * A probe is a pure function of the first bytes of both directions. It keeps no state and no pointer into them: what came in several
 * packets is shown again from the start, so the answer cannot depend on how a camera cuts its segments. Reads go
 * through the cursor only; work is bounded by the input's length. A port is never a reason: at most a second one, beside bytes.
 *
 * PROBE_NO is final for the bytes seen and all that could follow; PROBE_MORE says that these bytes fit and more are needed;
 * PROBE_DONE proves the protocol, with all the facts that this probe yields. A row must not say DONE on bytes that another
 * protocol's ordinary traffic can begin with.
 *
 * A row writes to *app only when it says DONE.
 */
#ifndef LENSCAP_PROBE_H
#define LENSCAP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

enum {
	PROBE_TO_SERVER = 0,
	PROBE_TO_CLIENT = 1,
	PROBE_UNITS = 16,	  /* datagrams of one direction that are remembered */
	PROBE_STREAM = 20480,	  /* bytes of one direction of a TCP stream that are remembered: a 16 KiB ClientHello and its headers */
	APP_NAME = 256,
	APP_TEXT = 128,
	APP_JA4 = 40,
	APP_ALPN = 8,
};

enum probe_result { PROBE_NO, PROBE_MORE, PROBE_DONE };

/* One direction. TCP: one unit, the contiguous bytes from the first on. UDP and others: one unit a datagram, in order of arrival. */
struct probe_side {
	const struct span *units;
	size_t n;
	bool ended; /* nothing more will be remembered of this direction (FIN, or a limit): what is missing stays missing */
};

struct probe_input {
	uint8_t l4;   /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 or any other */
	uint16_t port; /* that was opened; 0 none. Never sufficient. ICMP: type << 8 | code; units are what follows the 8-byte header */
	struct probe_side side[2];
};

/* What was learnt. Text is as it was on the wire, cut at the named size, NUL-terminated; host names in lower case without the last dot. */
struct app {
	const char *protocol; /* the name that policy and EVE use; static. NULL: not known */
	bool has_name;	      /* the client named its server: SNI, Host, CONNECT target…; an address literal is no name */
	char name[APP_NAME];
	bool has_query;	      /* DNS question; of the newest query when the view holds several */
	char query[APP_NAME];
	uint16_t query_type, query_class;
	bool ech;	      /* Encrypted ClientHello offered: `name` is the outer one */
	bool encrypted;	      /* payload is opaque from here on */
	uint16_t tls_version; /* highest offered by the client, or chosen by the server when seen; 0x0304 is TLS 1.3 */
	uint32_t quic_version;
	size_t n_alpn;
	char alpn[APP_ALPN][32];
	char ja4[APP_JA4];
	char http_method[16], http_path[APP_NAME], http_user_agent[APP_TEXT], http_server[APP_TEXT], http_realm[APP_TEXT];
	uint16_t http_status;
	char banner[APP_TEXT]; /* first line of SSH, FTP, SMTP, Telnet servers; user agents of SIP; client id of MQTT */
	bool tls_certificate;  /* of the server was seen: TLS up to 1.2 */
	char tls_subject[APP_NAME], tls_issuer[APP_NAME]; /* its names: CN=…,O=…,C=… */
	char detail[APP_TEXT]; /* serial number, device model, P2P id and the like that the protocol shows */
};

enum { PROVES_CLIENT = 1 << PROBE_TO_SERVER, PROVES_SERVER = 1 << PROBE_TO_CLIENT, PROVES_EITHER = 3 };

struct probe {
	const char *name; /* protocol name */
	uint8_t l4;	  /* IPPROTO_*; 0: any */
	uint8_t proves;	  /* PROVES_*: which side's bytes can still turn MORE into DONE */
	enum probe_result (*inspect)(const struct probe_input *in, struct app *app);
	const char *help; /* one line: source and what is learnt */
};

/* The rows in the order of asking; *ret_n of them. Each name stands once. */
const struct probe *const *probe_list(size_t *ret_n);

/* The inspect of a row that only lists a name which another row gives after a closer look (doh, onvif): always NO. */
enum probe_result probe_alias(const struct probe_input *in, struct app *app);

/*
 * Fetches libcrypto's algorithms, which may read files: once, before the sandbox closes. False: libcrypto lacks one; then QUIC
 * stays unread and JA4 empty.
 */
bool probe_start(void);

/*
 * Asks every row for this transport. PROBE_DONE: *ret_app is filled, protocol is never NULL. PROBE_MORE: some row still may say yes. PROBE_NO: no row ever
 * will: the protocol is unknown, which is an answer; ret_app->protocol is NULL. Of ret_app's texts nothing is written behind their NUL, nor of alpn
 * behind n_alpn.
 * Never more than a few microseconds on bounded input.
 */
enum probe_result probe_inspect(const struct probe_input *in, struct app *ret_app);

#endif
