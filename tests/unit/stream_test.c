/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tricks with segments in tables, memory to the last byte, and a million random segments against a map of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream.h"

enum {
	CHUNK = 640, /* as stream.h says */
	RANGES = 32,
};

#define NEW STREAM_NEW
#define CONFLICT STREAM_CONFLICT
#define URGENT STREAM_URGENT
#define GAP STREAM_GAP
#define FULL STREAM_FULL
#define FIN STREAM_FIN
#define OUTSIDE STREAM_OUTSIDE
#define LOOSE STREAM_LOOSE

static struct packet
packet_of(uint32_t seq, uint8_t flags, const void *bytes, size_t len)
{
	struct packet p = {.tcp_seq = seq, .tcp_flags = flags, .payload = {bytes, len}, .payload_len = (uint32_t)len};
	p.tuple.proto = IPPROTO_TCP;
	p.tuple.sport = 40000;
	p.tuple.dport = 443;
	return p;
}

static unsigned
send_bytes(struct stream_pool *p, struct stream *s, uint32_t seq, uint8_t flags, const void *bytes, size_t len)
{
	struct packet k = packet_of(seq, flags, bytes, len);
	return stream_packet(p, s, PROBE_TO_SERVER, &k);
}

static void
assert_view(const struct stream *s, unsigned side, const void *bytes, size_t len, bool ended)
{
	struct probe_input in;
	stream_view(s, &in);
	assert_int_equal(in.side[side].n, len > 0);
	assert_int_equal(in.side[side].ended, ended);
	if (len) {
		assert_int_equal(in.side[side].units[0].len, len);
		assert_memory_equal(in.side[side].units[0].p, bytes, len);
	}
}

/* One direction. at: offset from the first byte; cut: bytes of the text that our copy lacks; a row ends where text is NULL. */
struct step {
	long at;
	const char *text;
	unsigned notes;
	uint8_t flags;
	unsigned cut;
};

#define S(where, bytes, want, ...) {.at = where, .text = bytes, .notes = want, ##__VA_ARGS__}

