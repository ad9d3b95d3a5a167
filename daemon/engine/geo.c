/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an address is: whom to believe. Overrides come first, then the special-purpose registries, then the databases in the
 * owner's order. Its one invariant: place.prefix_len is the longest prefix that any of them had to look at, so that every
 * address under it has the very same answer, and the cache may say so.
 */
#include "geo.h"

#include "../policy/countries.h"
#include "geo_private.h"

/*
 * A code that ISO has not assigned is no country: EU, AP, A1, XK stand in files for "somewhere there". Kept, it would be
 * neither in anybody's list of countries nor unknown, and so slip between the two.
 */
static void
drop_unassigned(char code[3])
{
	if (code[0] && !country_find(code))
		code[0] = 0;
}

/* Asks every database, so that anycast is known whoever says it. Returns the longest prefix looked at. */
static unsigned
ask_all(struct geo *g, const struct addr *a, struct geo_answer answers[GEO_SOURCES_MAX])
{
	unsigned len = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct geo_answer *r = &answers[i];
		*r = (struct geo_answer){0};
		if (!g->sources[i].reader)
			continue;
		g->sources[i].reader->lookup(g->sources[i].opened.handle, a, r);
		drop_unassigned(r->country);
		drop_unassigned(r->registered);
		g->rows[i].errors += r->error;
		len = larger(len, r->prefix_len);
	}
	return len;
}

static void
take_code(char to[3], const char from[3])
{
	if (!to[0])
		memcpy(to, from, 3);
}

/* The first that knows the country wins, continent and all; until then the others' hints are taken. */
static void
choose_country(const struct geo *g, const struct geo_answer *answers, struct place *p)
{
	for (size_t i = 0; i < g->n_country && !p->country[0]; i++) {
		const struct geo_answer *r = &answers[g->country[i]];
		take_code(p->registered, r->registered);
		if (r->country[0]) {
			memcpy(p->country, r->country, 3);
			memcpy(p->continent, r->continent, 3);
			p->country_source = (uint8_t)(GEO_SOURCE_DB + g->country[i]);
		}
		take_code(p->continent, r->continent);
	}
}

static void
choose_asn(const struct geo *g, const struct geo_answer *answers, struct place *p)
{
	for (size_t i = 0; i < g->n_asn && !p->asn; i++)
		if (answers[g->asn[i]].asn) {
			p->asn = answers[g->asn[i]].asn;
			p->asn_source = (uint8_t)(GEO_SOURCE_DB + g->asn[i]);
		}
}

/* Returns the longest prefix looked at. */
static unsigned
ask_databases(struct geo *g, const struct addr *a, struct place *p)
{
	struct geo_answer answers[GEO_SOURCES_MAX];
	unsigned len = ask_all(g, a, answers);

	choose_country(g, answers, p);
	choose_asn(g, answers, p);
	for (size_t i = 0; i < g->n; i++)
		p->anycast |= answers[i].anycast;
	return len;
}

static void
apply_overrides(const struct geo_stated *stated, struct place *p)
{
	if (stated->has_country) {
		memcpy(p->country, stated->country, 3);
		p->continent[0] = 0;
		p->country_source = GEO_SOURCE_OVERRIDE;
	}
	if (stated->has_asn) {
		p->asn = stated->asn;
		p->asn_source = GEO_SOURCE_OVERRIDE;
	}
}

static void
complete_continent(struct place *p)
{
	const struct country *c = p->continent[0] || !p->country[0] ? NULL : country_find(p->country);

	if (c)
		memcpy(p->continent, c->continent, 3);
}

/* What registries and overrides say of an address, before any database is asked. */
struct view {
	struct addr asked; /* the address itself, or the one that it embeds */
	struct geo_block block;
	struct geo_stated stated;
	bool ordinary; /* an override inside the block makes it so */
	unsigned base; /* bit of the address at which `asked` stands; 0: it is the address */
	unsigned len;  /* bits of the address that were looked at */
};

static void
looked_at(struct view *v, unsigned len_of_asked)
{
	v->len = larger(v->len, v->base ? v->base + larger(len_of_asked, V4_BASE) - V4_BASE : len_of_asked);
}

static void
apply_block(struct view *v)
{
	geo_block(&v->asked, &v->block);
	looked_at(v, v->block.valid_len);
}

