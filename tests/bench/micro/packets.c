/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets: decoding them, and the whole way of a connection through the engine: SYN, its answer, a ClientHello, its acknowledgement. The
 * policy has rules by country, name and protocol and enforces; every flow record is printed and goes to a file. The other end of the
 * channel takes verdicts as the gate does. The servers are in some hundred prefixes.
 */
#include "micro.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bundle.h"
#include "decode.h"
#include "diag.h"
#include "engine.h"
#include "mark.h"

enum {
	PACKETS = 65536,   /* of decode's: 64 MiB with their gaps */
	PACKET_ROOM = 1024,
	CAMERAS = 200,
	CONNECTIONS_A_BATCH = 16,
	HELLO_MAX = 1024,
	SHIFT = 16,
};

/* ---- decode ---- */

struct decoding {
	uint8_t *room;
	uint16_t *len;
	uint64_t random;
};

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* An IPv4 packet with a TCP or UDP header; returns its length. */
static size_t
packet_v4(uint8_t *p, uint8_t proto, const uint8_t src[4], const uint8_t dst[4], unsigned sport, unsigned dport, size_t payload)
{
	size_t transport = proto == IPPROTO_TCP ? 20 : 8, len = 20 + transport + payload;

	memset(p, 0, 20 + transport);
	p[0] = 0x45;
	put16(p + 2, (unsigned)len);
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, src, 4);
	memcpy(p + 16, dst, 4);
	put16(p + 20, sport);
	put16(p + 22, dport);
	if (proto == IPPROTO_TCP)
		p[32] = 5 << 4;
	else
		put16(p + 24, (unsigned)(8 + payload));
	return len;
}

static size_t
packet_v6(uint8_t *p, unsigned i, size_t payload)
{
	memset(p, 0, 60);
	p[0] = 0x60;
	put16(p + 4, (unsigned)(20 + payload));
	p[6] = IPPROTO_TCP;
	p[7] = 64;
	memcpy(p + 8, "\xfd\x00", 2);
	put32(p + 20, i);
	memcpy(p + 24, "\x20\x01\x0d\xb8", 4);
	put32(p + 36, i);
	put16(p + 40, 40000);
	put16(p + 42, 443);
	p[52] = 5 << 4;
	return 60 + payload;
}

static void *
open_decode(size_t n)
{
	struct decoding *d = micro_alloc(1, sizeof *d);
	const uint8_t dst[4] = {203, 0, 113, 7};

	d->room = micro_alloc(n, PACKET_ROOM);
	d->len = micro_alloc(n, sizeof *d->len);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t src[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
		uint8_t *p = d->room + (size_t)i * PACKET_ROOM;
		size_t payload = i * 37 % 900;
		d->len[i] = (uint16_t)(i % 4 == 3 ? packet_v6(p, i, payload)
						  : packet_v4(p, i % 4 == 2 ? IPPROTO_UDP : IPPROTO_TCP, src, dst, 40000, 443, payload));
	}
	return d;
}

static void
decode_one(void *state, size_t n)
{
	struct decoding *d = state;
	struct packet p;

	while (n--) {
		size_t i = micro_random(&d->random) % PACKETS;
		MICRO_CHECK(decode((struct span){d->room + i * PACKET_ROOM, d->len[i]}, d->len[i], &p) == DROP_NONE);
		micro_sink += p.payload_len;
	}
}

/* ---- the engine ---- */

struct gateway {
	struct engine *e;
	int gate; /* our end of the channel */
	char dir[40];
	uint8_t hello[HELLO_MAX];
	size_t hello_len, name_at;
	uint32_t next, id;
	unsigned names;
};

static const char policy_text[] =
	"version: 1\nmode: enforce\nfail: open\nzones: {cameras: {interfaces: [cam0]}}\n"
	"sets:\n  never: {country: [\"CN\", \"RU\"]}\n  ours: {name: [\"*.vendor.example\"], trust-sni: true}\n"
	"rules:\n  - {name: never, from: cameras, to: never, action: block}\n"
	"  - {name: time, from: cameras, to: any, port: udp/123, protocol: ntp, action: allow}\n"
	"  - {name: cloud, from: cameras, to: ours, port: tcp/443, protocol: tls, action: allow}\n"
	"default: block\n"
	"outputs: [{eve: {path: %s/eve.json, types: [all]}}]\n"
	"options: {flows: %zu}\n"
	"geo: {country: [/var/lib/location/database.db]}\n";

