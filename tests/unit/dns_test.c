/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as dig sent and dnsmasq answered them, and messages that nobody honest sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

struct bytes {
	uint8_t b[65536];
	size_t n;
};

/* Digits in pairs, spaces anywhere; 'text' is a label with its length. */
static void
put(struct bytes *m, const char *hex)
{
	while (*hex) {
		if (*hex == ' ') {
			hex++;
		} else if (*hex == '\'') {
			size_t len = strcspn(hex + 1, "'");
			m->b[m->n++] = (uint8_t)len;
			memcpy(m->b + m->n, hex + 1, len);
			m->n += len;
			hex += len + 2;
		} else {
			char two[3] = {hex[0], hex[1], 0};
			m->b[m->n++] = (uint8_t)strtoul(two, NULL, 16);
			hex += 2;
		}
	}
}

static struct bytes work;
static struct dns_message message;

static bool
parse(const char *hex)
{
	work.n = 0;
	put(&work, hex);
	/* A copy of exactly this size: AddressSanitizer sees the first byte too far. */
	uint8_t *copy = malloc(work.n ? work.n : 1);
	memcpy(copy, work.b, work.n);
	bool ok = dns_parse((struct span){copy, work.n}, &message);
	free(copy);
	return ok;
}

/* {name, type, ttl, address or target, ech} */
struct want {
	const char *name;
	unsigned type, ttl;
	const char *data;
	bool ech, additional;
};