static const struct trick {
	const char *name;
	struct step steps[8];
	const char *view;
	bool ended, no_syn;
} tricks[] = {
	{.name = "in order", .view = "abcdefgh", .steps = {S(0, "abcd", NEW), S(4, "efgh", NEW)}},
	{.name = "reordered", .view = "abcdefghij", .steps = {S(4, "efgh", GAP), S(8, "ij", GAP), S(0, "abcd", NEW)}},
	{.name = "a hole stays a hole", .view = "ab", .steps = {S(0, "ab", NEW), S(4, "ef", GAP)}},
	{.name = "retransmitted", .view = "abcdef",
	 .steps = {S(0, "abcd", NEW), S(0, "abcd", 0), S(2, "cd", 0), S(0, "abcdef", NEW)}},
	{.name = "retransmitted with other content", .view = "abcd", .steps = {S(0, "abcd", NEW), S(0, "aXcd", CONFLICT)}},
	{.name = "other content under new bytes", .view = "abcdef", .steps = {S(0, "abcd", NEW), S(2, "XXef", NEW | CONFLICT)}},
	{.name = "overlap to the left, first wins", .view = "abcdefgh",
	 .steps = {S(4, "efgh", GAP), S(0, "abcdXX", NEW | CONFLICT)}},
	{.name = "overlap to the right, first wins", .view = "abcdefg", .steps = {S(0, "abcd", NEW), S(3, "defg", NEW)}},
	{.name = "a segment over two islands", .view = "abcdefghij",
	 .steps = {S(2, "cd", GAP), S(6, "gh", GAP), S(0, "abcdefghij", NEW)}},
	{.name = "and with one wrong byte in one of them", .view = "abcdefgXij",
	 .steps = {S(2, "cd", GAP), S(6, "gX", GAP), S(0, "abcdefghij", NEW | CONFLICT)}},
	{.name = "other content behind a hole", .view = "abcdefgh",
	 .steps = {S(4, "efgh", GAP), S(4, "eXgh", GAP | CONFLICT), S(0, "abcd", NEW)}},
	{.name = "islands that touch", .view = "abcde", .steps = {S(2, "c", GAP), S(4, "e", GAP), S(3, "d", GAP), S(0, "ab", NEW)}},
	{.name = "one byte at a time", .view = "abcde",
	 .steps = {S(0, "a", NEW), S(1, "b", NEW), S(2, "c", NEW), S(3, "d", NEW), S(4, "e", NEW)}},
	{.name = "one byte at a time, backwards", .view = "abcde",
	 .steps = {S(4, "e", GAP), S(3, "d", GAP), S(2, "c", GAP), S(1, "b", GAP), S(0, "a", NEW)}},
	{.name = "FIN", .view = "abcd", .ended = true,
	 .steps = {S(0, "abcd", NEW | FIN, .flags = TCP_FIN), S(0, "abcd", 0, .flags = TCP_FIN)}},
	{.name = "FIN of its own", .view = "abcd", .ended = true, .steps = {S(0, "abcd", NEW), S(4, "", FIN, .flags = TCP_FIN)}},
	{.name = "FIN before its data", .view = "abcd", .ended = true,
	 .steps = {S(4, "", GAP, .flags = TCP_FIN), S(0, "abcd", NEW | FIN)}},
	{.name = "bytes behind the FIN", .view = "abcd", .ended = true,
	 .steps = {S(0, "abcd", NEW | FIN, .flags = TCP_FIN), S(4, "ef", CONFLICT)}},
	{.name = "bytes across the FIN", .view = "ab", .ended = true,
	 .steps = {S(2, "", GAP, .flags = TCP_FIN), S(0, "abcd", NEW | FIN | CONFLICT)}},
	{.name = "a FIN below bytes that came", .view = "abcd", .ended = true,
	 .steps = {S(0, "abcd", NEW), S(2, "", FIN | CONFLICT, .flags = TCP_FIN)}},
	{.name = "two FINs", .view = "abcdef", .ended = true,
	 .steps = {S(6, "", GAP, .flags = TCP_FIN), S(4, "", GAP | CONFLICT, .flags = TCP_FIN), S(0, "abcdef", NEW | FIN)}},
	{.name = "other content after the end", .view = "abcd", .ended = true,
	 .steps = {S(0, "abcd", NEW | FIN, .flags = TCP_FIN), S(0, "abcX", CONFLICT)}},
	{.name = "urgent", .view = "abcd",
	 .steps = {S(0, "abcd", NEW | URGENT, .flags = TCP_URG), S(4, "", URGENT, .flags = TCP_URG)}},
	{.name = "RST is not ours to judge", .view = "abcdef",
	 .steps = {S(0, "abcd", NEW), S(4, "", 0, .flags = TCP_RST), S(4, "ef", NEW)}},
	{.name = "keep-alive before data", .view = "abcd", .steps = {S(-1, "", 0), S(-1, "?", 0), S(0, "abcd", NEW)}},
	{.name = "before the first byte", .view = "ab", .steps = {S(-4, "wxyz", OUTSIDE), S(-2, "yzab", OUTSIDE | NEW)}},
	{.name = "before, with a wrong end", .view = "abcd", .steps = {S(0, "abcd", NEW), S(-2, "yzaX", OUTSIDE | CONFLICT)}},
	{.name = "further ahead than a window", .view = "",
	 .steps = {S((1 << 30) + 1, "x", OUTSIDE), S(-(1 << 30), "x", OUTSIDE), S(1 << 30, "x", GAP)}},
	{.name = "a copy cut short", .view = "abcd", .ended = true,
	 .steps = {S(0, "abcdef", NEW | FULL, .cut = 2), S(6, "gh", FULL)}},
	{.name = "its missing bytes stay missing", .view = "abcd", .ended = true,
	 .steps = {S(0, "abcdef", NEW | FULL, .cut = 2), S(4, "ef", FULL), S(0, "abXd", CONFLICT)}},
	{.name = "a copy cut short behind a hole", .view = "abcd", .ended = true,
	 .steps = {S(2, "cdef", GAP, .cut = 2), S(0, "ab", NEW | FULL)}},
	{.name = "nothing was copied", .view = "", .ended = true, .steps = {S(0, "abcd", FULL, .cut = 4)}},
	{.name = "FIN behind a copy cut short", .view = "ab", .ended = true,
	 .steps = {S(0, "abcd", NEW | FULL, .flags = TCP_FIN, .cut = 2)}},
	{.name = "mid-stream", .view = "abcdefgh", .no_syn = true,
	 .steps = {S(0, "abcd", NEW | LOOSE), S(6, "gh", GAP | LOOSE), S(4, "ef", NEW | LOOSE)}},
	{.name = "mid-stream, earlier bytes afterwards", .view = "abcd", .no_syn = true,
	 .steps = {S(0, "abcd", NEW | LOOSE), S(-4, "wxyz", OUTSIDE | LOOSE)}},
	{.name = "mid-stream, first a bare ACK", .view = "abcd", .no_syn = true,
	 .steps = {S(-1, "", 0), S(0, "abcd", NEW | LOOSE)}},
};

