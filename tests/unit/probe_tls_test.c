/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS and DTLS hellos to order: cut into records and fragments, malformed in every way that servers disagree about, and their JA4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hello_lab.h"

static struct bytes b, reply;

static enum probe_result
tls_of(const struct wish *w, struct app *app)
{
	b.n = 0;
	hello_records(&b, w, 16384);
	return look(&probe_tls, IPPROTO_TCP, 443, &b, 1, NULL, app);
}

static void
test_ja4_published(void **state)
{
	/* The example of FoxIO's description, with GREASE at the places where a browser puts it. */
	const struct wish chrome = {
		.ciphers = "2a2a 1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
		.extensions = "4a4a 0000 001b 0000 0000 0008 0006 00 0003 612e62 0033 0000 0010 000e 000c 02 6832 08 687474702f312e31 "
			      "4469 0000 0017 0000 002d 0000 000d 0012 0010 0403 0804 0401 0503 0805 0501 0806 0601 0005 0000 "
			      "0023 0000 0012 0000 002b 0007 06 3a3a 0304 0303 ff01 0000 000b 0000 000a 0000 0015 0000 7a7a 0001 00",
	};
	const struct wish no_schemes = {
		.extensions = "001b 0000 0033 0000 4469 0000 0017 0000 002d 0000 000d 0004 0002 0a0a 0005 0000 0023 0000 0012 0000 "
			      "002b 0003 02 0304 ff01 0000 000b 0000 000a 0000 0015 0000",
	};
	struct app app;

	(void)state;
	assert_int_equal(tls_of(&chrome, &app), PROBE_DONE);
	assert_string_equal(app.ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	assert_string_equal(app.name, "a.b");
	assert_int_equal(tls_of(&no_schemes, &app), PROBE_DONE);
	assert_string_equal(app.ja4 + 24, "6d807ffa2a79");
}

static void
test_ja4_edges(void **state)
{
	static const struct {
		const char *alpn, *first;
	} rows[] = {{"\xab", "ab"},	     {"\xab\xcd", "ad"}, {"0\xab", "3b"}, {"01\xab\xcd", "3d"}, {"0\xab\xcd" "1", "01"},
		    {"h", "hh"}, {"http/1.1 h2", "h1"}};
	const struct wish bare = {.ciphers = "0a0a 1a1a", .bare = true};
	struct app app;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct wish w = {.alpn = rows[i].alpn};
		assert_int_equal(tls_of(&w, &app), PROBE_DONE);
		assert_memory_equal(app.ja4 + 8, rows[i].first, 2);
	}
	assert_int_equal(tls_of(&bare, &app), PROBE_DONE);
	assert_string_equal(app.ja4, "t12i000000_000000000000_000000000000");
}

static void
test_records(void **state)
{
	const struct wish w = {.name = "Cam.Example.ORG.", .alpn = "h2", .versions = "0304 0303"};
	static struct bytes whole;
	struct app app;

	(void)state;
	whole.n = 0;
	hello_message(&whole, &w);
	for (size_t each = 1; each <= whole.n; each++) {
		b.n = 0;
		put_records(&b, 22, whole.b, whole.n, each);
		assert_int_equal(look(&probe_tls, IPPROTO_TCP, 443, &b, 1, NULL, &app), PROBE_DONE);
		assert_string_equal(app.name, "cam.example.org");
		b.n--;
		assert_int_equal(look(&probe_tls, IPPROTO_TCP, 443, &b, 1, NULL, &app), PROBE_MORE);
	}
}

/* 15 KiB of extensions, as a post-quantum hello with many tickets might have, in records of 500 bytes. */
static void
test_large(void **state)
{
	static char hex[2 * 15000 + 32];
	struct wish w = {.name = "a.example", .extensions = hex};
	struct app app;

	(void)state;
	strcpy(hex, "0029 3a94 ");
	memset(hex + strlen(hex), '5', 2 * 0x3a94);
	b.n = 0;
	hello_records(&b, &w, 500);
	assert_int_equal(look(&probe_tls, IPPROTO_TCP, 443, &b, 1, NULL, &app), PROBE_DONE);
	assert_string_equal(app.name, "a.example");
	/* One that says it is longer than what is remembered can never be whole. */
	b.n = 0;
	put_hex(&b, "160301 4000 01 00ffff 0303");
	assert_int_equal(look(&probe_tls, IPPROTO_TCP, 443, &b, 1, NULL, &app), PROBE_NO);
}

