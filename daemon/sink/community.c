/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Community ID version 1: the same text for the same flow in every tool that sees it, whichever side it was seen from.
 *
 *	SHA-1 over: seed (2 bytes, 0) | address A | address B | protocol | 0 | port A | port B
 *
 * where A is the smaller of the two (address, port) ends. ICMP has types for ports: a request and its reply are two ends of one flow; what
 * has no counterpart is one-way, keeps its order, and has type and code for ports. Transports without ports stop after the 0.
 */
#include "record.h"

/* The plain functions work on the stack; EVP's look the algorithm up and allocate for each digest, which takes longer than the digest. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

enum { SHA1_BYTES = 20 };

/* Bytes under the hash: never more than this. */
struct material {
	uint8_t b[2 + 16 + 16 + 2 + 4];
	size_t len;
};

/* Message types that answer each other. */
struct icmp_pair {
	uint8_t proto, ask, answer;
};

static const struct icmp_pair icmp_pairs[] = {
	{IPPROTO_ICMP, 8, 0},	    /* echo */
	{IPPROTO_ICMP, 13, 14},	    /* timestamp */
	{IPPROTO_ICMP, 15, 16},	    /* information */
	{IPPROTO_ICMP, 10, 9},	    /* router solicitation, advertisement */
	{IPPROTO_ICMP, 17, 18},	    /* address mask */
	{IPPROTO_ICMPV6, 128, 129}, /* echo */
	{IPPROTO_ICMPV6, 133, 134}, /* router solicitation, advertisement */
	{IPPROTO_ICMPV6, 135, 136}, /* neighbour solicitation, advertisement */
	{IPPROTO_ICMPV6, 130, 131}, /* multicast listener query, report */
	{IPPROTO_ICMPV6, 139, 140}, /* node information */
	{IPPROTO_ICMPV6, 144, 145}, /* home agent address discovery */
};

/* Two ends in the order of the hash. */
struct ends {
	struct addr a, b;
	uint16_t port_a, port_b;
	bool has_ports, one_way;
};

static int
icmp_counterpart(uint8_t proto, uint8_t type)
{
	for (size_t i = 0; i < sizeof icmp_pairs / sizeof icmp_pairs[0]; i++) {
		const struct icmp_pair *p = &icmp_pairs[i];
		if (p->proto == proto && (p->ask == type || p->answer == type))
			return p->ask == type ? p->answer : p->ask;
	}
	return -1;
}

static void
icmp_ports(const struct tuple *t, struct ends *e)
{
	uint8_t type = (uint8_t)(t->dport >> 8);
	int other = icmp_counterpart(t->proto, type);

	e->has_ports = true;
	e->one_way = other < 0;
	e->port_a = type;
	e->port_b = (uint16_t)(other < 0 ? t->dport & 0xff : other);
}

/* The specification knows the ports of TCP, UDP and SCTP only. */
static struct ends
ends_of(const struct tuple *t)
{
	struct ends e = {.a = t->src, .b = t->dst};

	if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6) {
		icmp_ports(t, &e);
	} else if (t->proto == IPPROTO_TCP || t->proto == IPPROTO_UDP || t->proto == IPPROTO_SCTP) {
		e.has_ports = true;
		e.port_a = t->sport;
		e.port_b = t->dport;
	}
	return e;
}

static struct ends
in_order(struct ends e)
{
	int d = addr_cmp(&e.a, &e.b);

	if (e.one_way || d < 0 || (d == 0 && e.port_a <= e.port_b))
		return e;
	return (struct ends){e.b, e.a, e.port_b, e.port_a, e.has_ports, e.one_way};
}

static void
add_addr(struct material *m, const struct addr *a, bool v4)
{
	size_t n = v4 ? 4 : 16;

	memcpy(m->b + m->len, a->b + 16 - n, n);
	m->len += n;
}

static void
add_u16(struct material *m, unsigned v)
{
	m->b[m->len++] = (uint8_t)(v >> 8);
	m->b[m->len++] = (uint8_t)v;
}

static struct material
material_of(const struct tuple *t)
{
	struct ends e = in_order(ends_of(t));
	bool v4 = addr_is_v4(&t->src) && addr_is_v4(&t->dst);
	struct material m = {.len = 0};

	add_u16(&m, 0);
	add_addr(&m, &e.a, v4);
	add_addr(&m, &e.b, v4);
	add_u16(&m, (unsigned)t->proto << 8);
	if (e.has_ports) {
		add_u16(&m, e.port_a);
		add_u16(&m, e.port_b);
	}
	return m;
}

/* "" when the library refuses SHA-1: a record without the field is better than none. */
const char *
community_id(const struct tuple *t, char out[COMMUNITY_ID_TEXT])
{
	struct material m = material_of(t);
	uint8_t sum[SHA1_BYTES];

	out[0] = '\0';
	SHA_CTX hash;
	if (!SHA1_Init(&hash) || !SHA1_Update(&hash, m.b, m.len) || !SHA1_Final(sum, &hash))
		return out;
	out[0] = '1';
	out[1] = ':';
	EVP_EncodeBlock((unsigned char *)out + 2, sum, sizeof sum);
	return out;
}
