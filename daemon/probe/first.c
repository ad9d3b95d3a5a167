/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rows are worth asking, by transport, by the first byte of each direction and, for a few, by the port. A row that is listed says NO to
 * every other first byte, whatever follows; one that is not listed is always asked. Most rows stand for a protocol with a magic number, so of more
 * than eighty a handful is left.
 *
 * A set may be too wide, never too narrow: probe_first_test and probe_fuzz ask the rows themselves.
 */
#include "first.h"

#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "probe.h"
#include "probes.h"

enum { TRANSPORTS = 3 };

/* Bytes as a string, or all from `from` to `to`, or those that a function says. */
struct bytes {
	const char *p;
	size_t n;
	uint8_t from, to;
	bool (*is)(uint8_t first);
};

#define B(text)	    {.p = (text), .n = sizeof(text) - 1}
#define RANGE(a, b) {.from = (a), .to = (b)}
#define ANY	    RANGE(0, 255)
#define THOSE(which) {.is = (which)}
#define NONE	    RANGE(1, 0)

#define LINES  "\r\n\t "
#define TOKENS LINES "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define XML    LINES "\v\f<\xef" /* a byte order mark may stand before it */

/* RFC 5905: leap 2 bits, version 3, mode 3. */
static bool
ntp_version(uint8_t first)
{
	return (first >> 3 & 7) >= 1 && (first >> 3 & 7) <= 4;
}

static bool
ntp_asks(uint8_t first)
{
	return ntp_version(first) && (first & 7) != 0 && (first & 7) != 2 && (first & 7) != 4 && (first & 7) < 6;
}

static bool
ntp_answers(uint8_t first)
{
	return ntp_version(first) && ((first & 7) == 1 || (first & 7) == 2 || (first & 7) == 4);
}

static const struct {
	const struct probe *row;
	struct bytes to_server, to_client;
} firsts[] = {
	{&probe_bubble, B("G"), ANY},
	{&probe_sadp, B(XML), ANY},
	{&probe_hik_sdk, B("\0"), ANY},
	{&probe_isup, B(XML), B(XML)},
	{&probe_ezviz, B("$\x9e\xe2"), B("$\x9e\xe2")},
	{&probe_dhip, B("\x20"), B("\x20")},
	{&probe_dvrip, B("\xa0\xb0\xf6"), B("\xa0\xb0\xf6")},
	{&probe_dahua_discovery, B("\xa3\xb3"), B("\xa3\xb3")},
	{&probe_dahua_autoreg, B("\xb4"), ANY},
	{&probe_xm_sofia, B("\xff"), B("\xff")},
	{&probe_pppp, B("\xf1\x2c\x9f\xb1"), ANY}, /* waits for its client's first word */
	{&probe_tuya, B("\0"), B("\0")},
	{&probe_baichuan, B("\x10\x20:1\xa0\xf0"), B("\x10\x20:1\xa0\xf0")},
	{&probe_tvt, B("M{h"), B("M{h")},
	{&probe_tplink_shp, B("\0\xd0"), B("\0\xd0")},
	{&probe_miio, B("!"), B("!")},
	{&probe_vstarcam, B("D"), B("D")},
	{&probe_foscam, B("M"), B("M")},
	{&probe_dlink, B("\xfd\xff"), B("\xfd\xff")},
	{&probe_ubnt_discovery, B("\x01\x02"), B("\x01\x02")},
	{&probe_bosch, B(XML "\x99"), B(XML "\x99")},
	{&probe_hanwha, B("\x0b"), B("\x0b")},
	{&probe_sony, B("\x02"), B("\x02")},
	{&probe_vision360, B("D"), B("D")},
	{&probe_nice, B("N"), B("N")},
	{&probe_http, B(TOKENS), ANY},
	{&probe_http2, B("P"), ANY},
	{&probe_tls, B("\x16"), ANY},
	{&probe_rtsp, B(TOKENS "$"), ANY},
	{&probe_sip, B(TOKENS), B(TOKENS)},
	{&probe_mqtt, B("\x10"), ANY},
	{&probe_ssh, B("S"), B("S")},
	{&probe_ftp, B(LINES "ACFHOPSUacfhopsu"), B(LINES "2")},
	{&probe_smtp, B(LINES "EHLehl"), B(LINES "245")},
	{&probe_imap, B(TOKENS), B(LINES "*")},
	{&probe_pop3, B(LINES "ACQSUacqsu"), B(LINES "+")},
	{&probe_telnet, B("\xff"), B("\xff")},
	{&probe_rtmp, B("\x03"), B("\x03")},
	{&probe_rdp, B("\x03"), ANY},
	{&probe_rfb, B("R"), B("R")},
	{&probe_smb, B("\0\x81"), ANY},
	{&probe_socks, B("\x04\x05"), ANY},
	{&probe_bittorrent, B("\x13"), ANY},
	{&probe_syslog, B("<123456789"), ANY},
	{&probe_quic, RANGE(0x80, 0xff), ANY},
	{&probe_dtls, B("\x16"), ANY},
	{&probe_dhcp, B("\x01\x02"), B("\x01\x02")},
	{&probe_ssdp, B(TOKENS), B(TOKENS)},
	{&probe_srt, B("\x80"), ANY},
	{&probe_coap, RANGE(0x40, 0x7f), RANGE(0x40, 0x7f)},
	{&probe_snmp, B("0"), B("0")},
	{&probe_tftp, B("\0"), ANY},
	{&probe_dht, B("d"), B("d")},
	{&probe_utp, B("A"), ANY},
	{&probe_wireguard, B("\x01\x02\x03\x04"), B("\x01\x02\x03\x04")},
	{&probe_dahua_p2p, B("DHP\xfe\xff"), B("DHP\xfe\xff")},
	{&probe_gvcp, B("\0\x42\x80"), B("\0\x42\x80")},
	{&probe_panasonic, B("\0"), B("\0")},
	{&probe_hytera, B("2"), B("2")},
	{&probe_stun, RANGE(0, 0x3f), ANY},
	{&probe_ntp, THOSE(ntp_asks), THOSE(ntp_answers)},
	{&probe_dhcpv6, RANGE(1, 13), RANGE(1, 13)},
	{&probe_wsdiscovery, B(" \t\r\n<\xef"), B(" \t\r\n<\xef")},
	{&probe_rtp, RANGE(0x80, 0xbf), RANGE(0x80, 0xbf)},
	{&probe_rtcp, RANGE(0x80, 0xbf), RANGE(0x80, 0xbf)},
};

