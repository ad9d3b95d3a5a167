/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the rules' text through libnftables; see table.h. */
#include "table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>
#include <nftables/libnftables.h>

#include "bridge.h"
#include "compat.h"
#include "log.h"
#include "netlink.h"
#include "plan.h"
#include "ruleset.h"
#include "seal.h"

struct table {
	struct nft_ctx *nft;
	struct netlink *netlink;
	bool probed; /* the next three are known */
	bool native; /* the kernel has nft's own queue statement */
	bool hears;  /* and can copy packets for its log */
	bool bridges; /* and has tables of the bridge family */
	bool bridged; /* one of them is ours now */
	uint64_t seal;
};

/*
 * Never committed. The ct expression makes a modular kernel load conntrack, whose switches are wanted
 * early.
 */
static const char probe_conntrack[] = "add table inet lenscap_probe\n"
				      "add chain inet lenscap_probe c\n"
				      "add rule inet lenscap_probe c ct state new accept\n";
static const char probe_queue[] = "add table inet lenscap_probe\n"
				  "add chain inet lenscap_probe c\n"
				  "add rule inet lenscap_probe c queue flags bypass to 1\n";

#define PROBE_LOG "add table inet lenscap_probe\n" \
		  "add chain inet lenscap_probe c { type filter hook prerouting priority -310; }\n" \
		  "add rule inet lenscap_probe c fib daddr type unicast log group 1 snaplen 2048\n"

#define PROBE_BRIDGE "add table bridge lenscap_probe\n" \
		     "add chain bridge lenscap_probe c { type filter hook forward priority -2; }\n" \
		     "add rule bridge lenscap_probe c meta mark set meta mark and 1 or 2\n"

/* The buffers grow until they are read. */
static int
run_text(struct nft_ctx *nft, const char *text)
{
	(void)nft_ctx_get_output_buffer(nft);
	(void)nft_ctx_get_error_buffer(nft);
	return nft_run_cmd_from_buffer(nft, text) == 0 ? 0 : -1;
}

static bool
dry_run(struct nft_ctx *nft, const char *text)
{
	nft_ctx_set_dry_run(nft, true);
	int rc = run_text(nft, text);
	nft_ctx_set_dry_run(nft, false);
	return rc == 0;
}

struct table *
table_open(void)
{
	struct table *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	t->netlink = netlink_open(NETLINK_NETFILTER, 0);
	if (!t->nft || !t->netlink || nft_ctx_buffer_output(t->nft) || nft_ctx_buffer_error(t->nft)) {
		log_warn("nftables: cannot open a netlink socket");
		table_close(t);
		return NULL;
	}
	if (!dry_run(t->nft, probe_conntrack)) {
		log_warnx("nftables: this kernel or this user cannot add a rule: %s; CAP_NET_ADMIN and "
			  "nf_tables with conntrack are needed",
			  nft_ctx_get_error_buffer(t->nft));
		table_close(t);
		return NULL;
	}
	return t;
}

/* What is refused together is tried apart: taking back costs the kernel the same wait, however much it was. */
void
table_probe(struct table *t)
{
	static const char both[] = PROBE_LOG PROBE_BRIDGE;

	if (t->probed)
		return;
	t->probed = true;
	t->native = dry_run(t->nft, probe_queue);
	t->hears = t->bridges = dry_run(t->nft, both);
	if (!t->hears) {
		t->hears = dry_run(t->nft, PROBE_LOG);
		t->bridges = dry_run(t->nft, PROBE_BRIDGE);
	}
	if (!t->hears)
		log_warnx("nftables: this kernel has no packet log (nfnetlink_log, nft_log, nft_fib): what cameras announce stays unheard");
	log_debug("nftables: queue rule is %s", t->native ? "native" : "the xtables target");
}

void
table_close(struct table *t)
{
	if (!t)
		return;
	if (t->nft)
		nft_ctx_free(t->nft);
	netlink_close(t->netlink);
	free(t);
}

/* Takes the text. */
static int
run(struct table *t, char *text)
{
	if (!text) {
		errno = ENOMEM;
		return -1;
	}
	int rc = run_text(t->nft, text);
	free(text);
	return rc;
}

