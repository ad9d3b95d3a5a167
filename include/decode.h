/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the bytes of one IP packet to its headers. Every read is checked; what is malformed or still a fragment has its
 * own reason. Sources: RFC 791, 8200 (4: extension headers), 9293, 768, 792, 4443.
 */
#ifndef LENSCAP_DECODE_H
#define LENSCAP_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"
#include "record.h"

enum {
	DECODE_EXT_MAX = 8, /* IPv6 extension headers in one packet */
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
};

struct packet {
	struct tuple tuple;  /* as this packet travels: src sent it */
	uint8_t tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_urgent;
	uint32_t ip_len;     /* length on the wire, from the kernel where our copy is cut short */
	struct span payload; /* of the transport, as far as it was copied; points into the caller's buffer */
	uint32_t payload_len; /* on the wire; more than payload.len when the copy was cut short */
	bool icmp_error;     /* then `inner` is the packet that caused it, as that packet travelled */
	struct tuple inner;
};

/*
 * ip: the bytes from the IP header on, maybe cut short; wire_len: the packet's real length. DROP_NONE: *ret_packet is filled.
 * On any other reason *ret_packet holds the addresses if those could be read, and zero otherwise.
 */
enum drop_reason decode(struct span ip, size_t wire_len, struct packet *ret_packet);

/* The initiator's tuple for a packet that travels in the reply direction. */
struct tuple tuple_reverse(const struct tuple *t);

#endif
