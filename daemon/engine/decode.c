/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP, IPv6 with extension headers, and the transports; see decode.h. First step of the packet path. */
#include "decode.h"

#include <netinet/in.h>
#include <string.h>

#include "cursor.h"

/* Where the transport begins and what it is. */
struct network {
	struct addr src, dst;
	uint8_t proto;
	struct cursor body;  /* the transport as far as it was copied */
	size_t body_len;     /* and its length on the wire */
	bool fragment;
};

/*
 *  0                   1                   2                   3
 * |Version|  IHL  |      TOS      |          Total Length         |
 * |         Identification        |Flags|     Fragment Offset     |
 * |      TTL      |   Protocol    |            Checksum           |
 * |                            Source                             |
 * |                          Destination                          |
 */
static enum drop_reason
decode_v4(struct cursor *c, size_t wire_len, struct network *n)
{
	unsigned header = (cursor_u8(c) & 0xfu) * 4;
	cursor_skip(c, 1);
	size_t total = cursor_u16(c);
	cursor_skip(c, 2);
	uint16_t frag = cursor_u16(c);
	cursor_skip(c, 1);
	n->proto = cursor_u8(c);
	cursor_skip(c, 2);
	uint8_t src[4], dst[4];
	cursor_copy(c, src, 4);
	cursor_copy(c, dst, 4);
	if (c->bad)
		return DROP_TRUNCATED;
	addr_from_v4(&n->src, src);
	addr_from_v4(&n->dst, dst);
	if (header < 20)
		return DROP_BAD_HEADER;
	/* An aggregate above 64 KiB carries no length of its own (BIG TCP); the kernel's is right. */
	if (total == 0)
		total = wire_len;
	if (total < header || total > wire_len)
		return DROP_TRUNCATED;
	cursor_skip(c, header - 20);
	if (c->bad)
		return DROP_TRUNCATED;
	n->fragment = (frag & 0x3fff) != 0; /* more fragments, or an offset */
	n->body_len = total - header;
	n->body = *c;
	return DROP_NONE;
}

/* True for headers that ipv6_ext_hdr() of the kernel steps over: both sides must see the same transport. */
static bool
is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT || next == IPPROTO_AH ||
	       next == IPPROTO_DSTOPTS;
}

/* Steps over one extension header; *next becomes the type of what follows. */
static enum drop_reason
skip_extension(struct cursor *c, uint8_t *next, bool *fragment)
{
	uint8_t type = *next;
	*next = cursor_u8(c);
	uint8_t len = cursor_u8(c);
	if (type == IPPROTO_FRAGMENT) {
		/* RFC 6946: offset 0 and no more fragments is a whole packet. */
		*fragment |= (cursor_u16(c) & 0xfff9) != 0;
		cursor_skip(c, 4);
	} else if (type == IPPROTO_AH) {
		cursor_skip(c, (len + 2u) * 4 - 2);
	} else {
		cursor_skip(c, (len + 1u) * 8 - 2);
	}
	return c->bad ? DROP_TRUNCATED : DROP_NONE;
}

static enum drop_reason
decode_v6(struct cursor *c, size_t wire_len, struct network *n)
{
	cursor_skip(c, 4);
	size_t total = cursor_u16(c);
	n->proto = cursor_u8(c);
	cursor_skip(c, 1);
	cursor_copy(c, n->src.b, 16);
	cursor_copy(c, n->dst.b, 16);
	if (c->bad)
		return DROP_TRUNCATED;
	if (addr_is_v4(&n->src) || addr_is_v4(&n->dst))
		return DROP_BAD_HEADER;
	total = total ? total + 40 : wire_len; /* 0: jumbogram or BIG TCP */
	if (total > wire_len)
		return DROP_TRUNCATED;
	size_t before = cursor_left(c);
	for (unsigned i = 0; is_extension(n->proto) && !n->fragment; i++) {
		if (i == DECODE_EXT_MAX)
			return DROP_EXT_LIMIT;
		enum drop_reason r = skip_extension(c, &n->proto, &n->fragment);
		if (r != DROP_NONE)
			return r;
	}
	size_t skipped = 40 + before - cursor_left(c);
	if (skipped > total)
		return DROP_TRUNCATED;
	n->body_len = total - skipped;
	n->body = *c;
	return DROP_NONE;
}