/* Those of which it is so over one transport only. */
static const struct {
	const struct probe *row;
	uint8_t l4;
	struct bytes to_server, to_client;
} firsts_over[] = {
	{&probe_openvpn, IPPROTO_UDP, B("\x38\x50"), ANY},
	{&probe_rpc, IPPROTO_TCP, B("\x80"), ANY},
	{&probe_icmp, IPPROTO_TCP, NONE, NONE},
	{&probe_icmp, IPPROTO_UDP, NONE, NONE},
	{&probe_icmp_tunnel, IPPROTO_TCP, NONE, NONE},
	{&probe_icmp_tunnel, IPPROTO_UDP, NONE, NONE},
};

/* Rows that say NO on every other port. */
static const struct {
	const struct probe *row;
	uint16_t port;
} on_port[] = {{&probe_mdns, 5353}, {&probe_llmnr, 5355}, {&probe_esp, 4500}};

enum { ON_PORT = sizeof on_port / sizeof *on_port };

struct rows {
	uint64_t word[FIRST_WORDS];
};

static struct {
	bool built;
	struct rows transport[TRANSPORTS]; /* TCP, UDP, the others; without those of on_port */
	struct rows port[ON_PORT];	   /* each one's bit */
	struct rows may[TRANSPORTS][2][256];
} sets;

static unsigned
transport_of(uint8_t l4)
{
	return l4 == IPPROTO_TCP ? 0 : l4 == IPPROTO_UDP ? 1 : 2;
}

static void
add(struct rows *r, size_t i)
{
	r->word[i / 64] |= UINT64_C(1) << i % 64;
}

static bool
holds(const struct bytes *b, uint8_t first)
{
	if (b->is)
		return b->is(first);
	return b->p ? memchr(b->p, first, b->n) != NULL : first >= b->from && first <= b->to;
}

/* The row's first bytes over this transport. */
static void
add_bytes(unsigned t, size_t i, const struct probe *row)
{
	static const uint8_t l4[TRANSPORTS] = {IPPROTO_TCP, IPPROTO_UDP, 0};
	struct bytes of[2] = {ANY, ANY};

	for (size_t k = 0; k < sizeof firsts / sizeof *firsts; k++)
		if (firsts[k].row == row) {
			of[PROBE_TO_SERVER] = firsts[k].to_server;
			of[PROBE_TO_CLIENT] = firsts[k].to_client;
		}
	for (size_t k = 0; k < sizeof firsts_over / sizeof *firsts_over; k++)
		if (firsts_over[k].row == row && firsts_over[k].l4 == l4[t]) {
			of[PROBE_TO_SERVER] = firsts_over[k].to_server;
			of[PROBE_TO_CLIENT] = firsts_over[k].to_client;
		}
	for (unsigned side = PROBE_TO_SERVER; side <= PROBE_TO_CLIENT; side++)
		for (unsigned b = 0; b < 256; b++)
			if (holds(&of[side], (uint8_t)b))
				add(&sets.may[t][side][b], i);
}

static void
add_row(size_t i, const struct probe *row)
{
	const unsigned own = transport_of(row->l4);
	struct rows *on = NULL;

	if (row->inspect == probe_alias)
		return;
	for (size_t k = 0; k < ON_PORT; k++)
		if (on_port[k].row == row)
			on = &sets.port[k];
	if (on)
		add(on, i);
	for (unsigned t = 0; t < TRANSPORTS; t++) {
		if (row->l4 && own != t)
			continue;
		add_bytes(t, i, row);
		if (!on)
			add(&sets.transport[t], i);
	}
}

static void
build(void)
{
	size_t n;
	const struct probe *const *rows = probe_list(&n);

	assert(n <= FIRST_WORDS * 64);
	for (size_t i = 0; i < n; i++)
		add_row(i, rows[i]);
	sets.built = true;
}

static void
narrow(uint64_t rows[FIRST_WORDS], const struct rows *may)
{
	for (size_t i = 0; i < FIRST_WORDS; i++)
		rows[i] &= may->word[i];
}

void
first_rows(const struct probe_input *in, uint64_t ret_rows[FIRST_WORDS])
{
	if (!sets.built)
		build();
	unsigned t = transport_of(in->l4);
	memcpy(ret_rows, sets.transport[t].word, sizeof sets.transport[t].word);
	for (size_t k = 0; k < ON_PORT; k++)
		if (in->port == on_port[k].port)
			for (size_t i = 0; i < FIRST_WORDS; i++)
				ret_rows[i] |= sets.port[k].word[i];
	for (unsigned side = PROBE_TO_SERVER; side <= PROBE_TO_CLIENT; side++) {
		const struct probe_side *s = &in->side[side];
		if (s->n && s->units[0].len)
			narrow(ret_rows, &sets.may[t][side][s->units[0].p[0]]);
	}
}
