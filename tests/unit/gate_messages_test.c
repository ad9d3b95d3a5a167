/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to and from the kernel: verdict messages, conntrack entries (also cut short), the checker's text,
 * the service manager's lines.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <cmocka.h>

#include "../../daemon/gate/neighbours.h"
#include "../../daemon/gate/netlink.h"
#include "../../daemon/gate/planner.h"
#include "../../daemon/gate/queue.h"
#include "../../daemon/gate/walk.h"
#include "channel.h"
#include "notify.h"
#include "policy.h"

static uint32_t
be32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return ntohl(v);
}

static const struct {
	uint8_t decision;
	uint32_t old, wanted;
} verdicts[] = {
	{DECISION_PENDING, 0x8103abcd, 0x8000abcd}, /* the hint goes, the bits of others stay */
	{DECISION_ALLOW, 0x8103abcd, 0x8109abcd},   {DECISION_BLOCK, 0xfc00ffff, 0xf209ffff},
	{DECISION_REJECT, 0, 0x03090000},	    {VERDICT_DROP_ONCE, 0, 0x02ff0000},
	{VERDICT_WATCH, 0x0f000000, 0x00090000},    {VERDICT_REJECT_ONCE, 0, 0x03ff0000},
	{VERDICT_OPEN, 0, 0x04090000},		    {VERDICT_CONFIRM, 0, 0x06090000},
	{VERDICT_ALLOW_KIND, 0, 0x09090000},	    {VERDICT_CONFIRM_KIND, 0, 0x0e090000},
};

static void
verdict_messages(void **state)
{
	_Alignas(8) char out[64];
	(void)state;
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		struct channel_verdict v = {.id = 0xdeadbeef,
					    .mark = verdicts[i].old,
					    .queue = 2050,
					    .decision = verdicts[i].decision};
		memset(out, 0x5a, sizeof out);
		assert_ptr_equal(queue_verdict(out, &v, 16, 9), out + QUEUE_VERDICT_BYTES);
		const struct nlmsghdr *m = (const void *)out;
		assert_int_equal(m->nlmsg_type, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT);
		assert_int_equal(m->nlmsg_flags,
				 NLM_F_REQUEST); /* no acknowledgement: the engine reads this socket */
		assert_int_equal(out[18] << 8 | (uint8_t)out[19], 2050);
		assert_int_equal(be32(out + 24), 1); /* NF_ACCEPT, always */
		assert_int_equal(be32(out + 28), 0xdeadbeef);
		assert_int_equal(be32(out + 36), verdicts[i].wanted);
		assert_int_equal(out[QUEUE_VERDICT_BYTES], 0x5a);
	}
}

