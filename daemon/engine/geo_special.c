/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The special-purpose registries: which addresses are in no country because the Internet does not route them.
 *
 * One table of both families, the longest match wins, so a globally reachable exception is a row of its own. Whatever is in
 * no row is ordinary, even where nothing is allotted (4000::/3, fec0::/10, the IPv4-compatible ::/96): a gateway may route
 * it, so it must come out as an unknown country and not as private.
 *
 * The IPv4 rows also keep every IPv6 answer from covering ::ffff:0:0/96, where our IPv4 addresses are.
 */
#include "geo_private.h"

#define V4(a, b, c, d, len) {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}, V4_BASE + (len)}
#define WORD(w)		    (w) >> 8, (w) & 0xff
/* The first four words and the last of an IPv6 address. */
#define V6(w0, w1, w2, w3, w7, len) {{{WORD(w0), WORD(w1), WORD(w2), WORD(w3), 0, 0, 0, 0, 0, 0, WORD(w7)}}, len}

static const struct row {
	struct prefix network;
	uint8_t special; /* enum special */
	uint8_t embeds;	 /* struct geo_block */
	bool nowhere;
} rows[] = {
	/* IANA IPv4 Special-Purpose Address Registry. NONE: "globally reachable" there. */
	{V4(0, 0, 0, 0, 8), SPECIAL_UNSPECIFIED, 0, false},	 /* "this network", RFC 791 */
	{V4(10, 0, 0, 0, 8), SPECIAL_PRIVATE, 0, false},	 /* RFC 1918 */
	{V4(100, 64, 0, 0, 10), SPECIAL_SHARED, 0, false},	 /* RFC 6598 */
	{V4(127, 0, 0, 0, 8), SPECIAL_LOOPBACK, 0, false},	 /* RFC 1122 */
	{V4(169, 254, 0, 0, 16), SPECIAL_LINK_LOCAL, 0, false},	 /* RFC 3927 */
	{V4(172, 16, 0, 0, 12), SPECIAL_PRIVATE, 0, false},	 /* RFC 1918 */
	{V4(192, 0, 0, 0, 24), SPECIAL_RESERVED, 0, false},	 /* IETF protocols: DS-Lite, dummy, NAT64 discovery, RFC 6890 */
	{V4(192, 0, 0, 9, 32), SPECIAL_NONE, 0, false},		 /* PCP anycast, RFC 7723 */
	{V4(192, 0, 0, 10, 32), SPECIAL_NONE, 0, false},	 /* TURN anycast, RFC 8155 */
	{V4(192, 0, 2, 0, 24), SPECIAL_DOCUMENTATION, 0, false}, /* TEST-NET-1, RFC 5737 */
	{V4(192, 31, 196, 0, 24), SPECIAL_NONE, 0, false},	 /* AS112, RFC 7535 */
	{V4(192, 52, 193, 0, 24), SPECIAL_NONE, 0, false},	 /* AMT, RFC 7450 */
	{V4(192, 88, 99, 0, 24), SPECIAL_RESERVED, 0, false},	 /* 6to4 relay anycast, withdrawn by RFC 7526 */
	{V4(192, 168, 0, 0, 16), SPECIAL_PRIVATE, 0, false},	 /* RFC 1918 */
	{V4(192, 175, 48, 0, 24), SPECIAL_NONE, 0, false},	 /* AS112 direct delegation, RFC 7534 */
	{V4(198, 18, 0, 0, 15), SPECIAL_BENCHMARK, 0, false},	 /* RFC 2544 */
	{V4(198, 51, 100, 0, 24), SPECIAL_DOCUMENTATION, 0, false}, /* TEST-NET-2, RFC 5737 */
	{V4(203, 0, 113, 0, 24), SPECIAL_DOCUMENTATION, 0, false}, /* TEST-NET-3, RFC 5737 */
	{V4(224, 0, 0, 0, 4), SPECIAL_MULTICAST, 0, false},	 /* RFC 5771; not in that registry */
	{V4(240, 0, 0, 0, 4), SPECIAL_RESERVED, 0, false},	 /* RFC 1112 */
	{V4(255, 255, 255, 255, 32), SPECIAL_BROADCAST, 0, false}, /* RFC 919 */

	/* IANA IPv6 Special-Purpose Address Registry. */
	{V6(0, 0, 0, 0, 0, 128), SPECIAL_UNSPECIFIED, 0, false}, /* RFC 4291 */
	{V6(0, 0, 0, 0, 1, 128), SPECIAL_LOOPBACK, 0, false},	 /* RFC 4291 */
	{V6(0x64, 0xff9b, 0, 0, 0, 96), SPECIAL_NONE, 96, false}, /* NAT64, RFC 6052 */
	{V6(0x64, 0xff9b, 1, 0, 0, 48), SPECIAL_RESERVED, 0, false}, /* local NAT64, RFC 8215 */
	{V6(0x100, 0, 0, 0, 0, 64), SPECIAL_RESERVED, 0, false}, /* discard-only, RFC 6666 */
	{V6(0x100, 0, 0, 1, 0, 64), SPECIAL_RESERVED, 0, false}, /* dummy prefix, RFC 9780 */
	{V6(0x2001, 0, 0, 0, 0, 23), SPECIAL_RESERVED, 0, false}, /* IETF protocol assignments, RFC 2928 */
	{V6(0x2001, 0, 0, 0, 0, 32), SPECIAL_NONE, 0, true},	 /* Teredo, RFC 4380: reachable is "not applicable" */
	{V6(0x2001, 1, 0, 0, 1, 128), SPECIAL_NONE, 0, false},	 /* PCP anycast, RFC 7723 */
	{V6(0x2001, 1, 0, 0, 2, 128), SPECIAL_NONE, 0, false},	 /* TURN anycast, RFC 8155 */
	{V6(0x2001, 1, 0, 0, 3, 128), SPECIAL_NONE, 0, false},	 /* DNS-SD registration anycast, RFC 9665 */
	{V6(0x2001, 2, 0, 0, 0, 48), SPECIAL_BENCHMARK, 0, false}, /* RFC 5180 */
	{V6(0x2001, 3, 0, 0, 0, 32), SPECIAL_NONE, 0, false},	 /* AMT, RFC 7450 */
	{V6(0x2001, 4, 0x112, 0, 0, 48), SPECIAL_NONE, 0, false}, /* AS112, RFC 7535 */
	{V6(0x2001, 0x10, 0, 0, 0, 28), SPECIAL_RESERVED, 0, false}, /* ORCHID, withdrawn, RFC 4843 */
	{V6(0x2001, 0x20, 0, 0, 0, 28), SPECIAL_NONE, 0, false}, /* ORCHIDv2, RFC 7343 */
	{V6(0x2001, 0x30, 0, 0, 0, 28), SPECIAL_NONE, 0, false}, /* drone remote ID, RFC 9374 */
	{V6(0x2001, 0xdb8, 0, 0, 0, 32), SPECIAL_DOCUMENTATION, 0, false}, /* RFC 3849 */
	{V6(0x2002, 0, 0, 0, 0, 16), SPECIAL_NONE, 16, false},	 /* 6to4, RFC 3056 */
	{V6(0x2620, 0x4f, 0x8000, 0, 0, 48), SPECIAL_NONE, 0, false}, /* AS112 direct delegation, RFC 7534 */
	{V6(0x3fff, 0, 0, 0, 0, 20), SPECIAL_DOCUMENTATION, 0, false}, /* RFC 9637 */
	{V6(0x5f00, 0, 0, 0, 0, 16), SPECIAL_RESERVED, 0, false}, /* SRv6 segment identifiers, RFC 9602 */
	{V6(0xfc00, 0, 0, 0, 0, 7), SPECIAL_UNIQUE_LOCAL, 0, false}, /* RFC 4193 */
	{V6(0xfe80, 0, 0, 0, 0, 10), SPECIAL_LINK_LOCAL, 0, false}, /* RFC 4291 */
	{V6(0xff00, 0, 0, 0, 0, 8), SPECIAL_MULTICAST, 0, false}, /* RFC 4291 2.7; not in that registry */
};

