/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Syslog (RFC 5424, 3164; over TCP RFC 6587): <priority> and a line of text. What devices write behind the priority varies too much to
 * require more, so all of it must be text.
 */
#include <netinet/in.h>

#include "probes.h"
#include "side.h"
#include "text.h"

enum { PRIORITY_LAST = 191, LINE_LEN = 8192, FRAME_DIGITS = 5, TEXT_MIN = 4 };

/* <0> to <191>, without leading zeros. */
static enum probe_result
read_priority(struct cursor *c)
{
	unsigned v = 0, digits = 0;

	enum probe_result r = side_bytes(c, "<", 1);
	if (r != PROBE_DONE)
		return r;
	for (;;) {
		if (cursor_left(c) == 0)
			return PROBE_MORE;
		uint8_t b = cursor_u8(c);
		if (b == '>' && digits)
			return PROBE_DONE;
		if (b < '0' || b > '9' || (digits && v == 0))
			return PROBE_NO;
		v = v * 10 + (b - '0');
		if (v > PRIORITY_LAST || ++digits > 3)
			return PROBE_NO;
	}
}

/* A message that is whole; an end of line or a C text's NUL may close it. */
static bool
message_fits(struct cursor c)
{
	if (read_priority(&c) != PROBE_DONE)
		return false;
	struct span text = cursor_rest(&c);
	if (text.len && text.p[text.len - 1] == 0)
		text.len--;
	return text.len >= TEXT_MIN && text_lines(text);
}

/* Octet counting: digits, a space, then that many bytes. */
static enum probe_result
counted(struct cursor c)
{
	size_t n = 0, digits = 0;
	while (cursor_left(&c)) {
		uint8_t b = cursor_u8(&c);
		if (b == ' ' && digits) {
			if (n < TEXT_MIN + 3 || n > LINE_LEN)
				return PROBE_NO;
			struct cursor message = cursor_take(&c, n < cursor_left(&c) ? n : cursor_left(&c)), start = message;
			if (read_priority(&start) == PROBE_NO)
				return PROBE_NO;
			if (cursor_left(&message) < n)
				return text_lines(cursor_rest(&start)) ? PROBE_MORE : PROBE_NO;
			return message_fits(message) ? PROBE_DONE : PROBE_NO;
		}
		if (b < '0' || b > '9' || (digits == 0 && b == '0') || ++digits > FRAME_DIGITS)
			return PROBE_NO;
		n = n * 10 + (b - '0');
	}
	return PROBE_MORE;
}

static enum probe_result
stream(struct cursor c)
{
	struct span line;
	struct cursor start = c;
	uint8_t first = cursor_peek(&c, 0);

	if (cursor_left(&c) && first >= '1' && first <= '9')
		return counted(c);
	enum probe_result r = read_priority(&start);
	if (r != PROBE_DONE)
		return r;
	if (!text_lines(cursor_rest(&start)))
		return PROBE_NO;
	if (cursor_line(&c, LINE_LEN, &line))
		return message_fits(cursor_span(line)) ? PROBE_DONE : PROBE_NO;
	return cursor_left(&c) > LINE_LEN ? PROBE_NO : PROBE_MORE;
}

static enum probe_result
syslog_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = PROBE_NO;
	if (in->l4 == IPPROTO_UDP)
		r = side_each(&in->side[PROBE_TO_SERVER], message_fits);
	else if (in->l4 == IPPROTO_TCP)
		r = stream(side_stream(in, PROBE_TO_SERVER));
	if (r == PROBE_DONE)
		app->protocol = "syslog";
	return r;
}

const struct probe probe_syslog = {
	"syslog", 0, PROVES_CLIENT, syslog_inspect, "syslog by priority and text",
};