/* A ClientHello of TLS 1.3 as far as any of its readers cares. */
static void
build_hello(struct gateway *g)
{
	static const uint8_t ciphers[] = {0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0, 0x2f};
	static const uint8_t rest[] = {0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x1d, 0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03,
				       0x00, 0x2b, 0x00, 0x03, 0x02, 0x03, 0x04};
	static const char name[] = "n000.cloud.vendor.example";
	uint8_t *p = g->hello + 9;
	const size_t n = sizeof name - 1;

	*p++ = 3, *p++ = 3;
	for (int i = 0; i < 32; i++)
		*p++ = (uint8_t)(i * 7 + 1);
	*p++ = 32;
	for (int i = 0; i < 32; i++)
		*p++ = (uint8_t)(i * 5 + 3);
	put16(p, sizeof ciphers);
	memcpy(p + 2, ciphers, sizeof ciphers);
	p += 2 + sizeof ciphers;
	*p++ = 1, *p++ = 0;
	uint8_t *extensions = p;
	p += 2;
	put16(p, 0);
	put16(p + 2, (unsigned)(n + 5));
	put16(p + 4, (unsigned)(n + 3));
	p[6] = 0;
	put16(p + 7, (unsigned)n);
	memcpy(p + 9, name, n);
	g->name_at = (size_t)(p + 9 - g->hello);
	p += 9 + n;
	memcpy(p, rest, sizeof rest);
	p += sizeof rest;
	put16(p, 21); /* padding, to the length that browsers and libraries send */
	size_t pad = 517 - (size_t)(p + 4 - g->hello);
	put16(p + 2, (unsigned)pad);
	p += 4 + pad;
	put16(extensions, (unsigned)(p - extensions - 2));
	g->hello_len = (size_t)(p - g->hello);
	memcpy(g->hello, "\x16\x03\x01", 3);
	put16(g->hello + 3, (unsigned)(g->hello_len - 5));
	g->hello[5] = 1;
	put32(g->hello + 5, 1u << 24 | (uint32_t)(g->hello_len - 9));
}

