/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See denied.h. What was read last is kept in an open table by key. Its size follows the sets', which the
 * kernel bounds; a key that finds no room is left out and its hits are missing from the records, not from
 * the total (counter c_denied).
 */
#include "denied.h"

#include <endian.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "hash.h"
#include "netlink.h"
#include "ruleset.h"

enum {
	SLOTS_MIN = 256,
	SLOTS_MAX = 1 << 19, /* 32 MiB; the four sets hold at most half as many elements */
	STEP_DATAGRAMS = 8,
};

struct slot {
	struct tuple key;
	bool used;
	struct denied_count last;
	uint64_t expires_ns;
};

struct denied {
	struct netlink *netlink;
	struct hash_key hash;
	struct slot *slots;
	size_t n_slots, n_used;

	bool looking, spoiled; /* spoiled: this reading may have missed elements */
	size_t set;	       /* being read */
	uint64_t now_ns;
	denied_sink *sink;
	void *arg;
	size_t n;
	struct channel_denied_flow batch[CHANNEL_NEWS];
};

struct denied *
denied_open(void)
{
	struct denied *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->netlink = netlink_open(NETLINK_NETFILTER, 0);
	d->n_slots = SLOTS_MIN;
	d->slots = calloc(d->n_slots, sizeof *d->slots);
	if (!d->netlink || !d->slots) {
		denied_close(d);
		return NULL;
	}
	hash_key_random(&d->hash);
	return d;
}

void
denied_close(struct denied *d)
{
	if (!d)
		return;
	netlink_close(d->netlink);
	free(d->slots);
	free(d);
}

int
denied_fd(const struct denied *d)
{
	return netlink_fd(d->netlink);
}

size_t
denied_size(const struct denied *d)
{
	return d->n_used;
}

/*
 * The key's slot, or the free one where it belongs. There is always a free one: the table is at most half
 * full.
 */
static struct slot *
find(const struct denied *d, struct slot *slots, size_t n_slots, const struct tuple *key)
{
	size_t i = hash_bytes(&d->hash, key, sizeof *key) & (n_slots - 1);
	while (slots[i].used && memcmp(&slots[i].key, key, sizeof *key) != 0)
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

/* Moves what has not expired by now_ns into a table of n_slots. */
static bool
rebuild(struct denied *d, size_t n_slots, uint64_t now_ns)
{
	struct slot *slots = n_slots <= SLOTS_MAX ? calloc(n_slots, sizeof *slots) : NULL;
	if (!slots)
		return false;
	size_t n = 0;
	for (size_t i = 0; i < d->n_slots; i++) {
		const struct slot *s = &d->slots[i];
		if (!s->used || s->expires_ns < now_ns)
			continue;
		*find(d, slots, n_slots, &s->key) = *s;
		n++;
	}
	free(d->slots);
	d->slots = slots;
	d->n_slots = n_slots;
	d->n_used = n;
	return true;
}

void
denied_quiet(struct denied *d, uint64_t now_ns)
{
	size_t live = 0, n_slots = SLOTS_MIN;

	for (size_t i = 0; i < d->n_slots; i++)
		live += d->slots[i].used && d->slots[i].expires_ns >= now_ns;
	if (live == d->n_used)
		return;
	while (n_slots / 2 <= live)
		n_slots *= 2;
	(void)rebuild(d, n_slots, now_ns);
}

struct denied_count
denied_note(struct denied *d, const struct tuple *key, struct denied_count seen, uint64_t expires_ns)
{
	struct denied_count more = seen;

	struct slot *s = find(d, d->slots, d->n_slots, key);
	if (!s->used) {
		if (d->n_used + 1 > d->n_slots / 2) {
			if (!rebuild(d, d->n_slots * 2, 0))
				return (struct denied_count){0};
			s = find(d, d->slots, d->n_slots, key);
		}
		d->n_used++;
	} else if (seen.packets >= s->last.packets && seen.bytes >= s->last.bytes) {
		more.packets -= s->last.packets;
		more.bytes -= s->last.bytes;
	}
	*s = (struct slot){.key = *key, .used = true, .last = seen, .expires_ns = expires_ns};
	return more;
}

void
denied_reset(struct denied *d)
{
	memset(d->slots, 0, d->n_slots * sizeof *d->slots);
	d->n_used = 0;
	d->spoiled = true;
}

/* A concatenated key: each part starts at a multiple of four bytes; ports are in network order. */
static bool
read_key(const struct nlattr *key, const struct ruleset_hits *set, struct tuple *ret)
{
	const struct nlattr *value = NULL, *a;
	size_t bytes = set->address_bytes;

	mnl_attr_for_each_nested(a, key) if (mnl_attr_get_type(a) == NFTA_DATA_VALUE) value = a;
	if (!value || mnl_attr_get_payload_len(value) < 2 * bytes + 4 + (set->ports ? 4 : 0))
		return false;
	const uint8_t *p = mnl_attr_get_payload(value);
	*ret = (struct tuple){.proto = p[2 * bytes]};
	if (bytes == 4) {
		addr_from_v4(&ret->src, p);
		addr_from_v4(&ret->dst, p + 4);
	} else {
		memcpy(ret->src.b, p, sizeof ret->src.b);
		memcpy(ret->dst.b, p + bytes, sizeof ret->dst.b);
	}
	if (set->ports)
		ret->dport = (uint16_t)(p[2 * bytes + 4] << 8 | p[2 * bytes + 5]);
	return true;
}

static uint64_t
number64(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) >= sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(a)) : 0;
}

