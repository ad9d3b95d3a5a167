/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QUIC Initials: the RFCs' own packets, hellos in pieces, and what must not be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "../../daemon/probe/quic_initial.h"
#include "hello_lab.h"

enum { DATAGRAM = 1200 };

static const char rfc_id[] = "8394c8f03e515708";

/* RFC 9001, section A.2: the CRYPTO frame of the client's first packet. */
static const char rfc_frame[] =
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0000000"
	"10000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e0005000501000000000033"
	"00260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e040305"
	"0306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
	"75300901100f088394c8f03e51570806048000ffff";

struct packet_wish {
	uint32_t version;
	const char *id;
	uint32_t number;
	const char *token; /* hex or NULL */
	size_t size;	   /* of the datagram; 0: without padding */
};

/* Seals frames into an Initial with a number of four bytes, as the RFCs' examples are. */
static void
put_initial(struct bytes *to, const struct packet_wish *w, const struct bytes *frames)
{
	static struct bytes plain, head;
	struct bytes id = {.n = 0};
	struct quic_keys k;
	uint8_t nonce[12], mask[16], tag[16];
	int n;

	put_hex(&id, w->id);
	assert_true(quic_client_keys(w->version, (struct span){id.b, id.n}, &k));
	plain.n = head.n = 0;
	put(&plain, frames->b, frames->n);
	put_number(&head, w->version == QUIC_V2 ? 0xd3 : 0xc3, 1);
	put_number(&head, w->version, 4);
	put_number(&head, id.n, 1);
	put(&head, id.b, id.n);
	put_number(&head, 0, 1);
	size_t token = head.n;
	put_hex(&head, w->token ? w->token : "");
	put_length(&head, token, 1);
	while (w->size && head.n + 2 + 4 + plain.n + 16 < w->size)
		put_number(&plain, 0, 1);
	put_number(&head, 0x4000 | (4 + plain.n + 16), 2);
	put_number(&head, w->number, 4);
	memcpy(nonce, k.iv, 12);
	for (unsigned i = 0; i < 4; i++)
		nonce[8 + i] ^= (uint8_t)(w->number >> 8 * (3 - i));
	size_t start = to->n, sealed = start + head.n;
	put(to, head.b, head.n);
	put(to, plain.b, plain.n);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	assert_true(EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, k.key, nonce) &&
		    EVP_EncryptUpdate(c, NULL, &n, head.b, (int)head.n) &&
		    EVP_EncryptUpdate(c, to->b + sealed, &n, plain.b, (int)plain.n) && EVP_EncryptFinal_ex(c, to->b + sealed + n, &n) &&
		    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag));
	EVP_CIPHER_CTX_free(c);
	put(to, tag, sizeof tag);
	assert_true(digest_aes128(k.mask, to->b + sealed, mask));
	to->b[start] ^= mask[0] & 0x0f;
	for (unsigned i = 0; i < 4; i++)
		to->b[sealed - 4 + i] ^= mask[1 + i];
}

static void
put_crypto(struct bytes *to, const struct bytes *hello, size_t offset, size_t n)
{
	put_number(to, 6, 1);
	put_number(to, 0x4000 | offset, 2);
	put_number(to, 0x4000 | n, 2);
	put(to, hello->b + offset, n);
}

static struct bytes units[4], frames, hello, reply;

static void
reset(void)
{
	for (size_t i = 0; i < 4; i++)
		units[i].n = 0;
	frames.n = hello.n = reply.n = 0;
}

static enum probe_result
quic_of(size_t n, struct app *app)
{
	return look(&probe_quic, IPPROTO_UDP, 443, units, n, reply.n ? &reply : NULL, app);
}

static void
usual_hello(void)
{
	const struct wish w = {.name = "cloud.example", .alpn = "h3", .versions = "0304", .quic = true};
	reset();
	hello_message(&hello, &w);
}

static const struct packet_wish usual = {QUIC_V1, rfc_id, 0, NULL, DATAGRAM};

/* One datagram of these frames. */
static enum probe_result
of_frames(const char *hex, struct app *app)
{
	usual_hello();
	put_crypto(&frames, &hello, 0, hello.n);
	put_hex(&frames, hex);
	put_initial(&units[0], &usual, &frames);
	return quic_of(1, app);
}

