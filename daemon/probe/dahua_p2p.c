/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dahua's peer-to-peer cloud over UDP, three messages of one service.
 *
 * Rendezvous (8800), text: "DHGET /online/p2psrv/SERIAL HTTP/1.1", headers with CSeq, an empty
 * line, XML. Its answers look like those of any HTTP over UDP and count only beside a request.
 *
 * Tunnel: 0 'PTCP'   4 sent   8 received   12 packet id   16 local id   20 remote id
 *	24 nothing; or 00 03 01 00, which opens; or type   25 length   28 realm   32 zero   36 data
 *
 * NAT test: a STUN message of the old form with every byte complemented but the 16 of the
 * transaction id.
 */
#include <netinet/in.h>
#include <string.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	TUNNEL_HEADER = 24,
	TUNNEL_OPEN_ID = 0x0002ffff,
	TUNNEL_OPEN = 0x00030100,
	TUNNEL_DATA_HEADER = 12,
	TUNNEL_DATA = 0x10,
	TUNNEL_LAST_TYPE = 0x1b,
	NAT_HEADER = 20,
	NAT_ATTRIBUTE = 4,
	LINE_MAX_TEXT = 1024,
};

static bool
path_known(struct span path)
{
	static const char *const begins[] = {"/probe/", "/online/", "/info/", "/device/", "/relay/"};
	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (span_starts(path, begins[i]))
			return true;
	return false;
}

/* The serial number is the part after …/p2psrv/ or …device/. */
static void
learn_path(struct app *app, struct span path)
{
	static const char *const before[] = {"/p2psrv/", "/device/"};
	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		learn_text(app, "serial", field_until(field_after(path, before[i]), "/"));
}

/* Decimal digits only; SIZE_MAX when it is none. */
static size_t
number(struct span s)
{
	size_t value = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || value > UINT16_MAX)
			return SIZE_MAX;
		value = value * 10 + (size_t)(s.p[i] - '0');
	}
	return s.len ? value : SIZE_MAX;
}

/* Header lines up to the empty one, with a CSeq among them, and a body of the length that they say. */
static bool
headers_whole(struct cursor c)
{
	static const char content_length[] = "Content-Length:";
	struct span line;
	size_t body = 0;
	bool cseq = false;

	while (cursor_line(&c, LINE_MAX_TEXT, &line)) {
		if (line.len == 0)
			return cseq && cursor_left(&c) == body;
		if (span_find(line, ":") <= 0 || !field_printable(line))
			return false;
		cseq = cseq || span_starts_nocase(line, "CSeq:");
		if (span_starts_nocase(line, content_length))
			body = number(span_trim(field_rest(line, sizeof content_length - 1)));
	}
	return false;
}

static bool
request_line(struct span line, struct span *ret_path)
{
	static const char version[] = " HTTP/1.1";
	size_t verb = span_starts(line, "DHGET ") ? 6 : span_starts(line, "DHPOST ") ? 7 : 0;

	if (!verb || line.len < verb + sizeof version || !field_printable(line) ||
	    !field_is(line, line.len - (sizeof version - 1), version, sizeof version - 1))
		return false;
	*ret_path = field_bytes(line, verb, line.len - verb - (sizeof version - 1));
	return path_known(*ret_path) && span_find(*ret_path, " ") < 0;
}

static enum sign
text_check(struct span d, struct app *app)
{
	struct cursor c = cursor_span(d);
	struct span line, path;

	if (!cursor_line(&c, LINE_MAX_TEXT, &line) || !headers_whole(c))
		return SIGN_NONE;
	if (span_starts(line, "HTTP/1.1 "))
		return SIGN_FITS;
	if (!request_line(line, &path))
		return SIGN_NONE;
	if (app)
		learn_path(app, path);
	return SIGN_PROOF;
}

static enum sign
tunnel_check(struct span d)
{
	if (d.len < TUNNEL_HEADER)
		return SIGN_NONE;
	if (d.len == TUNNEL_HEADER) /* an acknowledgement */
		return SIGN_FITS;
	if (d.len == TUNNEL_HEADER + 4)
		return field_u32(d, 12) == TUNNEL_OPEN_ID && field_u32(d, 24) == TUNNEL_OPEN ? SIGN_PROOF
											     : SIGN_NONE;
	uint8_t type = field_u8(d, 24);
	if (type < TUNNEL_DATA || type > TUNNEL_LAST_TYPE || d.len < TUNNEL_HEADER + TUNNEL_DATA_HEADER)
		return SIGN_NONE;
	bool fits = field_u24(d, 25) == d.len - TUNNEL_HEADER - TUNNEL_DATA_HEADER && field_u32(d, 32) == 0;
	return fits ? SIGN_PROOF : type == TUNNEL_DATA ? SIGN_NONE : SIGN_FITS;
}

static uint16_t
complement(struct span d, size_t off)
{
	return (uint16_t)~field_u16(d, off);
}

/* Attributes seen: 802a and 0004, each with 8 bytes. */
static enum sign
nat_check(struct span d)
{
	uint16_t type = complement(d, 0);
	size_t off = NAT_HEADER;
	bool known = false;

	if ((type != 0x0001 && type != 0x0101) || d.len < NAT_HEADER ||
	    complement(d, 2) != d.len - NAT_HEADER)
		return SIGN_NONE;
	while (off + NAT_ATTRIBUTE <= d.len) {
		uint16_t attribute = complement(d, off), length = complement(d, off + 2);
		known = known || (length == 8 && (attribute == 0x802a || attribute == 0x0004));
		off += NAT_ATTRIBUTE + (size_t)length;
	}
	return known && off == d.len ? SIGN_PROOF : SIGN_NONE;
}

static enum sign
dahua_p2p_check(struct span d, int side, struct app *app)
{
	(void)side;
	switch (field_u8(d, 0)) {
	case 'D':
	case 'H':
		return text_check(d, app);
	case 'P':
		return span_starts(d, "PTCP") ? tunnel_check(d) : SIGN_NONE;
	}
	return nat_check(d);
}

/* An answer and an acknowledgement are two plain messages but no proof, whatever their number. */
static enum probe_result
dahua_p2p_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "dahua-p2p", 0, dahua_p2p_check);
}

const struct probe probe_dahua_p2p = {
	.name = "dahua-p2p",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = dahua_p2p_inspect,
	.help = "Dahua peer-to-peer cloud: rendezvous, tunnel, NAT test; serial number",
};
