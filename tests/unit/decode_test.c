/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets built byte by byte, whole, cut short at every byte, and lying about themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"

struct bytes {
	uint8_t b[512];
	size_t n;
};

static void
put(struct bytes *p, const char *hex)
{
	for (; *hex; hex++) {
		char two[3] = {hex[0], hex[1], 0};
		if (*hex == ' ')
			continue;
		p->b[p->n++] = (uint8_t)strtoul(two, NULL, 16);
		hex++;
	}
}

/* IPv4 header without options, length fixed up; then what the caller adds. */
static struct bytes
v4(const char *proto, const char *frag, const char *rest)
{
	struct bytes p = {.n = 0};
	put(&p, "45 00 0000 1234");
	put(&p, frag);
	put(&p, "40");
	put(&p, proto);
	put(&p, "0000 0a140015 cb00714d");
	put(&p, rest);
	p.b[3] = (uint8_t)p.n;
	return p;
}

static struct bytes
v6(const char *next, const char *rest)
{
	struct bytes p = {.n = 0};
	put(&p, "60000000 0000");
	put(&p, next);
	put(&p, "40 fd200000000000000000000000000015 20010db8000000000000000000000099");
	put(&p, rest);
	p.b[5] = (uint8_t)(p.n - 40);
	return p;
}

static enum drop_reason
run(const struct bytes *b, struct packet *p)
{
	/* A copy that ends where the packet ends: the sanitizer sees every byte read too far. */
	uint8_t *exact = malloc(b->n ? b->n : 1);
	memcpy(exact, b->b, b->n);
	enum drop_reason r = decode((struct span){exact, b->n}, b->n, p);
	p->payload.p = NULL;
	free(exact);
	return r;
}

#define TCP "9c40 01bb 00000001 00000000 5002 ffff 0000 0000"
#define UDP(len) "9c40 7d64 " len " 0000"

static void
transports(void **state)
{
	struct packet p;
	char a[ADDR_TEXT];
	(void)state;

	struct bytes b = v4("06", "4000", TCP "aabbcc");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_string_equal(addr_print(&p.tuple.src, a), "10.20.0.21");
	assert_string_equal(addr_print(&p.tuple.dst, a), "203.0.113.77");
	assert_int_equal(p.tuple.sport, 40000);
	assert_int_equal(p.tuple.dport, 443);
	assert_int_equal(p.tcp_flags, TCP_SYN);
	assert_int_equal(p.payload_len, 3);

	b = v4("11", "0000", UDP("000a") "0102");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_int_equal(p.tuple.dport, 32100);
	assert_int_equal(p.payload_len, 2);

	b = v4("01", "0000", "0800 0000 1234 0001 61626364");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_int_equal(p.tuple.sport, 0x1234);
	assert_int_equal(p.tuple.dport, 0x0800);

	b = v4("2f", "0000", "00000800");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_int_equal(p.tuple.proto, 47);
	assert_int_equal(p.tuple.dport, 0);
	b = v4("84", "0000", "1388 1389 00000000 00000000");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_int_equal(p.tuple.dport, 5001);
	b = v4("32", "0000", ""); /* ESP with nothing in it still is a flow by number */
	assert_int_equal(run(&b, &p), DROP_NONE);
}

static void
extension_headers(void **state)
{
	struct packet p;
	(void)state;

	struct bytes b = v6("06", TCP);
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_int_equal(p.tuple.dport, 443);
	/* hop-by-hop, destination options, routing, AH, atomic fragment, then TCP */
	b = v6("00", "3c 00 010400000000"
		     "2b 00 010400000000"
		     "33 02 000000000000 0000000000000000 0000000000000000"
		     "2c 04 0000 00000000 00000000 00000000 00000000 00000000"
		     "06 00 0000 12345678" TCP);
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_int_equal(p.tuple.proto, 6);
	assert_int_equal(p.tuple.dport, 443);
	b = v6("2c", "06 00 0001 12345678" TCP); /* more fragments follow */
	assert_int_equal(run(&b, &p), DROP_FRAGMENT);
	b = v6("2c", "06 00 0008 12345678" TCP); /* offset 8 */
	assert_int_equal(run(&b, &p), DROP_FRAGMENT);
	b = v6("3c", "3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000"
		     "3c00000000000000 3c00000000000000 3c00000000000000 0600000000000000" TCP);
	assert_int_equal(run(&b, &p), DROP_EXT_LIMIT);
	b = v6("3c", "06ff000000000000" TCP);
	assert_int_equal(run(&b, &p), DROP_TRUNCATED);
	b = v6("3b", ""); /* no next header */
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_int_equal(p.tuple.proto, 59);
}

