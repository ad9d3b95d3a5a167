/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tally.h. */
#include "tally.h"

#include <endian.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "bridge.h"
#include "netlink.h"

void
tally_add(struct tally_counter *c, uint64_t packets, uint64_t bytes)
{
	bool restarted = packets < c->seen_packets || bytes < c->seen_bytes;
	c->packets += packets - (restarted ? 0 : c->seen_packets);
	c->bytes += bytes - (restarted ? 0 : c->seen_bytes);
	c->seen_packets = packets;
	c->seen_bytes = bytes;
}

static uint64_t
number64(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) >= sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(a)) : 0;
}

static void
take_value(struct tally_counter *c, const struct nlattr *data)
{
	const struct nlattr *a;
	uint64_t packets = 0, bytes = 0;

	mnl_attr_for_each_nested(a, data)
	{
		if (mnl_attr_get_type(a) == NFTA_COUNTER_PACKETS)
			packets = number64(a);
		if (mnl_attr_get_type(a) == NFTA_COUNTER_BYTES)
			bytes = number64(a);
	}
	tally_add(c, packets, bytes);
}

static bool
is_string(const struct nlattr *a, const char *s)
{
	return a && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0 && strcmp(mnl_attr_get_str(a), s) == 0;
}

static int
each_counter(const struct nlmsghdr *m, void *arg)
{
	struct tally *t = arg;
	const struct nlattr *a, *by_type[NFTA_OBJ_MAX + 1] = {0};

	mnl_attr_for_each(a, m, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) <= NFTA_OBJ_MAX)
		by_type[mnl_attr_get_type(a)] = a;
	if (!is_string(by_type[NFTA_OBJ_TABLE], RULESET_TABLE) || !by_type[NFTA_OBJ_DATA])
		return MNL_CB_OK;
	for (size_t i = 0; i < RULESET_COUNTERS; i++)
		if (is_string(by_type[NFTA_OBJ_NAME], ruleset_counters[i]))
			take_value(&t->c[i], by_type[NFTA_OBJ_DATA]);
	if (is_string(by_type[NFTA_OBJ_NAME], BRIDGE_UNSEEN))
		take_value(&t->unseen, by_type[NFTA_OBJ_DATA]);
	return MNL_CB_OK;
}

static int
read_family(struct tally *t, struct netlink *n, unsigned family)
{
	struct nlmsghdr *m = netlink_nf(n, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETOBJ, NLM_F_DUMP, family, 0);
	mnl_attr_put_strz(m, NFTA_OBJ_TABLE, RULESET_TABLE);
	mnl_attr_put_u32(m, NFTA_OBJ_TYPE, htobe32(NFT_OBJECT_COUNTER));
	return netlink_dump(n, m, each_counter, t);
}

/* Where no bridge is guarded, there is nothing of its family to read. */
int
tally_read(struct tally *t, struct netlink *n, bool first)
{
	int rc = read_family(t, n, NFPROTO_INET);
	if (rc == 0)
		rc = read_family(t, n, NFPROTO_BRIDGE);
	for (size_t i = 0; first && i < RULESET_COUNTERS; i++)
		t->c[i].packets = t->c[i].bytes = 0;
	if (first)
		t->unseen.packets = t->unseen.bytes = 0;
	return rc;
}

uint64_t
tally_unseen(struct tally *t)
{
	uint64_t fresh = t->unseen.packets - t->unseen_told;
	t->unseen_told = t->unseen.packets;
	return fresh;
}

static int64_t
unjudged(const struct tally *t, uint64_t waiting)
{
	uint64_t stale = t->stale < t->verdicts ? t->stale : t->verdicts;
	return (int64_t)t->c[C_QUEUE].packets - (int64_t)(t->verdicts - stale) - (int64_t)waiting + t->offset;
}

void
tally_reset(struct tally *t, uint64_t waiting)
{
	for (size_t i = 0; i < RULESET_COUNTERS; i++)
		t->c[i].seen_packets = t->c[i].seen_bytes = 0;
	t->offset += (int64_t)t->uninspected - unjudged(t, waiting);
	t->n_readings = 0;
}

static uint64_t
floor_of(const struct tally *t)
{
	return t->answered > t->uninspected ? t->answered : t->uninspected;
}

void
tally_settle(struct tally *t, uint64_t waiting)
{
	int64_t missing = (int64_t)floor_of(t) - unjudged(t, waiting);
	if (missing > 0)
		t->offset += missing;
}

uint64_t
tally_uninspected(struct tally *t, uint64_t waiting, unsigned agree)
{
	int64_t now = unjudged(t, waiting);
	uint64_t least = now > 0 ? (uint64_t)now : 0;

	t->readings[t->n_readings++ % TALLY_READINGS] = least;
	if (t->n_readings < agree)
		least = 0;
	for (unsigned i = 1; least && i <= agree; i++) {
		uint64_t r = t->readings[(t->n_readings - i) % TALLY_READINGS];
		least = r < least ? r : least;
	}
	uint64_t now_known = least > floor_of(t) ? least : floor_of(t), fresh = now_known - t->uninspected;
	t->uninspected = now_known;
	return fresh;
}
