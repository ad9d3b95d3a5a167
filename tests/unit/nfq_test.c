/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queue messages as the kernel writes them, and as it never would. */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nfq.h"

static uint8_t buf[1024];
static size_t len;

static void
attr(uint16_t type, const void *data, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof a + n), .nla_type = type};
	memcpy(buf + len, &a, sizeof a);
	memcpy(buf + len + sizeof a, data, n);
	len += (sizeof a + n + 3) & ~3u;
}

static void
begin(void)
{
	memset(buf, 0, sizeof buf);
	len = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);
	buf[sizeof(struct nlmsghdr) + 2] = 0x08; /* queue 2050, big endian */
	buf[sizeof(struct nlmsghdr) + 3] = 0x02;
}

static void
finish(uint16_t type)
{
	struct nlmsghdr h = {.nlmsg_len = (uint32_t)len, .nlmsg_type = type};
	memcpy(buf, &h, sizeof h);
}

static enum nfq_kind
next(size_t n, struct queued *q, int *error)
{
	uint8_t *exact = malloc(n ? n : 1);
	memcpy(exact, buf, n);
	struct cursor c = cursor_of(exact, n);
	enum nfq_kind k = nfq_next(&c, q, error);
	free(exact);
	return k;
}

enum { PACKET = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET };

static void
make_packet(void)
{
	begin();
	attr(NFQA_PACKET_HDR, "\0\0\1\2\x08\0\3", 7);
	attr(NFQA_MARK, "\x01\x02\x03\x04", 4);
	attr(NFQA_IFINDEX_INDEV, "\0\0\0\7", 4);
	attr(NFQA_HWADDR, "\0\6\0\0\x44\x19\xb6\0\0\x21\0\0", 12);
	attr(NFQA_TIMESTAMP, "\0\0\0\0\x65\0\0\0\0\0\0\0\0\0\0\5", 16);
	attr(NFQA_CAP_LEN, "\0\0\5\xdc", 4);
	attr(NFQA_PAYLOAD, "\x45zzzz", 5);
	finish(PACKET);
}

static void
reads_a_packet(void **state)
{
	struct queued q;
	int error = 0;
	(void)state;

	make_packet();
	struct cursor c = cursor_of(buf, len);
	assert_int_equal(nfq_next(&c, &q, &error), NFQ_PACKET);
	assert_int_equal(q.id, 0x102);
	assert_int_equal(q.queue, 2050);
	assert_int_equal(q.mark, 0x01020304);
	assert_int_equal(q.in, 7);
	assert_int_equal(q.out, 0);
	assert_true(q.has_mac);
	assert_int_equal(q.mac.b[5], 0x21);
	assert_int_equal(q.wire_len, 1500);
	assert_int_equal(q.ip.len, 5);
	assert_int_equal(q.stamp_us, 0x65000000ll * 1000000 + 5);
	assert_int_equal(nfq_next(&c, &q, &error), NFQ_END);
}

/* Across a bridge: its ports beside its own index, and the VLAN's number behind the sign that our rules put before it. */
static void
reads_ports_and_vlan(void **state)
{
	static const struct {
		const char *priority;
		unsigned vlan;
	} rows[] = {{"\x4c\x43\x10\x1e", 30}, {"\x4c\x43\x2f\xfe", 4094}, {"\x4c\x43\x10\0", 0},
		    {"\0\0\0\x1e", 0},	       {"\x4c\x44\x10\x1e", 0}, {"\xff\xff\xff\xff", 0}};
	struct queued q;
	int error = 0;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		make_packet();
		attr(NFQA_IFINDEX_OUTDEV, "\0\0\0\7", 4);
		attr(NFQA_IFINDEX_PHYSINDEV, "\0\0\0\3", 4);
		attr(NFQA_IFINDEX_PHYSOUTDEV, "\0\0\1\4", 4);
		attr(NFQA_PRIORITY, rows[i].priority, 4);
		finish(PACKET);
		assert_int_equal(next(len, &q, &error), NFQ_PACKET);
		assert_int_equal(q.out, 7);
		assert_int_equal(q.in_port, 3);
		assert_int_equal(q.out_port, 260);
		assert_int_equal(q.vlan, rows[i].vlan);
	}
	make_packet();
	assert_int_equal(next(len, &q, &error), NFQ_PACKET);
	assert_int_equal(q.in_port + q.out_port + q.vlan, 0);
}

static void
reads_errors(void **state)
{
	struct queued q;
	int error = 0, e = -2;
	(void)state;

	begin();
	len = sizeof(struct nlmsghdr);
	memcpy(buf + len, &e, sizeof e);
	uint16_t about = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT;
	memcpy(buf + len + 8, &about, sizeof about);
	len += 20;
	finish(NLMSG_ERROR);
	assert_int_equal(next(len, &q, &error), NFQ_STALE);
	about++; /* a batch answered by the gate itself is no judgement of ours */
	memcpy(buf + sizeof(struct nlmsghdr) + 8, &about, sizeof about);
	assert_int_equal(next(len, &q, &error), NFQ_ERROR);
	assert_int_equal(error, 2);
	e = -1;
	memcpy(buf + sizeof(struct nlmsghdr), &e, sizeof e);
	assert_int_equal(next(len, &q, &error), NFQ_ERROR);
	assert_int_equal(error, 1);
}

static void
refuses_what_lies(void **state)
{
	struct queued q;
	int error = 0;
	(void)state;

	make_packet();
	for (size_t n = sizeof(struct nlmsghdr); n < len; n++)
		assert_int_equal(next(n, &q, &error), NFQ_BAD);
	for (size_t n = 0; n < sizeof(struct nlmsghdr); n++)
		assert_int_equal(next(n, &q, &error), NFQ_END);
	finish(PACKET + 1);
	assert_int_equal(next(len, &q, &error), NFQ_BAD);
	begin(); /* no header: no id to answer */
	attr(NFQA_PAYLOAD, "\x45", 1);
	finish(PACKET);
	assert_int_equal(next(len, &q, &error), NFQ_BAD);
	make_packet(); /* an attribute of length 1 would never end */
	buf[sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg)] = 1;
	assert_int_equal(next(len, &q, &error), NFQ_BAD);
	/* every byte of the message, every value: it ends, and reads nothing outside */
	for (size_t at = 0; at < len; at++)
		for (unsigned v = 0; v < 256; v++) {
			make_packet();
			buf[at] = (uint8_t)v;
			next(len, &q, &error);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_packet),
		cmocka_unit_test(reads_ports_and_vlan),
		cmocka_unit_test(reads_errors),
		cmocka_unit_test(refuses_what_lies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