static void
test_after(void **state)
{
	static const struct {
		const char *hex;
		enum probe_result r;
	} rows[] = {
		{"", PROBE_DONE},
		{"17", PROBE_DONE},
		{"170303", PROBE_DONE},
		{"140303 0001 01 170303 0004 aabbccdd", PROBE_DONE},
		{"170303 0004 aabb", PROBE_DONE},
		{"474554202f20", PROBE_NO},
		{"00", PROBE_NO},
		{"1704", PROBE_NO},
		{"170305 0001 aa", PROBE_NO},
		{"170303 ffff", PROBE_NO},
		{"140303 0001 01 00", PROBE_NO},
	};
	const struct wish w = {.name = "a.example"};
	struct app app;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		b.n = 0;
		hello_records(&b, &w, 16384);
		put_hex(&b, rows[i].hex);
		if (look(&probe_tls, IPPROTO_TCP, 443, &b, 1, NULL, &app) != rows[i].r)
			fail_msg("after the hello: %s", rows[i].hex);
	}
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *what;
		struct wish w;
	} rows[] = {
		{"NUL in the name", {.name = "good.example\0.evil.example", .name_len = 26}},
		{"control byte in the name", {.name = "a\nb.example"}},
		{"space in the name", {.name = "a b.example"}},
		{"empty label", {.name = "a..example"}},
		{"a slash", {.name = "a/b.example"}},
		{"raw UTF-8", {.name = "k\xc3\xa4mera.example"}},
		{"empty name", {.extensions = "0000 0005 0003 00 0000"}},
		{"two names", {.extensions = "0000 000c 000a 00 0002 6161 00 0002 6262"}},
		{"name of another type", {.extensions = "0000 0006 0004 01 0001 61"}},
		{"the name's list is short", {.extensions = "0000 0007 0004 00 0001 61 62"}},
		{"SNI twice", {.name = "a.example", .extensions = "0000 0006 0004 00 0001 61"}},
		{"an unknown extension twice", {.extensions = "4469 0000 4469 0000"}},
		{"GREASE twice", {.extensions = "0a0a 0000 0a0a 0000"}},
		{"empty ALPN list", {.extensions = "0010 0002 0000"}},
		{"empty protocol", {.extensions = "0010 0003 0001 00"}},
		{"ALPN too long", {.extensions = "0010 0004 0002 05 61"}},
		{"no versions", {.extensions = "002b 0001 00"}},
		{"half a version", {.extensions = "002b 0004 03 0304 03"}},
		{"no schemes", {.extensions = "000d 0002 0000"}},
		{"half a scheme", {.extensions = "000d 0005 0003 0403 04"}},
		{"empty ECH", {.extensions = "fe0d 0000"}},
		{"no ciphers", {.ciphers = ""}},
		{"half a cipher", {.ciphers = "1301 13"}},
		{"version of DTLS", {.legacy = 0xfefd}},
		{"version of nobody", {.legacy = 0x0505}},
		{"extension beyond the end", {.extensions = "4469 0010 00"}},
		{"half an extension", {.extensions = "4469 00"}},
	};
	struct app app;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (tls_of(&rows[i].w, &app) != PROBE_NO)
			fail_msg("%s", rows[i].what);
}

/* Every byte of a hello that counts something, off by one either way: all lengths must agree, so none is a hello. */
static void
test_lengths(void **state)
{
	const struct wish w = {.name = "cam.example", .alpn = "h2", .versions = "0304", .schemes = "0403"};
	struct app app;

	(void)state;
	assert_int_equal(tls_of(&w, &app), PROBE_DONE);
	/* Low bytes of: record, message, session id, ciphers, compressions, extensions, SNI, its list, its name. */
	static const size_t places[] = {4, 8, 43, 45, 50, 53, 57, 59, 62};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		for (int by = -1; by <= 1; by += 2) {
			b.n = 0;
			hello_records(&b, &w, 16384);
			b.b[places[i]] = (uint8_t)(b.b[places[i]] + by);
			if (look(&probe_tls, IPPROTO_TCP, 443, &b, 1, NULL, &app) == PROBE_DONE)
				fail_msg("length at %zu by %d", places[i], by);
		}
}

