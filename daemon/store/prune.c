/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes room: age, number, and the size of the file. Each step is bounded, so that writing goes on between them. */
#include "store_private.h"

enum { DAY_S = 86400, RUNS_KEPT = 1000 };

void
prune_measure(struct database *d)
{
	int64_t pages = database_number(d, S_PAGES);

	if (pages >= 0)
		d->bytes = (uint64_t)(pages * d->page_bytes);
}

static uint64_t
used_bytes(struct database *d)
{
	int64_t free_pages = database_number(d, S_FREE_PAGES);
	uint64_t unused = free_pages > 0 ? (uint64_t)(free_pages * d->page_bytes) : 0;

	return d->bytes > unused ? d->bytes - unused : 0;
}

/* Rows that are gone; an error counts as none, the transaction's next write will meet it. */
static int
delete_with(struct database *d, enum statement s, int64_t value, bool takes)
{
	if (takes)
		sqlite3_bind_int64(d->statement[s], 1, value);
	return database_step(d, s) == SQLITE_DONE ? sqlite3_changes(d->writer) : 0;
}

/* The oldest history first; only where there is none left, what is known of devices. */
static int
make_room(struct database *d)
{
	static const enum statement first[] = {S_CROWDED_FLOWS, S_CROWDED_FLOW}, last[] = {S_CROWDED_DESTINATIONS, S_CROWDED_EVIDENCE};
	int n = 0;

	for (size_t i = 0; i < 2; i++)
		n += delete_with(d, first[i], 0, false);
	for (size_t i = 0; i < 2 && n == 0; i++)
		n += delete_with(d, last[i], 0, false);
	return n;
}

static void
vacuum(struct database *d)
{
	while (database_step(d, S_VACUUM) == SQLITE_ROW)
		;
}

bool
prune_step(struct database *d, int64_t wall_s)
{
	int64_t oldest_s = wall_s - (int64_t)d->limits.days * DAY_S;
	int n = delete_with(d, S_OLD_FLOWS, oldest_s, true);

	n += delete_with(d, S_OLD_FLOW, oldest_s * 1000000, true);
	n += delete_with(d, S_MANY_FLOW, STORE_FLOWS, true);
	n += delete_with(d, S_MANY_EVENTS, STORE_EVENTS, true);
	n += delete_with(d, S_MANY_RUNS, RUNS_KEPT, true);
	prune_measure(d);
	if (d->bytes > d->limits.bytes && used_bytes(d) > d->limits.bytes - d->limits.bytes / 16)
		n += make_room(d);
	if (d->bytes > d->limits.bytes - d->limits.bytes / 16)
		vacuum(d);
	return n > 0;
}