/* Where the numbers start: in the middle, and so that every position of each trick is once the one that wraps. */
static void
run_trick(const struct trick *t, uint32_t base)
{
	struct stream_pool *p = stream_pool_new(1, 64 * CHUNK);
	struct stream *s = stream_new(p, IPPROTO_TCP);

	if (!t->no_syn)
		assert_int_equal(send_bytes(p, s, base - 1, TCP_SYN, "", 0), 0);
	for (const struct step *k = t->steps; k->text; k++) {
		struct packet packet = packet_of(base + (uint32_t)k->at, TCP_ACK | k->flags, k->text, strlen(k->text));
		packet.payload.len -= k->cut;
		unsigned notes = stream_packet(p, s, PROBE_TO_SERVER, &packet);
		if (notes != k->notes)
			fail_msg("%s, step %d at %u: notes %#x, want %#x", t->name, (int)(k - t->steps) + 1, base, notes, k->notes);
	}
	assert_view(s, PROBE_TO_SERVER, t->view, strlen(t->view), t->ended);
	assert_view(s, PROBE_TO_CLIENT, "", 0, false);
	stream_free(p, s);
	assert_int_equal(stream_pool_bytes(p), 0);
	stream_pool_free(p);
}

static void
knows_the_tricks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++) {
		run_trick(&tricks[i], 1000);
		run_trick(&tricks[i], 0x80000000);
		for (uint32_t back = 0; back < 12; back++)
			run_trick(&tricks[i], 0 - back);
	}
}

static void
syn_says_where_it_begins(void **state)
{
	struct stream_pool *p = stream_pool_new(4, 64 * CHUNK);
	struct stream *s = stream_new(p, IPPROTO_TCP);
	(void)state;

	/* Data in the SYN; the same again without; the rest follows. */
	assert_int_equal(send_bytes(p, s, 99, TCP_SYN, "abcd", 4), NEW);
	assert_int_equal(send_bytes(p, s, 99, TCP_SYN, "", 0), 0);
	assert_int_equal(send_bytes(p, s, 104, TCP_ACK, "ef", 2), NEW);
	/* A server that does not take data in a SYN sees the second version: that must not be silent. */
	assert_int_equal(send_bytes(p, s, 100, TCP_ACK, "XXXX", 4), CONFLICT);
	assert_int_equal(send_bytes(p, s, 5000, TCP_SYN, "zz", 2), OUTSIDE);
	assert_view(s, PROBE_TO_SERVER, "abcdef", 6, false);

	/* The server's SYN tells both beginnings; a later segment first is a gap, not the beginning. */
	struct stream *t = stream_new(p, IPPROTO_TCP);
	struct packet synack = packet_of(7, TCP_SYN | TCP_ACK, "", 0);
	synack.tcp_ack = 100;
	assert_int_equal(stream_packet(p, t, PROBE_TO_CLIENT, &synack), 0);
	assert_int_equal(send_bytes(p, t, 110, TCP_ACK, "late", 4), GAP);
	assert_int_equal(send_bytes(p, t, 100, TCP_ACK, "0123456789", 10), NEW);
	assert_view(t, PROBE_TO_SERVER, "0123456789late", 14, false);
	struct packet banner = packet_of(8, TCP_ACK, "hi", 2);
	assert_int_equal(stream_packet(p, t, PROBE_TO_CLIENT, &banner), NEW);
	assert_view(t, PROBE_TO_CLIENT, "hi", 2, false);

	/* The client's ACK in a SYN proves nothing of the server's direction. */
	struct stream *u = stream_new(p, IPPROTO_TCP);
	struct packet odd = packet_of(9, TCP_SYN | TCP_ACK, "", 0);
	odd.tcp_ack = 500;
	assert_int_equal(stream_packet(p, u, PROBE_TO_SERVER, &odd), 0);
	assert_int_equal(stream_packet(p, u, PROBE_TO_CLIENT, &banner), NEW | LOOSE);
	stream_pool_free(p);
}

