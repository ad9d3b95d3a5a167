/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A certificate's two names (RFC 5280, section 4.1), by walking its DER:
 *
 *	Certificate SEQUENCE { tbs SEQUENCE { [0] version?, serial, algorithm, issuer Name, validity, subject Name, … } … }
 *	Name SEQUENCE of SET of SEQUENCE { type OBJECT IDENTIFIER, value string }
 *
 * In TLS 1.2 it is the handshake message behind the ServerHello, maybe in the same record, maybe in several (RFC 5246, section 7.4.2).
 */
#include "certificate.h"

#include <string.h>

#include "ber.h"

enum {
	RECORD_HANDSHAKE = 22,
	CERTIFICATE = 11,
	SERVER_HELLO_DONE = 14,
	FLIGHT = 8192, /* bytes of handshake that are read: a ServerHello and the first of its certificates */
	MESSAGES = 8,
	TAG_VERSION = 0xa0,
	TAG_SET = 0x31,
	TAG_OID = 0x06,
	NAME_PARTS = 16,
};

/* The attribute types of RFC 4514, section 3, below 2.5.4: what others there are is left out. */
static const struct {
	uint8_t last; /* of the OID 55 04 .. */
	char name[4];
} types[] = {{3, "CN"}, {6, "C"}, {7, "L"}, {8, "ST"}, {10, "O"}, {11, "OU"}};

static const char *
type_name(struct cursor oid)
{
	static const uint8_t x520[] = {0x55, 0x04};

	if (cursor_left(&oid) != 3 || !cursor_starts(&oid, x520, sizeof x520))
		return NULL;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].last == cursor_peek(&oid, 2))
			return types[i].name;
	return NULL;
}

/* One relative name of one attribute: TYPE=value, in front of what `out` has: RFC 4514 writes them from the last to the first. */
static void
prepend(char out[APP_NAME], const char *type, struct span value)
{
	char part[APP_NAME], rest[APP_NAME];
	size_t head = strlen(type);

	memcpy(part, type, head);
	part[head++] = '=';
	head += span_text(value, part + head, sizeof part - head - 1);
	for (size_t i = 0; i < head; i++)
		if ((unsigned char)part[i] < 0x20 || part[i] == 0x7f)
			part[i] = '_';
	memcpy(rest, out, APP_NAME);
	size_t tail = strlen(rest);
	if (tail)
		part[head++] = ',';
	if (tail > APP_NAME - 1 - head)
		tail = APP_NAME - 1 - head;
	memcpy(out, part, head);
	memcpy(out + head, rest, tail);
	out[head + tail] = 0;
}

/* False: not a Name. */
static bool
read_name(struct cursor *c, char out[APP_NAME])
{
	struct cursor name = ber_take(c, BER_SEQUENCE);

	out[0] = 0;
	for (unsigned n = 0; cursor_left(&name) && n < NAME_PARTS; n++) {
		struct cursor set = ber_take(&name, TAG_SET), pair = ber_take(&set, BER_SEQUENCE);
		struct cursor oid = ber_take(&pair, TAG_OID);
		uint8_t tag = cursor_peek(&pair, 0); /* any kind of string */
		struct cursor text = ber_take(&pair, tag);
		const char *type = type_name(oid);
		if (text.bad || oid.bad || name.bad)
			return false;
		if (type)
			prepend(out, type, cursor_rest(&text));
	}
	return !name.bad && !c->bad;
}

static void
read_certificate(struct cursor der, struct app *app)
{
	char issuer[APP_NAME], subject[APP_NAME];
	struct cursor certificate = ber_take(&der, BER_SEQUENCE), tbs = ber_take(&certificate, BER_SEQUENCE);

	if (cursor_peek(&tbs, 0) == TAG_VERSION)
		(void)ber_take(&tbs, TAG_VERSION);
	(void)ber_take(&tbs, BER_INTEGER);
	(void)ber_take(&tbs, BER_SEQUENCE);
	if (!read_name(&tbs, issuer))
		return;
	(void)ber_take(&tbs, BER_SEQUENCE);
	if (!read_name(&tbs, subject))
		return;
	app->tls_certificate = true;
	memcpy(app->tls_issuer, issuer, sizeof issuer);
	memcpy(app->tls_subject, subject, sizeof subject);
}

/* The handshake bytes of the records that are there, put together. Returns how many. */
static size_t
gather(struct cursor c, uint8_t *out)
{
	size_t n = 0;

	while (cursor_left(&c) > 5 && cursor_peek(&c, 0) == RECORD_HANDSHAKE && cursor_peek(&c, 1) == 3 && n < FLIGHT) {
		cursor_skip(&c, 3);
		size_t len = cursor_u16(&c), take = len < cursor_left(&c) ? len : cursor_left(&c);
		if (take > FLIGHT - n)
			take = FLIGHT - n;
		cursor_copy(&c, out + n, take);
		n += take;
		if (take < len)
			break;
	}
	return n;
}

void
certificate_read(struct cursor server, struct app *app)
{
	uint8_t flight[FLIGHT];
	struct cursor c = cursor_of(flight, gather(server, flight));

	for (unsigned n = 0; n < MESSAGES && cursor_left(&c) >= 4; n++) {
		uint8_t type = cursor_u8(&c);
		size_t len = cursor_u24(&c), here = cursor_left(&c);
		struct cursor body = cursor_take(&c, len < here ? len : here);
		if (type == CERTIFICATE) {
			/* The list may be longer than what is here; its first certificate must not be. */
			cursor_skip(&body, 3);
			struct cursor der = cursor_take(&body, cursor_u24(&body));
			if (!der.bad)
				read_certificate(der, app);
			return;
		}
		if (type == SERVER_HELLO_DONE)
			return;
	}
}