/* The buffer holds the message, the line and a caret; one line is enough for the log. */
static void
complain(struct table *t, const char *what)
{
	const char *e = nft_ctx_get_error_buffer(t->nft);
	log_warnx("nftables: %s: %.*s", what, (int)strcspn(e, "\n"), e);
}

static int
remember(struct table *t)
{
	if (seal_read(t->netlink, t->bridged, &t->seal) < 0) {
		log_warn("nftables: cannot read the table back");
		t->seal = 0;
	}
	return 0;
}

static int
put_toq(struct table *t, const struct plan *plan)
{
	if (t->native)
		return run(t, ruleset_toq(plan));
	return compat_toq(t->netlink, (uint16_t)plan->queue, !plan->fail_closed);
}

/* With what this kernel can do. */
static struct ruleset
with_abilities(const struct table *t, const struct ruleset *r)
{
	struct ruleset all = *r;
	all.hears = t->hears;
	all.bridges = t->bridges;
	all.bridged = t->bridged || !t->seal;
	return all;
}

/* What is remembered of the tables from here on is by this plan. */
static bool
can_bridge(struct table *t, const struct plan *plan)
{
	bool wanted = bridge_wanted(plan);

	if (wanted && !t->bridges) {
		log_warnx("nftables: this kernel has no tables of the bridge family (nf_tables_bridge): it cannot guard the ports of a bridge");
		return false;
	}
	t->bridged = wanted;
	return true;
}

static int
recreate(struct table *t, const struct ruleset *r)
{
	struct ruleset all = with_abilities(t, r);
	if (!can_bridge(t, r->plan))
		return -1;
	if (run(t, ruleset_recreate(&all, t->native)) < 0) {
		complain(t, "the table is refused");
		return -1;
	}
	if (!t->native && put_toq(t, r->plan) < 0) {
		log_warn("nftables: the queue rule is refused");
		return -1;
	}
	return remember(t);
}

int
table_install(struct table *t, const struct ruleset *r)
{
	table_probe(t);
	struct ruleset all = with_abilities(t, r);
	if (!can_bridge(t, r->plan))
		return -1;
	if (run(t, ruleset_base()) < 0)
		complain(t, "what is there cannot be taken over, replacing it");
	else if (put_toq(t, r->plan) < 0)
		log_warn("nftables: the queue rule is refused");
	else if (run(t, ruleset_rewrite(&all)) < 0)
		complain(t, "building on what is there fails, replacing it");
	else
		return remember(t);
	return recreate(t, r);
}

int
table_requeue(struct table *t, const struct plan *plan)
{
	if (put_toq(t, plan) < 0) {
		log_warn("nftables: the queue rule cannot be replaced");
		return -1;
	}
	return remember(t);
}

int
table_rewrite(struct table *t, const struct ruleset *r)
{
	struct ruleset all = with_abilities(t, r);
	if (!can_bridge(t, r->plan))
		return -1;
	if (run(t, ruleset_rewrite(&all)) < 0) {
		complain(t, "the new rules are refused");
		return -1;
	}
	return remember(t);
}

int
table_jail(struct table *t, const struct quarantine *q, int64_t now_s)
{
	if (run(t, ruleset_jail(q, now_s)) < 0) {
		complain(t, "the quarantine is refused");
		return -1;
	}
	return remember(t);
}

bool
table_hears(const struct table *t)
{
	return t->hears;
}

int
table_remove(struct table *t)
{
	t->seal = 0;
	t->bridged = false;
	return run(t, ruleset_end(t->bridges));
}

enum table_state
table_verify(struct table *t)
{
	uint64_t seal;

	if (seal_read(t->netlink, t->bridged, &seal) < 0)
		return TABLE_UNKNOWN;
	if (seal == 0)
		return TABLE_GONE;
	return seal == t->seal ? TABLE_INTACT : TABLE_CHANGED;
}

int
table_restore(struct table *t, const struct ruleset *r)
{
	return table_verify(t) == TABLE_GONE ? table_install(t, r) : recreate(t, r);
}