static void
test_names(void **state)
{
	static const struct {
		struct wish w;
		uint16_t port;
		const char *protocol, *name; /* name NULL: none */
	} rows[] = {
		{{.name = "cam.example", .alpn = "h2"}, 443, "tls", "cam.example"},
		{{.name = "192.0.2.1"}, 443, "tls", NULL},
		{{.name = "2001:db8::1"}, 443, "tls", NULL},
		{{.name = "_x.cam_1.example"}, 443, "tls", "_x.cam_1.example"},
		{{.alpn = "dot"}, 8853, "dot", NULL},
		{{.name = "dns.google"}, 853, "dot", "dns.google"},
		{{.name = "x.example", .alpn = "h2"}, 853, "tls", "x.example"},
		{{.name = "dns.google", .alpn = "h2"}, 443, "doh", "dns.google"},
		{{.name = "DNS.GOOGLE", .alpn = "http/1.1"}, 8443, "doh", "dns.google"},
		{{.name = "dns.google"}, 443, "tls", "dns.google"},
		{{.name = "dns.google", .alpn = "imap"}, 443, "tls", "dns.google"},
		{{.name = "abc123.dns.nextdns.io", .alpn = "h2 http/1.1"}, 443, "doh", "abc123.dns.nextdns.io"},
		{{.name = "evil-dns.google", .alpn = "h2"}, 443, "tls", "evil-dns.google"},
		{{.name = "dns.google.example", .alpn = "h2"}, 443, "tls", "dns.google.example"},
	};
	struct app app;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		b.n = 0;
		hello_records(&b, &rows[i].w, 16384);
		assert_int_equal(look(&probe_tls, IPPROTO_TCP, rows[i].port, &b, 1, NULL, &app), PROBE_DONE);
		assert_string_equal(app.protocol, rows[i].protocol);
		assert_int_equal(app.has_name, rows[i].name != NULL);
		assert_string_equal(app.name, rows[i].name ? rows[i].name : "");
	}
}

static void
test_ech_and_alpn(void **state)
{
	const struct wish w = {.name = "outer.example", .alpn = "h3 h2 a b c d e f g h", .extensions = "fe0d 0003 000001"};
	struct app app;

	(void)state;
	assert_int_equal(tls_of(&w, &app), PROBE_DONE);
	assert_true(app.ech);
	assert_int_equal(app.n_alpn, APP_ALPN);
	assert_string_equal(app.alpn[7], "f");
}

static void
test_server(void **state)
{
	static const struct {
		const char *body;
		uint16_t version;
	} rows[] = {
		{"0303 %r 00 c02f 00", 0x0303},
		{"0303 %r 00 1301 00 0006 002b 0002 0304", 0x0304},
		{"0302 %r 00 002f 00 0005 ff01 0001 00", 0x0302},
		{"0303 %r 00 1301 00 0006 002b 0003 0304", 0x0304}, /* malformed: what the client offered stays */
	};
	const struct wish w = {.name = "a.example", .versions = "0304 0303"};
	struct app app;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static struct bytes message;
		message.n = 0;
		put_hex(&message, "02");
		size_t from = message.n;
		put_hex(&message, "0303");
		message.b[2] = (uint8_t)strtoul(rows[i].body + 2, NULL, 16);
		for (unsigned k = 0; k < 32; k++)
			put_number(&message, k, 1);
		put_hex(&message, strchr(rows[i].body, 'r') + 1);
		put_length(&message, from, 3);
		for (size_t each = 1; each < 64; each += 21) {
			reply.n = b.n = 0;
			hello_records(&b, &w, 16384);
			put_records(&reply, 22, message.b, message.n, each);
			assert_int_equal(look(&probe_tls, IPPROTO_TCP, 443, &b, 1, &reply, &app), PROBE_DONE);
			assert_int_equal(app.tls_version, rows[i].version);
		}
	}
}

