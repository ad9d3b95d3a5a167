/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening the databases: copy, recognise, open, judge, tell. Whatever is wrong with one ends as its row's state and problem;
 * the others do not notice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "geo_private.h"
#include "log.h"

enum { DAY_S = 86400 };

/* The end of 9999: a file that claims to be from later is lying. */
static const int64_t built_max_s = 253402300799;

void
geo_text(const char *text, size_t len, char *out, size_t cap)
{
	size_t n = len < cap - 1 ? len : cap - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	out[n] = 0;
}

static void
print_date(int64_t t, char out[16])
{
	struct tm tm;
	time_t when = (time_t)t;

	if (!gmtime_r(&when, &tm) || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		out[0] = 0;
}

static void
file_unref(struct geo_file *f)
{
	if (!f || --f->refs)
		return;
	f->reader->close(f->opened.handle);
	free(f);
}

/* The file behind this path when it is what `previous` has open; its problem was none. */
static struct geo_file *
file_share(const struct geo *previous, const char *path)
{
	struct geo_identity now;

	for (size_t i = 0; previous && i < previous->n; i++) {
		struct geo_file *f = previous->sources[i].file;
		if (!f || strcmp(previous->sources[i].path, path) != 0 || !geo_identify(path, &now) ||
		    memcmp(&f->identity, &now, sizeof now) != 0)
			continue;
		f->refs++;
		return f;
	}
	return NULL;
}

static struct geo_file *
file_open(const char *path, const struct geo_config *config, enum geo_state *ret_state, char *problem)
{
	static const struct geo_reader *const readers[] = {&geo_libloc, &geo_mmdb, NULL};
	struct geo_file *f = calloc(1, sizeof *f);
	int fd = f ? geo_copy(path, config->copy_dir, &f->identity, problem) : -1;
	int opened = -1;

	*ret_state = fd < 0 && (errno == ENOENT || errno == ENOTDIR) ? GEO_MISSING : GEO_BROKEN;
	if (fd >= 0) {
		snprintf(problem, GEO_PROBLEM_TEXT, "is neither an MMDB file nor a libloc database; it may be truncated");
		for (size_t i = 0; readers[i]; i++)
			if (readers[i]->recognises(fd, f->identity.size)) {
				f->reader = readers[i];
				break;
			}
		if (f->reader)
			opened = f->reader->open(fd, &f->opened, problem);
		close(fd);
	}
	if (opened != 0) {
		free(f);
		return NULL;
	}
	problem[0] = 0;
	f->refs = 1;
	if (f->opened.built_s < 0 || f->opened.built_s > built_max_s)
		f->opened.built_s = 0;
	return f;
}

/* A file that has nothing of what its list is for helps nobody; say so, and which list. */
static enum geo_state
judge_lists(struct geo_source *s)
{
	bool country = s->wants_country && !s->opened.has_country, asn = s->wants_asn && !s->opened.has_asn;

	if (!country && !asn)
		return GEO_OK;
	snprintf(s->problem, sizeof s->problem, "is listed for %s but has none; take it off that list",
		 country && asn ? "countries and AS numbers" : country ? "countries" : "AS numbers");
	bool useful = (s->wants_country && s->opened.has_country) || (s->wants_asn && s->opened.has_asn);
	return useful ? GEO_OK : GEO_BROKEN;
}

static enum geo_state
judge_age(struct geo_source *s, int64_t now_s, uint32_t warn_older_s)
{
	int64_t age = now_s - s->opened.built_s;
	char date[16];

	if (warn_older_s == 0 || s->opened.built_s == 0 || age <= (int64_t)warn_older_s)
		return GEO_OK;
	print_date(s->opened.built_s, date);
	snprintf(s->problem, sizeof s->problem, "is of %s, %lld days old; update it", date, (long long)(age / DAY_S));
	return GEO_STALE;
}

static enum geo_state
open_source(struct geo_source *s, const struct geo_config *config, int64_t now_s)
{
	enum geo_state state = GEO_OK;

	s->file = file_share(config->previous, s->path);
	if (!s->file)
		s->file = file_open(s->path, config, &state, s->problem);
	if (!s->file)
		return state;
	s->reader = s->file->reader;
	s->opened = s->file->opened;
	state = judge_lists(s);
	if (state == GEO_OK)
		state = judge_age(s, now_s, config->warn_older_s);
	if (state == GEO_BROKEN) {
		s->reader = NULL;
		s->opened.has_country = s->opened.has_asn = false;
	}
	return state;
}

static void
name_source(struct geo_source *s)
{
	char date[16] = "";

	if (s->opened.built_s)
		print_date(s->opened.built_s, date);
	snprintf(s->name, sizeof s->name, "%s%s%s", s->opened.type, date[0] ? " " : "", date);
}

static void
log_source(const struct geo_source *s, enum geo_state state)
{
	if (state == GEO_OK || state == GEO_STALE)
		log_info("geo: %s: %s, %s: reading %s", s->path, s->reader->kind, s->name, s->opened.mapping);
	if (s->problem[0])
		log_warnx("geo: %s %s", s->path, s->problem);
}

static void
fill_row(struct geo_database *row, const struct geo_source *s, enum geo_state state)
{
	*row = (struct geo_database){
		.path = s->path,
		.state = state,
		.kind = s->reader ? s->reader->kind : "",
		.type = s->opened.type,
		.mapping = s->opened.mapping,
		.problem = s->problem,
		.built_s = s->opened.built_s,
		.has_country = s->opened.has_country,
		.has_asn = s->opened.has_asn,
	};
}

/* Adds the path if it is new; its index, or -1 when memory is short. */
static int
add_path(struct geo *g, const char *path)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->sources[i].path, path) == 0)
			return (int)i;
	g->sources[g->n].path = strdup(path);
	return g->sources[g->n].path ? (int)g->n++ : -1;
}

