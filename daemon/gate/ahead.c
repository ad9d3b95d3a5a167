/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ahead.h. A key is as the kernel makes it of a packet (ruleset_kinds.c), each part from a multiple of four bytes on:
 *
 *	| interface, host order | MAC | camera | remote | port |
 */
#include "ahead.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "channel.h"
#include "netlink.h"
#include "ruleset.h"

enum {
	DNS_PORT = 53, /* each question is judged */
	KEY_MAX = 48,
	ELEMENT = 80,  /* bytes of the longest one: three headers, the key, its time */
	SETS = 6,
	SET_HEAD = 64, /* a message's headers and names */
	OUT = 2 * SET_HEAD + SETS * SET_HEAD + CHANNEL_KINDS * ELEMENT,
};

static const struct {
	uint8_t proto;
	bool ask, v4;
} sets[SETS] = {
	{IPPROTO_TCP, false, true}, {IPPROTO_TCP, false, false}, {IPPROTO_TCP, true, true},
	{IPPROTO_TCP, true, false}, {IPPROTO_UDP, false, true},	 {IPPROTO_UDP, false, false},
};

struct ahead {
	struct netlink *netlink;
	_Alignas(8) char out[OUT];
};

struct ahead *
ahead_open(void)
{
	struct ahead *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->netlink = netlink_open(NETLINK_NETFILTER, 0);
	if (!a->netlink) {
		int saved = errno;
		free(a);
		errno = saved;
		return NULL;
	}
	return a;
}

void
ahead_close(struct ahead *a)
{
	if (!a)
		return;
	netlink_close(a->netlink);
	free(a);
}

bool
ahead_valid(const struct channel_kind *k)
{
	bool ports = k->port && k->port != DNS_PORT, transport = k->proto == IPPROTO_TCP || (k->proto == IPPROTO_UDP && !k->ask);

	return ports && transport && k->ask <= 1 && k->ifindex && k->ms && addr_is_v4(&k->camera) == addr_is_v4(&k->remote) &&
	       !mac_is_zero(&k->mac) && !(k->mac.b[0] & 1);
}

static size_t
put_address(uint8_t *at, const struct addr *a)
{
	size_t skip = addr_is_v4(a) ? 12 : 0, len = sizeof a->b - skip;

	memcpy(at, a->b + skip, len);
	return len;
}

static size_t
make_key(const struct channel_kind *k, uint8_t ret_key[KEY_MAX])
{
	uint16_t port = htons(k->port);
	size_t at = 12;

	memset(ret_key, 0, KEY_MAX);
	memcpy(ret_key, &k->ifindex, 4);
	memcpy(ret_key + 4, k->mac.b, sizeof k->mac.b);
	at += put_address(ret_key + at, &k->camera);
	at += put_address(ret_key + at, &k->remote);
	memcpy(ret_key + at, &port, sizeof port);
	return at + 4;
}

static struct nlmsghdr *
begin(char *at, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id, uint32_t seq)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(at);
	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	m->nlmsg_seq = seq;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(m, sizeof *g);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	return m;
}

static void
put_element(struct nlmsghdr *m, const struct channel_kind *k, uint32_t memory_s)
{
	uint64_t most_ms = memory_s * UINT64_C(1000);
	uint8_t key[KEY_MAX];
	size_t len = make_key(k, key);
	struct nlattr *element = mnl_attr_nest_start(m, NFTA_LIST_ELEM), *data = mnl_attr_nest_start(m, NFTA_SET_ELEM_KEY);

	mnl_attr_put(m, NFTA_DATA_VALUE, len, key);
	mnl_attr_nest_end(m, data);
	mnl_attr_put_u64(m, NFTA_SET_ELEM_TIMEOUT, htobe64(k->ms < most_ms ? k->ms : most_ms));
	mnl_attr_nest_end(m, element);
}

/* One message with the rows of this set; `at` where there are none. */
static char *
put_set(struct ahead *a, char *at, size_t set, const struct channel_kind *k, size_t n, uint32_t memory_s)
{
	struct nlmsghdr *m = NULL;
	struct nlattr *list = NULL;

	for (size_t i = 0; i < n; i++) {
		if (k[i].proto != sets[set].proto || k[i].ask != sets[set].ask || addr_is_v4(&k[i].camera) != sets[set].v4)
			continue;
		if (!m) {
			m = begin(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, NLM_F_CREATE, NFPROTO_INET, 0, ++a->netlink->seq);
			mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
			mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, ruleset_kind_set(sets[set].proto, sets[set].ask, sets[set].v4));
			list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
		}
		put_element(m, &k[i], memory_s);
	}
	if (!m)
		return at;
	mnl_attr_nest_end(m, list);
	return at + m->nlmsg_len;
}

/* The kernel has done all of it when send() returns, and says only what failed. */
static int
read_errors(struct netlink *n)
{
	int error = 0;

	for (;;) {
		ssize_t len = recv(netlink_fd(n), n->in, sizeof n->in, MSG_DONTWAIT);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno != EAGAIN)
			error = errno; /* its answers did not all find room: what it refused is not known */
		if (len <= 0)
			break;
		const struct nlmsghdr *m = (const void *)n->in;
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
		if ((size_t)len < sizeof *m + sizeof *e || m->nlmsg_type != NLMSG_ERROR)
			error = EBADMSG;
		else if (e->error)
			error = e->error < 0 && e->error > -4096 ? -e->error : EBADMSG;
	}
	errno = error ? error : errno;
	return error ? -1 : 0;
}

int
ahead_put(struct ahead *a, const struct channel_kind *k, size_t n, uint32_t memory_s)
{
	char *at = a->out;

	assert(n <= CHANNEL_KINDS);
	if (n == 0 || memory_s == 0)
		return 0;
	at += begin(at, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, ++a->netlink->seq)->nlmsg_len;
	for (size_t i = 0; i < SETS; i++)
		at = put_set(a, at, i, k, n, memory_s);
	at += begin(at, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, ++a->netlink->seq)->nlmsg_len;
	assert(at <= a->out + sizeof a->out);
	if (mnl_socket_sendto(a->netlink->socket, a->out, (size_t)(at - a->out)) < 0)
		return -1;
	return read_errors(a->netlink);
}
