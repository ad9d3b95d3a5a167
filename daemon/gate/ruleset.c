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

#include "bridge.h"
#include "discovery.h"
#include "mark.h"
#include "policy.h"
#include "quarantine.h"
#include "ruleset_write.h"

const char *const ruleset_counters[RULESET_COUNTERS] = {
	[C_QUEUE] = "c_queue",	 [C_OFFLOAD] = "c_offload", [C_CUT] = "c_cut",
	[C_DENIED] = "c_denied", [C_INVALID] = "c_invalid", [C_REPLY] = "c_reply",
	[C_JAIL] = "c_jail",	 [C_FLOOD] = "c_flood",	    [C_UNHEARD] = "c_unheard",
	[C_BARE] = "c_bare",	 [C_KIND] = "c_kind",
};

/* DNS between a camera and the gateway's own resolver. */
static const struct local_hook {
	const char *hook, *side, *port, *way;
} local_hooks[] = {
	{"input", "iifname", "dport", "leaving"},
	{"output", "oifname", "sport", "arriving"},
};
enum { LOCAL_HOOKS = sizeof local_hooks / sizeof *local_hooks };

static const char *const chains[] = {"look",	   "known",	 "known_ports", "save",	     "answer",	"leaving", "arriving", "jailed",
				     "newcomer", "newcomer_", "newcomer4",	"newcomer6", "flooded", "heard",	  "copy",     "tell",
				     "ask",	   "unremembered"};
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

void
put_line(FILE *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
}

void
put_rule(FILE *f, const char *chain, const char *fmt, ...)
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
	put_line(f, "add set " TABLE " " RULESET_CAM " { type ifname; }");
	put_line(f, "add set " TABLE " " RULESET_FAR " { type ifname; }");
	bridge_put_sets(f);
	put_line(f, "add set " TABLE " heard { type ether_addr; flags dynamic,timeout; timeout %ds; size %d; }", RATE_MEMORY_S, RATE_SET);
	for (size_t i = 0; i < RULESET_FLOODS; i++) {
		const char *suffix = ruleset_floods[i].suffix, *type = known_by[i].type;
		put_line(f, "add set " TABLE " jail%s { type %s; flags timeout; size %d; }", suffix, type, QUARANTINE_ELEMENTS);
		put_line(f, "add set " TABLE " rate%s { type %s; flags dynamic,timeout; timeout %ds; size %d; }", suffix, type, RATE_MEMORY_S,
		    RATE_SET);
		put_line(f, "add set " TABLE " met%s { type %s; flags dynamic,timeout; timeout %ds; size %d; }", suffix, type, RATE_MEMORY_S,
		    RATE_SET);
		put_line(f, "add set " TABLE " flood%s { type %s; flags dynamic,timeout; size %d; counter; }", suffix, type, FLOOD_SET);
	}
	memory_put_sets(f);
	kinds_put_sets(f);
}

static void
each_chain(FILE *f, const char *verb)
{
	for (size_t i = 0; i < CHAINS; i++)
		put_line(f, "%s chain " TABLE " %s", verb, chains[i]);
	bridge_put_chains(f, verb);
	memory_put_chains(f, verb);
	kinds_put_chains(f, verb);
}

static void
put_frame(FILE *f)
{
	put_line(f, "add table " TABLE);
	put_line(f, "add chain " TABLE " " RULESET_TOQ);
	put_sets(f);
	for (size_t i = 0; i < RULESET_COUNTERS; i++)
		put_line(f, "add counter " TABLE " %s", ruleset_counters[i]);
	each_chain(f, "add");
}

static void
put_hooks(FILE *f, const struct ruleset *r)
{
	/* Reassembled (-400), and before anybody else can drop it. */
	if (r->hears) {
		put_line(f, "add chain " TABLE " observe { type filter hook prerouting priority -310; policy accept; }");
		put_line(f, "flush chain " TABLE " observe");
	}
	put_line(f, "add chain " TABLE " inspect { type filter hook forward priority -150; policy accept; }");
	put_line(f, "add chain " TABLE " apply { type filter hook forward priority -149; policy accept; }");
	for (size_t i = 0; i < LOCAL_HOOKS; i++) {
		const char *hook = local_hooks[i].hook;
		put_line(f, "add chain " TABLE " inspect_%s { type filter hook %s priority -150; policy accept; }", hook, hook);
		put_line(f, "add chain " TABLE " apply_%s { type filter hook %s priority -149; policy accept; }", hook, hook);
		put_line(f, "flush chain " TABLE " inspect_%s", hook);
		put_line(f, "flush chain " TABLE " apply_%s", hook);
	}
	put_line(f, "flush chain " TABLE " inspect");
	put_line(f, "flush chain " TABLE " apply");
	bridge_put_hooks(f, r);
}

