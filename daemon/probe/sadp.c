/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hikvision SADP over UDP, multicast 239.255.255.250:37020. The search is <Probe>, the answer
 * <ProbeMatch>; both carry <Uuid> and <Types>. It is not WS-Discovery: no envelope, no namespace.
 * Types other than inquiry reset devices or change their addresses, so they are told.
 */
#include <netinet/in.h>

#include "field.h"
#include "markup.h"
#include "probes.h"
#include "walk.h"

static const struct learn_row facts[] = {
	{"DeviceSN", "serial"}, {"DeviceDescription", "model"}, {"MAC", "mac"}, {"OEMInfo", "vendor"}, {0},
};

static bool
is_uuid(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != '-' && !field_alnum(field_bytes(s, i, 1), 1, 1))
			return false;
	return s.len >= 8 && s.len <= 48;
}

static enum sign
sadp_check(struct span d, int side, struct app *app)
{
	struct span open, body;

	(void)side;
	if (!markup_xml(d, "ProbeMatch", &open, &body) && !markup_xml(d, "Probe", &open, &body))
		return SIGN_NONE;
	struct span types = markup_tag(body, "Types");
	if (open.len || !is_uuid(markup_tag(body, "Uuid")) || !field_alnum(types, 1, 32))
		return SIGN_NONE;
	if (!span_equals(types, "inquiry"))
		learn_text(app, "request", types);
	markup_learn_tags(app, body, facts);
	if (app)
		learn_banner(app, markup_tag(body, "SoftwareVersion"));
	return SIGN_PROOF;
}

static enum probe_result
sadp_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "sadp", 0, sadp_check);
}

const struct probe probe_sadp = {
	.name = "sadp",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = sadp_inspect,
	.help = "Hikvision discovery: serial number, model, MAC, firmware",
};
