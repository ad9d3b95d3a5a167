/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rows are worth asking, by the first byte of each direction. A row that is listed says NO to every other first byte, whatever follows;
 * one that is not listed is always asked. Most rows stand for a protocol with a magic number, so of more than eighty a handful is left.
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

/* Bytes as a string, or all from `from` to `to`. */
struct bytes {
	const char *p;
	size_t n;
	uint8_t from, to;
};

#define B(text)	    {.p = text, .n = sizeof(text) - 1}
#define RANGE(a, b) {.from = a, .to = b}
#define ANY	    RANGE(0, 255)

#define LINES  "\r\n\t "
#define TOKENS LINES "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define XML    LINES "\v\f<\xef" /* a byte order mark may stand before it */

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
};

struct rows {
	uint64_t word[FIRST_WORDS];
};

static struct {
	bool built;
	struct rows transport[TRANSPORTS]; /* TCP, UDP, the others */
	struct rows may[2][256];
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

static void
add_bytes(unsigned side, size_t row, const struct bytes *b)
{
	for (size_t i = 0; i < 256; i++)
		if (b->p ? memchr(b->p, (int)i, b->n) != NULL : i >= b->from && i <= b->to)
			add(&sets.may[side][i], row);
}

static void
build(void)
{
	static const uint8_t l4[TRANSPORTS] = {IPPROTO_TCP, IPPROTO_UDP, 0};
	size_t n;
	const struct probe *const *rows = probe_list(&n);

	assert(n <= FIRST_WORDS * 64);
	for (size_t i = 0; i < n; i++) {
		struct bytes to_server = ANY, to_client = ANY;
		for (size_t k = 0; k < sizeof firsts / sizeof *firsts; k++)
			if (firsts[k].row == rows[i]) {
				to_server = firsts[k].to_server;
				to_client = firsts[k].to_client;
			}
		add_bytes(PROBE_TO_SERVER, i, &to_server);
		add_bytes(PROBE_TO_CLIENT, i, &to_client);
		for (size_t t = 0; t < TRANSPORTS; t++)
			if (!rows[i]->l4 || rows[i]->l4 == l4[t] || (t == 2 && rows[i]->l4 != IPPROTO_TCP && rows[i]->l4 != IPPROTO_UDP))
				add(&sets.transport[t], i);
	}
	sets.built = true;
}

void
first_rows(const struct probe_input *in, uint64_t ret_rows[FIRST_WORDS])
{
	if (!sets.built)
		build();
	memcpy(ret_rows, sets.transport[transport_of(in->l4)].word, sizeof sets.transport[0].word);
	for (unsigned side = PROBE_TO_SERVER; side <= PROBE_TO_CLIENT; side++) {
		const struct probe_side *s = &in->side[side];
		if (s->n == 0 || s->units[0].len == 0)
			continue;
		const struct rows *may = &sets.may[side][s->units[0].p[0]];
		for (size_t i = 0; i < FIRST_WORDS; i++)
			ret_rows[i] &= may->word[i];
	}
}
