/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes: the seeds of their fuzzer, which are flows of every protocol that they know, drawn at random: in the mix that cameras have and all
 * alike; as the engine meets them, just copied out of the kernel, and out of more memory than the caches hold. A dissected packet is one that the
 * probes look at: segments without payload and what follows once they are sure are none.
 */
#include "micro.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

enum {
	SEEDS_MAX = 1024,
	SEED_BYTES = 65536,
	PIECES_MAX = 2 * PROBE_UNITS,
	DRAWN = 1 << 16, /* flows of the cameras' mix, drawn before anything is timed */
	SEGMENT = 1448, /* of TCP over Ethernet, with time stamps */
	RECEIVED = 1,
	MEMORY = 64 << 20,
	CIPHERS_AT = 43, /* of a ClientHello in its first record: its session id's length */
};

struct piece {
	uint8_t side;
	uint16_t len;
};

/* A flow's packets; the bytes of a direction lie in one piece of memory behind it, as the stream pool keeps them. */
struct shown {
	uint8_t l4, kind;
	uint16_t port;
	uint16_t n;
	struct piece pieces[PIECES_MAX];
	size_t bytes[2];
	uint8_t *data[2];
};

/* In how many of a hundred flows a camera speaks so; the rest is evenly everything else. By the names of the seeds. */
#define SHARE_TLS  40
#define SHARE_DNS  20
#define SHARE_NTP  15
#define SHARE_HTTP 8
#define SHARE_RTSP 4
#define SHARE_STUN 2
#define SHARE_QUIC 1
#define SHARE_MQTT 1
static const struct {
	const char *prefix;
	unsigned share;
} mix[] = {{"tls-", SHARE_TLS},	  {"dns-", SHARE_DNS},	 {"ntp-", SHARE_NTP},	{"http-", SHARE_HTTP},
	   {"rtsp-", SHARE_RTSP}, {"stun-", SHARE_STUN}, {"quic-", SHARE_QUIC}, {"mqtt-", SHARE_MQTT}};

enum { MIX = sizeof mix / sizeof *mix, MIX_KINDS = MIX + 1 };

struct probing {
	struct shown *flows;
	size_t n;
	uint32_t *kind[MIX_KINDS]; /* numbers of flows; the last kind is all of them */
	uint32_t kinds[MIX_KINDS];
	uint64_t random;
	uint32_t *drawn_flows;
	size_t at; /* in them */
	size_t drawn; /* the kind that kind_packets() draws from */
	uint16_t cipher; /* the last one that stands in place of a hello's own */
};

static size_t
load(const char *path, uint8_t *out)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(out, 1, SEED_BYTES, f) : 0;

	if (f)
		fclose(f);
	return n;
}

/*
 * One more packet. The fuzzer's seeds cut a TCP message wherever that finds mistakes; a sender cuts it where a segment is full, and lets the other
 * side speak first where that has to.
 */
static void
add_piece(struct shown *f, unsigned side, size_t n)
{
	while (n && f->n < PIECES_MAX) {
		struct piece *last = f->n ? &f->pieces[f->n - 1] : NULL;
		bool on = f->l4 == IPPROTO_TCP && last && last->side == side && last->len < SEGMENT;
		size_t room = f->l4 != IPPROTO_TCP ? n : SEGMENT - (on ? last->len : 0u), take = n < room ? n : room;
		if (!on)
			f->pieces[f->n++] = (struct piece){(uint8_t)side, (uint16_t)take};
		else
			last->len = (uint16_t)(last->len + take);
		n -= take;
	}
}

static bool
parse(const uint8_t *p, size_t len, struct shown *ret)
{
	static const uint8_t transports[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	struct cursor c = cursor_of(p, len);

	memset(ret, 0, sizeof *ret);
	ret->l4 = transports[cursor_u8(&c) & 3];
	ret->port = cursor_u16(&c);
	ret->data[0] = micro_alloc(1, SEED_BYTES);
	ret->data[1] = micro_alloc(1, SEED_BYTES);
	while (cursor_left(&c) && ret->n < PIECES_MAX && !c.bad) {
		uint16_t head = cursor_u16(&c);
		size_t want = head & 0x7fff, n = want < cursor_left(&c) ? want : cursor_left(&c);
		unsigned side = head >> 15;
		cursor_copy(&c, ret->data[side] + ret->bytes[side], n);
		ret->bytes[side] += n;
		add_piece(ret, side, n);
	}
	return ret->n > 0 && ret->bytes[0] <= PROBE_STREAM && ret->bytes[1] <= PROBE_STREAM;
}

static uint8_t
kind_of(const char *name)
{
	for (uint8_t i = 0; i < MIX; i++)
		if (strncmp(name, mix[i].prefix, strlen(mix[i].prefix)) == 0)
			return i;
	return MIX;
}

static void
sort_by_kind(struct probing *s)
{
	for (size_t k = 0; k < MIX_KINDS; k++)
		s->kind[k] = micro_alloc(s->n, sizeof *s->kind[k]);
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->flows[i].kind < MIX)
			s->kind[s->flows[i].kind][s->kinds[s->flows[i].kind]++] = i;
		s->kind[MIX][s->kinds[MIX]++] = i;
	}
	for (size_t k = 0; k < MIX_KINDS; k++)
		MICRO_CHECK(s->kinds[k] > 0);
}