static void
fill(uint8_t *bytes, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)((i * 2654435761u + seed * 40503u) >> 11);
}

static void
stops_at_its_size(void **state)
{
	static uint8_t big[65536];
	struct stream_pool *p = stream_pool_new(2, 64 * CHUNK);
	struct stream *s = stream_new(p, IPPROTO_TCP);
	(void)state;

	/* One aggregate of 64 KiB fills a direction at once; what follows is not remembered, and still compared. */
	fill(big, sizeof big, 1);
	send_bytes(p, s, 0xfffff000, TCP_SYN, "", 0);
	assert_int_equal(send_bytes(p, s, 0xfffff001, TCP_ACK, big, sizeof big), NEW | FULL);
	assert_view(s, PROBE_TO_SERVER, big, PROBE_STREAM, true);
	assert_int_equal(send_bytes(p, s, 0xfffff001u + 65536, TCP_ACK, "more", 4), FULL);
	assert_int_equal(send_bytes(p, s, 0xfffff001, TCP_ACK, big, 1000), 0);
	big[PROBE_STREAM - 1] ^= 1;
	assert_int_equal(send_bytes(p, s, 0xfffff001, TCP_ACK, big, sizeof big), CONFLICT | FULL);
	assert_int_equal(stream_pool_bytes(p), PROBE_STREAM);
	stream_free(p, s);
	assert_int_equal(stream_pool_bytes(p), 0);

	/* What is too far to be remembered is only a gap while bytes before it are missing. */
	s = stream_new(p, IPPROTO_TCP);
	send_bytes(p, s, 0, TCP_SYN, "", 0);
	assert_int_equal(send_bytes(p, s, 1 + PROBE_STREAM, TCP_ACK, big, 100), GAP);
	assert_int_equal(send_bytes(p, s, 1 + PROBE_STREAM - 50, TCP_ACK, big, 100), GAP);
	assert_int_equal(stream_pool_bytes(p), CHUNK);
	fill(big, sizeof big, 2);
	assert_int_equal(send_bytes(p, s, 1, TCP_ACK, big, PROBE_STREAM - 50), NEW | FULL);
	stream_pool_free(p);
}

static void
keeps_few_islands(void **state)
{
	struct stream_pool *p = stream_pool_new(1, 64 * CHUNK);
	struct stream *s = stream_new(p, IPPROTO_TCP);
	(void)state;

	send_bytes(p, s, 0, TCP_SYN, "", 0);
	for (uint32_t i = 0; i < RANGES; i++)
		assert_int_equal(send_bytes(p, s, 3 + 2 * i, TCP_ACK, "x", 1), GAP);
	/* Growing one is not a new one; a new one is too many, and from then on nothing is added. */
	assert_int_equal(send_bytes(p, s, 3 + 2 * RANGES - 1, TCP_ACK, "y", 1), GAP);
	assert_int_equal(send_bytes(p, s, 400, TCP_ACK, "z", 1), FULL);
	assert_int_equal(send_bytes(p, s, 1, TCP_ACK, "ab", 2), FULL);
	assert_view(s, PROBE_TO_SERVER, "", 0, true);
	stream_pool_free(p);
}

static uint32_t
dice(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 16);
}

