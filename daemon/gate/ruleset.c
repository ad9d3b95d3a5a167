/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules. A packet of a camera passes two base chains in the forward hook:
 *
 *	inspect (-150)  in quarantine?          → done in the kernel
 *	                settled by its ct mark? → done in the kernel
 *	                refused from memory?    → done in the kernel
 *	                too many new ones?      → done in the kernel
 *	                else → toq → user space, which always answers accept plus a mark
 *	apply   (-149)  the verdict's mark becomes the ct mark, and what it refuses is dropped or reset here
 *
 * A flow that user space goes on watching carries the generation and no decision in its ct mark: both its directions come to the
 * queue. What cameras ask the gateway's own resolver passes the same two steps in the input and output hooks.
 *
 * A packet that user space never saw (bypass, fail-open) arrives in `apply` without a generation and passes
 * unsaved, so its flow stays undecided. A verdict of another generation is not saved either; if it refuses,
 * the packet still must not leak.
 */
#include "ruleset.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "discovery.h"
#include "mark.h"
#include "policy.h"
#include "quarantine.h"

const char *const ruleset_counters[RULESET_COUNTERS] = {
	[C_QUEUE] = "c_queue",	 [C_OFFLOAD] = "c_offload", [C_CUT] = "c_cut",
	[C_DENIED] = "c_denied", [C_INVALID] = "c_invalid", [C_REPLY] = "c_reply",
	[C_JAIL] = "c_jail",	 [C_FLOOD] = "c_flood",	    [C_UNHEARD] = "c_unheard",
};

const struct ruleset_hits ruleset_hits[RULESET_HITS] = {
	{"hits4p", 4, true},
	{"hits4", 4, false},
	{"hits6p", 16, true},
	{"hits6", 16, false},
};

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

/* DNS between a camera and the gateway's own resolver. */
static const struct local_hook {
	const char *hook, *side, *port, *way;
} local_hooks[] = {
	{"input", "iifname", "dport", "leaving"},
	{"output", "oifname", "sport", "arriving"},
};
enum { LOCAL_HOOKS = sizeof local_hooks / sizeof *local_hooks };

static const char *const chains[] = {"look",	   "known",	 "known_ports", "save",	     "answer",	"leaving", "arriving", "jailed",
				     "newcomer", "newcomer_", "newcomer4",	"newcomer6", "flooded", "heard",	  "copy",     "tell"};
enum { CHAINS = sizeof chains / sizeof *chains };

/* A device is known by its MAC, and by its address where a router stands between. */
const struct ruleset_flood ruleset_floods[RULESET_FLOODS] = {{"", 0}, {"4", 4}, {"6", 16}};
static const struct known_by {
	const char *type, *saddr;
} known_by[RULESET_FLOODS] = {
	{"ether_addr", "ether saddr"},
	{"ipv4_addr", "ip saddr"},
	{"ipv6_addr", "ip6 saddr"},
};

enum {
	RATE_SET = 16384,  /* devices whose pace is measured at a time; beyond that the others share one measure */
	RATE_MEMORY_S = 10,
	FLOOD_SET = 4096,
	HEARD_EACH = 20,   /* announcements a second of one device that are copied, three times as many at once */
	HEARD_ALL = 1000,  /* of all devices */
	HEARD_OTHER = 50,  /* of all devices, multicast on ports that nobody has named: mostly video */
	HEARD_BYTES = 2048,
};

#define TABLE	   "inet " RULESET_TABLE
#define WITH_PORTS "meta l4proto { tcp, udp, udplite, sctp, dccp }"
/*
 * The flow's first packet, which conntrack forgets when it is dropped: the ct mark cannot remember that
 * refusal.
 */
#define UNREMEMBERED "ct state new ct status ! confirmed"

