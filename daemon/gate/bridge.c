/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame's way across a bridge of which some ports are guarded:
 *
 *	bridge  prerouting	it came in by a guarded port: our field of the mark says so (for what this machine takes in or routes)
 *	bridge  forward -2	by which of its two ports it is a camera's: from, to, or inside (from one guarded port to another)
 *	inet    forward -150	br_netfilter hands it to `inspect`, which knows a bridge only by the bridge's own name: the mark tells
 *				leaving from arriving. From here on skb->priority says it, which nobody uses in between: the verdict
 *				of user space overwrites the mark. The VLAN's number travels there as well
 *	inet    forward -149	`apply`, as for everybody
 *	bridge  forward 1	an IP packet that carries no such sign has not been judged: br_netfilter is off, or somebody has
 *				overwritten the mark. fail: says what becomes of it; it is counted
 *
 * So only the port by which a frame came and will leave decides what it is, and both are asked before and behind the judgement.
 *
 * The queue is no statement of every kernel's bridge family, nor is reject in its forward hook, and connections are tracked there only with a
 * module that excludes br_netfilter's: one way, br_netfilter's, is walked on all kernels.
 */
#include "bridge.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mark.h"
#include "policy.h"
#include "ruleset_write.h"

/* In our field on the way from the bridge's hooks to `inspect`: the generation that never is, and a decision that means nothing there. */
enum side { SIDE_INSIDE, SIDE_FROM, SIDE_TO };

/* In skb->priority from there on: 0x4c43, the side, twelve bits of VLAN. The engine reads it (daemon/engine/nfq.c). */
#define PRIORITY_FROM "0x4c431000"
#define PRIORITY_TO   "0x4c432000"
#define PRIORITY_OURS "meta priority & 0xffff0000 == 0x4c430000"

#define DNS	"meta l4proto { tcp, udp } th %s 53"
#define IP_ONLY "meta protocol { ip, ip6 }"
/* What carries other packets where no rule can see them: a second VLAN tag, PPPoE, MPLS, bridges in bridges, MACsec. */
#define HIDING "meta protocol { 0x8100, 0x88a8, 0x8864, 0x8847, 0x8848, 0x88e7, 0x6558, 0x88e5 }"
/* Hop limit 255 proves that no router was passed (RFC 4861, 7.1.1). */
#define NEIGHBOUR                                                                                                                     \
	"icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255"
/* Who listens to which group (RFC 2710, 3810; RFC 2236, 3376): no router forwards it. */
#define LISTENERS6 "icmpv6 type { 130, 131, 132, 143 } ip6 hoplimit 1"
#define LISTENERS4 "ip protocol igmp ip ttl 1"

#define DHCP_ANSWER4 "udp sport 67 udp dport 68"
#define DHCP_ANSWER6 "udp sport 547 udp dport 546"

enum {
	NEAR_S = 7200,
	NEAR_SET = 4096,
	VLAN_BITS = 12,
};
#define AGAIN_NS 10000000000ull

static const char *const chains[] = {"bridged", "link_from", "link_to", "link_inside", "link_pass", "link_vlan"};
enum { CHAINS = sizeof chains / sizeof *chains };

bool
bridge_wanted(const struct plan *p)
{
	for (uint32_t i = 0; i < p->n_interfaces && i < PLAN_INTERFACES; i++)
		if (p->bridges[i][0])
			return true;
	return false;
}

void
bridge_put_sets(FILE *f)
{
	put_line(f, "add set " TABLE " " BRIDGE_SET " { type ifname; }");
	put_line(f, "add set " TABLE " " BRIDGE_NEAR " { type ipv6_addr; flags dynamic,timeout; timeout %ds; size %d; }", NEAR_S, NEAR_SET);
}

void
bridge_put_chains(FILE *f, const char *verb)
{
	for (size_t i = 0; i < CHAINS; i++)
		put_line(f, "%s chain " TABLE " %s", verb, chains[i]);
}

void
bridge_put_members(FILE *f, const struct plan *p)
{
	put_line(f, "flush set " TABLE " " BRIDGE_SET);
	for (uint32_t i = 0; i < p->n_interfaces && i < PLAN_INTERFACES; i++)
		if (p->bridges[i][0])
			put_line(f, "add element " TABLE " " BRIDGE_SET " { \"%.*s\" }", PLAN_IFNAME, p->bridges[i]);
}

/*
 * tidy: what was routed from a bridge goes on with its priority as it would have been; what was bridged is tidied by the bridge's own chain.
 *
 * alone: a frame to everybody leaves by every port, and all its copies share one connection that nothing has confirmed yet. The kernel refuses
 * to queue such copies. What hosts say to their link is no connection anyway, so each packet of it is judged for itself.
 */