static void
test_published(void **state)
{
	static const struct {
		uint32_t version;
		const char *head, *tag;
	} rows[] = {
		{QUIC_V1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b", "e221af44860018ab0856972e194cd934"},
		{QUIC_V2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071", "a18b2faa745b6fe189cf772a9f84cbfc"},
	};
	struct app app;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct packet_wish w = {rows[i].version, rfc_id, 2, NULL, DATAGRAM};
		static struct bytes expected;
		reset();
		put_hex(&frames, rfc_frame);
		put_initial(&units[0], &w, &frames);
		expected.n = 0;
		put_hex(&expected, rows[i].head);
		put_hex(&expected, rows[i].tag);
		assert_memory_equal(units[0].b, expected.b, expected.n - 16);
		assert_memory_equal(units[0].b + DATAGRAM - 16, expected.b + expected.n - 16, 16);

		assert_int_equal(quic_of(1, &app), PROBE_DONE);
		assert_string_equal(app.protocol, "quic");
		assert_string_equal(app.name, "example.com");
		assert_string_equal(app.alpn[0], "alpn");
		assert_int_equal(app.quic_version, rows[i].version);
		assert_int_equal(app.tls_version, 0x0304);
		assert_string_equal(app.ja4, "q13d0211an_62ed6f6ca7ad_4d634acda6c0");
	}
}

/* The tag covers all of it: one bit anywhere, and it is nothing. */
static void
test_every_bit(void **state)
{
	struct app app;

	(void)state;
	reset();
	put_hex(&frames, rfc_frame);
	put_initial(&units[0], &usual, &frames);
	for (size_t at = 0; at < DATAGRAM; at++) {
		units[0].b[at] ^= 1u << at % 8;
		if (quic_of(1, &app) == PROBE_DONE)
			fail_msg("with byte %zu changed", at);
		units[0].b[at] ^= 1u << at % 8;
	}
	for (size_t n = 0; n < DATAGRAM; n++) {
		units[0].n = n;
		if (quic_of(1, &app) == PROBE_DONE)
			fail_msg("cut to %zu", n);
	}
}

static void
test_pieces(void **state)
{
	struct app app;

	(void)state;
	usual_hello();
	for (size_t cut = 1; cut < hello.n; cut += 3)
		for (unsigned order = 0; order < 2; order++) {
			usual_hello();
			put_crypto(&frames, &hello, cut, hello.n - cut);
			put_hex(&frames, "01");
			put_crypto(&frames, &hello, 0, cut);
			put_initial(&units[0], &usual, &frames);
			assert_int_equal(quic_of(1, &app), PROBE_DONE);
			/* The same in two datagrams, in either order. */
			const struct packet_wish second = {QUIC_V1, rfc_id, 1, NULL, DATAGRAM};
			units[0].n = frames.n = 0;
			put_crypto(&frames, &hello, 0, cut);
			put_initial(&units[order], &usual, &frames);
			frames.n = 0;
			put_hex(&frames, "02 00 00 00 00"); /* an acknowledgement */
			put_crypto(&frames, &hello, cut, hello.n - cut);
			put_initial(&units[!order], &second, &frames);
			assert_int_equal(quic_of(1, &app), PROBE_MORE);
			assert_int_equal(quic_of(2, &app), PROBE_DONE);
			assert_string_equal(app.name, "cloud.example");
		}
}

static void
test_frames(void **state)
{
	struct app app;

	(void)state;
	assert_int_equal(of_frames("01 01 00", &app), PROBE_DONE);
	assert_int_equal(of_frames("02 05 00 01 00 01 00", &app), PROBE_DONE);
	assert_int_equal(of_frames("03 05 00 00 00 01 02 03", &app), PROBE_DONE);
	assert_int_equal(of_frames("0800 68656c6c6f", &app), PROBE_NO); /* a stream in an Initial */
	assert_int_equal(of_frames("06 4000 02 0105", &app), PROBE_NO);	/* the same bytes of the hello, but others */
	assert_int_equal(of_frames("06 4000 02 0100", &app), PROBE_DONE);
	assert_int_equal(of_frames("06 43ff 02 0101", &app), PROBE_NO); /* more behind the hello */
	assert_int_equal(of_frames("06 80010000 02 0101", &app), PROBE_NO);
	assert_int_equal(of_frames("06 ffffffffffffffff 02 0101", &app), PROBE_NO);
	assert_int_equal(of_frames("02 05 00 7fff", &app), PROBE_NO);
}

static void
test_datagrams(void **state)
{
	const struct packet_wish small = {QUIC_V1, rfc_id, 0, NULL, DATAGRAM - 1};
	const struct packet_wish short_id = {QUIC_V1, "83", 0, NULL, DATAGRAM};
	const struct packet_wish open = {QUIC_V1, rfc_id, 0, NULL, 700};
	struct app app;

	(void)state;
	usual_hello();
	put_crypto(&frames, &hello, 0, hello.n);
	put_initial(&units[0], &small, &frames);
	assert_int_equal(quic_of(1, &app), PROBE_NO);
	units[0].n = 0;
	put_initial(&units[0], &short_id, &frames);
	assert_int_equal(quic_of(1, &app), PROBE_NO);

	/* 0-RTT in the same datagram, then zeros; or else, not. */
	static const char zero_rtt[] = "d0 00000001 08 8394c8f03e515708 00 4014 0102030405060708090a0b0c0d0e0f1011121314";
	units[0].n = 0;
	put_initial(&units[0], &open, &frames);
	put_hex(&units[0], zero_rtt);
	while (units[0].n < DATAGRAM)
		put_number(&units[0], 0, 1);
	assert_int_equal(quic_of(1, &app), PROBE_DONE);
	units[0].b[DATAGRAM - 1] = 1;
	assert_int_equal(quic_of(1, &app), PROBE_NO);

	/* Later datagrams: short headers and handshakes, nothing else. */
	units[0].b[DATAGRAM - 1] = 0;
	put_hex(&units[1], "41 0102030405060708090a0b0c0d0e0f10111213141516");
	assert_int_equal(quic_of(2, &app), PROBE_DONE);
	units[1].b[0] = 0x11;
	assert_int_equal(quic_of(2, &app), PROBE_NO);
}

/* After a Retry all begins again with the server's id and token. A hello that was broken before stays broken. */
static void
test_retry(void **state)
{
	const struct packet_wish again = {QUIC_V1, "f067a5502a4262b5", 1, "aabbccdd", DATAGRAM};
	struct app app;

	(void)state;
	usual_hello();
	put_crypto(&frames, &hello, 0, 50);
	put_initial(&units[0], &usual, &frames);
	frames.n = 0;
	put_crypto(&frames, &hello, 0, hello.n);
	put_initial(&units[1], &again, &frames);
	assert_int_equal(quic_of(1, &app), PROBE_MORE);
	assert_int_equal(quic_of(2, &app), PROBE_DONE);
	assert_string_equal(app.name, "cloud.example");

	units[0].n = frames.n = 0;
	hello.b[4] = 9;
	put_crypto(&frames, &hello, 0, hello.n);
	put_initial(&units[0], &usual, &frames);
	assert_int_equal(quic_of(1, &app), PROBE_NO);
	assert_int_equal(quic_of(2, &app), PROBE_NO);
}

static void
test_hellos(void **state)
{
	static const struct {
		struct wish w;
		const char *protocol; /* NULL: refused */
	} rows[] = {
		{{.name = "a.example", .alpn = "h3", .versions = "0304", .quic = true}, "quic"},
		{{.name = "dns.adguard-dns.com", .alpn = "doq", .versions = "0304", .quic = true}, "doq"},
		{{.name = "dns.google", .alpn = "h3", .versions = "0304", .quic = true}, "doh"},
		{{.name = "a.example", .alpn = "h3", .versions = "0303", .quic = true}, NULL},
		{{.name = "a.example", .alpn = "h3", .versions = "0304"}, NULL},
		{{.name = "a..example", .alpn = "h3", .versions = "0304", .quic = true}, NULL},
	};
	struct app app;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		reset();
		hello_message(&hello, &rows[i].w);
		put_crypto(&frames, &hello, 0, hello.n);
		put_initial(&units[0], &usual, &frames);
		assert_int_equal(quic_of(1, &app), rows[i].protocol ? PROBE_DONE : PROBE_NO);
		if (rows[i].protocol)
			assert_string_equal(app.protocol, rows[i].protocol);
	}
}

