/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SNMP 1, 2c and 3 (RFC 1157, 3416, 3412): one SEQUENCE that fills the datagram. The community is a secret and is not kept.
 *   v1, v2c: version, community, PDU {request id, error, index, bindings} or the old trap's PDU
 *            binding: {name, value}; an answer's sysDescr (1.3.6.1.2.1.1.1.0, RFC 3418) is kept as banner
 *   v3:      version, header {id, size, flags, model}, security parameters, scoped PDU in the clear or sealed
 */
#include <netinet/in.h>

#include "ber.h"
#include "learn.h"
#include "probes.h"
#include "side.h"
#include "text.h"

enum { PDU_GET = 0xa0, PDU_RESPONSE = 0xa2, PDU_TRAP1 = 0xa4, PDU_REPORT = 0xa8, VERSION_3 = 3, MODEL_USM = 3 };

static bool
bindings_fit(struct cursor *pdu)
{
	struct cursor list = ber_take(pdu, BER_SEQUENCE);
	while (cursor_left(&list))
		(void)ber_take(&list, BER_SEQUENCE);
	return !list.bad && !pdu->bad && cursor_left(pdu) == 0;
}

/* The request id may be any 32 bits, negative ones too. */
static bool
pdu_fits(struct cursor *c)
{
	uint8_t tag = cursor_peek(c, 0);
	struct cursor pdu = ber_take(c, tag);
	if (pdu.bad || tag < PDU_GET || tag > PDU_REPORT || cursor_left(c))
		return false;
	if (tag == PDU_TRAP1) {
		(void)ber_take(&pdu, BER_OID); /* enterprise */
		(void)ber_take(&pdu, 0x40); /* address */
		(void)ber_number(&pdu);
		(void)ber_number(&pdu);
		(void)ber_take(&pdu, 0x43); /* time ticks */
		return bindings_fit(&pdu);
	}
	(void)ber_take(&pdu, BER_INTEGER);
	(void)ber_number(&pdu);
	(void)ber_number(&pdu);
	return bindings_fit(&pdu);
}

static bool
v3_fits(struct cursor *c)
{
	struct cursor header = ber_take(c, BER_SEQUENCE);
	(void)ber_number(&header);
	(void)ber_number(&header);
	struct cursor flags = ber_take(&header, BER_OCTETS);
	uint32_t model = ber_number(&header);
	(void)ber_take(c, BER_OCTETS);
	bool sealed = cursor_u8(&flags) & 2;
	(void)ber_take(c, sealed ? BER_OCTETS : BER_SEQUENCE);
	return !c->bad && !header.bad && !flags.bad && cursor_left(&header) == 0 && cursor_left(&flags) == 0 &&
	       model >= 1 && model <= MODEL_USM && cursor_left(c) == 0;
}

static bool
fits(struct cursor c)
{
	struct cursor message = ber_take(&c, BER_SEQUENCE);
	uint32_t version = ber_number(&message);
	if (message.bad || cursor_left(&c))
		return false;
	if (version == VERSION_3)
		return v3_fits(&message);
	if (version > 1)
		return false;
	struct cursor community = ber_take(&message, BER_OCTETS);
	return !message.bad && text_clean(cursor_rest(&community)) && pdu_fits(&message);
}

/* c: a message that fits. An answer's first description of the system. */
static void
learn_description(struct cursor c, struct app *app)
{
	static const uint8_t name[] = {0x2b, 6, 1, 2, 1, 1, 1, 0};
	struct cursor message = ber_take(&c, BER_SEQUENCE);

	if (ber_number(&message) > 1)
		return;
	(void)ber_take(&message, BER_OCTETS);
	struct cursor pdu = ber_take(&message, PDU_RESPONSE);
	(void)ber_take(&pdu, BER_INTEGER);
	(void)ber_number(&pdu);
	(void)ber_number(&pdu);
	struct cursor list = ber_take(&pdu, BER_SEQUENCE);
	while (cursor_left(&list)) {
		struct cursor binding = ber_take(&list, BER_SEQUENCE), oid = ber_take(&binding, BER_OID);
		if (cursor_left(&oid) != sizeof name || !cursor_starts(&oid, name, sizeof name))
			continue;
		struct cursor value = ber_take(&binding, BER_OCTETS);
		if (!value.bad)
			learn_banner(app, cursor_rest(&value));
	}
}

static enum probe_result
snmp_inspect(const struct probe_input *in, struct app *app)
{
	enum probe_result r = side_datagrams(in, fits, fits);
	if (r != PROBE_DONE)
		return r;
	app->protocol = "snmp";
	for (size_t i = 0; i < in->side[PROBE_TO_CLIENT].n; i++)
		learn_description(side_unit(&in->side[PROBE_TO_CLIENT], i), app);
	return r;
}

const struct probe probe_snmp = {
	"snmp", IPPROTO_UDP, PROVES_EITHER, snmp_inspect, "SNMP 1, 2c and 3: the system's description as banner",
};