static const struct sample {
	const char *what, *hex, *query;
	unsigned flags, type;
	size_t n;
	struct want records[5];
} samples[] = {
	{"dig asks, with EDNS and a cookie",
	 "ee8401200001000000000001037032700676656e646f72076578616d706c65000001000100002904d000000000000c000a000850a3b31367a3a6f2",
	 "p2p.vendor.example", 0x0120, 1, 0, {{0}}},
	{"a chain of two CNAMEs, compressed",
	 "ee8485800001000300000001037032700676656e646f72076578616d706c650000010001c00c00050001000000780017026575037032700676656e646f72076578"
	 "616d706c6500c030000500010000003c00170565646765370363646e076578616d706c65036e657400c05300010001000002580004cb00714d00002904d00000"
	 "00000000",
	 "p2p.vendor.example", 0x8580, 1, 3,
	 {{"p2p.vendor.example", 5, 120, "eu.p2p.vendor.example", 0, 0},
	  {"eu.p2p.vendor.example", 5, 60, "edge7.cdn.example.net", 0, 0},
	  {"edge7.cdn.example.net", 1, 600, "203.0.113.77", 0, 0}}},
	{"the same for AAAA",
	 "768985800001000300000001037032700676656e646f72076578616d706c6500001c0001c00c00050001000000780017026575037032700676656e646f72076578"
	 "616d706c6500c030000500010000003c00170565646765370363646e076578616d706c65036e657400c053001c000100000258001020010db800070000000000"
	 "000000007700002904d0000000000000",
	 "p2p.vendor.example", 0x8580, 28, 3,
	 {{"p2p.vendor.example", 5, 120, "eu.p2p.vendor.example", 0, 0},
	  {"eu.p2p.vendor.example", 5, 60, "edge7.cdn.example.net", 0, 0},
	  {"edge7.cdn.example.net", 28, 600, "2001:db8:7::77", 0, 0}}},
	{"upper case, two addresses",
	 "bb0185800001000200000001034e5450074578616d706c65034f52470000010001c00c000100010000012c0004cb00710ac00c000100010000012c0004cb00710b"
	 "00002904d0000000000000",
	 "ntp.example.org", 0x8580, 1, 2,
	 {{"ntp.example.org", 1, 300, "203.0.113.10", 0, 0}, {"ntp.example.org", 1, 300, "203.0.113.11", 0, 0}}},
	{"SRV",
	 "d4c185800001000100000001045f736970045f746370076578616d706c6503636f6d0000210001c00c002100010000012c0017000a001413c403736970076578"
	 "616d706c6503636f6d0000002904d0000000000000",
	 "_sip._tcp.example.com", 0x8580, 33, 1, {{"_sip._tcp.example.com", 33, 300, "sip.example.com", 0, 0}}},
	{"MX",
	 "f70d85800001000100000001076578616d706c6503636f6d00000f0001c00c000f00010000012c00140032046d61696c076578616d706c6503636f6d00000029"
	 "04d0000000000000",
	 "example.com", 0x8580, 15, 1, {{"example.com", 15, 300, "mail.example.com", 0, 0}}},
	{"TXT, without its text",
	 "c73785800001000100000001076578616d706c6503636f6d0000100001c00c001000010000012c00130b763d73706631202d616c6c067365636f6e6400002904"
	 "d0000000000000",
	 "example.com", 0x8580, 16, 1, {{"example.com", 16, 300, "", 0, 0}}},
	{"PTR",
	 "8100858000010001000000010237370331313301300332303307696e2d61646472046172706100000c0001c00c000c00010000012c0017056564676537036364"
	 "6e076578616d706c65036e65740000002904d0000000000000",
	 "77.113.0.203.in-addr.arpa", 0x8580, 12, 1, {{"77.113.0.203.in-addr.arpa", 12, 300, "edge7.cdn.example.net", 0, 0}}},
	{"HTTPS with ALPN, hints of both families and ECH",
	 "f7478580000100010000000103776562076578616d706c6503636f6d0000410001c00c004100010000012c003500010000010006026833026832000400"
	 "08cb007101cb00710200050004010203040006001020010db800000000000000000000000100002904d0000000000000",
	 "web.example.com", 0x8580, 65, 3,
	 {{"web.example.com", 65, 300, "203.0.113.1", true, 0},
	  {"web.example.com", 65, 300, "203.0.113.2", true, 0},
	  {"web.example.com", 65, 300, "2001:db8::1", true, 0}}},
	{"refused, no EDNS", "57d481850001000000000000076e6f7468696e67076578616d706c6503636f6d0000010001", "nothing.example.com", 0x8185, 1,
	 0, {{0}}},
	{"alias mode: parameters do not count; an additional address",
	 "0001 8180 0001 0001 0000 0001 'w''x' 00 0041 0001  c00c 0041 0001 0000003c 0016 0000 'svc''y' 00 0004 0004 cb007109 0005 0001 aa"
	 "  'svc''y' 00 0001 0001 0000003c 0004 cb00710a",
	 "w.x", 0x8180, 65, 2, {{"w.x", 65, 60, "svc.y", 0, 0}, {"svc.y", 1, 60, "203.0.113.10", 0, true}}},
	{"authorities are not kept",
	 "0001 8180 0001 0000 0001 0000 'w''x' 00 0001 0001  c00e 0002 0001 0000003c 0004 'n' c00e", "w.x", 0x8180, 1, 0, {{0}}},
	{"types that nobody asked for are stepped over",
	 "0001 8180 0001 0003 0000 0000 'x' 00 00ff 0001  c00c 002e 0001 0000003c 0003 aabbcc  c00c 00ff 0001 00000000 0000"
	 " c00c 0001 0001 80000000 0004 cb007101",
	 "x", 0x8180, 255, 1, {{"x", 1, 0x80000000, "203.0.113.1", 0, 0}}},
	{"multicast DNS: no question, cache flush",
	 "0000 8400 0000 0001 0000 0000 'cam''local' 00 0001 8001 00000078 0004 0a140015", "", 0x8400, 0, 1,
	 {{"cam.local", 1, 120, "10.20.0.21", 0, 0}}},
	{"DNS UPDATE: another class, no data",
	 "0001 2800 0001 0000 0001 0000 'x' 00 0006 0001  'h' c00c 0001 00ff 00000000 0000", "x", 0x2800, 6, 0, {{0}}},
	{"the root, and odd bytes",
	 "0001 8180 0001 0002 0000 0000 00 0002 0001  00 0002 0001 00000001 0005 03 41002e 00  02 22 5c 00 0005 0001 00000001 0004 02 2d 7f 00",
	 "", 0x8180, 2, 2, {{"", 2, 1, "a\\000\\046", 0, 0}, {"\\034\\092", 5, 1, "-\\127", 0, 0}}},
	{"an IPv4 address in an AAAA record is no address",
	 "0001 8180 0001 0001 0000 0000 'x' 00 001c 0001  c00c 001c 0001 00000001 0010 00000000000000000000ffff cb007101", "x", 0x8180, 28, 1,
	 {{"x", 28, 1, "", 0, 0}}},
	{"DNS of another class has no addresses", "0001 8180 0001 0001 0000 0000 'x' 00 0001 0003  c00c 0001 0003 00000001 0003 aabbcc", "x",
	 0x8180, 1, 1, {{"x", 1, 1, "", 0, 0}}},
};

