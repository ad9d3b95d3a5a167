/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IPFire location database, through libloc: country, AS and its name, anycast. The file is proved sound first
 * (geo_libloc_check.c), and stays mapped here as well, because libloc does not say how far its answer holds.
 */
#include "geo_private.h"

#include <fcntl.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
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
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
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

static void
read_network(struct loc_network *network, struct geo_answer *ret_answer)
{
	const char *code = loc_network_get_country_code(network);

	if (code && strlen(code) == 2)
		memcpy(ret_answer->country, code, 3);
	ret_answer->asn = loc_network_get_asn(network);
	ret_answer->anycast = loc_network_has_flag(network, LOC_NETWORK_FLAG_ANYCAST) != 0;
}

static void
loc_lookup(void *handle, const struct addr *a, struct geo_answer *ret_answer)
{
	struct loc *l = handle;
	/* At a single address libloc looks one bit past it, and keeps what it finds there; so let that be a zero. */
	struct {
		struct in6_addr addr;
		uint64_t beyond;
	} padded = {0};
	struct loc_network *network = NULL;

	memcpy(&padded.addr, a->b, sizeof padded.addr);
	ret_answer->prefix_len = loc_layout_depth(&l->layout, a);
	int r = loc_database_lookup(l->db, &padded.addr, &network);
	if (!network)
		return;
	if (r == 0)
		read_network(network, ret_answer);
	else
		ret_answer->error = true; /* it found a record that it cannot use, and forgot to free it */
	loc_network_unref(network);
}

static void
loc_as_name(void *handle, const struct addr *a, uint32_t asn, char *out, size_t cap)
{
	struct loc *l = handle;
	struct loc_as *as = NULL;

	(void)a;
	if (loc_database_get_as(l->db, &as, asn) != 0 || !as)
		return;
	const char *name = loc_as_get_name(as);
	if (name)
		span_text((struct span){(const uint8_t *)name, strlen(name)}, out, cap);
	loc_as_unref(as);
}

const struct geo_reader geo_libloc = {"libloc", loc_recognises, loc_open, loc_lookup, loc_as_name, loc_close};
