/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ping, or something hidden in it. What ordinary ping programs put into an echo, after at most 16 bytes of their own (a time stamp):
 *   bytes that count up (iputils, BSD, fping), one byte repeated (BusyBox, hping, fping),
 *   the alphabet a to w over and over (Windows), or ab cd over and over (Cisco); or nothing.
 * An echo that carries anything else, or an answer that is not one of the questions, is a tunnel. Other ICMP queries have
 * one length. Units are what follows ICMP's 8-byte header; the port is type and code.
 */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"

enum {
	ECHO_4 = 8,
	TIMESTAMP = 13,
	ADDRESS_MASK = 17,
	ECHO_6 = 128,
	OWN_BYTES = 16,
	ALPHABET = 23,
};

/* Does byte i follow byte i - 1 in this kind of filling? `at` is the first byte of the filling. */
typedef bool (*filling)(const struct cursor *c, size_t at, size_t i);

static bool
counts_up(const struct cursor *c, size_t at, size_t i)
{
	return i == at || cursor_peek(c, i) == (uint8_t)(cursor_peek(c, i - 1) + 1);
}

static bool
repeats(const struct cursor *c, size_t at, size_t i)
{
	return cursor_peek(c, i) == cursor_peek(c, at);
}

static bool
alphabet(const struct cursor *c, size_t at, size_t i)
{
	return cursor_peek(c, i) == (uint8_t)('a' + (i - at) % ALPHABET);
}

static bool
ab_cd(const struct cursor *c, size_t at, size_t i)
{
	return cursor_peek(c, i) == ((i - at) % 2 ? 0xcd : 0xab);
}

static bool
filled(const struct cursor *c, size_t at, filling follows)
{
	size_t n = cursor_left(c);
	for (size_t i = at; i < n; i++)
		if (!follows(c, at, i))
			return false;
	return true;
}

static bool
is_ordinary(struct cursor c)
{
	static const filling fillings[] = {counts_up, repeats, alphabet, ab_cd};
	static const uint8_t starts[] = {0, 4, 8, 12, OWN_BYTES};
	for (size_t s = 0; s < sizeof starts; s++)
		for (size_t f = 0; f < sizeof fillings / sizeof *fillings; f++)
			if (filled(&c, starts[s], fillings[f]))
				return true;
	return false;
}

static bool
same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* An answer repeats its question. When questions are no longer remembered, nobody can say. */
static bool
replies_match(const struct probe_side *questions, const struct probe_side *answers)
{
	if (questions->ended || questions->n == 0 || questions->n >= PROBE_UNITS)
		return true;
	for (size_t i = 0; i < answers->n; i++) {
		bool found = false;
		for (size_t j = 0; j < questions->n && !found; j++)
			found = same(answers->units[i], questions->units[j]);
		if (!found)
			return false;
	}
	return true;
}

static bool
is_echo(const struct probe_input *in)
{
	unsigned type = in->port >> 8;
	return (in->l4 == IPPROTO_ICMP && type == ECHO_4) || (in->l4 == IPPROTO_ICMPV6 && type == ECHO_6);
}

/* Other queries of IPv4, whose length is fixed; IPv6's belong to the link. */
static bool
is_query(const struct probe_input *in)
{
	unsigned type = in->port >> 8;
	size_t length = type == TIMESTAMP ? 12 : type == ADDRESS_MASK ? 4 : SIZE_MAX;
	for (unsigned side = 0; side < 2; side++)
		for (size_t i = 0; i < in->side[side].n; i++)
			if (in->side[side].units[i].len != length)
				return false;
	return in->l4 == IPPROTO_ICMP && length != SIZE_MAX;
}

static bool
is_icmp(const struct probe_input *in)
{
	return in->l4 == IPPROTO_ICMP || in->l4 == IPPROTO_ICMPV6;
}

static bool
all_ordinary(const struct probe_input *in)
{
	return side_datagrams(in, is_ordinary, is_ordinary) != PROBE_NO;
}

static bool
all_match(const struct probe_input *in)
{
	return replies_match(&in->side[PROBE_TO_SERVER], &in->side[PROBE_TO_CLIENT]);
}

static enum probe_result
icmp_inspect(const struct probe_input *in, struct app *app)
{
	if (!is_icmp(in) || (is_echo(in) ? !all_ordinary(in) : !is_query(in)))
		return PROBE_NO;
	if ((in->side[PROBE_TO_SERVER].n == 0 && in->side[PROBE_TO_CLIENT].n == 0) || (is_echo(in) && !all_match(in)))
		return PROBE_MORE;
	app->protocol = "icmp";
	return PROBE_DONE;
}

static enum probe_result
icmp_tunnel_inspect(const struct probe_input *in, struct app *app)
{
	if (!is_icmp(in) || !is_echo(in))
		return PROBE_NO;
	if (all_ordinary(in) && all_match(in))
		return PROBE_MORE;
	app->protocol = "icmp-tunnel";
	return PROBE_DONE;
}

const struct probe probe_icmp = {
	"icmp", 0, PROVES_EITHER, icmp_inspect, "ping as ping programs send it, and ICMP's other queries",
};

const struct probe probe_icmp_tunnel = {
	"icmp-tunnel", 0, PROVES_EITHER, icmp_tunnel_inspect, "echo that carries something else than a ping program's filling",
};
