/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, cursor, SipHash, bundle, channel. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "bundle.h"
#include "channel.h"
#include "cursor.h"
#include "hash.h"
#include "mark.h"

static void
addresses(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"10.0.0.1", "10.0.0.1"},	 {"0.0.0.0", "0.0.0.0"},       {"2001:DB8::1", "2001:db8::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"}, {"::", "::"},		       {"10.0.0.01", NULL},
		{"10.0.0", NULL},		 {"256.0.0.1", NULL},	       {"2001:db8:::1", NULL},
		{"10.0.0.1 ", NULL},		 {"", NULL},		       {"fe80::1%eth0", NULL},
	};
	char text[ADDR_TEXT];
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct addr a;
		assert_int_equal(addr_parse(rows[i].in, &a), rows[i].out != NULL);
		if (rows[i].out)
			assert_string_equal(addr_print(&a, text), rows[i].out);
	}
	for (unsigned v = 0; v < 256; v++) { /* each octet in each place */
		const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v + 64), (uint8_t)(v + 128), (uint8_t)(v + 192)};
		struct addr a;
		char wanted[ADDR_TEXT];
		addr_from_v4(&a, bytes);
		snprintf(wanted, sizeof wanted, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
		assert_string_equal(addr_print(&a, text), wanted);
	}
}

static void
prefixes(void **state)
{
	static const struct {
		const char *in;
		int result;
		const char *out;
	} rows[] = {
		{"10.0.0.0/8", 0, "10.0.0.0/8"},      {"10.0.0.1/8", 1, "10.0.0.0/8"}, {"10.0.0.1", 0, "10.0.0.1/32"},
		{"2001:db8::/32", 0, "2001:db8::/32"}, {"2001:db8::1/32", 1, "2001:db8::/32"},
		{"0.0.0.0/0", 0, "0.0.0.0/0"},	      {"::/0", 0, "::/0"},		{"10.0.0.0/33", -1, NULL},
		{"10.0.0.0/08", -1, NULL},	      {"10.0.0.0/", -1, NULL},		{"10.0.0.0/+8", -1, NULL},
		{"::1/129", -1, NULL},		      {"10.0.0.0/8x", -1, NULL},
	};
	char text[PREFIX_TEXT];
	struct prefix p;
	struct addr a;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(prefix_parse(rows[i].in, &p), rows[i].result);
		if (rows[i].out)
			assert_string_equal(prefix_print(&p, text), rows[i].out);
	}
	prefix_parse("10.20.0.0/15", &p);
	assert_true(addr_parse("10.21.255.255", &a) && prefix_covers(&p, &a));
	assert_true(addr_parse("10.22.0.0", &a) && !prefix_covers(&p, &a));
	prefix_parse("0.0.0.0/0", &p);
	assert_true(addr_parse("203.0.113.1", &a) && prefix_covers(&p, &a));
	assert_true(addr_parse("2001:db8::1", &a) && !prefix_covers(&p, &a));
}

static void
macs_and_protocols(void **state)
{
	struct mac m;
	char text[MAC_TEXT];
	(void)state;

	assert_true(mac_parse("AC-CC-8e-00-00-01", &m));
	assert_string_equal(mac_print(&m, text), "ac:cc:8e:00:00:01");
	assert_false(mac_parse("ac:cc:8e:00:00", &m));
	assert_false(mac_parse("ac:cc-8e:00:00:01", &m));
	assert_false(mac_parse("ac:cc:8e:00:00:01:02", &m));
	assert_false(mac_parse("ac:cc:8e:00:00:0g", &m));
	assert_int_equal(proto_number("TCP"), 6);
	assert_int_equal(proto_number("47"), 47);
	assert_int_equal(proto_number("256"), -1);
	assert_int_equal(proto_number("047"), -1);
	assert_int_equal(proto_number("icmpv6"), 58);
	assert_true(proto_has_ports(132));
	assert_false(proto_has_ports(47));
	assert_null(proto_name(253));
}

