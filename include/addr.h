/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses, prefixes, MACs and flow tuples.
 *
 * Every address is 16 bytes in network order. IPv4 is kept as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so one
 * comparison, one hash and one prefix tree serve both families. A packet that carries such an address in a
 * real IPv6 header is malformed (RFC 6890, table 20) and never reaches this type.
 */
#ifndef LENSCAP_ADDR_H
#define LENSCAP_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	uint8_t b[16];
};

struct prefix {
	struct addr addr; /* host bits are zero */
	uint8_t len;	  /* 0..128, in IPv6 bits: an IPv4 /24 is 120 */
};

struct mac {
	uint8_t b[6];
};

/* A flow as its initiator opened it. For ICMP echo sport is the identifier and dport is type << 8 | code. */
struct tuple {
	struct addr src, dst;
	uint16_t sport, dport; /* host order; 0 where the transport has no ports */
	uint8_t proto;	       /* IPPROTO_*, as on the wire */
	uint8_t pad[3];	       /* always zero: tuples are hashed and compared as bytes */
};

enum {
	ADDR_TEXT = 46, /* INET6_ADDRSTRLEN */
	PREFIX_TEXT = 50,
	MAC_TEXT = 18,
};

bool addr_is_v4(const struct addr *a);
void addr_from_v4(struct addr *ret, const uint8_t v4[4]);
int addr_cmp(const struct addr *a, const struct addr *b);

/* Parses dotted quads (no leading zeros, no short forms) or IPv6 text. False leaves *ret_ alone. */
bool addr_parse(const char *text, struct addr *ret_addr);

/* Writes the usual text form (IPv4 dotted) into out[ADDR_TEXT] and returns out. */
const char *addr_print(const struct addr *a, char out[ADDR_TEXT]);

/*
 * Parses "10.0.0.0/8", "fd00::/8" or a bare address (then the full length).
 * Returns 0; -1 when it is not an address or length; 1 when host bits are set, in which case
 * *ret_prefix holds the prefix with those bits cleared so that the caller can name it in a hint.
 */
int prefix_parse(const char *text, struct prefix *ret_prefix);
const char *prefix_print(const struct prefix *p, char out[PREFIX_TEXT]);
bool prefix_covers(const struct prefix *p, const struct addr *a);

/* Accepts aa:bb:cc:dd:ee:ff and aa-bb-cc-dd-ee-ff, any case. */
bool mac_parse(const char *text, struct mac *ret_mac);
const char *mac_print(const struct mac *m, char out[MAC_TEXT]);
bool mac_is_zero(const struct mac *m);

/* "tcp", "udp", "icmp", "ipv6-icmp", "gre", "esp", "sctp" … or NULL: then print the number. Upper case per EVE is the caller's. */
const char *proto_name(uint8_t proto);
/* The reverse, also accepts a number 0..255. -1 when unknown. */
int proto_number(const char *name);
/* True for TCP, UDP, UDP-Lite, SCTP, DCCP: the first four bytes of the transport header are the ports. */
bool proto_has_ports(uint8_t proto);

#endif