static void out(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void
out(FILE *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
}

static void rule(FILE *f, const char *chain, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void
rule(FILE *f, const char *chain, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(f, "add rule " TABLE " %s ", chain);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
}

static void
put_sets(FILE *f)
{
	out(f, "add set " TABLE " " RULESET_CAM " { type ifname; }");
	out(f, "add set " TABLE " " RULESET_FAR " { type ifname; }");
	out(f, "add set " TABLE " heard { type ether_addr; flags dynamic,timeout; timeout %ds; size %d; }", RATE_MEMORY_S, RATE_SET);
	for (size_t i = 0; i < RULESET_FLOODS; i++) {
		const char *suffix = ruleset_floods[i].suffix, *type = known_by[i].type;
		out(f, "add set " TABLE " jail%s { type %s; flags timeout; size %d; }", suffix, type, QUARANTINE_ELEMENTS);
		out(f, "add set " TABLE " rate%s { type %s; flags dynamic,timeout; timeout %ds; size %d; }", suffix, type, RATE_MEMORY_S,
		    RATE_SET);
		out(f, "add set " TABLE " met%s { type %s; flags dynamic,timeout; timeout %ds; size %d; }", suffix, type, RATE_MEMORY_S,
		    RATE_SET);
		out(f, "add set " TABLE " flood%s { type %s; flags dynamic,timeout; size %d; counter; }", suffix, type, FLOOD_SET);
	}
	for (size_t i = 0; i < MEMORIES; i++) {
		const struct memory *m = &memories[i];
		for (size_t k = 0; k < REFUSALS; k++)
			out(f, "add set " TABLE " %s%s { type %s; flags dynamic,timeout; size 65535; }",
			    refusals[k].name, m->suffix, m->type);
		out(f,
		    "add set " TABLE
		    " hits%s { type %s; flags dynamic,timeout; timeout %ds; size 65535; counter; }",
		    m->suffix, m->type, RULESET_HITS_TIMEOUT_S);
	}
}

/* Chains with a part for each memory: hit_drop4p counts a hit and drops, note_drop remembers one. */
static void
each_chain(FILE *f, const char *verb)
{
	for (size_t i = 0; i < CHAINS; i++)
		out(f, "%s chain " TABLE " %s", verb, chains[i]);
	for (size_t k = 0; k < REFUSALS; k++) {
		const char *name = refusals[k].name;
		out(f, "%s chain " TABLE " refuse_%s", verb, name);
		out(f, "%s chain " TABLE " note_%s", verb, name);
		out(f, "%s chain " TABLE " note_%s_ports", verb, name);
		for (size_t i = 0; i < MEMORIES; i++)
			out(f, "%s chain " TABLE " hit_%s%s", verb, name, memories[i].suffix);
	}
}

static void
put_frame(FILE *f)
{
	out(f, "add table " TABLE);
	out(f, "add chain " TABLE " " RULESET_TOQ);
	put_sets(f);
	for (size_t i = 0; i < RULESET_COUNTERS; i++)
		out(f, "add counter " TABLE " %s", ruleset_counters[i]);
	each_chain(f, "add");
}

static void
put_hooks(FILE *f, const struct ruleset *r)
{
	/* Reassembled (-400), and before anybody else can drop it. */
	if (r->hears) {
		out(f, "add chain " TABLE " observe { type filter hook prerouting priority -310; policy accept; }");
		out(f, "flush chain " TABLE " observe");
	}
	out(f, "add chain " TABLE " inspect { type filter hook forward priority -150; policy accept; }");
	out(f, "add chain " TABLE " apply { type filter hook forward priority -149; policy accept; }");
	for (size_t i = 0; i < LOCAL_HOOKS; i++) {
		const char *hook = local_hooks[i].hook;
		out(f, "add chain " TABLE " inspect_%s { type filter hook %s priority -150; policy accept; }", hook, hook);
		out(f, "add chain " TABLE " apply_%s { type filter hook %s priority -149; policy accept; }", hook, hook);
		out(f, "flush chain " TABLE " inspect_%s", hook);
		out(f, "flush chain " TABLE " apply_%s", hook);
	}
	out(f, "flush chain " TABLE " inspect");
	out(f, "flush chain " TABLE " apply");
}

static void
put_cameras(FILE *f, const struct plan *p)
{
	out(f, "flush set " TABLE " " RULESET_CAM);
	for (uint32_t i = 0; i < p->n_interfaces && i < PLAN_INTERFACES; i++)
		out(f, "add element " TABLE " " RULESET_CAM " { \"%.*s\" }", PLAN_IFNAME, p->interfaces[i]);
	out(f, "flush set " TABLE " " RULESET_FAR);
	for (uint32_t i = 0; i < p->n_interfaces && i < PLAN_INTERFACES; i++)
		if (p->by_address[i])
			out(f, "add element " TABLE " " RULESET_FAR " { \"%.*s\" }", PLAN_IFNAME, p->interfaces[i]);
}

/* What one device may open is measured anew: the policy may say another number. */
static void
put_measures(FILE *f, const struct ruleset *r)
{
	for (size_t i = 0; i < RULESET_FLOODS; i++) {
		out(f, "flush set " TABLE " rate%s", ruleset_floods[i].suffix);
		out(f, "flush set " TABLE " met%s", ruleset_floods[i].suffix);
		if (r->fresh)
			out(f, "flush set " TABLE " flood%s", ruleset_floods[i].suffix);
	}
}

static void
put_flushes(FILE *f, const struct ruleset *r)
{
	for (size_t i = 0; i < MEMORIES; i++) {
		for (size_t k = 0; r->forget && k < REFUSALS; k++)
			out(f, "flush set " TABLE " %s%s", refusals[k].name, memories[i].suffix);
		if (r->fresh)
			out(f, "flush set " TABLE " hits%s", memories[i].suffix);
	}
}

/*
 * ND between hosts of one bridged link: hop limit 255 proves that no router was passed (RFC 4861, 7.1.1);
 * in a routed forward hook it is at most 254.
 */
#define NEIGHBOUR_DISCOVERY                                                                                  \
	"icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 "  \
	"hoplimit 255"

static void
put_look(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t mask = mark_mask(shift);

	/* Nobody else may preset our field. */
	rule(f, "look", "meta mark set meta mark and 0x%08x", ~mask);
	rule(f, "look", "ct mark & 0x%08x == 0x%08x counter name c_offload accept", mask,
	     mark_of(shift, DECISION_ALLOW, r->generation));
	for (size_t k = 0; k < REFUSALS; k++)
		rule(f, "look", "ct mark & 0x%08x == 0x%08x counter name c_cut %s", mask,
		     mark_of(shift, refusals[k].decision, r->generation), refusals[k].verdict);
	rule(f, "look", NEIGHBOUR_DISCOVERY " accept");
	rule(f, "look", "ct state invalid counter name c_invalid %s", r->plan->enforce ? "drop" : "accept");
	/*
	 * An undecided flow's answers to the camera pass; what a camera answers is judged: it may be the
	 * first payload to leave.
	 */
	rule(f, "look",
	     "iifname != @" RULESET_CAM
	     " ct direction reply ct mark & 0x%08x == 0 counter name c_reply accept",
	     mask);
	rule(f, "look", UNREMEMBERED " jump known");
	rule(f, "look", UNREMEMBERED " meta mark set meta mark or 0x%08x", mark_of(shift, MARK_HINT_NEW, 0));
	rule(f, "look", "ct direction reply meta mark set meta mark or 0x%08x",
	     mark_of(shift, MARK_HINT_REPLY, 0));
	rule(f, "look", "iifname @" RULESET_CAM " " UNREMEMBERED " jump newcomer");
	rule(f, "look", "counter name c_queue jump " RULESET_TOQ);
	/* Reached only when toq is empty. */
	rule(f, "look", "%s", r->plan->fail_closed ? "drop" : "accept");
}

static void
put_known(FILE *f)
{
	rule(f, "known", WITH_PORTS " goto known_ports");
	for (size_t i = 0; i < MEMORIES; i++)
		for (size_t k = 0; k < REFUSALS; k++)
			rule(f, memories[i].ports ? "known_ports" : "known", "%s @%s%s goto hit_%s%s",
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
			rule(f, chain, "update @%s%s { %s timeout %us }", refusals[k].name, m->suffix, m->key,
			     memory_s);
			rule(f, chain, "update @hits%s { %s }", m->suffix, m->key);
			rule(f, chain, "counter name c_denied %s", refusals[k].verdict);
		}
	}
}

static void
put_save(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t mask = mark_mask(shift), allow = mark_of(shift, DECISION_ALLOW, r->generation);

	/* A hint of ours that user space never answered. */
	rule(f, "save", "meta mark & 0x%08x == 0 meta mark set meta mark and 0x%08x accept",
	     mark_of(shift, 0, 0xff), ~mask);
	/*
	 * Watched: it passes, and both directions go on coming. Also where the verdict is of the generation before: were that forgotten,
	 * the far side's answer would pass unseen, and an engine that has not seen it lets no payload follow.
	 */
	uint32_t watch = mark_of(shift, DECISION_PENDING, r->generation);
	rule(f, "save", "meta mark & 0x%08x == 0 ct mark set ct mark and 0x%08x or 0x%08x", mark_of(shift, 3, 0),
	     ~mask, watch);
	rule(f, "save", "meta mark & 0x%08x == 0 meta mark set meta mark and 0x%08x accept",
	     mark_of(shift, 3, 0), ~mask);
	rule(f, "save",
	     "meta mark & 0x%08x == 0x%08x ct mark set ct mark and 0x%08x or 0x%08x meta mark set meta mark "
	     "and 0x%08x accept",
	     mask, allow, ~mask, allow, ~mask);
	for (size_t k = 0; k < REFUSALS; k++) {
		uint32_t refuse = mark_of(shift, refusals[k].decision, r->generation);
		rule(f, "save",
		     "meta mark & 0x%08x == 0x%08x ct mark set ct mark and 0x%08x or 0x%08x goto refuse_%s",
		     mask, refuse, ~mask, refuse, refusals[k].name);
	}
	/* Another generation, or a refusal to be remembered by nobody: nothing is saved. */
	rule(f, "save", "meta mark & 0x%08x == 0x%08x meta mark set meta mark and 0x%08x accept",
	     mark_of(shift, 3, 0), mark_of(shift, DECISION_ALLOW, 0), ~mask);
	rule(f, "save", "meta mark & 0x%08x == 0x%08x goto answer", mask, mark_of(shift, DECISION_REJECT, MARK_GENERATION_STALE));
	rule(f, "save", "drop");
}

static void
put_refusals(FILE *f, unsigned memory_s, uint32_t mask)
{
	char chain[32];
	for (size_t k = 0; k < REFUSALS; k++) {
		const char *name = refusals[k].name;
		snprintf(chain, sizeof chain, "refuse_%s", name);
		rule(f, chain, UNREMEMBERED " jump note_%s", name);
		/*
		 * A reset for a packet from the far side would tell the far side, and the camera would hear
		 * nothing until it sends again. This one packet passes, and what the camera answers is
		 * reset by the mark: the cut is heard at once.
		 */
		if (refusals[k].decision == DECISION_REJECT)
			rule(f, chain,
			     "meta l4proto tcp ct direction reply iifname != @" RULESET_CAM
			     " meta mark set meta mark and 0x%08x accept",
			     ~mask);
		rule(f, chain, "%s", refusals[k].verdict);
		snprintf(chain, sizeof chain, "note_%s", name);
		rule(f, chain, WITH_PORTS " goto note_%s_ports", name);
		for (size_t i = 0; i < MEMORIES; i++) {
			snprintf(chain, sizeof chain, "note_%s%s", name, memories[i].ports ? "_ports" : "");
			rule(f, chain, "update @%s%s { %s timeout %us }", name, memories[i].suffix,
			     memories[i].key, memory_s);
		}
	}
}

/*
 * A connection that would go to the queue. The pace is each device's own. Where the set of them is full, which takes more MACs than cameras,
 * those without a place share one pace. Whether one has a place, a second set tells: to look it up in the first would take from its pace.
 */
static void
put_newcomer(FILE *f, const struct plan *p)
{
	char chain[16];

	rule(f, "newcomer", "iifname @" RULESET_FAR " meta nfproto ipv4 goto newcomer4");
	rule(f, "newcomer", "iifname @" RULESET_FAR " meta nfproto ipv6 goto newcomer6");
	rule(f, "newcomer", "goto newcomer_");
	for (size_t i = 0; i < RULESET_FLOODS; i++) {
		const char *suffix = ruleset_floods[i].suffix, *saddr = known_by[i].saddr;
		snprintf(chain, sizeof chain, "newcomer%s", *suffix ? suffix : "_");
		rule(f, chain, "%s @flood%s counter name c_flood drop", saddr, suffix);
		rule(f, chain, "update @met%s { %s }", suffix, saddr);
		rule(f, chain, "update @rate%s { %s limit rate %u/second burst %u packets } return", suffix, saddr, p->new_flows,
		     2 * p->new_flows);
		rule(f, chain, "%s @met%s update @flood%s { %s timeout %us }", saddr, suffix, suffix, saddr, p->flood_hold_s);
		rule(f, chain, "%s @met%s goto flooded", saddr, suffix);
		rule(f, chain, "limit rate %u/second burst %u packets return", p->new_flows, 2 * p->new_flows);
		rule(f, chain, "goto flooded");
	}
	rule(f, "flooded", "counter name c_flood drop");
}

static void
put_ports(FILE *f, const char *match, const char *verdict)
{
	fprintf(f, "add rule " TABLE " heard %s { ", match);
	for (size_t i = 0; i < discovery_n_ports; i++)
		fprintf(f, "%s%u", i ? ", " : "", discovery_ports[i].port);
	fprintf(f, " } %s\n", verdict);
}

/* Copies for the engine: nothing waits for an answer, and nothing is lost but the copy. */
static void
put_observe(FILE *f, const struct plan *p)
{
	rule(f, "observe", "meta l4proto udp iifname @" RULESET_CAM " goto heard");
	/* To one host: only answers count, and all else, mostly video, must get by with one look. */
	put_ports(f, "meta pkttype host udp sport !=", "return");
	rule(f, "heard", "meta pkttype host goto copy");
	put_ports(f, "udp dport", "goto copy");
	put_ports(f, "udp sport", "goto copy");
	rule(f, "heard", "limit rate %d/second goto copy", HEARD_OTHER);
	/* What is on its way elsewhere is the forward hook's. */
	rule(f, "copy", "meta pkttype host fib daddr type unicast return");
	rule(f, "copy", "update @heard { ether saddr limit rate %d/second burst %d packets } goto tell", HEARD_EACH, 3 * HEARD_EACH);
	rule(f, "copy", "counter name c_unheard");
	rule(f, "tell", "limit rate %d/second burst %d packets log group %u snaplen %d return", HEARD_ALL, 2 * HEARD_ALL, p->queue, HEARD_BYTES);
	rule(f, "tell", "counter name c_unheard");
}

static void
put_answer(FILE *f, uint32_t mask)
{
	/* The answer inherits the packet's mark; our field is no business of its further way. */
	rule(f, "answer", "meta mark set meta mark and 0x%08x", ~mask);
	rule(f, "answer", "meta l4proto tcp reject with tcp reset");
	rule(f, "answer", "reject with icmpx type admin-prohibited");
}

/*
 * Quarantine is asked before the ct mark, so that what is settled is cut as well, and nothing needs to be rewritten when it ends. Towards a
 * device the frame has no MAC yet: there its addresses count. Nobody in it is the usual case and costs no look-up at all.
 */
static void
put_quarantine(FILE *f, const struct quarantine *q, int64_t now_s)
{
	quarantine_put(f, q, now_s);
	out(f, "flush chain " TABLE " leaving");
	out(f, "flush chain " TABLE " arriving");
	if (q && quarantine_count(q)) {
		rule(f, "leaving", "ether saddr @jail goto jailed");
		rule(f, "leaving", "ip saddr @jail4 goto jailed");
		rule(f, "leaving", "ip6 saddr @jail6 goto jailed");
		rule(f, "leaving", "oifname @" RULESET_CAM " goto arriving");
		rule(f, "arriving", "ip daddr @jail4 goto jailed");
		rule(f, "arriving", "ip6 daddr @jail6 goto jailed");
	}
	rule(f, "leaving", "goto look");
	rule(f, "arriving", "goto look");
}

static void
put_rules(FILE *f, const struct ruleset *r)
{
	uint32_t mask = mark_mask(r->plan->mark_shift);

	put_look(f, r);
	put_known(f);
	put_hits(f, r->plan->deny_memory_s);
	put_save(f, r);
	put_refusals(f, r->plan->deny_memory_s, mask);
	put_answer(f, mask);
	put_quarantine(f, r->quarantine, r->now_s);
	rule(f, "jailed", "counter name c_jail drop");
	put_newcomer(f, r->plan);
	if (r->hears)
		put_observe(f, r->plan);
	/* Only camera traffic: on everybody else's packets these bits may mean something else. */
	for (size_t i = 0; i < 2; i++) {
		const char *side = i == 0 ? "iifname" : "oifname";
		rule(f, "inspect", "%s @" RULESET_CAM " goto %s", side, i == 0 ? "leaving" : "arriving");
		rule(f, "apply", "%s @" RULESET_CAM " meta mark & 0x%08x != 0 goto save", side, mask);
	}
	for (size_t i = 0; i < LOCAL_HOOKS; i++) {
		const struct local_hook *l = &local_hooks[i];
		char chain[32];
		snprintf(chain, sizeof chain, "inspect_%s", l->hook);
		rule(f, chain, "%s @" RULESET_CAM " meta l4proto { tcp, udp } th %s 53 goto %s", l->side, l->port, l->way);
		snprintf(chain, sizeof chain, "apply_%s", l->hook);
		rule(f, chain, "%s @" RULESET_CAM " meta l4proto { tcp, udp } th %s 53 meta mark & 0x%08x != 0 goto save", l->side, l->port, mask);
	}
}

static void
put_all(FILE *f, const struct ruleset *r)
{
	put_frame(f);
	put_hooks(f, r);
	each_chain(f, "flush");
	put_flushes(f, r);
	put_measures(f, r);
	put_cameras(f, r->plan);
	put_rules(f, r);
}

static char *
finish(FILE *f, char **text)
{
	bool ok = !ferror(f);
	if (fclose(f) != 0 || !ok) {
		free(*text);
		return NULL;
	}
	return *text;
}

char *
ruleset_base(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	put_frame(f);
	return finish(f, &text);
}

static void
put_toq(FILE *f, const struct plan *plan)
{
	out(f, "flush chain " TABLE " " RULESET_TOQ);
	rule(f, RULESET_TOQ, "queue %sto %u", plan->fail_closed ? "" : "flags bypass ", plan->queue);
}

char *
ruleset_toq(const struct plan *plan)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	put_toq(f, plan);
	return finish(f, &text);
}

char *
ruleset_jail(const struct quarantine *q, int64_t now_s)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	put_quarantine(f, q, now_s);
	return finish(f, &text);
}

char *
ruleset_rewrite(const struct ruleset *r)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	put_all(f, r);
	return finish(f, &text);
}

char *
ruleset_recreate(const struct ruleset *r, bool native)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	out(f, "add table " TABLE); /* so that the next line cannot fail */
	out(f, "delete table " TABLE);
	put_all(f, r);
	if (native)
		put_toq(f, r->plan);
	return finish(f, &text);
}