static const char *
data_of(const struct dns_record *r, char out[ADDR_TEXT])
{
	static const struct addr none;
	return memcmp(&r->addr, &none, sizeof none) ? addr_print(&r->addr, out) : r->target;
}

static void
reads_real_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		const struct sample *s = &samples[i];
		if (!parse(s->hex))
			fail_msg("%s: not read", s->what);
		assert_int_equal(message.flags, s->flags);
		assert_int_equal(message.response, s->flags >> 15);
		assert_int_equal(message.rcode, s->flags & 15);
		assert_string_equal(message.query, s->query);
		assert_int_equal(message.query_type, s->type);
		assert_int_equal(message.trailing, 0);
		assert_false(message.truncated_list);
		if (message.n != s->n)
			fail_msg("%s: %zu records", s->what, message.n);
		for (size_t k = 0; k < s->n; k++) {
			const struct want *w = &s->records[k];
			const struct dns_record *r = &message.record[k];
			char text[ADDR_TEXT];
			assert_string_equal(r->name, w->name);
			assert_int_equal(r->type, w->type);
			assert_int_equal(r->ttl, w->ttl);
			assert_string_equal(data_of(r, text), w->data);
			assert_int_equal(r->ech, w->ech);
			assert_int_equal(r->additional, w->additional);
		}
	}
}

static void
reads_nothing_that_was_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		assert_true(parse(samples[i].hex));
		for (size_t n = 0; n < work.n; n++) {
			uint8_t *copy = malloc(n ? n : 1);
			memcpy(copy, work.b, n);
			if (dns_parse((struct span){copy, n}, &message))
				fail_msg("%s: read from %zu of %zu bytes", samples[i].what, n, work.n);
			free(copy);
		}
	}
	assert_true(parse("0001 0100 0001 0000 0000 0000 'x' 00 0001 0001 aabbcc"));
	assert_int_equal(message.trailing, 3);
	assert_int_equal(message.query_len, 3);
}

#define HEAD_Q "0001 0100 0001 0000 0000 0000 "
#define HEAD_A "0001 8180 0001 0001 0000 0000 'x' 00 0001 0001 "