static void
read_counter(const struct nlattr *expression, struct denied_count *ret)
{
	const struct nlattr *a, *b;

	mnl_attr_for_each_nested(a, expression)
	{
		if (mnl_attr_get_type(a) != NFTA_EXPR_DATA)
			continue;
		mnl_attr_for_each_nested(b, a)
		{
			if (mnl_attr_get_type(b) == NFTA_COUNTER_PACKETS)
				ret->packets = number64(b);
			if (mnl_attr_get_type(b) == NFTA_COUNTER_BYTES)
				ret->bytes = number64(b);
		}
	}
}

static void
deliver(struct denied *d)
{
	if (d->n)
		d->sink(d->batch, d->n, d->arg);
	d->n = 0;
}

static void
read_element(struct denied *d, const struct nlattr *element)
{
	const struct nlattr *a;
	struct tuple key = {0};
	struct denied_count seen = {0};
	uint64_t left_ms = RULESET_HITS_TIMEOUT_S * 1000ull;
	bool has_key = false;

	mnl_attr_for_each_nested(a, element)
	{
		if (mnl_attr_get_type(a) == NFTA_SET_ELEM_KEY)
			has_key = read_key(a, &ruleset_hits[d->set], &key);
		else if (mnl_attr_get_type(a) == NFTA_SET_ELEM_EXPIRATION)
			left_ms = number64(a);
		else if (mnl_attr_get_type(a) == NFTA_SET_ELEM_EXPR)
			read_counter(a, &seen);
	}
	if (!has_key || seen.packets == 0)
		return;
	struct denied_count more = denied_note(d, &key, seen, d->now_ns + left_ms * 1000000);
	if (more.packets == 0)
		return;
	d->batch[d->n++] =
		(struct channel_denied_flow){.tuple = key, .packets = more.packets, .bytes = more.bytes};
	if (d->n == CHANNEL_NEWS)
		deliver(d);
}

static int
each_message(const struct nlmsghdr *m, void *arg)
{
	struct denied *d = arg;
	const struct nlattr *list, *element;

	mnl_attr_for_each(list, m,
			  sizeof(struct nfgenmsg)) if (mnl_attr_get_type(list) == NFTA_SET_ELEM_LIST_ELEMENTS)
		mnl_attr_for_each_nested(element, list) read_element(d, element);
	return MNL_CB_OK;
}

static bool
ask_next(struct denied *d)
{
	struct nlmsghdr *m =
		netlink_nf(d->netlink, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET, 0);
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, ruleset_hits[d->set].name);
	return netlink_ask(d->netlink, m) == 0;
}

bool
denied_look(struct denied *d, uint64_t now_ns)
{
	if (d->looking)
		return false;
	d->set = 0;
	d->spoiled = false;
	d->now_ns = now_ns;
	d->looking = ask_next(d);
	return d->looking;
}

void
denied_step(struct denied *d, uint64_t now_ns, denied_sink *sink, void *arg)
{
	d->sink = sink;
	d->arg = arg;
	d->now_ns = now_ns;
	enum netlink_progress p = netlink_step(d->netlink, STEP_DATAGRAMS, each_message, d);
	deliver(d);
	if (p == NETLINK_MORE || !d->looking)
		return;
	d->spoiled |= p == NETLINK_FAILED;
	d->set++;
	d->looking = d->set < RULESET_HITS && ask_next(d);
	if (!d->looking && !d->spoiled)
		denied_quiet(d, now_ns);
}
