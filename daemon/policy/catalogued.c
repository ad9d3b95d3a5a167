/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makers and clouds.
 *
 * Whether a far side belongs to a cloud is asked for two reasons. To refuse, whatever points there is enough: a name that DNS gave for
 * this address, a name that the client says, a protocol. To allow, a name must be proved as it must for name:, and weak rows do not count:
 * what a camera says of itself opens no door. So a condition carries on which side it stands.
 */
#include "catalogued.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "loader.h"

enum { CLOUDS_AT_ONCE = 32 };

uint16_t
read_maker(struct loader *l, const struct node *value)
{
	const struct catalogue *c = l->p->catalogue;
	const struct maker *makers;
	const struct brand_row *brands;
	const char *text;
	if (!read_text(l, value, &text))
		return MAKER_UNKNOWN;
	uint16_t maker = catalogue_maker(c, text);
	if (maker != MAKER_UNKNOWN)
		return maker;
	struct diag *g = load_error(l, value, "E146", "no maker has the id \"%.64s\"", text);
	size_t n = catalogue_makers(c, &makers);
	const char **ids = region_alloc(&l->scratch, (n + 1) * sizeof(*ids));
	for (size_t i = 0; ids && i < n; i++)
		ids[i] = makers[i].id;
	if (ids)
		hint_closest(g, text, ids, n);
	if (catalogue_brand(c, text, &brands) && brands->maker != MAKER_UNKNOWN)
		diag_hint(g, "that is a brand; \"%s\" builds for it", makers[brands->maker].id);
	return MAKER_UNKNOWN;
}

void
parse_maker(struct loader *l, const struct node *value, struct vec *items)
{
	const struct maker *makers;
	size_t n = catalogue_makers(l->p->catalogue, &makers);
	uint16_t wanted = read_maker(l, value);
	for (size_t i = 0; wanted != MAKER_UNKNOWN && i < n; i++) {
		uint16_t *item = catalogue_maker_is(l->p->catalogue, (uint16_t)i, wanted)
					 ? vec_push(&l->p->region, items, sizeof(*item))
					 : NULL;
		if (item)
			*item = (uint16_t)i;
	}
}

static int
order_maker(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

bool
match_maker(const struct condition *c, const struct facts *f)
{
	return f->maker != MAKER_UNKNOWN && bsearch(&f->maker, c->items, c->n, sizeof(f->maker), order_maker);
}

bool
match_covered(const struct condition *c, const struct facts *f)
{
	return *(const uint8_t *)c->items == f->covered;
}

bool
match_unmasked(const struct condition *c, const struct facts *f)
{
	return *(const uint8_t *)c->items == f->unmasked;
}

void
parse_cloud(struct loader *l, const struct node *value, struct vec *items)
{
	const struct catalogue *c = l->p->catalogue;
	const struct cloud *clouds;
	const char *text;
	if (!read_text(l, value, &text))
		return;
	uint16_t cloud = catalogue_cloud(c, text);
	if (cloud == CLOUD_NONE) {
		struct diag *g = load_error(l, value, "E147", "no cloud has the id \"%.64s\"", text);
		size_t n = catalogue_cloud_list(c, &clouds);
		const char **ids = region_alloc(&l->scratch, (n + 1) * sizeof(*ids));
		for (size_t i = 0; ids && i < n; i++)
			ids[i] = clouds[i].id;
		if (ids)
			hint_closest(g, text, ids, n);
		return;
	}
	struct cloud_item *item = vec_push(&l->p->region, items, sizeof(*item));
	if (item) {
		item->catalogue = c;
		item->cloud = cloud;
	}
}

int
order_cloud(const void *a, const void *b)
{
	return ((const struct cloud_item *)a)->cloud - ((const struct cloud_item *)b)->cloud;
}

/* Facts with which any of these clouds may be recognised. */
static uint32_t
needs_of(const struct condition *c)
{
	const struct cloud_item *items = c->items;
	const struct cloud *clouds;
	uint32_t needs = 0;
	catalogue_cloud_list(items->catalogue, &clouds);
	for (size_t i = 0; i < c->n; i++) {
		const struct cloud *cloud = &clouds[items[i].cloud];
		needs |= cloud->by_name ? FACT_NAME | FACT_ECH : 0;
		needs |= cloud->by_protocol ? FACT_PROTOCOL : 0;
		needs |= cloud->by_port ? FACT_PROTOCOL | FACT_NAME | FACT_ECH : 0;
		needs |= cloud->by_asn ? FACT_PLACE : 0;
	}
	return needs;
}

/* The name that the client says in clear; NULL when it says none, or none that means anything. */
static const char *
said(const struct facts *f)
{
	bool clear = f->known & FACT_NAME && !(f->known & FACT_ECH && f->ech);
	return clear ? f->name : NULL;
}

static bool
is_bound(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_bound; i++)
		if (strcmp(f->bound[i], name) == 0)
			return true;
	return false;
}

/* The names that count. Where only proved ones do, a client that names its server is at that server and at no other of this address. */
static size_t
names_of(const struct facts *f, bool claims, const char *names[FACTS_BOUND + 1])
{
	const char *own = said(f);
	size_t n = 0;
	for (size_t i = 0; (claims || !own) && i < f->n_bound; i++)
		names[n++] = f->bound[i];
	if (own && (claims || is_bound(f, own)))
		names[n++] = own;
	return n;
}

static bool
recognised(const struct condition *c, const struct facts *f, bool claims)
{
	const struct cloud_item *items = c->items;
	const char *names[FACTS_BOUND + 1];
	struct cloud_answer answers[CLOUDS_AT_ONCE];
	struct cloud_question q = {
		.names = names,
		.n_names = names_of(f, claims, names),
		.protocol = f->known & FACT_PROTOCOL ? f->protocol : NULL,
		.proto = f->proto,
		.port = f->inbound ? 0 : f->port,
		.asn = f->known & FACT_PLACE ? f->place.asn : 0,
		.remote = f->remote,
		.special = f->known & FACT_PLACE && f->place.special != SPECIAL_NONE,
	};
	size_t n = catalogue_clouds_of(items->catalogue, &q, answers, CLOUDS_AT_ONCE);
	for (size_t i = 0; i < n; i++) {
		struct cloud_item key = {.cloud = answers[i].cloud};
		if ((claims || !answers[i].weak) && bsearch(&key, items, c->n, sizeof(key), order_cloud))
			return true;
	}
	return false;
}

/*
 * To refuse, the first sign decides. To allow, a name that DNS bound waits for what the client will say; and where none is bound, none
 * that it says will be proved.
 */
enum answer
answer_cloud(const struct condition *c, const struct facts *f, struct look *look)
{
	bool claims = c->claims || look->claims;
	uint32_t needs = needs_of(c), open = needs & ~f->known;
	bool hit = recognised(c, f, claims);
	look->used |= needs;
	if (!claims && !hit)
		open &= ~(uint32_t)(FACT_NAME | FACT_ECH);
	if (!open || (hit && claims))
		return hit ? ANSWER_YES : ANSWER_NO;
	look->missing |= open;
	return ANSWER_UNKNOWN;
}
