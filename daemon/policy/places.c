/* SPDX-License-Identifier: GPL-2.0-or-later */
/* geo: – which databases are asked, and where they are wrong. */
#include <string.h>

#include "loader.h"

static const char *const usual_database[] = {"/var/lib/location/database.db"};

struct geo_draft {
	struct vec country, asn; /* const char * */
	struct vec overrides;	 /* struct geo_override */
	uint32_t warn_older_s;
};

struct path_list {
	struct vec *paths;
};

static void
load_path(struct loader *l, const struct node *value, void *into)
{
	struct path_list *list = into;
	const char *path;
	if (!read_path(l, value, &path))
		return;
	if (list->paths->n == GEO_DATABASES_MAX) {
		load_error(l, value, "E115", "more than %d databases", GEO_DATABASES_MAX);
		return;
	}
	const char **slot = vec_push(&l->p->region, list->paths, sizeof(*slot));
	if (slot)
		*slot = path;
}

static void
load_country_paths(struct loader *l, const struct node *value, void *into)
{
	load_each(l, value, load_path, &(struct path_list){&((struct geo_draft *)into)->country});
}

static void
load_asn_paths(struct loader *l, const struct node *value, void *into)
{
	load_each(l, value, load_path, &(struct path_list){&((struct geo_draft *)into)->asn});
}

struct override_draft {
	struct geo_override o;
	bool has_network;
};

static void
load_override_network(struct loader *l, const struct node *value, void *into)
{
	struct override_draft *d = into;
	d->has_network = read_prefix(l, value, &d->o.network);
}

static void
load_override_country(struct loader *l, const struct node *value, void *into)
{
	read_country(l, value, ((struct override_draft *)into)->o.country);
}

static void
load_override_asn(struct loader *l, const struct node *value, void *into)
{
	struct override_draft *d = into;
	d->o.has_asn = read_asn(l, value, &d->o.asn);
}

static void
load_override(struct loader *l, const struct node *value, void *into)
{
	static const struct field fields[] = {{"network", load_override_network, FIELD_REQUIRED},
					      {"country", load_override_country, 0},
					      {"asn", load_override_asn, 0}};
	static const struct schema schema = {"an override", fields, 3, 0};
	struct geo_draft *g = into;
	struct override_draft d = {0};
	load_map(l, value, &schema, &d);
	if (value->kind == NODE_MAP && !node_get(value, "country") && !node_get(value, "asn"))
		load_error(l, value, "E140", "this override says neither a country nor an asn");
	if (g->overrides.n == GEO_OVERRIDES_MAX) {
		load_error(l, value, "E115", "more than %d overrides", GEO_OVERRIDES_MAX);
		return;
	}
	struct geo_override *slot =
		d.has_network ? vec_push(&l->p->region, &g->overrides, sizeof(*slot)) : NULL;
	if (slot)
		*slot = d.o;
}

static void
load_overrides(struct loader *l, const struct node *value, void *into)
{
	if (!expect_list(l, value, "overrides"))
		return;
	for (const struct node *n = value->first; n; n = n->next)
		load_override(l, n, into);
}

static void
load_warn_older(struct loader *l, const struct node *value, void *into)
{
	uint64_t ms;
	if (!read_duration(l, value, &ms))
		return;
	if (ms / 1000 > UINT32_MAX)
		load_error(l, value, "E127", "\"%.64s\" is too long", value->text);
	else
		((struct geo_draft *)into)->warn_older_s = (uint32_t)(ms / 1000);
}

void
geo_defaults(struct loader *l)
{
	enum { WARN_OLDER_S = 45 * 86400 };
	struct geo_config *g = &l->p->geo;
	g->country = g->asn = usual_database;
	g->n_country = g->n_asn = 1;
	g->warn_older_s = WARN_OLDER_S;
}

void
load_geo(struct loader *l, const struct node *value, void *into)
{
	static const struct field fields[] = {{"country", load_country_paths, 0},
					      {"asn", load_asn_paths, 0},
					      {"overrides", load_overrides, 0},
					      {"warn-older-than", load_warn_older, 0}};
	static const struct schema schema = {"geo", fields, 4, 0};
	struct geo_config *g = &l->p->geo;
	(void)into;
	geo_defaults(l);
	struct geo_draft d = {.warn_older_s = g->warn_older_s};
	load_map(l, value, &schema, &d);
	if (d.country.n) {
		g->country = d.country.items;
		g->n_country = d.country.n;
	}
	if (d.asn.n) {
		g->asn = d.asn.items;
		g->n_asn = d.asn.n;
	}
	g->overrides = d.overrides.items;
	g->n_overrides = d.overrides.n;
	g->warn_older_s = d.warn_older_s;
}