static const struct hostile {
	const char *what, *hex;
} hostile[] = {
	{"nothing", ""},
	{"zeros", "0000 0000 0000 0000 0000 0000"},
	{"the reserved bit", "0001 0140 0001 0000 0000 0000 'x' 00 0001 0001"},
	{"an opcode that is none", "0001 1900 0001 0000 0000 0000 'x' 00 0001 0001"},
	{"more questions than bytes", "0001 0100 0002 0000 0000 0000 'x' 00 0001 0001"},
	{"more records than bytes", "0001 0100 0001 ffff 0000 0000 'x' 00 0001 0001 c00c 0001 0001"},
	{"a pointer to itself", HEAD_Q "c00c 0001 0001"},
	{"a pointer to the name that it is in", HEAD_Q "'x' c00c 0001 0001"},
	{"two pointers at each other", "0001 0100 0002 0000 0000 0000 'x' c014 0001 0001 c00c 0001 0001"},
	{"a pointer forward", HEAD_Q "c012 0001 0001 'x' 00"},
	{"a pointer into the header", HEAD_Q "c004 0001 0001"},
	{"a pointer into the header, in a name that is not kept", "0001 0100 0002 0000 0000 0000 'x' 00 0001 0001 c004 0001 0001"},
	{"a label of an extended type", HEAD_Q "41 00 0001 0001"},
	{"a label of a type that is none", HEAD_Q "80 00 0001 0001"},
	{"such a label where a pointer could lead", HEAD_A "800c 0001 0001 00000001 0004 cb007101"},
	{"the same in a record that is not kept", HEAD_A "800c 00fe 0001 00000001 0004 cb007101"},
	{"the same, extended", HEAD_A "400c 00fe 0001 00000001 0004 cb007101"},
	{"a label past the end", HEAD_Q "3f 61"},
	{"A of three bytes", HEAD_A "c00c 0001 0001 00000001 0003 cb0071"},
	{"A of five bytes", HEAD_A "c00c 0001 0001 00000001 0005 cb00710102"},
	{"AAAA of four bytes", HEAD_A "c00c 001c 0001 00000001 0004 cb007101"},
	{"data past the end", HEAD_A "c00c 0001 0001 00000001 0005 cb007101"},
	{"CNAME with something behind it", HEAD_A "c00c 0005 0001 00000001 0003 c00c 00"},
	{"CNAME past its data", HEAD_A "c00c 0005 0001 00000001 0002 'y' 00"},
	{"CNAME to itself", HEAD_A "c00c 0005 0001 00000001 0002 c01f"},
	{"CNAME with a label of a type that is none", HEAD_A "c00c 0005 0001 00000001 0002 800c"},
	{"MX without a name", HEAD_A "c00c 000f 0001 00000001 0002 000a"},
	{"SVCB keys that do not increase", HEAD_A "c00c 0040 0001 00000001 000b 0001 00 0003 0000 0003 0000"},
	{"SVCB keys that decrease", HEAD_A "c00c 0040 0001 00000001 000b 0001 00 0005 0000 0003 0000"},
	{"SVCB value past its data", HEAD_A "c00c 0040 0001 00000001 0008 0001 00 0003 0002 00"},
	{"SVCB half a hint", HEAD_A "c00c 0040 0001 00000001 000d 0001 00 0004 0006 cb007101cb00"},
	{"SVCB half an IPv6 hint", HEAD_A "c00c 0040 0001 00000001 000b 0001 00 0006 0004 cb007101"},
	{"SVCB without a target", HEAD_A "c00c 0040 0001 00000001 0002 0001"},
};

static void
refuses_hostile_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
		if (parse(hostile[i].hex))
			fail_msg("%s: read", hostile[i].what);
}

/* One question whose name is `labels` labels of `len` bytes each. */
static bool
parse_labels(unsigned labels, unsigned len, uint8_t byte)
{
	work.n = 0;
	put(&work, HEAD_Q);
	for (unsigned i = 0; i < labels; i++) {
		work.b[work.n++] = (uint8_t)len;
		memset(work.b + work.n, byte, len);
		work.n += len;
	}
	put(&work, "00 0001 0001");
	return dns_parse((struct span){work.b, work.n}, &message);
}

static void
bounds_names(void **state)
{
	(void)state;
	/* 127 labels of one byte are 255 bytes: the longest name there is. */
	assert_true(parse_labels(127, 1, 'a'));
	assert_int_equal(message.query_len, 255);
	assert_int_equal(strlen(message.query), 253);
	assert_false(parse_labels(128, 1, 'a'));
	assert_false(parse_labels(4, 63, 'a'));
	assert_true(parse_labels(3, 63, 'A'));
	assert_int_equal(strlen(message.query), 3 * 63 + 2);

	/* Text that does not fit is marked as cut, and fits. */
	assert_true(parse_labels(3, 63, 0xff));
	assert_int_equal(message.query_len, 3 * 64 + 1);
	size_t len = strlen(message.query);
	assert_true(len < DNS_NAME);
	assert_int_equal(message.query[len - 1], '\\');
	assert_memory_equal(message.query, "\\255\\255", 8);

	/* 254 characters fit; one more does not, and the mark takes its place. */
	for (unsigned more = 1; more < 3; more++) {
		work.n = 0;
		put(&work, HEAD_Q "3f");
		memset(work.b + work.n, 0xff, 63);
		work.n += 63;
		put(&work, more == 1 ? "'a' 00 0001 0001" : "'aa' 00 0001 0001");
		message.query[255] = 'x';
		assert_true(dns_parse((struct span){work.b, work.n}, &message));
		assert_string_equal(message.query + 251, more == 1 ? "5.a" : "5.a\\");
	}
}

