/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the probes do in bulk says the same as what it stands for: text eight bytes at a time, and fingerprints that are remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../daemon/probe/hello.h"
#include "../../daemon/probe/text.h"
#include "probe.h"

enum { TEXT = 19, HELLOS = 1000 };

static bool
one_is_clean(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* Each byte at each place of a text whose other bytes are the highest and the lowest that are clean. */
static void
clean_text(void **state)
{
	uint8_t text[TEXT];
	(void)state;

	for (unsigned around = 0; around < 2; around++)
		for (size_t at = 0; at < TEXT; at++)
			for (unsigned b = 0; b < 256; b++) {
				memset(text, around ? 0xff : ' ', sizeof text);
				text[at] = (uint8_t)b;
				assert_int_equal(text_clean((struct span){text, TEXT}), one_is_clean((uint8_t)b));
				assert_int_equal(text_lines((struct span){text, TEXT}), one_is_clean((uint8_t)b) || b == '\r' || b == '\n');
			}
	assert_true(text_clean((struct span){NULL, 0}));
	assert_false(text_token((struct span){NULL, 0}));
}

static void
fill(struct hello *h, unsigned n, bool backwards)
{
	memset(h, 0, sizeof *h);
	h->carrier = HELLO_TLS;
	h->version = TLS_1_3;
	h->n_ciphers = h->n_extensions = 12;
	h->n_schemes = 3;
	for (unsigned i = 0; i < 12; i++) {
		unsigned at = backwards ? 11 - i : i;
		h->ciphers[at] = (uint16_t)(0x1301 + i + n * 16);
		h->extensions[at] = (uint16_t)(20 + i * 3 + n % 7);
	}
	for (uint16_t i = 0; i < 3; i++)
		h->schemes[i] = (uint16_t)(0x0401 + i + n % 11);
}

/* More programs than are remembered, over and over; in which order a program names its ciphers and extensions does not count. */
static void
fingerprints(void **state)
{
	static char first[HELLOS][APP_JA4];
	static struct hello h;
	char again[APP_JA4];
	(void)state;

	assert_true(probe_start());
	for (unsigned round = 0; round < 3; round++)
		for (unsigned n = 0; n < HELLOS; n++) {
			fill(&h, n, round == 2);
			hello_ja4(&h, round ? again : first[n]);
			if (round)
				assert_string_equal(again, first[n]);
			else if (n)
				assert_string_not_equal(first[n], first[n - 1]);
		}
	for (unsigned n = 0; n < HELLOS; n++) { /* the same one at once, from memory */
		fill(&h, n % 3, n & 1);
		hello_ja4(&h, again);
		assert_string_equal(again, first[n % 3]);
	}
	fill(&h, 0, false);
	h.n_ciphers = h.n_extensions = h.n_schemes = 0;
	hello_ja4(&h, again);
	assert_string_equal(again, "t13i000000_000000000000_000000000000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(clean_text), cmocka_unit_test(fingerprints)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