static void
find_overrides(const struct geo *g, struct view *v)
{
	int longest;

	looked_at(v, geo_overrides_find(g->overrides, &v->asked, &v->stated, &longest));
	v->ordinary |= longest >= 0 && longest >= v->block.len;
}

/* An address that embeds another is where that one is; what the owner says of either counts, of the inner one first. */
static void
view_address(const struct geo *g, const struct addr *a, struct view *v)
{
	*v = (struct view){.asked = *a};
	apply_block(v);
	struct view outer = *v;
	if (outer.block.embeds) {
		v->base = outer.block.embeds;
		geo_embedded(a, v->base, &v->asked);
		apply_block(v);
		find_overrides(g, v);
		outer.len = v->len;
		outer.stated = v->stated;
	}
	find_overrides(g, &outer);
	v->len = outer.len;
	v->stated = outer.stated;
	v->ordinary |= outer.ordinary;
}

static void
resolve(struct geo *g, const struct addr *a, struct place *p)
{
	struct view v;

	*p = (struct place){0};
	view_address(g, a, &v);
	if (v.block.special != SPECIAL_NONE && !v.ordinary) {
		p->special = (uint8_t)v.block.special;
		p->country_source = p->asn_source = GEO_SOURCE_SPECIAL;
	} else {
		if (!v.block.nowhere)
			looked_at(&v, ask_databases(g, &v.asked, p));
		apply_overrides(&v.stated, p);
		complete_continent(p);
	}
	p->prefix_len = (uint8_t)v.len;
}

void
geo_lookup(struct geo *g, const struct addr *a, struct place *ret_place)
{
	g->stats.lookups++;
	if (geo_cache_get(g->cache, a, ret_place)) {
		g->stats.cached++;
	} else {
		resolve(g, a, ret_place);
		geo_cache_put(g->cache, a, ret_place);
	}
	if (ret_place->special == SPECIAL_NONE && !ret_place->country[0])
		g->stats.unknown++;
}

void
geo_ask(struct geo *g, size_t database, const struct addr *a, struct geo_said *ret)
{
	struct geo_answer r = {0};
	struct addr asked = *a;
	struct geo_block b;

	*ret = (struct geo_said){0};
	if (database >= g->n || !g->sources[database].reader)
		return;
	geo_block(a, &b);
	if (b.embeds)
		geo_embedded(a, b.embeds, &asked);
	g->sources[database].reader->lookup(g->sources[database].opened.handle, &asked, &r);
	g->rows[database].errors += r.error;
	memcpy(ret->country, r.country, sizeof ret->country);
	memcpy(ret->registered, r.registered, sizeof ret->registered);
	memcpy(ret->continent, r.continent, sizeof ret->continent);
	ret->anycast = r.anycast;
	ret->asn = r.asn;
}

static void
name_from(const struct geo *g, size_t i, const struct addr *a, uint32_t asn, char *out, size_t cap)
{
	if (i < g->n && g->sources[i].reader)
		g->sources[i].reader->as_name(g->sources[i].opened.handle, a, asn, out, cap);
}

void
geo_as_name(struct geo *g, const struct addr *a, const struct place *p, char *out, size_t cap)
{
	struct addr asked = *a;
	struct geo_block b;

	if (cap == 0)
		return;
	out[0] = 0;
	if (p->asn == 0)
		return;
	geo_block(a, &b);
	if (b.embeds)
		geo_embedded(a, b.embeds, &asked);
	if (p->asn_source >= GEO_SOURCE_DB)
		name_from(g, p->asn_source - GEO_SOURCE_DB, &asked, p->asn, out, cap);
	/* The number may come from a file without names or from an override; whoever knows the number knows the name. */
	for (size_t i = 0; i < g->n_asn && !out[0]; i++)
		name_from(g, g->asn[i], &asked, p->asn, out, cap);
}

const char *
geo_source_name(const struct geo *g, uint8_t source)
{
	switch (source) {
	case GEO_SOURCE_NONE:
		return "none";
	case GEO_SOURCE_SPECIAL:
		return "special";
	case GEO_SOURCE_OVERRIDE:
		return "override";
	}
	return source - GEO_SOURCE_DB < (int)g->n ? g->sources[source - GEO_SOURCE_DB].name : "none";
}

const struct geo_database *
geo_databases(const struct geo *g, size_t *ret_n)
{
	*ret_n = g->n;
	return g->rows;
}

void
geo_stats(const struct geo *g, struct geo_stats *ret_stats)
{
	*ret_stats = g->stats;
}