static void
cursor_is_sticky(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5};
	struct cursor c = cursor_of(bytes, sizeof bytes), sub;
	uint8_t out[4];
	(void)state;

	assert_int_equal(cursor_u16(&c), 0x0102);
	assert_int_equal(cursor_peek(&c, 2), 5);
	assert_int_equal(cursor_peek(&c, 3), 0);
	assert_false(c.bad);
	assert_int_equal(cursor_u32(&c), 0);
	assert_true(c.bad);
	assert_int_equal(cursor_u8(&c), 0); /* one byte would be there, but the error stays */
	assert_int_equal(cursor_left(&c), 0);

	static const uint8_t two[] = {0, 0, 1, 2, 0xff, 0, 0, 3, 9};
	uint32_t numbers[3] = {7, 7, 7};
	c = cursor_of(two, sizeof two);
	assert_true(cursor_u32s(&c, numbers, 2));
	assert_true(numbers[0] == 0x102 && numbers[1] == 0xff000003 && numbers[2] == 7 && cursor_left(&c) == 1);
	assert_false(cursor_u32s(&c, numbers, 1));
	assert_true(c.bad && numbers[0] == 0x102);
	c = cursor_of(two, sizeof two);
	assert_false(cursor_u32s(&c, numbers, SIZE_MAX / 4 + 2));
	assert_true(c.bad);

	c = cursor_of(bytes, sizeof bytes);
	assert_int_equal(cursor_le16(&c), 0x0201);
	sub = cursor_take(&c, SIZE_MAX);
	assert_true(sub.bad && c.bad);
	c = cursor_of(bytes, sizeof bytes);
	sub = cursor_take(&c, 3);
	assert_int_equal(cursor_u24(&sub), 0x010203);
	assert_int_equal(cursor_left(&c), 2);
	cursor_copy(&c, out, 4);
	assert_memory_equal(out, "\0\0\0\0", 4);
}

static void
cursor_varints(void **state)
{
	/* RFC 9000, A.1. */
	static const uint8_t v[] = {0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c, 0x9d, 0x7f, 0x3e, 0x7d, 0x7b, 0xbd, 0x25};
	struct cursor c = cursor_of(v, sizeof v);
	(void)state;

	assert_int_equal(cursor_varint(&c), 151288809941952652ull);
	assert_int_equal(cursor_varint(&c), 494878333);
	assert_int_equal(cursor_varint(&c), 15293);
	assert_int_equal(cursor_left(&c), 1);
	assert_int_equal(cursor_u8(&c), 37);
	c = cursor_of(v, 7);
	cursor_varint(&c);
	assert_true(c.bad);
}

static void
cursor_text(void **state)
{
	const char text[] = "GET / HTTP/1.1\r\nHost: a\nrest";
	struct cursor c = cursor_of(text, sizeof text - 1);
	struct span line;
	char out[4];
	(void)state;

	assert_true(cursor_line(&c, 100, &line));
	assert_true(span_equals(line, "GET / HTTP/1.1"));
	assert_true(span_starts_nocase(line, "get "));
	assert_int_equal(span_find(line, "HTTP"), 6);
	assert_int_equal(span_find(line, "HTTP/2"), -1);
	assert_true(cursor_line(&c, 8, &line)); /* the line end is the 8th byte */
	assert_true(span_equals(line, "Host: a"));
	assert_false(cursor_line(&c, 100, &line));
	assert_int_equal(cursor_left(&c), 4);
	assert_int_equal(span_text(cursor_rest(&c), out, sizeof out), 3);
	assert_string_equal(out, "res");
	c = cursor_of(text, sizeof text - 1);
	assert_false(cursor_line(&c, 15, &line));
	assert_true(span_equals(span_trim((struct span){(const uint8_t *)" \tx y ", 6}), "x y"));
}

/* Aumasson and Bernstein's own vectors: key 00..0f, message 00..n-1. */
static void
siphash_vectors(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {{0, 0x726fdb47dd0e0e31u}, {1, 0x74f839c593dc67fdu}, {8, 0x93f5f5799a932462u}, {15, 0xa129ca6149be45e5u}};
	const struct hash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	uint8_t data[16];
	(void)state;

	for (uint8_t i = 0; i < 16; i++)
		data[i] = i;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(hash_bytes(&key, data, rows[i].len), rows[i].hash);
}

