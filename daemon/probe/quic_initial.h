/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QUIC long headers, and Initial packets opened with the keys that everybody can derive (RFC 9001, section 5.2; RFC 9369). */
#ifndef LENSCAP_PROBE_QUIC_INITIAL_H
#define LENSCAP_PROBE_QUIC_INITIAL_H

#include "cursor.h"
#include "digest.h"

enum {
	QUIC_V1 = 1,
	QUIC_V2 = 0x6b3343cf,
	QUIC_CID_MAX = 20,
	QUIC_INITIAL_MIN = 1200, /* a client's datagram with an Initial is at least this long */
	QUIC_DATAGRAM_MAX = 65535,
};

enum quic_type { QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE, QUIC_RETRY };

/* A long header, as far as it is not protected. Spans point into the datagram. */
struct quic_header {
	uint32_t version;
	enum quic_type type;
	struct span dcid, scid, token;
	struct span packet; /* from the first byte to the last of this packet */
	size_t number_at;   /* offset of the protected packet number in `packet` */
};

struct quic_keys {
	uint8_t key[AES128_LEN], iv[GCM_NONCE_LEN], mask[AES128_LEN];
};

/* Reads one packet of version 1 or 2 off c. False: not one. */
bool quic_header_read(struct cursor *c, struct quic_header *ret);

/* The client's Initial keys for the connection id that it chose for the server. */
bool quic_client_keys(uint32_t version, struct span dcid, struct quic_keys *ret);

/* Opens a client's Initial. out: room for h->packet.len bytes; *ret_frames points into it. False: not authentic. */
bool quic_open(const struct quic_keys *k, const struct quic_header *h, uint8_t *out, struct span *ret_frames);

#endif
