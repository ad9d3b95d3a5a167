/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TFTP (RFC 1350, 2347) by the request: 1 read or 2 write | file name, NUL | mode, NUL | option, NUL, value, NUL ... The data flows
 * from another port and is a flow of its own.
 */
#include <netinet/in.h>

#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"

enum { READ = 1, WRITE = 2, OPTIONS_MAX = 16 };

/* Not empty, printable, closed by a NUL. */
static bool
field(struct cursor *c, struct span *ret)
{
	struct cursor ahead = *c;
	struct span rest = cursor_rest(&ahead);
	size_t left = rest.len;
	*ret = text_until(&rest, 0);
	if (ret->len == 0 || ret->len == left || !text_clean(*ret))
		return false;
	cursor_skip(c, ret->len + 1);
	return true;
}

static bool
read_request(struct cursor c, struct span *ret_file)
{
	struct span mode, ignored;
	uint16_t code = cursor_u16(&c);

	if (code < READ || code > WRITE || !field(&c, ret_file) || !field(&c, &mode))
		return false;
	if (!span_equals_nocase(mode, "octet") && !span_equals_nocase(mode, "netascii") && !span_equals_nocase(mode, "mail"))
		return false;
	for (unsigned i = 0; cursor_left(&c); i++)
		if (i == OPTIONS_MAX || !field(&c, &ignored) || !field(&c, &ignored))
			return false;
	return true;
}

static bool
fits(struct cursor c)
{
	struct span file;
	return read_request(c, &file);
}

static enum probe_result
tftp_inspect(const struct probe_input *in, struct app *app)
{
	struct span file = {0};
	enum probe_result r = side_each(&in->side[PROBE_TO_SERVER], fits);

	if (r != PROBE_DONE)
		return r;
	app->protocol = "tftp";
	(void)read_request(side_unit(&in->side[PROBE_TO_SERVER], 0), &file);
	learn_text(app, "file", file);
	return r;
}

const struct probe probe_tftp = {
	"tftp", IPPROTO_UDP, PROVES_CLIENT, tftp_inspect, "TFTP by its request: the file",
};
