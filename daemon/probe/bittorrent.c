/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BitTorrent: the peer handshake (BEP 3), the DHT's messages (BEP 5) and the first packet of uTP (BEP 29).
 */
#include <netinet/in.h>
#include <string.h>

#include "bencode.h"
#include "probes.h"
#include "side.h"

enum { HANDSHAKE_REST = 8 + 20, UTP_SYN = 0x41, UTP_EXTENSION_LAST = 3 };

/* 19, the protocol's name, 8 reserved bytes, the torrent's hash; the peer id follows later from some. */
static enum probe_result
bittorrent_inspect(const struct probe_input *in, struct app *app)
{
	static const char name[] = "\x13" "BitTorrent protocol";
	struct cursor c = side_stream(in, PROBE_TO_SERVER);

	enum probe_result r = side_bytes(&c, name, strlen(name));
	if (r != PROBE_DONE)
		return r;
	if (cursor_left(&c) < HANDSHAKE_REST)
		return PROBE_MORE;
	app->protocol = "bittorrent";
	return PROBE_DONE;
}

/* One dictionary that fills the datagram, with a transaction (t), and a type (y) that says which other key is there. */
static bool
is_dht(struct cursor c)
{
	struct span type = {0};
	bool transaction = false, body[256] = {false};

	if (cursor_u8(&c) != 'd')
		return false;
	while (cursor_left(&c) && cursor_peek(&c, 0) != 'e') {
		struct span key = bencode_text(&c);
		if (c.bad)
			return false;
		uint8_t k = key.len == 1 ? key.p[0] : 0;
		if (k == 'y')
			type = bencode_text(&c);
		else
			bencode_skip(&c);
		transaction = transaction || k == 't';
		body[k] = true;
	}
	cursor_skip(&c, 1);
	if (c.bad || cursor_left(&c) || !transaction || type.len != 1)
		return false;
	return type.p[0] == 'q' ? body['q'] && body['a'] : (type.p[0] == 'r' || type.p[0] == 'e') && body[type.p[0]];
}

static enum probe_result
dht_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = side_datagrams(in, is_dht, is_dht);
	if (r == PROBE_DONE)
		app->protocol = "bittorrent-dht";
	return r;
}

/* type and version 1 | extension 1 | connection 2 | time 4 | difference 4 | window 4 | sequence 2 | acknowledged 2 | extensions */
static bool
utp_header(struct cursor *c, uint8_t *ret_type, uint16_t *ret_connection, uint32_t *ret_difference, uint16_t *ret_acked)
{
	*ret_type = cursor_u8(c);
	uint8_t extension = cursor_u8(c);
	*ret_connection = cursor_u16(c);
	cursor_skip(c, 4);
	*ret_difference = cursor_u32(c);
	cursor_skip(c, 6);
	*ret_acked = cursor_u16(c);
	while (extension && !c->bad) {
		if (extension > UTP_EXTENSION_LAST)
			return false;
		extension = cursor_u8(c);
		cursor_skip(c, cursor_u8(c));
	}
	return !c->bad && (*ret_type & 0x0f) == 1 && *ret_type >> 4 <= 4;
}

/* Nothing was received yet, so difference and acknowledgement are zero: 64 bits of a first packet are fixed. */
static enum probe_result
utp_inspect(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER], *server = &in->side[PROBE_TO_CLIENT];
	uint16_t connection, first = 0, acked;
	uint32_t difference;
	uint8_t type;

	for (size_t i = 0; i < client->n; i++) {
		struct cursor c = side_unit(client, i);
		if (!utp_header(&c, &type, &connection, &difference, &acked))
			return PROBE_NO;
		if (i == 0 && (type != UTP_SYN || difference || acked || cursor_left(&c)))
			return PROBE_NO;
		first = i ? first : connection;
		if (connection != first && connection != (uint16_t)(first + 1))
			return PROBE_NO;
	}
	for (size_t i = 0; client->n && i < server->n; i++) {
		struct cursor c = side_unit(server, i);
		if (!utp_header(&c, &type, &connection, &difference, &acked) || connection != first)
			return PROBE_NO;
	}
	if (client->n == 0)
		return PROBE_MORE;
	app->protocol = "utp";
	return PROBE_DONE;
}

const struct probe probe_bittorrent = {
	"bittorrent", IPPROTO_TCP, PROVES_CLIENT, bittorrent_inspect, "BitTorrent by its peer handshake",
};

const struct probe probe_dht = {
	"bittorrent-dht", IPPROTO_UDP, PROVES_EITHER, dht_inspect, "BitTorrent's distributed hash table",
};

const struct probe probe_utp = {
	"utp", IPPROTO_UDP, PROVES_CLIENT, utp_inspect, "BitTorrent's transport over UDP by its first packet",
};
