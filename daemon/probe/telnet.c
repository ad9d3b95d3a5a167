/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telnet (RFC 854) by its option negotiation: IAC, WILL WONT DO DONT, option. Two of them at least, between text only. A login
 * prompt without negotiation is text that anything may send.
 */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"
#include "text.h"

enum {
	IAC = 255,
	SE = 240,
	SB = 250,
	WILL = 251,
	DONT = 254,
	OPTION_LAST = 49, /* RFC registry; the few above are extensions that nobody opens with */
	NEGOTIATIONS = 2,
	PROMPT_MAX = 127,
};

/* option ... IAC SE; may be cut short. False: an unknown option, or another command than an escaped IAC inside. */
static bool
skip_subnegotiation(struct cursor *c)
{
	if (cursor_u8(c) > OPTION_LAST)
		return false;
	while (cursor_left(c)) {
		if (cursor_u8(c) != IAC || cursor_left(c) == 0)
			continue;
		uint8_t command = cursor_u8(c);
		if (command != IAC)
			return command == SE;
	}
	return true;
}

/* Counts negotiations; false: bytes that a network virtual terminal does not send. What is cut short at the end fits. */
static bool
walk(struct cursor c, unsigned *count)
{
	while (cursor_left(&c)) {
		uint8_t b = cursor_u8(&c);
		if (b != IAC) {
			if (text_is_control(b) && b && !strchr("\a\b\t\n\r\033", b)) /* NUL follows a bare CR */
				return false;
			continue;
		}
		if (cursor_left(&c) == 0)
			return true;
		uint8_t command = cursor_u8(&c);
		if (command == SB && cursor_left(&c) && !skip_subnegotiation(&c))
			return false;
		if (command < SE)
			return false;
		if (command < WILL || command > DONT)
			continue;
		if (cursor_left(&c) == 0)
			return true;
		if (cursor_u8(&c) > OPTION_LAST)
			return false;
		++*count;
	}
	return true;
}

/* Each direction opens with IAC, or is still silent: who types first, negotiates nothing. */
static bool
opens(struct cursor c, unsigned *count)
{
	return cursor_left(&c) == 0 || (cursor_peek(&c, 0) == IAC && walk(c, count));
}

static enum probe_result
telnet_inspect(const struct probe_input *in, struct app *app)
{
	unsigned count = 0;

	if (!opens(side_stream(in, PROBE_TO_CLIENT), &count) || !opens(side_stream(in, PROBE_TO_SERVER), &count))
		return PROBE_NO;
	if (count < NEGOTIATIONS)
		return PROBE_MORE;
	app->protocol = "telnet";
	return PROBE_DONE;
}

const struct probe probe_telnet = {
	"telnet", IPPROTO_TCP, PROVES_EITHER, telnet_inspect, "Telnet by its option negotiation",
};
