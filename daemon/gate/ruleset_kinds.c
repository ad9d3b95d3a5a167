/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP without payload, and kinds of flows.
 *
 * A flow that user space leaves open, because it waits for what the camera will say, needs user space for payload alone. A segment that
 * carries none is recognised exactly, by lengths that must agree, and passes here in both directions; one that lies about them, or has IP
 * options, queues.
 *
 * A kind is a device (interface, MAC and address), a destination, a transport and a port. Where user space says so, its answer is remembered
 * for all flows of that kind, for a short time and within this generation:
 *
 *	allowt4 allowt6 allowu4 allowu6	  a new flow is allowed without a trip
 *	askt4 askt6			  a SYN passes; the flow's first payload comes
 *
 * A SYN is asked for only where the last flow of its kind turned out to be TLS: of other protocols more than one packet would come in any case. Before
 * a first flow user space may say so by itself, and how long it holds (ahead.c). Whether that goes to another guarded zone is known here alone, so
 * what goes there is no kind.
 *
 * User space sees no SYN of the server, and of the camera's not all: it cannot know at which byte the server begins to read. The server's SYN says
 * it: that number goes into begun4 or begun6, and the segment that begins there carries a hint. What the sets have no room for comes to the queue.
 */
#include <netinet/in.h>
#include <string.h>

#include "bridge.h"
#include "mark.h"
#include "policy.h"
#include "ruleset_write.h"

enum {
	KIND_SET = 65535,
	BEGUN_SET = 262144,
	BEGUN_S = 3600,	   /* until the client speaks; later its first segment waits in vain for a proof of where it belongs */
	BEGUN_AGAIN_S = 5, /* what was sent once may come again */
	DOFF_MIN = 5,	   /* RFC 9293, 3.1: a TCP header in units of 4 bytes */
	DOFF_MAX = 15,
};

/* Usual lengths first: timestamps, none, a SYN's. */
static const uint8_t doffs[] = {8, 5, 10, 11, 6, 7, 9, 12, 13, 14, 15};
_Static_assert(sizeof doffs == DOFF_MAX - DOFF_MIN + 1, "every length of a TCP header has its rule");

static const struct kind {
	const char *set, *type, *key, *chain;
	unsigned decision; /* of the ct mark */
} kinds[] = {
#define KEY4	  "ipv4_addr . ipv4_addr . inet_service"
#define KEY6	  "ipv6_addr . ipv6_addr . inet_service"
#define KIND4(l4) "meta iif . ether saddr . ip saddr . ip daddr . " l4 " dport"
#define KIND6(l4) "meta iif . ether saddr . ip6 saddr . ip6 daddr . " l4 " dport"
	{"allowt4", KEY4, KIND4("tcp"), "kind4", DECISION_ALLOW}, {"allowt6", KEY6, KIND6("tcp"), "kind6", DECISION_ALLOW},
	{"askt4", KEY4, KIND4("tcp"), "kind4", MARK_OPEN},	  {"askt6", KEY6, KIND6("tcp"), "kind6", MARK_OPEN},
	{"allowu4", KEY4, KIND4("udp"), "kindu", DECISION_ALLOW}, {"allowu6", KEY6, KIND6("udp"), "kindu", DECISION_ALLOW},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/*
 * Conntrack's number is a keyed hash that no camera can choose; with it four fields are enough. (With five nft 1.0.6 does not keep the types, and
 * cannot list the set.)
 */
static const struct begun {
	const char *set, *sent, *answered; /* as the client's segment and the server's answer name it */
} begun[] = {
	{"begun4", "ct id . ip daddr . tcp sport . tcp sequence", "ct id . ip saddr . tcp dport . tcp ackseq"},
	{"begun6", "ct id . ip6 daddr . tcp sport . tcp sequence", "ct id . ip6 saddr . tcp dport . tcp ackseq"},
};
enum { BEGUN = sizeof begun / sizeof *begun };

static const char *const chains[] = {"half", "half_near", "begin", "rest", "bare", "bare4", "bare6", "syn4", "syn6", "kind", "kind4", "kind6", "kindu",
				     "learn_allow", "learn_ask", "save_open", "save_confirm", "ask_tcp", "ask_all"};
enum { CHAINS = sizeof chains / sizeof *chains };

const char *
ruleset_kind_set(uint8_t proto, bool ask, bool v4)
{
	return kinds[(proto == IPPROTO_UDP ? 4 : ask ? 2 : 0) + !v4].set;
}

bool
ruleset_is_kind_set(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].set, name) == 0)
			return true;
	return false;
}