static const struct hook {
	const char *chain, *hook;
} hooks[] = {{"tidy", "forward priority -148"}, {"alone", "prerouting priority -299"}};
enum { HOOKS = sizeof hooks / sizeof *hooks };

void
bridge_put_hooks(FILE *f, const struct ruleset *r)
{
	if (!bridge_wanted(r->plan) && !r->bridged)
		return;
	for (size_t i = 0; i < HOOKS; i++) {
		put_line(f, "add chain " TABLE " %s { type filter hook %s; policy accept; }", hooks[i].chain, hooks[i].hook);
		put_line(f, "flush chain " TABLE " %s", hooks[i].chain);
		if (!bridge_wanted(r->plan))
			put_line(f, "delete chain " TABLE " %s", hooks[i].chain);
	}
	if (!bridge_wanted(r->plan))
		return;
	put_rule(f, "tidy", "iifname @" BRIDGE_SET " oifname != @" BRIDGE_SET " " PRIORITY_OURS " meta priority set 0");
	put_rule(f, "alone", "iifname @" BRIDGE_SET " meta pkttype broadcast notrack");
	put_rule(f, "alone", "iifname @" BRIDGE_SET " meta pkttype multicast ip daddr { 224.0.0.0/24, 239.255.255.250 } notrack");
	put_rule(f, "alone", "iifname @" BRIDGE_SET " meta pkttype multicast ip6 daddr ff02::/16 notrack");
}

/* Constants alone: whether a field of the packet is swapped on its way into the priority depends on the version of nft. */
static void
put_vlan(FILE *f, const struct ruleset *r)
{
	unsigned shift = r->plan->mark_shift;

	/* The number is for user space, to which nothing of a settled flow comes. */
	put_rule(f, "link_vlan", "ct mark & 0x%08x == 0x%08x return", mark_mask(shift) & ~mark_of(shift, MARK_KIND, 0),
		 mark_of(shift, DECISION_ALLOW, r->generation));
	for (unsigned bit = 0; bit < VLAN_BITS; bit++)
		put_rule(f, "link_vlan", "vlan id & 0x%03x != 0 meta priority set meta priority or 0x%08x", 1u << bit, 1u << bit);
}

static void
put_link(FILE *f, const char *chain, const char *priority)
{
	put_rule(f, chain, "meta priority set %s", priority);
	put_rule(f, chain, "ether type vlan jump link_vlan");
	put_rule(f, chain, LISTENERS6 " goto link_pass");
	put_rule(f, chain, LISTENERS4 " goto link_pass");
}

/*
 * Neighbour discovery passes, and only that: a message with this type and hop limit may carry anything to anywhere, and the router beyond
 * the bridge would forward it. So it is for the link, or for a neighbour who was heard there.
 */
static void
put_from(FILE *f, const struct ruleset *r)
{
	put_link(f, "link_from", PRIORITY_FROM);
	put_rule(f, "link_from", "" NEIGHBOUR " ip6 daddr { fe80::/10, ff02::/16 } goto link_pass");
	put_rule(f, "link_from", "" NEIGHBOUR " ip6 daddr @" BRIDGE_NEAR " goto link_pass");
	put_rule(f, "link_from", "" NEIGHBOUR " counter name %s %s", ruleset_counters[C_INVALID],
	    r->plan->enforce ? "drop" : "goto link_pass");
	put_rule(f, "link_from", "ct state untracked jump newcomer");
	put_rule(f, "link_from", "goto leaving");
	put_link(f, "link_inside", PRIORITY_FROM);
	put_rule(f, "link_inside", "" NEIGHBOUR " goto link_pass");
	put_rule(f, "link_inside", "ct state untracked jump newcomer");
	put_rule(f, "link_inside", "goto leaving");
	put_link(f, "link_to", PRIORITY_TO);
	put_rule(f, "link_to", "" NEIGHBOUR " update @" BRIDGE_NEAR " { ip6 saddr }");
	put_rule(f, "link_to", "" NEIGHBOUR " goto link_pass");
	/* It is for an address that no device has yet, so nobody could say which. What a camera asks for is judged like all that it says. */
	put_rule(f, "link_to", DHCP_ANSWER4 " goto link_pass");
	put_rule(f, "link_to", DHCP_ANSWER6 " goto link_pass");
	put_rule(f, "link_to", "goto arriving");
}