static void
liars(void **state)
{
	struct packet p;
	(void)state;

	struct bytes b = v4("06", "2000", TCP);
	assert_int_equal(run(&b, &p), DROP_FRAGMENT);
	b = v4("06", "0001", TCP);
	assert_int_equal(run(&b, &p), DROP_FRAGMENT);
	b = v4("06", "0000", TCP);
	b.b[0] = 0x44;
	assert_int_equal(run(&b, &p), DROP_BAD_HEADER);
	b = v4("06", "0000", TCP);
	b.b[3]++; /* longer than it is */
	assert_int_equal(run(&b, &p), DROP_TRUNCATED);
	b = v4("06", "0000", TCP);
	b.b[3] = 19;
	assert_int_equal(run(&b, &p), DROP_TRUNCATED);
	b = v4("06", "0000", TCP);
	b.b[20 + 12] = 0x40; /* data offset 4 */
	assert_int_equal(run(&b, &p), DROP_BAD_HEADER);
	b.b[20 + 12] = 0xf0; /* and 15, with 5 there */
	assert_int_equal(run(&b, &p), DROP_TRUNCATED);
	b = v4("11", "0000", UDP("0007"));
	assert_int_equal(run(&b, &p), DROP_BAD_HEADER);
	b = v4("11", "0000", UDP("0009"));
	assert_int_equal(run(&b, &p), DROP_TRUNCATED);
	b = v4("06", "0000", TCP);
	b.b[0] = 0x55;
	assert_int_equal(run(&b, &p), DROP_NOT_IP);
	/* ::ffff:10.20.0.21 inside a real IPv6 header would be taken for the IPv4 camera */
	b = v6("06", TCP);
	memset(b.b + 8, 0, 10);
	b.b[18] = b.b[19] = 0xff;
	assert_int_equal(run(&b, &p), DROP_BAD_HEADER);
	b.n = 0;
	assert_int_equal(run(&b, &p), DROP_TRUNCATED);
}

/* Cut anywhere, with the length still claiming the whole: never a packet. Cut with a truthful kernel length: headers or nothing. */
static void
truncated_everywhere(void **state)
{
	const struct bytes whole[] = {
		v4("06", "4000", TCP),
		v4("11", "4000", UDP("000c") "01020304"),
		v4("01", "0000", "0800 0000 1234 0001"),
		v6("06", TCP),
		v6("00", "06 00 010400000000" TCP),
		v6("3a", "8000 0000 1234 0001"),
	};
	struct packet p;
	(void)state;

	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		for (size_t n = 0; n < whole[i].n; n++) {
			struct bytes cut = whole[i];
			cut.n = n;
			assert_int_not_equal(run(&cut, &p), DROP_NONE);
		}
	/* The kernel copied 54 of 1500 bytes: that is an honest packet with an unseen payload. */
	struct bytes b = v4("06", "4000", TCP "aabbccdd");
	b.b[2] = 1500 >> 8;
	b.b[3] = 1500 & 0xff;
	assert_int_equal(decode((struct span){b.b, b.n}, 1500, &p), DROP_NONE);
	assert_int_equal(p.payload.len, 4);
	assert_int_equal(p.payload_len, 1460);
}

static void
icmp_errors(void **state)
{
	struct packet p;
	(void)state;

	/* port unreachable about UDP 10.20.0.21:40000 → 203.0.113.77:32100, eight bytes of the transport quoted */
	struct bytes b = v4("01", "0000", "0303 0000 0000 0000 45000024 12340000 40110000 0a140015 cb00714d 9c40 7d64 0010 0000");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_true(p.icmp_error);
	assert_int_equal(p.inner.dport, 32100);
	assert_int_equal(p.inner.proto, 17);
	/* the same about TCP, of whose header only the first eight bytes are there */
	b = v4("01", "0000", "0303 0000 0000 0000 45000034 12340000 40060000 0a140015 cb00714d 9c40 01bb 00000001");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_true(p.icmp_error);
	assert_int_equal(p.inner.dport, 443);
	/* an error that quotes an error is not followed, one that quotes rubbish is a flow of its own */
	b = v4("01", "0000", "0303 0000 0000 0000 ffffffff");
	assert_int_equal(run(&b, &p), DROP_NONE);
	assert_false(p.icmp_error);
	assert_int_equal(p.tuple.dport, 0x0303);
}

static void
reversal(void **state)
{
	struct packet p;
	(void)state;

	struct bytes b = v4("01", "0000", "0000 0000 1234 0001"); /* echo reply */
	assert_int_equal(run(&b, &p), DROP_NONE);
	struct tuple t = tuple_reverse(&p.tuple);
	assert_int_equal(t.dport, 0x0800);
	assert_int_equal(t.sport, 0x1234);
	b = v4("11", "0000", UDP("0008"));
	assert_int_equal(run(&b, &p), DROP_NONE);
	t = tuple_reverse(&p.tuple);
	assert_int_equal(t.sport, 32100);
	assert_int_equal(t.dport, 40000);
	t = tuple_reverse(&t);
	assert_memory_equal(&t, &p.tuple, sizeof t);
}

/* Every byte of every packet set to interesting values: no crash, and payload never longer than what was there. */
static void
mutations(void **state)
{
	const struct bytes whole[] = {v4("06", "4000", TCP "0102030405"), v6("00", "2c 00 010400000000 06 00 0000 12345678" TCP),
				      v4("01", "0000", "0303 0000 0000 0000 45000024 12340000 40110000 0a140015 cb00714d 9c40 7d64 0010 0000")};
	static const uint8_t values[] = {0, 1, 4, 5, 0x2c, 0x3c, 0x45, 0x60, 0x7f, 0x80, 0xfe, 0xff};
	struct packet p;
	(void)state;

	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		for (size_t at = 0; at < whole[i].n; at++)
			for (size_t v = 0; v < sizeof values; v++) {
				struct bytes b = whole[i];
				b.b[at] = values[v];
				if (run(&b, &p) == DROP_NONE)
					assert_true(p.payload.len <= b.n && p.payload_len <= b.n);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transports),		cmocka_unit_test(extension_headers), cmocka_unit_test(liars),
		cmocka_unit_test(truncated_everywhere), cmocka_unit_test(icmp_errors),	     cmocka_unit_test(reversal),
		cmocka_unit_test(mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
