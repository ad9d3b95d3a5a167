/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads ctnetlink messages; see walk.h. */
#include "walk.h"

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "channel.h"

enum { NEST_MAX = 16 };

/* The attributes of a nest by type; unknown ones are left out. */
static void
read_nest(const struct nlattr *nest, const struct nlattr *ret_by_type[NEST_MAX])
{
	const struct nlattr *a;

	memset(ret_by_type, 0, NEST_MAX * sizeof *ret_by_type);
	if (!nest)
		return;
	mnl_attr_for_each_nested(a, nest) if (mnl_attr_get_type(a) < NEST_MAX)
		ret_by_type[mnl_attr_get_type(a)] = a;
}

static bool
holds(const struct nlattr *a, size_t bytes)
{
	return a && mnl_attr_get_payload_len(a) >= bytes;
}

static uint32_t
number32(const struct nlattr *a)
{
	return holds(a, sizeof(uint32_t)) ? ntohl(mnl_attr_get_u32(a)) : 0;
}

static uint64_t
number64(const struct nlattr *a)
{
	return holds(a, sizeof(uint64_t)) ? be64toh(mnl_attr_get_u64(a)) : 0;
}

static uint16_t
number16(const struct nlattr *a)
{
	return holds(a, sizeof(uint16_t)) ? ntohs(mnl_attr_get_u16(a)) : 0;
}

static uint8_t
number8(const struct nlattr *a)
{
	return holds(a, 1) ? mnl_attr_get_u8(a) : 0;
}

bool
walk_read(const struct nlmsghdr *m, struct walk_entry *ret_entry)
{
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(m) < sizeof(struct nfgenmsg))
		return false;
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(m);
	*ret_entry = (struct walk_entry){.family = g->nfgen_family};
	mnl_attr_for_each(a, m, sizeof *g) if (mnl_attr_get_type(a) < 32)
		ret_entry->attributes[mnl_attr_get_type(a)] = a;
	ret_entry->original = ret_entry->attributes[CTA_TUPLE_ORIG];
	ret_entry->zone = ret_entry->attributes[CTA_ZONE];
	ret_entry->mark = number32(ret_entry->attributes[CTA_MARK]);
	return ret_entry->original && ret_entry->attributes[CTA_TUPLE_REPLY];
}

static bool
read_address(uint8_t family, const struct nlattr *ip[NEST_MAX], int v4, int v6, struct addr *ret)
{
	if (family == AF_INET && holds(ip[v4], 4)) {
		addr_from_v4(ret, mnl_attr_get_payload(ip[v4]));
		return true;
	}
	if (family == AF_INET6 && holds(ip[v6], sizeof ret->b)) {
		memcpy(ret->b, mnl_attr_get_payload(ip[v6]), sizeof ret->b);
		return true;
	}
	return false;
}

/*
 * In the forward hook a packet of the original direction has its source before SNAT (the original tuple's)
 * and its destination after DNAT (the reply tuple's source).
 */
static bool
read_tuple(const struct walk_entry *e, struct tuple *t)
{
	const struct nlattr *original[NEST_MAX], *reply[NEST_MAX], *ip[NEST_MAX], *proto[NEST_MAX];

	*t = (struct tuple){0};
	read_nest(e->original, original);
	read_nest(e->attributes[CTA_TUPLE_REPLY], reply);
	read_nest(original[CTA_TUPLE_IP], ip);
	if (!read_address(e->family, ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &t->src))
		return false;
	read_nest(reply[CTA_TUPLE_IP], ip);
	if (!read_address(e->family, ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &t->dst))
		return false;
	read_nest(original[CTA_TUPLE_PROTO], proto);
	if (!proto[CTA_PROTO_NUM])
		return false;
	t->proto = number8(proto[CTA_PROTO_NUM]);
	if (proto_has_ports(t->proto)) {
		t->sport = number16(proto[CTA_PROTO_SRC_PORT]);
		read_nest(reply[CTA_TUPLE_PROTO], proto);
		t->dport = number16(proto[CTA_PROTO_SRC_PORT]);
	} else if (t->proto == IPPROTO_ICMP) {
		t->sport = number16(proto[CTA_PROTO_ICMP_ID]);
		t->dport = (uint16_t)(number8(proto[CTA_PROTO_ICMP_TYPE]) << 8 |
				      number8(proto[CTA_PROTO_ICMP_CODE]));
	} else if (t->proto == IPPROTO_ICMPV6) {
		t->sport = number16(proto[CTA_PROTO_ICMPV6_ID]);
		t->dport = (uint16_t)(number8(proto[CTA_PROTO_ICMPV6_TYPE]) << 8 |
				      number8(proto[CTA_PROTO_ICMPV6_CODE]));
	}
	return true;
}

/* TCP_CONNTRACK_NONE: of another transport, or not said. */
static uint8_t
tcp_state(const struct walk_entry *e)
{
	const struct nlattr *info[NEST_MAX], *tcp[NEST_MAX];

	read_nest(e->attributes[CTA_PROTOINFO], info);
	read_nest(info[CTA_PROTOINFO_TCP], tcp);
	return number8(tcp[CTA_PROTOINFO_TCP_STATE]);
}

bool
walk_waits(const struct walk_entry *e, uint32_t *ret_left_s)
{
	*ret_left_s = number32(e->attributes[CTA_TIMEOUT]);
	return tcp_state(e) == TCP_CONNTRACK_TIME_WAIT;
}

bool
walk_news(const struct walk_entry *e, struct channel_flow_news *ret_news)
{
	struct channel_flow_news n = {.mark = e->mark, .id = number32(e->attributes[CTA_ID])};
	const struct nlattr *a[NEST_MAX];
	uint8_t state = tcp_state(e);

	if (!read_tuple(e, &n.tuple))
		return false;
	if (number32(e->attributes[CTA_STATUS]) & IPS_SEEN_REPLY)
		n.flags |= NEWS_REPLIED;
	if (state == TCP_CONNTRACK_TIME_WAIT || state == TCP_CONNTRACK_CLOSE)
		n.flags |= NEWS_CLOSED;
	read_nest(e->attributes[CTA_COUNTERS_ORIG], a);
	n.orig_packets = number64(a[CTA_COUNTERS_PACKETS]);
	n.orig_bytes = number64(a[CTA_COUNTERS_BYTES]);
	read_nest(e->attributes[CTA_COUNTERS_REPLY], a);
	n.reply_packets = number64(a[CTA_COUNTERS_PACKETS]);
	n.reply_bytes = number64(a[CTA_COUNTERS_BYTES]);
	read_nest(e->attributes[CTA_TIMESTAMP], a);
	n.start_ns = number64(a[CTA_TIMESTAMP_START]);
	n.stop_ns = number64(a[CTA_TIMESTAMP_STOP]);
	*ret_news = n;
	return true;
}

int
walk_start(struct netlink *n, uint32_t value, uint32_t mask)
{
	struct nlmsghdr *m =
		netlink_nf(n, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC, 0);
	if (mask) {
		mnl_attr_put_u32(m, CTA_MARK, htonl(value));
		mnl_attr_put_u32(m, CTA_MARK_MASK, htonl(mask));
	}
	return netlink_ask(n, m);
}
