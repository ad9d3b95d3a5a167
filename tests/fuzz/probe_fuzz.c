/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every row of the probes' table, shown a flow as it grows. Input:
 *   transport 1 (0 TCP, 1 UDP, 2 ICMP, 3 ICMPv6) | port 2 | pieces: side in the top bit and length in the other 15 of 2 bytes | bytes
 * A piece is a datagram, or what a TCP stream grows by. After each piece: a row that has said NO does not say DONE any more; nothing is
 * written before DONE; then texts end, and the walk names a protocol that is in the list.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/probe/first.h"
#include "probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 160, PIECES_MAX = 2 * PROBE_UNITS };

/* Each unit lies in memory of its own, so that the sanitizer sees a byte read too far. */
struct flow {
	struct probe_input in;
	struct span units[2][PROBE_UNITS];
	bool refused[ROWS_MAX];
};

static bool
grow(struct flow *f, unsigned side, struct span piece)
{
	struct probe_side *s = &f->in.side[side];
	bool append = f->in.l4 == IPPROTO_TCP && s->n;
	struct span *u = &f->units[side][append ? 0 : s->n];

	if ((!append && s->n == PROBE_UNITS) || (append && u->len + piece.len > PROBE_STREAM))
		return false;
	uint8_t *copy = malloc(u->len + piece.len + !(u->len + piece.len));
	assert(copy);
	if (u->len)
		memcpy(copy, u->p, u->len);
	if (piece.len)
		memcpy(copy + u->len, piece.p, piece.len);
	free((void *)(uintptr_t)u->p);
	*u = (struct span){copy, u->len + piece.len};
	s->n += !append;
	return true;
}

#define ENDS(text) (memchr(text, 0, sizeof(text)) != NULL)

static void
check_app(const struct app *a)
{
	assert(ENDS(a->name) && ENDS(a->query) && ENDS(a->ja4) && ENDS(a->http_method) && ENDS(a->http_path));
	assert(ENDS(a->http_user_agent) && ENDS(a->http_server) && ENDS(a->http_realm) && ENDS(a->banner) && ENDS(a->detail));
	assert(a->n_alpn <= APP_ALPN);
	for (size_t i = 0; i < a->n_alpn; i++)
		assert(ENDS(a->alpn[i]));
	if (a->has_name)
		assert(a->name[0]);
	for (const char *c = a->name; *c; c++)
		assert((unsigned char)*c > ' ' && *c != 0x7f && !(*c >= 'A' && *c <= 'Z'));
}

static void
ask_rows(struct flow *f)
{
	static const struct app untouched;
	uint64_t ask[FIRST_WORDS];
	size_t n;
	const struct probe *const *rows = probe_list(&n);

	assert(n <= ROWS_MAX);
	first_rows(&f->in, ask);
	for (size_t i = 0; i < n; i++) {
		struct app app = {0};
		if (rows[i]->l4 && rows[i]->l4 != f->in.l4)
			continue;
		enum probe_result r = rows[i]->inspect(&f->in, &app);
		assert(r == PROBE_NO || (ask[i / 64] >> i % 64 & 1));
		assert(r != PROBE_DONE || !f->refused[i]);
		f->refused[i] = f->refused[i] || r == PROBE_NO;
		if (r == PROBE_DONE)
			check_app(&app);
		else
			assert(memcmp(&app, &untouched, sizeof app) == 0);
	}
}

static void
ask_walk(struct flow *f)
{
	struct app app;
	size_t n;
	const struct probe *const *rows = probe_list(&n);
	bool listed = false;

	if (probe_inspect(&f->in, &app) == PROBE_DONE)
		for (size_t i = 0; i < n; i++)
			listed = listed || strcmp(rows[i]->name, app.protocol) == 0;
	else
		assert(!app.protocol);
	assert(listed || !app.protocol);
	struct probe_input over = f->in;
	over.side[0].ended = over.side[1].ended = true;
	assert(probe_inspect(&over, &app) != PROBE_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t transports[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	struct cursor c = cursor_of(data, size);
	struct flow f = {.in = {.l4 = transports[cursor_u8(&c) & 3]}};

	f.in.port = cursor_u16(&c);
	f.in.side[0].units = f.units[0];
	f.in.side[1].units = f.units[1];
	for (unsigned pieces = 0; cursor_left(&c) && pieces < PIECES_MAX; pieces++) {
		uint16_t head = cursor_u16(&c);
		size_t want = head & 0x7fff, len = want < cursor_left(&c) ? want : cursor_left(&c);
		if (!grow(&f, head >> 15, cursor_bytes(&c, len)))
			break;
		ask_rows(&f);
		ask_walk(&f);
	}
	for (unsigned side = 0; side < 2; side++)
		for (size_t i = 0; i < PROBE_UNITS; i++)
			free((void *)(uintptr_t)f.units[side][i].p);
	return 0;
}