static void
marks(void **state)
{
	(void)state;
	assert_int_equal(mark_mask(16), 0x0fff0000);
	assert_int_equal(mark_of(16, 1, 1), 0x01010000);
	assert_int_equal(mark_of(20, 15, 255), 0xfff00000u);
	assert_int_equal(MARK_SHIFT_MAX, 20);
	assert_int_equal(mark_generation(16, 0xfdfe1234u), 0xfe);
	assert_int_equal(mark_decision(16, 0xfdfe1234u), 13);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
bundles(void **state)
{
	char dir[] = "/tmp/lenscap-bundle.XXXXXX", path[128], *failed = NULL;
	(void)state;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/lenscap.yaml", dir);
	assert_null(bundle_read(path, &failed));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(failed, path);
	free(failed);
	write_file(path, "main\n");
	snprintf(path, sizeof path, "%s/policy.d", dir);
	mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/policy.d/20-b.yaml", dir);
	write_file(path, "second");
	snprintf(path, sizeof path, "%s/policy.d/10-a.yaml", dir);
	write_file(path, "");
	snprintf(path, sizeof path, "%s/policy.d/note.txt", dir);
	write_file(path, "not ours");

	struct bundle *b = bundle_read(dir, &failed);
	assert_non_null(b);
	assert_int_equal(b->n, 3);
	assert_string_equal(b->files[0].text, "main\n");
	assert_string_equal(b->files[1].text, "");
	assert_string_equal(b->files[2].text, "second");

	int fd = memfd_create("bundle", 0);
	assert_int_equal(bundle_save(b, fd), 0);
	struct bundle *copy = bundle_load(fd);
	assert_non_null(copy);
	assert_string_equal(copy->id, b->id);
	assert_string_equal(copy->files[2].name, b->files[2].name);
	bundle_free(copy);

	/* Every truncation at both ends, and many between, is refused or still a bundle: never a crash. */
	enum { EACH_LENGTH = 2048 };
	off_t len = lseek(fd, 0, SEEK_END);
	size_t refused = 0;
	for (off_t i = len - 1; i >= 0; i -= i > 2 * EACH_LENGTH && len - i > EACH_LENGTH ? 97 : 1) {
		assert_int_equal(ftruncate(fd, i), 0);
		copy = bundle_load(fd);
		refused += copy == NULL;
		bundle_free(copy);
	}
	assert_true(refused > 20);
	close(fd);
	bundle_free(b);

	/* A FIFO must not hang the reader, nor a directory pass as a file. */
	snprintf(path, sizeof path, "%s/policy.d/30-fifo.yaml", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(bundle_read(dir, &failed));
	assert_string_equal(failed, path);
	free(failed);
	char command[160];
	snprintf(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

static void
channels(void **state)
{
	static _Alignas(8) uint8_t buf[CHANNEL_MAX];
	int pair[2], fds[CHANNEL_FDS];
	size_t n;
	struct channel_head head = {.type = CH_PING, .arg = 7};
	struct {
		struct channel_head head;
		struct channel_verdict v[2];
	} verdicts = {.head = {.type = CH_VERDICTS, .count = 2}};
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	int null = open("/dev/null", O_RDONLY);
	int two[] = {null, null};
	assert_int_equal(channel_send(pair[0], &head, sizeof head, two, 2), 0);
	assert_int_equal(channel_recv(pair[1], buf, fds, &n), sizeof head);
	assert_int_equal(n, 2);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	close(fds[0]);
	close(fds[1]);

	/* No bytes, and yet descriptors: who has been broken into could fill our table so. */
	int next = dup(null);
	close(next);
	assert_int_equal(channel_send(pair[0], buf, 0, two, 2), 0);
	assert_int_equal(channel_recv(pair[1], buf, fds, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(dup(null), next);
	close(next);
	close(null);

	assert_int_equal(send(pair[0], &head, 3, 0), 3);
	assert_int_equal(channel_recv(pair[1], buf, fds, &n), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(channel_recv(pair[1], buf, fds, &n), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(channel_send(pair[0], buf, CHANNEL_MAX + 1, NULL, 0), -1);
	assert_int_equal(errno, EMSGSIZE);

	size_t len = sizeof verdicts, one = sizeof verdicts.v[0];
	assert_true(channel_fits(&verdicts, len, sizeof head, one, 2));
	assert_false(channel_fits(&verdicts, len - 1, sizeof head, one, 2));
	assert_false(channel_fits(&verdicts, len, sizeof head, one, 1));
	verdicts.head.count = 65535;
	assert_false(channel_fits(&verdicts, len, sizeof head, one, 65535));
	assert_true(channel_fits(&head, sizeof head, sizeof head, 0, 0));
	close(pair[0]);
	assert_int_equal(channel_recv(pair[1], buf, fds, &n), 0);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),	   cmocka_unit_test(prefixes),	    cmocka_unit_test(macs_and_protocols),
		cmocka_unit_test(cursor_is_sticky), cmocka_unit_test(cursor_varints), cmocka_unit_test(cursor_text),
		cmocka_unit_test(siphash_vectors), cmocka_unit_test(marks),	    cmocka_unit_test(bundles),
		cmocka_unit_test(channels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