static void
put_dispatch(FILE *f, const struct ruleset *r)
{
	static const struct {
		enum side side;
		const char *chain;
	} ways[] = {{SIDE_FROM, "link_from"}, {SIDE_TO, "link_to"}, {SIDE_INSIDE, "link_inside"}};
	unsigned shift = r->plan->mark_shift;
	uint32_t mask = mark_mask(shift), from = mark_of(shift, SIDE_FROM, MARK_GENERATION_STALE);

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		put_rule(f, "bridged", "meta mark & 0x%08x == 0x%08x goto %s", mask,
		    mark_of(shift, ways[i].side, MARK_GENERATION_STALE), ways[i].chain);
	put_rule(f, "inspect", "iifname @" BRIDGE_SET " jump bridged");
	/* Routed by this machine: to which port it will go, nobody knows yet. */
	put_rule(f, "inspect", "iifname != @" BRIDGE_SET " oifname @" BRIDGE_SET " goto arriving");
	put_rule(f, "apply", "iifname @" BRIDGE_SET " " PRIORITY_OURS " meta mark & 0x%08x != 0 goto save", mask);
	put_rule(f, "apply", "iifname != @" BRIDGE_SET " oifname @" BRIDGE_SET " meta mark & 0x%08x != 0 goto save", mask);
	put_rule(f, "inspect_input", "iifname @" BRIDGE_SET " " DNS " meta mark & 0x%08x == 0x%08x goto link_from", "dport", mask,
	    from);
	put_rule(f, "apply_input", "iifname @" BRIDGE_SET " " DNS " " PRIORITY_OURS " meta mark & 0x%08x != 0 goto save", "dport",
	    mask);
	/* Whom it is for shows in the mark of what it answers. */
	put_rule(f, "inspect_output", "oifname @" BRIDGE_SET " " DNS " ct mark & 0x%08x != 0 goto arriving", "sport", mask);
	put_rule(f, "apply_output", "oifname @" BRIDGE_SET " " DNS " ct mark & 0x%08x != 0 meta mark & 0x%08x != 0 goto save", "sport",
	    mask, mask);
	if (r->hears)
		put_rule(f, "observe", "meta l4proto udp iifname @" BRIDGE_SET " meta mark & 0x%08x == 0x%08x goto heard", mask, from);
}

void
bridge_put_rules(FILE *f, const struct ruleset *r)
{
	if (!bridge_wanted(r->plan))
		return;
	put_vlan(f, r);
	put_from(f, r);
	put_rule(f, "link_pass", "meta mark set meta mark and 0x%08x accept", ~mark_mask(r->plan->mark_shift));
	put_dispatch(f, r);
}

static void
put_ports(FILE *f, const struct plan *p)
{
	const char *between = "{ ";

	for (uint32_t i = 0; i < p->n_interfaces && i < PLAN_INTERFACES; i++)
		if (p->bridges[i][0]) {
			fprintf(f, "%s\"%.*s\"", between, PLAN_IFNAME, p->interfaces[i]);
			between = ", ";
		}
	fputs(" }", f);
}