/* The number of a flow as cameras have them. */
static uint32_t
draw(struct probing *s)
{
	unsigned which = (unsigned)(micro_random(&s->random) % 100), k = 0;

	while (k < MIX && which >= mix[k].share)
		which -= mix[k++].share;
	return s->kind[k][micro_random(&s->random) % s->kinds[k]];
}

static const struct shown *
next_drawn(struct probing *s)
{
	return &s->flows[s->drawn_flows[s->at++ % DRAWN]];
}

static void *
open_probes(size_t memory)
{
	static struct shown seeds[SEEDS_MAX];
	static uint8_t raw[SEED_BYTES];
	struct probing *s = micro_alloc(1, sizeof *s);
	DIR *dir = opendir("tests/fuzz/seeds/probe");
	size_t n = 0, bytes = 0;

	micro_absent = "tests/fuzz/seeds/probe is not here: run from the top of the tree";
	if (!dir)
		return NULL;
	for (struct dirent *d; (d = readdir(dir)) && n < SEEDS_MAX;) {
		char path[512];
		snprintf(path, sizeof path, "tests/fuzz/seeds/probe/%s", d->d_name);
		size_t len = d->d_name[0] == '.' ? 0 : load(path, raw);
		if (len && parse(raw, len, &seeds[n])) {
			seeds[n].kind = kind_of(d->d_name);
			bytes += seeds[n].bytes[0] + seeds[n].bytes[1] + sizeof seeds[n];
			n++;
		}
	}
	closedir(dir);
	MICRO_CHECK(n > 100);
	size_t copies = memory / bytes + 1;
	s->n = copies * n;
	s->flows = micro_alloc(s->n, sizeof *s->flows);
	for (size_t i = 0; i < s->n; i++) {
		s->flows[i] = seeds[i % n];
		for (unsigned side = 0; side < 2; side++) {
			s->flows[i].data[side] = micro_alloc(1, s->flows[i].bytes[side] + 1);
			memcpy(s->flows[i].data[side], seeds[i % n].data[side], s->flows[i].bytes[side]);
		}
	}
	sort_by_kind(s);
	s->drawn_flows = micro_alloc(DRAWN, sizeof *s->drawn_flows);
	for (size_t i = 0; i < DRAWN; i++)
		s->drawn_flows[i] = draw(s);
	return s;
}

static void
grow(struct probe_input *in, struct span units[2][PROBE_UNITS], const struct shown *f, const struct piece *p, size_t used[2])
{
	struct probe_side *side = &in->side[p->side];

	if (f->l4 == IPPROTO_TCP) {
		units[p->side][0] = (struct span){f->data[p->side], used[p->side] + p->len};
		side->n = 1;
	} else if (side->n < PROBE_UNITS) {
		units[p->side][side->n++] = (struct span){f->data[p->side] + used[p->side], p->len};
	}
	used[p->side] += p->len;
}

/* Until the probes are sure, as the engine asks them; returns how many packets that took. */
static size_t
show(const struct shown *f)
{
	static struct app app;
	struct span units[2][PROBE_UNITS];
	struct probe_input in = {.l4 = f->l4, .port = f->port, .side = {{.units = units[0]}, {.units = units[1]}}};
	size_t used[2] = {0, 0};

	for (size_t i = 0; i < f->n; i++) {
		grow(&in, units, f, &f->pieces[i], used);
		if (probe_inspect(&in, &app) != PROBE_MORE)
			return i + 1;
	}
	return f->n;
}

static void
flows(void *state, size_t n)
{
	struct probing *s = state;

	while (n--)
		micro_sink += show(&s->flows[micro_random(&s->random) % s->n]);
}