static int
add_list(struct geo *g, const char *const *paths, size_t n, bool country)
{
	uint8_t *order = country ? g->country : g->asn;
	size_t *ret_n = country ? &g->n_country : &g->n_asn;

	if (n > GEO_DATABASES_MAX)
		log_warnx("geo: %zu databases are listed for %s, the first %d are used", n, country ? "countries" : "AS numbers",
			  GEO_DATABASES_MAX);
	for (size_t i = 0; i < n && i < GEO_DATABASES_MAX; i++) {
		int index = add_path(g, paths[i]);
		if (index < 0)
			return -1;
		*(country ? &g->sources[index].wants_country : &g->sources[index].wants_asn) = true;
		order[(*ret_n)++] = (uint8_t)index;
	}
	return 0;
}

void
geo_tell(const struct geo *g)
{
	for (size_t i = 0; i < g->n; i++)
		log_source(&g->sources[i], g->rows[i].state);
}

struct geo *
geo_open(const struct geo_config *config, int64_t now_s)
{
	struct geo *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	g->warn_older_s = config->warn_older_s;
	g->cache = geo_cache_new();
	g->overrides = geo_overrides_new(config->overrides, config->n_overrides);
	if (!g->cache || !g->overrides || add_list(g, config->country, config->n_country, true) != 0 ||
	    add_list(g, config->asn, config->n_asn, false) != 0) {
		geo_close(g);
		return NULL;
	}
	for (size_t i = 0; i < g->n; i++) {
		struct geo_source *s = &g->sources[i];
		enum geo_state state = open_source(s, config, now_s);
		name_source(s);
		if (!config->quiet && (!s->file || s->file->refs == 1))
			log_source(s, state);
		fill_row(&g->rows[i], s, state);
	}
	return g;
}

bool
geo_age(struct geo *g, int64_t now_s)
{
	bool became = false;

	for (size_t i = 0; i < g->n; i++) {
		if (g->rows[i].state != GEO_OK || judge_age(&g->sources[i], now_s, g->warn_older_s) == GEO_OK)
			continue;
		g->rows[i].state = GEO_STALE;
		became = true;
	}
	return became;
}

void
geo_close(struct geo *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++) {
		file_unref(g->sources[i].file);
		free(g->sources[i].path);
	}
	geo_overrides_free(g->overrides);
	geo_cache_free(g->cache);
	free(g);
}
