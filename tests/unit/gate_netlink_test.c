/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's netlink socket: the real kernel's answers, and datagrams that no kernel would send. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "../../daemon/gate/links.h"
#include "../../daemon/gate/netlink.h"
#include "plan.h"

static int
count(const struct nlmsghdr *m, void *arg)
{
	(void)m;
	++*(unsigned *)arg;
	return MNL_CB_OK;
}

/* ---- the kernel's own words ---- */

static struct nlmsghdr *
request(struct netlink *n, unsigned type, unsigned flags)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(n->out);

	m->nlmsg_type = (uint16_t)type;
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof *info);
	info->ifi_family = AF_UNSPEC;
	return m;
}

static void
asked_of_the_kernel(void **state)
{
	struct netlink *n = netlink_open(NETLINK_ROUTE, 0);
	unsigned links = 0;
	(void)state;

	assert_non_null(n);
	assert_int_equal(netlink_dump(n, request(n, RTM_GETLINK, NLM_F_DUMP), count, &links), 0);
	assert_true(links >= 1); /* every network has its loopback */

	struct nlmsghdr *m = request(n, RTM_GETLINK, 0);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(m))->ifi_index = 0x7ffffff0;
	errno = 0;
	assert_int_equal(netlink_dump(n, m, count, &links), -1);
	assert_int_equal(errno, ENODEV);

	errno = 0;
	assert_int_equal(netlink_talk(n, request(n, RTM_MAX + 16, 0)), -1);
	assert_true(errno == EOPNOTSUPP || errno == EPERM);
	netlink_close(n);
}

static void
the_loopback_is_a_link(void **state)
{
	static struct channel_link links[CHANNEL_LINKS];
	static struct plan plan;
	struct links *l = links_open();
	(void)state;

	assert_non_null(l);
	strcpy(plan.interfaces[0], "lo");
	plan.n_interfaces = 1;
	size_t n = links_read(l, &plan, links);
	assert_true(n >= 1);
	assert_string_equal(links[0].name, "lo"); /* the guarded ones come first */
	assert_int_equal(links[0].index, 1);
	assert_false(links_changed(l));
	links_close(l);
	links_close(NULL);
}

/* ---- words that make no sense ---- */

/* Our socket's other end is in our hand. */
static struct netlink *
open_pair(int *ret_far)
{
	struct netlink *n = calloc(1, sizeof *n);
	int pair[2];

	assert_non_null(n);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	n->socket = mnl_socket_fdopen(pair[0]);
	assert_non_null(n->socket);
	n->seq = 7;
	*ret_far = pair[1];
	return n;
}

struct answer {
	struct nlmsghdr head;
	int32_t code;
	struct nlmsghdr of;
};

static struct answer
answer_of(uint16_t type, uint32_t seq, int32_t code)
{
	return (struct answer){.head = {.nlmsg_len = sizeof(struct answer), .nlmsg_type = type, .nlmsg_seq = seq}, .code = code};
}

static void
numbers_of_errors(void **state)
{
	static const struct {
		int32_t code;
		int error;
	} rows[] = {{-ENOBUFS, ENOBUFS}, {-4095, 4095}, {-4096, EBADMSG}, {1, EBADMSG}, {INT32_MIN, EBADMSG}, {INT32_MAX, EBADMSG}};
	int far;
	struct netlink *n = open_pair(&far);
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct answer a = answer_of(NLMSG_ERROR, 7, rows[i].code);
		assert_int_equal(send(far, &a, sizeof a, 0), sizeof a);
		errno = 0;
		assert_int_equal(netlink_step(n, 4, count, NULL), NETLINK_FAILED);
		assert_int_equal(errno, rows[i].error);
	}
	const struct answer good = answer_of(NLMSG_ERROR, 7, 0);
	assert_int_equal(send(far, &good, sizeof good, 0), sizeof good);
	assert_int_equal(netlink_step(n, 4, count, NULL), NETLINK_DONE);
	/* Cut off before its number: it acknowledges, and tells of no failure. */
	struct answer cut = answer_of(NLMSG_ERROR, 7, -EPERM);
	cut.head.nlmsg_len = sizeof cut.head;
	assert_int_equal(send(far, &cut, sizeof cut.head, 0), sizeof cut.head);
	assert_int_equal(netlink_step(n, 4, count, NULL), NETLINK_DONE);
	netlink_close(n);
	close(far);
}

/* Answers to what was given up, a dump that the world changed under, and nothing at all. */
static void
late_and_interrupted(void **state)
{
	int far;
	struct netlink *n = open_pair(&far);
	unsigned rows = 0;
	(void)state;

	assert_int_equal(netlink_step(n, 4, count, &rows), NETLINK_MORE);
	struct answer a[3] = {answer_of(NLMSG_ERROR, 6, -EPERM), answer_of(NLMSG_MIN_TYPE, 7, 0), answer_of(NLMSG_DONE, 7, 0)};
	assert_int_equal(send(far, a, sizeof a, 0), sizeof a);
	assert_int_equal(netlink_step(n, 4, count, &rows), NETLINK_DONE);
	assert_int_equal(rows, 1);
	a[1].head.nlmsg_flags = NLM_F_DUMP_INTR;
	assert_int_equal(send(far, a, sizeof a, 0), sizeof a);
	assert_int_equal(netlink_step(n, 4, count, &rows), NETLINK_FAILED);
	assert_int_equal(errno, EINTR);
	n->interrupted = false;
	/* A second datagram waits where one was asked for. */
	assert_int_equal(send(far, &a[1], sizeof a[1], 0), sizeof a[1]);
	assert_int_equal(send(far, &a[2], sizeof a[2], 0), sizeof a[2]);
	assert_int_equal(netlink_step(n, 1, NULL, NULL), NETLINK_MORE);
	netlink_close(n);
	close(far);
}

/* Lengths of all kinds, from memory of that size exactly: what is read lies inside. */
static void
lengths(void **state)
{
	static const uint32_t said[] = {0, 1, 15, 16, 17, 20, 36, 37, 4096, 0x7fffffff, 0x80000000, 0xffffffff};
	(void)state;

	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		for (size_t len = 0; len <= 2 * sizeof(struct answer); len++) {
			uint8_t *bytes = calloc(1, len ? len : 1);
			const struct nlmsghdr head = {.nlmsg_len = said[i], .nlmsg_type = NLMSG_MIN_TYPE};
			unsigned rows = 0;
			memcpy(bytes, &head, len < sizeof head ? len : sizeof head);
			netlink_each(bytes, len, count, &rows);
			assert_int_equal(rows, said[i] >= sizeof head && said[i] <= len && len >= sizeof head);
			free(bytes);
		}
	netlink_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_of_the_kernel), cmocka_unit_test(the_loopback_is_a_link), cmocka_unit_test(numbers_of_errors),
		cmocka_unit_test(late_and_interrupted), cmocka_unit_test(lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