static const char *const names[SPECIAL_COUNT] = {
	[SPECIAL_NONE] = "",
	[SPECIAL_PRIVATE] = "private",
	[SPECIAL_SHARED] = "shared",
	[SPECIAL_LOOPBACK] = "loopback",
	[SPECIAL_LINK_LOCAL] = "link-local",
	[SPECIAL_UNIQUE_LOCAL] = "unique-local",
	[SPECIAL_MULTICAST] = "multicast",
	[SPECIAL_BROADCAST] = "broadcast",
	[SPECIAL_DOCUMENTATION] = "documentation",
	[SPECIAL_BENCHMARK] = "benchmark",
	[SPECIAL_UNSPECIFIED] = "unspecified",
	[SPECIAL_RESERVED] = "reserved",
};

const char *
special_name(enum special s)
{
	return (unsigned)s < SPECIAL_COUNT ? names[s] : "";
}

void
geo_block(const struct addr *a, struct geo_block *ret_block)
{
	struct geo_block b = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned common = common_bits(&rows[i].network.addr, a), len = rows[i].network.len;
		if (common < len) {
			b.valid_len = (uint8_t)larger(b.valid_len, common + 1);
			continue;
		}
		b.valid_len = (uint8_t)larger(b.valid_len, len);
		if (len >= b.len) {
			b.special = rows[i].special;
			b.len = (uint8_t)len;
			b.embeds = rows[i].embeds;
			b.nowhere = rows[i].nowhere;
		}
	}
	*ret_block = b;
}

void
geo_embedded(const struct addr *a, unsigned bit, struct addr *ret_v4)
{
	addr_from_v4(ret_v4, a->b + bit / 8);
}

enum special
special_of(const struct addr *a, uint8_t *ret_len)
{
	struct geo_block b;

	geo_block(a, &b);
	*ret_len = b.valid_len;
	if (b.embeds) {
		struct geo_block inner;
		struct addr v4;
		geo_embedded(a, b.embeds, &v4);
		geo_block(&v4, &inner);
		b.special = inner.special;
		*ret_len = (uint8_t)larger(b.valid_len, b.embeds + inner.valid_len - V4_BASE);
	}
	return b.special;
}