static void
packets(void *state, size_t n)
{
	struct probing *s = state;

	for (size_t done = 0; done < n;)
		done += show(&s->flows[micro_random(&s->random) % s->n]);
}

static void
camera_flows(void *state, size_t n)
{
	while (n--)
		micro_sink += show(next_drawn(state));
}

static void
camera_packets(void *state, size_t n)
{
	for (size_t done = 0; done < n;)
		done += show(next_drawn(state));
}

/* Flows of one kind of the mix; its place in it, or MIX for all others. */
static void *
open_kind(size_t kind)
{
	struct probing *s = open_probes(RECEIVED);

	if (!s)
		return NULL;
	s->drawn = kind;
	if (kind < MIX)
		return s;
	uint32_t n = 0; /* "all others": without the kinds that have a share of their own */
	for (uint32_t i = 0; i < s->kinds[MIX]; i++)
		if (s->flows[s->kind[MIX][i]].kind == MIX)
			s->kind[MIX][n++] = s->kind[MIX][i];
	s->kinds[MIX] = n;
	return s;
}

static void
kind_packets(void *state, size_t n)
{
	struct probing *s = state;

	for (size_t done = 0; done < n;)
		done += show(&s->flows[s->kind[s->drawn][micro_random(&s->random) % s->kinds[s->drawn]]]);
}

/* ClientHellos that offer what none before them did: what is remembered of others is of no use. */
static void
new_hellos(void *state, size_t n)
{
	struct probing *s = state;

	while (n--) {
		const struct shown *f = &s->flows[s->kind[0][micro_random(&s->random) % s->kinds[0]]];
		uint8_t *cipher = f->data[PROBE_TO_SERVER] + CIPHERS_AT + 1 + f->data[PROBE_TO_SERVER][CIPHERS_AT] + 2;
		s->cipher = (uint16_t)(s->cipher + 0x0101 == 0x0a0a ? 0x0b0b : s->cipher + 1);
		cipher[0] = (uint8_t)(s->cipher >> 8);
		cipher[1] = (uint8_t)s->cipher;
		micro_sink += show(f);
	}
}

/* How many of its packets a flow shows until the probes are sure. */
static double
packets_a_flow(void *state)
{
	enum { FLOWS = 20000 };
	size_t n = 0;

	for (size_t i = 0; i < FLOWS; i++)
		n += show(next_drawn(state));
	return (double)n / FLOWS;
}

#define TEXT(x)	   TEXT_OF(x)
#define TEXT_OF(x) #x
#define KIND(what, share, place) \
	{"probes: a packet of " what ", " TEXT(share) " of 100 flows", NULL, 0, open_kind, place, kind_packets, NULL}

const struct micro_case probe_cases[] = {
	{"probes: a dissected packet, as cameras speak", NULL, 400, open_probes, RECEIVED, camera_packets, NULL},
	{"probes: a flow, as cameras speak", NULL, 1500, open_probes, RECEIVED, camera_flows, NULL},
	{"probes: packets a flow, as cameras speak", "packets", 0, open_probes, RECEIVED, NULL, packets_a_flow},
	{"probes: a dissected packet, cameras, out of 64 MiB", NULL, 0, open_probes, MEMORY, camera_packets, NULL},
	{"probes: a flow, cameras, out of 64 MiB", NULL, 0, open_probes, MEMORY, camera_flows, NULL},
	{"probes: a dissected packet, all protocols alike", NULL, 0, open_probes, RECEIVED, packets, NULL},
	{"probes: a flow, all protocols alike", NULL, 0, open_probes, RECEIVED, flows, NULL},
	{"probes: a dissected packet out of 64 MiB", NULL, 0, open_probes, MEMORY, packets, NULL},
	{"probes: a flow out of 64 MiB", NULL, 0, open_probes, MEMORY, flows, NULL},
	KIND("TLS", SHARE_TLS, 0),
	KIND("DNS", SHARE_DNS, 1),
	KIND("NTP", SHARE_NTP, 2),
	KIND("HTTP", SHARE_HTTP, 3),
	KIND("RTSP", SHARE_RTSP, 4),
	KIND("STUN", SHARE_STUN, 5),
	KIND("QUIC", SHARE_QUIC, 6),
	KIND("MQTT", SHARE_MQTT, 7),
	{"probes: a packet of what else there is", NULL, 0, open_kind, MIX, kind_packets, NULL},
	{"probes: a TLS flow, each hello unlike all before", NULL, 0, open_kind, 0, new_hellos, NULL},
};
const size_t probe_cases_n = sizeof probe_cases / sizeof *probe_cases;