static void
puts_a_large_hello_in_order(void **state)
{
	enum { LEN = 16384, SEGMENTS = 20, SIZE = LEN / SEGMENTS + 1 };
	static uint8_t hello[LEN];
	struct stream_pool *p = stream_pool_new(1, 64 * CHUNK);
	uint64_t seed = 88172645463325252u;
	(void)state;

	fill(hello, LEN, 3);
	for (unsigned run = 0; run < 100; run++) {
		unsigned order[SEGMENTS], news = 0;
		uint32_t base = dice(&seed);
		struct stream *s = stream_new(p, IPPROTO_TCP);
		send_bytes(p, s, base - 1, TCP_SYN, "", 0);
		for (unsigned i = 0; i < SEGMENTS; i++) {
			unsigned j = dice(&seed) % (i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		for (unsigned i = 0; i < SEGMENTS; i++) {
			size_t from = order[i] * (size_t)SIZE, len = from + SIZE < LEN ? SIZE : LEN - from;
			unsigned notes = send_bytes(p, s, base + (uint32_t)from, TCP_ACK, hello + from, len);
			assert_true(notes == NEW || notes == GAP);
			news += notes == NEW;
		}
		assert_true(news >= 1 && news <= SEGMENTS);
		assert_view(s, PROBE_TO_SERVER, hello, LEN, false);
		stream_free(p, s);
	}
	assert_int_equal(stream_pool_bytes(p), 0);
	stream_pool_free(p);
}

static void
remembers_datagrams(void **state)
{
	static uint8_t big[65536];
	struct stream_pool *p = stream_pool_new(4, 100 * CHUNK);
	struct stream *s = stream_new(p, IPPROTO_UDP);
	struct probe_input in;
	(void)state;

	fill(big, sizeof big, 4);
	for (unsigned i = 0; i < PROBE_UNITS; i++) {
		struct packet k = packet_of(0, 0, big + i, 100 * i + 1), none = packet_of(0, 0, big, 0);
		assert_int_equal(stream_packet(p, s, i % 2, &none), 0);
		assert_int_equal(stream_packet(p, s, PROBE_TO_CLIENT, &k), i + 1 < PROBE_UNITS ? NEW : NEW | FULL);
	}
	struct packet more = packet_of(0, 0, big, 10);
	assert_int_equal(stream_packet(p, s, PROBE_TO_CLIENT, &more), FULL);
	stream_view(s, &in);
	assert_int_equal(in.l4, IPPROTO_UDP);
	assert_int_equal(in.port, 40000); /* they travelled to the client: the port that was opened is their source's */
	assert_int_equal(in.side[PROBE_TO_SERVER].n, 0);
	assert_false(in.side[PROBE_TO_SERVER].ended);
	assert_int_equal(in.side[PROBE_TO_CLIENT].n, PROBE_UNITS);
	assert_true(in.side[PROBE_TO_CLIENT].ended);
	for (unsigned i = 0; i < PROBE_UNITS; i++) {
		assert_int_equal(in.side[PROBE_TO_CLIENT].units[i].len, 100 * i + 1);
		assert_memory_equal(in.side[PROBE_TO_CLIENT].units[i].p, big + i, 100 * i + 1);
	}

	/* Cut by our size, and by the copy. */
	s = stream_new(p, IPPROTO_UDP);
	struct packet large = packet_of(0, 0, big, 20000);
	assert_int_equal(stream_packet(p, s, PROBE_TO_SERVER, &large), NEW);
	assert_int_equal(stream_packet(p, s, PROBE_TO_SERVER, &large), NEW | FULL);
	stream_view(s, &in);
	assert_int_equal(in.port, 443);
	assert_int_equal(in.side[0].n, 2);
	assert_int_equal(in.side[0].units[1].len, PROBE_STREAM - 20000);
	s = stream_new(p, IPPROTO_UDP);
	large.payload.len = 50;
	assert_int_equal(stream_packet(p, s, PROBE_TO_SERVER, &large), NEW | FULL);
	stream_view(s, &in);
	assert_int_equal(in.side[0].n, 1);
	assert_int_equal(in.side[0].units[0].len, 50);
	assert_true(in.side[0].ended);
	s = stream_new(p, 47);
	large.payload.len = 0;
	assert_int_equal(stream_packet(p, s, PROBE_TO_SERVER, &large), FULL);
	stream_view(s, &in);
	assert_int_equal(in.port, 0); /* GRE has none */
	assert_int_equal(in.side[0].n, 0);
	stream_pool_free(p);
}

static void
accounts_for_its_memory(void **state)
{
	static uint8_t big[PROBE_STREAM];
	struct stream_pool *p = stream_pool_new(3, 10 * CHUNK);
	struct stream *s[3];
	(void)state;

	fill(big, sizeof big, 5);
	for (unsigned i = 0; i < 3; i++) {
		s[i] = stream_new(p, IPPROTO_TCP);
		send_bytes(p, s[i], 0, TCP_SYN, "", 0);
	}
	assert_null(stream_new(p, IPPROTO_TCP));
	assert_int_equal(stream_pool_refused(p), 1);
	assert_int_equal(stream_pool_bytes(p), 0);
	assert_int_equal(send_bytes(p, s[0], 1, TCP_ACK, big, 1), NEW);
	assert_int_equal(stream_pool_bytes(p), CHUNK);
	assert_int_equal(send_bytes(p, s[0], 2, TCP_ACK, big + 1, CHUNK - 1), NEW);
	assert_int_equal(stream_pool_bytes(p), CHUNK);

	/* The pool ends in the middle of a segment: what fitted is there, and the direction is over. */
	assert_int_equal(send_bytes(p, s[1], 1, TCP_ACK, big, 20 * CHUNK), NEW | FULL);
	assert_view(s[1], PROBE_TO_SERVER, big, 9 * CHUNK, true);
	assert_int_equal(stream_pool_bytes(p), 10 * CHUNK);
	assert_int_equal(send_bytes(p, s[2], 1, TCP_ACK, big, 1), FULL);
	assert_view(s[2], PROBE_TO_SERVER, "", 0, true);
	assert_int_equal(stream_pool_refused(p), 3);

	stream_free(p, s[1]);
	assert_int_equal(stream_pool_bytes(p), CHUNK);
	assert_int_equal(send_bytes(p, s[2], 1, TCP_ACK, big, 1), FULL); /* ended is ended */
	s[1] = stream_new(p, IPPROTO_UDP);
	struct packet k = packet_of(0, 0, big, 9 * CHUNK);
	assert_int_equal(stream_packet(p, s[1], PROBE_TO_CLIENT, &k), NEW);
	assert_int_equal(stream_packet(p, s[1], PROBE_TO_CLIENT, &k), FULL);
	assert_view(s[0], PROBE_TO_SERVER, big, CHUNK, false);
	for (unsigned i = 0; i < 3; i++)
		stream_free(p, s[i]);
	stream_free(p, NULL);
	assert_int_equal(stream_pool_bytes(p), 0);
	assert_int_equal(stream_pool_flows(p), 0);
	stream_pool_free(p);
	stream_pool_free(NULL);
}

/* The naive reference: one entry a byte. */
struct model {
	bool here[PROBE_STREAM + 1];
	uint8_t byte[PROBE_STREAM];
	long high; /* no byte from here on */
	long fin, limit;
	bool ended;
};

static long
model_ready(const struct model *m)
{
	long n = 0;
	while (m->here[n])
		n++;
	return n;
}

static int
model_islands(const struct model *m)
{
	int n = 0;
	for (long i = 0; i < m->high; i++)
		n += m->here[i] && (i == 0 || !m->here[i - 1]);
	return n;
}

static bool
model_touches(const struct model *m, long from, long to)
{
	for (long i = from > 0 ? from - 1 : 0; i <= to; i++)
		if (m->here[i])
			return true;
	return false;
}

static unsigned
model_segment(struct model *m, long from, const uint8_t *bytes, long len, long copied, bool fin)
{
	long before = model_ready(m), end = from + len, last = -1, first = from > 0 ? from : 0;
	bool had_ended = m->ended;
	unsigned notes = from < 0 ? OUTSIDE : 0;

	if (from == -1 && len <= 1 && !fin)
		return 0;
	if (from < 0 && end <= 0)
		return OUTSIDE;
	for (long i = 0; i < m->high; i++)
		last = m->here[i] ? i : last;
	if (fin && m->fin >= 0 && m->fin != end)
		notes |= CONFLICT;
	if (fin && m->fin < 0) {
		m->fin = end;
		notes |= last >= end ? CONFLICT : 0;
	}
	if (m->fin >= 0 && end > m->fin)
		notes |= CONFLICT;
	if (copied < len && m->limit > from + copied)
		m->limit = from + copied > 0 ? from + copied : 0;
	long stop = from + copied < m->limit ? from + copied : m->limit;
	stop = m->fin >= 0 && m->fin < stop ? m->fin : stop;
	bool too_many = first < stop && !model_touches(m, first, stop) && model_islands(m) == RANGES;
	for (long i = first; i < stop; i++) {
		if (m->here[i] && m->byte[i] != bytes[i - from])
			notes |= CONFLICT;
		if (!m->here[i] && !had_ended && !too_many) {
			m->here[i] = true;
			m->byte[i] = bytes[i - from];
			m->high = i + 1 > m->high ? i + 1 : m->high;
		}
	}
	m->ended |= too_many && !had_ended;
	long ready = model_ready(m);
	bool complete = m->fin >= 0 && ready >= m->fin;
	m->ended |= complete || ready >= m->limit;
	notes |= ready > before ? NEW : 0;
	if (!m->ended)
		return first > ready ? notes | GAP : notes;
	if (complete)
		return had_ended ? notes : notes | FIN;
	return !had_ended || end > ready ? notes | FULL : notes;
}

struct random_flow {
	long span, size; /* where segments lie, and how long they are */
	unsigned lies;	 /* one in this many has other content */
};

static void
random_segment(struct stream_pool *p, struct stream *s, struct model *m, const struct random_flow *kind, uint32_t base,
	       const uint8_t *truth, uint64_t *seed)
{
	static uint8_t bytes[PROBE_STREAM * 2];
	long from = (long)(dice(seed) % (uint32_t)kind->span), len = (long)(dice(seed) % (uint32_t)kind->size);
	bool fin = dice(seed) % 400 == 0, cut = dice(seed) % 500 == 0 && len > 0;

	if (dice(seed) % 50 == 0)
		from = -(long)(dice(seed) % 6);
	for (long i = 0; i < len; i++)
		bytes[i] = from + i < 0 ? 0 : truth[from + i];
	if (len && dice(seed) % kind->lies == 0)
		bytes[dice(seed) % (uint32_t)len] ^= 1;
	long copied = cut ? (long)(dice(seed) % (uint32_t)len) : len;
	unsigned want = len || fin ? model_segment(m, from, bytes, len, copied, fin) : 0;
	struct packet k = packet_of(base + (uint32_t)from, fin ? TCP_ACK | TCP_FIN : TCP_ACK, bytes, (size_t)len);
	k.payload.len = (size_t)copied;
	unsigned notes = stream_packet(p, s, PROBE_TO_SERVER, &k);
	if (notes != want)
		fail_msg("from %ld len %ld copied %ld fin %d: notes %#x, want %#x", from, len, copied, fin, notes, want);
}

static void
agrees_with_a_map_of_bytes(void **state)
{
	static const struct random_flow kinds[] = {
		{40, 12, 9}, {200, 40, 30}, {3000, 300, 300}, {30000, 3000, 500}, {PROBE_STREAM, 4, 1000}, {600, 2, 1000},
	};
	static uint8_t truth[PROBE_STREAM * 3];
	static struct model m;
	struct stream_pool *p = stream_pool_new(1, PROBE_STREAM);
	uint64_t seed = 0x9e3779b97f4a7c15u;
	unsigned long segments = 0, conflicts = 0, ends = 0, contiguous = 0;
	(void)state;

	fill(truth, sizeof truth, 6);
	for (unsigned flow = 0; segments < 1000000; flow++) {
		const struct random_flow *kind = &kinds[flow % 6];
		struct stream *s = stream_new(p, IPPROTO_TCP);
		uint32_t base = dice(&seed);
		memset(&m, 0, sizeof m);
		m.fin = -1;
		m.limit = PROBE_STREAM;
		send_bytes(p, s, base - 1, TCP_SYN, "", 0);
		for (unsigned i = 0; i < 200; i++, segments++)
			random_segment(p, s, &m, kind, base, truth, &seed);
		assert_view(s, PROBE_TO_SERVER, m.byte, (size_t)model_ready(&m), m.ended);
		conflicts += memcmp(m.byte, truth, (size_t)model_ready(&m)) != 0;
		contiguous += (unsigned long)model_ready(&m);
		ends += m.ended;
		stream_free(p, s);
		assert_int_equal(stream_pool_bytes(p), 0);
	}
	assert_int_equal(stream_pool_refused(p), 0);
	assert_true(conflicts > 100 && ends > 500 && contiguous > 1000000); /* the dice reached every corner */
	print_message("%lu segments, %lu flows ended, %lu with a lie in front, %lu bytes in order\n", segments, ends, conflicts, contiguous);
	stream_pool_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_tricks),
		cmocka_unit_test(syn_says_where_it_begins),
		cmocka_unit_test(stops_at_its_size),
		cmocka_unit_test(keeps_few_islands),
		cmocka_unit_test(puts_a_large_hello_in_order),
		cmocka_unit_test(remembers_datagrams),
		cmocka_unit_test(accounts_for_its_memory),
		cmocka_unit_test(agrees_with_a_map_of_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
