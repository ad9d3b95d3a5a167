/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel remembers of refusals. A flow that is refused at its first packet has no connection that could carry the answer in a ct
 * mark: its source, destination, transport and port go into a set with a timeout, and what comes again is refused there and counted.
 */
#include "bridge.h"
#include "mark.h"
#include "policy.h"
#include "ruleset_write.h"

/*
 * The keys under which refusals are remembered. Without ports the destination's kind alone counts (ICMP,
 * GRE, ESP, …).
 */
static const struct memory {
	const char *suffix, *type, *key;
	bool ports;
} memories[] = {
	{"4p", "ipv4_addr . ipv4_addr . inet_proto . inet_service",
	 "ip saddr . ip daddr . meta l4proto . th dport", true},
	{"4", "ipv4_addr . ipv4_addr . inet_proto", "ip saddr . ip daddr . meta l4proto", false},
	{"6p", "ipv6_addr . ipv6_addr . inet_proto . inet_service",
	 "ip6 saddr . ip6 daddr . meta l4proto . th dport", true},
	{"6", "ipv6_addr . ipv6_addr . inet_proto", "ip6 saddr . ip6 daddr . meta l4proto", false},
};
enum { MEMORIES = sizeof memories / sizeof *memories };

/* What a refusal does in the end; `goto answer` tells the camera. */
static const struct refusal {
	const char *name, *verdict;
	enum decision decision;
} refusals[] = {
	{"drop", "drop", DECISION_BLOCK},
	{"reject", "goto answer", DECISION_REJECT},
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

const struct ruleset_hits ruleset_hits[RULESET_HITS] = {
	{"hits4p", 4, true},
	{"hits4", 4, false},
	{"hits6p", 16, true},
	{"hits6", 16, false},
};

static void
put_refused_set(FILE *f, const struct refusal *r, const struct memory *m)
{
	put_line(f, "add set " TABLE " %s%s { type %s; flags dynamic,timeout; size 65535; }", r->name, m->suffix, m->type);
}

void
memory_put_sets(FILE *f)
{
	for (size_t i = 0; i < MEMORIES; i++) {
		const struct memory *m = &memories[i];
		for (size_t k = 0; k < REFUSALS; k++)
			put_refused_set(f, &refusals[k], m);
		put_line(f,
		    "add set " TABLE
		    " hits%s { type %s; flags dynamic,timeout; timeout %ds; size 65535; counter; }",
		    m->suffix, m->type, RULESET_HITS_TIMEOUT_S);
	}
}

/* Chains with a part for each memory: hit_drop4p counts a hit and drops, note_drop remembers one. */
void
memory_put_chains(FILE *f, const char *verb)
{
	for (size_t k = 0; k < REFUSALS; k++) {
		const char *name = refusals[k].name;
		put_line(f, "%s chain " TABLE " refuse_%s", verb, name);
		put_line(f, "%s chain " TABLE " note_%s", verb, name);
		put_line(f, "%s chain " TABLE " note_%s_ports", verb, name);
		for (size_t i = 0; i < MEMORIES; i++)
			put_line(f, "%s chain " TABLE " hit_%s%s", verb, name, memories[i].suffix);
	}
}

/*
 * Another set takes the place of one that is to be forgotten. From `flush set` until the transaction is in force the old rules still find an
 * entry, and their `update` no longer does and adds it anew: that one would stay, as long as the camera tries again.
 */
void
memory_put_flushes(FILE *f, const struct ruleset *r)
{
	for (size_t i = 0; i < MEMORIES; i++) {
		for (size_t k = 0; r->forget && k < REFUSALS; k++) {
			put_line(f, "delete set " TABLE " %s%s", refusals[k].name, memories[i].suffix);
			put_refused_set(f, &refusals[k], &memories[i]);
		}
		if (r->fresh)
			put_line(f, "flush set " TABLE " hits%s", memories[i].suffix);
	}
}

void
memory_put_cuts(FILE *f, const struct ruleset *r, const char *chain)
{
	unsigned shift = r->plan->mark_shift;

	for (size_t k = 0; k < REFUSALS; k++)
		put_rule(f, chain, "ct mark & 0x%08x == 0x%08x counter name c_cut %s", mark_mask(shift),
			 mark_of(shift, refusals[k].decision, r->generation), refusals[k].verdict);
}

void
memory_put_saves(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t mask = mark_mask(shift);

	for (size_t k = 0; k < REFUSALS; k++) {
		uint32_t refuse = mark_of(shift, refusals[k].decision, r->generation);
		put_rule(f, "save", "meta mark & 0x%08x == 0x%08x ct mark set ct mark and 0x%08x or 0x%08x goto refuse_%s", mask, refuse,
			 ~mask, refuse, refusals[k].name);
	}
}

static void
put_known(FILE *f)
{
	put_rule(f, "known", WITH_PORTS " goto known_ports");
	for (size_t i = 0; i < MEMORIES; i++)
		for (size_t k = 0; k < REFUSALS; k++)
			put_rule(f, memories[i].ports ? "known_ports" : "known", "%s @%s%s goto hit_%s%s",
			     memories[i].key, refusals[k].name, memories[i].suffix, refusals[k].name,
			     memories[i].suffix);
}

/* A full set ends the rule that updates it, so the verdict stands in a rule of its own. */
static void
put_hits(FILE *f, unsigned memory_s)
{
	char chain[32];
	for (size_t i = 0; i < MEMORIES; i++) {
		const struct memory *m = &memories[i];
		for (size_t k = 0; k < REFUSALS; k++) {
			snprintf(chain, sizeof chain, "hit_%s%s", refusals[k].name, m->suffix);
			put_rule(f, chain, "update @%s%s { %s timeout %us }", refusals[k].name, m->suffix, m->key,
			     memory_s);
			put_rule(f, chain, "update @hits%s { %s }", m->suffix, m->key);
			put_rule(f, chain, "counter name c_denied %s", refusals[k].verdict);
		}
	}
}

static void
put_refusals(FILE *f, unsigned memory_s, uint32_t mask)
{
	char chain[32];
	for (size_t k = 0; k < REFUSALS; k++) {
		const char *name = refusals[k].name;
		snprintf(chain, sizeof chain, "refuse_%s", name);
		put_rule(f, chain, UNREMEMBERED " jump note_%s", name);
		/*
		 * A reset for a packet from the far side would tell the far side, and the camera would hear
		 * nothing until it sends again. This one packet passes, and what the camera answers is
		 * reset by the mark: the cut is heard at once.
		 */
		if (refusals[k].decision == DECISION_REJECT)
			put_rule(f, chain,
			     "meta l4proto tcp ct direction reply iifname != @" RULESET_CAM " " BRIDGE_NOT_FROM
			     " meta mark set meta mark and 0x%08x accept",
			     ~mask);
		put_rule(f, chain, "%s", refusals[k].verdict);
		snprintf(chain, sizeof chain, "note_%s", name);
		put_rule(f, chain, WITH_PORTS " goto note_%s_ports", name);
		for (size_t i = 0; i < MEMORIES; i++) {
			snprintf(chain, sizeof chain, "note_%s%s", name, memories[i].ports ? "_ports" : "");
			put_rule(f, chain, "update @%s%s { %s timeout %us }", name, memories[i].suffix,
			     memories[i].key, memory_s);
		}
	}
}

void
memory_put_rules(FILE *f, const struct ruleset *r)
{
	put_known(f);
	put_hits(f, r->plan->deny_memory_s);
	put_refusals(f, r->plan->deny_memory_s, mark_mask(r->plan->mark_shift));
}