static void
bounds_jumps(void **state)
{
	(void)state;
	/* Records whose names each add a label and point to the one before: the 33rd jump is one too many. */
	for (unsigned depth = 30; depth < 36; depth++) {
		work.n = 0;
		put(&work, "0001 8180 0001 00");
		work.b[work.n++] = (uint8_t)depth;
		put(&work, "0000 0000 'x' 00 0001 0001");
		unsigned target = 12;
		for (unsigned i = 0; i < depth; i++) {
			unsigned here = (unsigned)work.n;
			put(&work, "'y'");
			work.b[work.n++] = (uint8_t)(0xc0 | target >> 8);
			work.b[work.n++] = (uint8_t)target;
			put(&work, "0001 0001 00000001 0004 cb007101");
			target = here;
		}
		bool ok = dns_parse((struct span){work.b, work.n}, &message);
		assert_int_equal(ok, true); /* the list is full before a name needs 33 */
		assert_int_equal(message.n, depth < DNS_ANSWERS ? depth : DNS_ANSWERS);
		assert_int_equal(message.truncated_list, depth > DNS_ANSWERS);
	}
	/* The same out of reach of the list: types that are not kept carry the chain, one that is kept ends it. */
	for (unsigned depth = 30; depth < 36; depth++) {
		work.n = 0;
		put(&work, "0001 8180 0001 00");
		work.b[work.n++] = (uint8_t)(depth + 1);
		put(&work, "0000 0000 'x' 00 0001 0001");
		unsigned target = 12;
		for (unsigned i = 0; i <= depth; i++) {
			unsigned here = (unsigned)work.n;
			work.b[work.n++] = (uint8_t)(0xc0 | target >> 8);
			work.b[work.n++] = (uint8_t)target;
			put(&work, i < depth ? "00fe 0001 00000001 0000" : "0001 0001 00000001 0004 cb007101");
			target = here;
		}
		assert_int_equal(dns_parse((struct span){work.b, work.n}, &message), depth + 1 <= 32);
	}
}

static void
keeps_a_bounded_list(void **state)
{
	(void)state;
	work.n = 0;
	put(&work, "0001 8180 0001 0064 0000 0000 'x' 00 0001 0001");
	for (unsigned i = 0; i < 100; i++) {
		put(&work, "c00c 0001 0001 00000001 0004 cb0071");
		work.b[work.n++] = (uint8_t)i;
	}
	assert_true(dns_parse((struct span){work.b, work.n}, &message));
	assert_int_equal(message.n, DNS_ANSWERS);
	assert_true(message.truncated_list);
	assert_int_equal(message.record[DNS_ANSWERS - 1].addr.b[15], DNS_ANSWERS - 1);

	/* Hints are records as well: 100 of them in one. */
	work.n = 0;
	put(&work, "0001 8180 0001 0001 0000 0000 'x' 00 0041 0001 c00c 0041 0001 00000001 0197 0001 00 0004 0190");
	for (unsigned i = 0; i < 100; i++)
		put(&work, "cb007101");
	assert_true(dns_parse((struct span){work.b, work.n}, &message));
	assert_int_equal(message.n, DNS_ANSWERS);
	assert_true(message.truncated_list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_real_messages),	 cmocka_unit_test(reads_nothing_that_was_cut),
		cmocka_unit_test(refuses_hostile_messages), cmocka_unit_test(bounds_names),
		cmocka_unit_test(bounds_jumps),		 cmocka_unit_test(keeps_a_bounded_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
