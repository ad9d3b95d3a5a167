/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QUIC versions 1 and 2 by their Initial packets, which are opened: the tag proves the protocol, the ClientHello inside may be
 * spread over CRYPTO frames in any order and over several datagrams. Other versions are named without a server name, by a
 * version that is registered to somebody or by the server's own Version Negotiation.
 */
#include <netinet/in.h>
#include <string.h>

#include "gather.h"
#include "hello.h"
#include "probes.h"
#include "quic_initial.h"
#include "side.h"

enum {
	FRAME_PADDING = 0,
	FRAME_PING = 1,
	FRAME_ACK = 2,
	FRAME_ACK_ECN = 3,
	FRAME_CRYPTO = 6,
	FRAME_CLOSE = 0x1c,
	ACK_RANGES = 256,
	OPEN_MAX = 2048, /* one Initial; a link carries 1500 bytes */
	CID_CHOSEN_MIN = 8, /* RFC 9000, section 7.2: the client's first choice for the server */
};

/* All that is known after some datagrams. */
struct quic {
	uint32_t version;
	bool have_keys;
	uint8_t dcid[QUIC_CID_MAX]; /* that the keys are made of */
	size_t dcid_len;
	struct quic_keys keys;
	struct gather hello;
};

static void
skip_ack(struct cursor *c, bool ecn)
{
	cursor_varint(c);
	cursor_varint(c);
	uint64_t ranges = cursor_varint(c);
	if (ranges > ACK_RANGES)
		c->bad = true;
	cursor_varint(c);
	for (uint64_t i = 0; i < 2 * ranges && !c->bad; i++)
		cursor_varint(c);
	for (unsigned i = 0; ecn && i < 3; i++)
		cursor_varint(c);
}

static bool
take_crypto(struct cursor *c, struct gather *g)
{
	uint64_t offset = cursor_varint(c), n = cursor_varint(c);
	struct span piece = cursor_bytes(c, n > GATHER_MAX ? SIZE_MAX : (size_t)n);
	return !c->bad && gather_put(g, offset, piece);
}

/* How many zeros these begin with. */
static size_t
zeros(struct span s)
{
	size_t n = 0;
	uint64_t eight = 0;

	while (s.len - n >= sizeof eight && (memcpy(&eight, s.p + n, sizeof eight), eight == 0))
		n += sizeof eight;
	while (n < s.len && s.p[n] == 0)
		n++;
	return n;
}

/* RFC 9000, table 3: what an Initial may hold. False: anything else. */
static bool
take_frames(struct span frames, struct gather *g)
{
	struct cursor c = cursor_span(frames);
	while (cursor_left(&c)) {
		if (cursor_peek(&c, 0) == FRAME_PADDING) { /* most of an Initial */
			struct cursor ahead = c;
			cursor_skip(&c, zeros(cursor_rest(&ahead)));
			continue;
		}
		uint64_t type = cursor_varint(&c);
		if (type == FRAME_ACK || type == FRAME_ACK_ECN)
			skip_ack(&c, type == FRAME_ACK_ECN);
		else if (type == FRAME_CLOSE)
			(void)cursor_rest(&c);
		else if (type != FRAME_PADDING && type != FRAME_PING && (type != FRAME_CRYPTO || !take_crypto(&c, g)))
			return false;
	}
	return !c.bad;
}

/* NO, MORE, or DONE and *ret is filled. The spans in *ret point into g. */
static enum probe_result
read_hello(const struct gather *g, struct hello *ret)
{
	size_t whole = gather_whole(g);
	struct cursor c = cursor_of(g->bytes, whole);

	if (whole && cursor_peek(&c, 0) != HELLO_CLIENT)
		return PROBE_NO;
	if (whole < HELLO_HEADER)
		return PROBE_MORE;
	cursor_skip(&c, 1);
	uint32_t len = cursor_u24(&c);
	if (len > GATHER_MAX - HELLO_HEADER || g->end > HELLO_HEADER + len)
		return PROBE_NO; /* nothing follows a ClientHello in Initial packets */
	if (whole < HELLO_HEADER + len)
		return PROBE_MORE;
	return hello_read(c, HELLO_QUIC, ret) && ret->version == TLS_1_3 && ret->quic_parameters ? PROBE_DONE : PROBE_NO;
}

static bool
set_keys(struct quic *q, const struct quic_header *h)
{
	q->version = h->version;
	q->dcid_len = h->dcid.len;
	memcpy(q->dcid, h->dcid.p, h->dcid.len);
	q->have_keys = quic_client_keys(h->version, h->dcid, &q->keys);
	return q->have_keys;
}

static bool
same_dcid(const struct quic *q, const struct quic_header *h)
{
	return h->dcid.len == q->dcid_len && memcmp(h->dcid.p, q->dcid, q->dcid_len) == 0;
}

/*
 * The keys stay those of the client's first choice, although it soon uses the id that the server chose. After a Retry, or when another
 * version was agreed on, all begins anew with another id: then the old keys do not open the packet and its own do.
 */