static void
put_cameras(FILE *f, const struct plan *p)
{
	put_line(f, "flush set " TABLE " " RULESET_CAM);
	for (uint32_t i = 0; i < p->n_interfaces && i < PLAN_INTERFACES; i++)
		if (!p->bridges[i][0])
			put_line(f, "add element " TABLE " " RULESET_CAM " { \"%.*s\" }", PLAN_IFNAME, p->interfaces[i]);
	put_line(f, "flush set " TABLE " " RULESET_FAR);
	for (uint32_t i = 0; i < p->n_interfaces && i < PLAN_INTERFACES; i++)
		if (p->by_address[i])
			put_line(f, "add element " TABLE " " RULESET_FAR " { \"%.*s\" }", PLAN_IFNAME,
				 p->bridges[i][0] ? p->bridges[i] : p->interfaces[i]);
	bridge_put_members(f, p);
}

/* What one device may open is measured anew: the policy may say another number. */
static void
put_measures(FILE *f, const struct ruleset *r)
{
	for (size_t i = 0; i < RULESET_FLOODS; i++) {
		put_line(f, "flush set " TABLE " rate%s", ruleset_floods[i].suffix);
		put_line(f, "flush set " TABLE " met%s", ruleset_floods[i].suffix);
		if (r->fresh)
			put_line(f, "flush set " TABLE " flood%s", ruleset_floods[i].suffix);
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
	put_rule(f, "look", "meta mark set meta mark and 0x%08x", ~mask);
	put_rule(f, "look", "ct mark & 0x%08x == 0x%08x counter name c_offload accept", mask & ~mark_of(shift, MARK_KIND, 0),
		 mark_of(shift, DECISION_ALLOW, r->generation));
	memory_put_cuts(f, r, "look");
	put_rule(f, "look", NEIGHBOUR_DISCOVERY " accept");
	put_rule(f, "look", "ct state invalid counter name c_invalid %s", r->plan->enforce ? "drop" : "accept");
	/*
	 * An undecided flow's answers to the camera pass; what a camera answers is judged: it may be the
	 * first payload to leave.
	 */
	put_rule(f, "look",
	     "iifname != @" RULESET_CAM " " BRIDGE_NOT_FROM
	     " ct direction reply ct mark & 0x%08x == 0 counter name c_reply accept",
	     mask);
	kinds_put_look(f, r, "look");
	put_rule(f, "look", "goto ask");
}

static void
put_ask(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;

	put_rule(f, "ask", UNREMEMBERED " jump unremembered");
	put_rule(f, "ask", "ct direction reply meta mark set meta mark or 0x%08x", mark_of(shift, MARK_HINT_REPLY, 0));
	kinds_put_hints(f, r, "ask");
	put_rule(f, "ask_all", "counter name c_queue jump " RULESET_TOQ);
	/* Reached only when toq is empty. */
	put_rule(f, "ask_all", "%s", r->plan->fail_closed ? "drop" : "accept");
	put_rule(f, "unremembered", "jump known");
	put_rule(f, "unremembered", "iifname @" RULESET_CAM " jump newcomer");
	put_rule(f, "unremembered", BRIDGE_FROM " jump newcomer");
	/* Behind the pace: what is allowed by its kind takes room in conntrack as well. */
	if (r->plan->kind_memory_s) {
		put_rule(f, "unremembered", "iifname @" RULESET_CAM " jump kind");
		put_rule(f, "unremembered", BRIDGE_FROM " jump kind");
	}
	put_rule(f, "unremembered", "meta mark set meta mark or 0x%08x", mark_of(shift, MARK_HINT_NEW, 0));
}

static void
put_save(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t mask = mark_mask(shift), allow = mark_of(shift, DECISION_ALLOW, r->generation), kind = mark_of(shift, MARK_KIND, 0);

	/* A hint of ours that user space never answered. */
	put_rule(f, "save", "meta mark & 0x%08x == 0 meta mark set meta mark and 0x%08x accept",
	     mark_of(shift, 0, 0xff), ~mask);
	kinds_put_saves(f, r);
	/*
	 * Watched: it passes, and both directions go on coming. Also where the verdict is of the generation before: were that forgotten,
	 * the far side's answer would pass unseen, and an engine that has not seen it lets no payload follow.
	 */
	uint32_t watch = mark_of(shift, DECISION_PENDING, r->generation);
	put_rule(f, "save", "meta mark & 0x%08x == 0 ct mark set ct mark and 0x%08x or 0x%08x", mark_of(shift, 0xf, 0),
	     ~mask, watch);
	put_rule(f, "save", "meta mark & 0x%08x == 0 meta mark set meta mark and 0x%08x accept",
	     mark_of(shift, 0xf, 0), ~mask);
	put_rule(f, "save",
	     "meta mark & 0x%08x == 0x%08x ct mark set ct mark and 0x%08x or 0x%08x meta mark set meta mark "
	     "and 0x%08x accept",
	     mask & ~kind, allow, ~mask, allow, ~mask);
	memory_put_saves(f, r);
	/* Another generation, or a refusal to be remembered by nobody: nothing is saved. */
	put_rule(f, "save", "meta mark & 0x%08x == 0x%08x meta mark set meta mark and 0x%08x accept",
	     mark_of(shift, 7, 0), mark_of(shift, DECISION_ALLOW, 0), ~mask);
	put_rule(f, "save", "meta mark & 0x%08x == 0x%08x goto answer", mask, mark_of(shift, DECISION_REJECT, MARK_GENERATION_STALE));
	put_rule(f, "save", "drop");
}

/*
 * A connection that would go to the queue. The pace is each device's own. Where the set of them is full, which takes more MACs than cameras,
 * those without a place share one pace. Whether one has a place, a second set tells: to look it up in the first would take from its pace.
 */
static void
put_newcomer(FILE *f, const struct plan *p)
{
	char chain[16];

	put_rule(f, "newcomer", "iifname @" RULESET_FAR " meta nfproto ipv4 goto newcomer4");
	put_rule(f, "newcomer", "iifname @" RULESET_FAR " meta nfproto ipv6 goto newcomer6");
	put_rule(f, "newcomer", "goto newcomer_");
	for (size_t i = 0; i < RULESET_FLOODS; i++) {
		const char *suffix = ruleset_floods[i].suffix, *saddr = known_by[i].saddr;
		snprintf(chain, sizeof chain, "newcomer%s", *suffix ? suffix : "_");
		put_rule(f, chain, "%s @flood%s counter name c_flood drop", saddr, suffix);
		put_rule(f, chain, "update @met%s { %s }", suffix, saddr);
		put_rule(f, chain, "update @rate%s { %s limit rate %u/second burst %u packets } return", suffix, saddr, p->new_flows,
		     2 * p->new_flows);
		put_rule(f, chain, "%s @met%s update @flood%s { %s timeout %us }", saddr, suffix, suffix, saddr, p->flood_hold_s);
		put_rule(f, chain, "%s @met%s goto flooded", saddr, suffix);
		put_rule(f, chain, "limit rate %u/second burst %u packets return", p->new_flows, 2 * p->new_flows);
		put_rule(f, chain, "goto flooded");
	}
	put_rule(f, "flooded", "counter name c_flood drop");
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
	put_rule(f, "observe", "meta l4proto udp iifname @" RULESET_CAM " goto heard");
	/* To one host: only answers count, and all else, mostly video, must get by with one look. */
	put_ports(f, "meta pkttype host udp sport !=", "return");
	put_rule(f, "heard", "meta pkttype host goto copy");
	put_ports(f, "udp dport", "goto copy");
	put_ports(f, "udp sport", "goto copy");
	put_rule(f, "heard", "limit rate %d/second goto copy", HEARD_OTHER);
	/* What is on its way elsewhere is the forward hook's. */
	put_rule(f, "copy", "meta pkttype host fib daddr type unicast return");
	put_rule(f, "copy", "update @heard { ether saddr limit rate %d/second burst %d packets } goto tell", HEARD_EACH, 3 * HEARD_EACH);
	put_rule(f, "copy", "counter name c_unheard");
	put_rule(f, "tell", "limit rate %d/second burst %d packets log group %u snaplen %d return", HEARD_ALL, 2 * HEARD_ALL, p->queue, HEARD_BYTES);
	put_rule(f, "tell", "counter name c_unheard");
}

static void
put_answer(FILE *f, uint32_t mask)
{
	/* The answer inherits the packet's mark; our field is no business of its further way. */
	put_rule(f, "answer", "meta mark set meta mark and 0x%08x", ~mask);
	put_rule(f, "answer", "meta l4proto tcp reject with tcp reset");
	put_rule(f, "answer", "reject with icmpx type admin-prohibited");
}

/*
 * Quarantine is asked before the ct mark, so that what is settled is cut as well, and nothing needs to be rewritten when it ends. Towards a
 * device the frame has no MAC yet: there its addresses count. Nobody in it is the usual case and costs no look-up at all.
 */
static void
put_quarantine(FILE *f, const struct quarantine *q, int64_t now_s)
{
	quarantine_put(f, q, now_s);
	put_line(f, "flush chain " TABLE " leaving");
	put_line(f, "flush chain " TABLE " arriving");
	if (q && quarantine_count(q)) {
		put_rule(f, "leaving", "ether saddr @jail goto jailed");
		put_rule(f, "leaving", "ip saddr @jail4 goto jailed");
		put_rule(f, "leaving", "ip6 saddr @jail6 goto jailed");
		put_rule(f, "leaving", "oifname @" RULESET_CAM " goto arriving");
		put_rule(f, "leaving", "oifname @" BRIDGE_SET " goto arriving");
		put_rule(f, "arriving", "ip daddr @jail4 goto jailed");
		put_rule(f, "arriving", "ip6 daddr @jail6 goto jailed");
	}
	put_rule(f, "leaving", "goto look");
	put_rule(f, "arriving", "goto look");
}

static void
put_rules(FILE *f, const struct ruleset *r)
{
	uint32_t mask = mark_mask(r->plan->mark_shift);

	put_look(f, r);
	put_ask(f, r);
	put_save(f, r);
	memory_put_rules(f, r);
	kinds_put_rules(f, r);
	put_answer(f, mask);
	put_quarantine(f, r->quarantine, r->now_s);
	put_rule(f, "jailed", "counter name c_jail drop");
	put_newcomer(f, r->plan);
	bridge_put_rules(f, r);
	if (r->hears)
		put_observe(f, r->plan);
	/* Only camera traffic: on everybody else's packets these bits may mean something else. */
	for (size_t i = 0; i < 2; i++) {
		const char *side = i == 0 ? "iifname" : "oifname";
		put_rule(f, "inspect", "%s @" RULESET_CAM " goto %s", side, i == 0 ? "leaving" : "arriving");
		put_rule(f, "apply", "%s @" RULESET_CAM " meta mark & 0x%08x != 0 goto save", side, mask);
	}
	for (size_t i = 0; i < LOCAL_HOOKS; i++) {
		const struct local_hook *l = &local_hooks[i];
		char chain[32];
		snprintf(chain, sizeof chain, "inspect_%s", l->hook);
		put_rule(f, chain, "%s @" RULESET_CAM " meta l4proto { tcp, udp } th %s 53 goto %s", l->side, l->port, l->way);
		snprintf(chain, sizeof chain, "apply_%s", l->hook);
		put_rule(f, chain, "%s @" RULESET_CAM " meta l4proto { tcp, udp } th %s 53 meta mark & 0x%08x != 0 goto save", l->side, l->port, mask);
	}
}

static void
put_all(FILE *f, const struct ruleset *r)
{
	put_frame(f);
	put_hooks(f, r);
	each_chain(f, "flush");
	memory_put_flushes(f, r);
	kinds_put_flushes(f);
	put_measures(f, r);
	put_cameras(f, r->plan);
	put_rules(f, r);
	bridge_put_table(f, r);
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
	put_line(f, "flush chain " TABLE " " RULESET_TOQ);
	put_rule(f, RULESET_TOQ, "queue %sto %u", plan->fail_closed ? "" : "flags bypass ", plan->queue);
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

static void
put_end(FILE *f, bool bridges)
{
	put_line(f, "add table " TABLE); /* so that the next line cannot fail */
	put_line(f, "delete table " TABLE);
	if (bridges)
		bridge_put_end(f);
}

char *
ruleset_end(bool bridges)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	put_end(f, bridges);
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
	put_end(f, r->bridges);
	put_all(f, r);
	if (native)
		put_toq(f, r->plan);
	return finish(f, &text);
}
