/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTP and RTCP (RFC 3550). One packet proves nothing: version 2 is two bits. Two of one direction with the same source, sequence
 * numbers that go on and a clock that goes on do; for RTCP a compound of two whose lengths fill the datagram, or two datagrams.
 *   RTP:  version 2, padding, extension, csrc count | marker, type | sequence 2 | time 4 | source 4 | csrc | extension | payload
 *   RTCP: version 2, padding, count | type 200-207 | length 2 in words less one | source 4 ...
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"

enum {
	RTCP_FIRST = 200,
	RTCP_LAST = 207,
	RTCP_SENDER = 200,
	RTCP_RECEIVER = 201,
	TYPE_STATIC_LAST = 34,
	TYPE_DYNAMIC = 96,
	SEQUENCE_JUMP = 64,	/* lost or reordered packets between two that we see */
	TIME_JUMP = 90000 * 10, /* ten seconds of the video clock */
	PROOF = 2,
};

/* What one direction's packets agree on. */
struct media {
	unsigned rtp, rtcp; /* datagrams; a compound counts by its parts */
	uint16_t sequence;
	uint32_t time, source;
};

static bool
type_ok(uint8_t type)
{
	return type <= TYPE_STATIC_LAST || type >= TYPE_DYNAMIC;
}

/* Steps from a to b modulo 2^32 in either direction. */
static uint32_t
distance(uint32_t a, uint32_t b)
{
	return b - a < a - b ? b - a : a - b;
}

static bool
follows(const struct media *m, uint16_t sequence, uint32_t time, uint32_t source)
{
	uint16_t ahead = (uint16_t)(sequence - m->sequence);
	return source == m->source && ahead && (ahead <= SEQUENCE_JUMP || ahead >= 65536 - SEQUENCE_JUMP) &&
	       distance(m->time, time) <= TIME_JUMP;
}

static bool
take_rtp(struct media *m, struct cursor c)
{
	uint8_t first = cursor_u8(&c), type = cursor_u8(&c) & 0x7f;
	uint16_t sequence = cursor_u16(&c);
	uint32_t time = cursor_u32(&c), source = cursor_u32(&c);
	cursor_skip(&c, (size_t)4 * (first & 15));
	if (first & 0x10) {
		cursor_skip(&c, 2);
		cursor_skip(&c, (size_t)4 * cursor_u16(&c));
	}
	size_t left = cursor_left(&c);
	uint8_t padding = left ? cursor_peek(&c, left - 1) : 0;
	if (c.bad || left == 0 || !type_ok(type) || ((first & 0x20) && (padding == 0 || padding > left)))
		return false;
	if (m->rtp && !follows(m, sequence, time, source))
		return false;
	m->rtp++;
	m->sequence = sequence;
	m->time = time;
	m->source = source;
	return true;
}

/* The first of a compound is a report (section 6.1), or feedback alone (RFC 5506). */
static bool
take_rtcp(struct media *m, struct cursor c)
{
	unsigned parts = 0;
	while (cursor_left(&c)) {
		uint8_t first = cursor_u8(&c), type = cursor_u8(&c);
		uint16_t words = cursor_u16(&c);
		struct cursor body = cursor_take(&c, (size_t)4 * words);
		uint8_t reports = first & 31;
		size_t least = type == RTCP_SENDER ? 24u + 24u * reports : type == RTCP_RECEIVER ? 4u + 24u * reports : 0;
		if (body.bad || first >> 6 != 2 || type < RTCP_FIRST || type > RTCP_LAST || cursor_left(&body) < least)
			return false;
		parts++;
	}
	m->rtcp += parts;
	return !c.bad && parts > 0;
}

static bool
take_datagram(struct media *m, struct cursor c)
{
	uint8_t type = cursor_peek(&c, 1);
	if (cursor_peek(&c, 0) >> 6 != 2)
		return false;
	/* RTP types 72 to 79 with the marker would read as RTCP and are not used (RFC 5761, section 4). */
	return type >= RTCP_FIRST && type <= RTCP_LAST ? take_rtcp(m, c) : take_rtp(m, c);
}

static bool
take_side(struct media *m, const struct probe_side *s)
{
	*m = (struct media){0};
	for (size_t i = 0; i < s->n; i++)
		if (!take_datagram(m, side_unit(s, i)))
			return false;
	return true;
}

static bool
read_both(const struct probe_input *in, struct media m[2])
{
	return take_side(&m[0], &in->side[PROBE_TO_SERVER]) && take_side(&m[1], &in->side[PROBE_TO_CLIENT]);
}

static enum probe_result
rtp_inspect(const struct probe_input *in, struct app *app)
{
	struct media m[2];
	if (!read_both(in, m))
		return PROBE_NO;
	if (m[0].rtp < PROOF && m[1].rtp < PROOF)
		return PROBE_MORE;
	app->protocol = "rtp";
	return PROBE_DONE;
}

static enum probe_result
rtcp_inspect(const struct probe_input *in, struct app *app)
{
	struct media m[2];
	if (!read_both(in, m) || m[0].rtp || m[1].rtp)
		return PROBE_NO;
	if (m[0].rtcp < PROOF && m[1].rtcp < PROOF)
		return PROBE_MORE;
	app->protocol = "rtcp";
	return PROBE_DONE;
}

const struct probe probe_rtp = {
	"rtp", IPPROTO_UDP, PROVES_EITHER, rtp_inspect, "RTP by two packets that follow each other",
};

const struct probe probe_rtcp = {
	"rtcp", IPPROTO_UDP, PROVES_EITHER, rtcp_inspect, "RTCP without media beside it",
};
