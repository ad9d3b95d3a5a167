/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flood.h. */
#include "flood.h"

#include <endian.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netlink.h"
#include "ruleset.h"

struct reading {
	const struct ruleset_flood *set;
	struct channel_quarantined_row now[FLOOD_MAX];
	size_t n;
};

static uint64_t
number64(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) >= sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(a)) : 0;
}

static bool
read_key(const struct nlattr *key, const struct ruleset_flood *set, struct channel_quarantined_row *row)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, key)
	{
		if (mnl_attr_get_type(a) != NFTA_DATA_VALUE)
			continue;
		size_t len = mnl_attr_get_payload_len(a), wanted = set->address_bytes ? set->address_bytes : sizeof row->mac.b;
		const uint8_t *p = mnl_attr_get_payload(a);
		if (len < wanted)
			return false;
		row->by_address = set->address_bytes != 0;
		if (!set->address_bytes)
			memcpy(row->mac.b, p, sizeof row->mac.b);
		else if (set->address_bytes == 4)
			addr_from_v4(&row->addr, p);
		else
			memcpy(row->addr.b, p, sizeof row->addr.b);
		return true;
	}
	return false;
}

static uint64_t
read_packets(const struct nlattr *expression)
{
	const struct nlattr *a, *b;
	uint64_t packets = 0;

	mnl_attr_for_each_nested(a, expression)
	{
		if (mnl_attr_get_type(a) != NFTA_EXPR_DATA)
			continue;
		mnl_attr_for_each_nested(b, a) if (mnl_attr_get_type(b) == NFTA_COUNTER_PACKETS) packets = number64(b);
	}
	return packets;
}

static void
read_element(struct reading *r, const struct nlattr *element)
{
	struct channel_quarantined_row row = {.why = QUARANTINE_FLOOD, .left_s = 1};
	const struct nlattr *a;
	bool has_key = false;

	mnl_attr_for_each_nested(a, element)
	{
		if (mnl_attr_get_type(a) == NFTA_SET_ELEM_KEY)
			has_key = read_key(a, r->set, &row);
		else if (mnl_attr_get_type(a) == NFTA_SET_ELEM_EXPIRATION)
			row.left_s = (uint32_t)(number64(a) / 1000) + 1;
		else if (mnl_attr_get_type(a) == NFTA_SET_ELEM_EXPR)
			row.packets = read_packets(a);
	}
	if (has_key && r->n < FLOOD_MAX)
		r->now[r->n++] = row;
}

static int
each_message(const struct nlmsghdr *m, void *arg)
{
	const struct nlattr *list, *element;

	mnl_attr_for_each(list, m, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(element, list) read_element(arg, element);
	}
	return MNL_CB_OK;
}

static bool
same(const struct channel_quarantined_row *a, const struct channel_quarantined_row *b)
{
	return a->by_address == b->by_address && memcmp(&a->mac, &b->mac, sizeof a->mac) == 0 && addr_cmp(&a->addr, &b->addr) == 0;
}

static struct channel_quarantined_row *
find(struct channel_quarantined_row *rows, size_t n, const struct channel_quarantined_row *row)
{
	for (size_t i = 0; i < n; i++)
		if (same(&rows[i], row))
			return &rows[i];
	return NULL;
}

/* The new reading takes the old one's place; what is not in it any more has ended, with the count it had. */
static bool
compare(struct flood *f, struct reading *r)
{
	bool news = false;

	for (size_t i = 0; i < r->n; i++) {
		const struct channel_quarantined_row *before = find(f->rows, f->n, &r->now[i]);
		bool begun = !before || (before->flags & QUARANTINED_ENDED);
		r->now[i].flags = begun ? QUARANTINED_BEGUN : before->flags;
		news |= begun;
	}
	for (size_t i = 0; i < f->n && r->n < FLOOD_MAX; i++) {
		if (find(r->now, r->n, &f->rows[i]))
			continue;
		news |= !(f->rows[i].flags & QUARANTINED_ENDED);
		r->now[r->n] = f->rows[i];
		r->now[r->n++].flags = QUARANTINED_ENDED;
	}
	memcpy(f->rows, r->now, r->n * sizeof *r->now);
	f->n = r->n;
	return news;
}

bool
flood_read(struct flood *f, struct netlink *n)
{
	struct reading r = {.n = 0};
	char set[16];

	for (size_t i = 0; i < RULESET_FLOODS; i++) {
		struct nlmsghdr *m = netlink_nf(n, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET, 0);
		r.set = &ruleset_floods[i];
		memcpy(set, "flood", sizeof "flood");
		strcat(set, r.set->suffix);
		mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
		mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, set);
		if (netlink_dump(n, m, each_message, &r) < 0)
			return false;
	}
	return compare(f, &r);
}

void
flood_told(struct flood *f)
{
	for (size_t i = f->n; i-- > 0;)
		if (f->rows[i].flags & QUARANTINED_ENDED)
			f->rows[i] = f->rows[--f->n];
		else
			f->rows[i].flags = 0;
}