static void
other_version(const char *version)
{
	reset();
	put_hex(&units[0], "c0");
	put_hex(&units[0], version);
	put_hex(&units[0], "08 0102030405060708 04 a1a2a3a4");
	while (units[0].n < DATAGRAM)
		put_number(&units[0], 0x5a, 1);
}

static void
test_other_versions(void **state)
{
	struct app app;

	(void)state;
	other_version("ff00001d");
	assert_int_equal(quic_of(1, &app), PROBE_DONE);
	assert_int_equal(app.quic_version, 0xff00001d);
	assert_false(app.has_name);
	other_version("51303530"); /* Q050 */
	assert_int_equal(quic_of(1, &app), PROBE_DONE);
	units[0].n = DATAGRAM - 1;
	assert_int_equal(quic_of(1, &app), PROBE_NO);

	other_version("1a2a3a4a"); /* a version of nobody: only the server's answer proves it */
	assert_int_equal(quic_of(1, &app), PROBE_MORE);
	put_hex(&reply, "d5 00000000 04 a1a2a3a4 08 0102030405060708 00000001 6b3343cf");
	assert_int_equal(quic_of(1, &app), PROBE_DONE);
	assert_int_equal(app.quic_version, 0x1a2a3a4a);
	reply.n--;
	assert_int_equal(quic_of(1, &app), PROBE_NO);
	reply.n = 0;
	put_hex(&reply, "d5 00000000 04 a1a2a3a5 08 0102030405060708 00000001");
	assert_int_equal(quic_of(1, &app), PROBE_NO);
	other_version("00000000");
	assert_int_equal(quic_of(1, &app), PROBE_NO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published), cmocka_unit_test(test_every_bit), cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_frames),	  cmocka_unit_test(test_datagrams), cmocka_unit_test(test_retry),
		cmocka_unit_test(test_hellos),	  cmocka_unit_test(test_other_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
