/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Destinations become rules, each with what it rests on; see learn.h. Whatever came from the wire stands in quotes or, as ASCII, in remarks. */
#include "learn.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "listing.h"
#include "policy.h"

enum { DAY_S = 86400, SETTLED_DAYS = 3 };

void
yaml_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\x%02x", *s);
		else
			putc(*s, out);
	}
	putc('"', out);
}

void
yaml_remark(FILE *out, const char *text)
{
	for (const char *s = text; *s; s++)
		putc(*s >= 0x20 && *s < 0x7f ? *s : '?', out);
}

static void
quoted_list(FILE *out, const struct texts *t)
{
	putc('[', out);
	for (size_t i = 0; i < t->n; i++) {
		fputs(i ? ", " : "", out);
		yaml_quoted(out, t->list[i]);
	}
	putc(']', out);
}

static void
remark_list(FILE *out, const char *lead, const struct texts *t)
{
	for (size_t i = 0; i < t->n; i++) {
		fputs(i ? ", " : lead, out);
		yaml_remark(out, t->list[i]);
	}
	if (t->more)
		fprintf(out, " and %zu more", t->more);
}

/* ---- one rule ---- */

static const char *
transport(uint8_t proto, char out[16])
{
	const char *name = proto_name(proto);

	snprintf(out, 16, "%u", proto);
	return name ? name : out;
}

static void
write_ports(FILE *out, const struct destination *d)
{
	char number[16];
	const char *name = transport(d->ip_proto, number);
	uint32_t low = UINT16_MAX, high = 0;

	for (size_t i = 0; i < d->ports.n; i++) {
		low = d->ports.list[i] < low ? d->ports.list[i] : low;
		high = d->ports.list[i] > high ? d->ports.list[i] : high;
	}
	fputs("    port: [", out);
	if (!d->has_port)
		fprintf(out, "\"%s\"", name);
	else if (d->ports.n > LEARN_PORTS)
		fprintf(out, "\"%s/%u-%u\"", name, low, high);
	else
		for (size_t i = 0; i < d->ports.n; i++)
			fprintf(out, "%s\"%s/%u\"", i ? ", " : "", name, d->ports.list[i]);
	fputs("]\n", out);
}

static bool
knows_operator(const struct destination *d)
{
	for (size_t i = 0; i < d->asns.n; i++)
		if (d->asns.list[i] == 0)
			return false;
	return d->asns.n > 0 && d->asns.more == 0;
}

static void
write_operator(FILE *out, const struct destination *d)
{
	fputs(", asn: [", out);
	for (size_t i = 0; i < d->asns.n; i++)
		fprintf(out, "%s%u", i ? ", " : "", d->asns.list[i]);
	fputs("]", out);
}

static void
write_far_side(struct lesson *l, FILE *out, const struct destination *d)
{
	struct texts patterns = {0};

	fputs("    to: ", out);
	switch (d->kind) {
	case LEARN_ZONE:
		yaml_quoted(out, d->label);
		break;
	case LEARN_QUERY:
	case LEARN_LOCAL:
		fputs("{address: ", out);
		yaml_quoted(out, d->label);
		putc('}', out);
		break;
	case LEARN_NAME:
		learn_patterns(l, l->history, &d->names, &patterns);
		fputs("{name: ", out);
		quoted_list(out, &patterns);
		if (d->guess)
			fputs(", trust-sni: true", out);
		if (knows_operator(d)) {
			write_operator(out, d);
		} else if (d->guess) {
			fputs(", address: ", out);
			quoted_list(out, &d->addresses);
		}
		putc('}', out);
		break;
	case LEARN_UNNAMED:
		fputs("{address: ", out);
		quoted_list(out, &d->addresses);
		putc('}', out);
		break;
	}
	putc('\n', out);
}