/* "add rule bridge lenscap CHAIN iifname { ports } …" */
static void frames(FILE *f, const struct plan *p, const char *chain, const char *side, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static void
frames(FILE *f, const struct plan *p, const char *chain, const char *side, const char *fmt, ...)
{
	va_list ap;

	fprintf(f, "add rule " BRIDGE_TABLE " %s %s ", chain, side);
	put_ports(f, p);
	fputc(' ', f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
}

void
bridge_put_end(FILE *f)
{
	put_line(f, "add table " BRIDGE_TABLE);
	put_line(f, "delete table " BRIDGE_TABLE);
}

static void
put_frame_chains(FILE *f)
{
	static const char *const names[] = {"came", "before", "behind", "mine", "seen"};

	put_line(f, "add table " BRIDGE_TABLE);
	put_line(f, "add counter " BRIDGE_TABLE " c_hidden"); /* not IP, and IP may be in it */
	put_line(f, "add counter " BRIDGE_TABLE " " BRIDGE_UNSEEN);
	put_line(f, "add counter " BRIDGE_TABLE " c_other");	 /* neither: ARP and what else keeps a link going */
	put_line(f, "add chain " BRIDGE_TABLE " came { type filter hook prerouting priority -1; policy accept; }");
	put_line(f, "add chain " BRIDGE_TABLE " before { type filter hook forward priority -2; policy accept; }");
	put_line(f, "add chain " BRIDGE_TABLE " behind { type filter hook forward priority 1; policy accept; }");
	put_line(f, "add chain " BRIDGE_TABLE " mine");
	put_line(f, "add chain " BRIDGE_TABLE " seen");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		put_line(f, "flush chain " BRIDGE_TABLE " %s", names[i]);
}

void
bridge_put_table(FILE *f, const struct ruleset *r)
{
	static const char *const sides[] = {"iifname", "oifname"};
	const struct plan *p = r->plan;
	unsigned shift = p->mark_shift;
	uint32_t keep = ~mark_mask(shift);

	if (!r->bridges)
		return;
	if (!bridge_wanted(p)) {
		if (r->bridged)
			bridge_put_end(f);
		return;
	}
	put_frame_chains(f);
	frames(f, p, "came", "iifname", IP_ONLY " meta mark set meta mark and 0x%08x or 0x%08x", keep,
	       mark_of(shift, SIDE_FROM, MARK_GENERATION_STALE));
	for (size_t i = 0; i < 2; i++)
		frames(f, p, "before", sides[i], "jump mine");
	frames(f, p, "before", "iifname", IP_ONLY " meta mark set meta mark and 0x%08x or 0x%08x", keep,
	       mark_of(shift, SIDE_FROM, MARK_GENERATION_STALE));
	frames(f, p, "before", "oifname", IP_ONLY " meta mark set meta mark and 0x%08x or 0x%08x", keep,
	       mark_of(shift, SIDE_TO, MARK_GENERATION_STALE));
	fputs("add rule " BRIDGE_TABLE " before iifname ", f);
	put_ports(f, p);
	fputc(' ', f);
	fputs("oifname ", f);
	put_ports(f, p);
	put_line(f, " " IP_ONLY " meta mark set meta mark and 0x%08x or 0x%08x", keep, mark_of(shift, SIDE_INSIDE, MARK_GENERATION_STALE));
	put_line(f, "add rule " BRIDGE_TABLE " mine meta priority set 0");
	put_line(f, "add rule " BRIDGE_TABLE " mine " HIDING " counter name c_hidden %s", p->enforce ? "drop" : "accept");
	put_line(f, "add rule " BRIDGE_TABLE " mine meta protocol != { ip, ip6 } counter name c_other");
	for (size_t i = 0; i < 2; i++)
		frames(f, p, "behind", sides[i], IP_ONLY " goto seen");
	put_line(f, "add rule " BRIDGE_TABLE " seen " PRIORITY_OURS " meta priority set 0 accept");
	put_line(f, "add rule " BRIDGE_TABLE " seen counter name " BRIDGE_UNSEEN " %s", p->fail_closed ? "drop" : "accept");
}

/* net.bridge.*: packets of both families to the inet table, those with a VLAN tag too. */
static const char *const switches[BRIDGE_SWITCHES] = {"bridge-nf-call-iptables", "bridge-nf-call-ip6tables",
						      "bridge-nf-filter-vlan-tagged"};

static int
open_switch(size_t i, int flags)
{
	char path[96];

	snprintf(path, sizeof path, "/proc/sys/net/bridge/%s", switches[i]);
	return open(path, flags | O_CLOEXEC);
}

static char
read_switch(size_t i)
{
	char value = 0;
	int fd = open_switch(i, O_RDONLY);

	if (fd >= 0 && read(fd, &value, 1) != 1)
		value = 0;
	if (fd >= 0)
		close(fd);
	return value;
}

static bool
write_switch(size_t i, char value)
{
	const char text[] = {value, '\n'};
	int fd = open_switch(i, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, sizeof text) == (ssize_t)sizeof text;

	if (fd >= 0)
		close(fd);
	return ok;
}

void
bridge_switch_on(struct bridge_switches *s, const struct plan *p)
{
	if (!bridge_wanted(p)) {
		bridge_switch_back(s);
		return;
	}
	for (size_t i = 0; i < BRIDGE_SWITCHES; i++) {
		char now = read_switch(i);
		if (now == '1')
			continue;
		if (!write_switch(i, '1')) {
			log_warnx("the bridge's packets %s be handed to the rules: load br_netfilter, then run sysctl -w net.bridge.%s=1; "
				  "/etc/modules-load.d and /etc/sysctl.d keep both. Until then fail: %s is what becomes of them",
				  i == 2 ? "with a VLAN tag may not" : "may not", switches[i], p->fail_closed ? "closed" : "open");
			continue;
		}
		if (!s->before[i])
			s->before[i] = now;
	}
}

void
bridge_switch_again(struct bridge_switches *s, const struct plan *p, uint64_t now_ns)
{
	if (s->tried_ns && now_ns - s->tried_ns < AGAIN_NS)
		return;
	s->tried_ns = now_ns;
	log_warnx("packets of the bridge have come round the rules: is br_netfilter switched off, does somebody set our bits of the mark?");
	bridge_switch_on(s, p);
}

void
bridge_switch_back(struct bridge_switches *s)
{
	for (size_t i = 0; i < BRIDGE_SWITCHES; i++) {
		if (s->before[i] && s->before[i] != '1')
			(void)write_switch(i, s->before[i]);
		s->before[i] = 0;
	}
}
