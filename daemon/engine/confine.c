/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See confine.h. Rules are for directories, because files are replaced by renaming; links are followed once, at the start. */
#include "confine.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "policy.h"

enum {
	PLACES = 64, /* every path gives two at most */
	BYTES_A_FLOW = 4096,
};

static const uint64_t base_bytes = UINT64_C(3) << 30; /* two policies with all their lists, history and outputs at a time */

struct confine {
	struct sandbox_path place[PLACES]; /* paths without links; freed with it */
	size_t n;
};

/* Time zones and the databases of packages; where those that keep them fresh put them. Nothing here is anybody's secret. */
static const char *const usual[] = {"/usr/share/any", "/var/lib/GeoIP/any", "/var/lib/location/any"};

void
confine_free(struct confine *c)
{
	for (size_t i = 0; c && i < c->n; i++)
		free((char *)c->place[i].path);
	free(c);
}

/* What does not exist gets no rule: it cannot be opened either. Takes over the path. */
static void
add(struct confine *c, char *path, unsigned access)
{
	if (path && c->n < PLACES)
		c->place[c->n++] = (struct sandbox_path){path, access};
	else
		free(path);
}

/* Where a rule for the whole directory would give everything away, the file stands for itself. */
static bool
is_too_much(const char *dir)
{
	return strcmp(dir, "/") == 0 || strcmp(dir, "/dev") == 0 || strcmp(dir, "/etc") == 0 || strncmp(dir, "/proc", 5) == 0 ||
	       strncmp(dir, "/sys", 4) == 0;
}

/* "/" for "/a", "." for "a". False: it is too long, or there is nothing above. */
static bool
above(const char *path, char dir[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int len = slash ? (int)(slash - path) + (slash == path) : 1;

	return strcmp(path, "/") != 0 && strcmp(path, ".") != 0 && snprintf(dir, PATH_MAX, "%.*s", len, slash ? path : ".") < PATH_MAX;
}

/*
 * The directory of a file, or the file. A database may be installed later, its directory included: then what is to be read is the nearest
 * directory that is there. A log's directory must be there.
 */
static void
add_around(struct confine *c, const char *file, unsigned access)
{
	char dir[PATH_MAX], upper[PATH_MAX];
	char *real = NULL;

	if (!above(file, dir))
		return;
	while (!(real = realpath(dir, NULL)) && access == SANDBOX_READ && errno == ENOENT && above(dir, upper))
		memcpy(dir, upper, sizeof dir);
	if (real && is_too_much(real)) {
		free(real);
		real = realpath(file, NULL);
	}
	add(c, real, access);
}

static void
add_file(struct confine *c, const char *path, unsigned access)
{
	char *real = realpath(path, NULL);

	add_around(c, path, access);
	if (real)
		add_around(c, real, access);
	free(real);
}

static struct confine *
collect(const struct engine *e, const struct policy *p)
{
	struct confine *c = calloc(1, sizeof *c);
	struct geo_config geo;
	size_t n;

	if (!c)
		return NULL;
	add(c, realpath(e->state_dir, NULL), SANDBOX_OWN);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		add_around(c, usual[i], SANDBOX_READ);
	policy_geo(p, &geo);
	for (size_t i = 0; i < geo.n_country; i++)
		add_file(c, geo.country[i], SANDBOX_READ);
	for (size_t i = 0; i < geo.n_asn; i++)
		add_file(c, geo.asn[i], SANDBOX_READ);
	const struct policy_output *out = policy_outputs(p, &n);
	for (size_t i = 0; i < n; i++)
		if (out[i].kind == OUTPUT_EVE)
			add_file(c, out[i].path, SANDBOX_APPEND);
	return c;
}

static bool
covers(const struct sandbox_path *have, const struct sandbox_path *want)
{
	size_t len = strlen(have->path);

	/* What appends reads, what owns appends. */
	return want->access <= have->access && strncmp(have->path, want->path, len) == 0 &&
	       (want->path[len] == '\0' || want->path[len] == '/');
}

static bool
is_covered(const struct confine *c, const struct sandbox_path *want)
{
	for (size_t i = 0; i < c->n; i++)
		if (covers(&c->place[i], want))
			return true;
	return false;
}

static bool
compare(struct engine *e, const struct confine *want)
{
	for (size_t i = 0; i < want->n; i++) {
		if (is_covered(e->confine, &want->place[i]))
			continue;
		snprintf(e->refused, sizeof e->refused,
			 "%.300s is outside of what the sandbox has allowed since the start; restart lenscapd to use it",
			 want->place[i].path);
		log_warnx("%s", e->refused);
		return false;
	}
	return true;
}

static bool
give_up(struct engine *e, const struct confine *c, const struct policy *p)
{
	if (sandbox_memory(base_bytes + (uint64_t)policy_options(p)->flows * BYTES_A_FLOW) < 0 ||
	    sandbox_files(c->place, c->n, &e->sandbox.landlock) < 0)
		return false;
	if (e->sandbox.landlock == 0)
		log_warnx("sandbox: this kernel has no Landlock, or it is switched off (lsm=): files are guarded by their permissions alone");
	return true;
}

bool
engine_confine(struct engine *e, const struct policy *p)
{
	if (!e->sandbox.on)
		return true;
	struct confine *c = collect(e, p);
	if (!c)
		return false;
	if (!e->confine && give_up(e, c, p)) {
		e->confine = c;
		return true;
	}
	bool ok = e->confine && compare(e, c);
	confine_free(c);
	return ok;
}
