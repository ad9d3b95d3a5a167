/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IPFire location database: country, AS and its name, anycast. The file is proved sound first, then libloc opens it and says what it is;
 * lookups go through our own mapping (geo_libloc_check.c), because libloc's allocate and do not say how far their answer holds.
 */
#include "geo_private.h"

#include <fcntl.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

struct loc {
	struct loc_ctx *ctx;
	struct loc_database *db;
	struct span file;
	struct loc_layout layout;
};

/* It has no place for an argument, and what it says does not name the file: the caller's line does. */
static void
forward_log(struct loc_ctx *ctx, int priority, const char *file, int line, const char *fn, const char *format, va_list args)
	__attribute__((format(printf, 6, 0)));

static void
forward_log(struct loc_ctx *ctx, int priority, const char *file, int line, const char *fn, const char *format, va_list args)
{
	char text[256];

	(void)ctx, (void)priority, (void)file, (void)line;
	vsnprintf(text, sizeof text, format, args);
	log_debug("geo: %s: %s", fn, text);
}

static bool
loc_recognises(int fd, uint64_t size)
{
	char magic[7];

	(void)size;
	return pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic && memcmp(magic, "LOCDBXX", sizeof magic) == 0;
}

static int
map_file(struct loc *l, int fd, const char **ret_problem)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size <= 0) {
		*ret_problem = "cannot be read";
		return -1;
	}
	/* All pages at once: the check is about to read them, and a fault for each would cost as much as the check. */
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED) {
		*ret_problem = "is too large for the memory there is";
		return -1;
	}
	l->file = (struct span){p, (size_t)st.st_size};
	return 0;
}

/* libloc keeps a duplicate of the descriptor. */
static int
open_library(struct loc *l, int fd, const char **ret_problem)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *f = own < 0 ? NULL : fdopen(own, "rb");

	*ret_problem = "cannot be opened by libloc";
	if (!f) {
		if (own >= 0)
			close(own);
		return -1;
	}
	int r = loc_new(&l->ctx);
	if (r == 0) {
		loc_set_log_fn(l->ctx, forward_log);
		loc_set_log_priority(l->ctx, LOG_ERR);
		r = loc_database_new(l->ctx, &l->db, f);
	}
	fclose(f);
	return r == 0 ? 0 : -1;
}

/* The check has read every page; lookups read few. What is let go comes back from the page cache when it is wanted. */
static void
let_pages_go(const struct loc *l)
{
	(void)madvise((void *)l->file.p, l->file.len, MADV_DONTNEED);
}

static void
loc_close(void *handle)
{
	struct loc *l = handle;

	if (l->db)
		loc_database_unref(l->db);
	if (l->ctx)
		loc_unref(l->ctx);
	if (l->file.p)
		munmap((void *)l->file.p, l->file.len);
	free(l);
}

static int
loc_open(int fd, struct geo_opened *ret_opened, char *problem)
{
	struct loc *l = calloc(1, sizeof *l);
	const char *what = "no memory to open it";

	if (!l || map_file(l, fd, &what) != 0 || loc_layout_check(l->file, &l->layout, &what) != 0 ||
	    open_library(l, fd, &what) != 0) {
		snprintf(problem, GEO_PROBLEM_TEXT, "%s", what);
		if (l)
			loc_close(l);
		return -1;
	}
	let_pages_go(l);
	*ret_opened = (struct geo_opened){
		.handle = l,
		.built_s = loc_database_created_at(l->db),
		.has_country = true,
		.has_asn = true,
		.type = "location",
		.mapping = "country code, ASN, anycast flag",
	};
	return 0;
}

/* Our own descent: libloc's allocates for each lookup, and for each step towards a name. */
static void
loc_lookup(void *handle, const struct addr *a, struct geo_answer *ret_answer)
{
	const struct loc *l = handle;
	struct loc_row row;
	uint32_t network;

	ret_answer->prefix_len = loc_layout_find(&l->layout, a, &network);
	if (network == UINT32_MAX)
		return;
	if (!loc_layout_network(&l->layout, network, &row)) {
		ret_answer->error = true;
		return;
	}
	memcpy(ret_answer->country, row.country, sizeof row.country);
	ret_answer->asn = row.asn;
	ret_answer->anycast = (row.flags & LOC_NETWORK_FLAG_ANYCAST) != 0;
}

static void
loc_as_name(void *handle, const struct addr *a, uint32_t asn, char *out, size_t cap)
{
	const struct loc *l = handle;
	struct span name = loc_layout_as_name(&l->layout, asn);

	(void)a;
	if (name.len)
		span_text(name, out, cap);
}

const struct geo_reader geo_libloc = {"libloc", loc_recognises, loc_open, loc_lookup, loc_as_name, loc_close};
