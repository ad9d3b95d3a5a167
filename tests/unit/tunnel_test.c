/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What looks like a DNS tunnel, and what a camera does all day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel.h"

#define SECOND 1000000000ull

static uint64_t seed = 88172645463325252u;

static unsigned
dice(unsigned sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % sides);
}

/* A fresh name: two labels of n characters of this alphabet, below the parent. */
static const char *
fresh(const char *alphabet, unsigned n, const char *parent)
{
	static char name[600];
	char *p = name;

	for (unsigned label = 0; label < 2; label++) {
		for (unsigned i = 0; i < n; i++)
			*p++ = alphabet[dice((unsigned)strlen(alphabet))];
		*p++ = '.';
	}
	strcpy(p, parent);
	return name;
}

/* Labels of n bytes with the top bit, as text. */
static const char *
fresh_bytes(unsigned n)
{
	static char name[600];
	int len = 0;

	for (unsigned i = 0; i < n; i++)
		len += sprintf(name + len, "\\%03u", 128 + dice(128));
	strcpy(name + len, ".evil.example");
	return name;
}

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567", hex[] = "0123456789abcdef", flat[] = "aaaaab";

/* How many of `n` questions, one every gap_ms, are told. *ret_first: which was the first. */
static unsigned
told(struct tunnels *t, uint32_t device, unsigned n, unsigned gap_ms, const char *alphabet, unsigned len, unsigned *ret_first)
{
	static uint64_t clock_ns = 1000 * SECOND;
	unsigned count = 0;

	clock_ns += 1000 * SECOND;
	for (unsigned i = 0; i < n; i++) {
		struct now now = {.mono_ns = clock_ns + i * (uint64_t)gap_ms * 1000000};
		bool is = tunnel_note(t, device, alphabet ? fresh(alphabet, len, "t.evil.example") : fresh_bytes(len), &now);
		if (is && count++ == 0 && ret_first)
			*ret_first = i;
	}
	return count;
}

static void
test_tunnels(void **state)
{
	struct tunnels *t = tunnels_new();
	unsigned first = 0;
	(void)state;

	assert_non_null(t);
	assert_int_equal(told(t, 1, 100, 50, base32, 50, &first), 1);
	assert_int_equal(first, 19); /* with the 20th question */
	assert_int_equal(told(t, 1, 100, 50, hex, 40, &first), 1);
	assert_int_equal(told(t, 1, 100, 50, NULL, 61, &first), 1);
	assert_int_equal(told(t, 1, 100, 50, base32, 15, &first), 1);
	assert_true(first >= 34 && first <= 40); /* 32 bytes each and the dots: 1200 come later */
	/* One a minute. */
	assert_int_equal(told(t, 2, 1300, 100, base32, 50, NULL), 3);
	tunnels_free(t);
	tunnels_free(NULL);
}

static void
test_no_tunnels(void **state)
{
	struct tunnels *t = tunnels_new();
	(void)state;

	assert_non_null(t);
	assert_int_equal(told(t, 1, 19, 50, base32, 60, NULL), 0);   /* too few */
	assert_int_equal(told(t, 1, 60, 1000, base32, 7, NULL), 0);  /* too short */
	assert_int_equal(told(t, 1, 200, 4000, base32, 30, NULL), 0); /* too slow */
	assert_int_equal(told(t, 1, 200, 50, flat, 60, NULL), 0);    /* of a language with two letters */
	tunnels_free(t);
}

/* Names of an ordinary day, over and over, at a rate that only an unreachable cloud explains. */
static void
test_repeats(void **state)
{
	static const char *const names[] = {
		"a3k7odshaiipe8-ats.iot.eu-west-1.amazonaws.com", "prod-eu-relay-01.p2p-cluster-7.vendor-cloud.example.com",
		"pool.ntp.org", "com", "", "www.example.com", "1.20.10.in-addr.arpa",
		"b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
	};
	struct tunnels *t = tunnels_new();
	(void)state;

	assert_non_null(t);
	for (unsigned i = 0; i < 20000; i++) {
		struct now now = {.mono_ns = SECOND + i * 10000000ull};
		assert_false(tunnel_note(t, 1, names[i % (sizeof names / sizeof *names)], &now));
	}
	tunnels_free(t);
}

/* Reverse names of many IPv6 addresses are long and different, and no tunnel. */
static void
test_reverse(void **state)
{
	struct tunnels *t = tunnels_new();
	(void)state;

	assert_non_null(t);
	for (unsigned i = 0; i < 500; i++) {
		char name[80];
		for (unsigned k = 0; k < 32; k++) {
			name[2 * k] = k < 4 ? hex[dice(16)] : "0000123f"[k % 8];
			name[2 * k + 1] = '.';
		}
		strcpy(name + 64, "ip6.arpa");
		assert_false(tunnel_note(t, 1, name, &(struct now){.mono_ns = SECOND + i * 50000000ull}));
	}
	tunnels_free(t);
}

/* Each device and each parent counts for itself. */
static void
test_apart(void **state)
{
	struct tunnels *t = tunnels_new();
	char parent[40];
	(void)state;

	assert_non_null(t);
	for (unsigned i = 0; i < 15 * 20; i++) {
		struct now now = {.mono_ns = SECOND + i * 1000000ull};
		sprintf(parent, "p%u.example", i % 20);
		assert_false(tunnel_note(t, 1, fresh(base32, 50, parent), &now));
		assert_false(tunnel_note(t, 2 + i % 20, fresh(base32, 50, "one.example"), &now));
	}
	tunnels_free(t);
}

/* Text that no message gives: cut in the middle of an escape, and as long as it can be. */
static void
test_odd_text(void **state)
{
	struct tunnels *t = tunnels_new();
	char *text = malloc(2000);
	struct now now = {.mono_ns = SECOND};
	(void)state;

	assert_non_null(t);
	assert_non_null(text);
	for (unsigned n = 0; n < 1900; n += 7) {
		memset(text, 'x', n);
		strcpy(text + n, "\\12.a.b");
		assert_false(tunnel_note(t, 1, text, &now));
		strcpy(text + n, "\\");
		tunnel_note(t, 1, text, &now);
	}
	free(text);
	tunnels_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnels), cmocka_unit_test(test_no_tunnels), cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_reverse), cmocka_unit_test(test_apart),	   cmocka_unit_test(test_odd_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