static void
drain(struct gateway *g)
{
	_Alignas(8) static char buf[CHANNEL_MAX];

	while (recv(g->gate, buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
}

/* names: how many different ones the clients say. */
static struct gateway *
gateway_new(size_t flows, unsigned names)
{
	struct gateway *g = micro_alloc(1, sizeof *g);
	const struct channel_start start = {.generation = 1};
	const struct channel_link links[] = {{.index = 1, .name = "cam0"}, {.index = 2, .name = "wan0"}};
	char text[2048], *file = NULL;
	int pair[2];

	strcpy(g->dir, "/tmp/lenscap-micro-XXXXXX");
	MICRO_CHECK(mkdtemp(g->dir));
	snprintf(text, sizeof text, policy_text, g->dir, flows);
	struct bundle *b = bundle_from_text("bench.yaml", text, strlen(text));
	MICRO_CHECK(b && bundle_add_catalogue(b, &file));
	MICRO_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
	g->gate = pair[0];
	g->names = names;
	g->e = engine_new(g->dir, g->dir, pair[1], false);
	MICRO_CHECK(g->e && engine_start(g->e, &start, b, -1) == 0);
	bundle_free(b);
	links_set(g->e, links, 2);
	build_hello(g);
	return g;
}

static void
queue(struct gateway *g, uint8_t *ip, size_t len, bool reply, bool is_new)
{
	uint32_t hint = (reply ? MARK_HINT_REPLY : 0) | (is_new ? MARK_HINT_NEW : 0);
	const struct queued q = {.id = ++g->id, .queue = 2050, .mark = hint << 8 << SHIFT, .in = reply ? 2 : 1, .out = reply ? 1 : 2, .has_mac = true,
				 .mac = {{2, 0, 0, 0, (uint8_t)(reply ? 1 : 0), reply ? 0 : ip[15]}}, .ip = {ip, len}, .wire_len = len};

	engine_queued(g->e, &q);
}

/* One connection: allowed by the name that its client says, and settled when the server has acknowledged that. */
static void
connection(struct gateway *g)
{
	uint32_t i = g->next++;
	const uint8_t camera[4] = {10, 0, 0, (uint8_t)(1 + i % CAMERAS)}, server[4] = {(uint8_t)(20 + i % 3), (uint8_t)(i % 101), 7, (uint8_t)(i / 7)};
	unsigned port = 1024 + i / CAMERAS % 60000;
	uint8_t p[60 + HELLO_MAX];
	char number[4];

	snprintf(number, sizeof number, "%03u", i % g->names % 1000);
	memcpy(g->hello + g->name_at + 1, number, 3);
	size_t len = packet_v4(p, IPPROTO_TCP, camera, server, port, 443, 0);
	put32(p + 24, 1000);
	p[33] = TCP_SYN;
	queue(g, p, len, false, true);
	len = packet_v4(p, IPPROTO_TCP, server, camera, 443, port, 0);
	put32(p + 24, 5000);
	put32(p + 28, 1001);
	p[33] = TCP_SYN | TCP_ACK;
	queue(g, p, len, true, false);
	len = packet_v4(p, IPPROTO_TCP, camera, server, port, 443, g->hello_len);
	put32(p + 24, 1001);
	put32(p + 28, 5001);
	p[33] = TCP_ACK;
	memcpy(p + 40, g->hello, g->hello_len);
	queue(g, p, len, false, false);
	len = packet_v4(p, IPPROTO_TCP, server, camera, 443, port, 0);
	put32(p + 24, 5001);
	put32(p + 28, (uint32_t)(1001 + g->hello_len));
	p[33] = TCP_ACK;
	queue(g, p, len, true, false);
}

static void
connections(void *state, size_t n)
{
	struct gateway *g = state;
	uint64_t allowed = g->e->stats.verdict[DECISION_ALLOW];

	for (size_t i = 0; i < n; i++) {
		connection(g);
		if (i % CONNECTIONS_A_BATCH)
			continue;
		engine_clock(g->e);
		engine_flush(g->e);
		drain(g);
	}
	engine_flush(g->e);
	drain(g);
	MICRO_CHECK(g->e->stats.verdict[DECISION_ALLOW] - allowed == n); /* each was recognised, allowed and let go */
}

/* What was written is of no use to anybody. */
static void
forget_files(struct gateway *g)
{
	char path[80];

	snprintf(path, sizeof path, "%s/eve.json", g->dir);
	unlink(path);
	rmdir(g->dir);
}

static void *
open_gateway(size_t flows)
{
	struct gateway *g = gateway_new(flows, 1000);

	forget_files(g); /* it writes on, into a file without a name */
	connections(g, flows + 100); /* the table is full, so that each new flow ends an old one */
	return g;
}

/* Calls of malloc() while connections come and go. */
static double
allocations_each(void *state)
{
	enum { N = 20000 };
	uint64_t before = micro_allocations();

	connections(state, N);
	return (double)(micro_allocations() - before) / N;
}

static void *
open_fresh(size_t flows)
{
	struct gateway *g = gateway_new(flows, 1000);

	forget_files(g);
	return g;
}

/* With what every flow needs of other tables; the first ones pay for buffers that all share. */
static double
engine_bytes_each(void *state)
{
	struct gateway *g = state;
	size_t flows = flow_capacity(g->e->flows), first = flows / 16;

	connections(g, first);
	double before = micro_rss();
	connections(g, flows - first);
	MICRO_CHECK(flow_count(g->e->flows) == flows);
	return (micro_rss() - before) / (double)(flows - first);
}

static double
engine_mib(void *state)
{
	struct gateway *g = state;
	size_t flows = flow_capacity(g->e->flows);

	connections(g, flows);
	MICRO_CHECK(flow_count(g->e->flows) == flows);
	return micro_rss() / 1048576;
}

static double
engine_empty_mib(void *state)
{
	struct gateway *g = state;

	connections(g, 100);
	return micro_rss() / 1048576;
}

enum { FEW = 65536, MANY = 1 << 20 };

const struct micro_case packet_cases[] = {
	{"decode: one packet of 64 MiB of them", NULL, 0, open_decode, PACKETS, decode_one, NULL},
	{"engine: a TLS connection of four packets, 65k flows", NULL, 0, open_gateway, FEW, connections, NULL},
	{"engine: a TLS connection of four packets, 1M flows", NULL, 0, open_gateway, MANY, connections, NULL},
	{"engine: allocations a TLS connection", "calls", 0.001, open_gateway, FEW, NULL, allocations_each},
	{"engine: memory a TLS flow, of 65k", "bytes", 320, open_fresh, FEW, NULL, engine_bytes_each},
	{"engine: memory a TLS flow, of 1M", "bytes", 320, open_fresh, MANY, NULL, engine_bytes_each},
	{"engine: all memory with 100 TLS flows", "MiB", 0, open_fresh, FEW, NULL, engine_empty_mib},
	{"engine: all memory with 65k TLS flows", "MiB", 40, open_fresh, FEW, NULL, engine_mib},
	{"engine: all memory with 1M TLS flows", "MiB", 400, open_fresh, MANY, NULL, engine_mib},
};
const size_t packet_cases_n = sizeof packet_cases / sizeof *packet_cases;
