/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devices say of themselves. The first byte chooses: a certificate, a frame of LLDP, or a datagram of DHCP, DHCPv6, SNMP or multicast DNS
 * and what is cut out of it. Views lie inside the input, texts end, and reading twice says the same.
 */
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "../../daemon/engine/sights.h"
#include "../../daemon/probe/certificate.h"
#include "../../daemon/probe/lldp.h"
#include "probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span input;

static void
inside(struct span s)
{
	assert(s.len == 0 || (s.p >= input.p && s.p + s.len <= input.p + input.len));
}

static void
certificate(void)
{
	struct app app = {0};

	certificate_read(cursor_span(input), &app);
	assert(memchr(app.tls_subject, 0, sizeof app.tls_subject) && memchr(app.tls_issuer, 0, sizeof app.tls_issuer));
	assert(app.tls_certificate || (!app.tls_subject[0] && !app.tls_issuer[0]));
}

static void
lldp(void)
{
	struct lldp l, again;
	bool good = lldp_read(input, &l);

	assert(lldp_read(input, &again) == good);
	if (!good)
		return;
	const struct span all[] = {l.chassis, l.port, l.name, l.description, l.firmware, l.software, l.serial, l.manufacturer, l.model};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		inside(all[i]);
	assert(!l.has_mac || l.chassis.len == 0);
}

static void
ignore(void *arg, enum channel channel, struct span text)
{
	(void)arg;
	assert(channel < CHANNELS && (text.len == 0 || text.p));
}

static void
datagram(uint16_t port, unsigned side)
{
	struct probe_input in = {.l4 = IPPROTO_UDP, .port = port};
	struct app app;
	struct mac mac;
	bool derived;

	memset(&app, 0, sizeof app);
	in.side[side] = (struct probe_side){&input, 1, true};
	(void)probe_inspect(&in, &app);
	assert(memchr(app.detail, 0, sizeof app.detail) && memchr(app.banner, 0, sizeof app.banner));
	if (sights_mac(&app, input, &mac, &derived))
		assert(app.protocol);
	inside(sights_txt(input, "md="));
	inside(sights_txt(input, "manufacturer="));
	sights_app(&app, true, ignore, NULL);
	sights_bytes(&app, IPPROTO_UDP, input, true, ignore, NULL);
	(void)sights_tells(&app, input);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		uint16_t port;
		unsigned side;
	} kinds[] = {{67, PROBE_TO_SERVER}, {547, PROBE_TO_SERVER}, {161, PROBE_TO_CLIENT}, {5353, PROBE_TO_SERVER}, {3702, PROBE_TO_SERVER}};
	static bool started;

	if (!started)
		started = probe_start();
	if (size == 0)
		return 0;
	input = (struct span){size > 1 ? data + 1 : NULL, size - 1};
	unsigned what = data[0] % 7;
	if (what == 0)
		certificate();
	else if (what == 1)
		lldp();
	else
		datagram(kinds[what - 2].port, kinds[what - 2].side);
	return 0;
}
