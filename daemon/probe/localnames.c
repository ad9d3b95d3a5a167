/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names on the local link, all in DNS's format: multicast DNS (RFC 6762), LLMNR (RFC 4795), NetBIOS (RFC 1002). They differ from
 * DNS in header bits and in their ports, which is why a port is a second reason here.
 */
#include <netinet/in.h>
#include <string.h>

#include "dnsmessage.h"
#include "probes.h"
#include "side.h"

enum {
	PORT_MDNS = 5353,
	PORT_LLMNR = 5355,
	CLASS_TOP = 0x8000, /* mDNS: an answer to me alone, please; or, flush what you knew */
	CLASS_ANY = 255,
	LLMNR_TENTATIVE = 0x0100,
	LLMNR_CONFLICT = 0x0400,
	NB_LABEL = 32, /* 16 bytes, each as two letters from A on */
	NB_NAME = 0x20,
	NB_STATUS = 0x21,
};

static bool
mdns_fits(struct cursor c)
{
	struct dns_message m;
	if (!dns_message_read(c, &m) || (m.flags & ~(DNS_REPLY | DNS_AUTHORITATIVE | DNS_TRUNCATED)))
		return false;
	if (m.flags & DNS_REPLY)
		return m.answers > 0 || m.questions > 0;
	uint16_t class = m.class & (uint16_t)~CLASS_TOP;
	return m.questions > 0 && (class == DNS_CLASS_IN || class == CLASS_ANY);
}

static bool
llmnr_fits(struct cursor c)
{
	struct dns_message m;
	uint16_t may = DNS_REPLY | LLMNR_CONFLICT | DNS_TRUNCATED | LLMNR_TENTATIVE;
	if (!dns_message_read(c, &m) || (m.flags & ~(may | 0x000f)) || m.questions != 1 || m.class != DNS_CLASS_IN)
		return false;
	return (m.flags & DNS_REPLY) || (m.answers == 0 && m.authorities == 0 && !(m.flags & 0x000f));
}

/* The encoded name as text: its padding, spaces or NULs, ends it. */
static bool
netbios_name(struct span label, char out[17])
{
	size_t n = 0;
	if (label.len != NB_LABEL)
		return false;
	for (size_t i = 0; i < NB_LABEL; i++)
		if (label.p[i] < 'A' || label.p[i] > 'P')
			return false;
	for (size_t i = 0; i < NB_LABEL - 2; i += 2) {
		uint8_t b = (uint8_t)((label.p[i] - 'A') << 4 | (label.p[i + 1] - 'A'));
		if (b <= ' ' || b > '~')
			break;
		out[n++] = (char)b;
	}
	out[n] = 0;
	return true;
}

/* Questions and registrations carry the name in the question; answers carry records only. */
static bool
netbios_read(struct cursor c, struct dns_message *m, char name[17])
{
	/* Whatever comes first, a question or a record, has a name of that length: that tells it from other DNS at once. */
	if (cursor_peek(&c, 12) != NB_LABEL || !dns_message_read(c, m) || (m->flags & 0x0060))
		return false;
	if (m->questions == 0) {
		struct cursor record = c;
		cursor_skip(&record, 12);
		struct span label = cursor_bytes(&record, cursor_u8(&record));
		return (m->flags & DNS_REPLY) && m->answers == 1 && netbios_name(label, name);
	}
	unsigned opcode = (m->flags & DNS_OPCODE) >> 11;
	return m->questions == 1 && m->class == DNS_CLASS_IN && (m->type == NB_NAME || m->type == NB_STATUS) &&
	       (opcode == 0 || (opcode >= 5 && opcode <= 9)) && netbios_name(m->label, name);
}

static bool
netbios_fits(struct cursor c)
{
	struct dns_message m;
	char name[17];
	return netbios_read(c, &m, name);
}

/* The newest question of the client, or of the server where only it spoke. */
static bool
newest(const struct probe_input *in, struct dns_message *ret)
{
	const struct probe_side *s = &in->side[in->side[PROBE_TO_SERVER].n ? PROBE_TO_SERVER : PROBE_TO_CLIENT];
	if (s->n == 0 || !dns_message_read(side_unit(s, s->n - 1), ret))
		return false;
	ret->class &= (uint16_t)~CLASS_TOP;
	return true;
}

static enum probe_result
on_port(const struct probe_input *in, uint16_t port, bool (*fits)(struct cursor c), const char *protocol, struct app *app)
{
	struct dns_message m;
	enum probe_result r = in->port == port ? side_datagrams(in, fits, fits) : PROBE_NO;
	if (r == PROBE_DONE && newest(in, &m)) {
		app->protocol = protocol;
		dns_message_facts(&m, app);
	}
	return r;
}

static enum probe_result
mdns_inspect(const struct probe_input *in, struct app *app)
{
	return on_port(in, PORT_MDNS, mdns_fits, "mdns", app);
}

static enum probe_result
llmnr_inspect(const struct probe_input *in, struct app *app)
{
	return on_port(in, PORT_LLMNR, llmnr_fits, "llmnr", app);
}

static enum probe_result
netbios_inspect(const struct probe_input *in, struct app *app)
{
	struct dns_message m;
	char name[17];
	enum probe_result r = side_datagrams(in, netbios_fits, netbios_fits);

	if (r != PROBE_DONE)
		return r;
	app->protocol = "netbios-ns";
	const struct probe_side *client = &in->side[PROBE_TO_SERVER];
	if (client->n && netbios_read(side_unit(client, client->n - 1), &m, name) && m.questions) {
		app->has_query = true;
		memcpy(app->query, name, strlen(name) + 1);
		app->query_type = m.type;
		app->query_class = m.class;
	}
	return r;
}

const struct probe probe_mdns = {
	"mdns", IPPROTO_UDP, PROVES_EITHER, mdns_inspect, "multicast DNS: the newest question",
};

const struct probe probe_llmnr = {
	"llmnr", IPPROTO_UDP, PROVES_EITHER, llmnr_inspect, "link-local multicast name resolution: the newest question",
};

const struct probe probe_netbios = {
	"netbios-ns", IPPROTO_UDP, PROVES_EITHER, netbios_inspect, "NetBIOS names: the newest question, decoded",
};
