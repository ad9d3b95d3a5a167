/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row that first_rows() leaves out says NO: every flow of the fuzzer's seeds, grown piece by piece, whole and cut short, with each of the
 * 256 first bytes, in both directions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/probe/first.h"
#include "probe.h"

enum { SEED_BYTES = 65536, UNIT = 32768 };

struct told {
	struct probe_input in;
	struct span units[2][PROBE_UNITS];
	uint8_t *bytes[2];
	size_t used[2];
};

static size_t asked, left_out;

static void
check(const struct told *t, uint8_t l4)
{
	struct probe_input in = t->in;
	uint64_t ask[FIRST_WORDS];
	size_t n;
	const struct probe *const *rows = probe_list(&n);
	static struct app app;

	in.l4 = l4;
	first_rows(&in, ask);
	for (size_t i = 0; i < n; i++) {
		if ((rows[i]->l4 && rows[i]->l4 != l4))
			continue;
		if (ask[i / 64] >> i % 64 & 1) {
			asked++;
			continue;
		}
		left_out++;
		if (rows[i]->inspect(&in, &app) != PROBE_NO)
			fail_msg("%s would have had something to say to first bytes %02x and %02x", rows[i]->name,
				 in.side[0].n && in.side[0].units[0].len ? in.side[0].units[0].p[0] : 0,
				 in.side[1].n && in.side[1].units[0].len ? in.side[1].units[0].p[0] : 0);
	}
}

/* With each first byte and several lengths. */
static void
vary(struct told *t, unsigned side)
{
	struct span *u = &t->units[side][0];
	size_t len = u->len;
	uint8_t *first = t->bytes[side], was = *first;
	const size_t lengths[] = {len, 1, len / 2 + 1};

	if (t->in.side[side].n == 0 || len == 0)
		return;
	for (size_t k = 0; k < 3; k++) {
		u->len = lengths[k] < len ? lengths[k] : len;
		for (unsigned b = 0; b < 256; b++) {
			*first = (uint8_t)b;
			check(t, t->in.l4);
		}
		*first = was;
	}
	u->len = len;
}

static void
grow(struct told *t, unsigned side, const uint8_t *p, size_t len)
{
	struct probe_side *s = &t->in.side[side];

	if (t->used[side] + len > UNIT || (t->in.l4 != IPPROTO_TCP && s->n == PROBE_UNITS))
		return;
	memcpy(t->bytes[side] + t->used[side], p, len);
	if (t->in.l4 == IPPROTO_TCP)
		t->units[side][0] = (struct span){t->bytes[side], t->used[side] + len}, s->n = 1;
	else
		t->units[side][s->n++] = (struct span){t->bytes[side] + t->used[side], len};
	t->used[side] += len;
}

static void
show(const uint8_t *p, size_t len, uint8_t l4)
{
	struct told t = {.in = {.l4 = l4, .port = (uint16_t)(p[1] << 8 | p[2])}, .bytes = {calloc(1, UNIT), calloc(1, UNIT)}};
	struct cursor c = cursor_of(p, len);

	t.in.side[0].units = t.units[0];
	t.in.side[1].units = t.units[1];
	cursor_skip(&c, 3);
	for (unsigned pieces = 0; cursor_left(&c) && pieces < 8; pieces++) {
		uint16_t head = cursor_u16(&c);
		size_t want = head & 0x7fff, n = want < cursor_left(&c) ? want : cursor_left(&c);
		struct span piece = cursor_bytes(&c, n);
		if (piece.p)
			grow(&t, head >> 15, piece.p, piece.len);
		vary(&t, PROBE_TO_SERVER);
		vary(&t, PROBE_TO_CLIENT);
	}
	free(t.bytes[0]);
	free(t.bytes[1]);
}

static void
what_is_left_out_says_no(void **state)
{
	static const char seeds[] = "tests/fuzz/seeds/probe";
	static const uint8_t transports[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	static uint8_t raw[SEED_BYTES];
	DIR *dir = opendir(seeds);
	size_t files = 0;
	(void)state;

	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir));) {
		char path[512];
		snprintf(path, sizeof path, "%s/%s", seeds, d->d_name);
		FILE *f = d->d_name[0] == '.' ? NULL : fopen(path, "rb");
		size_t len = f ? fread(raw, 1, sizeof raw, f) : 0;
		if (f)
			fclose(f);
		if (len < 4)
			continue;
		files++;
		show(raw, len, transports[raw[0] & 3]);
		/* What is said over one of them is tried over the other one as well. */
		if ((raw[0] & 3) < 2)
			show(raw, len, transports[!(raw[0] & 1)]);
	}
	closedir(dir);
	assert_true(files > 200);
	assert_true(left_out > asked); /* else it is of little use */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_left_out_says_no)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
