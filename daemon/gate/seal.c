/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the table back object by object and hashes what only a commit can change; see seal.h. */
#include "seal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "bridge.h"
#include "hash.h"
#include "netlink.h"
#include "ruleset.h"

#define BIT(n) (1u << (n))

/* In every one of these messages attribute 1 is the table's name. */
enum { TABLE_NAME = 1, DUMP_TRIES = 5 };

static const struct part {
	unsigned type;
	bool by_table;	     /* the kernel filters the dump by table */
	uint32_t attributes; /* those that only a commit changes */
} parts[] = {
	{NFT_MSG_GETTABLE, false, BIT(NFTA_TABLE_NAME) | BIT(NFTA_TABLE_FLAGS) | BIT(NFTA_TABLE_HANDLE)},
	{NFT_MSG_GETCHAIN, false,
	 BIT(NFTA_CHAIN_NAME) | BIT(NFTA_CHAIN_HANDLE) | BIT(NFTA_CHAIN_HOOK) | BIT(NFTA_CHAIN_POLICY) |
		 BIT(NFTA_CHAIN_TYPE)},
	{NFT_MSG_GETRULE, true, BIT(NFTA_RULE_CHAIN) | BIT(NFTA_RULE_HANDLE) | BIT(NFTA_RULE_EXPRESSIONS)},
	{NFT_MSG_GETSET, true,
	 BIT(NFTA_SET_NAME) | BIT(NFTA_SET_FLAGS) | BIT(NFTA_SET_KEY_LEN) | BIT(NFTA_SET_HANDLE)},
};

/* Sets whose elements only we change. */
static const char *const our_sets[] = {RULESET_CAM, RULESET_FAR, BRIDGE_SET, "jail", "jail4", "jail6"};

struct sealing {
	uint64_t hash;
	bool bridges;
	uint8_t family;
	const struct part *part;
	size_t set;
};

static uint64_t
mix(uint64_t hash, uint16_t type, const void *data, size_t len)
{
	struct hash_key key = {hash, type};
	return hash_bytes(&key, data, len);
}

static int
add_object(const struct nlmsghdr *m, void *arg)
{
	struct sealing *s = arg;
	const struct nlattr *a;
	bool ours = false;

	mnl_attr_for_each(a, m, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) == TABLE_NAME &&
							     mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
		ours = strcmp(mnl_attr_get_str(a), RULESET_TABLE) == 0;
	if (!ours)
		return MNL_CB_OK;
	mnl_attr_for_each(a, m, sizeof(struct nfgenmsg))
	{
		uint16_t type = mnl_attr_get_type(a);
		if (type < 32 && s->part->attributes & BIT(type))
			s->hash = mix(s->hash, type, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	}
	return MNL_CB_OK;
}

/* The kernel may return elements in any order: a sum does not mind. */
static int
add_elements(const struct nlmsghdr *m, void *arg)
{
	struct sealing *s = arg;
	const struct nlattr *list, *element, *a;

	mnl_attr_for_each(list, m, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(element, list)
			mnl_attr_for_each_nested(a, element) if (mnl_attr_get_type(a) == NFTA_SET_ELEM_KEY)
				s->hash +=
			mix(s->set, NFTA_SET_ELEM_KEY, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	}
	return MNL_CB_OK;
}

/* 1: of this family there is no such table. */
static int
seal_objects(struct netlink *n, struct sealing *s)
{
	uint64_t before = s->hash;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		s->part = &parts[i];
		struct nlmsghdr *m = netlink_nf(n, NFNL_SUBSYS_NFTABLES, parts[i].type, NLM_F_DUMP, s->family, 0);
		if (parts[i].by_table)
			mnl_attr_put_strz(m, TABLE_NAME, RULESET_TABLE);
		if (netlink_dump(n, m, add_object, s) < 0)
			return -1;
		if (i == 0 && s->hash == before)
			return 1;
	}
	return 0;
}

/* The table of the bridge family has no sets; where no bridge is guarded, there is none. */
static int
seal_parts(struct netlink *n, struct sealing *s)
{
	s->family = NFPROTO_INET;
	int rc = seal_objects(n, s);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	s->family = NFPROTO_BRIDGE;
	rc = seal_objects(n, s);
	if (rc > 0 && s->bridges)
		s->hash = 0;
	if (rc < 0 || s->hash == 0)
		return rc < 0 ? rc : 0;
	for (s->set = 0; s->set < sizeof our_sets / sizeof *our_sets; s->set++) {
		struct nlmsghdr *m = netlink_nf(n, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET, 0);
		mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
		mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, our_sets[s->set]);
		/* ENOENT: the set is gone, and that alone changes the seal. */
		if (netlink_dump(n, m, add_elements, s) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

int
seal_read(struct netlink *n, bool bridges, uint64_t *ret_seal)
{
	for (int i = 0; i < DUMP_TRIES; i++) {
		struct sealing s = {.bridges = bridges};
		if (seal_parts(n, &s) == 0) {
			*ret_seal = s.hash;
			return 0;
		}
		if (errno != EINTR && errno != ENOENT)
			return -1;
	}
	return -1;
}