static void
put_tuple(struct nlmsghdr *m, uint16_t type, const char *src, const char *dst, uint8_t proto, uint16_t sport,
	  uint16_t dport)
{
	struct in_addr a;
	struct nlattr *t = mnl_attr_nest_start(m, type), *ip = mnl_attr_nest_start(m, CTA_TUPLE_IP);
	inet_pton(AF_INET, src, &a);
	mnl_attr_put(m, CTA_IP_V4_SRC, 4, &a);
	inet_pton(AF_INET, dst, &a);
	mnl_attr_put(m, CTA_IP_V4_DST, 4, &a);
	mnl_attr_nest_end(m, ip);
	struct nlattr *p = mnl_attr_nest_start(m, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(m, CTA_PROTO_NUM, proto);
	mnl_attr_put_u16(m, CTA_PROTO_SRC_PORT, htons(sport));
	mnl_attr_put_u16(m, CTA_PROTO_DST_PORT, htons(dport));
	mnl_attr_nest_end(m, p);
	mnl_attr_nest_end(m, t);
}

/* A masqueraded TCP connection that was also redirected to another port. */
static struct nlmsghdr *
entry(char *buf)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	m->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(m, sizeof *g);
	g->nfgen_family = AF_INET;
	put_tuple(m, CTA_TUPLE_ORIG, "10.20.0.11", "198.51.100.9", 6, 40000, 443);
	put_tuple(m, CTA_TUPLE_REPLY, "203.0.113.7", "192.0.2.1", 6, 8443, 61000);
	mnl_attr_put_u32(m, CTA_STATUS, htonl(2));
	mnl_attr_put_u32(m, CTA_MARK, htonl(0x01050007));
	struct nlattr *info = mnl_attr_nest_start(m, CTA_PROTOINFO),
		      *tcp = mnl_attr_nest_start(m, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(m, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_TIME_WAIT);
	mnl_attr_nest_end(m, tcp);
	mnl_attr_nest_end(m, info);
	struct nlattr *c = mnl_attr_nest_start(m, CTA_COUNTERS_ORIG);
	mnl_attr_put_u64(m, CTA_COUNTERS_PACKETS, htobe64(7));
	mnl_attr_put_u64(m, CTA_COUNTERS_BYTES, htobe64(9000000000));
	mnl_attr_nest_end(m, c);
	return m;
}

static void
conntrack_as_the_forward_hook_sees_it(void **state)
{
	_Alignas(8) char buf[2048];
	struct walk_entry e;
	struct channel_flow_news n;
	char text[ADDR_TEXT];
	(void)state;
	assert_true(walk_read(entry(buf), &e));
	assert_true(walk_news(&e, &n));
	assert_string_equal(addr_print(&n.tuple.src, text), "10.20.0.11");
	assert_string_equal(addr_print(&n.tuple.dst, text), "203.0.113.7");
	assert_int_equal(n.tuple.sport, 40000);
	assert_int_equal(n.tuple.dport, 8443);
	assert_int_equal(n.tuple.proto, 6);
	assert_int_equal(n.mark, 0x01050007);
	assert_int_equal(n.flags, NEWS_CLOSED | NEWS_REPLIED);
	assert_int_equal(n.orig_packets, 7);
	assert_int_equal(n.orig_bytes, 9000000000);
	assert_int_equal(n.reply_packets, 0);
}

/* Whatever the length says, nothing behind the message is read; the sanitizers watch. */
static void
conntrack_cut_short(void **state)
{
	_Alignas(8) char buf[2048];
	unsigned complete = 0;
	(void)state;
	uint32_t len = entry(buf)->nlmsg_len;
	for (uint32_t n = 0; n <= len; n++) {
		char *copy = malloc(n + sizeof(struct nlmsghdr));
		struct walk_entry e;
		struct channel_flow_news news;
		assert_non_null(copy);
		memcpy(copy, buf, n < sizeof(struct nlmsghdr) ? sizeof(struct nlmsghdr) : n);
		struct nlmsghdr *m = (void *)copy;
		m->nlmsg_len = n < sizeof *m ? sizeof *m : n;
		complete += walk_read(m, &e) && walk_news(&e, &news);
		free(copy);
	}
	assert_in_range(complete, 1, len / 2); /* once both tuples are there */
}

static int
count_message(const struct nlmsghdr *m, void *arg)
{
	(void)m;
	++*(unsigned *)arg;
	return MNL_CB_OK;
}

/* libmnl's own check takes such a length for a negative one and reads before the datagram next. */
static void
no_message_of_two_gigabytes(void **state)
{
	_Alignas(8) char buf[4096];
	unsigned seen = 0;
	(void)state;
	uint32_t len = entry(buf)->nlmsg_len;
	netlink_each(buf, len, count_message, &seen);
	assert_int_equal(seen, 1);
	struct nlmsghdr *second = (void *)(buf + len);
	memcpy(second, buf, len);
	second->nlmsg_len = 0x80000010;
	netlink_each(buf, 2 * len, count_message, &seen);
	assert_int_equal(seen, 2);
	netlink_each(second, len, count_message, &seen);
	assert_int_equal(seen, 2);
}

/* What the kernel answers with becomes errno, whatever number it is. */
static void
errors_of_the_kernel(void **state)
{
	static const struct {
		int error, wanted;
	} rows[] = {{-ENOENT, ENOENT}, {-4095, 4095}, {-4096, EBADMSG}, {INT_MIN, EBADMSG}, {1, EBADMSG}};
	static struct netlink n;
	int pair[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	n.socket = mnl_socket_fdopen(pair[0]);
	assert_non_null(n.socket);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct {
			struct nlmsghdr h;
			struct nlmsgerr e;
		} m = {.h = {.nlmsg_len = sizeof m, .nlmsg_type = NLMSG_ERROR}, .e = {.error = rows[i].error}};
		assert_int_equal(send(pair[1], &m, sizeof m, 0), sizeof m);
		assert_int_equal(netlink_step(&n, 1, NULL, NULL), NETLINK_FAILED);
		assert_int_equal(errno, rows[i].wanted);
	}
	mnl_socket_close(n.socket);
	close(pair[1]);
}

static void
first_error(void **state)
{
	char out[40];
	(void)state;
	planner_first_error("a.yaml:1:1: warning: so [W1]\na.yaml:2:1: error: unknown [E2]\nmore\n", out,
			    sizeof out);
	assert_string_equal(out, "a.yaml:2:1: error: unknown [E2]");
	planner_first_error("no such file\nx", out, sizeof out);
	assert_string_equal(out, "no such file");
	planner_first_error("", out, sizeof out);
	assert_string_equal(out, "");
	planner_first_error("0123456789012345678901234567890123456789012345", out, sizeof out);
	assert_int_equal(strlen(out), sizeof out - 1);
}

static void
service_manager(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char got[64], name[64];
	uint64_t watchdog;
	(void)state;
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	snprintf(name, sizeof name, "@lenscap-test-%d", getpid());
	memcpy(a.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(
		bind(s, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "15000000", 1);
	int fd = notify_open(&watchdog);
	assert_true(fd >= 0);
	assert_int_equal(watchdog, 15000000);
	assert_null(getenv("NOTIFY_SOCKET")); /* no child may use it */
	notify_send(fd, "READY=%d", 1);
	ssize_t n = recv(s, got, sizeof got - 1, 0);
	assert_int_equal(n, 7);
	assert_memory_equal(got, "READY=1", 7);
	close(fd);
	close(s);

	assert_int_equal(notify_open(&watchdog), -1);
	assert_int_equal(watchdog, 0);
	notify_send(-1, "READY=1");
	setenv("NOTIFY_SOCKET", "relative/path", 1);
	assert_int_equal(notify_open(&watchdog), -1);
}

static const uint8_t a_mac[8] = {2, 0, 0, 0, 0, 1, 0, 0};
static const uint8_t v4[4] = {10, 20, 0, 11}, v6[16] = {0xfd, 0x20, [15] = 0x11}, local[16] = {0xfe, 0xbf, [15] = 1};

static const struct {
	const char *why;
	uint16_t type;
	uint8_t family;
	uint16_t state;
	const uint8_t *address;
	size_t address_len, mac_len;
	bool wanted;
} neighbours[] = {
	{"IPv4", RTM_NEWNEIGH, AF_INET, NUD_REACHABLE, v4, 4, 6, true},
	{"IPv6", RTM_NEWNEIGH, AF_INET6, NUD_STALE, v6, 16, 6, true},
	{"gone", RTM_DELNEIGH, AF_INET, NUD_STALE, v4, 4, 6, false},
	{"asked for", RTM_NEWNEIGH, AF_INET, NUD_INCOMPLETE, v4, 4, 0, false},
	{"failed", RTM_NEWNEIGH, AF_INET, NUD_FAILED, v4, 4, 6, false},
	{"multicast", RTM_NEWNEIGH, AF_INET, NUD_NOARP, v4, 4, 6, false},
	{"link-local", RTM_NEWNEIGH, AF_INET6, NUD_REACHABLE, local, 16, 6, false},
	{"of a bridge", RTM_NEWNEIGH, AF_BRIDGE, NUD_PERMANENT, v4, 4, 6, false},
	{"short address", RTM_NEWNEIGH, AF_INET6, NUD_REACHABLE, v6, 4, 6, false},
	{"long MAC", RTM_NEWNEIGH, AF_INET, NUD_REACHABLE, v4, 4, 8, false},
	{"no MAC", RTM_NEWNEIGH, AF_INET, NUD_REACHABLE, v4, 4, 0, false},
	{"no address", RTM_NEWNEIGH, AF_INET, NUD_REACHABLE, v4, 0, 6, false},
};

static struct nlmsghdr *
neighbour(char *buf, size_t i)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	m->nlmsg_type = neighbours[i].type;
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(m, sizeof *nd);
	*nd = (struct ndmsg){
		.ndm_family = neighbours[i].family, .ndm_ifindex = 7, .ndm_state = neighbours[i].state};
	if (neighbours[i].address_len)
		mnl_attr_put(m, NDA_DST, neighbours[i].address_len, neighbours[i].address);
	if (neighbours[i].mac_len)
		mnl_attr_put(m, NDA_LLADDR, neighbours[i].mac_len, a_mac);
	return m;
}

static void
neighbours_with_a_mac(void **state)
{
	_Alignas(8) char buf[256];
	struct channel_neighbour row;
	char text[ADDR_TEXT], mac[MAC_TEXT];
	(void)state;

	for (size_t i = 0; i < sizeof neighbours / sizeof *neighbours; i++) {
		struct nlmsghdr *m = neighbour(buf, i);
		if (neighbours_row(m, &row) != neighbours[i].wanted)
			fail_msg("%s", neighbours[i].why);
	}
	assert_true(neighbours_row(neighbour(buf, 0), &row));
	assert_string_equal(addr_print(&row.addr, text), "10.20.0.11");
	assert_string_equal(mac_print(&row.mac, mac), "02:00:00:00:00:01");
	assert_int_equal(row.ifindex, 7);
	/* cut short (at words, as the kernel's messages are), it is read within its bounds, and is none */
	uint32_t whole = neighbour(buf, 0)->nlmsg_len;
	for (uint32_t len = NLMSG_HDRLEN; len < whole; len += NLMSG_ALIGNTO) {
		struct nlmsghdr *copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, buf, len);
		copy->nlmsg_len = len;
		assert_false(neighbours_row(copy, &row));
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdict_messages),
		cmocka_unit_test(conntrack_as_the_forward_hook_sees_it),
		cmocka_unit_test(conntrack_cut_short),
		cmocka_unit_test(neighbours_with_a_mac),
		cmocka_unit_test(no_message_of_two_gigabytes),
		cmocka_unit_test(errors_of_the_kernel),
		cmocka_unit_test(first_error),
		cmocka_unit_test(service_manager),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
