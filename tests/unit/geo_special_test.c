/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The special-purpose registries, row by row, at both edges of each block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "geo.h"

#define NOTHING SPECIAL_NONE, SPECIAL_NONE, SPECIAL_NONE

/* First and last address of the block, what it is, and what the addresses before and after it are. */
static const struct {
	const char *first, *last;
	enum special special, before, after;
} blocks[] = {
	{"0.0.0.0", "0.255.255.255", SPECIAL_UNSPECIFIED, SPECIAL_NONE, SPECIAL_NONE},
	{"10.0.0.0", "10.255.255.255", SPECIAL_PRIVATE, SPECIAL_NONE, SPECIAL_NONE},
	{"100.64.0.0", "100.127.255.255", SPECIAL_SHARED, SPECIAL_NONE, SPECIAL_NONE},
	{"127.0.0.0", "127.255.255.255", SPECIAL_LOOPBACK, SPECIAL_NONE, SPECIAL_NONE},
	{"169.254.0.0", "169.254.255.255", SPECIAL_LINK_LOCAL, SPECIAL_NONE, SPECIAL_NONE},
	{"172.16.0.0", "172.31.255.255", SPECIAL_PRIVATE, SPECIAL_NONE, SPECIAL_NONE},
	{"192.0.0.0", "192.0.0.8", SPECIAL_RESERVED, SPECIAL_NONE, SPECIAL_NONE},
	{"192.0.0.11", "192.0.0.255", SPECIAL_RESERVED, SPECIAL_NONE, SPECIAL_NONE},
	{"192.0.0.9", "192.0.0.10", SPECIAL_NONE, SPECIAL_RESERVED, SPECIAL_RESERVED},
	{"192.0.2.0", "192.0.2.255", SPECIAL_DOCUMENTATION, SPECIAL_NONE, SPECIAL_NONE},
	{"192.31.196.0", "192.31.196.255", NOTHING},
	{"192.52.193.0", "192.52.193.255", NOTHING},
	{"192.88.99.0", "192.88.99.255", SPECIAL_RESERVED, SPECIAL_NONE, SPECIAL_NONE},
	{"192.168.0.0", "192.168.255.255", SPECIAL_PRIVATE, SPECIAL_NONE, SPECIAL_NONE},
	{"192.175.48.0", "192.175.48.255", NOTHING},
	{"198.18.0.0", "198.19.255.255", SPECIAL_BENCHMARK, SPECIAL_NONE, SPECIAL_NONE},
	{"198.51.100.0", "198.51.100.255", SPECIAL_DOCUMENTATION, SPECIAL_NONE, SPECIAL_NONE},
	{"203.0.113.0", "203.0.113.255", SPECIAL_DOCUMENTATION, SPECIAL_NONE, SPECIAL_NONE},
	{"224.0.0.0", "239.255.255.255", SPECIAL_MULTICAST, SPECIAL_NONE, SPECIAL_RESERVED},
	{"240.0.0.0", "255.255.255.254", SPECIAL_RESERVED, SPECIAL_MULTICAST, SPECIAL_BROADCAST},
	{"255.255.255.255", "255.255.255.255", SPECIAL_BROADCAST, SPECIAL_RESERVED, SPECIAL_NONE},
	{"::", "::", SPECIAL_UNSPECIFIED, SPECIAL_MULTICAST, SPECIAL_LOOPBACK}, /* before: ffff:…:ffff, round the corner */
	{"::1", "::1", SPECIAL_LOOPBACK, SPECIAL_UNSPECIFIED, SPECIAL_NONE},
	{"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", SPECIAL_RESERVED, SPECIAL_NONE, SPECIAL_NONE},
	{"100::", "100::1:ffff:ffff:ffff:ffff", SPECIAL_RESERVED, SPECIAL_NONE, SPECIAL_NONE},
	{"2001:0::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_NONE, SPECIAL_NONE, SPECIAL_RESERVED},
	{"2001:1::1", "2001:1::3", SPECIAL_NONE, SPECIAL_RESERVED, SPECIAL_RESERVED},
	{"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", SPECIAL_BENCHMARK, SPECIAL_RESERVED, SPECIAL_RESERVED},
	{"2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_NONE, SPECIAL_RESERVED, SPECIAL_RESERVED},
	{"2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", SPECIAL_NONE, SPECIAL_RESERVED, SPECIAL_RESERVED},
	{"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_RESERVED, SPECIAL_RESERVED, SPECIAL_NONE},
	{"2001:20::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_NONE, SPECIAL_RESERVED, SPECIAL_RESERVED},
	{"2001:40::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_RESERVED, SPECIAL_NONE, SPECIAL_NONE},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_DOCUMENTATION, SPECIAL_NONE, SPECIAL_NONE},
	{"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", NOTHING},
	{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_DOCUMENTATION, SPECIAL_NONE, SPECIAL_NONE},
	{"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_RESERVED, SPECIAL_NONE, SPECIAL_NONE},
	{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_UNIQUE_LOCAL, SPECIAL_NONE, SPECIAL_NONE},
	{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_LINK_LOCAL, SPECIAL_NONE, SPECIAL_NONE},
	{"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_MULTICAST, SPECIAL_NONE, SPECIAL_UNSPECIFIED},
	/* In no registry: an unknown country, never private. */
	{"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_NONE, SPECIAL_LINK_LOCAL, SPECIAL_MULTICAST},
	{"4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_NONE, SPECIAL_NONE, SPECIAL_RESERVED},
	/* Embedded IPv4. */
	{"64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255", SPECIAL_PRIVATE, SPECIAL_NONE, SPECIAL_NONE},
	{"64:ff9b::255.255.255.255", "64:ff9b::255.255.255.255", SPECIAL_BROADCAST, SPECIAL_RESERVED, SPECIAL_NONE},
	{"2002:c0a8::", "2002:c0a8:ffff:ffff:ffff:ffff:ffff:ffff", SPECIAL_PRIVATE, SPECIAL_NONE, SPECIAL_NONE},
	{"2002:c000:9::", "2002:c000:a:ffff:ffff:ffff:ffff:ffff", SPECIAL_NONE, SPECIAL_RESERVED, SPECIAL_RESERVED},
};

enum { N = sizeof blocks / sizeof *blocks };

static struct addr
address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

/* a + 1 or a - 1, round the corner. */
static struct addr
step(struct addr a, int by)
{
	for (int i = 15; i >= 0; i--) {
		a.b[i] = (uint8_t)(a.b[i] + by);
		if (a.b[i] != (by > 0 ? 0 : 0xff))
			break;
	}
	return a;
}

static enum special
special(struct addr a)
{
	uint8_t len;
	return special_of(&a, &len);
}

static void
edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct addr first = address(blocks[i].first), last = address(blocks[i].last);
		struct addr before = step(first, -1), after = step(last, 1);
		if (special(first) != blocks[i].special || special(last) != blocks[i].special)
			fail_msg("%s - %s: not %s", blocks[i].first, blocks[i].last, special_name(blocks[i].special));
		/* 0.0.0.0 - 1 and 255.255.255.255 + 1 leave IPv4. */
		if (addr_is_v4(&first) == addr_is_v4(&before) && special(before) != blocks[i].before)
			fail_msg("before %s: %s", blocks[i].first, special_name(special(before)));
		if (addr_is_v4(&last) == addr_is_v4(&after) && special(after) != blocks[i].after)
			fail_msg("after %s: %s", blocks[i].last, special_name(special(after)));
	}
}

/* The length holds: whatever the bits behind it are, the answer is the same. */
static void
lengths_hold(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < 2 * N; i++) {
		struct addr a = address(i % 2 ? blocks[i / 2].first : blocks[i / 2].last);
		uint8_t len;
		enum special s = special_of(&a, &len);
		assert_true(len <= 128 && len > 0);
		for (int k = 0; k < 2000; k++) {
			struct addr b = a;
			for (unsigned bit = len; bit < 128; bit++) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				if (seed >> 63)
					b.b[bit / 8] ^= (uint8_t)(128 >> bit % 8);
			}
			if (special(b) != s)
				fail_msg("%s/%u does not hold", i % 2 ? blocks[i / 2].first : blocks[i / 2].last, len);
		}
	}
}

static void
lengths_are_useful(void **state)
{
	uint8_t len;
	struct addr a;

	(void)state;
	special_of((a = address("10.1.2.3"), &a), &len);
	assert_int_equal(len, 96 + 8);
	special_of((a = address("8.8.8.8"), &a), &len);
	assert_int_equal(len, 96 + 7); /* 10/8 shares six bits */
	special_of((a = address("2a02::1"), &a), &len);
	assert_true(len <= 8);
	special_of((a = address("64:ff9b::10.1.2.3"), &a), &len);
	assert_int_equal(len, 96 + 8);
	special_of((a = address("2002:a01:203::1"), &a), &len);
	assert_int_equal(len, 16 + 8);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(special_name(SPECIAL_NONE), "");
	for (int s = SPECIAL_NONE + 1; s < SPECIAL_COUNT; s++)
		assert_true(special_name((enum special)s)[0] != 0);
	assert_string_equal(special_name(SPECIAL_LINK_LOCAL), "link-local");
	assert_string_equal(special_name(SPECIAL_COUNT), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(lengths_hold),
		cmocka_unit_test(lengths_are_useful),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