static void
write_facts(FILE *out, const struct destination *d, const char *indent)
{
	char bytes[LISTING_SIZE], first[LISTING_TIME], last[LISTING_TIME];

	fprintf(out, "%s# %llu time%s, ", indent, (unsigned long long)d->flows, d->flows == 1 ? "" : "s");
	if (d->bytes)
		fprintf(out, "%s bytes, ", listing_size(d->bytes, false, bytes));
	fprintf(out, "from %s to %s UTC", listing_time(d->first_us, true, first), listing_time(d->last_us, true, last));
	remark_list(out, "; by ", &d->devices);
	remark_list(out, "; in ", &d->countries);
	remark_list(out, "; operator ", &d->operators);
	putc('\n', out);
}

static void
write_rule(struct lesson *l, FILE *out, const struct destination *d, const char *name)
{
	struct texts patterns = {0};

	fprintf(out, "  - name: \"%s\"\n    from: {device: ", name);
	quoted_list(out, &l->groups[d->group].devices);
	fputs("}\n", out);
	write_far_side(l, out, d);
	write_ports(out, d);
	if (d->kind == LEARN_QUERY) {
		learn_patterns(l, l->history, &d->names, &patterns);
		fputs("    protocol: [\"dns\"]\n    query: ", out);
		quoted_list(out, &patterns);
		putc('\n', out);
	} else if (d->protocols.n && !d->protocols.more) {
		fputs("    protocol: ", out);
		quoted_list(out, &d->protocols);
		putc('\n', out);
	}
	if (d->inbound)
		fputs("    direction: inbound\n", out);
	fputs("    action: allow\n", out);
	if (d->guess)
		fputs("    # No DNS answer proves this name, the device says it: so its operator or address goes with it.\n", out);
	if (d->unrecognised)
		fputs("    # Nobody recognised what was spoken there: strike this rule unless you know what it is.\n", out);
	write_facts(out, d, "    ");
}

/* ---- what is left out ---- */

static const char *
too_wide(const struct destination *d)
{
	if (d->kind == LEARN_QUERY && d->names.more)
		return "too many names under one domain: that can be data in names";
	if (d->kind == LEARN_NAME && d->names.more)
		return "too many names to list";
	if ((d->kind == LEARN_UNNAMED || (d->guess && !knows_operator(d))) && d->addresses.n + d->addresses.more > LEARN_ADDRESSES)
		return "too many addresses without a proved name";
	if (d->ip_proto == IPPROTO_TCP || d->ip_proto == IPPROTO_UDP || proto_name(d->ip_proto))
		return "";
	return "a transport that has no name in a policy";
}

static void
write_left_out(FILE *out, const struct destination *d, const char *why)
{
	char number[16];

	fprintf(out, "  # NOT PROPOSED: %s", d->inbound ? "from " : "");
	if (d->kind == LEARN_QUERY) {
		remark_list(out, "the question ", &d->names);
		fputs(" at ", out);
	} else if (d->kind == LEARN_NAME) {
		remark_list(out, "", &d->names);
		fputs(", ", out);
	} else if (d->kind == LEARN_UNNAMED) {
		remark_list(out, "", &d->addresses);
		fputs(", ", out);
	}
	yaml_remark(out, d->label);
	fprintf(out, " %s", transport(d->ip_proto, number));
	if (d->has_port)
		fprintf(out, "/%u", d->port);
	if (d->ports.n > 1)
		fprintf(out, " and %zu more ports", d->ports.n - 1 + d->ports.more);
	remark_list(out, " ", &d->protocols);
	fputs(": ", out);
	yaml_remark(out, why);
	fputs(".\n", out);
	write_facts(out, d, "  ");
}

/* ---- groups ---- */

/* What is narrower comes first: a rule that names no protocol covers its sister that does. */
static int
in_order(const void *a, const void *b)
{
	const struct destination *x = a, *y = b;
	const int by[] = {x->group < y->group ? -1 : x->group > y->group, !!*x->why - !!*y->why, (int)y->kind - (int)x->kind,
			  strcmp(x->label, y->label), (int)x->ip_proto - y->ip_proto, (int)x->port - y->port,
			  (int)(y->protocols.n > 0) - (int)(x->protocols.n > 0), x->first_us < y->first_us ? -1 : x->first_us > y->first_us};

	for (size_t i = 0; i < sizeof by / sizeof *by; i++)
		if (by[i])
			return by[i];
	return 0;
}

