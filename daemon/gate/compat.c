/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An nft rule that carries an xtables target cannot be written as nft text; libnftnl builds it; see
 * compat.h.
 */
#include "compat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include "netlink.h"
#include "ruleset.h"

enum { NFQUEUE_REVISION = 3 };

static struct nftnl_rule *
empty_rule(void)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	if (!r)
		return NULL;
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, RULESET_TABLE);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, RULESET_TOQ);
	return r;
}

static struct nftnl_rule *
queue_rule(uint16_t queue, bool bypass)
{
	struct nftnl_rule *r = empty_rule();
	struct nftnl_expr *e = nftnl_expr_alloc("target");
	struct xt_NFQ_info_v3 *info = calloc(1, XT_ALIGN(sizeof *info));

	if (!r || !e || !info) {
		free(info);
		if (e)
			nftnl_expr_free(e);
		if (r)
			nftnl_rule_free(r);
		return NULL;
	}
	info->queuenum = queue;
	info->queues_total = 1;
	info->flags = bypass ? NFQ_FLAG_BYPASS : 0;
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, NFQUEUE_REVISION);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, XT_ALIGN(sizeof *info)); /* the expression owns it now */
	nftnl_rule_add_expr(r, e); /* NOLINT(clang-analyzer-unix.Malloc) */
	return r;
}

static void
add_rule_message(struct mnl_nlmsg_batch *b, uint16_t type, uint16_t flags, const struct nftnl_rule *r,
		 uint32_t seq)
{
	struct nlmsghdr *m =
		nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(b), type, NFPROTO_INET, NLM_F_ACK | flags, seq);
	nftnl_rule_nlmsg_build_payload(m, (struct nftnl_rule *)r);
	mnl_nlmsg_batch_next(b);
}

/* Both messages between begin and end are acknowledged, or one of them fails and so does the whole. */
static int
send_batch(struct netlink *n, const struct nftnl_rule *none, const struct nftnl_rule *rule)
{
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(n->out, sizeof n->out / 2);
	if (!b)
		return -1;
	nftnl_batch_begin(mnl_nlmsg_batch_current(b), ++n->seq);
	mnl_nlmsg_batch_next(b);
	add_rule_message(b, NFT_MSG_DELRULE, 0, none, ++n->seq);
	add_rule_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, rule, ++n->seq);
	nftnl_batch_end(mnl_nlmsg_batch_current(b), ++n->seq);
	mnl_nlmsg_batch_next(b);
	ssize_t sent = mnl_socket_sendto(n->socket, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b));
	mnl_nlmsg_batch_stop(b);
	return sent < 0 ? -1 : 0;
}

int
compat_toq(struct netlink *n, uint16_t queue, bool bypass)
{
	struct nftnl_rule *none = empty_rule(), *rule = queue_rule(queue, bypass);
	int rc = -1;

	if (!none || !rule || send_batch(n, none, rule) < 0)
		goto free_rules;
	for (int acks = 0; acks < 2; acks++) {
		ssize_t len = mnl_socket_recvfrom(n->socket, n->in, sizeof n->in);
		if (len < 0 || mnl_cb_run(n->in, (size_t)len, 0, n->port, NULL, NULL) < 0)
			goto drain;
	}
	rc = 0;
drain:;
	int saved = errno;
	while (recv(netlink_fd(n), n->in, sizeof n->in, MSG_DONTWAIT) > 0)
		;
	errno = saved;
free_rules:
	if (none)
		nftnl_rule_free(none);
	if (rule)
		nftnl_rule_free(rule);
	return rc;
}
