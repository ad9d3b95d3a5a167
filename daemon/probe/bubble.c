/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JUAN and eSeeCloud "bubble", TCP: an HTTP request for /bubble/live, an answer of type
 * video/bubble, then frames of its own in both directions. It stands before HTTP in the table: what
 * follows the headers is not HTTP any more.
 */
#include <netinet/in.h>
#include <string.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum { HEADERS_MAX = 4096, LINE_MAX_TEXT = 1024 };

#define REQUEST "GET /bubble/live"
#define HOST	"Host:"

static const char version[] = " HTTP/1.";

/* "GET /bubble/live?ch=0&stream=0 HTTP/1.1" */
static bool
request_line_holds(struct span line, struct span *ret_path)
{
	long at = span_find(line, version);
	uint8_t after = field_u8(line, sizeof REQUEST - 1);

	if (!span_starts(line, REQUEST) || (after != '?' && after != ' ') || !field_printable(line) ||
	    at < 0 || line.len != (size_t)at + sizeof version)
		return false;
	*ret_path = field_bytes(line, 4, (size_t)at - 4);
	return span_find(*ret_path, " ") < 0;
}

/* Names only: an address in brackets is none. */
static struct span
host_name(struct span line)
{
	struct span host = span_trim(field_rest(line, sizeof HOST - 1));
	size_t n = 0;

	while (n < host.len &&
	       (host.p[n] == '.' || host.p[n] == '-' || field_alnum(field_bytes(host, n, 1), 1, 1)))
		n++;
	if (n < host.len && host.p[n] != ':')
		return (struct span){0};
	return field_bytes(host, 0, n);
}

static void
learn_host(struct app *app, struct span line)
{
	if (!app || !span_starts_nocase(line, HOST))
		return;
	size_t n = span_text(host_name(line), app->name, sizeof app->name);
	for (size_t i = 0; i < n; i++)
		if (app->name[i] >= 'A' && app->name[i] <= 'Z')
			app->name[i] |= 0x20;
	if (n && app->name[n - 1] == '.')
		app->name[--n] = 0;
	app->has_name = n > 0;
}

static void
learn_request(struct app *app, struct span path)
{
	if (!app)
		return;
	strcpy(app->http_method, "GET");
	span_text(path, app->http_path, sizeof app->http_path);
}

static enum sign
client_check(struct span b, struct app *app)
{
	struct cursor c = cursor_span(b);
	struct span line, path;
	unsigned hosts = 0;

	if (!field_fits(b, 0, REQUEST, sizeof REQUEST - 1))
		return SIGN_NONE;
	if (!cursor_line(&c, LINE_MAX_TEXT, &line))
		return b.len < LINE_MAX_TEXT ? SIGN_MORE : SIGN_NONE;
	if (!request_line_holds(line, &path))
		return SIGN_NONE;
	learn_request(app, path);
	while (cursor_line(&c, LINE_MAX_TEXT, &line)) {
		if (line.len == 0)
			return SIGN_PROOF;
		hosts += span_starts_nocase(line, HOST);
		if (span_find(line, ":") <= 0 || !field_printable(line) || hosts > 1)
			return SIGN_NONE;
		learn_host(app, line);
	}
	return b.len < HEADERS_MAX && cursor_left(&c) < LINE_MAX_TEXT ? SIGN_MORE : SIGN_NONE;
}

/* The answer is HTTP's own. */
static enum sign
bubble_check(struct span b, int side, struct app *app)
{
	if (side == PROBE_TO_SERVER)
		return client_check(b, app);
	return field_fits(b, 0, version + 1, sizeof version - 2) ? SIGN_MORE : SIGN_NONE;
}

static enum probe_result
bubble_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "bubble", 0, bubble_check);
}

const struct probe probe_bubble = {
	.name = "bubble",
	.l4 = IPPROTO_TCP,
	.proves = 1u << PROBE_TO_SERVER,
	.inspect = bubble_inspect,
	.help = "JUAN and eSeeCloud live video (bubble)",
};