static void
put_set(FILE *f, const struct kind *k)
{
	put_line(f, "add set " TABLE " %s { type iface_index . ether_addr . %s; flags dynamic,timeout; size %d; }", k->set, k->type, KIND_SET);
}

void
kinds_put_sets(FILE *f)
{
	for (size_t i = 0; i < KINDS; i++)
		put_set(f, &kinds[i]);
	for (size_t i = 0; i < BEGUN; i++)
		put_line(f, "add set " TABLE " %s { typeof %s; flags dynamic,timeout; timeout %ds; size %d; }", begun[i].set, begun[i].sent,
			 BEGUN_S, BEGUN_SET);
}

void
kinds_put_chains(FILE *f, const char *verb)
{
	for (size_t i = 0; i < CHAINS; i++)
		put_line(f, "%s chain " TABLE " %s", verb, chains[i]);
}

/* Other sets in their place, as for refusals: what the old rules add until the last moment is not the new generation's. */
void
kinds_put_flushes(FILE *f)
{
	for (size_t i = 0; i < KINDS; i++) {
		put_line(f, "delete set " TABLE " %s", kinds[i].set);
		put_set(f, &kinds[i]);
	}
}

void
kinds_put_look(FILE *f, const struct ruleset *r, const char *chain)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t open = mark_of(shift, MARK_OPEN, r->generation), any = mark_of(shift, MARK_OPEN, 0xff);

	put_rule(f, chain, "meta l4proto tcp ct mark & 0x%08x == 0x%08x goto half", any, open);
}

void
kinds_put_hints(FILE *f, const struct ruleset *r, const char *chain)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t asked = mark_of(shift, MARK_OPEN | MARK_KIND, 0), d = mark_of(shift, 0xf, 0);

	put_rule(f, chain, "meta l4proto tcp ct direction original ct state established goto ask_tcp");
	put_rule(f, chain, "goto ask_all");
	/* Of any generation: whatever has payload would have changed the mark. */
	put_rule(f, "ask_tcp", "meta mark set meta mark or 0x%08x", mark_of(shift, MARK_HINT_ANSWERED, 0));
	put_rule(f, "ask_tcp", "ct mark & 0x%08x == 0x%08x meta mark set meta mark or 0x%08x", d, asked, mark_of(shift, MARK_HINT_ASKED, 0));
	for (size_t i = 0; i < BEGUN; i++)
		put_rule(f, "ask_tcp", "ct mark & 0x%08x != 0 %s @%s update @%s { %s timeout %ds } meta mark set meta mark or 0x%08x",
			 mark_of(shift, MARK_OPEN, 0), begun[i].sent, begun[i].set, begun[i].set, begun[i].sent, BEGUN_AGAIN_S,
			 mark_of(shift, MARK_HINT_BEGINS, 0));
	put_rule(f, "ask_tcp", "goto ask_all");
	/* The server's own answer, or the camera's SYN once more. */
	put_rule(f, "ask_all", "ct mark & 0x%08x == 0x%08x meta mark set meta mark or 0x%08x", d, asked, mark_of(shift, MARK_HINT_ASKED, 0));
}

/* The exact test for no payload: both lengths are in the packet, and the kernel has checked that it is as long as it says. */
static void
put_bare(FILE *f, const char *chain, const char *verdict4, const char *verdict6)
{
	char chain4[16], chain6[16];

	snprintf(chain4, sizeof chain4, "%s4", chain);
	snprintf(chain6, sizeof chain6, "%s6", chain);
	for (size_t i = 0; i < sizeof doffs; i++) {
		put_rule(f, chain4, "ip length %u tcp doff %u %s", 20 + 4u * doffs[i], doffs[i], verdict4);
		put_rule(f, chain6, "ip6 length %u tcp doff %u %s", 4u * doffs[i], doffs[i], verdict6);
	}
}