static double
days(int64_t us)
{
	return (double)(us < 0 ? 0 : us) / 1e6 / DAY_S;
}

static void
write_group(struct lesson *l, FILE *out, size_t group)
{
	const struct device_group *g = &l->groups[group];
	double quiet = days(l->until_us - g->newest_us), seen = days(l->until_us - g->first_us);
	unsigned rule = 0;
	char name[64];

	fputs("\n  # ", out);
	yaml_remark(out, g->title);
	remark_list(out, ": ", &g->devices);
	fprintf(out, ". %llu connections and questions in %.1f days; the last new destination came %.1f days ago: %s.\n",
		(unsigned long long)g->flows, seen, quiet,
		quiet >= SETTLED_DAYS && seen >= 2 * SETTLED_DAYS ? "settled" : "not settled yet, go on learning");
	for (size_t i = 0; i < l->n; i++) {
		const struct destination *d = &l->list[i];
		const char *why = *d->why ? d->why : too_wide(d);
		if (d->group != group)
			continue;
		if (*why) {
			write_left_out(out, d, why);
			continue;
		}
		snprintf(name, sizeof name, "learned-%zu-%u", group + 1, ++rule);
		write_rule(l, out, d, name);
	}
}

static void
write_rest(struct lesson *l, FILE *out)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(l->policy, &n);
	struct texts guarded = {0};

	for (size_t i = 0; i < n; i++)
		if (zones[i].n_interfaces)
			texts_add(&guarded, zones[i].name);
	fputs("\n  # Whatever was not seen, between zones too: default: does not speak about these.\n"
	      "  - name: \"not-learned\"\n    from: ", out);
	quoted_list(out, &guarded);
	fputs("\n    to: any\n    direction: any\n    action: block\n    alert: medium\n", out);
}

static void
write_introduction(struct lesson *l, FILE *out)
{
	char from[LISTING_TIME], to[LISTING_TIME];
	size_t runs = 0;

	for (size_t i = 0; i < l->history->n_runs; i++)
		runs += l->history->runs[i].us >= l->since_us && l->history->runs[i].us <= l->until_us;
	fprintf(out, "# A proposal, and nothing but what was seen: read it, strike what has no business there, then\n"
		     "# `lenscap check`, `lenscap diff` and only then put it to use. Rules of the policy in force\n"
		     "# (%s) are not in it; all else of that policy is. Learnt from %llu rows of history,\n"
		     "# %s to %s UTC; the daemon was started %zu time%s in it.\n",
		policy_id(l->policy), (unsigned long long)l->rows, listing_time(l->since_us, true, from), listing_time(l->until_us, true, to), runs,
		runs == 1 ? "" : "s");
	if (l->history->cut || l->history->bad)
		fprintf(out, "# NOT COMPLETE: %llu rows of the history made no sense%s.\n", (unsigned long long)l->history->bad,
			l->history->cut ? ", and there is more than fits: learn from a shorter time" : "");
}

static int
by_letters(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Rows come in no order that means anything: the same history always gives the same text. */
static void
sort_texts(struct lesson *l)
{
	for (size_t i = 0; i < l->n_groups; i++)
		qsort(l->groups[i].devices.list, l->groups[i].devices.n, sizeof(char *), by_letters);
	for (size_t i = 0; i < l->n; i++) {
		struct texts *const all[] = {&l->list[i].names,	    &l->list[i].protocols, &l->list[i].addresses,
					     &l->list[i].devices,   &l->list[i].countries, &l->list[i].operators};
		for (size_t k = 0; k < sizeof all / sizeof *all; k++)
			qsort(all[k]->list, all[k]->n, sizeof(char *), by_letters);
	}
}

void
learn_write(struct lesson *l, FILE *out)
{
	sort_texts(l);
	if (l->n)
		qsort(l->list, l->n, sizeof *l->list, in_order);
	write_introduction(l, out);
	learn_write_head(l, out);
	fputs("\nrules:\n", out);
	for (size_t g = 0; g < l->n_groups; g++)
		write_group(l, out, g);
	write_rest(l, out);
	fputs("\ndefault: {action: block, alert: medium}\n", out);
	learn_write_tail(l, out);
}
