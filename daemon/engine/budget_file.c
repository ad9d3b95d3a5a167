/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STATE/budgets: a line that names the format, then a row a line: who, key of the limit, period, used, told. Written beside and renamed,
 * without waiting for the disk; at most once a second, and more rarely where there are many.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "budget_private.h"
#include "engine.h"
#include "log.h"

#define SECOND UINT64_C(1000000000)

static const char first_line[] = "lenscap-budgets 1\n";

enum {
	LINE = 160,
	MANY = 500, /* rows */
	MANY_S = 10,
};

static bool
write_row(FILE *f, const struct budget *row)
{
	char who[ADDR_TEXT];

	if (row->key.by_address)
		addr_print(&row->key.addr, who);
	else
		mac_print(&row->key.mac, who);
	return fprintf(f, "%s %016" PRIx64 " %" PRId64 " %" PRIu64 " %d\n", who, row->key.limit, row->period, row->used, row->told) > 0;
}

static bool
write_all(const struct budgets *b, int fd)
{
	FILE *f = fdopen(fd, "w");
	bool ok = f && fputs(first_line, f) >= 0;

	if (!f)
		close(fd);
	for (uint32_t i = 1; ok && i <= b->highest; i++)
		if (b->rows[i].serial)
			ok = write_row(f, &b->rows[i]);
	return f && fclose(f) == 0 && ok;
}

/* One complaint a failure, not one a second. */
static void
complain(struct budgets *b, const char *path)
{
	if (!b->failed)
		log_warn("%s: what devices have used of their limits is not kept", path);
	b->failed = true;
}

void
budget_save(struct engine *e, bool now)
{
	struct budgets *b = e->budgets;
	uint64_t gap = b->count > MANY ? MANY_S * SECOND : SECOND;
	char path[512], fresh[520];

	if (!b->dirty || e->offline || !e->state_dir || (!now && b->saved_ns && e->now.mono_ns - b->saved_ns < gap))
		return;
	b->saved_ns = e->now.mono_ns;
	if ((size_t)snprintf(path, sizeof path, "%s/budgets", e->state_dir) >= sizeof path)
		return;
	snprintf(fresh, sizeof fresh, "%s.new", path);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 || !write_all(b, fd) || rename(fresh, path) < 0) {
		complain(b, path);
		return;
	}
	b->failed = b->dirty = false;
}

static bool
read_row(const char *line, struct budget *ret)
{
	char who[64];
	int told, end = 0;

	memset(ret, 0, sizeof *ret);
	if (sscanf(line, "%63s %16" SCNx64 " %20" SCNd64 " %20" SCNu64 " %1d%n", who, &ret->key.limit, &ret->period, &ret->used, &told, &end) != 5 ||
	    line[end] != '\n')
		return false;
	ret->told = ret->over = told != 0;
	ret->key.by_address = !mac_parse(who, &ret->key.mac);
	return !ret->key.by_address || addr_parse(who, &ret->key.addr);
}

/* One that stands twice counts once: the file may have been edited. */
static bool
take_row(struct budgets *b, const char *line)
{
	struct budget read, *row;

	if (!read_row(line, &read) || budget_find(b, &read.key))
		return false;
	row = budget_make(b, &read.key);
	if (!row)
		return false;
	row->period = read.period;
	row->used = read.used;
	row->told = read.told;
	row->over = read.over;
	return true;
}

void
budget_load(struct engine *e)
{
	char path[512], line[LINE];
	unsigned bad = 0;

	if (e->offline || !e->state_dir || (size_t)snprintf(path, sizeof path, "%s/budgets", e->state_dir) >= sizeof path)
		return;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f) {
		if (fd >= 0)
			close(fd);
		if (errno != ENOENT)
			log_warn("%s", path);
		return;
	}
	if (!fgets(line, sizeof line, f) || strcmp(line, first_line) != 0) {
		log_warnx("%s is not a list of budgets: every budget begins anew", path);
	} else {
		for (unsigned i = 0; i < BUDGET_ROWS && fgets(line, sizeof line, f); i++)
			bad += !take_row(e->budgets, line);
		if (bad)
			log_warnx("%s: %u lines make no sense", path, bad);
	}
	fclose(f);
}
