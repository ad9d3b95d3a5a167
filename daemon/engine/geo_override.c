/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The owner's corrections: which networks are elsewhere than the databases believe.
 *
 * A sorted array in which each network knows the next wider one around it. The longest match of an address is then its
 * predecessor in the order or a network around that, and no network shares more leading bits with it than its two neighbours.
 */
#include "geo_private.h"

#include <stdlib.h>

struct entry {
	struct geo_override o;
	size_t order; /* place in the owner's list */
	int around;   /* index of the next wider network, -1: none */
};

struct geo_overrides {
	size_t n;
	struct entry list[];
};

/* By address, then the wider first; of two equal ones the owner's first comes last, and so is met first on the way out. */
static int
compare(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int r = addr_cmp(&a->o.network.addr, &b->o.network.addr);

	if (r)
		return r;
	if (a->o.network.len != b->o.network.len)
		return a->o.network.len < b->o.network.len ? -1 : 1;
	return a->order > b->order ? -1 : 1;
}

struct geo_overrides *
geo_overrides_new(const struct geo_override *list, size_t n)
{
	struct geo_overrides *o = calloc(1, sizeof *o + n * sizeof *o->list);

	if (!o)
		return NULL;
	o->n = n;
	for (size_t i = 0; i < n; i++)
		o->list[i] = (struct entry){list[i], i, -1};
	if (n)
		qsort(o->list, n, sizeof *o->list, compare);
	for (size_t i = 1; i < n; i++) {
		int wider = (int)i - 1;
		while (wider >= 0 && !prefix_covers(&o->list[wider].o.network, &o->list[i].o.network.addr))
			wider = o->list[wider].around;
		o->list[i].around = wider;
	}
	return o;
}

void
geo_overrides_free(struct geo_overrides *o)
{
	free(o);
}

/* How many networks begin at or before a. */
static size_t
count_up_to(const struct geo_overrides *o, const struct addr *a)
{
	size_t lo = 0, hi = o->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (addr_cmp(&o->list[mid].o.network.addr, a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
state(const struct geo_override *o, struct geo_stated *stated)
{
	if (o->country[0] && !stated->has_country) {
		memcpy(stated->country, o->country, sizeof stated->country);
		stated->has_country = true;
	}
	if (o->has_asn && o->asn && !stated->has_asn) {
		stated->asn = o->asn;
		stated->has_asn = true;
	}
}

/* ::/0 speaks of IPv6 only, although our IPv4 addresses lie inside it. */
static bool
covers(const struct prefix *network, const struct addr *a)
{
	return prefix_covers(network, a) && (network->len >= V4_BASE || !addr_is_v4(a));
}

unsigned
geo_overrides_find(const struct geo_overrides *o, const struct addr *a, struct geo_stated *stated, int *ret_longest)
{
	size_t next = count_up_to(o, a);
	unsigned valid = 0;

	*ret_longest = -1;
	if (next < o->n)
		valid = common_bits(&o->list[next].o.network.addr, a) + 1;
	for (int i = (int)next - 1; i >= 0; i = o->list[i].around) {
		const struct prefix *network = &o->list[i].o.network;
		if (!covers(network, a)) {
			valid = larger(valid, common_bits(&network->addr, a) + 1);
			continue;
		}
		valid = larger(valid, network->len);
		if (*ret_longest < 0)
			*ret_longest = network->len;
		state(&o->list[i].o, stated);
	}
	return valid;
}
