/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSDP (UPnP Device Architecture 2.0, section 1): HTTP-shaped heads in datagrams: searches, announcements and answers. */
#include <netinet/in.h>

#include "head.h"
#include "learn.h"
#include "probes.h"
#include "side.h"

static const char *const versions[] = {"HTTP/1.1", "HTTP/1.0", NULL};

static bool
request_ok(const struct head *h)
{
	struct span v;
	if (!span_equals(h->target, "*"))
		return false;
	if (span_equals(h->method, "M-SEARCH"))
		return head_get(h, "ST", &v) == 1 && head_get(h, "MAN", &v) == 1;
	return span_equals(h->method, "NOTIFY") && head_get(h, "NT", &v) == 1 && head_get(h, "NTS", &v) == 1;
}

static bool
read_message(struct cursor c, struct head *ret)
{
	struct span v;
	struct cursor again = c;
	if (head_request(&c, versions, ret) == PROBE_DONE)
		return request_ok(ret);
	return head_reply(&again, versions, ret) == PROBE_DONE && head_get(ret, "ST", &v) == 1 && head_get(ret, "USN", &v) == 1;
}

static bool
fits(struct cursor c)
{
	struct head h;
	return read_message(c, &h);
}

static enum probe_result
ssdp_inspect(const struct probe_input *in, struct app *app)
{
	struct head h;
	struct span v;
	enum probe_result r = side_datagrams(in, fits, fits);
	if (r != PROBE_DONE)
		return r;
	unsigned side = in->side[PROBE_TO_SERVER].n ? PROBE_TO_SERVER : PROBE_TO_CLIENT;
	if (read_message(side_unit(&in->side[side], 0), &h)) {
		head_copy(&h, "Server", app->banner, sizeof app->banner);
		if (head_get(&h, h.is_reply || span_equals(h.method, "NOTIFY") ? "USN" : "ST", &v))
			learn_text(app, "id", v);
	}
	app->protocol = "ssdp";
	return PROBE_DONE;
}

const struct probe probe_ssdp = {
	"ssdp", IPPROTO_UDP, PROVES_EITHER, ssdp_inspect, "SSDP of UPnP: server line, what is sought or announced",
};
