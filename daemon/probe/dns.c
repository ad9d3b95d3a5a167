/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS over UDP and TCP (RFC 1035, 7766): every message must be whole and say nothing that no resolver says. */
#include <netinet/in.h>

#include "dnsmessage.h"
#include "probes.h"
#include "side.h"

enum {
	OPCODE_QUERY = 0,
	OPCODE_NOTIFY = 4,
	OPCODE_UPDATE = 5,
	CLASS_CHAOS = 3,
	CLASS_NONE = 254,
	CLASS_ANY = 255,
	RCODE = 0x000f,
	ADDITIONAL_MAX = 2, /* OPT and a signature */
	MESSAGE_MIN = 17,   /* header, root, type, class */
};

static bool
class_ok(uint16_t class)
{
	return class == DNS_CLASS_IN || class == CLASS_CHAOS || class == CLASS_NONE || class == CLASS_ANY;
}

static bool
query_ok(const struct dns_message *m)
{
	unsigned opcode = (m->flags & DNS_OPCODE) >> 11;
	if ((m->flags & (DNS_REPLY | DNS_ZERO | RCODE | DNS_RECURSION_AVAILABLE | DNS_AUTHORITATIVE | DNS_TRUNCATED)) &&
	    opcode != OPCODE_NOTIFY)
		return false;
	if (m->questions != 1 || !class_ok(m->class) || (m->flags & DNS_REPLY))
		return false;
	switch (opcode) {
	case OPCODE_QUERY: /* IXFR shows what it has in the authority section (RFC 1995) */
		return m->answers == 0 && m->authorities <= 1 && m->additionals <= ADDITIONAL_MAX;
	case OPCODE_NOTIFY:
		return m->answers <= 1 && m->additionals <= ADDITIONAL_MAX;
	case OPCODE_UPDATE:
		return true;
	default:
		return false;
	}
}

static bool
read_query(struct cursor c, struct dns_message *ret)
{
	return dns_message_read(c, ret) && query_ok(ret);
}

/* A server that refuses the message as such may leave the question out. */
static bool
is_reply(struct cursor c)
{
	struct dns_message m;
	return dns_message_read(c, &m) && (m.flags & DNS_REPLY) && m.questions <= 1 && (m.questions == 0 || class_ok(m.class));
}

/* Length and message, over and over. *ret_last: the newest whole query, when DONE. A last message that is cut short must begin well. */
static enum probe_result
stream_queries(struct cursor c, struct dns_message *ret_last)
{
	bool any = false;
	while (cursor_left(&c)) {
		uint16_t length = cursor_u16(&c);
		if (c.bad)
			break;
		if (length < MESSAGE_MIN)
			return PROBE_NO;
		struct cursor flags = c;
		cursor_skip(&flags, 2);
		if (cursor_left(&flags) && (cursor_peek(&flags, 0) & DNS_REPLY >> 8))
			return PROBE_NO;
		struct cursor message = cursor_take(&c, length);
		if (message.bad)
			break;
		if (!read_query(message, ret_last))
			return PROBE_NO;
		any = true;
	}
	return any ? PROBE_DONE : PROBE_MORE;
}

static enum probe_result
datagram_queries(const struct probe_side *s, struct dns_message *ret_last)
{
	for (size_t i = 0; i < s->n; i++)
		if (!read_query(side_unit(s, i), ret_last))
			return PROBE_NO;
	return s->n ? PROBE_DONE : PROBE_MORE;
}

static enum probe_result
last_query(const struct probe_input *in, struct dns_message *ret)
{
	if (in->l4 == IPPROTO_TCP)
		return stream_queries(side_stream(in, PROBE_TO_SERVER), ret);
	if (in->l4 != IPPROTO_UDP)
		return PROBE_NO;
	enum probe_result r = datagram_queries(&in->side[PROBE_TO_SERVER], ret);
	if (r != PROBE_NO && side_each(&in->side[PROBE_TO_CLIENT], is_reply) == PROBE_NO)
		return PROBE_NO;
	return r;
}

static enum probe_result
dns_inspect(const struct probe_input *in, struct app *app)
{
	struct dns_message m;

	enum probe_result r = last_query(in, &m);
	if (r == PROBE_DONE) {
		app->protocol = "dns";
		dns_message_facts(&m, app);
	}
	return r;
}

const struct probe probe_dns = {
	"dns", 0, PROVES_CLIENT, dns_inspect, "DNS over UDP and TCP: name, type and class of the newest question",
};