static enum drop_reason
decode_network(struct span ip, size_t wire_len, struct network *n)
{
	struct cursor c = cursor_span(ip);

	if (wire_len < ip.len)
		return DROP_TRUNCATED;
	switch (cursor_peek(&c, 0) >> 4) {
	case 4:
		return decode_v4(&c, wire_len, n);
	case 6:
		return decode_v6(&c, wire_len, n);
	}
	return ip.len ? DROP_NOT_IP : DROP_TRUNCATED;
}

/* What is left after the transport header: bytes copied, and length on the wire. */
static void
set_payload(struct packet *p, struct cursor *c, size_t wire_len)
{
	struct span rest = cursor_rest(c);
	if (rest.len > wire_len)
		rest.len = wire_len; /* link-layer padding behind the packet */
	p->payload = rest;
	p->payload_len = (uint32_t)wire_len;
}

static enum drop_reason
decode_tcp(struct packet *p, struct cursor *c, size_t len)
{
	p->tuple.sport = cursor_u16(c);
	p->tuple.dport = cursor_u16(c);
	p->tcp_seq = cursor_u32(c);
	p->tcp_ack = cursor_u32(c);
	unsigned header = (cursor_u8(c) >> 4) * 4u;
	p->tcp_flags = cursor_u8(c);
	cursor_skip(c, 4);
	p->tcp_urgent = cursor_u16(c);
	if (!c->bad && header < 20)
		return DROP_BAD_HEADER;
	cursor_skip(c, header - 20);
	if (c->bad || header > len)
		return DROP_TRUNCATED;
	set_payload(p, c, len - header);
	return DROP_NONE;
}

/* UDP, and UDP-Lite, whose third word is a coverage and says nothing about the length (RFC 3828, 3.1). */
static enum drop_reason
decode_udp(struct packet *p, struct cursor *c, size_t len)
{
	p->tuple.sport = cursor_u16(c);
	p->tuple.dport = cursor_u16(c);
	size_t udp_len = cursor_u16(c);
	cursor_skip(c, 2);
	if (c->bad || len < 8)
		return DROP_TRUNCATED;
	if (p->tuple.proto == IPPROTO_UDPLITE || udp_len == 0)
		udp_len = len;
	if (udp_len < 8)
		return DROP_BAD_HEADER;
	if (udp_len > len)
		return DROP_TRUNCATED;
	set_payload(p, c, udp_len - 8);
	return DROP_NONE;
}

/* SCTP and DCCP: ports first, and that is all that is read. */
static enum drop_reason
decode_ports(struct packet *p, struct cursor *c, size_t len)
{
	p->tuple.sport = cursor_u16(c);
	p->tuple.dport = cursor_u16(c);
	if (c->bad || len < 4)
		return DROP_TRUNCATED;
	set_payload(p, c, len - 4);
	return DROP_NONE;
}

/* Messages with an identifier, and their answers (RFC 792, 950, 4443): conntrack follows the same pairs. */
static const struct icmp_query {
	uint8_t proto, request, reply;
} icmp_queries[] = {
	{IPPROTO_ICMP, 8, 0}, {IPPROTO_ICMP, 13, 14}, {IPPROTO_ICMP, 15, 16}, {IPPROTO_ICMP, 17, 18}, {IPPROTO_ICMPV6, 128, 129},
};