static bool
take_initial(struct quic *q, const struct quic_header *h)
{
	uint8_t plain[OPEN_MAX];
	struct span frames;
	struct hello old;

	if (h->packet.len > sizeof plain)
		return false;
	if (!q->have_keys && (h->dcid.len < CID_CHOSEN_MIN || !set_keys(q, h)))
		return false;
	if (h->version == q->version && quic_open(&q->keys, h, plain, &frames))
		return take_frames(frames, &q->hello);
	if ((h->version == q->version && same_dcid(q, h)) || read_hello(&q->hello, &old) == PROBE_NO)
		return false;
	gather_init(&q->hello);
	return set_keys(q, h) && quic_open(&q->keys, h, plain, &frames) && take_frames(frames, &q->hello);
}

static bool
all_zero(struct cursor c)
{
	struct span s = cursor_rest(&c);
	return zeros(s) == s.len;
}

/* One datagram: packets in a row, a short-header packet or nothing but zeros at the end. */
static bool
take_datagram(struct quic *q, struct cursor c)
{
	struct quic_header h;
	size_t size = cursor_left(&c);
	bool first = true;

	for (; cursor_left(&c); first = false) {
		uint8_t form = cursor_peek(&c, 0) & 0xc0;
		if (!first && (form == 0x40 || all_zero(c)))
			return true;
		if (first && form == 0x40 && q->have_keys)
			return true;
		if (!quic_header_read(&c, &h))
			return false;
		if (h.type == QUIC_INITIAL && (size < QUIC_INITIAL_MIN || !take_initial(q, &h)))
			return false;
	}
	return !first;
}

static enum probe_result
known_version(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];
	struct quic q;
	struct hello h;

	q.have_keys = false; /* the keys are set by the first Initial; no need to clear 18 KiB */
	gather_init(&q.hello);
	for (size_t i = 0; i < client->n; i++)
		if (!take_datagram(&q, side_unit(client, i)))
			return PROBE_NO;
	enum probe_result r = read_hello(&q.hello, &h);
	if (r == PROBE_DONE) {
		hello_facts(&h, in, "quic", app);
		app->quic_version = q.version;
	}
	return r;
}

/* Any version's long header (RFC 8999, section 5.1). */
struct invariant {
	uint32_t version;
	struct span dcid, scid;
};

static bool
invariant_read(struct cursor *c, struct invariant *ret)
{
	uint8_t first = cursor_u8(c);
	ret->version = cursor_u32(c);
	ret->dcid = cursor_bytes(c, cursor_u8(c));
	ret->scid = cursor_bytes(c, cursor_u8(c));
	return !c->bad && (first & 0x80);
}

/* Drafts of the IETF, Google's Q and T series, Meta's mvfst: numbers that nothing else begins with by chance. */
static bool
version_is_known(uint32_t v)
{
	uint32_t letter = v >> 24, digits = v & 0x00ffffff;
	if (v >= 0xff000017 && v <= 0xff000022)
		return true;
	if ((letter == 'Q' || letter == 'T') && digits >= 0x303433 && digits <= 0x303539)
		return true;
	return v >> 8 == 0xfaceb0;
}

static bool
same_span(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* RFC 8999, section 6: version 0, the ids crossed over, then versions to the end. */
static bool
is_negotiation(struct cursor c, const struct invariant *asked)
{
	struct invariant v;
	return invariant_read(&c, &v) && v.version == 0 && same_span(v.dcid, asked->scid) && same_span(v.scid, asked->dcid) &&
	       cursor_left(&c) >= 4 && cursor_left(&c) % 4 == 0;
}

static enum probe_result
other_version(const struct probe_input *in, struct app *app)
{
	const struct probe_side *client = &in->side[PROBE_TO_SERVER], *server = &in->side[PROBE_TO_CLIENT];
	struct cursor c = side_unit(client, 0);
	struct invariant v;

	if (cursor_left(&c) < QUIC_INITIAL_MIN || !invariant_read(&c, &v) || v.dcid.len < CID_CHOSEN_MIN ||
	    v.dcid.len > QUIC_CID_MAX || v.scid.len > QUIC_CID_MAX || v.version == 0)
		return PROBE_NO;
	if (!version_is_known(v.version)) {
		if (server->n == 0)
			return PROBE_MORE;
		if (!is_negotiation(side_unit(server, 0), &v))
			return PROBE_NO;
	}
	app->quic_version = v.version;
	app->encrypted = true;
	app->protocol = "quic";
	return PROBE_DONE;
}

static enum probe_result
quic_inspect(const struct probe_input *in, struct app *app)
{
	struct cursor c = side_unit(&in->side[PROBE_TO_SERVER], 0);

	if (in->side[PROBE_TO_SERVER].n == 0)
		return PROBE_MORE;
	if (!(cursor_u8(&c) & 0x80))
		return PROBE_NO;
	uint32_t version = cursor_u32(&c);
	return version == QUIC_V1 || version == QUIC_V2 ? known_version(in, app) : other_version(in, app);
}

const struct probe probe_quic = {
	"quic", IPPROTO_UDP, PROVES_EITHER, quic_inspect,
	"QUIC 1 and 2 by the opened Initial: server name, ALPN, ECH, JA4; other versions by number",
};

const struct probe probe_doq = {
	"doq", IPPROTO_UDP, PROVES_CLIENT, probe_alias, "DNS over QUIC: QUIC with ALPN doq",
};
