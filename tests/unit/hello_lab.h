/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ClientHellos to order, for the tests of TLS, DTLS and QUIC, and what to look at them with. */
#ifndef LENSCAP_TEST_HELLO_LAB_H
#define LENSCAP_TEST_HELLO_LAB_H

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/probe/probes.h"
#include "probe.h"

enum { BYTES_MAX = 24000 };

struct bytes {
	uint8_t b[BYTES_MAX];
	size_t n;
};

static inline void
put(struct bytes *to, const void *p, size_t n)
{
	assert(to->n + n <= BYTES_MAX);
	memcpy(to->b + to->n, p, n);
	to->n += n;
}

static inline void
put_number(struct bytes *to, uint64_t v, unsigned width)
{
	for (unsigned i = width; i; i--) {
		uint8_t byte = (uint8_t)(v >> 8 * (i - 1));
		put(to, &byte, 1);
	}
}

static inline void
put_hex(struct bytes *to, const char *hex)
{
	for (; *hex; hex++) {
		char two[3] = {hex[0], hex[1], 0};
		if (*hex == ' ' || *hex == ',')
			continue;
		put_number(to, strtoul(two, NULL, 16), 1);
		hex++;
	}
}

/* A length before bytes that are already there: `from` is where they begin. */
static inline void
put_length(struct bytes *to, size_t from, unsigned width)
{
	size_t n = to->n - from;
	assert(to->n + width <= BYTES_MAX);
	memmove(to->b + from + width, to->b + from, n);
	for (unsigned i = 0; i < width; i++)
		to->b[from + i] = (uint8_t)(n >> 8 * (width - 1 - i));
	to->n += width;
}

/* What a hello says. Zero or NULL: left out. */
struct wish {
	uint16_t legacy;	/* 0: 0x0303 */
	const char *ciphers;	/* hex; NULL: 1301 1302 */
	const char *name;	/* SNI */
	size_t name_len;	/* when it has a NUL inside */
	const char *alpn;	/* one, two or more, separated by spaces */
	const char *versions;	/* hex */
	const char *schemes;	/* hex */
	const char *extensions; /* whole extensions in hex, behind the others */
	bool dtls, quic, bare;	/* bare: without the list of extensions */
};

static inline void
put_extension(struct bytes *to, uint16_t type, const struct bytes *body)
{
	put_number(to, type, 2);
	put_number(to, body->n, 2);
	put(to, body->b, body->n);
}

static inline void
put_name(struct bytes *to, const struct wish *w)
{
	static struct bytes body;
	body.n = 0;
	put_number(&body, 0, 1);
	size_t from = body.n;
	put(&body, w->name, w->name_len ? w->name_len : strlen(w->name));
	put_length(&body, from, 2);
	put_length(&body, 0, 2);
	put_extension(to, 0, &body);
}

static inline void
put_alpn(struct bytes *to, const char *alpn)
{
	static struct bytes body;
	body.n = 0;
	while (*alpn) {
		size_t n = strcspn(alpn, " ");
		put_number(&body, n, 1);
		put(&body, alpn, n);
		alpn += n + (alpn[n] == ' ');
	}
	put_length(&body, 0, 2);
	put_extension(to, 16, &body);
}

static inline void
put_list(struct bytes *to, uint16_t type, const char *hex, unsigned width)
{
	static struct bytes body;
	body.n = 0;
	put_hex(&body, hex);
	put_length(&body, 0, width);
	put_extension(to, type, &body);
}

/* The body of the handshake message. */
static inline void
hello_body(struct bytes *to, const struct wish *w)
{
	put_number(to, w->legacy ? w->legacy : w->dtls ? 0xfefd : 0x0303, 2);
	for (unsigned i = 0; i < 32; i++)
		put_number(to, i * 7 + 1, 1);
	put_number(to, 0, w->dtls ? 2 : 1);
	size_t from = to->n;
	put_hex(to, w->ciphers ? w->ciphers : "1301 1302");
	put_length(to, from, 2);
	put_hex(to, "0100");
	if (w->bare)
		return;
	from = to->n;
	if (w->name)
		put_name(to, w);
	if (w->alpn)
		put_alpn(to, w->alpn);
	if (w->versions)
		put_list(to, 43, w->versions, 1);
	if (w->schemes)
		put_list(to, 13, w->schemes, 2);
	if (w->quic)
		put_hex(to, "0039 0003 0f0101");
	if (w->extensions)
		put_hex(to, w->extensions);
	put_length(to, from, 2);
}

static inline void
hello_message(struct bytes *to, const struct wish *w)
{
	size_t from = to->n + 1;
	put_number(to, 1, 1);
	hello_body(to, w);
	put_length(to, from, 3);
}

/* Records of at most `each` bytes. */
static inline void
put_records(struct bytes *to, uint8_t type, const uint8_t *p, size_t n, size_t each)
{
	while (n) {
		size_t part = n < each ? n : each;
		put_number(to, type, 1);
		put_number(to, 0x0301, 2);
		put_number(to, part, 2);
		put(to, p, part);
		p += part;
		n -= part;
	}
}

static inline void
hello_records(struct bytes *to, const struct wish *w, size_t each)
{
	static struct bytes message;
	message.n = 0;
	hello_message(&message, w);
	put_records(to, 22, message.b, message.n, each);
}

/* Asks one row about a stream or about datagrams; every unit lies in memory of its own. */
static inline enum probe_result
look(const struct probe *row, uint8_t l4, uint16_t port, const struct bytes *units, size_t n, const struct bytes *reply, struct app *app)
{
	struct span spans[PROBE_UNITS + 1];
	struct probe_input in = {.l4 = l4, .port = port, .side = {{spans, n, false}, {spans + PROBE_UNITS, reply ? 1 : 0, false}}};

	assert(n <= PROBE_UNITS);
	memset(app, 0, sizeof *app);
	for (size_t i = 0; i < n + (reply ? 1 : 0); i++) {
		const struct bytes *from = i < n ? &units[i] : reply;
		uint8_t *copy = malloc(from->n + !from->n);
		assert(copy);
		memcpy(copy, from->b, from->n);
		spans[i < n ? i : PROBE_UNITS] = (struct span){copy, from->n};
	}
	enum probe_result r = row->inspect(&in, app);
	for (size_t i = 0; i < n + (reply ? 1 : 0); i++)
		free((void *)(uintptr_t)spans[i < n ? i : PROBE_UNITS].p);
	return r;
}

#endif