static const struct icmp_query *
icmp_query(uint8_t proto, uint8_t type)
{
	for (size_t i = 0; i < sizeof icmp_queries / sizeof *icmp_queries; i++)
		if (icmp_queries[i].proto == proto && (icmp_queries[i].request == type || icmp_queries[i].reply == type))
			return &icmp_queries[i];
	return NULL;
}

static bool
icmp_is_error(uint8_t proto, uint8_t type)
{
	if (proto == IPPROTO_ICMPV6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static enum drop_reason decode_transport(struct packet *p, const struct network *n, bool inner);

static enum drop_reason
decode_icmp(struct packet *p, struct cursor *c, size_t len, bool inner)
{
	uint8_t type = cursor_u8(c), code = cursor_u8(c);
	cursor_skip(c, 2);
	uint16_t id = cursor_u16(c);
	cursor_skip(c, 2);
	if (c->bad || len < 8)
		return DROP_TRUNCATED;
	p->tuple.dport = (uint16_t)(type << 8 | code);
	if (icmp_query(p->tuple.proto, type))
		p->tuple.sport = id;
	set_payload(p, c, len - 8);
	if (inner || !icmp_is_error(p->tuple.proto, type))
		return DROP_NONE;
	/* The offending packet is quoted, cut short as a rule: only its tuple matters, so its lengths are taken as they are. */
	struct network n2 = {0};
	struct packet quoted = {0};
	struct cursor q = cursor_span(p->payload);
	enum drop_reason r = DROP_NOT_IP;
	switch (cursor_peek(&q, 0) >> 4) {
	case 4:
		r = decode_v4(&q, 65535, &n2);
		break;
	case 6:
		r = decode_v6(&q, 65535 + 40, &n2);
		break;
	}
	if (r == DROP_NONE && !n2.fragment) {
		r = decode_transport(&quoted, &n2, true);
		/* Eight bytes of the transport are enough (RFC 792): a TCP header that ends after its ports is not malformed here. */
		if (r == DROP_NONE || (r == DROP_TRUNCATED && quoted.tuple.dport)) {
			p->icmp_error = true;
			p->inner = quoted.tuple;
		}
	}
	return DROP_NONE;
}

static enum drop_reason
decode_transport(struct packet *p, const struct network *n, bool inner)
{
	struct cursor c = n->body;

	p->tuple.src = n->src;
	p->tuple.dst = n->dst;
	p->tuple.proto = n->proto;
	switch (n->proto) {
	case IPPROTO_TCP:
		return decode_tcp(p, &c, n->body_len);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return decode_udp(p, &c, n->body_len);
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return decode_ports(p, &c, n->body_len);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return decode_icmp(p, &c, n->body_len, inner);
	}
	set_payload(p, &c, n->body_len); /* any other transport is a flow by its number */
	return DROP_NONE;
}

enum drop_reason
decode(struct span ip, size_t wire_len, struct packet *ret_packet)
{
	struct network n = {0};

	memset(ret_packet, 0, sizeof *ret_packet);
	ret_packet->ip_len = (uint32_t)wire_len;
	enum drop_reason r = decode_network(ip, wire_len, &n);
	ret_packet->tuple.src = n.src;
	ret_packet->tuple.dst = n.dst;
	ret_packet->tuple.proto = n.proto;
	if (r != DROP_NONE)
		return r;
	if (n.fragment)
		return DROP_FRAGMENT;
	return decode_transport(ret_packet, &n, false);
}

struct tuple
tuple_reverse(const struct tuple *t)
{
	struct tuple r = {.src = t->dst, .dst = t->src, .sport = t->dport, .dport = t->sport, .proto = t->proto};

	if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6) {
		/* The identifier stays, the type becomes that of the question. */
		uint8_t type = (uint8_t)(t->dport >> 8);
		const struct icmp_query *q = icmp_query(t->proto, type);
		r.sport = t->sport;
		r.dport = q ? (uint16_t)((type == q->reply ? q->request : q->reply) << 8 | (t->dport & 0xff)) : t->dport;
	}
	return r;
}