/* A proxy that agreed: what follows is named, and its own server too. */
static void
test_connect(void **state)
{
	static const char head[] = "CONNECT proxy-target.example:443 HTTP/1.1\r\nHost: proxy-target.example:443\r\n\r\n";
	static const char yes[] = "HTTP/1.1 200 Connection established\r\n\r\n", no[] = "HTTP/1.1 403 Forbidden\r\n\r\n";
	const struct wish w = {.name = "inner.example", .alpn = "h2"};
	struct app app;

	(void)state;
	b.n = reply.n = 0;
	put(&b, head, strlen(head));
	assert_int_equal(look(&probe_http, IPPROTO_TCP, 3128, &b, 1, NULL, &app), PROBE_DONE);
	assert_string_equal(app.protocol, "http");
	assert_string_equal(app.name, "proxy-target.example");
	hello_records(&b, &w, 16384);
	put(&reply, yes, strlen(yes));
	assert_int_equal(look(&probe_http, IPPROTO_TCP, 3128, &b, 1, &reply, &app), PROBE_DONE);
	assert_string_equal(app.protocol, "tls");
	assert_string_equal(app.name, "inner.example");
	assert_string_equal(app.http_method, "CONNECT");
	reply.n = 0;
	put(&reply, no, strlen(no));
	assert_int_equal(look(&probe_http, IPPROTO_TCP, 3128, &b, 1, &reply, &app), PROBE_DONE);
	assert_string_equal(app.protocol, "http");
}

/* One fragment of a DTLS hello in a record of its own. */
static void
put_fragment(struct bytes *to, const struct bytes *body, unsigned message, size_t offset, size_t n)
{
	put_hex(to, "16 feff 0000 000000000000");
	size_t from = to->n;
	put_number(to, 1, 1);
	put_number(to, body->n, 3);
	put_number(to, message, 2);
	put_number(to, offset, 3);
	put_number(to, n, 3);
	put(to, body->b + offset, n);
	put_length(to, from, 2);
}

static enum probe_result
dtls_of(const struct bytes *units, size_t n, struct app *app)
{
	return look(&probe_dtls, IPPROTO_UDP, 443, units, n, NULL, app);
}

static void
test_dtls_fragments(void **state)
{
	const struct wish w = {.name = "d.example", .dtls = true, .versions = "fefc fefd"};
	static struct bytes body, units[3];
	struct app app;

	(void)state;
	body.n = 0;
	hello_body(&body, &w);
	for (size_t cut = 1; cut + 1 < body.n; cut++)
		for (unsigned order = 0; order < 2; order++) {
			units[0].n = units[1].n = units[2].n = 0;
			put_fragment(&units[order], &body, 0, 0, cut);
			put_fragment(&units[!order], &body, 0, cut, body.n - cut);
			assert_int_equal(dtls_of(units, 1, &app), PROBE_MORE);
			assert_int_equal(dtls_of(units, 2, &app), PROBE_DONE);
			assert_string_equal(app.name, "d.example");
			assert_int_equal(app.tls_version, 0xfefc);
			assert_memory_equal(app.ja4, "dd3d", 4);
			put(&units[2], "garbage", 7);
			assert_int_equal(dtls_of(units, 3, &app), PROBE_NO);
		}
}

/* After the server's cookie the hello comes again with the next number; overlapping fragments must agree. */
static void
test_dtls_again(void **state)
{
	const struct wish w = {.name = "d.example", .dtls = true};
	static struct bytes body, units[2];
	struct app app;

	(void)state;
	body.n = units[0].n = units[1].n = 0;
	hello_body(&body, &w);
	put_fragment(&units[0], &body, 0, 0, 40);
	put_fragment(&units[1], &body, 1, 0, body.n);
	assert_int_equal(dtls_of(units, 2, &app), PROBE_DONE);

	units[0].n = units[1].n = 0;
	put_fragment(&units[0], &body, 0, 0, 40);
	put_fragment(&units[1], &body, 0, 20, body.n - 20);
	assert_int_equal(dtls_of(units, 2, &app), PROBE_DONE);
	units[1].b[13 + 12 + 5] ^= 1;
	assert_int_equal(dtls_of(units, 2, &app), PROBE_NO);

	units[0].n = 0;
	put_fragment(&units[0], &body, 0, 0, body.n);
	units[0].b[13 + 12] ^= 0x40; /* its version */
	assert_int_equal(dtls_of(units, 1, &app), PROBE_NO);
	units[1].n = 0;
	put_fragment(&units[1], &body, 1, 0, body.n);
	assert_int_equal(dtls_of(units, 2, &app), PROBE_NO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ja4_published), cmocka_unit_test(test_ja4_edges), cmocka_unit_test(test_records),
		cmocka_unit_test(test_large),	      cmocka_unit_test(test_after),	cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_lengths),	      cmocka_unit_test(test_names),	cmocka_unit_test(test_ech_and_alpn),
		cmocka_unit_test(test_server),	      cmocka_unit_test(test_connect),	cmocka_unit_test(test_dtls_fragments),
		cmocka_unit_test(test_dtls_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
