/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes, MACs: text in, text out, compare. */
#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool
addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_prefix, sizeof v4_prefix) == 0;
}

void
addr_from_v4(struct addr *ret, const uint8_t v4[4])
{
	memcpy(ret->b, v4_prefix, sizeof v4_prefix);
	memcpy(ret->b + 12, v4, 4);
}

int
addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

bool
addr_parse(const char *text, struct addr *ret_addr)
{
	uint8_t v4[4];
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, v4) == 1) {
		addr_from_v4(ret_addr, v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return false;
	memcpy(ret_addr->b, &v6, sizeof ret_addr->b);
	return true;
}

static char *
put_octet(char *out, uint8_t v)
{
	if (v >= 100)
		*out++ = (char)('0' + v / 100);
	if (v >= 10)
		*out++ = (char)('0' + v / 10 % 10);
	*out++ = (char)('0' + v % 10);
	return out;
}

/* By hand, because the C library takes its printf for IPv4, and every record has such addresses. */
const char *
addr_print(const struct addr *a, char out[ADDR_TEXT])
{
	char *end = out;

	if (!addr_is_v4(a)) {
		inet_ntop(AF_INET6, a->b, out, ADDR_TEXT);
		return out;
	}
	for (size_t i = 12; i < 16; i++) {
		end = put_octet(end, a->b[i]);
		*end++ = i < 15 ? '.' : 0;
	}
	return out;
}

/* Clears the host bits; true when any was set. */
static bool
prefix_trim(struct prefix *p)
{
	bool had = false;
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = p->len >= (i + 1) * 8 ? 8 : p->len <= i * 8 ? 0 : p->len - i * 8;
		uint8_t mask = (uint8_t)(0xff00u >> keep);
		had |= (p->addr.b[i] & ~mask) != 0;
		p->addr.b[i] &= mask;
	}
	return had;
}

int
prefix_parse(const char *text, struct prefix *ret_prefix)
{
	char buf[ADDR_TEXT];
	struct prefix p;
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof buf)
		return -1;
	memcpy(buf, text, n);
	buf[n] = 0;
	if (!addr_parse(buf, &p.addr))
		return -1;
	bool v4 = strchr(buf, ':') == NULL;
	unsigned long len = v4 ? 32 : 128;
	if (slash) {
		/* Digits only, no sign, no leading zero: what strtoul would let pass is a typing error here. */
		size_t digits = strspn(slash + 1, "0123456789");
		if (digits == 0 || digits > 3 || slash[1 + digits] || (slash[1] == '0' && digits > 1))
			return -1;
		unsigned long l = strtoul(slash + 1, NULL, 10);
		if (l > len)
			return -1;
		len = l;
	}
	p.len = (uint8_t)(v4 ? len + 96 : len);
	bool host_bits = prefix_trim(&p);
	*ret_prefix = p;
	return host_bits ? 1 : 0;
}

const char *
prefix_print(const struct prefix *p, char out[PREFIX_TEXT])
{
	char a[ADDR_TEXT];
	bool v4 = addr_is_v4(&p->addr) && p->len >= 96;
	snprintf(out, PREFIX_TEXT, "%s/%u", addr_print(&p->addr, a), v4 ? p->len - 96u : p->len);
	return out;
}

bool
prefix_covers(const struct prefix *p, const struct addr *a)
{
	unsigned full = p->len / 8, rest = p->len % 8;
	if (memcmp(p->addr.b, a->b, full) != 0)
		return false;
	return rest == 0 || (uint8_t)((p->addr.b[full] ^ a->b[full]) >> (8 - rest)) == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
mac_parse(const char *text, struct mac *ret_mac)
{
	struct mac m;
	char sep = 0;

	for (int i = 0; i < 6; i++) {
		int hi = hex_digit(text[0]), lo = hi < 0 ? -1 : hex_digit(text[1]);
		if (lo < 0)
			return false;
		m.b[i] = (uint8_t)(hi << 4 | lo);
		text += 2;
		if (i == 5)
			break;
		if ((*text != ':' && *text != '-') || (sep && *text != sep))
			return false;
		sep = *text++;
	}
	if (*text)
		return false;
	*ret_mac = m;
	return true;
}

const char *
mac_print(const struct mac *m, char out[MAC_TEXT])
{
	snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
	return out;
}

bool
mac_is_zero(const struct mac *m)
{
	static const struct mac zero;
	return memcmp(m, &zero, sizeof zero) == 0;
}

/* IANA protocol numbers; the names that Suricata and nft use for them. */
static const struct {
	uint8_t number;
	bool ports;
	const char *name;
} protos[] = {
	{IPPROTO_TCP, true, "tcp"},	    {IPPROTO_UDP, true, "udp"},		{IPPROTO_ICMP, false, "icmp"},
	{IPPROTO_ICMPV6, false, "ipv6-icmp"}, {IPPROTO_IGMP, false, "igmp"},	{4, false, "ipip"},
	{IPPROTO_IPV6, false, "ipv6"},	    {IPPROTO_GRE, false, "gre"},	{IPPROTO_ESP, false, "esp"},
	{IPPROTO_AH, false, "ah"},	    {IPPROTO_SCTP, true, "sctp"},	{IPPROTO_UDPLITE, true, "udplite"},
	{IPPROTO_DCCP, true, "dccp"},	    {89, false, "ospf"},		{IPPROTO_PIM, false, "pim"},
	{112, false, "vrrp"},		    {115, false, "l2tp"},
};

const char *
proto_name(uint8_t proto)
{
	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++)
		if (protos[i].number == proto)
			return protos[i].name;
	return NULL;
}

int
proto_number(const char *name)
{
	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++)
		if (strcasecmp(protos[i].name, name) == 0)
			return protos[i].number;
	if (strcasecmp(name, "icmpv6") == 0)
		return IPPROTO_ICMPV6;
	size_t digits = strspn(name, "0123456789");
	if (digits == 0 || digits > 3 || name[digits] || (name[0] == '0' && digits > 1))
		return -1;
	int n = atoi(name);
	return n <= 255 ? n : -1;
}

bool
proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_DCCP;
}
