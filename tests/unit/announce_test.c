/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the kernel's packet log: read, cut short at every byte, and with lengths that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#include <cmocka.h>

#include "announce.h"

static const uint8_t mac_attribute[12] = {0, 6, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0};
static const uint8_t packet[] = {0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 20, 0, 11, 239, 255, 255, 250,
				 0x90, 0x9c, 0x90, 0x9c, 0, 12, 0, 0, 'a', 'b', 'c', 'd'};

static size_t
put(uint8_t *out, size_t at, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type};

	memcpy(out + at, &a, sizeof a);
	memcpy(out + at + NLA_HDRLEN, data, len);
	return at + NLA_ALIGN(NLA_HDRLEN + len);
}

/* One message; its length. */
static size_t
message(uint8_t *out, uint32_t seq)
{
	struct nlmsghdr h = {.nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET};
	uint32_t in = htonl(3), number = htonl(seq);
	size_t at = sizeof h + sizeof(struct nfgenmsg);

	memset(out, 0, 512);
	at = put(out, at, NFULA_IFINDEX_INDEV, &in, 4);
	at = put(out, at, NFULA_HWADDR, mac_attribute, sizeof mac_attribute);
	at = put(out, at, NFULA_PREFIX, "", 1);
	at = put(out, at, NFULA_PAYLOAD, packet, sizeof packet);
	at = put(out, at, NFULA_SEQ, &number, 4);
	h.nlmsg_len = (uint32_t)at;
	memcpy(out, &h, sizeof h);
	return at;
}

static void
several_in_one_datagram(void **state)
{
	uint8_t buf[2048];
	struct announced a;
	struct nlmsghdr done = {.nlmsg_len = sizeof done, .nlmsg_type = NLMSG_DONE};
	size_t len = message(buf, 7);
	(void)state;
	len += message(buf + len, 8);
	memcpy(buf + len, &done, sizeof done);
	struct cursor c = cursor_of(buf, len + sizeof done);
	for (uint32_t seq = 7; seq <= 8; seq++) {
		assert_int_equal(announce_next(&c, &a), ANNOUNCE_PACKET);
		assert_int_equal(a.in, 3);
		assert_true(a.has_mac && a.has_seq);
		assert_int_equal(a.mac.b[5], 9);
		assert_int_equal(a.seq, seq);
		assert_int_equal(a.ip.len, sizeof packet);
		assert_int_equal(a.wire_len, sizeof packet);
	}
	assert_int_equal(announce_next(&c, &a), ANNOUNCE_NONE);
	assert_int_equal(announce_next(&c, &a), ANNOUNCE_END);
}

/* The copy was cut: how long the packet was stands in its own header, and no less than what is there. */
static void
length_of_what_was_cut(void **state)
{
	uint8_t buf[512];
	struct announced a;
	size_t len = message(buf, 1);
	(void)state;
	uint8_t *ip = memmem(buf, len, packet, 4);
	assert_non_null(ip);
	ip[2] = 0x10;
	struct cursor c = cursor_of(buf, len);
	assert_int_equal(announce_next(&c, &a), ANNOUNCE_PACKET);
	assert_int_equal(a.wire_len, 0x1000 + 32);
	ip[2] = 0;
	ip[3] = 1;
	c = cursor_of(buf, len);
	assert_int_equal(announce_next(&c, &a), ANNOUNCE_PACKET);
	assert_int_equal(a.wire_len, sizeof packet);
}

/* The sanitizers watch that nothing behind the bytes is read. */
static void
cut_at_every_byte(void **state)
{
	uint8_t whole[512];
	size_t len = message(whole, 7);
	struct announced a;
	unsigned packets = 0;
	(void)state;
	for (size_t n = 0; n < len; n++)
		for (unsigned honest = 0; honest < 2; honest++) {
			uint8_t *copy = malloc(n ? n : 1);
			uint32_t said = (uint32_t)n;
			assert_non_null(copy);
			memcpy(copy, whole, n);
			if (honest && n >= sizeof said)
				memcpy(copy, &said, sizeof said);
			struct cursor c = cursor_of(copy, n);
			enum announce_kind kind;
			unsigned steps = 0;
			while ((kind = announce_next(&c, &a)) != ANNOUNCE_END) {
				packets += kind == ANNOUNCE_PACKET;
				assert_true(++steps < 10);
			}
			free(copy);
		}
	assert_in_range(packets, 1, 12); /* once the payload is there, and only where the length is honest */
}

static const struct {
	size_t at;
	uint8_t value;
} lies[] = {{0, 5}, {0, 255}, {3, 255}, {20, 0}, {20, 3}, {20, 255}, {4, 9}};

static void
lengths_that_lie(void **state)
{
	uint8_t buf[512];
	struct announced a;
	(void)state;
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		size_t len = message(buf, 7);
		buf[lies[i].at] = lies[i].value;
		if (lies[i].at == 0)
			buf[1] = 0;
		struct cursor c = cursor_of(buf, len);
		assert_int_equal(announce_next(&c, &a), ANNOUNCE_BAD);
		for (unsigned steps = 0; announce_next(&c, &a) != ANNOUNCE_END; steps++)
			assert_true(steps < 100);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_in_one_datagram),
		cmocka_unit_test(length_of_what_was_cut),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(lengths_that_lie),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