static void
put_half(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t d = mark_of(shift, 0xf, 0), mask = mark_mask(shift), allow = mark_of(shift, DECISION_ALLOW, r->generation);

	/* A SYN that comes again may name another beginning, and which of them the server answers is to be seen. */
	put_rule(f, "half", "tcp flags & (syn|ack) == syn goto ask");
	/* A camera can send in its server's name, or its neighbour for it: what comes by its own interface tells nothing of a server. */
	put_rule(f, "half", "iifname @" RULESET_CAM " goto half_near");
	put_rule(f, "half", BRIDGE_FROM " goto half_near");
	put_rule(f, "half", "tcp flags & (syn|ack) == (syn|ack) ct direction reply goto begin");
	put_rule(f, "half", "jump bare");
	/*
	 * A ServerHello (RFC 8446, 5.1: record type 22, version 3.x; 4: message type 2) answers the ClientHello that was judged: the server has
	 * those bytes and will read no others in their place.
	 */
	put_rule(f, "half",
		 "ct mark & 0x%08x == 0x%08x ct direction reply @ih,0,16 0x1603 @ih,40,8 2 ct mark set ct mark and 0x%08x or 0x%08x counter name c_offload "
		 "accept",
		 d, mark_of(shift, MARK_CONFIRM, 0), ~mask, allow);
	put_rule(f, "half", "goto ask");
	put_rule(f, "half_near", "tcp flags & syn == syn goto ask");
	put_rule(f, "half_near", "jump bare");
	put_rule(f, "half_near", "goto ask");
	/* A full set ends its rule, and user space sees the server's SYN itself. */
	for (size_t i = 0; i < BEGUN; i++)
		put_rule(f, "begin", "update @%s { %s } goto rest", begun[i].set, begun[i].answered);
	put_rule(f, "begin", "goto ask");
	put_rule(f, "rest", "jump bare");
	put_rule(f, "rest", "goto ask");
	put_rule(f, "bare", "ip hdrlength 5 goto bare4");
	put_rule(f, "bare", "ip6 nexthdr tcp goto bare6");
	put_bare(f, "bare", "counter name c_bare accept", "counter name c_bare accept");
}

static void
put_kind(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t mask = mark_mask(shift);

	put_rule(f, "kind", "oifname @" RULESET_CAM " return");
	put_rule(f, "kind", "meta l4proto udp goto kindu");
	put_rule(f, "kind", "tcp flags & (fin|syn|rst|psh|ack|urg) != syn return");
	put_rule(f, "kind", "ip hdrlength 5 goto syn4");
	put_rule(f, "kind", "ip6 nexthdr tcp goto syn6");
	put_bare(f, "syn", "goto kind4", "goto kind6");
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		uint32_t decided = mark_of(shift, k->decision | MARK_KIND, r->generation);
		put_rule(f, k->chain, "%s @%s ct mark set ct mark and 0x%08x or 0x%08x counter name c_kind accept", k->key, k->set, ~mask, decided);
		put_rule(f, k->decision == DECISION_ALLOW ? "learn_allow" : "learn_ask", "update @%s { %s timeout %us }", k->set, k->key,
			 r->plan->kind_memory_s);
	}
}

void
kinds_put_saves(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;
	uint32_t mask = mark_mask(shift), confirm = mark_of(shift, MARK_CONFIRM, r->generation), open = mark_of(shift, MARK_OPEN, r->generation);
	uint32_t allow = mark_of(shift, DECISION_ALLOW, r->generation), kind = mark_of(shift, MARK_KIND, 0);

	put_rule(f, "save", "meta mark & 0x%08x == 0x%08x goto save_confirm", mask & ~kind, confirm);
	put_rule(f, "save_confirm", "ct mark set ct mark and 0x%08x or 0x%08x", ~mask, confirm);
	/* Of another generation, open says only that what carries payload must come again; of a confirmation no more than that is left. */
	put_rule(f, "save", "meta mark & 0x%08x != 0 goto save_open", mark_of(shift, MARK_OPEN, 0));
	put_rule(f, "save_open", "ct mark set ct mark and 0x%08x or 0x%08x", ~mask, open);
	if (r->plan->kind_memory_s) {
		put_rule(f, "save_confirm", "meta mark & 0x%08x == 0x%08x jump learn_ask", kind, kind);
		put_rule(f, "save", "meta mark & 0x%08x == 0x%08x jump learn_allow", mask, allow | kind);
	}
	put_rule(f, "save_open", "meta mark set meta mark and 0x%08x accept", ~mask);
	put_rule(f, "save_confirm", "meta mark set meta mark and 0x%08x accept", ~mask);
}

void
kinds_put_rules(FILE *f, const struct ruleset *r)
{
	put_half(f, r);
	if (r->plan->kind_memory_s)
		put_kind(f, r);
}
